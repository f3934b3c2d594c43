"""The operator as two fused kernels for NVIDIA GPUs: each value is read once, and nothing but the results is written.

A program takes a few locations of one step and all their channels, as a tile: (locations, channels) where the features
lie channels last, (channels, locations) where they lie map by map, so that neighbouring threads read neighbouring numbers
in both and no copy of the features is made. A tile has at least as many columns of channels as there are taps; the
weights of a location stand in the same tile, so that they need no exchange between threads until they are written.
All clips and pairs go in one launch.

The forward pass reads the features and keeps the sampled value of one tap at a time: its dot product with the query is its
weight, or, with the softmax, its part of a sum that is scaled again whenever a larger dot product is met. The backward
pass samples again, also once. The gradient of the features is added up by atomic additions, in an order that differs from
run to run: the last bits of it do too.

With TRITON_INTERPRET=1, set before triton is imported, the same kernels run on the CPU, slowly: so are they tested.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from sifa.errors import RunError

INTERPRETED = bool(triton.knobs.runtime.interpret)


@triton.jit
def _location(steps: Any, height: Any, width: Any, block: tl.constexpr) -> Any:
    """This program's clip and step, and the number, row and column of its locations, some beyond the last one."""
    blocks = tl.cdiv(height * width, block)
    program = tl.program_id(0)
    frame = program // blocks
    cell = (program % blocks) * block + tl.arange(0, block)
    return (frame // steps).to(tl.int64), (frame % steps).to(tl.int64), cell, cell // width, cell % width


@triton.jit
def _place(move: Any, tap: Any, location: Any, kernel_size: tl.constexpr, dilation: tl.constexpr) -> Any:
    """A sampled coordinate in cells: p + tap + offset, added up in the order of the reference."""
    return (move + (tap * dilation - (dilation * (kernel_size - 1) + 1) // 2)) + location


@triton.jit
def _sample(y: Any, x: Any, live: Any, height: Any, width: Any, stride_y: Any, stride_x: Any, base: Any,
            channel: Any, real: Any, axis: tl.constexpr) -> Any:  # fmt: skip
    """Corners of the places (y, x): shares of the lower and the right ones, pointers, masks, and values in float32 at least.

    Corners outside the map are 0; so are all four of a place outside, and of one that is not a number.
    """
    inside = live & (y > -1) & (y < height) & (x > -1) & (x < width)
    y, x = tl.where(inside, y, -1.0), tl.where(inside, x, -1.0)
    top, left = tl.floor(y), tl.floor(x)
    bottom, right = tl.expand_dims(y - top, axis), tl.expand_dims(x - left, axis)
    row, column = top.to(tl.int64), left.to(tl.int64)
    north, south = inside & (row >= 0), inside & (row + 1 < height)
    west, east = column >= 0, column + 1 < width
    first = base + tl.expand_dims(row * stride_y + column * stride_x, axis) + channel
    at = (first, first + stride_x, first + stride_y, first + stride_y + stride_x)
    masks = (
        tl.expand_dims(north & west, axis) & real, tl.expand_dims(north & east, axis) & real,
        tl.expand_dims(south & west, axis) & real, tl.expand_dims(south & east, axis) & real,
    )  # fmt: skip
    values = (
        tl.load(at[0], masks[0], 0.0).to(y.dtype), tl.load(at[1], masks[1], 0.0).to(y.dtype),
        tl.load(at[2], masks[2], 0.0).to(y.dtype), tl.load(at[3], masks[3], 0.0).to(y.dtype),
    )  # fmt: skip
    return bottom, right, values, masks, row * stride_y + column * stride_x


@triton.jit
def _forward(features: Any, offset: Any, sums: Any, weights: Any, steps: Any, height: Any, width: Any,
             stride_b: Any, stride_c: Any, stride_t: Any, stride_y: Any, stride_x: Any, scale: tl.constexpr,
             channels: tl.constexpr, kernel_size: tl.constexpr, dilation: tl.constexpr, softmax: tl.constexpr,
             axis: tl.constexpr, columns: tl.constexpr, block: tl.constexpr) -> None:  # fmt: skip
    """Sums and weights of one block of locations; the last step has no pair, and gets sums of 0."""
    b, t, cell, y, x = _location(steps, height, width, block)
    cells = height * width
    taps: tl.constexpr = kernel_size * kernel_size
    live = cell < cells
    query_live = cell < tl.where(t + 1 < steps, cells, 0)
    index = tl.expand_dims(tl.arange(0, columns), 1 - axis)  # of a channel, or of a tap
    real = index < channels
    channel = index.to(tl.int64) * stride_c
    here = b * stride_b + t * stride_t
    own = here + tl.expand_dims(y.to(tl.int64) * stride_y + x.to(tl.int64) * stride_x, axis) + channel
    key = features + (here + stride_t)
    pair = (b * (steps - 1) + t) * taps * cells
    move = offset + pair * 2 + cell
    query = tl.load(features + own, tl.expand_dims(query_live, axis) & real, 0.0).to(offset.dtype.element_ty)
    total = tl.zeros_like(query)
    scores = tl.zeros_like(query)
    peak = tl.zeros([block], query.dtype) - float("inf")
    mass = tl.zeros([block], query.dtype)
    for n in range(taps):
        at = move + n * 2 * cells.to(tl.int64)
        py = _place(tl.load(at, query_live, 0.0), n // kernel_size, y, kernel_size, dilation)
        px = _place(tl.load(at + cells, query_live, 0.0), n % kernel_size, x, kernel_size, dilation)
        bottom, right, v, _, _ = _sample(
            py, px, query_live, height, width, stride_y, stride_x, key, channel, real, axis
        )
        value = (1 - bottom) * ((1 - right) * v[0] + right * v[1]) + bottom * ((1 - right) * v[2] + right * v[3])
        score = tl.sum(query * value, axis) / scale
        scores = tl.where(index == n, tl.expand_dims(score, axis), scores)
        if softmax:
            higher = tl.maximum(peak, score)
            shrink, part = tl.exp(peak - higher), tl.exp(score - higher)
            mass = mass * shrink + part
            total = total * tl.expand_dims(shrink, axis) + tl.expand_dims(part, axis) * value
            peak = higher
        else:
            total += tl.expand_dims(score, axis) * value
    if softmax:
        total = total / tl.expand_dims(mass, axis)
        scores = tl.exp(scores - tl.expand_dims(peak, axis)) / tl.expand_dims(mass, axis)
    tl.store(sums + own, total, tl.expand_dims(live, axis) & real)
    to = weights + pair + index.to(tl.int64) * cells + tl.expand_dims(cell, axis)
    tl.store(to, scores, tl.expand_dims(query_live, axis) & (index < taps))


@triton.jit
def _backward(features: Any, offset: Any, weights: Any, sums: Any, grad_sums: Any, grad_weights: Any,
              grad_features: Any, grad_offset: Any, steps: Any, height: Any, width: Any,
              stride_b: Any, stride_c: Any, stride_t: Any, stride_y: Any, stride_x: Any,
              from_b: Any, from_c: Any, from_t: Any, from_y: Any, from_x: Any, scale: tl.constexpr,
              channels: tl.constexpr, kernel_size: tl.constexpr, dilation: tl.constexpr, softmax: tl.constexpr,
              axis: tl.constexpr, columns: tl.constexpr, block: tl.constexpr) -> None:  # fmt: skip
    """Gradients that come through one block of locations; `grad_features` is added to, `grad_offset` written."""
    b, t, cell, y, x = _location(steps - 1, height, width, block)
    cells = height * width
    taps: tl.constexpr = kernel_size * kernel_size
    live = cell < cells
    index = tl.expand_dims(tl.arange(0, columns), 1 - axis)  # of a channel, or of a tap
    real = index < channels
    mask = tl.expand_dims(live, axis) & real
    channel = index.to(tl.int64) * stride_c
    here = b * stride_b + t * stride_t
    own = here + tl.expand_dims(y.to(tl.int64) * stride_y + x.to(tl.int64) * stride_x, axis) + channel
    key, grad_key = features + (here + stride_t), grad_features + (here + stride_t)
    pair = (b * (steps - 1) + t) * taps * cells
    source = b * from_b + t * from_t + tl.expand_dims(y.to(tl.int64) * from_y + x.to(tl.int64) * from_x, axis)
    query = tl.load(features + own, mask, 0.0).to(offset.dtype.element_ty)
    g = tl.load(grad_sums + source + index.to(tl.int64) * from_c, mask, 0.0).to(offset.dtype.element_ty)
    if softmax:  # sum over the taps of weight * (gradient of the weight)
        rest = tl.sum(tl.load(sums + own, mask, 0.0) * g, axis)
        each = pair + index.to(tl.int64) * cells + tl.expand_dims(cell, axis)
        tap = tl.expand_dims(live, axis) & (index < taps)
        rest += tl.sum(tl.load(weights + each, tap, 0.0) * tl.load(grad_weights + each, tap, 0.0), axis)
    total = tl.zeros_like(query)
    for n in range(taps):
        at = pair + n * cells.to(tl.int64) + cell
        to = pair * 2 + n * 2 * cells.to(tl.int64) + cell
        weight = tl.load(weights + at, live, 0.0)
        py = _place(tl.load(offset + to, live, 0.0), n // kernel_size, y, kernel_size, dilation)
        px = _place(tl.load(offset + to + cells, live, 0.0), n % kernel_size, x, kernel_size, dilation)
        bottom, right, v, masks, spot = _sample(
            py, px, live, height, width, stride_y, stride_x, key, channel, real, axis
        )
        value = (1 - bottom) * ((1 - right) * v[0] + right * v[1]) + bottom * ((1 - right) * v[2] + right * v[3])
        change = tl.sum(value * g, axis) + tl.load(grad_weights + at, live, 0.0)
        if softmax:
            change = weight * (change - rest)
        change = tl.expand_dims(change / scale, axis)
        total += change * value
        grad = tl.expand_dims(weight, axis) * g + change * query  # of the sampled value
        down = (1 - right) * (v[2] - v[0]) + right * (v[3] - v[1])
        tl.store(grad_offset + to, tl.sum(grad * down, axis), live)
        along = (1 - bottom) * (v[1] - v[0]) + bottom * (v[3] - v[2])
        tl.store(grad_offset + to + cells, tl.sum(grad * along, axis), live)
        first = grad_key + tl.expand_dims(spot, axis) + channel
        tl.atomic_add(first, (1 - bottom) * (1 - right) * grad, masks[0], sem="relaxed")
        tl.atomic_add(first + stride_x, (1 - bottom) * right * grad, masks[1], sem="relaxed")
        tl.atomic_add(first + stride_y, bottom * (1 - right) * grad, masks[2], sem="relaxed")
        tl.atomic_add(first + stride_y + stride_x, bottom * right * grad, masks[3], sem="relaxed")
    tl.atomic_add(grad_features + own, total, mask, sem="relaxed")


def attend(features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool) -> tuple[Tensor, Tensor]:
    """What `kernels.attend` says, for tensors on a GPU. Raises RunError for others, unless the kernels are interpreted."""
    if not (features.is_cuda or INTERPRETED):
        raise RunError(
            f"The operator's engine is triton, which runs on CUDA devices, but the features are on {features.device}. Set "
            "SIFA_KERNEL to torch, or leave it unset."
        )
    apply: Callable[..., tuple[Tensor, Tensor]] = _Attend.apply
    return apply(features, offset, kernel_size, dilation, softmax)


def _tile(channels: int, taps: int, channels_last: bool) -> dict[str, int]:
    """How a program's tile lies, and over how many warps of 32 threads: about 8 numbers a thread and tensor."""
    columns = triton.next_power_of_2(max(channels, taps))
    block = max(1, 1024 // columns) if channels_last else min(32, max(4, 4096 // columns))
    warps = min(16, max(4, columns * block // 256))
    return dict(axis=int(channels_last), columns=columns, block=min(block, 32), num_warps=warps)


def _launch(kernel: Any, frames: int, features: Tensor, given: tuple[Any, ...], kernel_size: int, dilation: int,
            softmax: bool) -> None:  # fmt: skip
    """Run a kernel over the blocks of locations of so many frames of features (B, C, T, H, W)."""
    _, channels, _, height, width = features.shape
    tile = _tile(channels, kernel_size**2, features.stride(1) == 1)
    grid = (frames * triton.cdiv(height * width, tile["block"]),)
    scale = math.sqrt(channels) if softmax else channels
    with _on(features.device):
        kernel[grid](*given, scale, channels, kernel_size, dilation, softmax, **tile)


def _on(device: torch.device) -> AbstractContextManager[Any]:
    """Launch on this device, which may not be the current one."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


class _Attend(torch.autograd.Function):
    """`kernels.attend`, with its gradients."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool
    ) -> tuple[Tensor, Tensor]:
        clips, _, steps, height, width = features.shape
        sums = torch.empty_like(features)
        if sums.stride() != features.stride():  # places that share memory, or gaps: the kernels want one layout for both
            features = features.contiguous()
            sums = torch.empty_like(features)
        offset = offset.contiguous()
        weights = offset.new_empty(clips, steps - 1, kernel_size**2, height, width)
        sizes = steps, height, width, *features.stride()
        if features.numel():
            given = features, offset, sums, weights, *sizes
            _launch(_forward, clips * steps, features, given, kernel_size, dilation, softmax)
        ctx.save_for_backward(features, offset, weights, *([sums] if softmax else []))
        ctx.switches = kernel_size, dilation, softmax
        return sums, weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_sums: Tensor, grad_weights: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        features, offset, weights, *rest = ctx.saved_tensors
        clips, _, steps, height, width = features.shape
        grad_features, grad_offset = torch.zeros_like(features), torch.empty_like(offset)
        if grad_offset.numel() and features.numel():
            given = (
                features, offset, weights, *(rest or [grad_sums]), grad_sums, grad_weights.contiguous(),
                grad_features, grad_offset, steps, height, width, *features.stride(), *grad_sums.stride(),
            )  # fmt: skip
            _launch(_backward, clips * (steps - 1), features, given, *ctx.switches)
        return grad_features, grad_offset, None, None, None
