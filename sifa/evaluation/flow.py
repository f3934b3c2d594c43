"""How well the blocks' displacement follows the true flow of generated clips."""

from collections.abc import Iterable
from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor

from sifa.data.motion import MotionBatch, flow_at, true_flow
from sifa.errors import DataError
from sifa.tracing.hooks import BlockCall

MOVING, STATIC = 0.25, 0.05  # cells per step: above, a cell counts as moving; below, as static
TEXTURED = 0.04  # deviation of brightness (0..1) in a cell and its eight neighbours: below, no motion can be seen


class FlowFigures(TypedDict):
    """A number for each SIFA block; lengths in cells per time step. Cells that are covered or leave the picture do not count."""

    flow_cosine: list[float]  # of displacement and true flow, on moving cells with texture
    flow_epe_ratio: list[float]  # end-point error, divided by that of predicting zero, on the same cells
    flow_cosine_all: list[float]  # on every moving cell
    flow_epe_ratio_all: list[float]
    static_displacement: list[float]  # mean length on static cells


def with_pairs(blocks: Iterable[BlockCall]) -> list[BlockCall]:
    """The blocks that saw two time steps or more; the others had no next step to look into."""
    return [call for call in blocks if call.output.features.shape[2] > 1]


def finest_grids(blocks: Iterable[BlockCall], size: int) -> dict[int, int]:
    """{time steps: cells along a side of the finest map} of the blocks that `with_pairs` leaves.

    `size` is the picture's side in pixels. Raises DataError where the maps do not divide it or one another, so that cells
    of one do not lie on whole cells of the other.
    """
    grids: dict[int, int] = {}
    for call in with_pairs(blocks):
        steps, side = call.output.features.shape[2], call.output.features.shape[-1]
        grids[steps] = max(side, grids.get(steps, 0))
    for call in with_pairs(blocks):
        finest, side = grids[call.output.features.shape[2]], call.output.features.shape[-1]
        if size % finest or finest % side:
            raise DataError(
                f"block {call.name} works on {side} x {side} cells, which do not divide {finest} x {finest} cells of "
                f"{size} x {size} pixels, so that its flow has no truth to be held against; choose another img_size"
            )
    return grids


def flow_sums(clips: MotionBatch, blocks: Iterable[BlockCall]) -> list[list[float]]:
    """What `flow_figures` needs of one batch: a row of ten sums for each block that saw two time steps or more."""
    frames, size = clips.video.shape[2], clips.video.shape[-1]
    truths = {}
    for steps, grid in finest_grids(blocks, size).items():
        flow, visible = true_flow(clips, frames // steps, grid)
        truths[steps] = flow, visible, visible & texture_mask(clips, frames // steps, grid)
    return [_sums(call, *truths[call.output.features.shape[2]]) for call in with_pairs(blocks)]


def flow_figures(sums: Tensor) -> FlowFigures:
    """From the batches' sums (blocks, 10), added up; (0,) where no block has any."""
    columns = sums.unbind(1) if sums.numel() else [sums.new_zeros(0)] * 10

    def ratio(over: int, under: int) -> list[float]:
        return [round((a / b.clamp_min(1e-9)).item(), 4) for a, b in zip(columns[over], columns[under])]

    return FlowFigures(
        flow_cosine=ratio(0, 3),
        flow_epe_ratio=ratio(1, 2),
        flow_cosine_all=ratio(4, 7),
        flow_epe_ratio_all=ratio(5, 6),
        static_displacement=ratio(8, 9),
    )


def texture_mask(clips: MotionBatch, tubelet: int, grid: int) -> Tensor:
    """(B, P, grid, grid) whether a cell and its neighbours hold enough contrast for motion to be seen."""
    grey = clips.video[:, :, tubelet // 2 :: tubelet].mean(1)[:, :-1]
    cell = grey.shape[-1] // grid
    mean, mean_of_squares = (
        F.avg_pool2d(x, 3 * cell, cell, padding=cell, count_include_pad=False) for x in (grey, grey**2)
    )
    return (mean_of_squares - mean**2).clamp_min(0).sqrt() > TEXTURED


def _sums(call: BlockCall, flow: Tensor, visible: Tensor, texture: Tensor) -> list[float]:
    """[cosine, end-point error, length of the true flow, cells] of the moving textured cells, the same of all moving
    ones, then [length of the displacement, cells] of the static ones: sums."""
    displacement = call.displacement
    sums: list[Tensor] = []
    for cells in (texture, visible):
        target, valid = flow_at(flow, cells, call.output.features.shape[-1])
        length = target.norm(dim=2)
        moving = valid & (length > MOVING)
        cosine = torch.cosine_similarity(displacement, target, dim=2, eps=1e-6)
        error = (displacement - target).norm(dim=2)
        sums += [cosine[moving], error[moving], length[moving], moving]
    static = valid & (length < STATIC)
    return [column.double().sum().item() for column in (*sums, displacement.norm(dim=2)[static], static)]
