"""Pictures for the layers of generated clips: crops of photographs and procedural textures."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from sifa.errors import DataError

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
Values = NDArray[Any]  # (H, W, 3) RGB, any number type; 0..255, and a little beyond

PHOTOGRAPHS = {  # bundled inside the scikit-image package; the held-out ones are never trained on
    "train": (
        "astronaut",
        "brick",
        "camera",
        "coins",
        "grass",
        "hubble_deep_field",
        "ihc",
        "motorcycle_left",
        "retina",
        "page",
        "text",
        "cell",
        "clock_motion",
        "horse",
    ),
    "held-out": ("chelsea", "coffee", "gravel", "rocket", "moon"),
}
FACE = 96  # pixels; this corner of a texture is what an object wears
PHOTOGRAPH_SHARE = 0.72  # of textures; the others are procedural
FLAT = 18  # a texture whose contrast (standard deviation, 0..255) is below this shows no motion


def photographs(split: str) -> list[Picture]:
    """The photographs (H, W, 3) of a split, "train" or "held-out", that this scikit-image ships as files (no download).

    Raises ValueError for another split, DataError where scikit-image is not installed, and FileNotFoundError where it ships none of
    them.
    """
    if split not in PHOTOGRAPHS:
        raise ValueError(f"there is no split {split!r} of the photographs; choose one of {', '.join(PHOTOGRAPHS)}")
    files = [file for name in PHOTOGRAPHS[split] for file in _files(name)]
    if not files:
        raise FileNotFoundError(f"scikit-image ships none of the photographs {PHOTOGRAPHS[split]}")
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


def photograph(name: str) -> Picture:
    """One photograph (H, W, 3) by its name in `PHOTOGRAPHS`. Raises DataError where scikit-image is not installed, and
    FileNotFoundError where it does not ship this one."""
    files = _files(name)
    if not files:
        raise FileNotFoundError(f"scikit-image ships no photograph {name!r}")
    return np.asarray(Image.open(files[0]).convert("RGB"))


def _files(name: str) -> list[Path]:
    """Where scikit-image keeps a picture; none where it does not ship it. Raises DataError where it is not installed."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise DataError(
            "generated clips are made from the photographs of scikit-image, which is not installed; "
            'pip install "sifa-explorer[train]"'
        )
    folder = Path(package.origin).parent / "data"
    return [file for file in sorted(folder.glob(f"{name}.*")) if file.suffix in (".png", ".jpg")]


def photograph_crop(photo: Picture, size: int, rng: np.random.Generator) -> Picture:
    """A square (size, size, 3) of random place and scale, turned, mirrored, recoloured or inverted at random."""
    h, w = photo.shape[:2]
    side = int(min(h, w) * rng.uniform(0.3, 1.0))
    y, x = rng.integers(h - side + 1), rng.integers(w - side + 1)
    image = Image.fromarray(photo[y : y + side, x : x + side])
    crop = np.asarray(image.resize((size, size), Resampling.BOX if side > 2 * size else Resampling.BICUBIC))
    crop = np.rot90(crop, int(rng.integers(4)))
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.3:
        crop = crop[..., rng.permutation(3)]
    if rng.random() < 0.1:
        crop = 255 - crop
    return crop


def fractal(size: int, rng: np.random.Generator) -> Values:
    """Coloured noise (size, size, 3) whose power falls as 1 / frequency ** beta."""
    f = np.fft.fftfreq(size)
    power = f[:, None] ** 2 + f[None] ** 2
    power[0, 0] = np.inf
    amplitude = power ** (-rng.uniform(1.0, 2.6) / 2)
    shared = rng.standard_normal((size, size))
    noise = 0.7 * shared[..., None] + 0.5 * rng.standard_normal((size, size, 3))
    field = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * amplitude[..., None], axes=(0, 1)).real
    field = (field - field.mean((0, 1))) / field.std((0, 1))
    values: Values = 127 + 55 * field + rng.uniform(-50, 50, 3)
    return values


def voronoi(size: int, rng: np.random.Generator) -> Values:
    """Flat patches (size, size, 3) around random points."""
    count = rng.integers(6, 40)
    points, colours = rng.random((count, 2)) * size, rng.integers(0, 255, (count, 3))
    y, x = np.mgrid[:size, :size]
    distance = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
    values: Values = colours[distance.argmin(-1)]
    return values


def gradient(size: int, rng: np.random.Generator) -> Values:
    """A smooth colour ramp (size, size, 3) with a little grain: the least textured background."""
    slope = rng.uniform(-1, 1, (2, 3))
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    ramp = 127 + rng.uniform(-80, 80, 3) + 60 * (y[..., None] * slope[0] + x[..., None] * slope[1])
    values: Values = ramp + rng.normal(0, 4, (size, size, 1))
    return values


def texture_bank(split: str, count: int, size: int, seed: int) -> Tensor:
    """Textures (n <= count, 3, size, size) uint8 of a split: crops of photographs and procedural ones.

    Of `count` those that are too flat are left out. Raises what `photographs` raises.
    """
    rng = np.random.default_rng([seed, len(split)])
    photos = photographs(split)
    bank = []
    for _ in range(count):
        if rng.random() < PHOTOGRAPH_SHARE:
            values: Values = photograph_crop(photos[rng.integers(len(photos))], size, rng)
        else:
            values = (fractal, fractal, voronoi, gradient)[rng.integers(4)](size, rng)
        texture = np.clip(values, 0, 255).astype(np.uint8)
        if min(part.std((0, 1)).max() for part in (texture, texture[:FACE, :FACE])) > FLAT:
            bank.append(texture.transpose(2, 0, 1))
    return torch.from_numpy(np.stack(bank))
