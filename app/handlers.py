"""What the page does, as plain functions: nothing here knows a component."""

import html
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import plotly.graph_objects as go
import torch

from sifa import explorer
from sifa.figures import plot_offset_and_entropy, plot_probabilities
from sifa.prediction import Prediction, predict, summary
from sifa.video import VideoError, read_clip
from sifa.weights import DEFAULT_CHECKPOINT, CheckpointError, load

log = logging.getLogger("app")
SAMPLES = DEFAULT_CHECKPOINT.parent / "samples"
KEEP_SECONDS = 3600  # results on disk live as long as this


class UserError(Exception):
    """Something the visitor can act on; the message is for them."""


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


def samples() -> list[Sample]:
    """The shipped clips that have a packed trace beside them, in the order of their numbers."""
    found = [(clip, clip.with_suffix(".sifa")) for clip in sorted(SAMPLES.glob("*.mp4"))]
    return [
        Sample(clip.stem.partition("_")[2].replace("_", " "), clip, trace) for clip, trace in found if trace.exists()
    ]


def choose_device(name: str) -> str:
    """auto -> cuda where there is one; a named device that is not there is refused."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no CUDA device here; start with --device cpu")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


@lru_cache(maxsize=2)
def model(checkpoint: Path, device: str):
    """The model, loaded at the first clip and kept."""
    return load(checkpoint, device)


def view(packed: bytes, prediction: Prediction, folder: Path) -> View:
    """Write a result's files into a new folder inside `folder` and draw its charts."""
    forget_old(folder)
    here = Path(tempfile.mkdtemp(prefix="result-", dir=folder))
    name = Path(prediction.clip.path).stem[:60] or "clip"
    trace, page = here / f"{name}.sifa", here / f"{name}.html"
    trace.write_bytes(packed)
    page.write_text(explorer.to_html(packed, title=f"{name}: {prediction.top(1)[0][0]}"), encoding="utf-8")
    return View(
        trace, page, describe(prediction), plot_probabilities(prediction), plot_offset_and_entropy(prediction.trace)
    )


def forget_old(folder: Path) -> None:
    for result in folder.glob("result-*"):
        if time.time() - result.stat().st_mtime > KEEP_SECONDS:
            shutil.rmtree(result, ignore_errors=True)


def view_sample(sample: Sample, folder: Path) -> View:
    """A sample as it was packed; needs no model."""
    packed = sample.trace.read_bytes()
    return view(packed, explorer.unpack(packed), folder)


def run(
    clip: str | None,
    start_seconds: float,
    sampling_rate: int,
    checkpoint: Path,
    device: str,
    report: Callable[[float, str], None] = lambda share, what: None,
) -> Prediction:
    """Read, decode, sample and predict a clip; `report` is told what is being done. Raises UserError for any failure."""
    if not clip:
        raise UserError("Choose a clip first: drop a video file here, or record one with the camera.")
    try:
        report(0.02, "loading the model")
        network = model(checkpoint, device)
        frames = network.checkpoint.num_frames
        report(0.1, "reading the file")
        start = 0
        if start_seconds:
            start = round(start_seconds * read_clip(clip, 1).fps)
        report(0.2, "decoding")
        sampled = read_clip(clip, frames, int(sampling_rate), start)
        report(0.5, f"sampling {frames} frames")
        prediction = predict(network, sampled, lambda what, share: report(0.5 + 0.4 * share, what))
        report(0.95, "packing the trace")
        return prediction
    except (VideoError, CheckpointError) as error:
        raise UserError(sentence(str(error))) from error
    except torch.OutOfMemoryError as error:
        raise UserError("The graphics card has no memory left. Try again, or start with --device cpu.") from error
    except Exception as error:
        log.exception("a clip failed")
        raise UserError(
            f"Something went wrong that should not ({type(error).__name__}). The terminal shows the details; try another clip."
        ) from error


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")


def describe(prediction: Prediction) -> str:
    """One line of HTML: which frames were used, and what the weights know."""
    clip = prediction.clip
    name = html.escape(Path(clip.path).name)
    used = (
        f"<b>{name}</b>: source frames {clip.indices[0]} to {clip.indices[-1]} of {clip.source_frames}, every "
        f"{clip.sampling_rate}, from {clip.times[0]:.2f} to {clip.times[-1]:.2f} s."
    )
    if clip.padded:
        used += f" The clip is shorter than that, so its last frame is repeated {clip.padded} times."
    return f'<p class="status">{used} {knows(prediction.checkpoint.trained_on)}</p>'


def knows(trained_on: str) -> str:
    """What the weights know, in words."""
    if not trained_on:
        return "These weights are untrained: random numbers, so nothing here means anything."
    if "generated clips" in trained_on:
        return "The model knows 24 kinds of motion from generated clips; it knows nothing about actions or things."
    return f"Trained on {html.escape(trained_on)}."


def answer(clip: str, checkpoint: Path, device: str, start_seconds: float = 0, sampling_rate: int = 4) -> dict:
    """The programmable way in: the five best classes and the frames used, as plain data."""
    return summary(run(clip, start_seconds, sampling_rate, checkpoint, device))
