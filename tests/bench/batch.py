"""What a row of a table costs, and what large sets come to: `python -m tests.bench.batch [--clips N] [--variants NAME ...]`.

Clips like those of Kinetics are made (10 s, 25 frames a second, 340 x 256, H.264), and rows are made of them by one process of one
thread, as `sifa batch` does in each of its workers: CPU seconds of the process and of the decoding processes that it starts, bytes
of the trace and of the row, memory. The weights are random but for the shipped ones; what they cost does not depend on them.
"""

import argparse
import resource
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

import sifa
from sifa.batch.parts import SCHEMA, part_file, write_part
from sifa.batch.row import ListedClip, Row, Settings, row_of
from sifa.evaluation.memory import keep_freed_memory
from sifa.weights.card import card_of, load_card
from sifa.weights.checkpoint import save
from sifa.weights.download import sha256
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.clips import write_clip

SETS = {"10 000 clips": 10_000, "Kinetics-400, 240 000 clips": 240_000}
CORES = 64  # of a machine


def make_clip(file: Path, number: int) -> Path:
    """A texture that drifts, with some noise as cameras have."""
    rng = np.random.default_rng(number)
    ground = np.kron(rng.integers(30, 220, (40, 54, 3)), np.ones((8, 8, 1)))
    frames = (np.roll(ground, (t, 2 * t), (0, 1))[:256, :340] + rng.normal(0, 8, (256, 340, 3)) for t in range(250))
    return write_clip(
        file, np.stack([frame.clip(0, 255).astype(np.uint8) for frame in frames]), crf="23", preset="veryfast"
    )


def cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(clips: list[ListedClip], checkpoint: Path, out: Path) -> tuple[float, int, int]:
    """(CPU seconds, bytes of the trace, bytes of the row) of a clip."""
    settings = Settings(str(checkpoint), sha256(checkpoint), str(out))
    row_of(clips[0], settings)
    start = cpu_seconds()
    rows: list[Row] = [row_of(clip, settings) for clip in clips]
    seconds = (cpu_seconds() - start) / len(clips)
    assert not any(row.get("error") for row in rows)
    write_part(out, 0, rows, load_card(checkpoint).labels)
    traces = sum((out / row["trace"]).stat().st_size for row in rows)
    empty = out / "empty.parquet"
    pq.write_table(pa.Table.from_pylist([], SCHEMA), empty)
    row = (part_file(out, 0).stat().st_size - empty.stat().st_size) // len(clips)
    return seconds, traces // len(clips), row


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--variants", nargs="*", default=["sifa_resnet50_16x224"], help="beside the shipped weights")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [ListedClip(i, str(make_clip(folder / f"{i}.mp4", i))) for i in range(arguments.clips)]
        video = sum(Path(clip.file).stat().st_size for clip in clips) // len(clips)
        print(f"{len(clips)} clips of 10 s, 340 x 256, {video / 1e6:.1f} MB each\n")
        print(
            "| weights | CPU s a clip | trace | row |",
            " | ".join(f"{title}: traces, rows, hours on {CORES} cores" for title in SETS),
            "|",
        )
        print("|---" * (4 + len(SETS)) + "|")
        for variant in ["shipped", *arguments.variants]:
            checkpoint = DEFAULT_CHECKPOINT
            if variant != "shipped":
                model = sifa.create_model(variant)
                save(model, card_of(model), checkpoint := folder / f"{variant}.safetensors")
            seconds, trace, row = measure(clips, Path(checkpoint), folder / variant)
            plans = (
                f"{n * trace / 1e9:.0f} GB, {n * row / 1e9:.2g} GB, {n * seconds / CORES / 3600:.2g} h"
                for n in SETS.values()
            )
            print(
                f"| {variant} | {seconds:.2f} | {trace / 1e3:.0f} kB | {row / 1e3:.1f} kB |",
                " | ".join(plans),
                "|",
                flush=True,
            )
        print(f"\nmost memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
