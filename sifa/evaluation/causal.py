"""Does the attention decide the answer? Accuracy on generated clips with one thing changed in every SIFA block."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from sifa.data.motion import MotionClips
from sifa.errors import DataError
from sifa.evaluation.generated import motions
from sifa.model.attention import SIFA
from sifa.tracing.interventions import intervene
from sifa.tracing.records import Progress
from sifa.tracing.stand_in import any_order, change_blocks, remove_first
from sifa.video.preprocess import normalise
from sifa.weights.card import VideoModel, card_of

REMOVED = 3  # neighbours of each cell
TITLES = {
    "base": "as it is",
    "silent": "all weights zero",
    "uniform": "all weights of a cell equal",
    "rigid": "all offsets zero",
    "without_strongest": f"without the {REMOVED} strongest neighbours",
    "without_random": f"without {REMOVED} random neighbours",
    "frozen": "the first frame all the time",
}


@torch.no_grad()
def causal_figures(
    model: VideoModel, clips: int = 480, batch: int = 48, seed: int = 5, progress: Progress | None = None
) -> dict[str, float]:
    """Top-1 on held-out generated clips, by the name of what is changed: those of `TITLES`.

    Where it stays as it is without the blocks, the rest of the model decides; where it falls to chance, they do. Raises
    DataError where a class is none of the 24 motions, and where the model has no SIFA block.
    """
    if not any(isinstance(module, SIFA) for module in model.modules()):
        raise DataError("this model has no SIFA block, so there is no attention to change; choose other weights")
    model.eval()
    card, device = card_of(model), next(model.parameters()).device
    motion = motions(card)
    source = MotionClips("held-out", card.size, card.num_frames, seed=seed, textures=150, device=str(device))
    truth = torch.arange(clips) % len(motion)
    right = dict.fromkeys(TITLES, 0)
    for index, part in enumerate(truth.split(batch)):
        video = normalise(source.batch(index, motion[part]).video, card.mean, card.std)
        for name, logits in _changed(model, video, index):
            right[name] += int((logits.argmax(1).cpu() == part).sum())
        if progress:
            progress("changed blocks", min(1.0, (index + 1) * batch / clips))
    return {name: round(count / clips, 4) for name, count in right.items()}


def _changed(model: VideoModel, video: Tensor, seed: int) -> Iterator[tuple[str, Tensor]]:
    """What a model says to videos under each change."""
    changes: dict[str, AbstractContextManager[Any]] = {
        "base": nullcontext(),
        **{name: intervene(model, name) for name in ("silent", "uniform", "rigid")},
        "without_strongest": change_blocks(model, reweight=remove_first(REMOVED, torch.abs)),
        "without_random": change_blocks(model, reweight=remove_first(REMOVED, any_order(seed))),
    }
    for name, change in changes.items():
        with change:
            yield name, model(video)
    yield "frozen", model(video[:, :, :1].expand_as(video))


def describe_causes(figures: Mapping[str, float]) -> str:
    """The figures in words, a line each."""
    return "\n".join(f"  {figures[name]:6.1%}  {title}" for name, title in TITLES.items())
