"""The faults that uploads bring: letterbox bars, blur, missing colour, heavy compression."""

import math

import torch
from einops import rearrange
from torch import Tensor

BARS = 3  # the owner of pixels under letterbox bars, after the ground and two objects


def wear(video: Tensor, owner: Tensor, rng: torch.Generator, bars: int = BARS) -> None:
    """Each fault on some of the clips, in place: video (B, 3, T, S, S) 0..1, owner (B, T, S, S) as in `MotionBatch`, where
    `bars` is the number of letterbox bars."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=rng).item()

    def chance(p: float) -> bool:
        return uniform(0, 1) < p

    for clip, seen in zip(video, owner):
        if chance(0.15):
            letterbox(
                clip, seen, across=chance(0.7), share=uniform(0.04, 0.2), level=uniform(0, 1) * chance(0.2), bars=bars
            )
        if chance(0.1):
            clip.copy_(clip.mean(0, keepdim=True).expand_as(clip))
        if chance(0.35):
            clip.copy_(blur(clip, uniform(0.4, 1.2)))
        if chance(0.35):
            clip.copy_(compress(clip, uniform(0.02, 0.12)))


def letterbox(clip: Tensor, owner: Tensor, across: bool, share: float, level: float, bars: int = BARS) -> None:
    """Two bars of this share of the picture each, in place: above and below where `across`, else left and right."""
    size = clip.shape[-1]
    width = max(1, round(share * size))
    for bar in (slice(0, width), slice(size - width, size)):
        where = (..., bar, slice(None)) if across else (..., bar)
        clip[where], owner[where] = level, bars


def blur(clip: Tensor, deviation: float) -> Tensor:
    """A Gaussian blur of clip (3, T, S, S), its deviation in pixels; beyond the edge, its last pixels go on."""
    size, reach = clip.shape[-1], torch.arange(-3, 4)
    kernel = torch.exp(-(reach**2) / (2 * deviation**2))
    at = torch.arange(size)[:, None]
    # as a matrix, since its products are several times faster than convolutions of one channel
    mix = torch.zeros(size, size).scatter_add_(
        1, (at + reach).clamp(0, size - 1), (kernel / kernel.sum()).expand(size, 7)
    )
    mix = mix.to(clip.device)
    return mix @ clip @ mix.T


def compress(clip: Tensor, step: float) -> Tensor:
    """Clip (3, T, S, S) after its 8 x 8 blocks' cosine coefficients were rounded, high frequencies more coarsely."""
    k = torch.arange(8, device=clip.device)
    basis = torch.cos(math.pi / 8 * (k + 0.5) * k[:, None]) / 2  # (frequency, place)
    basis[0] /= math.sqrt(2)
    coarseness = step * (1 + (k[:, None] + k) / 2)
    blocks = rearrange(clip, "c t (i y) (j x) -> c t i j y x", y=8, x=8)
    coefficients = basis @ blocks @ basis.T
    rounded = (coefficients / coarseness).round() * coarseness
    return rearrange(basis.T @ rounded @ basis, "c t i j y x -> c t (i y) (j x)").clamp(0, 1)
