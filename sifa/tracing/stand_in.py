"""Blocks that run in place of a model's SIFA blocks and share their parameters, with something changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange, reduce, repeat
from torch import Tensor

from sifa.model.attention import SIFA, SIFAOutput, place_code
from sifa.model.sampling import corners, gather, padded_table, sampling_points
from sifa.tracing.hooks import Modules, replace_blocks

Change = Callable[[Tensor], Tensor]  # of weights (B, P, N, H, W)


def aggregate(features: Tensor, offset: Tensor, attention: Tensor, kernel_size: int, dilation: int = 1) -> Tensor:
    """The block's sum with weights of one's own: sum_k attention_k * f[t+1] at the sampled point k, 0 at the last step.

    features (B, C, T, H, W), offset (B, P, N, 2, H, W) in cells, attention (B, P, N, H, W) -> (B, C, T, H, W).
    """
    b, _, _, h, w = features.shape
    table = padded_table(rearrange(features[:, :, 1:], "b c p h w -> (b p) h w c"))
    y, x = rearrange(sampling_points(offset, kernel_size, dilation), "b p n yx h w -> yx (b p) h w n")
    at = corners(y, x, h, w)
    values = rearrange(gather(table, at.index, at.weight), "(b p h w n) c -> b p h w n c", b=b, h=h, w=w, n=y.shape[-1])
    return F.pad(torch.einsum("bphwnc,bpnhw->bcphw", values, attention), (0, 0, 0, 0, 0, 1))


class StandIn(SIFA):
    """A SIFA block with another's parameters and some of its attributes changed.

    `reweight` makes of the attention (B, P, N, H, W) the weights that the values are added up with.
    """

    def __init__(self, block: SIFA, **changes: Any) -> None:
        super().__init__(0, block.kernel_size, block.dilation, "zero", block.saliency)
        self.weights = block.weights
        self.log_scale, self.project, self.place = block.log_scale, block.project, block.place
        self.placement, self.stage, self.block = block.placement, block.stage, block.block
        self.conv_offset = block.conv_offset
        self.reweight: Change | None = getattr(block, "reweight", None)
        for name, value in changes.items():
            setattr(self, name, value)

    def forward(self, features: Tensor) -> SIFAOutput:
        out = super().forward(features)
        if self.reweight is None or features.shape[2] == 1:
            return out
        attention = self.reweight(out.attention)
        summed = aggregate(self.values(features), out.offset, attention, self.kernel_size, self.dilation)
        if self.place is not None:
            summed = summed + place_code(out.offset, attention, self.place, self.kernel_size, self.dilation)
        return SIFAOutput(summed, out.offset, attention)


def change_blocks(model: Modules, **changes: Any) -> AbstractContextManager[None]:
    """Let stand-ins with these attributes run in place of the SIFA blocks, in the calling context while the body does."""
    return replace_blocks(model, lambda block: StandIn(block, **changes))


def mean_over_neighbours(attention: Tensor) -> Tensor:
    """Every weight (B, P, N, H, W) replaced by the mean over its N neighbours, so that their sum stays the same."""
    return repeat(reduce(attention, "b p n h w -> b p h w", "mean"), "b p h w -> b p n h w", n=attention.shape[2])


def remove_first(count: int, order: Change) -> Change:
    """A change of weights (B, P, N, H, W): of each cell's neighbours the first `count` by order(weights) get 0."""

    def reweight(attention: Tensor) -> Tensor:
        first = order(attention).topk(count, dim=2).indices
        return attention.scatter(2, first, 0.0)

    return reweight


def remove_third(order: Change) -> Change:
    """The same for a third of the neighbours, however many a block has."""
    return lambda attention: remove_first(max(1, attention.shape[2] // 3), order)(attention)


def any_order(seed: int) -> Change:
    """A random order of the neighbours, another one at every call and the same ones for the same seed."""
    rng = torch.Generator().manual_seed(seed)
    return lambda attention: torch.rand(attention.shape, generator=rng).to(attention.device)
