"""The packed trace: container, writing, reading, pruning."""
