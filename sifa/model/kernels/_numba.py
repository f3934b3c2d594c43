"""The operator in loops that numba compiles: CPUs, float32. See `_loops` for what they do.

Several Python threads may call it at once, and processes that fork: the work is split here, among threads of Python's own that
numba's code lets run side by side, as many as PyTorch uses. Results do not depend on their number.
"""

import math
import os
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numba import boolean, config, float32, int64, njit, void
from torch import Tensor
from torch.autograd.function import once_differentiable

from sifa.model.kernels import _loops
from sifa.model.kernels._lanes import LANES
from sifa.model.kernels._precision import full_precision
from sifa.model.kernels._rows import STEP
from sifa.model.sampling import neighbour_grid

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set, so that it compiles nothing")
WORTH_A_THREAD = 2**18  # multiply-adds; below, starting a thread takes longer than the work
_ROWS, _TAPS = float32[::1], float32[:, ::1]
_OFFSET, _WEIGHTS = float32[:, :, :, :, :, ::1], float32[:, :, :, :, ::1]
_SIGNATURES = {
    "forward": void(int64, int64, _ROWS, _OFFSET, _TAPS, int64, boolean, _ROWS, _WEIGHTS),
    "backward": void(
        int64, int64, int64, _ROWS, _OFFSET, _TAPS, int64, boolean, _WEIGHTS, _ROWS, float32[:, :, :, :, :], _ROWS, _OFFSET
    ),
    "turn": void(int64, int64, _ROWS, int64[::1], int64, _ROWS, int64[::1], int64, int64, int64, boolean),
}  # fmt: skip
_compiling = threading.Lock()


def attend(features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool) -> tuple[Tensor, Tensor]:
    """What `kernels.attend` says, for float32 on a CPU."""
    apply: Callable[..., tuple[Tensor, Tensor]] = _Attend.apply
    return apply(features, offset, neighbour_grid(kernel_size, dilation), softmax)


def warm_up() -> None:
    """Compile what a forward pass needs, or read it from the folder where it was kept."""
    for name in ("turn", "forward"):
        _compiled(name)


