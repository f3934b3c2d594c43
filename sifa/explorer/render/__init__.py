"""Pictures of a trace: a list of marks and what paints it."""
