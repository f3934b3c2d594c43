"""What the page does, as plain functions: nothing here knows a component."""

import errno
import logging
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from sifa import explorer
from sifa.errors import SifaError, VideoError, WeightsError
from sifa.model import kernels
from sifa.model.cost import has_large_calls
from sifa.tracing.predict import predict, predict_anywhere, summary
from sifa.tracing.records import Prediction, Progress
from sifa.tracing.trust import add_trust
from sifa.video.clip import Clip, Square
from sifa.video.read import read_seconds
from sifa.weights import shipped
from sifa.weights.card import CARDS_FRAME_RATE, ModelCard, VideoModel, load_card
from sifa.weights.checkpoint import load

from .disk import KEPT, FullError
from .inputs import number, uploaded
from .samples import Sample
from .texts import describe, sentence

log = logging.getLogger(__name__)
LONGEST = 10**6  # seconds and frames
USUAL_SIDE, MOST_SIDE = 640, 1920  # pixels of frames that are read, of which a square is cut out
SHARP_SIDE = 480  # a square of fewer source pixels is cut out of larger frames


@dataclass(frozen=True)
class View:
    """All that the page shows of one result."""

    trace: Path
    page: Path
    status: str


@contextmanager
def errors_for_visitors() -> Iterator[None]:
    """Turn whatever fails inside into a SifaError in whole sentences; what nobody expected goes to the log with its
    traceback."""
    try:
        yield
    except SifaError as error:
        raise type(error)(sentence(str(error))) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise FullError(
                "The disk of the computer that runs this page is full, so the result could not be kept. Try again later, or "
                "tell those who run the page."
            ) from error
        log.exception("a clip failed")
        raise SifaError(
            f"Something went wrong that should not ({type(error).__name__}). The terminal shows the details; "
            "try another clip."
        ) from error


def no_progress(what: str, share: float) -> None:
    """Progress that nobody watches."""


def nothing() -> None:
    """For those who give way to nobody."""


def part(progress: Progress, start: float, length: float) -> Progress:
    """Progress of a step that begins at the share `start` of the whole and takes the share `length` of it."""
    return lambda what, share: progress(what, start + length * share)


@lru_cache(maxsize=2)
def model(checkpoint: Path, device: str) -> VideoModel:
    """The model, loaded at the first clip and kept."""
    return load(checkpoint, device)


@lru_cache(maxsize=1)
def spare_model(checkpoint: Path) -> VideoModel:
    """The model on the CPU, for clips that the graphics card has no memory for; it does not take the place of those there."""
    return load(checkpoint)


def checkpoints(chosen: Path) -> dict[str, Path]:
    """The weights that the page offers: the chosen ones first, then what is shipped, by title;
    of two with the same title, the first."""
    offered = {shipped.title_of(chosen): chosen}
    for name, file in shipped.weights().items():
        offered.setdefault(name, file)
    return offered


def warm_up(chosen: Path, device: str) -> None:
    """Have the operator's loops ready before the first clip, where weights that the page offers need them."""
    cards = [load_card(file) for file in checkpoints(chosen).values()]
    if device == "cpu" and any(has_large_calls(card.variant, card.config) for card in cards):
        kernels.warm_up()


def usual_step(checkpoint: Path) -> float:
    """Seconds from one frame to the next as the weights want it, to a thousandth; at 30 frames a second where they count frames."""
    card = load_card(checkpoint)
    return round(card.step_seconds or card.sampling_rate / CARDS_FRAME_RATE, 3)


@errors_for_visitors()
@lru_cache(maxsize=64)
def view_sample(sample: Sample, folder: Path) -> View:
    """A sample as it was packed; needs no model, and is written once for all visitors. Raises SifaError."""
    packed = sample.trace.read_bytes()
    return view(packed, explorer.unpack(packed), folder, f"{KEPT}sample-")