class _Attend(torch.autograd.Function):
    """features (B, C, T, H, W), offset (B, P, N, 2, H, W), taps (N, 2) -> sums like the features, weights (B, P, N, H, W)."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, offset: Tensor, taps: Tensor, softmax: bool) -> tuple[Tensor, Tensor]:
        b, channels, t, h, w = features.shape
        offset = offset.detach().contiguous()
        rows, ctx.channels_last = _rows(features.detach())
        summed = torch.empty_like(rows)
        summed.view(b, t, -1)[:, -1] = 0
        weights = rows.new_empty(b, t - 1, h, w, len(taps))
        given = (_flat(rows), offset.numpy(), taps.numpy(), channels, softmax)
        _run("forward", b * (t - 1) * h, len(taps) * rows.numel(), *given, _flat(summed), weights.numpy())
        ctx.save_for_backward(rows, offset, taps, weights)
        ctx.softmax, ctx.shape = softmax, features.shape
        return _features(summed, features.shape), weights.permute(0, 1, 4, 2, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_summed: Tensor, grad_weights: Tensor) -> tuple[Tensor, Tensor, None, None]:
        with full_precision(grad_summed.device):
            rows, offset, taps, weights = ctx.saved_tensors
            grad, _ = _rows(grad_summed)
            grad_rows, grad_offset = torch.zeros_like(rows), rows.new_empty(offset.shape)
            given = (_flat(rows), offset.numpy(), taps.numpy(), ctx.shape[1], ctx.softmax, weights.numpy(), _flat(grad))
            results = (grad_weights.numpy(), _flat(grad_rows), grad_offset.numpy())
            for odd in (0, 1):  # a pair writes into two steps: neighbours in time must not run side by side
                pairs = len(offset) * ((offset.shape[1] + 1 - odd) // 2)
                _run("backward", pairs, len(taps) * rows.numel(), odd, *given, *results)
            grad_features = _features(grad_rows, ctx.shape) if ctx.channels_last else _maps(grad_rows, ctx.shape)
            return grad_features, grad_offset, None, None


def _flat(rows: Tensor) -> Any:
    return rows.view(-1).numpy()


def _rows(features: Tensor) -> tuple[Tensor, bool]:
    """Features (B, C, T, H, W) -> rows (B T, H W, C or more), and whether they are the same memory."""
    b, channels, t, h, w = features.shape
    tokens = features.permute(0, 2, 3, 4, 1)
    if tokens.is_contiguous() and channels % STEP == 0:
        return tokens.view(b * t, h * w, channels), True
    rows = features.new_empty(b * t, h * w, math.ceil(channels / STEP) * STEP)
    rows[..., channels:] = 0
    if features.stride()[3:] == (w, 1) and min(channels, h * w) >= LANES:
        whole = features.as_strided((1 + sum((n - 1) * s for n, s in zip(features.shape, features.stride())),), (1,))
        at, step = _steps(features), features.stride(1)
        given = (whole.numpy(), at, step, _flat(rows), _steps(_features(rows, features.shape)), rows.stride(1))
        _run("turn", b * t, rows.numel(), *given, channels, h * w, False)
    else:
        rows.view(b, t, h, w, -1)[..., :channels] = tokens
    return rows, False


def _maps(rows: Tensor, shape: torch.Size) -> Tensor:
    """Rows (B T, H W, C or more) -> features (B, C, T, H, W), contiguous."""
    _, channels, _, h, w = shape
    view = _features(rows, shape)
    if min(channels, h * w) < LANES:
        return view.contiguous()
    features = rows.new_empty(shape)
    given = (_flat(rows), _steps(view), rows.stride(1), _flat(features), _steps(features), features.stride(1))
    _run("turn", len(rows), rows.numel(), *given, h * w, channels, True)
    return features


def _steps(features: Tensor) -> Any:
    """Where each step of each clip begins, of features (B, C, T, H, W): (B T,)."""
    clips, steps = features.stride(0), features.stride(2)
    return np.add.outer(clips * np.arange(features.shape[0]), steps * np.arange(features.shape[2])).ravel()


def _features(rows: Tensor, shape: torch.Size) -> Tensor:
    """Rows (B T, H W, C or more) as features (B, C, T, H, W), in the same memory."""
    b, channels, t, h, w = shape
    return rows.view(b, t, h, w, -1)[..., :channels].permute(0, 4, 1, 2, 3)


@cache
def _compiled(name: str) -> Callable[..., None]:
    """A loop of `_loops`, compiled now, or read from where numba keeps it: NUMBA_CACHE_DIR, else beside this file, else the
    user's own cache folder. What is damaged there is made anew; where nothing can be written, it is kept for this process alone."""
    loop, signature = getattr(_loops, name), _SIGNATURES[name]
    loop.__qualname__ = f"{name}_{_version()}"
    with _compiling:
        try:
            return _kept(loop, signature)
        except (RuntimeError, OSError):  # no folder, or no space in it
            compiled: Callable[..., None] = njit(signature, nogil=True)(loop)
            return compiled


def _kept(loop: Callable[..., None], signature: Any) -> Callable[..., None]:
    """A loop from numba's folder, or compiled and put there. Raises RuntimeError or OSError where nothing can be kept."""
    compiled: Any = njit(cache=True, nogil=True)(loop)
    try:
        compiled.compile(signature)
    except OSError:
        raise
    except Exception:  # whatever reading a damaged file may raise, for instance after a power failure
        compiled.recompile()  # forgets what is in the folder
        compiled.compile(signature)
    compiled.disable_compile()
    kept: Callable[..., None] = compiled
    return kept


@cache
def _version() -> str:
    """A number for the source of the loops. numba names what it keeps after a function and looks whether its file has changed,
    but not whether those have that the function calls into."""
    sources = [Path(__file__).with_name(f"{name}.py").read_bytes() for name in ("_lanes", "_rows", "_loops")]
    return f"{zlib.crc32(b''.join(sources)):08x}"


def _run(name: str, count: int, work: int, *given: Any) -> None:
    """Run a loop over 0 .. count - 1, in parts side by side where the work, in multiply-adds, is worth it."""
    loop = _compiled(name)
    parts = max(1, min(torch.get_num_threads(), count, 1 + work // WORTH_A_THREAD))
    bounds = [count * part // parts for part in range(parts + 1)]
    others = [_threads().submit(loop, *bounds[part : part + 2], *given) for part in range(1, parts)]
    loop(*bounds[:2], *given)
    for other in others:
        other.result()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="sifa")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not live on in a child
