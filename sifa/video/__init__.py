"""Pixels: reading, sampling, writing; never a model."""
