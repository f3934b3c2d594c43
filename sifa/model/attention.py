"""Stand-alone inter-frame attention (SIFA), the paper's block: every location of frame t attends to K x K deformed
neighbours in frame t+1.

The maths is two free functions, `motion_saliency` and `inter_frame_attention`; the module `SIFA` holds the parameters.
Shapes: B clips, T time steps, P = T - 1 frame pairs (query step p -> key step p + 1), N = K * K neighbours in row-major
order (N // 2 is the centre tap), H x W cells, C channels. Coordinates are (y, x) in cells.
"""

import math
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from sifa.model.config import (
    LARGEST,
    Offsets,
    Placement,
    Position,
    Saliency,
    Softness,
    Weights,
    check_size,
    check_word,
)
from sifa.model.kernels import attend, full_precision
from sifa.model.sampling import neighbour_grid

FIRST_SCALE, PLACE_DEVIATION = 10.0, 4.0  # of weights "cosine" and of position "relative", before training


class SIFAOutput(NamedTuple):
    """What the operator gives: the sums, and the offsets and weights that they were made with."""

    features: Tensor  # (B, C, T, H, W) aggregated values; the last step has no successor and is 0
    offset: Tensor  # (B, P, N, 2, H, W) (dy, dx) in cells, added to each neighbour's place in the regular grid
    attention: Tensor  # (B, P, N, H, W) one weight per neighbour


def displacement(offset: Tensor, attention: Tensor, kernel_size: int, dilation: int = 1) -> Tensor:
    """Where each location's attention went: the mean of (sampled place - query place), weighted by |attention|.

    offset (..., N, 2, H, W), attention (..., N, H, W) -> (..., 2, H, W), (dy, dx) in cells. For softmax weights this is
    the plain attention-weighted mean; raw dot products can be negative, and then their magnitude is the weight.
    """
    share = attention.abs()
    share = share / share.sum(-3, keepdim=True).clamp_min(1e-12)
    return _sum_of_moves(offset, share, kernel_size, dilation)


def _sum_of_moves(offset: Tensor, weights: Tensor, kernel_size: int, dilation: int) -> Tensor:
    """Sum over the neighbours of weight * (tap + offset): (..., N, 2, H, W), (..., N, H, W) -> (..., 2, H, W), in cells."""
    taps = neighbour_grid(kernel_size, dilation, offset.device).to(offset.dtype)
    return ((offset + taps[:, :, None, None]) * weights.unsqueeze(-3)).sum(-4)


def motion_saliency(features: Tensor, saliency: Saliency = "paper") -> Tensor:
    """What the offsets are read from: the next frame gated by the frame difference, for each of the T - 1 pairs.

    features (B, C, T, H, W) -> (B, C, P, H, W). "paper": sigmoid(f[t+1] - f[t]) * f[t+1]; "released": the same + f[t+1]
    (`c2d_sifa_resnet.py`); "none": f[t+1] itself, to see what the gate is good for. Raises ValueError for
    another word.
    """
    check_word("saliency", saliency, Saliency)
    if saliency == "none":
        return features[:, :, 1:]
    current, following = features[:, :, :-1], features[:, :, 1:]
    gated = torch.sigmoid(following - current) * following
    return gated + following if saliency == "released" else gated


def inter_frame_attention(
    features: Tensor,
    offset: Tensor,
    kernel_size: int,
    dilation: int = 1,
    weights: Softness = "dot",
    place: Tensor | None = None,
) -> SIFAOutput:
    """Attend from every location of step t to K x K deformed neighbours in step t+1 (paper, section 3.2).

    value_k = features[t+1] read bilinearly at p + tap_k + offset_k (zero outside the map); weight_k = <features[t](p),
    value_k> / C; result[t](p) = sum_k weight_k * value_k, and 0 at the last step. `weights="softmax"` normalises
    <.,.> / sqrt(C) over the K x K neighbours instead (the authors' later DTF). With `place` P (C, 2), which is ours, each
    value also says where it was read: result[t](p) = sum_k weight_k * (value_k + P (tap_k + offset_k)).

    features (B, C, T, H, W) and offset (B, T-1, K*K, 2, H, W), (dy, dx) in cells -> SIFAOutput. Arithmetic is in float32
    at least. Raises ValueError where the shapes disagree or `weights` is unknown.
    """
    check_word("weights", weights, Softness)
    dtype = torch.promote_types(features.dtype, torch.float32)
    with full_precision(features.device):
        summed, attention = attend(features.to(dtype), offset.to(dtype), kernel_size, dilation, weights == "softmax")
        if place is not None:
            summed = summed + place_code(offset.to(dtype), attention, place.to(dtype), kernel_size, dilation)
    return SIFAOutput(summed.to(features.dtype), offset, attention.to(features.dtype))


