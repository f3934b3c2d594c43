"""Outlines of the objects of generated clips: discs, boxes, blobs, stars, and things with two lobes.

Each shape is a height over the square [-1, 1] x [-1, 1], above 0 inside the outline, in half sides of the square.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Height = NDArray[np.float64]  # (size, size)


class Plane(NamedTuple):
    """Coordinates of every place of the square: each (size, size)."""

    x: Height
    y: Height
    angle: Height  # radians
    radius: Height


def plane(size: int) -> Plane:
    """The square in size x size places, its edges among them."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return Plane(x, y, np.arctan2(y, x), np.hypot(x, y))


def disc(at: Plane, rng: np.random.Generator) -> Height:
    """A circle, always of one size."""
    return 0.85 - at.radius


def box(at: Plane, rng: np.random.Generator) -> Height:
    """A rectangle with corners more or less round."""
    a, b, power = rng.uniform(0.35, 0.8), rng.uniform(0.5, 0.8), rng.uniform(2.5, 10)
    height: Height = min(a, b) * (1 - ((np.abs(at.x) / a) ** power + (np.abs(at.y) / b) ** power) ** (1 / power))
    return height


def blob(at: Plane, rng: np.random.Generator) -> Height:
    """A circle with five random waves."""
    waves = [rng.normal(0, 0.10 / np.sqrt(m)) * np.cos(m * at.angle + rng.uniform(0, 6.28)) for m in range(1, 6)]
    height: Height = np.clip(0.65 + np.sum(waves, axis=0), 0.2, 0.92) - at.radius
    return height


def star(at: Plane, rng: np.random.Generator) -> Height:
    """A circle with three to six equal waves."""
    points = rng.integers(3, 7)
    wave = np.cos(points * at.angle + rng.uniform(0, 6.28))
    height: Height = rng.uniform(0.55, 0.7) + rng.uniform(0.05, 0.22) * wave - at.radius
    return height


def two_lobes(at: Plane, rng: np.random.Generator) -> Height:
    """Two circles with a bar between them."""
    turn = rng.uniform(0, 6.28)
    cos, sin = np.cos(turn), np.sin(turn)
    cx, cy = 0.35 * cos, 0.35 * sin
    large = rng.uniform(0.35, 0.5) - np.hypot(at.x - cx, at.y - cy)
    small = rng.uniform(0.25, 0.42) - np.hypot(at.x + cx, at.y + cy)
    along, across = at.x * cos + at.y * sin, -at.x * sin + at.y * cos
    bar = np.minimum(0.55 - np.abs(along), rng.uniform(0.12, 0.25) - np.abs(across))
    height: Height = np.maximum(np.maximum(large, small), bar)
    return height


SHAPES: tuple[Callable[[Plane, np.random.Generator], Height], ...] = (disc, box, blob, star, two_lobes)


def outline_bank(count: int, size: int, seed: int) -> Tensor:
    """Random outlines (count, 1, size, size) float32, alpha in 0..1."""
    rng = np.random.default_rng([seed, 77])
    at = plane(size)
    inside = np.stack([SHAPES[rng.integers(len(SHAPES))](at, rng) for _ in range(count)])
    alpha = 1 / (1 + np.exp(-np.clip(inside * size * 0.6, -30, 30)))
    return torch.from_numpy(alpha[:, None].astype(np.float32))
