"""log.csv of a run."""

import csv
import io
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sifa.errors import RunError
from sifa.training.pace import Pace
from sifa.weights.files import reason, write_whole

FIRST = ("step", "clips", "cpu_seconds", "cross_entropy", "flow_loss", "accuracy", "classes_shown")
COLUMNS = (*FIRST, "clips_per_second", "waiting")  # empty in rows that earlier versions wrote


class Log:
    """log.csv: the means of 50 steps to a row. A run that goes on after step `first` keeps the whole rows until there.

    `recent` holds the values of the steps since the last row. Raises RunError where it cannot be written.
    """

    def __init__(self, file: Path, first: int = 0, recent: Iterable[list[float]] = ()) -> None:
        self.file, self.recent = file, list(recent)
        rows = _rows(file, first) if first else []  # a run that was stopped may have logged steps that it will do again
        write_whole(file, _text([COLUMNS, *rows]).encode())

    def add(
        self,
        step: int,
        clips: int,
        seconds: float,
        values: list[float],
        classes: int,
        last: bool,
        pace: Pace | None = None,
    ) -> None:
        """A step's cross-entropy, flow loss and accuracy, after so many steps, clips and seconds, of so many classes.

        A row ends a lap of `pace`.
        """
        self.recent.append(values)
        if step % 50 and not last:
            return
        mean = [sum(column) / len(self.recent) for column in zip(*self.recent)]
        lap = pace.lap() if pace else None
        speed = [f"{lap.rate:.4g}", f"{lap.waiting:.3f}"] if lap else ["", ""]
        row = [step, clips, round(seconds), *(round(m, 4) for m in mean), classes, *speed]
        try:
            with self.file.open("a", newline="") as file:
                file.write(_text([row]))
        except OSError as error:
            raise RunError(
                f"{self.file} could not be written ({reason(error)}); the run can go on from the last good state, by the same "
                "command"
            ) from error
        self.recent = []


def _rows(file: Path, until: int) -> list[list[str]]:
    """The rows of steps up to `until` that are whole; a run that was killed may have left half of one."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8", errors="replace") as lines:
        text = lines.read()
    found = []
    for row in (line.split(",") for line in text[: text.rfind("\n") + 1].splitlines()):
        with suppress(ValueError):  # the line of titles, or no numbers
            given = [float(value) for value in row[: len(FIRST)]] + [
                float(value) for value in row[len(FIRST) :] if value
            ]
            if len(given) in (len(FIRST), len(COLUMNS)) and len(row) <= len(COLUMNS) and int(row[0]) <= until:
                found.append(row + [""] * (len(COLUMNS) - len(row)))
    return found


def _text(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()
