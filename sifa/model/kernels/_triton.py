"""The operator as two fused kernels for NVIDIA GPUs: each value is read once, and nothing but the results is written.

A program takes a few locations of one step and all their channels: a tile (locations, channels), read from features that
lie channels last, so that neighbouring threads read neighbouring numbers wherever the places are; others are copied
first. A tile has at least as many columns as there are taps: the weights of a location stand in a tile of the same shape, and
so in the same threads, until they are written. All clips and pairs go in one launch.

The forward pass holds one sampled value at a time: its dot product with the query is its weight, or, with the softmax, its part
of a sum that is scaled again whenever a larger dot product is met. The backward pass samples again, also once. It adds up the
gradient of the features by atomic additions, in an order that differs from run to run; so do the last bits of that gradient.

With TRITON_INTERPRET=1, set before triton is imported, the same kernels run on the CPU, slowly: so are they tested.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from sifa.model.kernels._tiles import add, corners, locations, mix, place, read, widened

INTERPRETED = bool(triton.knobs.runtime.interpret)
if torch.cuda.is_available() and not INTERPRETED:
    try:  # now, so that another engine can be chosen
        triton.runtime.driver.active.get_current_target()
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ImportError(f"it needs the card's driver and a C compiler such as gcc: {reason}") from error


class Tuning(NamedTuple):
    """How a kernel's work is cut; what is computed is the same, but for the order of additions."""

    numbers: int = 1024  # of a tile
    each: int = 4  # of them for a thread: 4 are one load of 16 bytes, and few registers, so that many programs fit
    unroll: bool = False  # take the taps of a row of the K x K together, so that more loads are under way


FORWARD, BACKWARD = Tuning(), Tuning()


