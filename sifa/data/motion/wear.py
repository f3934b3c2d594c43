"""The faults that uploads bring: letterbox bars, blur, missing colour, heavy compression."""

import math
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor

BARS = 3  # the owner of pixels under letterbox bars, after the ground and two objects


class Faults(NamedTuple):
    """Of one clip; 0 or None where it has not got that one."""

    bars: tuple[bool, float, float] | None  # whether above and below, share of the picture, level
    grey: bool
    blur: float  # deviation in pixels
    step: float  # of its rounded coefficients


def wear(video: Tensor, owner: Tensor, rng: torch.Generator, bars: int = BARS) -> None:
    """Each fault on some of the clips, in place: video (B, 3, T, S, S) 0..1, owner (B, T, S, S) as in `MotionBatch`, where
    `bars` is the number of letterbox bars."""
    faults = [draw_faults(rng) for _ in video]
    for clip, seen, fault in zip(video, owner, faults, strict=True):
        if fault.bars:
            letterbox(clip, seen, *fault.bars, bars=bars)
    if grey := [i for i, fault in enumerate(faults) if fault.grey]:
        video[grey] = video[grey].mean(1, keepdim=True).expand(-1, 3, -1, -1, -1)
    if blurred := [i for i, fault in enumerate(faults) if fault.blur]:
        video[blurred] = blur(video[blurred], torch.tensor([faults[i].blur for i in blurred]))
    if rounded := [i for i, fault in enumerate(faults) if fault.step]:
        video[rounded] = compress(video[rounded], torch.tensor([faults[i].step for i in rounded]))


def draw_faults(rng: torch.Generator) -> Faults:
    """The faults of one clip."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=rng).item()

    def chance(p: float) -> bool:
        return uniform(0, 1) < p

    return Faults(
        bars=(chance(0.7), uniform(0.04, 0.2), uniform(0, 1) * chance(0.2)) if chance(0.15) else None,
        grey=chance(0.1),
        blur=uniform(0.4, 1.2) if chance(0.35) else 0.0,
        step=uniform(0.02, 0.12) if chance(0.35) else 0.0,
    )


def letterbox(clip: Tensor, owner: Tensor, across: bool, share: float, level: float, bars: int = BARS) -> None:
    """Two bars of this share of the picture each, in place: above and below where `across`, else left and right."""
    size = clip.shape[-1]
    width = max(1, round(share * size))
    for bar in (slice(0, width), slice(size - width, size)):
        where = (..., bar, slice(None)) if across else (..., bar)
        clip[where], owner[where] = level, bars


def blur(clips: Tensor, deviations: Tensor) -> Tensor:
    """A Gaussian blur of clips (B, 3, T, S, S), deviations (B,) in pixels; beyond the edge, its last pixels go on."""
    size, reach = clips.shape[-1], torch.arange(-3, 4)
    kernels = torch.exp(-(reach**2) / (2 * deviations[:, None] ** 2))
    kernels = (kernels / kernels.sum(1, keepdim=True))[:, None].expand(-1, size, -1)
    at = (torch.arange(size)[:, None] + reach).clamp(0, size - 1)
    # as matrices, since their products are several times faster than convolutions of one channel
    mix = torch.zeros(len(clips), size, size).scatter_add_(2, at.expand_as(kernels), kernels).to(clips.device)

    def mixed(pictures: Tensor) -> Tensor:
        """Along the last axis."""
        rows = pictures.reshape(len(pictures), -1, size)
        return (rows @ mix.transpose(1, 2)).view(clips.shape)

    return mixed(mixed(clips.transpose(-1, -2)).transpose(-1, -2))


def compress(clips: Tensor, steps: Tensor) -> Tensor:
    """Clips (B, 3, T, S, S) after their 8 x 8 blocks' cosine coefficients were rounded to steps (B,), high frequencies more
    coarsely."""
    k = torch.arange(8, device=clips.device)
    basis = torch.cos(math.pi / 8 * (k + 0.5) * k[:, None]) / 2  # (frequency, place)
    basis[0] /= math.sqrt(2)
    coarseness = steps.to(clips.device).view(-1, 1, 1, 1, 1, 1, 1) * (1 + (k[:, None] + k) / 2)
    blocks = rearrange(clips, "b c t (i y) (j x) -> b c t i j y x", y=8, x=8)
    coefficients = basis @ blocks @ basis.T
    rounded = (coefficients / coarseness).round() * coarseness
    return rearrange(basis.T @ rounded @ basis, "b c t i j y x -> b c t (i y) (j x)").clamp(0, 1)
