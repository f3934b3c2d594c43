"""The sample clips that the page offers, with the one that it begins with and the one that the tour is about."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from sifa.weights import shipped
from sifa.weights.download import sha256
from sifa.weights.shipped import DEFAULT_CHECKPOINT

from .inputs import title

SAMPLES = shipped.ASSETS / "samples"
FIRST_CLIP, TOUR_CLIP = "09_cup_slides_over_a_table.mp4", "02_object_moves_right.mp4"


@dataclass(frozen=True)
class Sample:
    """A sample clip, and its packed trace."""

    title: str
    clip: Path
    trace: Path


def find_samples(folder: Path = SAMPLES) -> list[Sample]:
    """The clips of a folder that have a packed trace beside them, in the order of their numbers."""
    found = [Sample(title, clip, clip.with_suffix(".sifa")) for title, clip in shipped.clips(folder).items()]
    return [sample for sample in found if sample.trace.exists()]


def number_of(samples: list[Sample], name: str) -> int:
    """The number of the sample whose file is called so; -1 where there is none."""
    return next((i for i, sample in enumerate(samples) if sample.clip.name == name), -1)


def tour(samples: list[Sample], models: dict[str, Path]) -> tuple[int, str]:
    """The number of the sample that the viewer's tour is about, and the weights' title; -1 where the page lacks either."""
    index = number_of(samples, TOUR_CLIP)
    name = next((name for name, file in models.items() if file == DEFAULT_CHECKPOINT), "")
    return (index, name) if name else (-1, "")


def read_link(
    link: Any, samples: list[Sample], models: dict[str, Path], weights: Any, first: int = 0
) -> tuple[int, str]:
    """The sample's number and the weights' title that a link's hash names; the sample `first` and `weights`, or else the first
    of them, where it names neither. The viewer itself asks for a clip that is no sample, and says so where the weights are
    others. Both may be anything."""
    weights = title(weights, models) or next(iter(models))
    try:
        fields = parse_qs(link.removeprefix("#") if isinstance(link, str) else "", max_num_fields=100)
    except ValueError:
        fields = {}
    clip, digits = (fields.get(key, [""])[0] for key in ("c", "w"))
    index = number_of(samples, clip)
    if index < 0 or not digits:
        return first if index < 0 else index, weights
    return index, next((name for name, file in models.items() if digest(file).startswith(digits)), weights)


@lru_cache(maxsize=64)
def digest(file: Path) -> str:
    """That of offered weights, which stay as they are while the page runs."""
    return sha256(file)
