"""Bilinear reading of a feature map at real-valued (y, x) points, by gathering the four corners of each point.

Coordinates are in cells: (0, 0) is the centre of the first cell. Whatever lies outside the map counts as zero, as in the
released `deformable_im2col` kernel: a corner outside contributes 0, and a point with y <= -1 or y >= H (or the same for x)
contributes 0 altogether and has no gradient. At an integer coordinate the derivative is the one towards larger
coordinates, which is also the kernel's choice.

Maps are *padded tables*: channels-last rows of an (H + 2) x (W + 2) map whose border is zero, so that every corner of
every point is a row and no branch is needed.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Corners:
    """The four corners of R points: top left, top right, bottom left, bottom right."""

    index: Tensor  # (R, 4) int64, rows of the padded table
    weight: Tensor  # (R, 4) bilinear weights


def neighbour_grid(kernel_size: int, dilation: int = 1, device: torch.device | None = None) -> Tensor:
    """(N, 2) places (dy, dx) of the K x K neighbours around a location, row-major, in cells."""
    first = -((dilation * (kernel_size - 1) + 1) // 2)
    steps = torch.arange(kernel_size, device=device, dtype=torch.float32) * dilation + first
    return torch.cartesian_prod(steps, steps)


def sampling_points(offset: Tensor, kernel_size: int, dilation: int = 1) -> Tensor:
    """Sampled places (..., N, 2, H, W) as (y, x) in cells, from offsets of the same shape: p + tap + offset."""
    height, width = offset.shape[-2:]
    rows = torch.arange(height, device=offset.device, dtype=offset.dtype).view(1, 1, -1, 1)
    columns = torch.arange(width, device=offset.device, dtype=offset.dtype).view(1, 1, 1, -1)
    location = torch.cat([rows.expand(1, 1, height, width), columns.expand(1, 1, height, width)], 1)
    taps = neighbour_grid(kernel_size, dilation, offset.device).to(offset.dtype)
    return offset + taps[:, :, None, None] + location


def padded_table(maps: Tensor) -> Tensor:
    """Channels-last maps (M, H, W, C) -> rows (M * (H + 2) * (W + 2), C) with a border of zeros."""
    return F.pad(maps, (0, 0, 1, 1, 1, 1)).flatten(0, 2)


def unpadded_maps(table: Tensor, maps: int, height: int, width: int) -> Tensor:
    """The inverse of `padded_table`: rows -> (M, H, W, C), dropping the border."""
    return table.view(maps, height + 2, width + 2, -1)[:, 1:-1, 1:-1]


def _floor_and_rest(y: Tensor, x: Tensor, height: int, width: int) -> tuple[Tensor, ...]:
    """(inside, top, left, bottom share, right share) of points; those outside, and NaN, are moved to the zero border."""
    inside = (y > -1) & (y < height) & (x > -1) & (x < width)
    y, x = torch.where(inside, y, -1.0), torch.where(inside, x, -1.0)
    top, left = y.floor(), x.floor()
    return inside, top, left, y - top, x - left


def corners(y: Tensor, x: Tensor, height: int, width: int) -> Corners:
    """Corners of the points (y, x), each (M, ...), of M maps of height x width cells, flattened to R rows."""
    _, top, left, bottom, right = _floor_and_rest(y, x, height, width)
    row = (top.long() + 1) * (width + 2) + (left.long() + 1)
    first = torch.arange(len(y), device=y.device) * ((height + 2) * (width + 2))
    row = row + first.view(-1, *[1] * (y.dim() - 1))
    step = torch.tensor([0, 1, width + 2, width + 3], device=y.device)
    weight = torch.stack([(1 - bottom) * (1 - right), (1 - bottom) * right, bottom * (1 - right), bottom * right], -1)
    return Corners(row.flatten()[:, None] + step, weight.view(-1, 4))


def corner_slopes(y: Tensor, x: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Derivatives (R, 4) of the corners' weights along y and along x; zero for points outside the map."""
    inside, _, _, bottom, right = _floor_and_rest(y, x, height, width)
    live = inside.to(y.dtype)
    t, b, l, r = (1 - bottom) * live, bottom * live, (1 - right) * live, right * live
    return torch.stack([-l, -r, l, r], -1).view(-1, 4), torch.stack([-t, t, -b, b], -1).view(-1, 4)


def gather(table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Weighted sum of four rows of the table for each point: index, weight (R, 4) -> (R, C)."""
    return F.embedding_bag(index, table, mode="sum", per_sample_weights=weight)


def scatter(values: Tensor, index: Tensor, weight: Tensor, rows: int) -> Tensor:
    """The transpose of `gather`: values (R, C) spread over four rows each -> (rows, C).

    Points are sorted by their first corner; then every row of the result is again a weighted sum of rows, once per
    corner, which is several times faster than adding row by row.
    """
    first, order = index[:, 0].int().sort(stable=True)
    bounds = F.pad(first.bincount(minlength=rows).cumsum(0), (1, 0))
    step = [0, *(index[0, 1:] - index[0, 0]).tolist()]
    weight = weight[order]
    total = values.new_zeros(rows, values.shape[1])
    for corner, shift in enumerate(step):
        part = F.embedding_bag(
            order,
            values,
            bounds,
            mode="sum",
            per_sample_weights=weight[:, corner].contiguous(),
            include_last_offset=True,
        )
        total[shift:] += part[: rows - shift]
    return total
