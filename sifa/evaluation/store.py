"""Scores kept in a folder as they come, so that a run that was stopped goes on."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sifa.errors import DataError


def reserve(folder: Path, what: dict, write: bool) -> None:
    """Make a folder that of one run; DataError where it is that of another one."""
    file = folder / "run.json"
    if file.exists():
        before = json.loads(file.read_text())
        other = [f"{k} {v} instead of {what[k]}" for k, v in before.items() if what.get(k) != v]
        if other:
            raise DataError(
                f"{folder} holds the scores of another run ({'; '.join(other)}); repeat that run's command to go on with it, "
                "or give another --out"
            )
    elif write:
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(what, indent=2) + "\n")
        part.replace(file)


def read_rows(folder: Path, labels: tuple[str, ...]) -> dict[int, dict]:
    """What a folder knows of each video, without the scores; a last line that was cut off does not count."""
    rows = {}
    for file in sorted(folder.glob("scores-*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith("\n"):
                    continue
                try:
                    row = json.loads(line)
                    row.pop("scores", None)
                    if "top5" in row or row["index"] not in rows:
                        rows[row["index"]] = row
                except (ValueError, KeyError, AttributeError) as error:
                    raise DataError(
                        f"line {number} of {file} is damaged ({error}); delete that line, and the video is measured again"
                    ) from error
    return rows


@contextmanager
def _appending(file: Path | None) -> Iterator[Callable[[dict], dict]]:
    """A function that adds a row to a file of JSON lines, if there is one, and returns it; an unfinished line is cut off."""
    if file is None:
        yield lambda row: row
        return
    if file.exists():
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
    with file.open("a", encoding="utf-8") as lines:

        def keep(row: dict) -> dict:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            lines.flush()
            return row

        yield keep
