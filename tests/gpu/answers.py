"""Predictions on the device equal those on the CPU: logits, probabilities, traces and what-ifs, as PyTorch is set (convolutions in
TF32 where the card has it)."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

import sifa
from sifa.tracing.interventions import add_what_ifs
from sifa.tracing.records import Prediction
from sifa.tracing.trust import add_trust
from sifa.video.clip import Clip
from sifa.weights import shipped
from sifa.weights.card import VideoModel
from tests.gpu.report import Report, Setting
from tests.predictions import moving_clip

LOGITS = 5e-3  # largest difference by the largest logit
CELLS = 1 / 64  # of an offset
WEIGHTS = 5e-3  # largest difference by the largest weight of the block
PACKED_CELLS, PACKED_WEIGHTS = 1 / 32, 1 / 127  # one step of a packed trace may come between, of weights by their range
FEW = ("rigid", "random")  # what-ifs: one changes the blocks, the other makes other weights
ROUNDED_LOGITS = 0.05  # of bfloat16


def check(report: Report, setting: Setting) -> None:
    """The shipped weights on a clip that needs no decoder and on the samples, the variants, larger models, bfloat16."""
    clip = moving_clip()
    with report.case("default weights"):
        compare(report, "default weights", shipped.DEFAULT_CHECKPOINT, clip, setting)
    samples = shipped.clips()
    for title, file in list(samples.items())[: 1 if setting.small else None]:
        with report.case(title):
            compare(report, title, shipped.DEFAULT_CHECKPOINT, sifa.load().card.read(file), setting)
    others = [(title, file) for title, file in shipped.weights().items() if file != shipped.DEFAULT_CHECKPOINT]
    for title, weights in others[-1:] if setting.small else others:
        with report.case(title):
            compare(report, title, weights, clip, setting)
    with report.case("what-ifs"):
        what_ifs(report, clip, setting)
    with report.case("bfloat16"):
        models = [sifa.load(device=device) for device in ("cpu", setting.device)]
        one, two = sifa.predict(models[0], clip), sifa.predict(models[1], clip, amp=True)
        report.most("bfloat16: logits", difference(two.logits, one.logits), ROUNDED_LOGITS)
        report.holds("bfloat16: the same answer", one.logits.argmax() == two.logits.argmax())
    for name in ("sifa_swin_tiny_64x224", "sifa_resnet50_16x224"):
        if setting.small:
            report.skip(name, "too large for a CPU")
        elif report.has(name, 15):
            with report.case(name):
                untrained(report, name, setting)


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest, by the largest value."""
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))


def compare(report: Report, title: str, weights: Path, clip: Clip, setting: Setting) -> None:
    same(report, title, *(sifa.predict(sifa.load(weights, device), clip) for device in (setting.device, "cpu")))


def same(report: Report, title: str, found: Prediction, expected: Prediction, packed: bool = False) -> None:
    """Checks of a prediction, whose trace may have been packed."""
    limits = (CELLS + PACKED_CELLS, WEIGHTS + PACKED_WEIGHTS) if packed else (CELLS, WEIGHTS)
    report.most(f"{title}: logits", difference(found.logits, expected.logits), LOGITS)
    report.holds(f"{title}: the same answer", found.logits.argmax() == expected.logits.argmax())
    pairs = list(zip(found.trace, expected.trace, strict=True))
    if pairs:
        cells = max(float(np.abs(one.offset - two.offset).max()) for one, two in pairs)
        report.most(f"{title}: offsets, cells", cells, limits[0])
        report.most(f"{title}: weights", max(difference(one.attention, two.attention) for one, two in pairs), limits[1])


def what_ifs(report: Report, clip: Clip, setting: Setting) -> None:
    """Every what-if and the figures of trust; on a CPU a few."""
    found, expected = (tried(sifa.load(device=device), clip, setting) for device in (setting.device, "cpu"))
    for one, two in zip(found.what_if, expected.what_if, strict=True):
        report.most(f"what if, {one.name}: logits", difference(one.logits, two.logits), LOGITS)
    if setting.gpu:
        one_test, two_test = (each.trust and each.trust.deletion for each in (found, expected))
        for name in ("strongest", "random", "all"):
            apart = abs(getattr(one_test, name) - getattr(two_test, name))
            report.most(f"deletion, {name}: probability", apart, LOGITS)


def tried(model: VideoModel, clip: Clip, setting: Setting) -> Prediction:
    prediction = sifa.predict(model, clip)
    return add_trust(model, prediction) if setting.gpu else add_what_ifs(model, prediction, FEW)


def untrained(report: Report, name: str, setting: Setting) -> None:
    """A model of usual size with random weights and offsets of about a cell."""
    torch.manual_seed(0)
    model = sifa.create_model(name).eval()
    for key, parameter in model.named_parameters():
        if "conv_offset" in key:
            nn.init.normal_(parameter, std=0.05)
    clip = moving_clip(model.config.num_frames, 256, 256)
    expected = sifa.predict(model, clip)
    same(report, name, sifa.predict(model.to(setting.device), clip), expected)
    longest = max(float(np.abs(block.offset).max()) for block in expected.trace)
    report.figure(f"{name}: longest offset, cells", longest)
