"""The user's own clips, for fine-tuning."""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from sifa.data.motion.generator import MotionBatch
from sifa.data.motion.seeds import batch_seed
from sifa.errors import DataError, VideoError
from sifa.video.clip import Clip
from sifa.video.preprocess import preprocess

MARGIN = 1.15  # clips are kept this much larger than the model's input, and cut out at random places
HELD_OUT = 5  # every fifth clip of a class is held out
LEAST = 2  # clips of a class


class VideoClips:
    """The user's clips, decoded once and kept in memory as uint8.

    `clips` are (file, class name); `size` is the side of the model's input in pixels; `read` samples a file's frames, like
    `ModelCard.read`; `progress` (what is being done, share done 0..1) is called before each clip. Then `labels` are the
    names of the classes, `count` is the number of clips, `training` holds for each class its clips (3, T, M, M) uint8,
    `held_out` pairs of such a clip and the number of its class: every fifth clip of a class, or none where a class has fewer
    than five. Unreadable clips are skipped and named in `skipped` {file: why}. Raises DataError where fewer than two clips of
    a class can be read, or there is only one class.

    `batch` gives training clips of given classes like `MotionClips.batch`: a random one of the class, cut out at a random
    place, with random brightness and contrast; never mirrored, since left and right may be what tells classes apart.
    """

    def __init__(
        self,
        clips: Iterable[tuple[Path, str]],
        size: int,
        read: Callable[[Path], Clip],
        seed: int = 0,
        progress: Callable[[str, float], None] | None = None,
    ):
        self.size, self.seed = size, seed
        self.skipped: dict[str, str] = {}
        videos = self._read(list(clips), read, progress)
        self.labels = tuple(sorted(videos))
        self.count = sum(map(len, videos.values()))
        self._check_count(videos)
        self.training: list[list[Tensor]] = []
        self.held_out: list[tuple[Tensor, int]] = []
        for number, label in enumerate(self.labels):
            self.training.append([v for i, v in enumerate(videos[label]) if (i + 1) % HELD_OUT])
            self.held_out += [(v, number) for v in videos[label][HELD_OUT - 1 :: HELD_OUT]]

    def _read(
        self,
        clips: list[tuple[Path, str]],
        read: Callable[[Path], Clip],
        progress: Callable[[str, float], None] | None,
    ) -> dict[str, list[Tensor]]:
        """The videos (3, T, M, M) uint8 of each class, in the order of the clips."""
        videos: dict[str, list[Tensor]] = {label: [] for _, label in clips}
        for number, (file, label) in enumerate(clips):
            if progress:
                progress(f"reading {file.name}", number / len(clips))
            try:
                clip = read(file)
            except VideoError as error:
                self.skipped[str(file)] = str(error)
            else:
                video, _ = preprocess(clip.frames, round(self.size * MARGIN), (0.0,) * 3, (1.0,) * 3)
                videos[label].append((video[0] * 255).round().byte())
        return videos

    def _check_count(self, videos: dict[str, list[Tensor]]) -> None:
        few = [f"{label} ({len(videos[label])})" for label in self.labels if len(videos[label]) < LEAST]
        unread = f"; {len(self.skipped)} could not be read" if self.skipped else ""
        if few:
            some = ", ".join(few[:5]) + (f" ... ({len(few)} classes)" if few[5:] else "")
            raise DataError(f"too few clips to learn from: {some}{unread}; every class needs {LEAST}")
        if len(self.labels) < 2:
            raise DataError(f"the clips have {len(self.labels)} class{unread}; telling apart needs at least two")

    def batch(self, index: int, labels: Tensor) -> MotionBatch:
        """Clips of the given classes, labels (B,) int64: video (B, 3, T, S, S) float32 0..1; no scene and no owner."""
        rng = torch.Generator().manual_seed(batch_seed(self.seed, index))

        def pick(count: int) -> int:
            return int(torch.randint(count, (), generator=rng))

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
        """A held-out clip (3, T, M, M) uint8 as the model sees it: (3, T, S, S) 0..1."""
        return F.interpolate(video.float() / 255, size=(self.size, self.size), mode="bilinear", antialias=True)
