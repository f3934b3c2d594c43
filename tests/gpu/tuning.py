"""How to cut the work of the Triton engine's kernels: a few choices in the shapes of the models, and the best of them."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor
from triton.runtime._async_compile import AsyncCompileMode
from triton.testing import do_bench

from sifa.model.kernels import _triton
from sifa.model.kernels._triton import Tuning
from tests.gpu.report import Report, Setting
from tests.gpu.speed import copier

SHAPES = {  # K, (B, C, T, H, W): more than the card's L2 cache holds
    "nano, K 5": (5, (64, 32, 8, 32, 32)),
    "nano, K 3": (3, (64, 32, 8, 32, 32)),
    "tiny, K 3": (3, (4, 96, 16, 56, 56)),
    "base, K 3": (3, (4, 128, 16, 56, 56)),
}
SMALL = {"nano, K 3": (3, (1, 16, 2, 4, 4))}
CHOICES = [Tuning(numbers, each, unroll) for numbers, each, unroll in product((512, 1024), (4, 8), (False, True))]
FLOORS = "<= 3"  # the goal: times the copy of the bytes that have to move
ENOUGH = 1e-4  # largest difference of the results of two choices, by the largest value: additions have another order


@dataclass(frozen=True)
class Work:
    """A pass in a shape: what is launched, and what it must move."""

    name: str
    launch: Callable[..., None]  # (kernel, tuning)
    kernel: Any
    outputs: tuple[Tensor, ...]
    size: int  # bytes, each read or written once

    def run(self, tuning: Tuning) -> None:
        self.launch(self.kernel, tuning)


class Compiled:
    """Stands in a kernel's place: has it compiled as it would be launched, and launches nothing."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel

    def __getitem__(self, grid: tuple[int]) -> Callable[..., Any]:
        return partial(self.kernel.warmup, grid=grid)


def scan(report: Report, setting: Setting) -> None:
    """Forward and backward in each shape by each choice; last the choice that is best over all shapes."""
    choices, shapes = (CHOICES[:2], SMALL) if setting.small else (CHOICES, SHAPES)
    shares: dict[str, list[dict[Tuning, float]]] = {}
    for label, (kernel_size, shape) in shapes.items():
        if not report.has(label, 8):
            continue
        passes = works(kernel_size, shape, setting)
        with report.case(f"{label}: compiling"):
            compile_all(passes, choices, setting)
        for work in passes:
            title = f"{label}, {work.name}"
            with report.case(title):
                times, copy = (
                    compare(report, title, setting, work, choices),
                    timed(setting, copier(setting.device, work.size)),
                )
                best = min(times, key=lambda tuning: times[tuning])
                each = ", ".join(f"{words(tuning)} {time / copy:.2f}" for tuning, time in times.items())
                report.figure(
                    f"{title}: best", words(best), f"{1e3 * times[best]:.3f} ms; the copy takes {1e3 * copy:.3f} ms"
                )
                report.figure(f"{title}: times the copy", times[best] / copy, each, goal=FLOORS if setting.gpu else "")
                shares.setdefault(work.name, []).append({tuning: time / times[best] for tuning, time in times.items()})
    for name, found in shares.items():
        worst = {tuning: max(each.get(tuning, float("inf")) for each in found) for tuning in choices}
        best = min(worst, key=lambda tuning: worst[tuning])
        report.figure(f"{name}: best in all shapes", words(best), f"at most {worst[best]:.2f} x the best of a shape")


def works(kernel_size: int, shape: tuple[int, int, int, int, int], setting: Setting) -> list[Work]:
    """The forward and the backward pass in a shape."""
    b, c, t, h, w = shape
    rng = torch.Generator(setting.device).manual_seed(0)
    draw = lambda *sizes: torch.randn(sizes, generator=rng, device=setting.device)
    last = lambda: draw(b, t, h, w, c).permute(0, 4, 1, 2, 3)
    features, sums, grad_sums, grad_features = (last() for _ in range(4))
    offset, weights = draw(b, t - 1, kernel_size**2, 2, h, w), draw(b, t - 1, kernel_size**2, h, w)
    grad_weights, grad_offset = torch.randn_like(weights), torch.randn_like(offset)
    given = features, offset, weights, features, grad_sums, grad_weights, grad_features, grad_offset

    def forward(kernel: Any, tuning: Tuning) -> None:
        _triton._launch(kernel, b * t, (features, offset, sums, weights), kernel_size, 1, False, tuning)

    def backward(kernel: Any, tuning: Tuning) -> None:
        grad_features.zero_()
        _triton._launch(kernel, b * (t - 1), given, kernel_size, 1, False, tuning)

    pixels, pairs = 4 * features.numel(), 4 * weights.numel()
    return [
        Work("forward", forward, _triton._forward, (sums, weights), 2 * pixels + 3 * pairs),
        Work("backward", backward, _triton._backward, (grad_features, grad_offset), 3 * pixels + 6 * pairs),
    ]


def compile_all(all_works: list[Work], choices: list[Tuning], setting: Setting) -> None:
    """Every kernel, many at a time."""
    if not setting.gpu:
        return  # interpreted
    with ThreadPoolExecutor(os.cpu_count()) as pool, AsyncCompileMode(pool, ignore_errors=True):
        for work, tuning in product(all_works, choices):
            work.launch(Compiled(work.kernel), tuning)


def compare(report: Report, title: str, setting: Setting, work: Work, choices: list[Tuning]) -> dict[Tuning, float]:
    """The seconds of each choice; all must give the same."""
    times: dict[Tuning, float] = {}
    expected: list[Tensor] = []
    for tuning in choices:
        with report.case(f"{title}, {words(tuning)}"):
            for output in work.outputs:
                output.fill_(float("nan"))
            work.run(tuning)
            expected = expected or [output.clone() for output in work.outputs]
            pairs = zip(work.outputs, expected, strict=True)
            apart = max(((one - two).abs().max() / two.abs().max()).item() for one, two in pairs)
            if not apart <= ENOUGH:
                report.most(f"{title}, {words(tuning)}: difference from the first choice", apart, ENOUGH)
            times[tuning] = timed(setting, partial(work.run, tuning))
    return times


def timed(setting: Setting, run: Callable[[], object]) -> float:
    """Seconds of a call by itself, with nothing of it in the cache: the median of a few."""
    if not setting.gpu:
        began = time.perf_counter()
        run()
        return time.perf_counter() - began
    return float(do_bench(run, warmup=3, rep=15, return_mode="median")) / 1e3


def words(tuning: Tuning) -> str:
    """Numbers of a tile / numbers of a thread, with a u where the loop is unrolled."""
    return f"{tuning.numbers}/{tuning.each}{'u' if tuning.unroll else ''}"
