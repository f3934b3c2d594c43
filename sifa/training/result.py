"""What a run ends with: its checkpoint, whose card says what was done and how good it is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sifa.data.motion import CLASSES
from sifa.data.user_clips import VideoClips
from sifa.evaluation.generated import evaluate_generated
from sifa.evaluation.held_out import evaluate_held_out
from sifa.model.registry import SIFAModel
from sifa.tracing.records import Progress
from sifa.training.recipes import RECIPES, TITLES, Recipe
from sifa.training.start import heads
from sifa.weights.card import CARDS_FRAME_RATE, ModelCard, card_of
from sifa.weights.checkpoint import save


@torch.no_grad()
def even_out(model: SIFAModel, pool: Sequence[str], labels: Sequence[str]) -> None:
    """Take from the head's bias what it learned from some classes being drawn more often than others."""
    for head in heads(model).values():
        counts = torch.tensor([float(pool.count(name)) for name in labels], device=head.bias.device)
        head.bias.sub_((counts / counts.mean()).log())


def write_result(
    model: SIFAModel,
    recipe: Recipe,
    file: Path,
    seconds: float,
    data: VideoClips | None,
    measure_clips: int,
    progress: Progress | None = None,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write the checkpoint with its card: recipe, cost, what it was trained on, and its accuracy on held-out clips.

    `about` is what else the card says of the run. Raises RunError where the file cannot be written.
    """
    metrics: Mapping[str, Any] | None = None
    if data:
        metrics = evaluate_held_out(model, data)
    elif measure_clips:
        metrics = evaluate_generated(model, measure_clips, progress=progress)
    before = card_of(model)
    card = ModelCard(
        variant=before.variant,
        config=before.config,
        labels=before.labels,
        title=_title(recipe, data),
        trained_on=_trained_on(recipe, data, before.trained_on, bool((about or {}).get("changed"))),
        num_frames=before.num_frames,
        sampling_rate=before.sampling_rate,
        step_seconds=before.step_seconds if data else before.sampling_rate / CARDS_FRAME_RATE,
        mean=before.mean,
        std=before.std,
        recipe=asdict(recipe) | {"cpu_seconds": round(seconds)} | dict(about or {}),
        metrics=dict(metrics or {}),
    )
    save(model, card, file)


def _title(recipe: Recipe, data: VideoClips | None) -> str:
    if data:
        return f"fine-tuned: {', '.join(data.labels[:3])}{' ...' if len(data.labels) > 3 else ''}"
    names = {(str(r.config), r.flow_weight): name for name, r in RECIPES.items()}
    name = names.get((str(recipe.config), recipe.flow_weight))
    title = TITLES[name] if name else "a recipe of your own"
    return f"{title} ({recipe.steps * recipe.batch / 1000:g} k clips)"


def _trained_on(recipe: Recipe, data: VideoClips | None, before: str, changed: bool) -> str:
    late = ", changed on the way" if changed else ""
    if data:
        return f"{data.count} clips of {len(data.labels)} classes{late}, after {before or 'random weights'}"
    supervised = ", offsets supervised with the true flow" if recipe.flow_weight else ""
    return f"{recipe.steps * recipe.batch} generated clips of {len(CLASSES)} motions{supervised}{late}"


def describe_result(card: ModelCard) -> str:
    """The accuracy on held-out clips in words; empty where none was measured."""
    metrics = card.metrics
    return f"held-out top-1 {metrics['top1']:.1%} of {metrics['clips']}" if metrics else ""
