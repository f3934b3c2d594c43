"""Pictures for the layers of generated clips: crops of photographs, procedural textures, and object outlines."""

from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image
from torch import Tensor

PHOTOGRAPHS = {  # bundled inside the scikit-image package; the held-out ones are never trained on
    "train": (
        "astronaut", "brick", "camera", "coins", "grass", "hubble_deep_field", "ihc", "motorcycle_left", "retina",
        "page", "text", "cell", "clock_motion", "horse",
    ),
    "held-out": ("chelsea", "coffee", "gravel", "rocket", "moon"),
}  # fmt: skip
FACE = 96  # pixels; this corner of a texture is what an object wears
FLAT = 18  # a texture whose contrast (standard deviation, 0..255) is below this shows no motion


def photographs(split: str) -> list[np.ndarray]:
    """The RGB uint8 photographs of a split that this scikit-image ships as files (no download)."""
    folder = Path(skimage.data.__file__).parent
    files = [f for name in PHOTOGRAPHS[split] for f in sorted(folder.glob(f"{name}.*")) if f.suffix in (".png", ".jpg")]
    if not files:
        raise FileNotFoundError(f"scikit-image at {folder.name} ships none of the photographs {PHOTOGRAPHS[split]}")
    return [np.asarray(Image.open(f).convert("RGB")) for f in files]


def photograph_crop(photo: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A square of random place and scale, turned, mirrored, recoloured or inverted at random."""
    h, w = photo.shape[:2]
    side = int(min(h, w) * rng.uniform(0.3, 1.0))
    y, x = rng.integers(h - side + 1), rng.integers(w - side + 1)
    image = Image.fromarray(photo[y : y + side, x : x + side])
    crop = np.asarray(image.resize((size, size), Image.BOX if side > 2 * size else Image.BICUBIC))
    crop = np.rot90(crop, rng.integers(4))
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.3:
        crop = crop[..., rng.permutation(3)]
    return 255 - crop if rng.random() < 0.1 else crop


def fractal(size: int, rng: np.random.Generator) -> np.ndarray:
    """Coloured noise whose power falls as 1 / frequency ** beta."""
    f = np.fft.fftfreq(size)
    power = f[:, None] ** 2 + f[None] ** 2
    power[0, 0] = np.inf
    amplitude = power ** (-rng.uniform(1.0, 2.6) / 2)
    shared = rng.standard_normal((size, size))
    noise = 0.7 * shared[..., None] + 0.5 * rng.standard_normal((size, size, 3))
    field = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * amplitude[..., None], axes=(0, 1)).real
    field = (field - field.mean((0, 1))) / field.std((0, 1))
    return 127 + 55 * field + rng.uniform(-50, 50, 3)


def voronoi(size: int, rng: np.random.Generator) -> np.ndarray:
    """Flat patches around random points."""
    count = rng.integers(6, 40)
    points, colours = rng.random((count, 2)) * size, rng.integers(0, 255, (count, 3))
    y, x = np.mgrid[:size, :size]
    distance = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
    return colours[distance.argmin(-1)]


def gradient(size: int, rng: np.random.Generator) -> np.ndarray:
    """A smooth colour ramp with a little grain: the least textured background."""
    slope = rng.uniform(-1, 1, (2, 3))
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    ramp = 127 + rng.uniform(-80, 80, 3) + 60 * (y[..., None] * slope[0] + x[..., None] * slope[1])
    return ramp + rng.normal(0, 4, (size, size, 1))


def texture_bank(split: str, count: int, size: int, seed: int) -> Tensor:
    """Textures (n <= count, 3, size, size) uint8 of a split: 72 % crops of photographs, the rest procedural."""
    rng = np.random.default_rng([seed, len(split)])
    photos = photographs(split)
    bank = []
    for _ in range(count):
        if rng.random() < 0.72:
            texture = photograph_crop(photos[rng.integers(len(photos))], size, rng)
        else:
            texture = (fractal, fractal, voronoi, gradient)[rng.integers(4)](size, rng)
        texture = np.clip(texture, 0, 255).astype(np.uint8)
        if min(part.std((0, 1)).max() for part in (texture, texture[:FACE, :FACE])) > FLAT:
            bank.append(texture.transpose(2, 0, 1))
    return torch.from_numpy(np.stack(bank))


def outline_bank(count: int, size: int, seed: int) -> Tensor:
    """Object outlines (count, 1, size, size), alpha in 0..1: discs, boxes, blobs, stars, and two-lobed things."""
    rng = np.random.default_rng([seed, 77])
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    angle, radius = np.arctan2(y, x), np.hypot(x, y)

    def disc():
        return 0.85 - radius

    def box():
        a, b, power = rng.uniform(0.35, 0.8), rng.uniform(0.5, 0.8), rng.uniform(2.5, 10)
        return min(a, b) * (1 - ((np.abs(x) / a) ** power + (np.abs(y) / b) ** power) ** (1 / power))

    def blob():
        waves = [rng.normal(0, 0.10 / np.sqrt(m)) * np.cos(m * angle + rng.uniform(0, 6.28)) for m in range(1, 6)]
        return np.clip(0.65 + sum(waves), 0.2, 0.92) - radius

    def star():
        points = rng.integers(3, 7)
        wave = np.cos(points * angle + rng.uniform(0, 6.28))
        return rng.uniform(0.55, 0.7) + rng.uniform(0.05, 0.22) * wave - radius

    def two_lobes():
        turn = rng.uniform(0, 6.28)
        cx, cy = 0.35 * np.cos(turn), 0.35 * np.sin(turn)
        lobes = np.maximum(
            rng.uniform(0.35, 0.5) - np.hypot(x - cx, y - cy), rng.uniform(0.25, 0.42) - np.hypot(x + cx, y + cy)
        )
        along, across = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
        bar = np.minimum(0.55 - np.abs(along), rng.uniform(0.12, 0.25) - np.abs(across))
        return np.maximum(lobes, bar)

    kinds = (disc, box, blob, star, two_lobes)
    inside = np.stack([kinds[rng.integers(5)]() for _ in range(count)])  # > 0 within, in half-widths
    alpha = 1 / (1 + np.exp(-np.clip(inside * size * 0.6, -30, 30)))
    return torch.from_numpy(alpha[:, None].astype(np.float32))
