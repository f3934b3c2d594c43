"""Charts and tables where people read numbers."""