@triton.jit(do_not_specialize=["steps", "height", "width"])
def _forward(
    features: tl.tensor, offset: tl.tensor, sums: tl.tensor, weights: tl.tensor,
    steps: tl.tensor, height: tl.tensor, width: tl.tensor,
    stride_b: tl.tensor, stride_t: tl.tensor, stride_y: tl.tensor, stride_x: tl.tensor,
    scale: tl.constexpr, channels: tl.constexpr, kernel_size: tl.constexpr, dilation: tl.constexpr,
    softmax: tl.constexpr, far: tl.constexpr, columns: tl.constexpr, block: tl.constexpr, unroll: tl.constexpr,
) -> None:  # fmt: skip
    """Sums and weights of one block of locations; the last step has no pair, and gets sums of 0."""
    kind: tl.constexpr = offset.dtype.element_ty
    taps: tl.constexpr = kernel_size * kernel_size
    cells = height * width
    cell, y, x, live, index, real, own, following, pair = locations(
        steps, steps, height, width, stride_b, stride_t, stride_y, stride_x, channels, kernel_size, far, columns, block
    )
    move = offset + 2 * pair - cell
    query = tl.load(features + own, live[:, None] & real, 0.0).to(kind)
    total, scores = tl.zeros_like(query), tl.zeros_like(query)
    peak, mass = tl.full([block], float("-inf"), kind), tl.zeros([block], kind)
    move_y, move_x = tl.load(move, live, 0.0), tl.load(move + cells, live, 0.0)
    for n in tl.range(0, taps, loop_unroll_factor=unroll):
        place_y = place(move_y, n // kernel_size, y, kernel_size, dilation)
        place_x = place(move_x, n % kernel_size, x, kernel_size, dilation)
        move += 2 * cells
        more = live & (cell < tl.where(n + 1 < taps, cells, 0))
        move_y, move_x = tl.load(move, more, 0.0), tl.load(move + cells, more, 0.0)  # of the next tap, in time
        row, column, bottom, right, masks = corners(place_y, place_x, live, height, width, real)
        first = features + following + (widened(row, far) * stride_y + widened(column, far) * stride_x)[:, None] + index
        value = mix(read(first, stride_y, stride_x, masks, kind), bottom, right)
        score = tl.sum(query * value, 1) / scale
        scores = tl.where(index == n, score[:, None], scores)
        if softmax:
            higher = tl.maximum(peak, score)
            shrink, part = tl.exp(peak - higher), tl.exp(score - higher)
            mass, peak = mass * shrink + part, higher
            total = total * shrink[:, None] + part[:, None] * value
        else:
            total += score[:, None] * value
    if softmax:
        total = total / mass[:, None]
        scores = tl.exp(scores - peak[:, None]) / mass[:, None]
    tl.store(sums + own, total, (cell < cells)[:, None] & real)
    tl.store(weights + pair[:, None] + index.to(tl.int64) * cells, scores, live[:, None] & (index < taps))


@triton.jit(do_not_specialize=["steps", "height", "width"])
def _backward(
    features: tl.tensor, offset: tl.tensor, weights: tl.tensor, sums: tl.tensor, grad_sums: tl.tensor,
    grad_weights: tl.tensor, grad_features: tl.tensor, grad_offset: tl.tensor,
    steps: tl.tensor, height: tl.tensor, width: tl.tensor,
    stride_b: tl.tensor, stride_t: tl.tensor, stride_y: tl.tensor, stride_x: tl.tensor,
    scale: tl.constexpr, channels: tl.constexpr, kernel_size: tl.constexpr, dilation: tl.constexpr,
    softmax: tl.constexpr, far: tl.constexpr, columns: tl.constexpr, block: tl.constexpr, unroll: tl.constexpr,
) -> None:  # fmt: skip
    """What one block of locations gives to the gradients: `grad_features` is added to, `grad_offset` is written."""
    kind: tl.constexpr = offset.dtype.element_ty
    taps: tl.constexpr = kernel_size * kernel_size
    cells = height * width
    cell, y, x, live, index, real, own, following, pair = locations(
        steps - 1,
        steps,
        height,
        width,
        stride_b,
        stride_t,
        stride_y,
        stride_x,
        channels,
        kernel_size,
        far,
        columns,
        block,
    )
    double = 2 * pair - cell
    query = tl.load(features + own, live[:, None] & real, 0.0).to(kind)
    g = tl.load(grad_sums + own, live[:, None] & real, 0.0).to(kind)
    total, rest = tl.zeros_like(query), tl.zeros([block], kind)
    if softmax:  # the sum over the taps of weight * gradient of the weight, all of which the softmax takes away
        each, tap = pair[:, None] + index.to(tl.int64) * cells, live[:, None] & (index < taps)
        rest += tl.sum(tl.load(sums + own, live[:, None] & real, 0.0) * g, 1)
        rest += tl.sum(tl.load(weights + each, tap, 0.0) * tl.load(grad_weights + each, tap, 0.0), 1)
    move_y, move_x = tl.load(offset + double, live, 0.0), tl.load(offset + double + cells, live, 0.0)
    for n in tl.range(0, taps, loop_unroll_factor=unroll):
        weight, change = tl.load(weights + pair, live, 0.0), tl.load(grad_weights + pair, live, 0.0)
        place_y = place(move_y, n // kernel_size, y, kernel_size, dilation)
        place_x = place(move_x, n % kernel_size, x, kernel_size, dilation)
        more = live & (cell < tl.where(n + 1 < taps, cells, 0))
        move = offset + double + 2 * cells
        move_y, move_x = tl.load(move, more, 0.0), tl.load(move + cells, more, 0.0)  # of the next tap, in time
        row, column, bottom, right, masks = corners(place_y, place_x, live, height, width, real)
        first = following + (widened(row, far) * stride_y + widened(column, far) * stride_x)[:, None] + index
        v = read(features + first, stride_y, stride_x, masks, kind)
        value = mix(v, bottom, right)
        change += tl.sum(value * g, 1)
        change = (weight * (change - rest) if softmax else change) / scale
        total += change[:, None] * value
        grad = weight[:, None] * g + change[:, None] * query  # of the sampled value
        down = (1 - right) * (v[2] - v[0]) + right * (v[3] - v[1])
        tl.store(grad_offset + double, tl.sum(grad * down, 1), live)
        along = (1 - bottom) * (v[1] - v[0]) + bottom * (v[3] - v[2])
        tl.store(grad_offset + double + cells, tl.sum(grad * along, 1), live)
        add(grad_features + first, stride_y, stride_x, masks, bottom, right, grad)
        pair += cells
        double += 2 * cells
    tl.atomic_add(grad_features + own, total, live[:, None] & real, sem="relaxed")


def attend(features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool) -> tuple[Tensor, Tensor]:
    """What `kernels.attend` says, for tensors on a GPU, or on the CPU where the kernels are interpreted."""
    apply: Callable[..., tuple[Tensor, Tensor]] = _Attend.apply
    return apply(features, offset, kernel_size, dilation, softmax)


@cache
def _tile(channels: int, kernel_size: int, tuning: Tuning) -> dict[str, int]:
    """How many columns (channels or taps) and locations a program's tile has, and how many warps of 32 threads work on it."""
    columns = triton.next_power_of_2(max(channels, kernel_size**2, 16))
    block = max(1, tuning.numbers // columns)
    warps = max(1, min(16, columns * block // (32 * tuning.each)))
    return dict(columns=columns, block=block, num_warps=warps, unroll=kernel_size if tuning.unroll else 1)


def _launch(
    kernel: Any, frames: int, tensors: tuple[Tensor, ...], kernel_size: int, dilation: int, softmax: bool,
    tuning: Tuning = FORWARD,
) -> None:  # fmt: skip
    """Run a kernel over the blocks of locations of so many frames. The first of the tensors is the features."""
    _, channels, steps, height, width = tensors[0].shape
    stride_b, _, stride_t, stride_y, stride_x = tensors[0].stride()
    tile = _tile(channels, kernel_size, tuning)
    grid = (frames * triton.cdiv(height * width, tile["block"]),)
    with _on(tensors[0].device):
        kernel[grid](
            *tensors, steps, height, width, stride_b, stride_t, stride_y, stride_x,
            scale=math.sqrt(channels) if softmax else channels, channels=channels, kernel_size=kernel_size,
            dilation=dilation, softmax=softmax, far=height * stride_y + width * stride_x >= 2**31, **tile,
            enable_fp_fusion=True,
        )  # fmt: skip


def _on(device: torch.device) -> AbstractContextManager[Any]:
    """Launch on this device, which may not be the current one."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def _channels_last(tensor: Tensor) -> Tensor:
    """The tensor (B, C, T, H, W) itself where its channels lie side by side and it fills its memory, else a copy that does."""
    if tensor.stride(1) == 1 and torch.empty_like(tensor).stride() == tensor.stride():
        return tensor
    return tensor.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3)


class _Attend(torch.autograd.Function):
    """`kernels.attend`, with its gradients. There is no arithmetic of PyTorch in it that autocast could change."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool
    ) -> tuple[Tensor, Tensor]:
        clips, _, steps, height, width = features.shape
        features, offset = _channels_last(features), offset.contiguous()
        sums = torch.empty_like(features)
        weights = offset.new_empty(clips, steps - 1, kernel_size**2, height, width)
        if sums.numel():
            _launch(_forward, clips * steps, (features, offset, sums, weights), kernel_size, dilation, softmax, FORWARD)
        ctx.save_for_backward(features, offset, weights, *([sums] if softmax else []))
        ctx.switches = kernel_size, dilation, softmax
        return sums, weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_sums: Tensor, grad_weights: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        features, offset, weights, *sums = ctx.saved_tensors
        grad_features, grad_offset = torch.zeros_like(features), torch.empty_like(offset)
        if weights.numel() and features.numel():
            grad_sums = (
                torch.empty_like(features).copy_(grad_sums) if grad_sums.stride() != features.stride() else grad_sums
            )
            grads = grad_sums, grad_weights.contiguous(), grad_features, grad_offset
            pairs = weights.shape[0] * weights.shape[1]
            given = features, offset, weights, *(sums or [features]), *grads
            kernel_size, dilation, softmax = ctx.switches
            _launch(_backward, pairs, given, kernel_size, dilation, softmax, BACKWARD)
        return grad_features, grad_offset, None, None, None
