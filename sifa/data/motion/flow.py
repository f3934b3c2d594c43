"""True displacement of generated clips, on the grids that the model's blocks work on."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from sifa.data.motion.generator import MotionBatch, pixel_centres, transformed


def true_flow(batch: MotionBatch, tubelet: int, grid: int) -> tuple[Tensor, Tensor]:
    """Where the surface at each cell's centre goes from one tubelet step to the next.

    Returns flow (B, P, 2, grid, grid), (dy, dx) in cells of a grid x grid map, and visible (B, P, grid, grid): whether
    one layer owns most of the cell, stays inside the picture and is not covered at its destination. The middle frame of
    each tubelet stands for its step. Raises ValueError for clips that were not generated, whose flow nobody knows.
    """
    scene, owner = batch.scene, batch.owner
    if scene is None or owner is None:
        raise ValueError("these clips have no scene and no owner; only those of MotionClips have a true flow")
    middle = slice(tubelet // 2, None, tubelet)
    owner = owner[:, middle]
    layers = scene.layers[:, middle]  # (B, T, layer, 3, 3)
    bars = torch.eye(3, device=owner.device).expand_as(layers[:, :, :1])
    layers = torch.cat([layers, bars], 2)
    count = layers.shape[2]
    b, steps, size = owner.shape[:3]
    cell = size // grid
    centres = pixel_centres(grid, owner.device)

    relative = (layers[:, 1:].double() @ torch.linalg.inv_ex(layers[:, :-1].double()).inverse).float()
    flows = (transformed(relative, centres) - centres[..., :2]) * (grid / 2)

    at_centre = owner[:, :-1, cell // 2 :: cell, cell // 2 :: cell]
    flow = flows.gather(2, at_centre[:, :, None, :, :, None].expand(-1, -1, 1, -1, -1, 2))[:, :, 0]
    shares = F.avg_pool2d(F.one_hot(owner[:, :-1], count).permute(0, 1, 4, 2, 3).flatten(0, 1).float(), cell)
    purity = shares.view(b, steps - 1, count, grid, grid).gather(2, at_centre[:, :, None])[:, :, 0]

    target = centres[..., :2] + flow * (2 / grid)
    pixel = ((target + 1) / 2 * size).long().clamp(0, size - 1)
    seen = owner[:, 1:].flatten(2).gather(2, (pixel[..., 1] * size + pixel[..., 0]).flatten(2)).view_as(at_centre)
    visible = (target.abs() < 1).all(-1) & (seen == at_centre) & (purity > 0.6)
    return rearrange(flow.flip(-1), "b p h w yx -> b p yx h w"), visible


def flow_at(flow: Tensor, visible: Tensor, grid: int) -> tuple[Tensor, Tensor]:
    """True flow (B, P, 2, G, G) and its validity (B, P, G, G) averaged to a grid x grid map, in that map's cells."""
    b, pairs = flow.shape[:2]
    k = flow.shape[-1] // grid
    if k == 1:
        return flow, visible
    weight = visible.float().unsqueeze(2)
    share = F.avg_pool2d(weight.flatten(0, 1), k).view(b, pairs, 1, grid, grid)
    mean = F.avg_pool2d((flow * weight).flatten(0, 1), k).view(b, pairs, 2, grid, grid)
    return mean / share.clamp_min(1e-6) / k, share.squeeze(2) > 0.6
