"""Does the attention decide the answer? Accuracy on generated clips with one thing changed in every SIFA block."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sifa.data.motion import MotionClips
from sifa.data.motion.filmed_clips import FilmedClips, pairs_of_labels
from sifa.errors import DataError
from sifa.evaluation.filmed import describe_groups, gives_two_answers, is_clear, right
from sifa.evaluation.generated import motions
from sifa.model.attention import SIFA
from sifa.tracing.interventions import intervene
from sifa.tracing.records import Progress
from sifa.tracing.stand_in import any_order, change_blocks, remove_first
from sifa.video.preprocess import normalise
from sifa.weights.card import ModelCard, VideoModel, card_of

Causes = dict[str, float] | dict[str, dict[str, float]]
Mark = Callable[
    [Tensor], Tensor
]  # logits (B, classes) -> whether they are right (clips,), or (clips, groups) of two answers
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
) -> Causes:
    """Top-1 on held-out generated clips, by the name of what is changed: those of `TITLES`.

    Where it stays as it is without the blocks, the rest of the model decides; where it falls to chance, they do. Of weights that
    give two answers it is that of "both", and of each by the name of its group, on clips that have one answer in each. Raises
    DataError where a class is none of the 24 motions, and where the model has no SIFA block.
    """
    if not any(isinstance(module, SIFA) for module in model.modules()):
        raise DataError("this model has no SIFA block, so there is no attention to change; choose other weights")
    model.eval()
    card = card_of(model)
    marks: dict[str, list[Tensor]] = {name: [] for name in TITLES}
    for index, (video, mark) in enumerate(_clips(model, card, clips, batch, seed)):
        for name, logits in _changed(model, normalise(video, card.mean, card.std), index):
            marks[name].append(mark(logits.cpu()))
        if progress:
            progress("changed blocks", min(1.0, (index + 1) * batch / clips))
    shares = {name: torch.cat(each).float() for name, each in marks.items()}
    if not card.groups:
        return {name: round(each.mean().item(), 4) for name, each in shares.items()}
    both = {
        name: dict(both=each.amin(1), **dict(zip((g.name for g in card.groups), each.unbind(1))))
        for name, each in shares.items()
    }
    return {name: {key: round(hits.mean().item(), 4) for key, hits in each.items()} for name, each in both.items()}


def _clips(model: VideoModel, card: ModelCard, clips: int, batch: int, seed: int) -> Iterator[tuple[Tensor, Mark]]:
    """Batches of held-out videos, each with a function that says which logits are right of it."""
    two, device = gives_two_answers(card), str(next(model.parameters()).device)
    motion = pairs_of_labels(clips) if two else motions(card).repeat(1 + clips // len(card.labels))[:clips]
    kind = FilmedClips if two else MotionClips
    source = kind("held-out", card.size, card.num_frames, seed=seed, textures=150, device=device)
    numbers = torch.arange(clips) % len(card.labels)
    for index, part in enumerate(torch.arange(clips).split(batch)):
        sample = source.batch(index, motion[part])
        yield sample.video, partial(_right_of_both, sample.labels.cpu()) if two else partial(_right, numbers[part])


def _right(truth: Tensor, logits: Tensor) -> Tensor:
    return logits.argmax(1) == truth


def _right_of_both(targets: Tensor, logits: Tensor) -> Tensor:
    clear = is_clear(targets)
    return right(logits[clear], targets[clear])


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


def describe_causes(figures: Mapping[str, Any]) -> str:
    """The figures in words, a line each."""
    lines = []
    for name, title in TITLES.items():
        found = figures[name]
        if isinstance(found, dict):
            lines.append(f"  {found['both']:6.1%}  {title} ({describe_groups(found)})")
        else:
            lines.append(f"  {found:6.1%}  {title}")
    return "\n".join(lines)
