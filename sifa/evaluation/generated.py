"""How well a model tells generated motions apart, and follows them: clips of its own size and length, made on the fly."""

import tempfile
from functools import cache
from pathlib import Path
from typing import TypedDict

import torch
from torch import Tensor

from sifa.data.listing import find_clips
from sifa.data.motion import CLASSES, MotionClips, pasted
from sifa.errors import DataError
from sifa.evaluation.flow import FlowFigures, flow_figures, flow_sums
from sifa.evaluation.metrics import Accuracy, accuracy
from sifa.evaluation.videos import evaluate_videos
from sifa.tracing.hooks import capture
from sifa.tracing.records import Progress
from sifa.video.preprocess import normalise
from sifa.weights.card import ModelCard, VideoModel, card_of


class GeneratedFigures(Accuracy, FlowFigures):
    """What `evaluate_generated` finds."""


class Part(TypedDict):
    """Accuracy on a further set of clips."""

    clips: int
    top1: float
    top5: float
    per_class: dict[str, float]


class Figures(GeneratedFigures):
    """All that `measure` finds, as it stands in a card."""

    worn: Part  # generated clips with the faults of uploads
    pasted: Part  # mp4 files that other code made


def motions(card: ModelCard) -> Tensor:
    """(classes,) which of the 24 motions each of a model's classes is. Raises DataError where one is none of them."""
    if strangers := [name for name in card.labels if name not in CLASSES]:
        raise DataError(
            f"generated clips show the {len(CLASSES)} motions; this model knows {', '.join(strangers[:3])}"
            f"{' ...' if len(strangers) > 3 else ''}: measure it on videos of its own classes, with --data"
        )
    return torch.tensor([CLASSES.index(name) for name in card.labels])


@torch.no_grad()
def evaluate_generated(
    model: VideoModel,
    clips: int = 2400,
    batch: int = 48,
    seed: int = 5,
    worn: bool = False,
    progress: Progress | None = None,
) -> GeneratedFigures:
    """Accuracy over the model's classes, and how well each SIFA block's displacement follows the true flow.

    The clips show the model's classes in turn; their photographs, of the held-out split, were never trained on. `worn` adds
    the faults of uploads. Raises DataError where a class is none of the 24 motions.
    """
    model.eval()
    card = card_of(model)
    motion = motions(card)
    device = next(model.parameters()).device
    source = MotionClips("held-out", card.size, card.num_frames, seed=seed, textures=150, worn=worn, device=str(device))
    truth = torch.arange(clips) % len(motion)
    ranks, sums = [], []
    for index, part in enumerate(truth.split(batch)):
        sample = source.batch(index, motion[part])
        with capture(model) as blocks:
            ranks.append(model(normalise(sample.video, card.mean, card.std)).cpu().argsort(1, descending=True))
        sums.append(flow_sums(sample, blocks))
        if progress:
            progress("worn clips" if worn else "generated clips", min(1.0, (index + 1) * batch / clips))
    return GeneratedFigures(
        **accuracy(torch.cat(ranks), truth, card.labels), **flow_figures(torch.tensor(sums, dtype=torch.float32).sum(0))
    )


def pasted_videos(progress: Progress | None = None) -> list[tuple[Path, str]]:
    """The files of `sifa.data.motion.pasted` with their classes; they are made once, and go when the program ends."""
    folder = Path(_temporary().name)
    if not (folder / "whole").exists():
        pasted.make(folder / "part", progress=progress)
        (folder / "part").rename(folder / "whole")
    return find_clips(folder / "whole")


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def measure(model: VideoModel, clips: int, progress: Progress | None = None) -> Figures | None:
    """All figures of a card: generated clips clean and `worn`, and the mp4 files that other code made (`pasted`).

    Under torchrun every process but the first returns None.
    """
    metrics = evaluate_generated(model, clips, progress=progress)
    worn = evaluate_generated(model, clips, worn=True, progress=progress)
    labels = card_of(model).labels
    videos = [(file, name) for file, name in pasted_videos(progress) if name in labels]
    files = evaluate_videos(model, videos, progress=progress)
    return Figures(**metrics, worn=_part(worn), pasted=_part(files)) if files else None


def _part(figures: Accuracy) -> Part:
    return Part(clips=figures["clips"], top1=figures["top1"], top5=figures["top5"], per_class=figures["per_class"])
