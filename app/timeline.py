"""A whole video on the page: what it shows from beginning to end, where it moves most, and the answers over time.

Three values go to the browser, all plain data. A *choice* is what the model sees of a clip: {"clip": path, "start", "step":
seconds, "square": [top, left, side] in source pixels, or None for the middle}. A *survey* is the clip at a glance, and *answers*
are the strip over time. Each names its clip, so that what is told of one is not shown with another. Nothing of them is on the
disk.
"""

import base64
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from sifa.errors import SifaError
from sifa.model.run import run_or_cpu
from sifa.tracing.records import Progress
from sifa.tracing.whole import WholeVideo
from sifa.video.clip import Square
from sifa.video.liveliest import Liveliest
from sifa.video.overview import MOST, Overview
from sifa.weights.card import ModelCard, load_card

from . import handlers, texts
from .events import PROGRESS, Events, Outputs, Upload
from .handlers import View, errors_for_visitors
from .inputs import square, title, uploaded
from .jobs import Place, StoppedError
from .turns import Pause, take_turn

# So long is a new clip looked through before its first window is run; twice as long where that suffices.
FIRST_SECONDS = 1.5
MOST_SURVEYS = 16  # that are remembered, of at most a third of a megabyte each
TELL_SECONDS = 0.25  # between two tellings
STOPPED = "It was stopped."
Value = dict[str, Any]


class Timeline:
    """The events of the row below the viewer, beside those of the page."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self._surveys: OrderedDict[tuple[str, Path], Value] = OrderedDict()  # whole ones, by clip and weights

    async def open(
        self,
        clip: Upload,
        start: Any,
        step: Any,
        weights: str,
        choice: Any,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """A new clip: it is looked through for a moment, and where that suffices, its liveliest window is run; else its
        beginning. A start or a step that the visitor has set is kept to."""
        if isinstance(choice, dict) and start == choice.get("start") and step == choice.get("step"):
            start, step = 0, self.events.usual_step  # they are those of the clip before
        chosen = dict[str, Any](clip=path_of(clip), start=start or 0, step=step, square=None)
        own = bool(start) or step != self.events.usual_step
        view = partial(self._find_and_view, chosen, own)
        async for shown in self.events.show(request, progress, -1, clip, start, step, weights, view=view):
            done = "trace" in shown.explorer
            yield *shown, *((dict(chosen), chosen["start"], chosen["step"]) if done else [gr.skip()] * 3)

    def _find_and_view(
        self,
        chosen: Value,
        own: bool,
        clip: str,
        start: Any,
        step: Any,
        checkpoint: Path,
        device: str,
        folder: Path,
        progress: Progress,
        what_if: bool,
        give_way: Callable[[], None],
        square: Square | None = None,
    ) -> View:
        best = None if own or not clip or checkpoint is None else self._first_look(clip, checkpoint, progress)
        if best:
            start = chosen["start"] = seconds_of(best["start"])
            chosen["square"] = best["square"]
            square = best["square"] and Square(*best["square"])
        return handlers.view_clip(
            clip, start, step, checkpoint, device, folder, progress, what_if, give_way, square=square
        )

    @errors_for_visitors()
    def _first_look(self, clip: str, checkpoint: Path, progress: Progress) -> Value | None:
        """The window to begin with, where it is found soon."""
        progress("looking where it moves", 0.02)
        overview, began = overview_of(clip, load_card(checkpoint)), time.monotonic()
        for share in overview:
            progress("looking where it moves", 0.1 * share)
            gone = time.monotonic() - began
            if gone > FIRST_SECONDS and gone / share - gone > FIRST_SECONDS:
                return None
        best: Value | None = self._remember(clip, checkpoint, overview)["best"]
        return best

    def _remember(self, clip: str, checkpoint: Path, overview: Overview) -> Value:
        made = survey_of(clip, overview, 1.0)
        self._surveys[clip, checkpoint] = made
        while len(self._surveys) > MOST_SURVEYS:
            self._surveys.popitem(last=False)
        return made

    async def survey(self, clip: Upload, weights: str, request: gr.Request) -> AsyncIterator[Value]:
        """The clip at a glance: as it is looked through, and then with where it moves most."""
        try:
            path, checkpoint = self._asked(clip, weights)
            if made := self._surveys.get((path, checkpoint)):
                yield made
                return

            def work(pause: Pause) -> Value:
                with errors_for_visitors():
                    overview, told = overview_of(path, load_card(checkpoint)), time.monotonic()
                    for share in overview:
                        if time.monotonic() - told > TELL_SECONDS:
                            pause.tell(survey_of(path, overview, share))
                            pause.give_way()
                            told = time.monotonic()
                    return self._remember(path, checkpoint, overview)

            async for said in take_turn(
                self.events.jobs, self.events.visit(request), "survey", work, long=True, beside=True
            ):
                if not isinstance(said, Place):
                    yield said
        except StoppedError:
            yield gr.skip()
        except SifaError as error:
            yield dict(clip=path_of(clip), failed=str(error))

    async def window(
        self, clip: Upload, choice: Any, weights: str, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> AsyncIterator[Outputs]:
        """The window and the square that the visitor has chosen."""
        start, step = (choice.get(key) if isinstance(choice, dict) else None for key in ("start", "step"))
        async for shown in self.events.show(request, progress, -1, clip, start, step, weights, choice):
            yield shown

    async def whole(self, clip: Upload, choice: Any, weights: str, request: gr.Request) -> AsyncIterator[Value]:
        """The answers over time, as they come."""
        named = path_of(clip)
        try:
            path, checkpoint = self._asked(clip, weights)
            work = partial(self._read, path, square(choice, path), checkpoint, weights)
            async for said in take_turn(
                self.events.jobs, self.events.visit(request), "whole", work, long=True, beside=True
            ):
                yield dict(clip=named, waits=texts.place(*said)) if isinstance(said, Place) else said
        except StoppedError as error:
            yield dict(clip=named, failed=STOPPED) if str(error) == STOPPED else gr.skip()
        except SifaError as error:
            yield dict(clip=named, failed=str(error))

    @errors_for_visitors()
    def _read(self, path: str, part: Square | None, checkpoint: Path, weights: str, pause: Pause) -> Value:
        events = self.events

        def attempt(where: str) -> Value:
            network = handlers.model(checkpoint, where) if where == events.device else handlers.spare_model(checkpoint)
            share = 0.0

            def note(what: str, done: float) -> None:
                nonlocal share
                share = done

            whole = WholeVideo(network, path, progress=note, square=part)
            try:
                for _ in whole:
                    pause.tell(answers_of(path, weights, whole, share))
                    pause.give_way()
            except StoppedError as error:
                if str(error) != STOPPED:
                    raise
            return answers_of(path, weights, whole, 1.0, done=True)

        return run_or_cpu(events.device, attempt)[0]

    async def stop(self, request: gr.Request) -> None:
        """End the visitor's reading at its next window; what there is of it stays."""
        visit = self.events.visit(request)
        self.events.jobs.stop(visit.address, visit.session, STOPPED)

    def _asked(self, clip: Any, weights: Any) -> tuple[str, Path]:
        """Raises SifaError."""
        path = uploaded(clip, self.events.folder)
        checkpoint = self.events.models.get(title(weights, self.events.models) or "")
        if path is None or checkpoint is None:
            raise SifaError("Choose a clip and one of the listed weights first.")
        return path, checkpoint


