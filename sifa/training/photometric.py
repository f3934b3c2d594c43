"""What a clip says about motion by itself: a place's attention should lead to where the next picture looks like it.

Nobody tells a run with this loss the true flow. It is ours, after the usual losses of self-supervised optical flow.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from sifa.evaluation.flow import with_pairs
from sifa.model.sampling import sampling_points
from sifa.tracing.hooks import BlockCall


def photometric_loss(video: Tensor, blocks: Iterable[BlockCall]) -> Tensor:
    """|patch - attention-weighted sum of the patches at the sampled places of the next step|, its mean over cells and channels,
    summed over the blocks.

    video (B, 3, T, S, S), normalised; a block's steps stand for the middle frame of each tubelet, and its pictures are
    reduced to twice its cells along each side, of which a patch is 3 x 3 pixels.
    """
    total = video.new_zeros(())
    for call in with_pairs(blocks):
        offset, attention = call.output.offset, call.output.attention
        steps, grid = offset.shape[1] + 1, offset.shape[-1]
        patches = patches_of(video, steps, min(2 * grid, video.shape[-1]))
        sampled = read(patches[:, 1:], sampling_points(offset, call.block.kernel_size, call.block.dilation), grid)
        here = read(patches[:, :-1], sampling_points(torch.zeros_like(offset[:, :, :1]), 1), grid)[:, :, 0]
        rebuilt = (sampled * attention.unsqueeze(3)).sum(2)
        total = total + (rebuilt - here).abs().mean()
    return total


def patches_of(video: Tensor, steps: int, size: int) -> Tensor:
    """(B, steps, 27, size, size): of each step the 3 x 3 patch around every pixel of its reduced picture."""
    tubelet = video.shape[2] // steps
    frames = rearrange(video[:, :, tubelet // 2 :: tubelet], "b c t h w -> (b t) c h w")
    frames = F.pad(F.interpolate(frames, size=(size, size), mode="area"), (1, 1, 1, 1), mode="replicate")
    around = [frames[:, :, i : i + size, j : j + size] for i in range(3) for j in range(3)]
    return torch.cat(around, 1).view(len(video), steps, -1, size, size)


def read(patches: Tensor, points: Tensor, grid: int) -> Tensor:
    """Patches (B, P, 27, size, size) at points (B, P, N, 2, grid, grid), (y, x) in cells -> (B, P, N, 27, grid, grid)."""
    at = rearrange((points + 0.5) * (2 / grid) - 1, "b p n yx h w -> (b p) (n h) w yx").flip(-1)
    found = F.grid_sample(patches.flatten(0, 1), at, padding_mode="border", align_corners=False)
    return rearrange(found, "(b p) c (n h) w -> b p n c h w", b=len(patches), h=grid)
