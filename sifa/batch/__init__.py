"""Many clips: a row of figures and a trace for each, kept in a folder as they come, and the page over such a folder."""
