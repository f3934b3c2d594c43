"""Figures of a prediction's blocks in plain data, cheap enough for every clip of a large set."""

from typing import Any

import numpy as np

from sifa.tracing.records import BlockTrace, Prediction, Trust
from sifa.tracing.trust import follows_change, offset_length, outside, spread, unevenness

DIGITS = 5  # of the figures, after the point
Figures = dict[str, Any]


def camera_fit(block: BlockTrace) -> Figures | None:
    """The motion of a camera that is nearest to a block's displacement d, by least squares over its cells.

    d(r) = (y, x) + zoom * r + roll * (r turned clockwise by a right angle), r being a cell's place from the middle of the map. A
    regular grid makes the four terms orthogonal, so each is a mean. `y` and `x` are cells per step, `zoom` the share by which
    the picture grows in a step, `roll` radians clockwise in a step: means over the pairs. `share` is the part of the sum of
    |d|^2 that the fits of the pairs explain, 0 to 1. None where nothing is displaced.
    """
    d = block.displacement.astype(np.float64)
    height, width = d.shape[-2:]
    y, x = np.indices((height, width)) - np.array([height - 1, width - 1]).reshape(2, 1, 1) / 2
    size = max(float((y**2 + x**2).sum()), 1e-12)
    pan = d.mean((2, 3))
    zoom = (d[:, 0] * y + d[:, 1] * x).sum((1, 2)) / size
    roll = (d[:, 0] * x - d[:, 1] * y).sum((1, 2)) / size
    total = float((d**2).sum())
    if total < 1e-12 * d.size:  # what rounding leaves
        return None
    explained = (pan**2).sum() * height * width + ((zoom**2 + roll**2) * size).sum()
    means = dict(y=pan[:, 0].mean(), x=pan[:, 1].mean(), zoom=zoom.mean(), roll=roll.mean(), share=explained / total)
    return {name: _short(value) for name, value in means.items()}


def block_figures(prediction: Prediction, trust: Trust | None = None) -> list[Figures]:
    """Of each block its grid, its displacement's length in cells (mean, median, 95th percentile, largest) and the figures of
    trust that need no further pass of the model (`sifa.tracing.trust`); `like_random` where `trust` has it."""
    found = []
    for number, block in enumerate(prediction.trace):
        length = np.linalg.norm(block.displacement, axis=1)
        change = follows_change(prediction, block)
        found.append(
            dict(
                name=block.name,
                height=block.saliency.shape[1],
                width=block.saliency.shape[2],
                mean=_short(length.mean()),
                median=_short(np.median(length)),
                p95=_short(np.percentile(length, 95)),
                most=_short(length.max()),
                unevenness=_short(unevenness(block)),
                offset=_short(offset_length(block)),
                spread=_short(spread(block)),
                outside=_short(outside(block)),
                follows_change=None if change is None else _short(change),
                like_random=trust.blocks[number].like_random if trust else None,
            )
        )
    return found


def deletion_figures(trust: Trust | None) -> Figures | None:
    """The probability of the answer with weights removed in every block, where `trust` has it: `sifa.tracing.trust.deletion`."""
    test = trust and trust.deletion
    return dict(strongest=test.strongest, random=test.random, all=test.all) if test else None


def _short(value: float | np.floating) -> float:
    return round(float(value), DIGITS) + 0.0  # no -0.0
