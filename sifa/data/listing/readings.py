"""The ways in which the lines of a list without a header can be read; which of them is right, the files on the disk say."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from sifa.data.listing.files import UNREAD, VIDEOS
from sifa.data.listing.text import Lines

SEPARATORS = {"\t": "tab", ";": "semicolon", ",": "comma", " ": "space"}
NUMBER = re.compile("[0-9]{1,9}")
NUMBERS = re.compile(r"[0-9]+([\s,;|]+[0-9]+)+")  # several classes, or parts of a clip
SUFFIXES = "|".join(map(re.escape, VIDEOS + UNREAD))
TO_SUFFIX = re.compile(rf"(.+?(?:{SUFFIXES}))\s+(\S.*)", re.IGNORECASE)
LAST_NUMBER = re.compile(r"[\s,;|]+[0-9]+$")
FILE = re.compile(rf"({SUFFIXES})\b", re.IGNORECASE)  # no class has a file's name in it
Cells = Sequence[str]


@dataclass(frozen=True)
class Reading:
    """One way to read a list: a path and a class for each of its lines or entries."""

    columns: str  # what each column is taken for
    paths: Sequence[str]
    classes: Sequence[str]
    numbers: Sequence[int]  # of the lines, from 1
    frames: Sequence[str] = ()  # how many pictures each clip is said to have
    places: Sequence[tuple[str, ...]] = field(default=(), repr=False)  # all paths to try, where there are several
    parts: str = ""  # the columns that name a part of a file, which is not cut out


class Way(NamedTuple):
    """How each line is taken apart."""

    mark: str  # what separates the columns
    columns: str  # what each is taken for
    split: Callable[[str], Cells]  # a line -> path, class and perhaps number of frames; fewer where it does not fit


def ways() -> Iterator[Way]:
    """Path and class, or path, number of frames and class, between tabs, semicolons, commas or spaces."""
    for mark, word in SEPARATORS.items():
        yield Way(mark, f"up to the last {word} = path, the rest = class", partial(_at_last, mark))
        yield Way(mark, f"{word}s between path, number of frames and class", partial(_with_frames, mark))
        yield Way(mark, f"{word}s between path and class, either in quotes", partial(_in_quotes, mark))
    yield Way(" ", "up to the first space = path, the rest = class", lambda line: line.split(None, 1))
    yield Way(" ", "up to the suffix = path, the rest = class", _at_suffix)


def read_way(way: Way, lines: Lines) -> Reading | None:
    """The lines taken apart; None where one does not fit, or a class is several numbers or holds a file's name."""
    paths: list[str] = []
    classes: list[str] = []
    frames: list[str] = []
    for line in lines.texts:
        cells = way.split(line)
        if len(cells) < 2 or not cells[0] or not cells[1]:
            return None
        paths.append(cells[0].rstrip())
        classes.append(cells[1].strip())
        if len(cells) > 2:
            frames.append(cells[2])
    if any(NUMBERS.fullmatch(one) or FILE.search(one) for one in set(classes)):
        return None
    columns = way.columns
    if not frames and not any(way.mark in path for path in paths) and not any(way.mark in one for one in set(classes)):
        columns = f"{SEPARATORS[way.mark]}s between: column 1 = path, column 2 = class"
    return Reading(columns, paths, classes, lines.numbers, frames)


def folder_reading(lines: Lines) -> Reading | None:
    """Each line is a path, and the class is the name of its folder; None where a line has no folder."""
    folders = [text.rpartition("/")[0].rpartition("/")[2] for text in lines.texts]
    return Reading("line = path, its folder = class", lines.texts, folders, lines.numbers) if all(folders) else None


def paths_alone(lines: Lines) -> Reading:
    """Each line is a path, and there are no classes."""
    return Reading("line = path", lines.texts, [""] * len(lines.texts), lines.numbers)


def has_several_numbers(lines: Lines) -> bool:
    """Whether a line ends in two numbers or more."""
    return any(re.search(r"[\s,;|][0-9]+[\s,;|]+[0-9]+$", text) for text in lines.texts)


def without_numbers(text: str) -> str:
    """A text without the numbers at its end."""
    while number := LAST_NUMBER.search(text):
        text = text[: number.start()]
    return text


def quoted_rows(texts: Sequence[str], mark: str) -> list[list[str]] | None:
    """The columns of each line, some of them in quotes; None where the quotes do not fit the lines."""
    try:
        rows = list(csv.reader(texts, delimiter=mark, skipinitialspace=True, strict=True))
    except csv.Error:
        return None
    return rows if len(rows) == len(texts) else None


def _at_last(mark: str, line: str) -> Cells:
    return line.rsplit(None if mark == " " else mark, 1)


def _at_suffix(line: str) -> Cells:
    match = TO_SUFFIX.fullmatch(line)
    return match.groups() if match else ()


def _with_frames(mark: str, line: str) -> Cells:
    """Path, class and number of frames, which is at least 1."""
    cells = line.rsplit(None if mark == " " else mark, 2)
    if len(cells) < 3:
        return ()
    path, frames, label = map(str.strip, cells)
    return (path, label, frames) if NUMBER.fullmatch(frames) and int(frames) and NUMBER.fullmatch(label) else ()


def _in_quotes(mark: str, line: str) -> Cells:
    rows = quoted_rows([line], mark) if '"' in line else [line.split(mark)]
    return rows[0] if rows and len(rows[0]) == 2 else ()
