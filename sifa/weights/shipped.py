"""What comes with this project: sample clips and weights, by the names that people read."""

from pathlib import Path

from sifa.video.clip import Clip
from sifa.weights.card import load_card

PACKAGE = Path(__file__).parents[1]
PLACES = PACKAGE / "assets", PACKAGE.parent / "assets"  # in a wheel, in the repository
ASSETS = next(filter(Path.is_dir, PLACES), PLACES[0])
DEFAULT_CHECKPOINT = ASSETS / "sifa_swin_nano_16x64.safetensors"
# in the order that people read them
VARIANTS = "attention", "full", "rigid", "free", "no-gate", "softmax", "conv-only", "no-temporal"


def clips(folder: Path = ASSETS / "samples") -> dict[str, Path]:
    """Sample clips by what they show, in the order of their numbers: {"object moves right": file, ...}."""
    files = sorted(folder.glob("*.mp4"))
    return {file.stem.partition("_")[2].replace("_", " "): file for file in files}


def weights() -> dict[str, Path]:
    """Checkpoints by the title in their card, the default ones first."""
    variants = [ASSETS / "variants" / f"{name}.safetensors" for name in VARIANTS]
    return {load_card(file).title: file for file in (DEFAULT_CHECKPOINT, *variants) if file.exists()}


def sample(title: str) -> Clip:
    """A sample clip by title, sampled as the default weights want it. Raises ValueError for an unknown one."""
    if title not in clips():
        raise ValueError(f"no sample is called {title!r}; there are {', '.join(clips())}")
    card = load_card(DEFAULT_CHECKPOINT)
    return card.read(clips()[title])
