"""Time of the operator against the naive per-tap version and against the memory's speed, side by side:
`python -m tests.bench.operator [--device cuda] [--json]`.

The minimum over interleaved rounds, process CPU time of one thread (or the GPU's own clock); general offsets with a deviation
of one cell. The floor is the time in which the same memory copies the bytes that have to move: each input read and each
output written once.
"""

import argparse
import json
import os
import time

import torch
import torch.nn.functional as F

import sifa
from sifa.model.kernels import DEVICES, problem
from sifa.model.sampling import sampling_points

SHAPES = ((1, 96, 8, 56, 56), (1, 384, 8, 14, 14))


def naive(features, offset, kernel_size):
    """What the released module does: T frames, correlation and aggregation each sampling every tap by grid_sample."""
    b, c, t, h, w = features.shape
    key, query = features, torch.cat([features[:, :, :1], features[:, :, :-1]], 2)
    padded = torch.cat([offset[:, :1], offset], 1)  # frame 0 is paired with itself, and thrown away
    points = sampling_points(padded, kernel_size)
    size = points.new_tensor([h - 1, w - 1]).view(2, 1, 1)
    grids = (points / size * 2 - 1).flip(3).permute(0, 1, 2, 4, 5, 3).flatten(0, 1)  # (B T, N, H, W, 2) as x, y
    maps = key.transpose(1, 2).flatten(0, 1)

    def tap(n):
        value = F.grid_sample(maps, grids[:, n], padding_mode="zeros", align_corners=True)
        return value.view(b, t, c, h, w).transpose(1, 2)

    correlation = torch.stack([(query * tap(n)).sum(1) / c for n in range(kernel_size**2)], 1)
    aggregated = sum(correlation[:, n, None] * tap(n) for n in range(kernel_size**2))
    return torch.cat([aggregated[:, :, 1:], torch.zeros_like(aggregated[:, :, :1])], 2)


def timed(device: str, run) -> float:
    """Seconds that run() takes: CPU time of this process, or the GPU's."""
    if device == "cpu":
        start = time.process_time()
        run()
        return time.process_time() - start
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3


def measure(device: str, function, features, offset) -> tuple[float, float]:
    """(forward, forward + backward) in seconds."""
    features, offset = features.detach().requires_grad_(), offset.detach().requires_grad_()
    with torch.no_grad():
        forward = timed(device, lambda: function(features, offset))
    return forward, timed(device, lambda: function(features, offset).sum().backward())


def floor(device: str, features, offset) -> tuple[float, float]:
    """The same two, if only memory counted: read features and offsets, write features and weights; then their gradients."""
    pairs, size = offset.numel() // 2, features.element_size()
    forward = (2 * features.numel() + offset.numel() + pairs) * size
    backward = forward + (2 * features.numel() + 2 * offset.numel() + pairs) * size
    source = torch.empty(2**26, device=device)
    target = torch.empty_like(source)
    copy = min(timed(device, lambda: target.copy_(source)) for _ in range(5))
    speed = 2 * source.numel() * source.element_size() / copy
    return forward / speed, backward / speed


def engines(device: str) -> list[str]:
    """The engines that work on a device here."""
    return [name for name in ("torch", *DEVICES) if name == "torch" or (DEVICES[name] == device and not problem(name))]


def by(engine: str):
    """The operator by an engine."""

    def run(features, offset):
        os.environ["SIFA_KERNEL"] = engine
        return sifa.inter_frame_attention(features, offset, 3).features

    return run


def compare(device: str, shape, rounds: int) -> dict[str, list[dict[str, float]]]:
    """For each engine, of the forward pass and of forward + backward: milliseconds, times naive's speed, times the floor."""
    b, c, t, h, w = shape
    features, offset = torch.randn(shape, device=device), torch.randn(b, t - 1, 9, 2, h, w, device=device)
    functions = {"naive": lambda f, o: naive(f, o, 3)} | {name: by(name) for name in engines(device)}
    expected = functions["naive"](features, offset)
    for function in functions.values():
        torch.testing.assert_close(function(features, offset), expected, atol=1e-4, rtol=1e-4)
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(measure(device, function, features, offset))
    best = {name: [min(part) for part in zip(*each)] for name, each in times.items()}
    least = floor(device, features, offset)
    return {
        name: [
            dict(ms=time * 1e3, times_naive=slowest / time, times_floor=time / bound)
            for time, slowest, bound in zip(best[name], best["naive"], least)
        ]
        for name in functions
    }


def profile(shape) -> dict[str, float]:
    """Milliseconds of one forward + backward pass by numba: in each compiled loop, and in the rest, which is PyTorch."""
    from sifa.model.kernels import _numba

    spent, run = {}, _numba._run

    def watched(name, *given):
        start = time.process_time()
        run(name, *given)
        spent[name] = spent.get(name, 0) + (time.process_time() - start) * 1e3

    b, c, t, h, w = shape
    features, offset = torch.randn(shape, requires_grad=True), torch.randn(b, t - 1, 9, 2, h, w, requires_grad=True)
    rounds, _numba._run = [], watched
    for _ in range(9):
        spent.clear()
        whole = timed("cpu", lambda: by("numba")(features, offset).sum().backward()) * 1e3
        rounds.append(dict(spent) | dict(rest=whole - sum(spent.values())))
    _numba._run = run
    return {name: min(each[name] for each in rounds) for name in rounds[0]}


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.bench.operator", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    results = {}
    goals = {"cpu": " (goals: 20 and 25 x naive)", "cuda": " (goals: 20 x naive, 3 x the floor)"}
    print(f"forward, forward + backward{goals[args.device]}")
    print("| shape (B, C, T, H, W) | engine | ms | x naive | x the memory's floor |\n|---|---|---|---|---|")
    for shape in SHAPES:
        results["x".join(map(str, shape))] = found = compare(args.device, shape, args.rounds)
        for engine, parts in found.items():
            columns = (" , ".join(f"{part[key]:.1f}" for part in parts) for key in ("ms", "times_naive", "times_floor"))
            print(f"| {shape} | {engine} | " + " | ".join(columns).replace(" ,", ",") + " |")
    for shape in SHAPES if "numba" in engines(args.device) else ():
        parts = ", ".join(f"{name} {ms:.1f}" for name, ms in profile(shape).items())
        print(f"numba, {shape}, forward + backward in ms: {parts}")
    if args.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
