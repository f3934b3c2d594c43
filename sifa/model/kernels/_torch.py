"""The operator in PyTorch's own calls: any device, float32 and float64; the reference for the other engines."""

import math
from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.autograd.function import once_differentiable

from sifa.model.kernels._precision import full_precision
from sifa.model.sampling import (
    corner_slopes,
    corners,
    gather,
    padded_table,
    sampling_points,
    scatter,
    unpadded_maps,
)


def attend(features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool) -> tuple[Tensor, Tensor]:
    """What `kernels.attend` says."""
    tokens = rearrange(features, "b c t h w -> t b h w c").contiguous()
    points = sampling_points(offset, kernel_size, dilation)
    y, x = rearrange(points, "b p n yx h w -> yx p b h w n").contiguous()
    apply: Callable[..., tuple[Tensor, Tensor]] = _Attend.apply
    summed, attention = apply(tokens, y, x, softmax)
    return rearrange(summed, "t b h w c -> b c t h w"), rearrange(attention, "p b h w n -> b p n h w")


class _Attend(torch.autograd.Function):
    """Attention of every location of steps 0 .. T-2 over its sampled neighbours in the next step.

    tokens (T, M, H, W, C) of M maps, y and x (P, M, H, W, N) -> sums like the tokens, weights like y.

    Each value is sampled once and used twice, for the weight and for the sum. As many pairs as have few sampled values are
    worked on at once, as if they were more maps, and larger ones in parts, one after another, so that the values stay in
    cache. The backward pass samples again instead of keeping them.
    """

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, y: Tensor, x: Tensor, softmax: bool) -> tuple[Tensor, Tensor]:
        steps, maps, height, width, channels = tokens.shape  # y, x (P, maps, height, width, N)
        taps = y.shape[-1]
        features, weights = torch.zeros_like(tokens), torch.empty_like(y)
        for pairs in _at_once(steps - 1, maps * height * width * taps * channels, tokens.device):
            query, keys = tokens[pairs].reshape(-1, channels), tokens[_next(pairs)].flatten(0, 1)
            table = padded_table(keys)
            at = corners(y[pairs].flatten(0, 1), x[pairs].flatten(0, 1), height, width)
            summed, share_of = features[pairs].view(-1, channels), weights[pairs].view(-1, taps)
            for part in _at_once(len(query), taps * channels, tokens.device):
                points = slice(part.start * taps, part.stop * taps)
                values = gather(table, at.index[points], at.weight[points])  # (L N, C)
                dots = torch.linalg.vecdot(values.view(-1, taps, channels), query[part, None])
                share = (dots / math.sqrt(channels)).softmax(1) if softmax else dots / channels
                share_of[part] = share
                summed[part] = gather(values, torch.arange(len(values), device=y.device).view(-1, taps), share)
        ctx.save_for_backward(tokens, y, x, weights)
        ctx.softmax = softmax
        return features, weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_features: Tensor, grad_weights: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        with full_precision(grad_features.device):
            return _Attend._backward(ctx, grad_features, grad_weights)

    @staticmethod
    def _backward(ctx: Any, grad_features: Tensor, grad_weights: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        tokens, y, x, weights = ctx.saved_tensors
        steps, maps, height, width, channels = tokens.shape
        taps = y.shape[-1]
        grad_features, grad_weights = grad_features.contiguous(), grad_weights.contiguous()
        grad_tokens, grad_y, grad_x = torch.zeros_like(tokens), torch.empty_like(y), torch.empty_like(x)
        for pairs in _at_once(steps - 1, maps * height * width * taps * channels, tokens.device):
            queries, keys = tokens[pairs].reshape(-1, channels), tokens[_next(pairs)].flatten(0, 1)
            shares, grads = weights[pairs].view(-1, taps), grad_features[pairs].view(-1, channels)
            table, places = padded_table(keys), (y[pairs].flatten(0, 1), x[pairs].flatten(0, 1), height, width)
            at, slopes = corners(*places), corner_slopes(*places)
            grad_query, grad_share = grad_tokens[pairs].view(-1, channels), grad_weights[pairs].view(-1, taps)
            grad_places = grad_y[pairs].view(-1, taps), grad_x[pairs].view(-1, taps)
            grad_values = queries.new_empty(len(queries), taps, channels)
            for part in _at_once(len(queries), taps * channels, tokens.device):
                points = slice(part.start * taps, part.stop * taps)
                query, share, g = queries[part, None], shares[part], grads[part, None]
                values = gather(table, at.index[points], at.weight[points])
                grad_dots = torch.linalg.vecdot(values.view(-1, taps, channels), g) + grad_share[part]
                if ctx.softmax:
                    grad_dots = share * (grad_dots - (share * grad_dots).sum(1, keepdim=True)) / math.sqrt(channels)
                else:
                    grad_dots = grad_dots / channels
                each = torch.arange(len(values), device=y.device).view(-1, taps)
                grad_query[part] += gather(values, each, grad_dots)
                here = torch.mul(share[:, :, None], g, out=grad_values[part]).addcmul_(grad_dots[:, :, None], query)
                for slope, grad in zip(slopes, grad_places):
                    change = torch.linalg.vecdot(gather(table, at.index[points], slope[points]), here.flatten(0, 1))
                    grad[part] = change.view(-1, taps)
            spread = scatter(grad_values.flatten(0, 1), at.index, at.weight, len(table))
            grad_tokens[_next(pairs)] += unpadded_maps(spread, len(keys), height, width).view_as(tokens[pairs])
        return grad_tokens, grad_y, grad_x, None


def _next(pairs: slice) -> slice:
    """The steps that pairs of steps look into."""
    return slice(pairs.start + 1, pairs.stop + 1)


def _at_once(count: int, values_each: int, device: torch.device) -> list[slice]:
    """Slices of pairs or locations whose sampled values fill about 4 MB on a CPU, 1 GB elsewhere."""
    size = max(1, 2 ** (20 if device.type == "cpu" else 28) // max(1, values_each))
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]
