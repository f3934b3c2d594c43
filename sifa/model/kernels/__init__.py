"""Engines of the operator: the same sums and weights, and gradients, by different means, equal to 1e-5.

Each engine is a module with one function `attend`, which takes and gives what `attend` here does. README.md says which is
chosen when.
"""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor

from sifa.errors import RunError
from sifa.model.kernels import _torch
from sifa.model.kernels._precision import full_precision as full_precision

DEVICES = {"numba": "cpu", "triton": "cuda"}  # engine -> the devices it is for; "torch" is for all
LARGE = (
    2**20
)  # multiply-adds of a call, from which compiled code is worth the time that it takes to compile or to be read


def attend(features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool) -> tuple[Tensor, Tensor]:
    """Attention of every location of steps 0 .. T-2 over its sampled neighbours in the next step.

    features (B, C, T, H, W) and offset (B, T-1, K*K, 2, H, W), both float32 or float64 -> sums (B, C, T, H, W), of which the
    last step is 0, and weights (B, T-1, K*K, H, W): dot products / C, or with `softmax` the softmax of dot products /
    sqrt(C). Differentiable once, in both inputs. Raises ValueError where shapes or types disagree, since the compiled loops
    check no place that they write to, and RunError where the engine that SIFA_KERNEL names cannot work.
    """
    _check(features, offset, kernel_size)
    if not offset.numel():  # one step, or no clip or no cell: nothing is read
        return torch.zeros_like(features), offset.new_zeros(offset[:, :, :, 0].shape)
    engine = _module(engine_for(features.device.type, features.dtype, work(features, kernel_size)))
    summed, weights = engine.attend(features, offset, kernel_size, dilation, softmax)
    return summed, weights


def _check(features: Tensor, offset: Tensor, kernel_size: int) -> None:
    """Raises ValueError unless features and offset belong together."""
    b, _, t, h, w = features.shape
    expected = (b, t - 1, kernel_size**2, 2, h, w)
    if tuple(offset.shape) != expected:
        raise ValueError(
            f"offset has shape {tuple(offset.shape)}, but features {tuple(features.shape)} and kernel_size {kernel_size} "
            f"need (B, T-1, K*K, 2, H, W) = {expected}"
        )
    kinds = [f"{each.dtype} on {each.device}" for each in (features, offset)]
    if kinds[0] != kinds[1]:
        raise ValueError(f"features are {kinds[0]}, but offset is {kinds[1]}; both must be the same")


def work(features: Tensor, kernel_size: int) -> int:
    """Multiply-adds of a call of `attend`: K * K dot products of all channels for each query, of features (B, C, T, H, W)."""
    b, c, t, h, w = features.shape
    return kernel_size**2 * c * b * (t - 1) * h * w


def engine_for(device: str, dtype: torch.dtype = torch.float32, size: int = LARGE) -> str:
    """The engine for a call with so many multiply-adds: "torch" | "numba" | "triton".

    Compiled engines are for float32; what is small, and what torch.compile compiles or torch.jit.trace records, goes to
    "torch". So does what must be the same to the last bit on a GPU (`torch.use_deterministic_algorithms`). SIFA_KERNEL names
    another choice, for every size; float64 is torch's all the same. Raises RunError for a name that is unknown, not
    installed, or not for this device.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
        return "torch"
    named = os.environ.get("SIFA_KERNEL", "")
    if named not in ("", "torch", *DEVICES):
        raise RunError(f"SIFA_KERNEL is {named!r}; use torch, {' or '.join(DEVICES)}, or leave it out")
    if named in DEVICES:
        if trouble := problem(named):
            raise RunError(
                f"SIFA_KERNEL is {named!r}, but {trouble}; pip install 'sifa-explorer[fast]', or use SIFA_KERNEL=torch"
            )
        if device not in (DEVICES[named], "meta") and not (named == "triton" and _module(named).INTERPRETED):
            raise RunError(
                f"SIFA_KERNEL is {named!r}, which is for {DEVICES[named]}, not {device}; use SIFA_KERNEL=torch"
            )
    if dtype != torch.float32 or device == "meta":
        return "torch"
    if device == DEVICES["triton"] and torch.are_deterministic_algorithms_enabled():
        return "torch"
    if named or size < LARGE:
        return named or "torch"
    return next((name for name, kind in DEVICES.items() if kind == device and not problem(name)), "torch")


def described() -> str:
    """Which engine works where, in words: "operator by numba on the CPU"."""
    places = {"cpu": "the CPU"} | ({"cuda": "the GPU"} if torch.cuda.is_available() else {})
    return "operator by " + ", ".join(f"{engine_for(kind)} on {place}" for kind, place in places.items())


def warm_up() -> None:
    """Have what a large clip needs on the CPU compiled, if it is to be: seconds once, a part of a second from then on."""
    if engine_for("cpu") == "numba":
        _module("numba").warm_up()


@cache
def problem(engine: str) -> str:
    """Why an engine cannot be used here; empty where it can."""
    if find_spec(engine) is None:
        return f"{engine} is not installed"
    try:
        _module(engine)
    except Exception as error:  # of a package that does not fit to its neighbours: whatever it stumbles over
        return f"it cannot be loaded ({error})"
    return ""


@cache
def _module(engine: str) -> ModuleType:
    return _torch if engine == "torch" else import_module(f"sifa.model.kernels._{engine}")
