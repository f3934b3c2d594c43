"""What happens when the page opens and when something on it is chosen: from values of components to their next ones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from sifa.errors import SifaError
from sifa.tracing.records import Progress
from sifa.weights.shipped import DEFAULT_CHECKPOINT

from . import handlers, samples, texts
from .disk import Disk
from .handlers import View
from .inputs import chosen_sample, square, title, uploaded
from .jobs import Jobs, Place, StoppedError
from .turns import Pause, Visit, take_turn
from .visitors import Visitors, address_of

PROGRESS = gr.Progress()  # as a parameter's default value it makes Gradio show the function's progress
RESULT_BYTES = 30 << 20  # what a result takes on the disk, with every what-if
Upload = dict[str, Any] | None  # {"path": ...}, or None where there is no clip
Make = Callable[[Progress, Callable[[], None]], View]  # from progress, and what to call between units of work


class Outputs(NamedTuple):
    """Where a result is shown: the components, or their next values."""

    cards: Any
    explorer: Any
    status: Any
    trace_file: Any
    page_file: Any


UNCHANGED = Outputs(*[gr.skip()] * len(Outputs._fields))


class Events:
    """The events of one page: each method takes the values of its inputs and yields those of its outputs, while it waits for
    its turn and when it has been.

    `chosen` is the number of the sample on show, or -1 for a clip of one's own; `weights` is a title; `place` is what
    `timeline.py` calls a choice. All of them may be anything, since they come from outside.
    """

    def __init__(self, checkpoint: Path, device: str, disk: Disk, visitors: Visitors, jobs: Jobs) -> None:
        self.checkpoint, self.device, self.disk, self.folder = checkpoint, device, disk, disk.folder
        self.visitors, self.jobs = visitors, jobs
        visitors.arrived = jobs.look
        self.samples, self.models = samples.find_samples(), handlers.checkpoints(checkpoint)
        self.tour = samples.tour(self.samples, self.models)
        self.first = max(0, samples.number_of(self.samples, samples.FIRST_CLIP))  # the page begins with it
        self.usual_step = handlers.usual_step(checkpoint)  # a form that says this leaves the step to the weights

    async def show_first(
        self, link: str, weights: str, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The sample that the page's link names, or the one that the page begins with, and the weights."""
        if not self.samples:
            yield *UNCHANGED, gr.skip()
            return
        index, weights = samples.read_link(link, self.samples, self.models, weights, self.first)
        async for shown in self.show(request, progress, index, None, 0, None, weights):
            yield *shown, weights

    async def show_sample(
        self, chosen: int, weights: str, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> AsyncIterator[Outputs]:
        """The sample whose card was chosen."""
        async for shown in self.show(request, progress, chosen, None, 0, None, weights):
            yield shown

    async def run(
        self,
        clip: Upload,
        start: float,
        step: float,
        weights: str,
        place: Any,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> AsyncIterator[Outputs]:
        """A clip of one's own."""
        async for shown in self.show(request, progress, -1, clip, start, step, weights, place):
            yield shown

    async def run_again(
        self,
        chosen: int,
        clip: Upload,
        start: float,
        step: float,
        weights: str,
        place: Any,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> AsyncIterator[Outputs]:
        """What is on show, by other weights or once more."""
        async for shown in self.show(request, progress, chosen, clip, start, step, weights, place):
            yield shown

    async def try_what_ifs(
        self,
        chosen: int,
        clip: Upload,
        start: float,
        step: float,
        weights: str,
        place: Any,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> AsyncIterator[Outputs]:
        """What is on show, with every what-if."""
        async for shown in self.show(request, progress, chosen, clip, start, step, weights, place, what_if=True):
            yield shown

    async def predict(
        self, clip: gr.FileData, request: gr.Request, start_seconds: float = 0, step_seconds: float | None = None
    ) -> dict[str, Any]:
        """The five most probable motions of a clip, and the source frames that were used; the step is that of the weights
        where none is given."""
        options = start_seconds, step_seconds, self.checkpoint, self.device, self.folder

        def work(pause: Pause) -> dict[str, Any]:
            return handlers.answer(clip, *options, lambda *_: pause.check())

        try:
            async for said in take_turn(self.jobs, self.visit(request), "predict", work):
                if not isinstance(said, Place):
                    return said
        except SifaError as error:
            raise gr.Error(str(error), print_exception=False) from error
        raise AssertionError("a turn ends with an answer or an error")

    async def show(
        self,
        request: gr.Request,
        progress: gr.Progress,
        chosen: Any,
        clip: Any,
        start: Any,
        step: Any,
        weights: Any,
        place: Any = None,
        what_if: bool = False,
        view: Callable[..., View] | None = None,
    ) -> AsyncIterator[Outputs]:
        """A sample or a clip of one's own; samples by the weights of their traces wait for nobody. `place` may hold the square of
        the picture that the model sees, and `view` stands in for `handlers.view_clip`."""
        try:
            chosen = chosen_sample(chosen, len(self.samples))
            checkpoint = self.models.get(title(weights, self.models) or "")
            if chosen >= 0 and checkpoint == DEFAULT_CHECKPOINT:  # whose traces are shipped, with every what-if
                sample = await asyncio.to_thread(handlers.view_sample, self.samples[chosen], self.folder)
                yield outputs(chosen, sample)
                return
            if chosen >= 0:
                clip, start, step, part = str(self.samples[chosen].clip), 0, None, None
            else:
                clip = uploaded(clip, self.folder)
                part = square(place, clip)
                step = None if step == self.usual_step else step
            self.disk.check(RESULT_BYTES, "The result")
            make = partial(
                view or handlers.view_clip, clip, start, step, checkpoint, self.device, self.folder, square=part
            )
            async for shown in self._in_turn(request, progress, chosen, make, what_if):
                yield shown
        except StoppedError:
            yield UNCHANGED  # whoever wished for it does not look at it any more
        except SifaError as error:
            yield UNCHANGED._replace(status=texts.failure(str(error)))

    async def _in_turn(
        self, request: gr.Request, progress: gr.Progress, chosen: int, make: Callable[..., View], what_if: bool
    ) -> AsyncIterator[Outputs]:
        def work(pause: Pause) -> View:
            def tell(what: str, share: float) -> None:
                pause.check()
                progress(share, desc=what.capitalize())

            return make(tell, what_if, pause.give_way)

        said = ""
        kind = "what-ifs" if what_if else "clip"
        async for step in take_turn(self.jobs, self.visit(request), kind, work, long=what_if):
            if not isinstance(step, Place):
                yield outputs(chosen, step)
            elif (now := texts.waiting(*step)) != said:
                said = now
                yield UNCHANGED._replace(status=said)

    def visit(self, request: gr.Request) -> Visit:
        """Who asks: `door.py` has noted the address."""
        scope, session = request.request.scope if request.request else {}, request.session_hash or ""
        address = scope.get("sifa.address") or address_of(scope)
        return Visit(address, session, partial(self.visitors.here, session, self.visitors.clock()))


def outputs(chosen: int, view: View) -> Outputs:
    """What the page shows of a result."""
    return Outputs(
        cards=chosen,
        explorer={"trace": {"path": str(view.trace), "meta": {"_type": "gradio.FileData"}}, "status": view.status},
        status=view.status,
        trace_file=str(view.trace),
        page_file=str(view.page),
    )
