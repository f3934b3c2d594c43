"""Multi-view evaluation: the views of a video, and the mean of what a model says to them.

Views "4x3" are 4 clips in time and 3 crops of each. Clip i of n starts at frame floor(room * i / n), where room is the
number of frames less the span of a clip (num_frames * sampling_rate), at least 0: the rule of the released code's
VideoTestDataset (dataset/video_dataset.py). So the first clip starts at frame 0, as in a prediction, and none at the
very end. Crops are squares of the shorter side, evenly spaced along the longer one: the middle; both ends; or both ends
and the middle. Each is scaled to the model's size.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sifa.video.frames import read_video
from sifa.video.preprocess import preprocess
from sifa.weights.card import ModelCard

Frames = NDArray[np.uint8]
MOST_CLIPS = 100  # of a video


class Views(NamedTuple):
    """How many clips in time, and how many crops of each."""

    clips: int = 1
    crops: int = 1

    @classmethod
    def parse(cls, text: str) -> "Views":
        """Of "4x3"; ValueError for anything else, for no clip or more than MOST_CLIPS, and for more than three crops."""
        match = re.fullmatch(r"(\d+)x(\d+)", text)
        if not match or not 1 <= int(match[1]) <= MOST_CLIPS or not 1 <= int(match[2]) <= 3:
            raise ValueError(
                f"views are {text!r}; give clips x crops with 1 to 3 crops, as in 4x3 or 1x1, and at most {MOST_CLIPS} clips"
            )
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.clips}x{self.crops}"


ONE = Views()


def clip_starts(source_frames: int, span: int, clips: int) -> list[int]:
    """First frames of the clips of a video; all 0 where the video is not longer than a clip's span."""
    room = max(0, source_frames - span)
    return [room * i // clips for i in range(clips)]


def crops(frames: Frames, count: int) -> list[Frames]:
    """1, 2 or 3 squares (T, side, side, 3) of frames (T, H, W, 3), from left to right or from top to bottom."""
    height, width = frames.shape[1:3]
    side, room = min(height, width), abs(height - width)
    places = {1: (room // 2,), 2: (0, room), 3: (0, room // 2, room)}[count]
    if height > width:
        return [frames[:, top : top + side] for top in places]
    return [frames[:, :, left : left + side] for left in places]


class VideoViews:
    """The views of a video file or folder of frames, one clip in time after the other; several threads may read its clips."""

    def __init__(self, path: str | Path, card: ModelCard, views: Views) -> None:
        self.path, self.card, self.views = path, card, views
        self._first: Future[tuple[int, int, int]] = Future()  # what the first clip says of the video

    def clip(self, number: int) -> tuple[Tensor | None, int]:
        """The views of a clip as a model's input (crops, 3, T, S, S), or None where they are those of the clip before; and how
        many of its frames repeat the last one, because the video is shorter. Each but the first waits for the first. Raises
        VideoError."""
        if number == 0:
            try:
                clip = self.card.read(self.path)
            except BaseException as error:
                self._first.set_exception(error)
                raise
            self._first.set_result((clip.source_frames, clip.sampling_rate, clip.padded))
        frames, rate, padded = self._first.result()
        if number:
            starts = clip_starts(frames, self.card.num_frames * rate, self.views.clips)
            if starts[number] == starts[number - 1]:
                return None, padded
            clip = read_video(self.path, self.card.num_frames, rate, starts[number])
        squares = crops(clip.frames, self.views.crops)
        return torch.cat(
            [preprocess(each, self.card.size, self.card.mean, self.card.std)[0] for each in squares]
        ), padded


def mean_score(
    forward: Callable[[Tensor], Tensor], parts: Iterable[Tensor], batch: int, answers: Sequence[slice] = (slice(None),)
) -> Tensor:
    """(classes,) the mean of the softmaxes of the views that come in parts, on the CPU; `batch` views in one forward pass, fewer
    in the last. No more of them are kept than that and a part. `answers` share out the classes: each has a softmax of its own."""
    scores: list[Tensor] = []
    waiting: Tensor | None = None
    for part in parts:
        waiting = part if waiting is None else torch.cat([waiting, part])
        while len(waiting) >= batch:
            scores.append(_softmax(forward(waiting[:batch]), answers))
            waiting = waiting[batch:]
    if waiting is not None and len(waiting):
        scores.append(_softmax(forward(waiting), answers))
    return torch.cat(scores).mean(0)


def _softmax(logits: Tensor, answers: Sequence[slice]) -> Tensor:
    return torch.cat([logits[:, part].softmax(1) for part in answers], 1).cpu()
