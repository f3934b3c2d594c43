"""What the page does, as plain functions: nothing here knows a component."""

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import plotly.graph_objects as go
import torch

from sifa import explorer
from sifa.charts.plots import plot_offset_and_entropy, plot_probabilities
from sifa.errors import RunError, SifaError, VideoError, WeightsError
from sifa.tracing.predict import predict, summary
from sifa.tracing.records import Prediction, Progress
from sifa.tracing.trust import add_trust
from sifa.video.read import read_clip
from sifa.weights import shipped
from sifa.weights.card import VideoModel, load_card
from sifa.weights.checkpoint import load
from sifa.weights.download import sha256

from .texts import describe, sentence

log = logging.getLogger(__name__)
SAMPLES = shipped.ASSETS / "samples"
KEEP_SECONDS = 3600  # results on disk live as long as this


@dataclass(frozen=True)
class Sample:
    title: str
    clip: Path
    trace: Path


@dataclass(frozen=True)
class View:
    """All that the page shows of one result."""

    trace: Path
    page: Path
    status: str
    probabilities: go.Figure
    blocks: go.Figure
    what_ifs: bool  # whether the trace holds them


@contextmanager
def errors_for_visitors() -> Iterator[None]:
    """Turn whatever fails inside into a SifaError in whole sentences; what nobody expected goes to the log with its
    traceback."""
    try:
        yield
    except SifaError as error:
        raise SifaError(sentence(str(error))) from error
    except torch.OutOfMemoryError as error:
        raise RunError("The graphics card has no memory left. Try again, or start with --device cpu.") from error
    except Exception as error:
        log.exception("a clip failed")
        raise SifaError(
            f"Something went wrong that should not ({type(error).__name__}). The terminal shows the details; "
            "try another clip."
        ) from error


def no_progress(what: str, share: float) -> None:
    """Progress that nobody watches."""


def part(progress: Progress, start: float, length: float) -> Progress:
    """Progress of a step that begins at the share `start` of the whole and takes the share `length` of it."""
    return lambda what, share: progress(what, start + length * share)


@lru_cache(maxsize=2)
def model(checkpoint: Path, device: str) -> VideoModel:
    """The model, loaded at the first clip and kept."""
    return load(checkpoint, device)


def checkpoints(chosen: Path) -> dict[str, Path]:
    """The weights that the page offers: the chosen ones first, then what is shipped, by a title from each card;
    of two with the same title, the first."""
    offered = {load_card(chosen).title: chosen}
    for title, file in shipped.weights().items():
        offered.setdefault(title, file)
    return offered


def samples(folder: Path = SAMPLES) -> list[Sample]:
    """The clips of a folder that have a packed trace beside them, in the order of their numbers."""
    found = [Sample(title, clip, clip.with_suffix(".sifa")) for title, clip in shipped.clips(folder).items()]
    return [sample for sample in found if sample.trace.exists()]


def read_link(link: str, samples: list[Sample], models: dict[str, Path], weights: str) -> tuple[int, str]:
    """The sample's number and the weights' title that a link's hash names; the first sample and `weights` where it
    names neither. The viewer itself asks for a clip that is no sample, and says so where the weights are others."""
    fields = parse_qs(link.removeprefix("#"))
    clip, digits = (fields.get(key, [""])[0] for key in ("c", "w"))
    index = next((i for i, sample in enumerate(samples) if sample.clip.name == clip), None)
    if index is None or not digits:
        return index or 0, weights
    return index, next((title for title, file in models.items() if sha256(file).startswith(digits)), weights)


def view_sample(sample: Sample, folder: Path) -> View:
    """A sample as it was packed; needs no model."""
    packed = sample.trace.read_bytes()
    return view(packed, explorer.unpack(packed), folder)


@errors_for_visitors()
def view_clip(
    clip: str | None,
    start_seconds: float | None,
    sampling_rate: int | None,
    checkpoint: Path | None,
    device: str,
    folder: Path,
    progress: Progress = no_progress,
    what_if: bool = False,
) -> View:
    """Run the model on a clip and write what the page shows of it; with `what_if`, also every what-if and the
    figures of trust. Raises SifaError for any failure."""
    if checkpoint is None:
        raise WeightsError("Choose one of the listed weights.")
    forward = part(progress, 0, 0.4 if what_if else 1)
    prediction = run(clip, start_seconds, sampling_rate, checkpoint, device, forward)
    if what_if:
        prediction = add_trust(model(checkpoint, device), prediction, part(progress, 0.4, 0.5))
    progress("packing the trace", 0.95)
    return view(explorer.pack(prediction), prediction, folder)


@errors_for_visitors()
def answer(
    clip: str, start_seconds: float, sampling_rate: int, checkpoint: Path, device: str, folder: Path
) -> dict[str, Any]:
    """The programmable way in: the five best classes and the frames used, as plain data. Raises SifaError.

    Only clips below `folder`, where uploads lie, are read.
    """
    if not Path(clip).resolve().is_relative_to(folder.resolve()):
        raise VideoError("Upload the clip first; files elsewhere on this computer are not read.")
    return summary(run(clip, start_seconds, sampling_rate, checkpoint, device))


def run(
    clip: str | None,
    start_seconds: float | None,
    sampling_rate: int | None,
    checkpoint: Path,
    device: str,
    progress: Progress = no_progress,
) -> Prediction:
    """Read, decode, sample and predict a clip, at the weights' own rate if none is given."""
    if not clip:
        raise VideoError("Choose a clip first: drop a video file here, or record one with the camera.")
    progress("loading the model", 0.02)
    network = model(checkpoint, device)
    start = 0
    if start_seconds:
        progress("reading the file", 0.1)
        start = start_frame(clip, float(start_seconds))
    frames = network.card.num_frames
    progress(f"decoding and sampling {frames} frames", 0.2)
    sampled = read_clip(clip, frames, int(sampling_rate or network.card.sampling_rate), start)
    progress("preparing the frames", 0.5)
    return predict(network, sampled, part(progress, 0.5, 0.45))


def start_frame(clip: str, seconds: float) -> int:
    """The source frame nearest to a time; raises VideoError where the clip has ended by then."""
    first = read_clip(clip, 1)
    frame = round(seconds * first.fps)
    if frame >= first.source_frames:
        length = first.source_frames / first.fps
        raise VideoError(
            f"{Path(clip).name} is {length:.1f} s long, so it cannot start at {seconds:g} s. Start earlier."
        )
    return frame


def view(packed: bytes, prediction: Prediction, folder: Path) -> View:
    """Write a result's files into a new folder inside `folder` and draw its charts."""
    forget_old(folder)
    here = Path(tempfile.mkdtemp(prefix="result-", dir=folder))
    name = Path(prediction.clip.path).stem[:60] or "clip"
    trace, page = here / f"{name}.sifa", here / f"{name}.html"
    trace.write_bytes(packed)
    page.write_text(explorer.to_html(packed, title=f"{name}: {prediction.top(1)[0][0]}"), encoding="utf-8")
    charts = plot_probabilities(prediction), plot_offset_and_entropy(prediction.trace)
    return View(trace, page, describe(prediction), *charts, bool(prediction.what_if))


def forget_old(folder: Path) -> None:
    """Remove results older than KEEP_SECONDS."""
    for result in folder.glob("result-*"):
        if time.time() - result.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(result, ignore_errors=True)
