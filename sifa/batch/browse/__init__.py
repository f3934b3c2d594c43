"""The page over a folder of many clips: filters, pages of thumbnails, and the explorer of each."""
