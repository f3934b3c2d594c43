"""Running the parts, each in a process of its own, and telling what they found."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.gpu.parts import ROOT, Part
from tests.gpu.report import FAILED, MEASURED, PASSED, SKIPPED, Row, Setting, rows_of

LEAST_SECONDS = 8  # with fewer left a part is not begun
SLOWER = 5  # times as long as on a GPU machine a part may take where there is but a CPU, which others may use, too
AT_ONCE = 4  # so many parts may run together
LOG_CHARACTERS = 2000  # of what a failed process said last
WIDTH = 140  # of a note in the table
Found = dict[str, dict[str, Any]]  # part -> its "seconds", "rows" and, where it failed, its "log"


def run_all(parts: Sequence[Part], setting: Setting, seconds: float) -> Found:
    """All parts within so many seconds: on a GPU machine those that only check at the same time, the others one by one.

    The processes of the next parts begin early: while others run, they import what they need, which takes seconds.
    """
    until, found = time.monotonic() + seconds, Found({part.name: {} for part in parts})
    groups = groups_of(parts, setting)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:

        def begin(group: Sequence[Part]) -> list[Process]:
            places = [Path(folder) / str(list(parts).index(part)) for part in group]
            return [
                stack.enter_context(Process(part, setting, place))
                for part, place in zip(group, places, strict=True)
                if not part.left_out(setting)
            ]

        ready = begin(groups[0])
        for number, group in enumerate(groups):
            print(f"{', '.join(part.name for part in group)} ...", file=sys.stderr, flush=True)
            running = {process.part.name: process for process in ready}
            left = until - time.monotonic()
            limits = {part.name: min(part.seconds * (SLOWER if setting.small else 1), left) for part in group}
            for process in running.values() if left >= LEAST_SECONDS else ():
                process.go(limits[process.part.name])
            ready = begin(groups[number + 1]) if number + 1 < len(groups) else []
            for part in group:
                if reason := part.left_out(setting):
                    found[part.name] = dict(seconds=0.0, rows=[Row(part.name, "all", SKIPPED, note=reason)])
                elif left < LEAST_SECONDS:
                    lost = Row(part.name, "all", FAILED, note="no time was left for it")
                    found[part.name] = dict(seconds=0.0, rows=[lost])
            if left >= LEAST_SECONDS and running:
                with ThreadPoolExecutor(len(running)) as pool:
                    ends = {name: pool.submit(each.end, limits[name]) for name, each in running.items()}
                    found |= {name: each.result() for name, each in ends.items()}
    return found


def groups_of(parts: Sequence[Part], setting: Setting) -> list[list[Part]]:
    """The parts in their order, those that may run at the same time together; on a CPU each by itself."""
    groups: list[list[Part]] = []
    for part in parts:
        if setting.gpu and part.together and groups and groups[-1][-1].together:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


class Process:
    """A part's process, which imports what it needs and then waits; whatever it has started ends with it."""

    def __init__(self, part: Part, setting: Setting, place: Path) -> None:
        self.part, self.rows, self.said = part, place.with_suffix(".rows"), place.with_suffix(".log")
        self.ended, environment = False, part.environment()
        if part.together and setting.gpu:  # those beside it need cores, too
            environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // AT_ONCE))
        command = [sys.executable, "-m", "tests.gpu", "--part", part.name, part.function, "--device", setting.device]
        with self.said.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--rows", str(self.rows)], cwd=ROOT, env=environment, stdin=subprocess.PIPE,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        if not self.ended:
            self.ended = True
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def go(self, seconds: float) -> None:
        """Let it work for so many seconds."""
        self.began = time.monotonic()
        assert self.process.stdin
        with suppress(BrokenPipeError):  # it has ended already, and `end` says how
            self.process.stdin.write(f"{seconds}\n".encode())
            self.process.stdin.close()

    def end(self, seconds: float) -> dict[str, Any]:
        """Its seconds and rows, with one more where it did not come to its end, and then what it said last."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0, self.began + seconds - time.monotonic()))
        status = self.process.poll()
        self.__exit__()
        rows = rows_of(self.rows)
        if end := ending(status, seconds, rows):
            rows.append(Row(self.part.name, "the process", FAILED, note=end))
        found: dict[str, Any] = dict(seconds=round(time.monotonic() - self.began, 1), rows=rows)
        if any(row.result == FAILED for row in rows):
            found["log"] = self.said.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:]
        return found


def ending(status: int | None, seconds: float, found: list[Row]) -> str:
    """How a process ended, where that was not as it should."""
    if status is None:
        return f"stopped after its {seconds:.0f} s"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    if status and not any(row.name == "the part itself" for row in found):
        return f"ended with status {status}"
    return "" if found else "it found nothing"


def summary(found: Found, setting: Setting) -> dict[str, Any]:
    """Everything, in plain data."""
    rows = [row for part in found.values() for row in part["rows"]]
    counts = Counter(row.result for row in rows)
    facts = {row.name: row.value for row in rows if row.part == "system" and row.result == MEASURED}
    return dict(
        ok=not counts[FAILED] and counts[PASSED] > 0,
        device=setting.device,
        seconds=round(sum(part["seconds"] for part in found.values()), 1),
        counts={result: counts[result] for result in (PASSED, FAILED, MEASURED, SKIPPED)},
        system=facts,
        parts={name: part | dict(rows=[without_part(row) for row in part["rows"]]) for name, part in found.items()},
    )


def without_part(row: Row) -> dict[str, Any]:
    return {key: value for key, value in asdict(row).items() if key != "part" and value not in (None, "")}


def table(found: Found) -> str:
    """The rows for people, and a line that sums them up."""
    lines = []
    for name, part in found.items():
        lines.append(f"\n{name} ({part['seconds']:.0f} s)")
        width = max(len(row.name) for row in part["rows"])
        for row in part["rows"]:
            value = "" if row.value is None else f"{row.value:.4g}" if isinstance(row.value, float) else str(row.value)
            lines.append(
                f"  {row.result:8}  {row.name:{width}}  {value:>10} {row.limit:10}  {row.note[:WIDTH]}".rstrip()
            )
    counts = Counter(row.result for part in found.values() for row in part["rows"])
    seconds = sum(part["seconds"] for part in found.values())
    return "\n".join(
        [*lines, "", ", ".join(f"{n} {result}" for result, n in sorted(counts.items())) + f"; {seconds:.0f} s"]
    )
