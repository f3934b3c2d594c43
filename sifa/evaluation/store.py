"""Scores kept in a folder as they come, so that a run that was stopped goes on."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sifa.errors import DataError

# of one video: index, path, label, and either unreadable, or padded and top5, in the file also scores
Row = dict[str, Any]


def reserve(folder: Path, settings: Mapping[str, object], write: bool) -> None:
    """Make a folder that of one run; DataError where it is that of another one."""
    file = folder / "run.json"
    if file.exists():
        try:
            before = dict(json.loads(file.read_text()))
        except (ValueError, TypeError) as error:
            raise DataError(f"{file} is damaged ({error}); give another --out, or remove this folder") from error
        other = [f"{k} {v} instead of {settings[k]}" for k, v in before.items() if settings.get(k) != v]
        if other:
            raise DataError(
                f"{folder} holds the scores of another run ({'; '.join(other)}); repeat that run's command to go on with it, "
                "or give another --out"
            )
    elif write:
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(settings, indent=2) + "\n")
        part.replace(file)


def read_rows(folder: Path) -> dict[int, Row]:
    """What a folder knows of each video, without the scores; a last line that was cut off does not count."""
    rows: dict[int, Row] = {}
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
def writer(file: Path | None) -> Iterator[Callable[[Row], None]]:
    """A function that adds a row to a file of JSON lines, if there is one; an unfinished last line is cut off before."""
    if file is None:
        yield lambda row: None
        return
    if file.exists():
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
    with file.open("a", encoding="utf-8") as lines:

        def write(row: Row) -> None:
            lines.write(json.dumps(row) + "\n")
            lines.flush()

        yield write
