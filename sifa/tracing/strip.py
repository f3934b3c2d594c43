"""The answers over time as a table and as spans: from when to when a model gives which answer, where it is unsure, where none is
given and why."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from sifa.video.cuts import Cut
from sifa.video.liveliest import Liveliest
from sifa.weights.groups import Answer, Group, answers

UNSURE_BELOW = 0.5  # of weights whose card names no threshold
HOLDS_A_CUT = "A cut lies in this window."
SLACK = 0.05  # seconds: a cut nearer to a window's end than this is not in it


@dataclass(frozen=True)
class Piece:
    """What the model makes of one window."""

    shot: int
    start: float  # seconds
    end: float
    logits: np.ndarray  # (steps, classes) at equal distances in the window; one row where the model gives no steps
    withheld: str = ""  # why there are none


@dataclass(frozen=True)
class Cell:
    """A row of the table: what the model says from `start` to `end`."""

    shot: int
    start: float  # seconds
    end: float
    answers: tuple[Answer, ...]  # one of each group; none where they are withheld
    withheld: str = ""  # why

    @property
    def texts(self) -> tuple[str, ...]:
        """The answer of each group, or "unsure"."""
        return tuple(answer.text for answer in self.answers)


@dataclass(frozen=True)
class Span:
    """Neighbouring cells of one shot that say the same."""

    start: float
    end: float
    texts: tuple[str, ...]  # of each group: the answer, or "unsure"
    best: tuple[Answer, ...]  # of each group, at the cell where it is most probable
    withheld: str = ""

    @property
    def words(self) -> str:
        """What is said, in words."""
        if self.withheld:
            return f"no answer: {self.withheld}"
        said = []
        for text, best in zip(self.texts, self.best):
            name = f"{best.group}: " if best.group else ""
            guess = "" if best.sure else f", most likely {best.label}"
            said.append(f"{name}{text}{guess} ({best.probability:.0%})")
        return "; ".join(said)


@dataclass(frozen=True)
class Strip:
    """A video's answers over time."""

    video: str  # the file's name
    cells: tuple[Cell, ...]  # in order of time
    cuts: tuple[Cut, ...]
    groups: tuple[str, ...]  # names; one empty name where the weights have no groups
    ended: str = ""  # why it ends before the video does, as a sentence
    liveliest: Liveliest | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        """The cells, those merged that are neighbours in a shot and say the same."""
        found = []
        for (_, texts, withheld), group in groupby(self.cells, lambda cell: (cell.shot, cell.texts, cell.withheld)):
            cells = list(group)
            best = tuple(
                max(column, key=lambda one: one.probability) for column in zip(*(cell.answers for cell in cells))
            )
            found.append(Span(cells[0].start, cells[-1].end, texts, best, withheld))
        return tuple(found)

    def words(self) -> list[str]:
        """The strip in lines, in order of time."""
        lines = [(span.start, 1, f"{clock(span.start)} to {clock(span.end)}  {span.words}") for span in self.spans]
        lines += [
            (cut.time, 0, f"{clock(cut.time)} {'cut' if cut.kind == 'hard' else 'dissolve'}") for cut in self.cuts
        ]
        return [line for *_, line in sorted(lines)]

    @property
    def remarks(self) -> list[str]:
        """What else is to be known: sentences."""
        return [*([self.ended] if self.ended else []), *([self.liveliest.reason] if self.liveliest else [])]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: the spans, the table, the cuts."""
        return dict(
            video=self.video,
            groups=list(self.groups),
            spans=[
                dict(start=round(s.start, 3), end=round(s.end, 3), answers=list(s.texts), withheld=s.withheld)
                for s in self.spans
            ],
            table=[
                dict(
                    start=round(cell.start, 3),
                    end=round(cell.end, 3),
                    shot=cell.shot,
                    answers=[
                        asdict(answer) | dict(probability=round(answer.probability, 4)) for answer in cell.answers
                    ],
                    withheld=cell.withheld,
                )
                for cell in self.cells
            ],
            cuts=[asdict(cut) for cut in self.cuts],
            ended=self.ended,
            liveliest=asdict(self.liveliest) if self.liveliest else None,
        )

    def to_csv(self) -> str:
        """The table: a line for each cell, with three columns for each group."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = [f"{name} " if name else "" for name in self.groups]
        columns = [f"{name}{what}" for name in names for what in ("answer", "probability", "sure")]
        writer.writerow(["start", "end", "shot", *columns, "withheld"])
        for cell in self.cells:
            values = [v for a in cell.answers for v in (a.label, f"{a.probability:.4f}", "yes" if a.sure else "no")]
            values = values or [""] * len(columns)
            writer.writerow([f"{cell.start:.3f}", f"{cell.end:.3f}", cell.shot, *values, cell.withheld])
        return out.getvalue()


def clock(seconds: float) -> str:
    """65.25 -> "1:05.2"."""
    tenths = int(seconds * 10 + 1e-6)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def make_strip(
    video: str,
    pieces: Sequence[Piece],
    cuts: Sequence[Cut],
    labels: Sequence[str],
    groups: Sequence[Group],
    ended: str = "",
    liveliest: Liveliest | None = None,
) -> Strip:
    """The strip of windows that overlap by half: each half a window's length is a cell, whose logits are the mean of those of all
    time steps in it, of every window that covers it. Weights without a threshold are unsure below one half."""
    asked = tuple(groups) or (Group("", 0, len(labels), UNSURE_BELOW),)
    cells: list[Cell] = []
    for _, group in groupby(sorted(pieces, key=lambda piece: piece.shot), lambda piece: piece.shot):
        cells += _cells(list(group), cuts, labels, asked)
    return Strip(video, tuple(cells), tuple(cuts), tuple(each.name for each in asked), ended, liveliest)


def _cells(pieces: list[Piece], cuts: Sequence[Cut], labels: Sequence[str], groups: tuple[Group, ...]) -> list[Cell]:
    """The cells of one shot."""
    shot, start, end = pieces[0].shot, pieces[0].start, max(piece.end for piece in pieces)
    if pieces[0].withheld:
        return [Cell(shot, start, end, (), pieces[0].withheld)]
    count = max(1, round(2 * (end - start) / (pieces[0].end - start)))
    edges = np.linspace(start, end, count + 1)
    sums, seen = np.zeros((count, len(labels))), np.zeros(count)
    for piece in pieces:
        if any(piece.start + SLACK < cut.time < piece.end - SLACK for cut in cuts):
            continue
        steps = len(piece.logits) if len(piece.logits) > 1 else 2  # a window without steps speaks for both its halves
        times = piece.start + (np.arange(steps) + 0.5) / steps * (piece.end - piece.start)
        at = np.searchsorted(edges, times, side="right").clip(1, count) - 1
        np.add.at(sums, at, piece.logits)
        np.add.at(seen, at, 1)
    return [
        Cell(shot, float(a), float(b), answers((each / n).astype(np.float32), labels, groups))
        if n
        else Cell(shot, float(a), float(b), (), HOLDS_A_CUT)
        for a, b, each, n in zip(edges, edges[1:], sums, seen)
    ]
