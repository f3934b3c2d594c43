"""Check a model on unlabelled videos by what must follow.

Of whatever the model says of a window, the window played backwards must give the opposite motion, the mirrored one left
and right exchanged, and one frame held still "nothing moves". Windows where the model is unsure are counted, not checked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from sifa.data.listing import VIDEOS
from sifa.data.motion import CLASSES, MIRRORED, REVERSED
from sifa.errors import DataError, VideoError
from sifa.tracing.records import Progress
from sifa.video.clip import Clip
from sifa.video.preprocess import preprocess
from sifa.video.read import read_clip
from sifa.weights.card import ModelCard, VideoModel, card_of

SURE = 0.8  # probability from which a window is checked
CHANGES = ("reversed", "mirrored", "frozen")


@dataclass(frozen=True)
class Window:
    """What the model says of one window of a video, and of the window reversed, mirrored and frozen."""

    video: str
    start: int  # source frame
    label: str
    probability: float
    reversed: str
    mirrored: str
    frozen: str

    @property
    def failures(self) -> list[str]:
        """The changes whose answer does not follow from the window's own."""
        expected = dict(reversed=REVERSED[self.label], mirrored=MIRRORED[self.label], frozen="nothing moves")
        return [change for change, label in expected.items() if getattr(self, change) != label]


@dataclass
class Check:
    """All that was seen of the videos below a folder."""

    windows: list[Window] = field(default_factory=list)
    cuts: int = 0  # windows left out because they cross a cut
    unreadable: dict[str, str] = field(default_factory=dict)  # file -> why

    @property
    def sure(self) -> list[Window]:
        """The windows that count."""
        return [window for window in self.windows if window.probability > SURE]

    @property
    def holds(self) -> int:
        """How many of these have no failure."""
        return sum(not window.failures for window in self.sure)


@torch.inference_mode()
def check_window(model: VideoModel, clip: Clip) -> Window:
    """One window and its three changes, in one batch."""
    card = card_of(model)
    video, _ = preprocess(clip.frames, card.size, card.mean, card.std)
    middle = len(clip.frames) // 2
    still, _ = preprocess(clip.frames[[middle] * len(clip.frames)], card.size, card.mean, card.std)
    variants = torch.cat([video, video.flip(2), video.flip(4), still]).to(next(model.parameters()).device)
    probabilities = model(variants).softmax(1).cpu()
    label, *others = (card.labels[i] for i in probabilities.argmax(1))
    return Window(Path(clip.path).name, int(clip.indices[0]), label, round(probabilities[0].max().item(), 4), *others)


def windows(file: Path, card: ModelCard, most: int) -> Iterator[Clip]:
    """Up to `most` windows of a video, one after another, evenly chosen; one in a slower pace where it is shorter."""
    first = card.read(file)
    num_frames, sampling_rate = card.num_frames, first.sampling_rate
    span = (num_frames - 1) * sampling_rate + 1
    if first.source_frames < span:
        pace = max(1, (first.source_frames - 1) // (num_frames - 1))
        yield read_clip(file, num_frames, pace) if pace < sampling_rate else first
        return
    starts = np.arange(0, first.source_frames - span + 1, span)
    yield first
    for start in starts[1 :: max(1, -(-len(starts) // most))]:
        yield read_clip(file, num_frames, sampling_rate, int(start))


def check_folder(model: VideoModel, folder: Path, most: int = 8, progress: Progress | None = None) -> Check:
    """Up to `most` windows of each video below a folder. Raises DataError where there is no video, or where the model's
    classes are not the 24 motions."""
    card = card_of(model)
    if sorted(card.labels) != sorted(CLASSES):
        raise DataError(
            f"the check needs the {len(CLASSES)} motions; this model knows {', '.join(card.labels[:3])} ..."
        )
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; check the path")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in VIDEOS)
    if not files:
        raise DataError(f"there is no video below {folder} ({', '.join(VIDEOS)})")
    check = Check()
    for number, file in enumerate(files):
        if progress:
            progress(file.name, number / len(files))
        try:
            for clip in windows(file, card, most):
                if clip.cut:
                    check.cuts += 1
                else:
                    check.windows.append(check_window(model, clip))
        except VideoError as error:
            check.unreadable[file.name] = str(error)
    return check
