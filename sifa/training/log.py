"""log.csv of a run."""

import csv
from collections.abc import Iterable
from pathlib import Path

COLUMNS = ("step", "clips", "cpu_seconds", "cross_entropy", "flow_loss", "accuracy", "classes_shown")


class Log:
    """log.csv: the means of 50 steps to a row. A run that goes on after step `first` keeps the rows until there."""

    def __init__(self, file: Path, first: int = 0) -> None:
        self.file, self.recent = file, list[list[float]]()
        rows: list[list[str]] = []
        if first:  # a run that was stopped may have logged steps that it will do again
            with file.open(newline="") as lines:
                rows = [row for row in list(csv.reader(lines))[1:] if int(row[0]) <= first]
        self._write("w", [COLUMNS, *rows])

    def add(self, step: int, clips: int, seconds: float, values: list[float], classes: int, last: bool) -> None:
        """A step's cross-entropy, flow loss and accuracy, after so many steps, clips and seconds, of so many classes."""
        self.recent.append(values)
        if step % 50 and not last:
            return
        mean = [sum(column) / len(self.recent) for column in zip(*self.recent)]
        self._write("a", [[step, clips, round(seconds), *(round(m, 4) for m in mean), classes]])
        self.recent = []

    def _write(self, mode: str, rows: Iterable[Iterable[object]]) -> None:
        with self.file.open(mode, newline="") as file:
            csv.writer(file).writerows(rows)
