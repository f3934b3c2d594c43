"""The user's own clips, for fine-tuning."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from sifa.data.motion.generator import MotionBatch
from sifa.data.motion.seeds import batch_seed
from sifa.errors import DataError, VideoError
from sifa.video.frames import read_video
from sifa.video.preprocess import preprocess
from sifa.video.read import Clip

MARGIN = 1.15  # clips are kept this much larger than the model's input, and cut out at random places


HELD_OUT = 5  # every fifth clip of a class is held out


LEAST = 2  # clips of a class


def read_each(
    found: Iterable[tuple[Path, str]], num_frames: int, sampling_rate: int, skipped: dict[str, str]
) -> Iterator[tuple[Clip, str]]:
    """The clips of (file, class name), read like any upload; `skipped` {file: why} gets those that cannot be read."""
    for file, label in found:
        try:
            clip = read_video(file, num_frames, sampling_rate)
        except VideoError as error:
            skipped[str(file)] = str(error)
            continue
        yield clip, label


class VideoClips:
    """The user's clips, decoded once and kept in memory as uint8.

    `batch` gives training clips of given classes like `MotionClips.batch`: a random one of the class, cut out at a random
    place, with random brightness and contrast; never mirrored, since left and right may be what tells classes apart.
    `held_out` are every fifth clip of a class, or none where a class has fewer than five. Unreadable clips are skipped and
    named in `skipped`. Raises DataError where fewer than two clips of a class can be read, or there is only one class.
    """

    def __init__(
        self, clips: Iterable[tuple[Path, str]], size: int, num_frames: int, sampling_rate: int, seed: int = 0,
        progress: Callable[[Iterable], Iterable] = iter,
    ):  # fmt: skip
        self.size, self.seed = size, seed
        clips, self.skipped = list(clips), {}
        by_class = {label: [] for _, label in clips}
        for clip, label in read_each(progress(clips), num_frames, sampling_rate, self.skipped):
            video, _ = preprocess(clip.frames, round(size * MARGIN), (0.0,) * 3, (1.0,) * 3)
            by_class[label].append((video[0] * 255).round().byte())
        self.labels = tuple(sorted(by_class))
        self.count = sum(map(len, by_class.values()))
        few = [f"{label} ({len(by_class[label])})" for label in self.labels if len(by_class[label]) < LEAST]
        if few or len(self.labels) < 2:
            unread = f"; {len(self.skipped)} could not be read" if self.skipped else ""
            raise DataError(
                f"too few clips to learn from: {', '.join(few)}{unread}; every class needs {LEAST}"
                if few
                else f"the clips have {len(self.labels)} class{unread}; telling apart needs at least two"
            )
        self.training, self.held_out = [], []
        for number, label in enumerate(self.labels):
            kept = by_class[label]
            aside = kept[HELD_OUT - 1 :: HELD_OUT]
            self.training.append([v for i, v in enumerate(kept) if (i + 1) % HELD_OUT])
            self.held_out += [(v, number) for v in aside]

    def batch(self, index: int, labels: Tensor) -> MotionBatch:
        """Clips of the given classes, labels (B,): video (B, 3, T, S, S) 0..1; no scene and no owner."""
        rng = torch.Generator().manual_seed(batch_seed(self.seed, index))
        pick = lambda count: int(torch.randint(count, (), generator=rng))  # noqa: E731
        videos = []
        for label in labels.tolist():
            choices = self.training[label]
            video = choices[pick(len(choices))]
            room = video.shape[-1] - self.size + 1
            y, x = pick(room), pick(room)
            cut = video[..., y : y + self.size, x : x + self.size].float() / 255
            gain, bias = torch.rand(2, generator=rng) * torch.tensor([0.4, 0.2]) + torch.tensor([0.8, -0.1])
            videos.append((cut * gain + bias).clamp(0, 1))
        return MotionBatch(torch.stack(videos), labels, None, None)

    def central(self, video: Tensor) -> Tensor:
        """A kept clip (3, T, M, M) uint8 as the model sees it: (3, T, S, S) 0..1."""
        return F.interpolate(video.float() / 255, size=(self.size, self.size), mode="bilinear", antialias=True)
