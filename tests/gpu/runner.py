"""Running the parts, each in a process of its own, and telling what they found."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.gpu.parts import ROOT, Part
from tests.gpu.report import FAILED, MEASURED, PASSED, SKIPPED, Row, Setting, rows_of

LEAST_SECONDS = 8  # with fewer left a part is not begun
SLOWER = 5  # times as long as on a GPU machine a part may take where there is but a CPU, which others may use, too
LOG_CHARACTERS = 2000  # of what a failed process said last
WIDTH = 140  # of a note in the table
Found = dict[str, dict[str, Any]]  # part -> its "seconds", "rows" and, where it failed, its "log"


def run_all(parts: Sequence[Part], setting: Setting, seconds: float) -> Found:
    """All parts one after another, within so many seconds."""
    until, found = time.monotonic() + seconds, Found()
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts):
            began, left = time.monotonic(), until - time.monotonic()
            print(f"{part.name} ...", file=sys.stderr, flush=True)
            if reason := part.left_out(setting):
                rows, log = [Row(part.name, "all", SKIPPED, note=reason)], ""
            elif left < LEAST_SECONDS:
                rows, log = [Row(part.name, "all", FAILED, note="no time was left for it")], ""
            else:
                rows, log = run_process(
                    part,
                    setting,
                    min(part.seconds * (SLOWER if setting.small else 1), left),
                    Path(folder) / str(number),
                )
            found[part.name] = dict(seconds=round(time.monotonic() - began, 1), rows=rows)
            if log:
                found[part.name]["log"] = log
    return found


def run_process(part: Part, setting: Setting, seconds: float, place: Path) -> tuple[list[Row], str]:
    """A part's rows, with one more where its process did not come to its end, and then what it said last."""
    rows, said = place.with_suffix(".rows"), place.with_suffix(".log")
    command = [sys.executable, "-m", "tests.gpu", "--part", part.name, part.function, "--device", setting.device]
    command += ["--rows", str(rows), "--seconds", str(seconds)]
    with said.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=part.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            status = process.poll()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it has started, too
            process.wait()
    found = rows_of(rows)
    if end := ending(status, seconds, found):
        found.append(Row(part.name, "the process", FAILED, note=end))
    text = said.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:]
    return found, text if any(row.result == FAILED for row in found) else ""


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
