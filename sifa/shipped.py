"""What comes with this project: sample clips and weights, by the names that people read."""

from pathlib import Path

from sifa.recipes import RECIPES
from sifa.weights import DEFAULT_CHECKPOINT, load_card

ASSETS = DEFAULT_CHECKPOINT.parent


def clips() -> dict[str, Path]:
    """Sample clips by what they show, in the order of their numbers: {"object moves right": file, ...}."""
    files = sorted((ASSETS / "samples").glob("*.mp4"))
    return {file.stem.partition("_")[2].replace("_", " "): file for file in files}


def weights() -> dict[str, Path]:
    """Checkpoints by the title in their card, the default ones first."""
    variants = [ASSETS / "variants" / f"{name}.safetensors" for name in RECIPES]
    return {load_card(file).title: file for file in (DEFAULT_CHECKPOINT, *variants) if file.exists()}
