"""From a clip's pixels to the model's input, and the geometry back to source pixels."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor


@dataclass(frozen=True)
class Crop:
    """Where the model's picture lies in the source: model pixel = source pixel * scale - (top, left)."""

    scale: float
    top: float
    left: float
    size: int  # side of the model's picture, pixels

    def to_source(self, y: float, x: float) -> tuple[float, float]:
        """Model pixels -> source pixels."""
        return (y + self.top) / self.scale, (x + self.left) / self.scale

    def to_model(self, y: float, x: float) -> tuple[float, float]:
        """Source pixels -> model pixels."""
        return y * self.scale - self.top, x * self.scale - self.left

    @property
    def source_box(self) -> tuple[float, float, float]:
        """(top, left, side) of the square that the model sees, in source pixels."""
        return *self.to_source(0, 0), self.size / self.scale


def normalise(video: Tensor, mean: tuple[float, ...] | None, std: tuple[float, ...] | None) -> Tensor:
    """(B, 3, T, H, W) in 0..1 -> zero mean and unit deviation.

    With mean and std (three numbers each) the whole set's statistics are used; without, each clip's own brightness and
    contrast, so that a model can disregard exposure. Contrast below 0.04 is not amplified further. Raises ValueError for
    one of the two without the other.
    """
    if (mean is None) != (std is None):
        raise ValueError(f"mean is {mean} and std is {std}; give both, or neither")
    if mean is not None and std is not None:
        shape = (1, 3, 1, 1, 1)
        return (video - video.new_tensor(mean).view(shape)) / video.new_tensor(std).view(shape)
    centred = video - video.mean((1, 2, 3, 4), keepdim=True)
    return centred / centred.square().mean((1, 2, 3, 4), keepdim=True).sqrt().clamp_min(0.04)


def preprocess(
    frames: np.ndarray, size: int, mean: tuple[float, ...] | None = None, std: tuple[float, ...] | None = None
) -> tuple[Tensor, Crop]:
    """Frames (T, H, W, 3) uint8 -> model input (1, 3, T, size, size) float32, and the crop that made it.

    The shorter side is scaled to `size` with antialiasing, the middle kept, then `normalise`.
    """
    _, height, width, _ = frames.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    scale = size / side
    square = torch.from_numpy(frames[:, top : top + side, left : left + side]).permute(0, 3, 1, 2).float() / 255
    scaled = F.interpolate(square, size=(size, size), mode="bicubic", antialias=True, align_corners=False)
    video = normalise(rearrange(scaled.clamp(0, 1), "t c h w -> 1 c t h w"), mean, std)
    return video, Crop(scale, top * scale, left * scale, size)
