"""A whole video instead of one clip: the model sees overlapping windows, the earliest first, and its answers make one strip.

whole = WholeVideo(model, "clip.mp4")
for window in whole:            # one after another; `break` stops, and the decoding with it
    window.prediction           # as `sifa.predict` gives it, or None where window.withheld says why
print("\\n".join(whole.strip().words()))
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sifa.tracing.given import check_model
from sifa.tracing.predict import predict
from sifa.tracing.records import Prediction, Progress
from sifa.tracing.strip import Piece, Strip, make_strip
from sifa.video.clip import Square
from sifa.video.cuts import Cut
from sifa.video.liveliest import Kept, Liveliest
from sifa.video.stream import LONGEST, Footage, stream_seconds
from sifa.video.windows import Window, Windows
from sifa.weights.card import VideoModel, card_of


@dataclass(frozen=True)
class WindowResult:
    """What the model makes of one window of a video."""

    shot: int  # from 0
    start: float  # seconds
    end: float
    prediction: Prediction | None
    withheld: str = ""  # why there is none, as a sentence


class WholeVideo:
    """The windows of a video of which up to two minutes are looked at, and what the model makes of each.

    Iterating decodes the video in one pass and gives a `WindowResult` as soon as its frames are there; a window is held here no
    longer than that, so that memory does not grow with the video. `progress` is called with what is being done and the share of
    the video that is. Raises VideoError where the video cannot be read, TypeError where the model is none.
    """

    def __init__(
        self,
        model: VideoModel,
        path: str | Path,
        start: float = 0.0,
        longest: float = LONGEST,
        progress: Progress | None = None,
        amp: bool = False,
        square: Square | None = None,
    ) -> None:
        check_model(model)
        self.model, self.path, self.start, self.longest = model, Path(path), start, longest
        self.card = card_of(model)
        self.progress, self.amp, self.square = progress, amp, square
        self.cuts = list[Cut]()  # so far
        self.ended = ""  # why it ended before the video did, as a sentence
        self._pieces = list[Piece]()
        self._footage: Footage | None = None
        self._kept: Kept | None = None

    def __iter__(self) -> Iterator[WindowResult]:
        self.cuts, self.ended = [], "It was stopped."
        self._pieces = []
        card = self.card
        with stream_seconds(
            self.path, card.step_seconds, self.start, sampling_rate=card.sampling_rate, longest=self.longest
        ) as stream:
            self._footage, self._kept = stream.footage, Kept(stream)
            for each in Windows(self._kept, card.num_frames):
                if isinstance(each, Cut):
                    self.cuts.append(each)
                else:
                    yield self._result(each)
            self.ended = stream.ended or stream.footage.left_out

    def _result(self, window: Window) -> WindowResult:
        prediction = None
        if window.clip:
            clip = window.clip.cut_out(self.square) if self.square else window.clip
            prediction = predict(self.model, clip, amp=self.amp)
            steps = prediction.step_logits
            logits = prediction.logits[None] if steps is None else steps
        else:
            logits = np.empty((0, len(self.card.labels)), np.float32)
        self._pieces.append(Piece(window.shot, window.start, window.end, logits, window.withheld))
        if self.progress and self._footage:
            times = self._footage.times
            share = (window.end - times[0]) / max(times[-1] - times[0], 1e-6)
            self.progress(f"{window.end:.0f} s of {times[-1]:.0f} s", float(min(1, share)))
        return WindowResult(window.shot, window.start, window.end, prediction, window.withheld)

    def strip(self) -> Strip:
        """The answers over time, as far as windows were looked at."""
        return make_strip(
            self.path.name, self._pieces, self.cuts, self.card.labels, self.card.groups, self.ended, self.liveliest()
        )

    def liveliest(self) -> Liveliest | None:
        """The window and the square with most motion, among the frames that were seen; None where they are too few."""
        card = self.card
        return (
            self._kept.liveliest([cut.time for cut in self.cuts], card.num_frames, card.step_seconds)
            if self._kept
            else None
        )
