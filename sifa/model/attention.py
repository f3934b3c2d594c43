"""Stand-alone inter-frame attention (SIFA), the paper's block: every location of frame t attends to K x K deformed
neighbours in frame t+1.

The maths is two free functions, `motion_saliency` and `inter_frame_attention`; the module `SIFA` holds the parameters.
Shapes: B clips, T time steps, P = T - 1 frame pairs (query step p -> key step p + 1), N = K * K neighbours in row-major
order (N // 2 is the centre tap), H x W cells, C channels. Coordinates are (y, x) in cells.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

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
from sifa.model.sampling import corner_slopes, corners, gather, padded_table, scatter, unpadded_maps

FIRST_SCALE, PLACE_DEVIATION = 10.0, 4.0  # of weights "cosine" and of position "relative", before training


class SIFAOutput(NamedTuple):
    """What the operator gives: the sums, and the offsets and weights that they were made with."""

    features: Tensor  # (B, C, T, H, W) aggregated values; the last step has no successor and is 0
    offset: Tensor  # (B, P, N, 2, H, W) (dy, dx) in cells, added to each neighbour's place in the regular grid
    attention: Tensor  # (B, P, N, H, W) one weight per neighbour


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


class _Attend(torch.autograd.Function):
    """Attention of every location of steps 0 .. T-2 over its sampled neighbours in the next step.

    Each value is sampled once and used twice, for the weight and for the sum; pairs, and parts of them, are worked on one
    after another so that the sampled values stay in cache. The backward pass samples again instead of keeping them.
    """

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, y: Tensor, x: Tensor, softmax: bool) -> tuple[Tensor, Tensor]:
        steps, maps, height, width, channels = tokens.shape  # y, x (P, maps, height, width, N)
        taps = y.shape[-1]
        flat = tokens.view(steps, -1, channels)
        features, weights = torch.zeros_like(flat), flat.new_empty(steps - 1, flat.shape[1], taps)
        for pair in range(steps - 1):
            table = padded_table(tokens[pair + 1])
            at = corners(y[pair], x[pair], height, width)
            for part in _parts(flat.shape[1], taps * channels, flat.device):
                points = slice(part.start * taps, part.stop * taps)
                values = gather(table, at.index[points], at.weight[points])  # (L N, C)
                dots = torch.linalg.vecdot(values.view(-1, taps, channels), flat[pair, part, None])
                share = (dots / math.sqrt(channels)).softmax(1) if softmax else dots / channels
                weights[pair, part] = share
                features[pair, part] = gather(values, torch.arange(len(values), device=y.device).view(-1, taps), share)
        ctx.save_for_backward(tokens, y, x, weights)
        ctx.softmax = softmax
        return features.view_as(tokens), weights.view_as(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_features: Tensor, grad_weights: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        with _full_precision(grad_features.device):
            return _Attend._backward(ctx, grad_features, grad_weights)

    @staticmethod
    def _backward(ctx: Any, grad_features: Tensor, grad_weights: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        tokens, y, x, weights = ctx.saved_tensors
        steps, maps, height, width, channels = tokens.shape
        taps = y.shape[-1]
        flat = tokens.view(steps, -1, channels)
        grad_features = grad_features.reshape(flat.shape)
        grad_weights = grad_weights.reshape(weights.shape)
        grad_tokens, grad_y, grad_x = torch.zeros_like(tokens), torch.empty_like(y), torch.empty_like(x)
        grad_flat = grad_tokens.view_as(flat)
        grad_values = flat.new_empty(flat.shape[1], taps, channels)
        for pair in range(steps - 1):
            table = padded_table(tokens[pair + 1])
            at = corners(y[pair], x[pair], height, width)
            slopes = corner_slopes(y[pair], x[pair], height, width)
            for part in _parts(flat.shape[1], taps * channels, flat.device):
                points = slice(part.start * taps, part.stop * taps)
                query, share, g = flat[pair, part, None], weights[pair, part], grad_features[pair, part, None]
                values = gather(table, at.index[points], at.weight[points])
                grad_dots = torch.linalg.vecdot(values.view(-1, taps, channels), g) + grad_weights[pair, part]
                if ctx.softmax:
                    grad_dots = share * (grad_dots - (share * grad_dots).sum(1, keepdim=True)) / math.sqrt(channels)
                else:
                    grad_dots = grad_dots / channels
                each = torch.arange(len(values), device=y.device).view(-1, taps)
                grad_flat[pair, part] += gather(values, each, grad_dots)
                here = torch.mul(share[:, :, None], g, out=grad_values[part]).addcmul_(grad_dots[:, :, None], query)
                for slope, grad in zip(slopes, (grad_y, grad_x)):
                    change = torch.linalg.vecdot(gather(table, at.index[points], slope[points]), here.flatten(0, 1))
                    grad[pair].view(-1, taps)[part] = change.view(-1, taps)
            spread = scatter(grad_values.flatten(0, 1), at.index, at.weight, len(table))
            grad_tokens[pair + 1] += unpadded_maps(spread, maps, height, width)
        return grad_tokens, grad_y, grad_x, None


def _parts(locations: int, values_each: int, device: torch.device) -> list[slice]:
    """Slices of the locations whose sampled values fill about 4 MB on a CPU, 1 GB elsewhere."""
    size = max(1, 2 ** (20 if device.type == "cpu" else 28) // values_each)
    return [slice(first, min(first + size, locations)) for first in range(0, locations, size)]


def _full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """No autocast inside: places and weights would lose what makes them right."""
    return torch.autocast(device.type, enabled=False) if torch.amp.is_autocast_available(device.type) else nullcontext()


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
    b, c, t, h, w = features.shape
    expected = (b, t - 1, kernel_size**2, 2, h, w)
    if tuple(offset.shape) != expected:
        raise ValueError(
            f"offset has shape {tuple(offset.shape)}, but features {tuple(features.shape)} and kernel_size {kernel_size} "
            f"need (B, T-1, K*K, 2, H, W) = {expected}"
        )
    check_word("weights", weights, Softness)
    dtype = torch.promote_types(features.dtype, torch.float32)
    if t == 1:
        return SIFAOutput(torch.zeros_like(features), offset, offset.new_zeros(b, 0, kernel_size**2, h, w))
    with _full_precision(features.device):
        tokens = rearrange(features, "b c t h w -> t b h w c").to(dtype).contiguous()
        points = sampling_points(offset.to(dtype), kernel_size, dilation)
        y, x = rearrange(points, "b p n yx h w -> yx p b h w n").contiguous()
        attend: Callable[..., tuple[Tensor, Tensor]] = _Attend.apply
        result, attention = attend(tokens, y, x, weights == "softmax")
        summed, attention = rearrange(result, "t b h w c -> b c t h w"), rearrange(attention, "p b h w n -> b p n h w")
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
