"""Time of the operator against the naive per-tap version, side by side: `python -m tests.bench.operator [--json]`.

Process CPU time on one thread, the minimum over interleaved rounds; general offsets with a deviation of one cell.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F

import sifa
from sifa.attention import sampling_points

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


def measure(function, features, offset):
    """(forward, forward + backward) in process CPU seconds."""
    features, offset = features.detach().requires_grad_(), offset.detach().requires_grad_()
    start = time.process_time()
    with torch.no_grad():
        function(features, offset)
    forward = time.process_time() - start
    start = time.process_time()
    function(features, offset).sum().backward()
    return forward, time.process_time() - start


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.bench.operator", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ours = lambda f, o: sifa.inter_frame_attention(f, o, 3).features  # noqa: E731
    plain = lambda f, o: naive(f, o, 3)  # noqa: E731
    results = {}
    for shape in SHAPES:
        b, c, t, h, w = shape
        features, offset = torch.randn(shape), torch.randn(b, t - 1, 9, 2, h, w)
        torch.testing.assert_close(ours(features, offset), plain(features, offset), atol=1e-4, rtol=1e-4)
        rounds = [(measure(ours, features, offset), measure(plain, features, offset)) for _ in range(args.rounds)]
        best = [[min(r[which][part] for r in rounds) * 1e3 for part in (0, 1)] for which in (0, 1)]
        ratio = [best[1][part] / best[0][part] for part in (0, 1)]
        results["x".join(map(str, shape))] = dict(
            forward_ms=round(best[0][0], 2), forward_backward_ms=round(best[0][1], 2),
            forward_ratio=round(ratio[0], 2), forward_backward_ratio=round(ratio[1], 2),
        )  # fmt: skip
        print(
            f"{shape}: forward {best[0][0]:.1f} ms, {ratio[0]:.1f} x faster; "
            f"forward + backward {best[0][1]:.1f} ms, {ratio[1]:.1f} x faster"
        )
    if args.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
