"""Whole photographs as somebody films them by hand, one of them with a part that moves: clips that look like videos.

Places and lengths are in pixels of the photograph, x to the right and y down; u is the time, from 0 to 1. The layers'
matrices are as in `FilmedScene`, so the true flow of these clips is known, too.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from sifa.data.motion.classes import FILMED
from sifa.data.motion.filmed import FilmedScene
from sifa.data.motion.generator import MotionBatch, pixel_centres, transformed
from sifa.data.motion.textures import photograph

Picture = NDArray[np.float64]  # (H, W, 3) RGB 0..255

CUP = (  # with its saucer and its spoon: the outline in the photograph
    (184, 62), (175, 73), (150, 88), (120, 110), (100, 132), (88, 155), (80, 180), (78, 205), (80, 230), (86, 255), (97, 283),
    (115, 312), (140, 340), (170, 362), (205, 378), (240, 386), (275, 388), (305, 386), (335, 380), (365, 371), (395, 357),
    (420, 340), (443, 317), (460, 291), (472, 264), (478, 239), (479, 212), (474, 186), (464, 160), (450, 141), (432, 122),
    (419, 108), (424, 79), (421, 69), (413, 67), (404, 69), (400, 73), (396, 66), (380, 46), (355, 28), (325, 18), (290, 15),
    (255, 18), (225, 28), (200, 46),
)  # fmt: skip
CUP_SIZE = 0.6  # on the table
SHADOW = 14, 22, 12.0, 0.6  # of the cup: to the right, down, how soft, and how dark
MARGIN = 60  # for the shadow
TABLE, TABLE_MIDDLE = "gravel", 256  # what it slides over, a stone top, and where its middle is


class View(NamedTuple):
    """The square of a photograph that the camera sees."""

    x: float  # of its centre
    y: float
    side: float


class Shot(NamedTuple):
    """What is filmed: the answers, the photograph, and the camera's way; a hand trembles by so many pixels."""

    camera: str
    things: str
    photograph: str  # never trained on
    begins: View
    ends: View
    tremble: float
    slides: float = 0.0  # how far the cup slides to the right over the table; 0: the photograph as it is


SHOTS = {  # by what people would call the clip
    "cup slides over a table": Shot(
        "camera still", "object moves right", "coffee", View(256, 256, 480), View(256, 256, 480), 1.5, slides=190
    ),
    "camera pans over coffee": Shot(
        "camera pans right", "nothing moves", "coffee", View(180, 205, 300), View(410, 205, 300), 1.2
    ),
    "camera zooms in on a cat": Shot(
        "camera zooms in", "nothing moves", "chelsea", View(215, 150, 290), View(240, 125, 145), 0.8
    ),
}


def film(shot: Shot, size: int, num_frames: int) -> MotionBatch:
    """A shot as one clip of `size` x `size` pixels, with its true motion. Raises what `photograph` raises."""
    photo = photograph(shot.photograph).astype(np.float64)
    ground = photograph(TABLE).astype(np.float64) if shot.slides else photo
    pictures = [(ground, np.ones(ground.shape[:2]))]
    if shot.slides:
        pictures.append(_cut_out(photo, CUP))
    sides = [opacity.shape for _, opacity in pictures]
    times = [frame / max(1, num_frames - 1) for frame in range(num_frames)]
    matrices = torch.stack([torch.stack([_matrix(shot, side, i, u) for i, side in enumerate(sides)]) for u in times])
    scale = size / min(shot.begins.side, shot.ends.side)
    layers = [_layer(*picture, scale * part) for picture, part in zip(pictures, (1, CUP_SIZE))]
    video, owner = _seen(layers, matrices, size)
    labels = torch.tensor([[float(name in (shot.camera, shot.things)) for name in FILMED]])
    scene = FilmedScene(matrices[None], torch.ones(1, len(layers), dtype=torch.bool))
    return MotionBatch(video[None], labels, scene, owner[None])


def _matrix(shot: Shot, sides: tuple[int, ...], number: int, u: float) -> Tensor:
    """(3, 3) from the square [-1, 1] x [-1, 1] of a layer of (H, W) pixels, 0 the ground and 1 the cup, to that of the picture
    at time u."""
    side = shot.begins.side * (shot.ends.side / shot.begins.side) ** u  # zooms by the same factor in the same time
    x, y = (one + (other - one) * u for one, other in zip(shot.begins[:2], shot.ends[:2]))
    x, y = x + shot.tremble * _shake(u, 0.1), y + shot.tremble * _shake(u, 0.7)
    h, w = map(float, sides)
    if number:  # it lies about the middle of the table, as large as a cup is there
        h, w = CUP_SIZE * h, CUP_SIZE * w
        x, y = x - TABLE_MIDDLE + w / 2 - shot.slides * (u - 0.5), y - TABLE_MIDDLE + h / 2
    return torch.tensor([[w / side, 0, (w - 2 * x) / side], [0, h / side, (h - 2 * y) / side], [0, 0, 1]])


def _shake(u: float, phase: float) -> float:
    """How a hand trembles: about -1.5 to 1.5, the same each time."""
    return math.sin(2 * math.pi * (1.3 * u + phase)) + 0.5 * math.sin(2 * math.pi * (3.7 * u + 2 * phase))


def _seen(layers: Sequence[Tensor], matrices: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Layers over each other under matrices (T, L, 3, 3): video (3, T, S, S) 0..1 and owner (T, S, S)."""
    count = len(matrices)
    video, owner = torch.zeros(3, count, size, size), torch.zeros(count, size, size, dtype=torch.long)
    for number, layer in enumerate(layers):
        at = transformed(torch.linalg.inv(matrices[:, number]), pixel_centres(size))
        outside = "zeros" if number else "reflection"
        drawn = F.grid_sample(
            layer.expand(count, -1, -1, -1), at, mode="bicubic", padding_mode=outside, align_corners=False
        ).transpose(0, 1)
        opacity = drawn[3].clamp(0, 1)
        video = video * (1 - opacity) + drawn[:3]
        owner[opacity > 0.5] = number
    return video.clamp_(0, 1), owner


def _layer(picture: Picture, opacity: NDArray[np.float64], scale: float) -> Tensor:
    """A layer (4, h, w): colours 0..1 times opacity, and opacity, made as small as it is shown, so that nothing flickers."""
    both = np.concatenate([picture / 255, opacity[..., None]], -1)
    layer = torch.from_numpy(both).float().permute(2, 0, 1)[None]
    size = [max(1, round(min(1.0, scale) * side)) for side in layer.shape[2:]]
    return F.interpolate(layer, size=size, mode="bicubic", antialias=True, align_corners=False)[0]


def _cut_out(photo: Picture, outline: Sequence[tuple[float, float]]) -> tuple[Picture, NDArray[np.float64]]:
    """What lies inside an outline, with its shadow: colours times opacity, and opacity (H, W)."""
    photo = np.pad(photo, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="edge")
    h, w = photo.shape[:2]
    mask = Image.new("L", (8 * w, 8 * h))
    ImageDraw.Draw(mask).polygon([(8 * (x + MARGIN), 8 * (y + MARGIN)) for x, y in outline], fill=255)
    inside = mask.resize((w, h), Image.Resampling.BOX)
    across, down, soft, dark = SHADOW
    moved = Image.new("L", (w, h))
    moved.paste(inside, (across, down))
    shadow = np.asarray(moved.filter(ImageFilter.GaussianBlur(soft))) / 255 * dark
    share = np.asarray(inside) / 255.0
    opacity = share + (1 - share) * shadow
    return photo * share[..., None], opacity  # the shadow is black