@errors_for_visitors()
def view_clip(
    clip: str | None,
    start_seconds: Any,
    step_seconds: Any,
    checkpoint: Path | None,
    device: str,
    folder: Path,
    progress: Progress = no_progress,
    what_if: bool = False,
    give_way: Callable[[], None] = nothing,
    square: Square | None = None,
) -> View:
    """Run the model on a clip, or a square of its picture, and write what the page shows of it; with `what_if`, also every what-if
    and the figures of trust, and call `give_way` before each of their runs. Raises SifaError for any failure."""
    if checkpoint is None:
        raise WeightsError("Choose one of the listed weights.")

    def add_what_ifs(network: VideoModel, prediction: Prediction) -> Prediction:
        with before_each_pass(network, give_way):
            return add_trust(network, prediction, part(progress, 0.4, 0.5))

    forward, more = (part(progress, 0, 0.4), add_what_ifs) if what_if else (progress, None)
    prediction = run(clip, start_seconds, step_seconds, checkpoint, device, forward, more, square)
    progress("packing the trace", 0.95)
    return view(explorer.pack(prediction), prediction, folder)


@contextmanager
def before_each_pass(network: VideoModel, call: Callable[[], None]) -> Iterator[None]:
    """Call something before each run of the model in this thread, while the body runs there; others may run it, too."""
    assert isinstance(network, torch.nn.Module)
    thread = threading.get_ident()

    def hook(*_: object) -> None:
        if threading.get_ident() == thread:
            call()

    handle = network.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@errors_for_visitors()
def answer(
    clip: Any,
    start_seconds: Any,
    step_seconds: Any,
    checkpoint: Path,
    device: str,
    folder: Path,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """The programmable way in: the five best classes and the frames used, as plain data. Raises SifaError.

    Only clips below `folder`, where uploads lie, are read: `clip` is {"path": ...}.
    """
    return summary(run(uploaded(clip, folder), start_seconds, step_seconds, checkpoint, device, progress))


def run(
    clip: str | None,
    start_seconds: Any,
    step_seconds: Any,
    checkpoint: Path,
    device: str,
    progress: Progress = no_progress,
    more: Callable[[VideoModel, Prediction], Prediction] | None = None,
    square: Square | None = None,
) -> Prediction:
    """Read, decode, sample and predict a clip, at the weights' own step if none is given, and add `more`; the numbers may be
    anything. The model sees the `square`, or else the middle of the picture. Where the graphics card has no memory left for it,
    all but the decoding is done on the CPU, and the prediction's notes say so."""
    if not clip:
        raise VideoError("Choose a clip first: drop a video file here, or record one with the camera.")
    start = number(start_seconds, "The start in seconds", 0, LONGEST)
    step = None if step_seconds is None else number(step_seconds, "The seconds from one frame to the next", 0, LONGEST)
    sampled: Clip | None = None

    def attempt(where: str) -> Prediction:
        nonlocal sampled
        progress("loading the model" if where == device else "the graphics card is full; again on the CPU", 0.02)
        network = model(checkpoint, where) if where == device else spare_model(checkpoint)
        card = network.card
        if sampled is None:
            progress(f"decoding and sampling {card.num_frames} frames", 0.2)
            sampled = read(clip, start, None if step == usual_step(checkpoint) else step, card, square)
        progress("preparing the frames", 0.5)
        prediction = predict(network, sampled, part(progress, 0.5, 0.45))
        return more(network, prediction) if more else prediction

    return predict_anywhere(device, attempt)


def read(clip: str, start: float, step: float | None, card: ModelCard, square: Square | None) -> Clip:
    """The clip that weights want, or one at another step; of a small square, the frames are read larger."""
    rate = card.sampling_rate
    if square is None:
        return card.read(clip, start) if step is None else read_seconds(clip, card.num_frames, step, start)
    usual = step is None
    side = MOST_SIDE if square.side < SHARP_SIDE else USUAL_SIDE
    found = read_seconds(
        clip, card.num_frames, card.step_seconds if usual else step, start, sampling_rate=rate, fit=usual, max_side=side
    )
    return found.cut_out(square)


def view(packed: bytes, prediction: Prediction, folder: Path, prefix: str = "result-") -> View:
    """Write a result's files into a new folder inside `folder`."""
    here = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
    name = Path(prediction.clip.path).stem[:60] or "clip"
    trace, page = here / f"{name}.sifa", here / f"{name}.html"
    try:
        trace.write_bytes(packed)
        page.write_text(explorer.to_html(packed, title=f"{name}: {prediction.headline}"), encoding="utf-8")
    except OSError:
        shutil.rmtree(here, ignore_errors=True)
        raise
    return View(trace, page, describe(prediction))
