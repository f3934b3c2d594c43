"""The network and its operator: torch only; never a file, a card or a pixel."""
