"""log.csv of a run."""

import csv
from pathlib import Path


class Log:
    """log.csv: the means of 50 steps to a row."""

    COLUMNS = ("step", "clips", "cpu_seconds", "cross_entropy", "flow_loss", "accuracy", "classes_shown")

    def __init__(self, file: Path, first: int):
        rows = []
        if first:  # a run that was stopped may have logged steps that it will do again
            with file.open(newline="") as lines:
                rows = [row for row in list(csv.reader(lines))[1:] if int(row[0]) <= first]
        self.file = file.open("w", newline="")
        self.write = csv.writer(self.file).writerow
        for row in (self.COLUMNS, *rows):
            self.write(row)
        self.file.flush()
        self.recent = []

    def add(self, step: int, clips: int, seconds: float, told: list[float], shown: int, last: bool) -> None:
        self.recent.append(told)
        if step % 50 and not last:
            return
        mean = [sum(column) / len(self.recent) for column in zip(*self.recent)]
        self.write([step, clips, round(seconds), *(round(m, 4) for m in mean), shown])
        self.file.flush()
        self.recent = []
