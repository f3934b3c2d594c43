"""Files <-> models: checkpoints, cards, downloads, conversion."""
