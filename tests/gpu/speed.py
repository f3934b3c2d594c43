"""How fast an engine of the operator is in the shapes of the models, against the naive version and against copying the bytes."""

import os
import time
from collections.abc import Callable

import torch
from torch import Tensor

import sifa
from sifa.model.attention import SIFA
from tests.bench.operator import naive
from tests.gpu.report import Report, Setting

MODELS = {
    "nano": ("sifa_swin_nano_16x64", 64),
    "tiny": ("sifa_swin_tiny_64x224", 4),
    "base": ("sifa_swin_base_64x224", 4),
}
ROUNDS, LEAST_SECONDS = 5, 0.004  # a time is that of as many calls as take so long
FASTER, FLOORS = ">= 20", "<= 3"  # goals on a GPU: times the naive version, times the copy
Call = Callable[[Tensor, Tensor], Tensor]


def shapes(name: str, batch: int, device: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """(kernel, dilation, (B, C, T, H, W)) of the first and the last SIFA block of a model, as a run meets them."""
    model, seen = sifa.create_model(name).eval().to(device), []
    for module in model.modules():
        if isinstance(module, SIFA):
            module.register_forward_pre_hook(
                lambda block, given: seen.append((block.kernel_size, block.dilation, tuple(given[0].shape)))
            )
    size, frames = model.config.img_size, model.config.num_frames
    with torch.inference_mode():
        model(torch.zeros(batch, 3, frames, size, size, device=device))
    return list(dict.fromkeys([seen[0], seen[-1]]))


def seconds(device: str, run: Callable[[], object], count: int) -> float:
    """Of one of so many calls: the GPU's own time, or that of the CPU."""
    if device == "cpu":
        start = time.process_time()
        for _ in range(count):
            run()
        return (time.process_time() - start) / count
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(count):
        run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3 / count


def best(device: str, runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least seconds of each, measured in turns."""
    for run in runs.values():
        run()  # engines may compile at their first call
    counts = {name: max(1, round(LEAST_SECONDS / seconds(device, run, 2))) for name, run in runs.items()}
    rounds = [{name: seconds(device, run, counts[name]) for name, run in runs.items()} for _ in range(ROUNDS)]
    return {name: min(each[name] for each in rounds) for name in runs}


def copier(device: str, size: int) -> Callable[[], object]:
    """A copy in which so many bytes move, half of them read and half written."""
    source = torch.empty(size // 2, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def measure(report: Report, setting: Setting) -> None:
    """One engine, which the environment names, in the shapes of the models."""
    torch.set_num_threads(1)
    engine = os.environ["SIFA_KERNEL"]
    for label, (name, batch) in MODELS.items():
        if setting.small and label != "nano":
            report.skip(label, "its shapes are for a GPU")
            continue
        with report.case(label):
            for kernel, dilation, shape in shapes(name, 1 if setting.small else batch, setting.device):
                if report.has(f"{label} {'x'.join(map(str, shape))}", 5):
                    compare(report, setting, label, kernel, dilation, shape)
    report.figure("engine", engine)


def compare(report: Report, setting: Setting, label: str, kernel: int, dilation: int, shape: tuple[int, ...]) -> None:
    """Forward, and forward and backward."""
    b, _, t, h, w = shape
    rng = torch.Generator(setting.device).manual_seed(0)
    draw = lambda *size: torch.randn(size, generator=rng, device=setting.device, requires_grad=True)
    features, offset = draw(*shape), draw(b, t - 1, kernel**2, 2, h, w)
    ours: Call = lambda f, o: sifa.inter_frame_attention(f, o, kernel, dilation).features
    plain: Call = lambda f, o: naive(f, o, kernel)
    words = f"{label} {'x'.join(map(str, shape))}"
    with torch.no_grad():
        error = (ours(features, offset) - plain(features, offset)).abs().max() / plain(features, offset).abs().max()
    report.most(f"{words}: as the naive version", error.item(), 1e-4)
    forward_bytes = 4 * (2 * features.numel() + offset.numel() + offset.numel() // 2)
    both_bytes = forward_bytes + 4 * (2 * features.numel() + 2 * offset.numel() + offset.numel() // 2)

    def forward(call: Call) -> Callable[[], object]:
        def run() -> None:
            with torch.no_grad():
                call(features, offset)

        return run

    def both(call: Call) -> Callable[[], object]:
        return lambda: torch.autograd.grad(call(features, offset).sum(), (features, offset))

    for what, make, size in (("forward", forward, forward_bytes), ("forward + backward", both, both_bytes)):
        runs = dict(ours=make(ours), naive=make(plain), copy=copier(setting.device, size))
        found = best(setting.device, runs)
        report.figure(f"{words}, {what}: ms", 1e3 * found["ours"])
        goals = (FASTER, FLOORS) if setting.gpu else ("", "")
        report.figure(f"{words}, {what}: times as fast as naive", found["naive"] / found["ours"], goal=goals[0])
        report.figure(f"{words}, {what}: times the copy", found["ours"] / found["copy"], goal=goals[1])
