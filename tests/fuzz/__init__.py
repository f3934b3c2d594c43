"""Damaged videos, read: `python -m tests.fuzz --files 700 --seed 1`."""
