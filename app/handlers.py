"""What the page does, as plain functions: nothing here knows a component."""

import html
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs

import plotly.graph_objects as go
import torch

from sifa import explorer
from sifa.charts.plots import plot_offset_and_entropy, plot_probabilities
from sifa.errors import VideoError, WeightsError
from sifa.tracing.predict import predict, summary
from sifa.tracing.records import Prediction
from sifa.tracing.trust import add_trust
from sifa.video.read import read_clip
from sifa.weights import shipped
from sifa.weights.card import load_card
from sifa.weights.checkpoint import load
from sifa.weights.download import sha256

log = logging.getLogger("app")
SAMPLES = shipped.ASSETS / "samples"
KEEP_SECONDS = 3600  # results on disk live as long as this
Report = Callable[[float, str], None]  # (share done, what is being done)


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
    what_ifs: bool  # whether the trace holds them


@contextmanager
def explained() -> Iterator[None]:
    """Turn whatever fails inside into a UserError; what nobody expected goes to the log with its traceback."""
    try:
        yield
    except UserError:
        raise
    except (VideoError, WeightsError) as error:
        raise UserError(sentence(str(error))) from error
    except torch.OutOfMemoryError as error:
        raise UserError("The graphics card has no memory left. Try again, or start with --device cpu.") from error
    except Exception as error:
        log.exception("a clip failed")
        raise UserError(
            f"Something went wrong that should not ({type(error).__name__}). The terminal shows the details; "
            "try another clip."
        ) from error


def sentence(text: str) -> str:
    """A capital, unless it begins with a file name, and a full stop."""
    start = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return start + text[1:] + ("" if text.endswith((".", "!")) else ".")


def choose_device(name: str) -> str:
    """auto -> cuda where there is one; a named device that is not there is refused."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no CUDA device here; start with --device cpu")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


@lru_cache(maxsize=2)
def model(checkpoint: Path, device: str):
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


def linked(link: str, samples: list[Sample], models: dict[str, Path], weights: str) -> tuple[int, str]:
    """The sample's number and the weights' title that a link's hash names; the first sample and `weights` where it names
    neither. The viewer itself asks for a clip that is no sample, and says so where the weights are others."""
    said = parse_qs(link.removeprefix("#"))
    clip, digits = (said.get(key, [""])[0] for key in ("c", "w"))
    index = next((i for i, sample in enumerate(samples) if sample.clip.name == clip), None)
    if index is None or not digits:
        return index or 0, weights
    return index, next((title for title, file in models.items() if sha256(file).startswith(digits)), weights)


def view_sample(sample: Sample, folder: Path) -> View:
    """A sample as it was packed; needs no model."""
    packed = sample.trace.read_bytes()
    return view(packed, explorer.unpack(packed), folder)


@explained()
def view_clip(
    clip: str | None,
    start_seconds: float | None,
    sampling_rate: int | None,
    checkpoint: Path | None,
    device: str,
    folder: Path,
    report: Report = lambda share, what: None,
    what_if: bool = False,
) -> View:
    """Run the model on a clip and write what the page shows of it; with `what_if`, also every what-if and the figures of
    trust. Raises UserError for any failure."""
    if checkpoint is None:
        raise UserError("Choose one of the listed weights.")
    part = 0.4 if what_if else 1
    prediction = run(
        clip, start_seconds, sampling_rate, checkpoint, device, lambda share, what: report(part * share, what)
    )
    if what_if:
        tell = lambda what, share: report(0.4 + 0.5 * share, what)  # noqa: E731
        network = model(checkpoint, device)
        prediction = add_trust(network, prediction, tell)
    report(0.95, "packing the trace")
    return view(explorer.pack(prediction), prediction, folder)


@explained()
def answer(clip: str, start_seconds: float, sampling_rate: int, checkpoint: Path, device: str, folder: Path) -> dict:
    """The programmable way in: the five best classes and the frames used, as plain data. Raises UserError.

    Only clips below `folder`, where uploads lie, are read.
    """
    if not Path(clip).resolve().is_relative_to(folder.resolve()):
        raise UserError("Upload the clip first; files elsewhere on this computer are not read.")
    return summary(run(clip, start_seconds, sampling_rate, checkpoint, device))


def run(
    clip: str | None,
    start_seconds: float | None,
    sampling_rate: int | None,
    checkpoint: Path,
    device: str,
    report: Report = lambda share, what: None,
) -> Prediction:
    """Read, decode, sample and predict a clip, at the weights' own rate if none is given; `report` is told what is done."""
    if not clip:
        raise UserError("Choose a clip first: drop a video file here, or record one with the camera.")
    report(0.02, "loading the model")
    network = model(checkpoint, device)
    start = 0
    if start_seconds:
        report(0.1, "reading the file")
        start = start_frame(clip, float(start_seconds))
    frames = network.card.num_frames
    report(0.2, f"decoding and sampling {frames} frames")
    sampled = read_clip(clip, frames, int(sampling_rate or network.card.sampling_rate), start)
    report(0.5, "preparing the frames")
    return predict(network, sampled, lambda what, share: report(0.5 + 0.45 * share, what))


def start_frame(clip: str, seconds: float) -> int:
    """The source frame nearest to a time; raises UserError where the clip has ended by then."""
    first = read_clip(clip, 1)
    frame = round(seconds * first.fps)
    if frame >= first.source_frames:
        length = first.source_frames / first.fps
        raise UserError(
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


def describe(prediction: Prediction) -> str:
    """HTML that says which frames and which part of them were used, and what the weights know."""
    clip = prediction.clip
    used = f"{listed(clip.indices.tolist())} of {clip.source_frames}, {clip.times[0]:.2f} to {clip.times[-1]:.2f} s."
    if clip.padded:
        used += (
            f" The clip is too short for {len(clip.indices)} frames at this rate, so its last frame stands in for the "
            f"missing {clip.padded}."
        )
    height, width = clip.source_size
    part, size = "whole" if height == width else "middle square of the", prediction.crop.size
    used += f" The model sees the {part} {width} × {height} picture, scaled to {size} × {size}."
    name = html.escape(Path(clip.path).name)
    known = html.escape(knows(prediction.card.trained_on, len(prediction.labels)))
    return f'<p class="used" role="status"><b>{name}</b> {used}</p><p class="knows">{known}</p>'


def listed(indices: list[int]) -> str:
    """frames 0, 4, 8 … 60"""
    numbers = sorted(set(indices))
    shown = (
        ", ".join(map(str, numbers))
        if len(numbers) < 5
        else f"{numbers[0]}, {numbers[1]}, {numbers[2]} … {numbers[-1]}"
    )
    return f"frame{'s' if len(numbers) > 1 else ''} {shown}"


def knows(trained_on: str, classes: int) -> str:
    """What the weights know, in words."""
    if not trained_on:
        return "Untrained weights: random numbers, so nothing here means anything."
    if "generated clips" in trained_on:
        return (
            f"Trained on generated clips of {classes} motions. The model knows these motions and nothing about actions "
            "such as those of Kinetics."
        )
    return sentence(f"Trained on {trained_on}")


def failure(message: str) -> str:
    """HTML of an error that stays readable on the page."""
    return f'<p class="failed" role="alert">{html.escape(message)}</p>'
