"""Check a model on unlabelled videos by what must follow.

Of whatever the model says of a window, the window played backwards must give the opposite motion, the mirrored one left
and right exchanged, and one frame held still "nothing moves"; of weights that give two answers, both must, and a frame held
still is a still camera, too. Windows where the model is unsure are counted, not checked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from sifa.data.listing import VIDEOS
from sifa.data.motion import CLASSES, MIRRORED, REVERSED
from sifa.data.motion.classes import CAMERA
from sifa.errors import DataError, VideoError
from sifa.evaluation.filmed import gives_two_answers
from sifa.tracing.records import Progress
from sifa.video.clip import Clip
from sifa.video.preprocess import preprocess
from sifa.video.read import read_clip
from sifa.weights.card import ModelCard, VideoModel, card_of
from sifa.weights.groups import answers

SURE = 0.8  # probability from which a window is checked
CHANGES = ("reversed", "mirrored", "frozen")
JOIN = ", "  # between two answers


@dataclass(frozen=True)
class Window:
    """What the model says of one window of a video, and of the window reversed, mirrored and frozen; two answers are joined by
    a comma."""

    video: str
    start: int  # source frame
    label: str
    probability: float  # of two answers the smaller one
    reversed: str
    mirrored: str
    frozen: str

    @property
    def failures(self) -> list[str]:
        """The changes whose answer does not follow from the window's own."""
        said = self.label.split(JOIN)
        still = "camera still" if len(said) > 1 else "nothing moves"
        expected = dict(
            reversed=[REVERSED.get(label, label) for label in said],
            mirrored=[MIRRORED.get(label, label) for label in said],
            frozen=[still if label in CAMERA else "nothing moves" for label in said],
        )
        return [change for change, labels in expected.items() if getattr(self, change) != JOIN.join(labels)]


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
    found = [answers(logits, card.labels, card.groups) for logits in model(variants).cpu().numpy()]
    label, *others = (JOIN.join(answer.label for answer in each) for each in found)
    least = min(answer.probability for answer in found[0])
    return Window(Path(clip.path).name, int(clip.indices[0]), label, round(least, 4), *others)


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


def videos_below(folder: Path) -> list[Path]:
    """The video files of a folder and its sub-folders, in order. Raises DataError where there is none."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; check the path")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in VIDEOS)
    if not files:
        raise DataError(f"there is no video below {folder} ({', '.join(VIDEOS)})")
    return files


def check_folder(model: VideoModel, folder: Path, most: int = 8, progress: Progress | None = None) -> Check:
    """Up to `most` windows of each video below a folder. Raises DataError where there is no video, or where the model's
    classes are neither the 24 motions nor the two answers of the second family."""
    card = card_of(model)
    if sorted(card.labels) != sorted(CLASSES) and not gives_two_answers(card):
        raise DataError(
            f"the check needs the {len(CLASSES)} motions; this model knows {', '.join(card.labels[:3])} ..."
        )
    files, check = videos_below(folder), Check()
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
