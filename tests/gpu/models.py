"""Clips per second of the models by every way to run them, and what reduced precision does to their answers."""

import torch

from tests.bench import models as bench
from tests.gpu.report import Report, Setting

NANO, TINY, BASE, RESNET = (
    "sifa_swin_nano_16x64",
    "sifa_swin_tiny_64x224",
    "sifa_swin_base_64x224",
    "sifa_resnet50_16x224",
)
RUNS = ((NANO, 1), (NANO, 32), (TINY, 1), (BASE, 1), (RESNET, 4))  # name, clips at a time
COMPILED = ((NANO, 32, 60), (TINY, 1, 50))  # and the seconds that they take at most
COSINE = 0.99  # of the logits in bfloat16 and in float32, golden models


def measure(report: Report, setting: Setting) -> None:
    """Plain, in bfloat16, and in bfloat16 with the channels innermost."""
    for name, make in list(bench.GOLDEN.items())[: 1 if setting.small else None]:
        with report.case(name):
            report.least(f"{name}: cosine of bfloat16", bench.cosine(setting.device, *make()), COSINE)
    for name, batch in RUNS[:1] if setting.small else RUNS:
        if report.has(f"{name} x {batch}", 8 if setting.gpu else 2):
            with report.case(f"{name} x {batch}"):
                tell(report, name, batch, bench.measure(setting.device, name, batch, rounds=5, compiled=False))
                if setting.gpu:
                    report.figure(f"{name} x {batch}: GiB at most", torch.cuda.max_memory_allocated() / 2**30)
                    torch.cuda.reset_peak_memory_stats()
    if setting.small:
        report.skip("the other models", "too large for a CPU")


def compiled(report: Report, setting: Setting) -> None:
    """By torch.compile in bfloat16, beside the others."""
    for name, batch, needed in COMPILED:
        if report.has(f"{name} x {batch}", needed):
            with report.case(f"{name} x {batch}"):
                tell(report, name, batch, bench.measure(setting.device, name, batch, rounds=5, compiled=True))


def tell(report: Report, name: str, batch: int, found: dict[str, float]) -> None:
    for way, value in found.items():
        ratio = "" if way == "float32" else f"{value / found['float32']:.2f} x float32"
        report.figure(f"{name} x {batch}, {way}: clips/s", value, ratio)