def path_of(clip: Any) -> Any:
    """What a value from outside says of where its clip is."""
    return clip.get("path") if isinstance(clip, dict) else None


def overview_of(path: str, card: ModelCard) -> Overview:
    """Of a clip, with the window that weights of this card want."""
    return Overview(path, card.num_frames, card.step_seconds, card.sampling_rate)


def survey_of(clip: str, overview: Overview, share: float) -> Value:
    """A clip at a glance, as far as it was looked through: `share`, from 0 to 1."""
    footage, best = overview.footage, overview.liveliest() if share >= 1 else None
    assert footage is not None
    gap = 1 / footage.fps if footage.fps else 0.0
    step = overview.step or overview.sampling_rate * gap
    return dict(
        clip=clip,
        share=round(share, 3),
        start=float(footage.times[0]),
        end=round(float(footage.times[-1]) + gap, 3),
        frame=round(gap, 5),
        frames=overview.num_frames,
        step=round(step, 3),
        size=list(footage.source_size),
        count=min(MOST, len(set(footage.numbers.tolist()))),
        thumbnails=[
            [round(each.time, 3), "data:image/jpeg;base64," + base64.b64encode(each.picture).decode()]
            for each in overview.thumbnails
        ],
        cuts=[[round(cut.time, 3), cut.kind] for cut in overview.cuts],
        best=best and best_of(best, footage.source_size),
        ended=overview.ended,
    )


def best_of(found: Liveliest, size: tuple[int, int]) -> Value:
    """Where it moves most; the square is None where it is the middle one, which the model sees anyway."""
    middle = [(size[0] - found.side) // 2, (size[1] - found.side) // 2]
    here = [found.top, found.left]
    off = max(abs(a - b) for a, b in zip(here, middle)) > 1
    return dict(start=found.start, end=found.end, square=[*here, found.side] if off else None, reason=found.reason)


def answers_of(clip: str, weights: str, whole: WholeVideo, share: float, done: bool = False) -> Value:
    """The answers over time, as far as there are some; with the table as CSV in the end."""
    strip = whole.strip()
    return dict(
        clip=clip,
        weights=weights,
        share=round(share, 3),
        cells=strip.as_dict()["table"],
        done=done,
        ended=strip.ended if done else "",
        csv=strip.to_csv() if done else "",
    )


def seconds_of(start: float) -> float:
    """A time to the next millisecond, at which the frame that begins then is shown."""
    return math.ceil(1000 * start - 1e-6) / 1000
