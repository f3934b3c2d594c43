"""A clip in, a row of figures out, and the clip's trace in the folder: what every engine calls, here or on another machine."""

import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sifa.batch.figures import block_figures, camera_fit, deletion_figures
from sifa.errors import SifaError, WeightsError
from sifa.evaluation.metamorphic import SURE
from sifa.explorer.format.pack import pack
from sifa.model.registry import SIFAModel
from sifa.tracing.predict import predict
from sifa.tracing.records import Prediction
from sifa.tracing.trust import trust_figures
from sifa.video.clip import Clip
from sifa.weights.card import card_of
from sifa.weights.checkpoint import load
from sifa.weights.files import write_whole

Row = dict[str, Any]  # the columns of `sifa.batch.parts.SCHEMA`; those that it lacks are empty
THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 160, 70  # pixels; of JPEG


@dataclass(frozen=True)
class ListedClip:
    """A clip of a list."""

    number: int  # its place in the list, from 0
    file: str  # a video, or a folder of numbered pictures
    label: str | None = None  # the class that the list gives it


@dataclass(frozen=True)
class Settings:
    """What every row of a table is made with; plain data, so that it can be sent to other processes and machines."""

    checkpoint: str  # a file, a URL or a hub id
    sha256: str  # of the weights
    out: str  # the folder of the table, which every process can write into
    device: str = "cpu"
    trust: bool = False  # also the figures of trust that take about ten more passes of the model
    clips_per_part: int = 128
    threads: int = 1  # of one process


def row_of(clip: ListedClip, settings: Settings) -> Row:
    """The row of a clip; its trace is written as `traces/PART/NUMBER.sifa` below the table's folder.

    Nothing is kept from one call to the next but the model. A clip that fails is a row whose `error` says why. Raises
    WeightsError where the weights cannot be loaded or are others, RunError where the trace cannot be written.
    """
    model = _model(settings.checkpoint, settings.sha256, settings.device)
    watch = Watch()
    try:
        prediction = _see(model, clip, settings, watch)
        row = _figures(prediction, clip, watch)
        with watch("pack"):
            packed = pack(prediction)
    except Exception as error:
        return failed_row(clip, _reason(error)) | dict(seconds=watch.seconds)
    row["trace"] = trace_place(clip.number, settings.clips_per_part)
    file = Path(settings.out) / row["trace"]
    with watch("write"):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, packed)
    return row | dict(seconds=watch.seconds)


def failed_row(clip: ListedClip, reason: str) -> Row:
    """The row of a clip that has no figures."""
    return _first_columns(clip) | dict(error=_plain(reason))


def trace_folder(part: int) -> str:
    """Where the traces of a part lie, relative to the table's folder."""
    return f"traces/{part:05d}"


def trace_place(number: int, clips_per_part: int) -> str:
    """Where the trace of a clip lies, relative to the table's folder."""
    return f"{trace_folder(number // clips_per_part)}/{number:06d}.sifa"


@dataclass
class Watch:
    """How many seconds each part of the work took, by the clock."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = round(time.perf_counter() - start, 4)


@lru_cache(maxsize=1)
def _model(checkpoint: str, sha256: str, device: str) -> SIFAModel:
    """Loaded once in a process. Raises WeightsError where the weights are others than those that the table was begun with."""
    model = load(checkpoint, device)
    if (found := card_of(model).sha256) != sha256:
        raise WeightsError(
            f"{checkpoint} has sha256 {found[:12]}... here, and {sha256[:12]}... where the command was given; copy the same "
            "weights to every machine"
        )
    return model


def _see(model: SIFAModel, clip: ListedClip, settings: Settings, watch: Watch) -> Prediction:
    with watch("read"):
        frames = card_of(model).read(clip.file)
    with watch("predict"):
        prediction = predict(model, frames)
    if settings.trust:
        with watch("trust"):
            prediction = replace(prediction, trust=trust_figures(model, prediction))
    return prediction


def _figures(prediction: Prediction, clip: ListedClip, watch: Watch) -> Row:
    with watch("figures"):
        seen, probabilities = prediction.clip, prediction.probabilities
        answers, groups = prediction.answers(), prediction.card.groups
        together = math.prod(answer.probability for answer in answers)
        sure = all(answer.sure for answer in answers) and (bool(groups) or together > SURE)
        return _first_columns(clip) | dict(
            correct=clip.label in [answer.label for answer in answers] if clip.label in prediction.labels else None,
            answer=", ".join(answer.label for answer in answers),
            probability=round(together, 6),
            unsure=not sure,
            top5=[
                dict(label=label, probability=round(p, 6))
                for name in [group.name for group in groups] or [""]
                for label, p in prediction.top(5, name)
            ],
            probabilities=np.round(probabilities, 6).tolist(),
            cut=seen.cut is not None,
            camera=camera_fit(prediction.trace[prediction.best_block]) if len(prediction.trace) else None,
            blocks=block_figures(prediction, prediction.trust),
            deletion=deletion_figures(prediction.trust),
            notes=[*seen.notes, *([prediction.withheld] if prediction.withheld else [])],
            padded=seen.padded,
            fps=seen.fps,
            source_frames=seen.source_frames,
            source_height=seen.source_size[0],
            source_width=seen.source_size[1],
            start=round(float(seen.times[0]), 4),
            end=round(float(seen.times[-1]), 4),
            thumbnail=thumbnail(seen),
        )


def _first_columns(clip: ListedClip) -> Row:
    return dict(number=clip.number, file=_plain(clip.file), label=clip.label, page=f"clip/{clip.number}")


def _plain(text: str) -> str:
    """A text with \\udc.. in place of what is not UTF-8 in a file's name."""
    return text.encode(errors="backslashreplace").decode()


def thumbnail(clip: Clip) -> bytes:
    """The middle frame as a JPEG of at most 160 pixels a side."""
    picture = Image.fromarray(clip.frames[len(clip.frames) // 2])
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=THUMBNAIL_QUALITY)
    return out.getvalue()


def _reason(error: Exception) -> str:
    """What went wrong, in one line; of what this library does not foresee also its kind."""
    first = " ".join(str(error).split())[:500]
    return first if isinstance(error, SifaError) else f"{type(error).__name__}: {first}"
