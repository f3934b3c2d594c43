"""The same weights with another number of neighbours."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from sifa.model.attention import SIFA
from sifa.model.config import SwinConfig
from sifa.model.registry import SIFAModel


def resize_kernel(model: SIFAModel, kernel_size: int) -> SIFAModel:
    """A copy of a model whose SIFA blocks read kernel_size x kernel_size neighbours.

    Raises ValueError for an even or negative size, and where the model has no SIFA block.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size is {kernel_size}; neighbours lie around a centre, so use 1, 3, 5, ...")
    other = deepcopy(model)
    blocks = [module for module in other.modules() if isinstance(module, SIFA)]
    if not blocks:
        raise ValueError("this model has no SIFA block, so it has no neighbours; choose other weights")
    for block in blocks:
        block.kernel_size, before = kernel_size, block.kernel_size
        if block.conv_offset is None:
            continue
        old = block.conv_offset
        block.conv_offset = nn.Conv2d(old.in_channels, 2 * kernel_size**2, 3, padding=1, bias=False).to(
            old.weight.device
        )
        with torch.no_grad():
            spaced = block.dilation
            block.conv_offset.weight.copy_(nearest_offsets(old.weight, (before, spaced), (kernel_size, spaced)))
        block.conv_offset.eval().requires_grad_(old.weight.requires_grad)
    if isinstance(other.config, SwinConfig):
        other.config = other.config.change(kernel_size=kernel_size, kernel_sizes=())
    else:
        other.config = other.config.change(kernel_sizes=(kernel_size,) * len(other.config.kernel_sizes))
    return other


def nearest_offsets(filters: Tensor, before: tuple[int, int], after: tuple[int, int]) -> Tensor:
    """The filters of an offset convolution, for another grid of neighbours: (2 * K * K, C, 3, 3) of (K, dilation) `before` -> of
    those `after`. Nothing else in the block depends on the grid.

    A place of the new grid takes the offset of the nearest place of the old one, both counted from the centre.
    """
    (old, spaced), (new, spacing) = before, after
    places = (torch.arange(new) - new // 2) * spacing
    nearest = (places / spaced + old // 2).round().long().clamp(0, old - 1)
    taps = (nearest[:, None] * old + nearest).flatten()
    return filters.view(old**2, 2, *filters.shape[1:])[taps].flatten(0, 1)
