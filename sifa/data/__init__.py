"""Clips to learn from; never the network."""
