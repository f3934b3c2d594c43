"""The model before the first step."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sifa.data.motion import CLASSES
from sifa.model.attention import SIFA
from sifa.model.initialise import initialise
from sifa.model.registry import SIFAModel, create_model
from sifa.model.resize import nearest_offsets
from sifa.model.swin import SIFATransformer
from sifa.training.recipes import Recipe
from sifa.weights.card import card_of
from sifa.weights.checkpoint import load, load_weights
from sifa.weights.groups import Group

HEADS = ("head", "fc", "fc_dual")  # the classifiers of Swin and ResNet, by name


def begin(
    recipe: Recipe,
    labels: tuple[str, ...] = CLASSES,
    start: str | Path | None = None,
    groups: tuple[Group, ...] = (),
) -> SIFAModel:
    """A new model of the recipe's variant, or that of checkpoint `start`, with a new head where its classes are others; a class
    that it knew under the same name keeps its weights. `groups` are those of the labels.

    What the recipe's config says is changed in a checkpoint's, too, as far as its weights still fit: a larger `img_size`, say.
    The card says which classes the model knows, and what it was trained on before. Raises WeightsError like `load`.
    """
    if start is None:
        model = create_model(recipe.variant, **{"num_classes": len(labels)} | recipe.config)
        if isinstance(model, SIFATransformer):
            initialise(model)
        model.card = replace(card_of(model), labels=labels, groups=groups)
        return model
    model = load(start)
    if any(model.config.as_dict().get(name) != value for name, value in recipe.config.items()):
        model = _change(model, recipe.config)
    card = card_of(model)
    if card.labels != labels:
        for name, old in heads(model).items():
            setattr(model, name, new_head(old, card.labels, labels))
        model.config = model.config.change(num_classes=len(labels))
        model.card = replace(card, config=model.config.as_dict(), labels=labels, groups=groups)
    return model


def new_head(old: nn.Linear, before: tuple[str, ...], labels: tuple[str, ...]) -> nn.Linear:
    """A classifier of other labels, which begins with what `old` knew of those that it had before."""
    head = nn.Linear(old.in_features, len(labels))
    nn.init.trunc_normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    known = [(labels.index(name), before.index(name)) for name in labels if name in before]
    with torch.no_grad():
        for new, number in known:
            head.weight[new], head.bias[new] = old.weight[number], old.bias[number]
    return head


def _change(model: SIFAModel, config: dict[str, Any]) -> SIFAModel:
    """A model with some arguments changed and the same weights; on another grid of neighbours, those of the nearest ones."""
    other = create_model(model.variant, **model.config.change(**config).as_dict())
    state, grids = model.state_dict(), neighbours(other)
    for name, before in neighbours(model).items():
        if grids.get(name, before) != before and (key := f"{name}.conv_offset.weight") in state:
            state[key] = nearest_offsets(state[key], before, grids[name])
    load_weights(other, state)
    card = card_of(model)
    other.card = replace(card, config=other.config.as_dict(), num_frames=other.config.num_frames)
    return other


def neighbours(model: SIFAModel) -> dict[str, tuple[int, int]]:
    """K and dilation of each SIFA block, by name."""
    return {name: (m.kernel_size, m.dilation) for name, m in model.named_modules() if isinstance(m, SIFA)}


def heads(model: SIFAModel) -> dict[str, nn.Linear]:
    """The classifiers of a model, by name."""
    return {name: module for name, module in model.named_children() if name in HEADS and isinstance(module, nn.Linear)}
