"""What a large set of clips takes: `python -m tests.bench.sets [--clips N] [--json]`.

It makes clips of 10 s at 340 x 256 and 30 frames a second, reads them as models of two sizes do, and trains the smaller one, all in
one thread. Times are those of the processor, so that other work on the machine counts little.
"""

import argparse
import json
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import sifa
from sifa.data.motion import MotionBatch
from sifa.data.reading import DecodedClips
from sifa.data.user_clips import MARGIN
from sifa.training.loop import update
from sifa.training.losses import losses
from sifa.training.optimisers import make_optimisers
from sifa.training.recipes import FINE_TUNING
from sifa.video.read import read_clip
from tests.clips import write_clip

KINETICS = 240_000  # training clips
SIZES = {"nano": (64, 16, 4), "tiny to large": (224, 64, 4)}  # side, frames, source frames from one to the next
HEIGHT, WIDTH, FRAMES = 256, 340, 300
BATCH, CLASSES = 8, 400


def make_clip(file: Path, seed: int) -> Path:
    """A textured picture that moves."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (48, 64, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    ground = (0.7 * coarse + 0.3 * rng.integers(0, 255, coarse.shape)).astype(np.uint8)
    places = (((np.sin(np.arange(FRAMES) / 40 + seed + phase) + 1) * 20).astype(int) for phase in (0, 1))
    frames = np.stack([ground[y : y + HEIGHT, x : x + WIDTH] for y, x in zip(*places)])
    return write_clip(file, frames, fps=30, crf="26")


def seconds_of(run: Callable[[int], object], times: int) -> float:
    """Of the processor, for one call, with what the processes take that it starts and that end."""
    taken = []
    for number in range(times + 1):  # the first one warms up
        used = [resource.getrusage(who)[:2] for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        taken.append(sum(map(sum, used)))
        run(number)
    used = [resource.getrusage(who)[:2] for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return (sum(map(sum, used)) - taken[1]) / times


def step() -> Callable[[int], None]:
    """A step of training the nano model."""
    model = sifa.create_model("sifa_swin_nano_16x64", num_classes=CLASSES).train()
    optimisers = make_optimisers(model, FINE_TUNING)
    size, frames, _ = SIZES["nano"]
    clips = MotionBatch(torch.rand(BATCH, 3, frames, size, size), torch.zeros(BATCH, dtype=torch.long), None, None)
    active = torch.ones(CLASSES, dtype=torch.bool)
    return lambda number: update(model, optimisers, losses(model, clips, active, FINE_TUNING).cross_entropy)


def measure(count: int) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = [make_clip(Path(folder) / f"{number}.mp4", number) for number in range(count + 1)]
        for name, (size, frames, rate) in SIZES.items():
            clips = DecodedClips(files, lambda file, n=frames, r=rate: read_clip(file, n, r), round(size * MARGIN))
            seconds = seconds_of(clips.__getitem__, count)
            found[name] = dict(
                seconds=seconds, bytes=clips[0].nbytes, file=sum(f.stat().st_size for f in files) / len(files)
            )
    found["nano"]["step"] = seconds_of(step(), 5) / BATCH
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(arguments.clips)
    print(
        f"| | file | read | in memory | {KINETICS:,} clips: in memory | read once, hours of one core |\n|---|---|---|---|---|---|"
    )
    for name, figures in found.items():
        size, frames, _ = SIZES[name]
        seconds, memory = figures["seconds"], figures["bytes"]
        print(
            f"| {name}, {frames} x {size} px | {figures['file'] / 1e6:.2f} MB | {seconds:.2f} s | {memory / 1e6:.2f} MB | "
            f"{KINETICS * memory / 1e9:.0f} GB | {KINETICS * seconds / 3600:.0f} |"
        )
    print(f"a step of the nano model takes {found['nano']['step']:.3f} s of one core for a clip")
    if arguments.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
