"""Tables in tests: made, read back, and held against one another; the command, and its workers, which are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sifa.batch.row import ListedClip, Settings, row_of
from sifa.batch.run import Outcome, run_batch
from sifa.weights.card import load_card

ROOT = Path(__file__).parents[2]
started: list[subprocess.Popen[str]] = []  # commands, of which none outlives its test


def in_process(clips: list[ListedClip], settings: Settings) -> Outcome:
    """The table by no other process than this one."""
    return run_batch(
        clips, settings, load_card(settings.checkpoint), lambda todo, s: (row_of(clip, s) for clip in todo)
    )


def read(table: Path) -> pa.Table:
    """All rows, in the order of the parts, without the times."""
    parts = sorted(table.glob("part-*.parquet"))
    return pa.concat_tables([pq.read_table(part) for part in parts]).drop_columns(["seconds"])


def assert_same(one: Path, other: Path) -> None:
    """Row for row, and trace for trace, byte by byte."""
    assert read(one).equals(read(other))
    traces = [{f.relative_to(t).as_posix(): f.read_bytes() for f in t.rglob("*.sifa")} for t in (one, other)]
    assert traces[0] == traces[1]
    assert not [f for t in (one, other) for f in t.rglob("*.part")]


def command(*arguments: object) -> subprocess.Popen[str]:
    """`sifa batch`, started with two workers if nothing else is said."""
    words = [sys.executable, "-m", "sifa", "batch", *map(str, arguments)]
    started.append(subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    return started[-1]


def children(process: int) -> list[int]:
    """The processes that a process started and that still run, the oldest first."""
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        threads = [Path(t, "children").read_text().split() for t in Path(f"/proc/{process}/task").iterdir()]
    except OSError:
        return []
    return sorted({*map(int, found), *(int(one) for each in threads for one in each)})


def words_of(process: int) -> str:
    """A process's command line."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode().replace("\0", " ")
    except OSError:
        return ""


def workers(process: int, mark: str = "spawn_main") -> list[int]:
    """The workers of the command, at any depth, by what stands in their command lines."""
    below = [one for child in children(process) for one in (child, *children(child))]
    return [one for one in below if mark in words_of(one)]


def wait_until(holds: Callable[[], object], seconds: float = 120) -> None:
    """AssertionError where it never does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.005)


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
