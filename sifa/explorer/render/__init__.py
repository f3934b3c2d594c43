"""What the viewer shows, for files: a list of marks and two painters, pixels (Pillow) and SVG."""
