"""Two thousand clips, of which a quarter fits into the memory that they are given."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.clips import numbered_frames, write_clip, write_frames
from tests.training.small import weights

ROOT = Path(__file__).parents[2]
CLASSES, OF_EACH = 500, 4  # so few that none is held out, which would be read at the end
MOST_BYTES = 1.5e9
PROGRAM = """
import sys, torch
from dataclasses import replace
from pathlib import Path
from sifa.cli.options import READERS
from sifa.data.listing import read_listing
from sifa.evaluation.memory import keep_freed_memory
from sifa.training.clips import describe_clips, read_clips
from sifa.training.loop import train
from sifa.training.recipes import FINE_TUNING
from sifa.weights.card import load_card
from sifa.weights.shipped import MOTION_STEM
torch.set_num_threads(1)
keep_freed_memory()
clips, out = map(Path, sys.argv[1:])
data = read_clips(read_listing(clips), load_card(MOTION_STEM), readers=READERS, memory=128 << 20, out=out)
print(describe_clips(data), flush=True)
recipe = replace(FINE_TUNING, steps=12)
train(recipe, out, start=MOTION_STEM, data=data, save_every=3, progress=lambda *_: print("step", flush=True))
"""


@pytest.fixture(scope="module")
def many_clips(tmp_path_factory):
    """One in twenty an mp4 file, the others folders of pictures, which are read without a process for each."""
    folder, frames = tmp_path_factory.mktemp("many"), numbered_frames(8, 64, 80)
    for label in range(CLASSES):
        (folder / f"{label:03d}").mkdir()
        for number in range(OF_EACH):
            place, pictures = folder / f"{label:03d}" / str(number), np.roll(frames, (label, number), axis=(2, 1))
            if number or label % 5:
                write_frames(place, pictures, "{:05d}.jpg")
            else:
                write_clip(place.with_suffix(".mp4"), pictures)
    return folder


def tree_bytes(root: int) -> int:
    """Memory of a process and all that it started, what they share counted once (PSS)."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    tree, grown = {root}, True
    while grown:
        grown = {child for child, parent in parents.items() if parent in tree} - tree
        tree |= grown
    total = 0
    for process in tree:
        try:
            lines = (Path("/proc") / str(process) / "smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:
            continue
    return total * 1024


class Watched:
    """A run in a process of its own, and the most memory that it and its processes had."""

    def __init__(self, clips: Path, out: Path) -> None:
        command = [sys.executable, "-c", PROGRAM, str(clips), str(out)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        self.peak = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while self.process.poll() is None:
            self.peak = max(self.peak, tree_bytes(self.process.pid))
            time.sleep(0.5)


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in /proc")
def test_2000_clips_from_the_disk_take_little_memory_and_go_on_after_kill_9(many_clips, tmp_path):
    whole = Watched(many_clips, tmp_path / "whole")
    said, _ = whole.process.communicate(timeout=1500)
    assert whole.process.returncode == 0
    assert said.count("step") == 12
    assert (
        "2000 clips of 500 classes, 0 of them held out; 0 could not be read; they take 501 MiB, of which 128 MiB"
        in said
    )

    (tmp_path / "parts").mkdir()
    shutil.copy(tmp_path / "whole/clips-0.jsonl", tmp_path / "parts")  # so that all need not be read a second time
    killed = Watched(many_clips, tmp_path / "parts")
    lines = [killed.process.stdout.readline() for _ in range(6)]
    assert lines[1:] == ["step\n"] * 5
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    again = Watched(many_clips, tmp_path / "parts")
    said, _ = again.process.communicate(timeout=600)
    assert again.process.returncode == 0
    assert 7 <= said.count("step") < 12
    files = [tmp_path / run / "checkpoint.safetensors" for run in ("whole", "parts")]
    assert weights(files[0]) == weights(files[1])
    peaks = [run.peak for run in (whole, killed, again)]
    print("peaks in MB:", *(round(peak / 1e6) for peak in peaks))
    assert 0 < max(peaks) <= MOST_BYTES
