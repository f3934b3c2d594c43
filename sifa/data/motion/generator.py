"""Rendering of motion clips with exact displacement: textured layers under affine motion, composed back to front."""

import math
from functools import cached_property
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from sifa.data.motion.classes import CLASSES
from sifa.data.motion.filmed import FilmedScene
from sifa.data.motion.outlines import outline_bank
from sifa.data.motion.scenes import Scene, affine, draw_scene
from sifa.data.motion.seeds import batch_seed
from sifa.data.motion.textures import FACE, texture_bank
from sifa.data.motion.wear import wear

OUTLINE_SIZE = 64  # pixels
BACK, FRONT = 2, 1  # the objects' numbers in `MotionBatch.owner`


class MotionBatch(NamedTuple):
    """Clips with their classes. Clips of the user's own have no scene and no owner."""

    video: Tensor  # (B, 3, T, S, S) float32, 0..1
    labels: Tensor  # (B,) int64, positions in CLASSES; of the second family (B, 26) float32, the share of each label of FILMED
    scene: Scene | FilmedScene | None  # the matrices of every layer
    owner: Tensor | None  # (B, T, S, S) int64, the layer seen: 0 background, 1 front object, 2 back object, 3 bars


def pixel_centres(size: int, device: torch.device | str | None = None) -> Tensor:
    """(size, size, 3) homogeneous coordinates (x, y, 1) of the cell centres of the image square [-1, 1]."""
    at = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], -1)


def transformed(matrices: Tensor, points: Tensor) -> Tensor:
    """Points (h, w, 3), homogeneous, under affine matrices (B, ..., 3, 3) -> (B, ..., h, w, 2).

    No matrix product: that would be rounded on a GPU which is told to compute fast ones.
    """
    rows = matrices[..., :2, :].movedim(-2, 1)[..., None, None]  # (B, 2, ..., 3, 1, 1)
    by_x, by_y, shift = rows.unbind(-3)
    x, y, _ = points.unbind(-1)
    return torch.addcmul(torch.addcmul(shift, y, by_y), x, by_x).movedim(1, -1)


