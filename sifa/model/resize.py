"""The same weights with another number of neighbours."""

from copy import deepcopy

import torch
from torch import nn

from sifa.model.attention import SIFA
from sifa.model.config import SwinConfig
from sifa.model.registry import SIFAModel


def resize_kernel(model: SIFAModel, kernel_size: int) -> SIFAModel:
    """A copy of a model whose SIFA blocks read kernel_size x kernel_size neighbours.

    Of SIFA's parameters only the offset convolution depends on K: a place of the new grid takes the offset of the nearest place
    of the old one, both counted from the centre. Raises ValueError for an even or
    negative size, and where the model has no SIFA block.
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
        places = torch.arange(kernel_size) - kernel_size // 2 + before // 2
        nearest = places.clamp(0, before - 1)
        taps = (nearest[:, None] * before + nearest).flatten()
        old = block.conv_offset
        block.conv_offset = nn.Conv2d(old.in_channels, 2 * kernel_size**2, 3, padding=1, bias=False).to(
            old.weight.device
        )
        with torch.no_grad():
            block.conv_offset.weight.copy_(old.weight.view(before**2, 2, -1, 3, 3)[taps].flatten(0, 1))
        block.conv_offset.eval().requires_grad_(old.weight.requires_grad)
    if isinstance(other.config, SwinConfig):
        other.config = other.config.change(kernel_size=kernel_size, kernel_sizes=())
    else:
        other.config = other.config.change(kernel_sizes=(kernel_size,) * len(other.config.kernel_sizes))
    return other