def place_code(offset: Tensor, attention: Tensor, place: Tensor, kernel_size: int, dilation: int = 1) -> Tensor:
    """What places add to the block's sum: P sum_k weight_k (tap_k + offset_k), and 0 at the last step.

    offset (B, P, N, 2, H, W) in cells, attention (B, P, N, H, W), place (C, 2) -> (B, C, T, H, W). Where weights sum to 1, the
    inner sum is the displacement, the arrow that is drawn.
    """
    moved = _sum_of_moves(offset, attention, kernel_size, dilation)
    return F.pad(torch.einsum("bpyhw,cy->bcphw", moved, place), (0, 0, 0, 0, 0, 1))


def cosine_features(features: Tensor, scale: Tensor, projection: Tensor | None = None) -> Tensor:
    """Features (B, C, T, H, W) whose dot products are cosines times `scale`: <a, b> / sqrt(C) = scale * cos(a, b).

    Each frame's mean over its places is taken away first; then comes the linear map `projection` (C, C), if there is one.
    """
    centred = features - features.mean((3, 4), keepdim=True)
    if projection is not None:
        centred = torch.einsum("bcthw,dc->bdthw", centred, projection)
    return F.normalize(centred, dim=1, eps=1e-3) * (scale * math.sqrt(centred.shape[1])).sqrt()


class SIFA(nn.Module):
    """The block's parameters: the offset convolution, 3 x 3 over the motion saliency, no bias, 2 * K * K channels.

    features (B, C, T, H, W) -> SIFAOutput. `offsets` "learned" | "zero" (the released Swin), `saliency` "paper" |
    "released" | "none", `weights` "dot" | "softmax" | "cosine". Offsets start at zero, so the block starts as attention over
    the regular grid. Raises ValueError for other words, and for sizes below 1.

    Ours, not the paper's: with weights "cosine", what is compared and added up are `cosine_features`, with a learned scale
    and, where `projected`, a learned map; with `position` "relative", the sum also holds `place_code`.

    Whoever builds the block into a network says where it stands: `placement` "inside" (its sum is added to its input) |
    "branch" (its LayerNorm is) | "unknown", and the numbers of its `stage` and its `block` in that.
    """

    placement: Placement | Literal["unknown"] = "unknown"
    stage: int = 0
    block: int = 0

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        dilation: int = 1,
        offsets: Offsets = "learned",
        saliency: Saliency = "paper",
        weights: Weights = "dot",
        position: Position = "none",
        projected: bool = False,
    ) -> None:
        super().__init__()
        check_word("offsets", offsets, Offsets)
        check_word("saliency", saliency, Saliency)
        check_word("weights", weights, Weights)
        check_word("position", position, Position)
        kernel_size = check_size("kernel_size", kernel_size, LARGEST["kernel_size"])
        dilation = check_size("dilation", dilation, LARGEST["dilation"])
        self.kernel_size, self.dilation = kernel_size, dilation
        self.saliency: Saliency = saliency
        self.weights: Weights = weights
        self.conv_offset: nn.Conv2d | None = None
        if offsets == "learned":
            self.conv_offset = nn.Conv2d(channels, 2 * kernel_size**2, 3, padding=1, bias=False)
            nn.init.zeros_(self.conv_offset.weight)
        cosine, relative = weights == "cosine", position == "relative"
        self.log_scale = nn.Parameter(torch.tensor(FIRST_SCALE).log()) if cosine else None
        self.project = nn.Parameter(torch.eye(channels)) if cosine and projected else None
        self.place = nn.Parameter(PLACE_DEVIATION * torch.randn(channels, 2)) if relative else None

    def values(self, features: Tensor) -> Tensor:
        """(B, C, T, H, W) what is compared and added up: the features, or with weights "cosine" `cosine_features`."""
        if self.log_scale is None:
            return features
        return cosine_features(features, self.log_scale.exp(), self.project)

    def offset(self, features: Tensor) -> Tensor:
        b, _, t, h, w = features.shape
        if self.conv_offset is None or t == 1:
            return features.new_zeros(b, t - 1, self.kernel_size**2, 2, h, w)
        salient = motion_saliency(features, self.saliency)
        offset = self.conv_offset(rearrange(salient, "b c p h w -> (b p) c h w"))
        per_pair: Tensor = rearrange(offset, "(b p) (n yx) h w -> b p n yx h w", b=b, yx=2)
        return per_pair

    def forward(self, features: Tensor) -> SIFAOutput:
        softness: Softness = "dot" if self.weights == "dot" else "softmax"
        offset, values = self.offset(features), self.values(features)
        return inter_frame_attention(values, offset, self.kernel_size, self.dilation, softness, self.place)
