"""The GPU's memory in the page's functions: the same after 30 clips as after a few, and after a clip that did not fit."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from app import handlers
from sifa.model.run import free_memory
from sifa.tracing.predict import RAN_ON_CPU
from sifa.weights.shipped import DEFAULT_CHECKPOINT, clips
from tests.gpu.report import Report, Setting

FEW, MANY = 5, 30
SLACK = 1 << 20  # bytes
SMALLEST, LARGEST = 1 << 9, 1 << 26  # bytes of a tensor that fills the card


def check(report: Report, setting: Setting) -> None:
    """Bytes that tensors take, and that the process keeps of the card."""
    file = str(next(iter(clips().values())))
    with tempfile.TemporaryDirectory() as folder:

        def show(what_if: bool = False) -> handlers.View:
            place = Path(folder)
            return handlers.view_clip(file, 0, None, DEFAULT_CHECKPOINT, setting.device, place, what_if=what_if)

        levels = {}
        for number in range(1, MANY + 1):
            show()
            levels[number] = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
        report.figure(f"MiB of tensors after {FEW} clips", levels[FEW][0] / 2**20)
        report.figure(f"MiB kept after {FEW} clips", levels[FEW][1] / 2**20)
        report.most(f"more bytes of tensors after {MANY} clips", levels[MANY][0] - levels[FEW][0], SLACK)
        report.most(f"more bytes kept after {MANY} clips", levels[MANY][1] - levels[FEW][1], SLACK)
        show(what_if=True)
        free_memory()
        report.most("more bytes of tensors after the what-ifs", torch.cuda.memory_allocated() - levels[FEW][0], SLACK)
        for words, what_if in (("a clip", False), ("what-ifs", True)):
            with report.case(f"{words} without memory"):
                without(report, words, lambda what_if=what_if: show(what_if))


def without(report: Report, words: str, show: Callable[[], handlers.View]) -> None:
    """No memory of the card for this process but what the model takes."""
    network = handlers.model(DEFAULT_CHECKPOINT, "cuda")
    free_memory()
    before, kept = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((kept + SLACK) / whole)
    try:
        filled = fill()
        status = show().status
        filled.clear()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    report.holds(f"{words} without memory: runs on the CPU and says so", RAN_ON_CPU in status, status[:80])
    report.most(
        f"{words} without memory: more bytes of tensors afterwards", torch.cuda.memory_allocated() - before, SLACK
    )
    report.most(f"{words} without memory: more bytes kept afterwards", torch.cuda.memory_reserved() - kept, SLACK)
    report.holds(f"{words}: the model stays on the card", handlers.model(DEFAULT_CHECKPOINT, "cuda") is network)
    report.holds(f"{words}: the next one runs on the card", RAN_ON_CPU not in show().status)


def fill() -> list[torch.Tensor]:
    """All that this process may still take of the card, also between what it has."""
    taken: list[torch.Tensor] = []
    size = LARGEST
    while size >= SMALLEST:
        try:
            taken.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
        except torch.OutOfMemoryError:
            size //= 2
    return taken
