"""What if ...? One thing changed, in the blocks, the clip or the weights, and the same clip predicted again.

`with intervene(model, "rigid"): predict(model, clip)` changes the blocks in the calling context only; `what_if(model, clip,
"reversed")` takes every kind. Stand-ins run in place of the SIFA blocks and share their parameters
(`sifa.tracing.hooks.replace_blocks`), so nothing is left on the model, threads can share it, and a recorded trace holds what
really ran.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from reprlib import repr as shown
from typing import Any, TypeVar

import numpy as np
import torch

from sifa.tracing.given import check_clip, check_model
from sifa.tracing.predict import predict
from sifa.tracing.records import Prediction, Progress, Trace, WhatIf
from sifa.tracing.stand_in import change_blocks, mean_over_neighbours
from sifa.video.clip import Clip
from sifa.weights.card import VideoModel, card_of, load_card
from sifa.weights.checkpoint import load
from sifa.weights.download import sha256
from sifa.weights.shipped import DEFAULT_CHECKPOINT

CLASS_ONLY = DEFAULT_CHECKPOINT.parent / "variants" / "free.safetensors"
Model = TypeVar("Model", bound=VideoModel)
SEED = 6  # of shuffled frames (of eight steps none keeps its place or its neighbour) and of random weights


def shuffle_weights(model: Model, seed: int = SEED) -> Model:
    """A copy of a model in which the numbers of every parameter are shuffled: the same sizes, nothing learned."""
    rng = torch.Generator().manual_seed(seed)
    other = deepcopy(model)
    with torch.no_grad():
        for p in other.parameters():
            p.copy_(p.flatten()[torch.randperm(p.numel(), generator=rng).to(p.device)].view_as(p))
    return other


def shuffle_steps(frames: int, tubelet: int) -> list[int]:
    """Numbers of the frames with the time steps in another, fixed order; the frames inside a step keep theirs."""
    rng = np.random.default_rng(SEED)
    order: list[int] = rng.permutation(np.arange(frames).reshape(-1, tubelet)).flatten().tolist()
    return order


@dataclass(frozen=True)
class Intervention:
    """One change. Exactly one of `block`, `order` and `weights` says what it is."""

    name: str
    title: str
    explanation: str
    block: Mapping[str, Any] = field(default_factory=dict)  # attributes of the stand-ins
    order: Callable[[int, int], list[int]] | None = None  # (frames, frames of a step) -> the frame shown at each place
    weights: Callable[[VideoModel], VideoModel] | None = None  # model -> the model that runs in its place


INTERVENTIONS = (
    Intervention(
        "rigid",
        "Rigid grid",
        "All offsets are zero: every block reads the regular grid around the cell.",
        block=dict(conv_offset=None),
    ),
    Intervention(
        "no-gate",
        "No gate",
        "The offsets are read from the next frame alone, without the gate of its difference from this one.",
        block=dict(saliency="none"),
    ),
    Intervention(
        "uniform",
        "Uniform weights",
        "The neighbours of a cell all get the mean of their weights: where it looks stays, what it prefers is gone.",
        block=dict(reweight=mean_over_neighbours),
    ),
    Intervention(
        "silent",
        "Silent blocks",
        "All weights are zero: what the blocks read in the next frame does not reach the rest of the model.",
        block=dict(reweight=torch.zeros_like),
    ),
    Intervention(
        "frozen", "Frozen clip", "The first frame is shown all the time.", order=lambda frames, _: [0] * frames
    ),
    Intervention(
        "reversed",
        "Reversed clip",
        "The frames are shown from last to first.",
        order=lambda frames, _: list(range(frames))[::-1],
    ),
    Intervention(
        "shuffled",
        "Shuffled frames",
        "The time steps are shown in a random order, always the same one.",
        order=shuffle_steps,
    ),
    Intervention(
        "random",
        "Random weights",
        "The numbers of every parameter are shuffled: the same sizes, nothing learned.",
        weights=shuffle_weights,
    ),
)


def other_checkpoint(
    source: str | Path | Callable[[], VideoModel], title: str = "Other weights", explanation: str = ""
) -> Intervention:
    """The same clip through other weights, with the same classes: a checkpoint, or a function that makes the model."""

    def load_other(model: VideoModel) -> VideoModel:
        other: VideoModel = load(source) if isinstance(source, str | Path) else source()
        other = other.to(next(model.parameters()).device)
        mine, others = card_of(model), card_of(other)
        if others.labels != mine.labels:
            raise ValueError(
                f"the other weights know {len(others.labels)} classes that are not the model's "
                f"{len(mine.labels)}, so the answers cannot be compared; choose weights with the same classes"
            )
        return other

    if not explanation:
        name = f": {Path(source).name}" if isinstance(source, str | Path) else ""
        explanation = f"The same clip through other weights{name}."
    return Intervention("other", title, explanation, weights=load_other)


def interventions_for(model: VideoModel) -> list[Intervention]:
    """Every what-if that can be tried with a model: INTERVENTIONS, and the shipped class-only weights where these are others
    than the model's, with the same classes, for clips of as many frames and of the same size."""
    mine, others = card_of(model), load_card(CLASS_ONLY)
    same = all(getattr(mine, key) == getattr(others, key) for key in ("labels", "num_frames", "size"))
    if not same or mine.sha256 == sha256(CLASS_ONLY):
        return [*INTERVENTIONS]
    explanation = (
        "The same clip through weights that learned their offsets from the class alone, as the paper describes."
    )
    return [*INTERVENTIONS, other_checkpoint(CLASS_ONLY, "Class-only weights", explanation)]


