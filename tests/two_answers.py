"""A small model that gives two answers, and a prediction of it with what-ifs and figures of trust."""

from dataclasses import replace

import torch
from torch import nn

import sifa
from sifa.data.motion.classes import CAMERA, FILMED
from sifa.tracing.interventions import add_what_ifs
from sifa.tracing.records import Prediction
from sifa.tracing.trust import trust_figures
from sifa.weights.card import card_of
from sifa.weights.groups import Group
from tests.predictions import moving_clip
from tests.tracing.test_interventions import nano_trained


def groups(camera: float, things: float) -> tuple[Group, ...]:
    """The groups of the second family, each with the probability below which its answer is unsure."""
    return Group("camera", 0, len(CAMERA), camera), Group("things", len(CAMERA), len(FILMED), things)


def filmed_model() -> nn.Module:
    """The nano variant with random weights that matter, clear answers, and the labels of the second family."""
    model = nano_trained(num_classes=len(FILMED))
    with torch.no_grad():
        model.head.weight.mul_(6)
    model.card = replace(card_of(model), labels=FILMED, groups=groups(0.6, 0.6))
    return model


def two_answers() -> Prediction:
    """The camera's answer is sure and becomes unsure where nothing is read; the other is unsure, and sure with random weights."""
    model = filmed_model()
    base = sifa.predict(model, moving_clip())
    return replace(add_what_ifs(model, base), trust=trust_figures(model, base))
