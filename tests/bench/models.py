"""Clips per second of every variant, plain and with each way to make it faster, side by side:
`python -m tests.bench.models [--device cuda] [--variants NAME ...] [--compile] [--json]`.

One clip at a time (or --batch), random weights, the best of interleaved rounds. First, what bfloat16 does to the logits of the
golden models: their cosine with those of float32.
"""

import argparse
import json
import time

import torch

import sifa
from sifa.model.run import forward_with
from tests.weights.test_convert import released_resnet, released_swin_loaded

GOLDEN = {
    "golden Swin": released_swin_loaded,
    "golden ResNet, zero offsets": lambda: released_resnet(0.0),
    "golden ResNet, random offsets": lambda: released_resnet(0.2),
}


@torch.inference_mode()
def cosine(device: str, model, video) -> float:
    """The least cosine between the logits of bfloat16 and of float32."""
    video = video.to(device)
    full = forward_with(model, device)(video)
    reduced = forward_with(model, device, amp="bfloat16")(video)
    return torch.cosine_similarity(full.float(), reduced.float()).min().item()


@torch.inference_mode()
def seconds(device: str, forward, video) -> float:
    start = time.perf_counter()
    forward(video)
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(device: str, name: str, batch: int, rounds: int, compiled: bool) -> dict[str, float]:
    """Clips per second of a variant by way of running it."""
    model = sifa.create_model(name).eval()
    ways = dict(float32={}, bfloat16=dict(amp="bfloat16"), channels_last=dict(amp="bfloat16", channels_last=True))
    if compiled:
        ways["compiled"] = dict(amp="bfloat16", compile=True)
    forwards = {way: forward_with(model, device, **options) for way, options in ways.items()}
    size = model.config.img_size
    video = torch.randn(batch, 3, model.config.num_frames, size, size, device=device)
    times = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, forward in forwards.items():
            taken = seconds(device, forward, video)
            if number:  # the first one warms up
                times[way].append(taken)
    return {way: batch / min(taken) for way, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.models", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    every = [name for name in sifa.list_models() if "x" in name.rpartition("_")[2]]
    parser.add_argument("--variants", nargs="+", default=every, choices=every)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    results = dict(
        device=torch.cuda.get_device_name() if args.device == "cuda" else "cpu", cosine={}, clips_per_second={}
    )
    for name, make in GOLDEN.items():
        results["cosine"][name] = round(cosine(args.device, *make()), 6)
        print(f"{name}: cosine of the logits, bfloat16 and float32: {results['cosine'][name]}")
    for name in args.variants:
        found = measure(args.device, name, args.batch, args.rounds, args.compile)
        results["clips_per_second"][name] = {way: round(value, 3) for way, value in found.items()}
        ratios = ", ".join(
            f"{way} {value / found['float32']:.2f} x" for way, value in found.items() if way != "float32"
        )
        print(f"{name}: {found['float32']:.2f} clips/s in float32; {ratios}", flush=True)
    if args.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
