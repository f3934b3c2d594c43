"""Rendering of motion clips with exact displacement: textured layers under affine motion, composed back to front."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from sifa.motion.classes import CLASSES
from sifa.motion.scenes import Scene, affine, draw_scene
from sifa.motion.seeds import batch_seed
from sifa.motion.textures import FACE, outline_bank, texture_bank
from sifa.motion.wear import wear

OUTLINE_SIZE = 64


class MotionBatch(NamedTuple):
    video: Tensor  # (B, 3, T, S, S) float32, 0..1
    labels: Tensor  # (B,) int64, positions in CLASSES
    scene: Scene | None  # the matrices of every layer
    owner: (
        Tensor | None
    )  # (B, T, S, S) int64, the layer seen at each pixel: 0 background, 1 front object, 2 back object, 3 bars


def pixel_centres(size: int, device=None) -> Tensor:
    """(size, size, 3) homogeneous coordinates (x, y, 1) of the cell centres of the image square [-1, 1]."""
    at = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], -1)


class MotionClips:
    """An endless, indexed source of clips: the same (seed, index) gives the same batch, whatever was drawn before.

    `split` "train" | "held-out" chooses the photographs; `size` is the side in pixels; with `worn`, clips also have the
    faults of uploads (`sifa.motion.wear`).
    """

    def __init__(
        self, split: str, size: int, num_frames: int, seed: int = 0, textures: int = 300, worn: bool = False,
        device: str = "cpu",
    ):  # fmt: skip
        self.size, self.num_frames, self.seed, self.worn, self.device = size, num_frames, seed, worn, device
        self.textures = texture_bank(split, textures, max(128, int(size * 1.6)), seed).to(device)
        self.outlines = outline_bank(200, OUTLINE_SIZE, seed).to(device)
        self.pixels = pixel_centres(size, device)

    def batch(self, index: int, labels: Tensor) -> MotionBatch:
        """Clips of the given classes, labels (B,)."""
        rng = torch.Generator().manual_seed(batch_seed(self.seed, index))
        count, device = len(labels), self.device
        uniform = lambda low, high, *shape: (torch.rand(count, *shape, generator=rng) * (high - low) + low).to(device)  # noqa: E731
        scene = Scene(*(m.to(device) for m in draw_scene(labels.cpu(), self.num_frames, rng)))
        chosen = torch.randint(len(self.textures), (count, 3), generator=rng).to(device)
        outlines = torch.randint(len(self.outlines), (count, 2), generator=rng).to(device)
        gain, bias = uniform(0.7, 1.3, 3, 1, 1, 1), uniform(-0.15, 0.15, 3, 3, 1, 1)
        colours = self.textures[chosen].float().div_(255) * gain + bias  # (B, layer, 3, height, width)

        spread = 2.4 * uniform(0.7, 1.1, 1)
        placed = affine(
            uniform(-0.3, 0.3, 1), uniform(-0.3, 0.3, 1), torch.zeros(count, 1, device=device), spread, spread
        )
        video = self._layer(colours[:, 0], scene.camera @ placed, "reflection")
        owner = torch.zeros(count, self.num_frames, self.size, self.size, dtype=torch.long, device=device)
        for number, matrix in ((2, scene.back), (1, scene.front)):
            face = F.interpolate(
                colours[:, number, :, :FACE, :FACE], size=(OUTLINE_SIZE, OUTLINE_SIZE), mode="bilinear"
            )
            alpha = self.outlines[outlines[:, number - 1]] * scene.present[:, number - 1, None, None, None]
            layer = self._layer(torch.cat([face, alpha], 1), matrix, "zeros")
            video.add_(layer[:, :3].sub_(video).mul_(layer[:, 3:]))
            owner[layer[:, 3] > 0.5] = number

        flicker = uniform(0, 0.03, 1, 1) * (uniform(0, 1, 1, 1) < 0.5)
        flicker = flicker * torch.randn(count, 1, self.num_frames, generator=rng).to(device)
        video.mul_(uniform(0.75, 1.25, 1, 1, 1, 1)).add_(uniform(-0.1, 0.1, 1, 1, 1, 1) + flicker[..., None, None])
        grain = uniform(0, 0.04, 1, 1, 1, 1) * (uniform(0, 1, 1, 1, 1, 1) < 0.7)
        video.addcmul_(self._noise(rng, count), grain).clamp_(0, 1)
        if self.worn:
            wear(video, owner, rng)
        return MotionBatch(video, labels.to(device), scene, owner)

    def _layer(self, texture: Tensor, matrix: Tensor, outside: str) -> Tensor:
        """The texture (B, C, h, w) under the layer's matrices (B, T, 3, 3) -> (B, C, T, S, S)."""
        back = torch.linalg.inv(matrix)[:, :, :2]
        at = torch.einsum("btij,hwj->bthwi", back, self.pixels)
        drawn = F.grid_sample(texture, at.flatten(1, 2), padding_mode=outside, align_corners=False)
        return rearrange(drawn, "b c (t h) w -> b c t h w", t=self.num_frames)

    def _noise(self, rng: torch.Generator, count: int) -> Tensor:
        """White noise of the batch's shape: one long row of numbers read at a random place, since drawing is slow."""
        length = 3 * self.num_frames * self.size**2
        if not hasattr(self, "_row"):
            self._row = torch.randn(9 * length, generator=torch.Generator().manual_seed(self.seed)).to(self.device)
        starts = torch.randint(8 * length, (count,), generator=rng).tolist()
        return torch.stack([self._row[s : s + length] for s in starts]).view(
            count, 3, self.num_frames, self.size, self.size
        )


def joined(batches: list[MotionBatch]) -> MotionBatch:
    """Several batches as one. Clips of the user's own have no scene and no owner."""
    videos, labels, scenes, owners = zip(*batches)
    if scenes[0] is None:
        return MotionBatch(torch.cat(videos), torch.cat(labels), None, None)
    return MotionBatch(torch.cat(videos), torch.cat(labels), Scene(*map(torch.cat, zip(*scenes))), torch.cat(owners))


def balanced_labels(count: int) -> Tensor:
    """(count,) labels going through all classes in turn."""
    return torch.arange(count) % len(CLASSES)