class MotionClips:
    """An endless, indexed source of clips: the same (seed, index) gives the same batch, whatever was drawn before.

    `split` "train" | "held-out" chooses the photographs; `size` is the side in pixels; `textures` is how many pictures
    the layers are chosen from; with `worn`, clips also have the faults of uploads (`sifa.data.motion.wear`). Random numbers
    are drawn on the CPU and pictures made on `device`: a seed means the same clips on every device, up to rounding.
    """

    def __init__(
        self,
        split: str,
        size: int,
        num_frames: int,
        seed: int = 0,
        textures: int = 300,
        worn: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size, self.num_frames, self.seed, self.worn, self.device = size, num_frames, seed, worn, device
        self.textures = texture_bank(split, textures, max(128, int(size * 1.6)), seed).to(device)
        self.outlines = outline_bank(200, OUTLINE_SIZE, seed).to(device)
        self.pixels = pixel_centres(size, device)

    def batch(self, index: int, labels: Tensor) -> MotionBatch:
        """Clips of the given classes, labels (B,)."""
        rng = torch.Generator().manual_seed(batch_seed(self.seed, index))
        scene = Scene(*(m.to(self.device) for m in draw_scene(labels.cpu(), self.num_frames, rng)))
        video, owner = self._paint(scene, rng)
        self._expose(video, rng)
        if self.worn:
            wear(video, owner, rng)
        return MotionBatch(video, labels.to(self.device), scene, owner)

    def _uniform(self, rng: torch.Generator, low: float, high: float, shape: tuple[int, ...]) -> Tensor:
        """Random numbers between two bounds, on the clips' device."""
        return (torch.rand(shape, generator=rng) * (high - low) + low).to(self.device)

    def _paint(self, scene: Scene, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """The layers over each other, in random pictures: video (B, 3, T, S, S), about 0..1, and owner (B, T, S, S)."""
        count, device = len(scene.present), self.device
        chosen = torch.randint(len(self.textures), (count, 3), generator=rng).to(device)
        outlines = torch.randint(len(self.outlines), (count, 2), generator=rng).to(device)
        gain = self._uniform(rng, 0.7, 1.3, (count, 3, 1, 1, 1))
        bias = self._uniform(rng, -0.15, 0.15, (count, 3, 3, 1, 1))
        colours = self.textures[chosen].float().div_(255) * gain + bias  # (B, layer, 3, height, width)

        spread = 2.4 * self._uniform(rng, 0.7, 1.1, (count, 1))
        x, y = self._uniform(rng, -0.3, 0.3, (count, 1)), self._uniform(rng, -0.3, 0.3, (count, 1))
        ground = affine(x, y, torch.zeros_like(x), spread, spread)
        video = self._layer(colours[:, 0], scene.camera @ ground, "reflection")
        owner = torch.zeros(count, self.num_frames, self.size, self.size, dtype=torch.long, device=device)
        for number, matrix in ((BACK, scene.back), (FRONT, scene.front)):
            corner = colours[:, number, :, :FACE, :FACE]
            face = F.interpolate(corner, size=(OUTLINE_SIZE, OUTLINE_SIZE), mode="bilinear")
            alpha = self.outlines[outlines[:, number - 1]] * scene.present[:, number - 1, None, None, None]
            layer = self._layer(torch.cat([face, alpha], 1), matrix, "zeros")
            video.add_(layer[:, :3].sub_(video).mul_(layer[:, 3:]))
            owner[layer[:, 3] > 0.5] = number
        return video, owner

    def _expose(self, video: Tensor, rng: torch.Generator) -> None:
        """Flicker, contrast, brightness and grain of a camera, in place: video (B, 3, T, S, S), afterwards 0..1."""
        count = len(video)
        one, all_axes = (count, 1, 1), (count, 1, 1, 1, 1)
        flicker = self._uniform(rng, 0, 0.03, one) * (self._uniform(rng, 0, 1, one) < 0.5)
        flicker = flicker * torch.randn(count, 1, self.num_frames, generator=rng).to(self.device)
        video.mul_(self._uniform(rng, 0.75, 1.25, all_axes))
        video.add_(self._uniform(rng, -0.1, 0.1, all_axes) + flicker[..., None, None])
        grain = self._uniform(rng, 0, 0.04, all_axes) * (self._uniform(rng, 0, 1, all_axes) < 0.7)
        video.addcmul_(self._noise(rng, count), grain).clamp_(0, 1)

    def _layer(self, texture: Tensor, matrix: Tensor, outside: str) -> Tensor:
        """The texture (B, C, h, w) under the layer's matrices (B, T, 3, 3) -> (B, C, T, S, S)."""
        back = torch.linalg.inv_ex(matrix).inverse  # does not wait for the device, as `inv` does
        at = transformed(back, self.pixels)
        drawn = F.grid_sample(texture, at.flatten(1, 2), padding_mode=outside, align_corners=False)
        return rearrange(drawn, "b c (t h) w -> b c t h w", t=self.num_frames)

    @cached_property
    def _row(self) -> Tensor:
        """A long row of white noise that the noise of every batch is read from, since drawing is slow."""
        rng = torch.Generator().manual_seed(self.seed)
        return torch.randn(9 * 3 * self.num_frames * self.size**2, generator=rng).to(self.device)

    def _noise(self, rng: torch.Generator, count: int) -> Tensor:
        """White noise (B, 3, T, S, S), each clip's read at a random place of the row."""
        row, shape = self._row, (3, self.num_frames, self.size, self.size)
        length = math.prod(shape)
        starts = torch.randint(len(row) - length, (count,), generator=rng).tolist()
        return torch.stack([row[start : start + length].view(shape) for start in starts])


def join_batches(batches: list[MotionBatch]) -> MotionBatch:
    """Several batches as one; without scene and owner unless all have them."""
    video, labels = torch.cat([batch.video for batch in batches]), torch.cat([batch.labels for batch in batches])
    scenes = [batch.scene for batch in batches if batch.scene is not None]
    owners = [batch.owner for batch in batches if batch.owner is not None]
    if not len(scenes) == len(owners) == len(batches):
        return MotionBatch(video, labels, None, None)
    whole = type(scenes[0])(*map(torch.cat, zip(*scenes)))
    return MotionBatch(video, labels, whole, torch.cat(owners))


def balanced_labels(count: int) -> Tensor:
    """(count,) labels going through all classes in turn."""
    return torch.arange(count) % len(CLASSES)
