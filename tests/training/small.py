"""Runs that take no time: a tiny model, and clips of two classes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from sifa.data.listing import read_listing
from sifa.training.clips import read_clips
from sifa.training.loop import train
from sifa.training.recipes import FINE_TUNING, Recipe
from sifa.weights.card import load_card
from tests.clips import numbered_frames, write_clip

SMALL = Recipe("sifa_swin", dict(img_size=32, num_frames=4, num_classes=24, tubelet=2, embed_dim=8, depths=(2,),
               num_heads=(2,), window_size=4), steps=4, batch=8)  # fmt: skip
OWN = replace(FINE_TUNING, variant="sifa_swin", steps=6, batch=8)


def add_clip(folder: Path, label: str, number: int) -> Path:
    (folder / label).mkdir(parents=True, exist_ok=True)
    write_clip(
        folder / label / f"{number}.mp4", np.roll(numbered_frames(8, 32, 40), number + 7 * (label == "up"), axis=2)
    )
    return folder / label / f"{number}.mp4"


def tune(clips, out, start, recipe=OWN, **options):
    """Train on the user's clips as they are now."""
    return train(recipe, out, start=start, data=read_clips(read_listing(clips), load_card(start)), **options)


def weights(file):
    return {name: value.numpy().tobytes() for name, value in load_file(file).items()}
