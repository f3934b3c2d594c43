"""What a run ends with: its checkpoint, whose card says what was done and how good it is."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from sifa.data.user_clips import VideoClips
from sifa.evaluation.held_out import evaluate_held_out
from sifa.model.registry import SIFAModel
from sifa.tracing.records import Progress
from sifa.training.course import COURSES, Course
from sifa.training.recipes import RECIPES, TITLES, Recipe
from sifa.training.start import heads
from sifa.weights.card import CARDS_FRAME_RATE, ModelCard, card_of
from sifa.weights.checkpoint import save


@torch.no_grad()
def even_out(model: SIFAModel, course: Course, recipe: Recipe, everything: bool) -> None:
    """Take from the head's bias what it learned from some classes being drawn more often than others at the end; not where they
    are groups, of which a camera that stays still and things that do so are the most usual ones in the world, too."""
    if course.groups:
        return
    wishes = course.wishes(recipe.steps - 1, recipe, everything)
    for head in heads(model).values():
        counts = wishes.bincount(minlength=len(course.labels)).to(head.bias)
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
        metrics = COURSES[recipe.family].measure(model, measure_clips, progress=progress)
    before = card_of(model)
    least = (metrics or {}).get("unsure_below", {})
    card = ModelCard(
        variant=before.variant,
        config=before.config,
        labels=before.labels,
        groups=tuple(replace(group, unsure_below=least.get(group.name, 0.0)) for group in before.groups),
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
    names = {of_losses(each): name for name, each in RECIPES.items()}
    name = names.get(of_losses(recipe))
    title = TITLES[name] if name else "a recipe of your own"
    size = f"{recipe.config['img_size']} pixels, " if "img_size" in recipe.config else ""
    return f"{title} ({size}{recipe.steps * recipe.batch / 1000:g} k clips)"


def of_losses(recipe: Recipe) -> tuple[object, ...]:
    """By what recipes are told apart in titles: the model but for its pictures' size, and what it learns from."""
    config = {name: value for name, value in recipe.config.items() if name != "img_size"}
    return str(config), recipe.flow_weight, recipe.photometric_weight, recipe.family


def _trained_on(recipe: Recipe, data: VideoClips | None, before: str, changed: bool) -> str:
    late = ", changed on the way" if changed else ""
    if data:
        return f"{data.count} clips of {len(data.labels)} classes{late}, after {before or 'random weights'}"
    supervised = ", offsets supervised with the true flow" if recipe.flow_weight else ""
    labels = COURSES[recipe.family].labels
    after = f", after {before.removesuffix(supervised)}" if before else ""
    return f"{recipe.steps * recipe.batch} generated clips of {len(labels)} motions{supervised}{late}{after}"


def describe_result(card: ModelCard) -> str:
    """The accuracy on held-out clips in words; empty where none was measured."""
    metrics = card.metrics
    return f"held-out top-1 {metrics['top1']:.1%} of {metrics['clips']}" if metrics else ""
