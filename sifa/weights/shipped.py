"""What comes with this project: sample clips and weights, by the names that people read."""

from pathlib import Path

from sifa.video.clip import Clip
from sifa.weights.card import load_card

PACKAGE = Path(__file__).parents[1]
PLACES = PACKAGE / "assets", PACKAGE.parent / "assets"  # in a wheel, in the repository
ASSETS = next(filter(Path.is_dir, PLACES), PLACES[0])
DEFAULT_CHECKPOINT = ASSETS / "sifa_swin_nano_16x128.safetensors"
MOTION_STEM = ASSETS / "sifa_swin_nano_16x64.safetensors"  # the default before, for contrast
# in the order that people read them
VARIANTS = "attention", "full", "rigid", "free", "no-gate", "softmax", "conv-only", "no-temporal"
# in place of what the card says: a file is never written again, since links name it by its digest
TITLES = {
    DEFAULT_CHECKPOINT: "the default: only attention crosses time, two answers",
    MOTION_STEM: "motion in the stem: the default before, whose attention is nearly idle",
}


def clips(folder: Path = ASSETS / "samples") -> dict[str, Path]:
    """Sample clips by what they show, in the order of their numbers: {"object moves right": file, ...}."""
    files = sorted(folder.glob("*.mp4"))
    return {file.stem.partition("_")[2].replace("_", " "): file for file in files}


def title_of(file: Path) -> str:
    """What weights are called in lists: shipped ones as `TITLES` says, with the number of clips that the card names; others by
    the title in their card. Raises WeightsError like `load_card`."""
    card = load_card(file)
    if file not in TITLES:
        return card.title
    return f"{TITLES[file]} ({card.recipe['steps'] * card.recipe['batch'] / 1000:.0f} k clips)"


def weights() -> dict[str, Path]:
    """Checkpoints by their titles: the default ones, then those before, then the variants."""
    variants = [ASSETS / "variants" / f"{name}.safetensors" for name in VARIANTS]
    return {title_of(file): file for file in (DEFAULT_CHECKPOINT, MOTION_STEM, *variants) if file.exists()}


def sample(title: str) -> Clip:
    """A sample clip by title, sampled as the default weights want it. Raises ValueError for an unknown one."""
    if title not in clips():
        raise ValueError(f"no sample is called {title!r}; there are {', '.join(clips())}")
    card = load_card(DEFAULT_CHECKPOINT)
    return card.read(clips()[title])