def find_intervention(intervention: str | Intervention) -> Intervention:
    """An intervention by its name. Raises ValueError where there is none."""
    if isinstance(intervention, Intervention):
        return intervention
    for each in INTERVENTIONS:
        if isinstance(intervention, str) and each.name == intervention:
            return each
    raise ValueError(
        f"no what-if is called {shown(intervention)}; there are {', '.join(i.name for i in INTERVENTIONS)}"
    )


def intervene(model: VideoModel, *interventions: str | Intervention) -> AbstractContextManager[None]:
    """Change the SIFA blocks of a model, in the calling context while the body runs: with intervene(model, "rigid"): ...

    Several changes, here or one `with` inside another, hold together. Raises ValueError for those that change the clip or
    the weights (`what_if` takes them), and where the model has no SIFA block.
    """
    chosen = [find_intervention(each) for each in interventions]
    for each in chosen:
        if not each.block:
            raise ValueError(f"{each.name!r} changes the clip or the weights, not the blocks; call what_if instead")
    changes = {key: value for each in chosen for key, value in each.block.items()}
    return change_blocks(model, **changes)


def reorder(clip: Clip, order: list[int]) -> Clip:
    """The clip with frame order[i] at place i, and its number and time with it."""
    return replace(clip, frames=clip.frames[order], indices=clip.indices[order], times=clip.times[order])


def what_if(model: VideoModel, clip: Clip, intervention: str | Intervention) -> Prediction:
    """What the model makes of a clip once one thing is changed; the trace is that of the changed run.

    Raises ValueError for an unknown name, and where the model has no block to change or reads another number of frames.
    """
    check_model(model)
    check_clip(clip)
    chosen = find_intervention(intervention)
    if chosen.order:
        clip = reorder(clip, chosen.order(len(clip.frames), model.tubelet))
    if chosen.weights:
        model = chosen.weights(model)
    with intervene(model, chosen) if chosen.block else nullcontext():
        return predict(model, clip)


def mean_lengths(trace: Trace) -> tuple[float, ...]:
    """Mean |displacement| of each block over pairs and cells, in cells."""
    return tuple(float(np.linalg.norm(block.displacement, axis=1).mean()) for block in trace)


def add_what_ifs(
    model: VideoModel,
    prediction: Prediction,
    interventions: Iterable[str | Intervention] = INTERVENTIONS,
    progress: Progress | None = None,
) -> Prediction:
    """The prediction with what the model says under each intervention, in `prediction.what_if`.

    Those that change blocks are left out where the model has none. `progress` gets each one's title before it runs.
    """
    chosen = [each for each in map(find_intervention, interventions) if len(prediction.trace) or not each.block]
    results = []
    for done, each in enumerate(chosen):
        if progress:
            progress(f"what if: {each.title.lower()}", done / len(chosen))
        frames = len(prediction.clip.frames)
        order = tuple(each.order(frames, model.tubelet)) if each.order else ()
        other = what_if(model, prediction.clip, each)
        results.append(
            WhatIf(
                each.name,
                each.title,
                each.explanation,
                other.logits,
                mean_lengths(other.trace),
                other.trace,
                order,
                prediction.card.groups,
            )
        )
    return replace(prediction, what_if=tuple(results))
