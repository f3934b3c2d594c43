"""How a model's forward pass is run: device, precision, memory layout, compiler; and what to do where memory is short."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

from sifa.errors import RunError

AMP = {"bfloat16": torch.bfloat16, "float16": torch.float16}
FULL = ("CUDA error: out of memory", "CUDA out of memory", "_STATUS_ALLOC_FAILED")  # words of errors: no memory is left
T = TypeVar("T")


def choose_device(name: str = "auto") -> str:
    """The device that a name stands for: "cpu", "cuda", or "cuda:N".

    "auto" is a GPU where there is one, else the CPU; "auto" and "cuda" are this process's own GPU under torchrun. Raises
    RunError for a GPU that is not there.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if count else "cpu"
    if name == "cuda":
        name += f":{os.environ['LOCAL_RANK']}" if "LOCAL_RANK" in os.environ else ""
    if name.startswith("cuda") and int(name.partition(":")[2] or 0) >= count:
        there = f"only {count} (cuda:0 to cuda:{count - 1})" if count else "no GPU"
        raise RunError(f"the device is {name!r}, but PyTorch finds {there} here; use --device cpu")
    return name


def forward_with(
    model: nn.Module, device: str = "cpu", amp: str | None = None, channels_last: bool = False, compile: bool = False
) -> Callable[[Tensor], Tensor]:
    """A function from videos (B, 3, T, S, S), on any device, to logits (B, classes) float32 on `device`.

    The model is moved to `device` and put into evaluation mode. `amp` "bfloat16" | "float16" runs it under autocast;
    `channels_last` lays weights and videos out with the channels innermost; `compile` passes it through torch.compile, at the
    first call, after which it cannot be recorded through this function. Raises RunError for an unknown `amp`, a missing
    device, and where the compiler fails.
    """
    if amp is not None and amp not in AMP:
        raise RunError(f"amp is {amp!r}; use {' or '.join(AMP)}, or leave it out for full precision")
    device = choose_device(device)
    model.to(device).eval()
    if channels_last:
        _channels_last(model)
    run = computed_with(model, device, amp, compile)

    @torch.no_grad()
    def forward(video: Tensor) -> Tensor:
        video = video.to(device, non_blocking=True)
        if channels_last:
            video = video.contiguous(memory_format=torch.channels_last_3d)
        return run(video)

    return forward


@contextmanager
def fast_products(device: str) -> Iterator[None]:
    """Meanwhile, a GPU may round the factors of float32 matrix products to ten bits (TF32), which makes them several times
    faster. The operator does without such products; a CPU goes on as before."""
    before = torch.get_float32_matmul_precision()
    if device.startswith("cuda"):
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def computed_with(
    model: Callable[[Tensor], Tensor], device: str, amp: str | None = None, compile: bool = False
) -> Callable[[Tensor], Tensor]:
    """A model's function from videos to logits float32, in another precision and compiled; with gradients, where they are kept.

    `device` is where the model is; `amp` and `compile` are those of `forward_with`. Raises RunError where the compiler fails.
    """
    kind = torch.device(device).type
    run = torch.compile(model) if compile else model

    def forward(video: Tensor) -> Tensor:
        try:
            with torch.autocast(kind, AMP[amp] if amp else None, enabled=amp is not None):
                logits: Tensor = run(video)
                return logits.float()
        except Exception as error:
            if compile and type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                first = str(error).strip().splitlines()[0][:200]
                raise RunError(
                    f"torch.compile failed ({type(error).__name__}: {first}); on a CPU it needs a C++ compiler such as g++, "
                    "on a GPU Triton. Install that, or leave out --compile"
                ) from error
            raise

    return forward


def _channels_last(model: nn.Module) -> None:
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in model.parameters():
        if parameter.dim() in layouts:
            parameter.data = parameter.data.contiguous(memory_format=layouts[parameter.dim()])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the graphics card's memory does not suffice: as PyTorch, CUDA or its libraries say it."""
    said = isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in FULL)
    )
    return said or (error.__cause__ is not None and is_out_of_memory(error.__cause__))


def free_memory() -> None:
    """Give back to the graphics cards what this process keeps of their memory and does not use."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def run_or_cpu(device: str, run: Callable[[str], T]) -> tuple[T, bool]:
    """`run(device)` and False, or `run("cpu")` and True where the graphics card has no memory left for it.

    What the first run held is freed before the second one. Whatever else fails is raised, and so is what fails on "cpu".
    """
    try:
        return run(device), False
    except Exception as error:
        if device == "cpu" or not is_out_of_memory(error):
            raise
    free_memory()  # outside of the handler: the error holds on to what the run had
    return run("cpu"), True
