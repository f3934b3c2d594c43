"""Predictions for tests: a real one by an untrained nano model, and made-up traces of other shapes."""

import numpy as np
import torch
from torch import nn

import sifa
from sifa.tracing.records import BlockTrace, Prediction, Trace
from sifa.video.clip import Clip
from sifa.video.preprocess import Crop
from sifa.weights.card import ModelCard, card_of


def moving_clip(frames=16, height=96, width=128) -> Clip:
    """A bright disc that crosses a textured ground."""
    rng = np.random.default_rng(0)
    ground = rng.integers(40, 120, (height, width, 3), dtype=np.uint8)
    y, x = np.mgrid[:height, :width]
    pictures = np.stack([ground] * frames)
    for t, picture in enumerate(pictures):
        picture[np.hypot(y - height / 2, x - 20 - 5 * t) < 14] = (240, 190, 40)
    indices = np.arange(frames) * 4
    return Clip(
        frames=pictures,
        times=indices / 30,
        indices=indices,
        path="/somewhere/secret/moving.mp4",
        fps=30.0,
        source_frames=61,
        source_size=(height, width),
        sampling_rate=4,
    )


def nano_model(**config) -> nn.Module:
    """The nano variant with random weights and offsets that are not zero."""
    torch.manual_seed(3)
    model = sifa.create_model("sifa_swin_nano_16x64", **config).eval()
    model.card = card_of(model)
    for name, p in model.named_parameters():
        if "conv_offset" in name:
            nn.init.normal_(p, std=0.15)
    return model


def nano_prediction(**config) -> Prediction:
    return sifa.predict(nano_model(**config), moving_clip())


def foreign_prediction(kernel=3, normalised=False, pairs=3, grid=(7, 11), frame_size=(70, 110)) -> Prediction:
    """A made-up trace on a grid with two different sides, one block after another half its size."""
    rng = np.random.default_rng(kernel)
    clip = moving_clip(2 * (pairs + 1), *frame_size)

    def block(number, height, width):
        attention = rng.normal(size=(pairs, kernel**2, height, width)).astype(np.float32)
        if normalised:
            attention = np.exp(attention) / np.exp(attention).sum(1, keepdims=True)
        offset = rng.normal(scale=1.5, size=(pairs, kernel**2, 2, height, width)).astype(np.float32)
        saliency = rng.random((pairs, height, width), dtype=np.float32)
        stride = (2.0, frame_size[0] / height, frame_size[1] / width)
        return BlockTrace(f"blocks.{number}", 0, number, kernel, 1, stride, offset, attention, saliency, normalised)

    labels = tuple(f"class {i}" for i in range(7))
    side = min(frame_size)
    return Prediction(
        clip=clip,
        crop=Crop(64 / side, 0.0, (frame_size[1] - side) / 2 * 64 / side, 64),
        logits=rng.normal(size=7).astype(np.float32),
        labels=labels,
        trace=Trace([block(0, *grid), block(1, grid[0] // 2, grid[1] // 2)]),
        card=ModelCard("made up", {"img_size": 64}, labels),
    )
