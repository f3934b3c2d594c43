"""What happens when the page opens and when something on it is chosen: from values of components to their next ones."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from sifa.errors import SifaError
from sifa.tracing.records import Progress
from sifa.weights.shipped import DEFAULT_CHECKPOINT

from . import handlers, texts
from .handlers import View

PROGRESS = gr.Progress()  # as a parameter's default value it makes Gradio show the function's progress
Upload = dict[str, Any] | None  # {"path": ...}, or None where there is no clip


class Outputs(NamedTuple):
    """Where a result is shown: the components, or their next values."""

    cards: Any
    explorer: Any
    status: Any
    probabilities: Any
    blocks: Any
    trace_file: Any
    page_file: Any
    what_if: Any


UNCHANGED = Outputs(*[gr.skip()] * len(Outputs._fields))


class Events:
    """The events of one page: each method takes the values of its inputs and returns those of its outputs.

    `chosen` is the number of the sample on show, or -1 for a clip of one's own; `weights` is a title.
    """

    def __init__(self, checkpoint: Path, device: str, folder: Path) -> None:
        self.checkpoint, self.device, self.folder = checkpoint, device, folder
        self.samples, self.models = handlers.samples(), handlers.checkpoints(checkpoint)

    def show_first(self, link: str, weights: str, progress: gr.Progress = PROGRESS) -> tuple[Any, ...]:
        """The sample that the page's link names, or the first one, and the weights."""
        if not self.samples:
            return *UNCHANGED, gr.skip()
        index, weights = handlers.read_link(link, self.samples, self.models, weights)
        return *show(index, partial(self._sample, index, weights, False), progress), weights

    def show_sample(self, event: gr.SelectData, weights: str, progress: gr.Progress = PROGRESS) -> Outputs:
        """The sample whose card was chosen."""
        return show(event.index, partial(self._sample, event.index, weights, False), progress)

    def run(self, clip: Upload, start: float, rate: int, weights: str, progress: gr.Progress = PROGRESS) -> Outputs:
        """A clip of one's own."""
        return show(-1, partial(self._clip, clip, start, rate, weights, False), progress)

    def run_again(
        self, chosen: int, clip: Upload, start: float, rate: int, weights: str, progress: gr.Progress = PROGRESS
    ) -> Outputs:
        """What is on show, by other weights."""
        return show(chosen, self._once_more(chosen, clip, start, rate, weights, False), progress)

    def try_what_ifs(
        self, chosen: int, clip: Upload, start: float, rate: int, weights: str, progress: gr.Progress = PROGRESS
    ) -> Outputs:
        """What is on show, with every what-if."""
        return show(chosen, self._once_more(chosen, clip, start, rate, weights, True), progress)

    def predict(self, clip: gr.FileData, start_seconds: float = 0, sampling_rate: int = 4) -> dict[str, Any]:
        """The five most probable motions of a clip, and the source frames that were used."""
        path = dict(clip)["path"]  # FileData describes the interface; what arrives is a plain mapping
        try:
            return handlers.answer(path, start_seconds, sampling_rate, self.checkpoint, self.device, self.folder)
        except SifaError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def _once_more(
        self, chosen: int, clip: Upload, start: float, rate: int, weights: str, what_if: bool
    ) -> Callable[[Progress], View]:
        if chosen >= 0:
            return partial(self._sample, chosen, weights, what_if)
        return partial(self._clip, clip, start, rate, weights, what_if)

    def _sample(self, index: int, weights: str, what_if: bool, progress: Progress) -> View:
        checkpoint, sample = self.models.get(weights), self.samples[index]
        if checkpoint == DEFAULT_CHECKPOINT:  # whose traces are shipped, with every what-if
            return handlers.view_sample(sample, self.folder)
        clip = str(sample.clip)
        return handlers.view_clip(clip, 0, None, checkpoint, self.device, self.folder, progress, what_if)

    def _clip(self, clip: Upload, start: float, rate: int, weights: str, what_if: bool, progress: Progress) -> View:
        path, checkpoint = clip["path"] if clip else None, self.models.get(weights)
        return handlers.view_clip(path, start, rate, checkpoint, self.device, self.folder, progress, what_if)


def show(chosen: int, make: Callable[[Progress], View], progress: gr.Progress) -> Outputs:
    """The view that `make` returns; where it fails the message, and the earlier result stays."""
    try:
        view = make(lambda what, share: progress(share, desc=what.capitalize()))
    except SifaError as error:
        gr.Warning(str(error))
        return UNCHANGED._replace(status=texts.failure(str(error)))
    return Outputs(
        cards=chosen,
        explorer={"trace": {"path": str(view.trace), "meta": {"_type": "gradio.FileData"}}},
        status=view.status,
        probabilities=view.probabilities,
        blocks=view.blocks,
        trace_file=str(view.trace),
        page_file=str(view.page),
        what_if=gr.Button(visible=not view.what_ifs),
    )
