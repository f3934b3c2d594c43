"""The text of a list, in the encodings and with the line ends that programs write."""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sifa.errors import DataError
from sifa.video.containers import HEAD_BYTES, find_container

Item = TypeVar("Item")
CLIPS, CLASSES = "a list of clips", "a list of class names"
LARGEST = 2**30  # bytes
LONGEST = 10_000  # characters of a line: no path is as long
MARKS = {  # what a file begins with -> its encoding; UTF-32 before UTF-16, which begins the same
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Lines:
    """The lines that say something, without the spaces around them, and how many were left out."""

    texts: list[str]
    numbers: list[int]  # from 1
    left_out: dict[str, int] = field(default_factory=dict)  # what -> how many


def refusal(file: Path, kind: str, why: str) -> DataError:
    """That a file is not of this kind, and why."""
    return DataError(f"{file.name} could not be read as {kind}: {why}")


def short(text: str, most: int = 60) -> str:
    """A text in quotes, with what no screen should get written as \\x.., and cut where it is long."""
    return repr(text if len(text) <= most else text[: most - 3] + "...")


def plain(text: str) -> str:
    """A text as it is, but `short` where it is long or holds what no screen should get."""
    return text if len(text) <= 60 and text.isprintable() else short(text)


def twice(items: Iterable[Item]) -> Item | None:
    """The first that stands twice, or None."""
    seen: set[Item] = set()
    for one in items:
        if one in seen:
            return one
        seen.add(one)
    return None


def several(names: list[str]) -> str:
    """The first three of them, and whether there are more."""
    return ", ".join(map(short, names[:3])) + (", ..." if len(names) > 3 else "")


def counted(count: int, word: str) -> str:
    """1 line, 2 lines, 3 classes, 4 entries."""
    if count == 1:
        return f"1 {word}"
    return f"{count} {word[:-1] + 'ies' if word.endswith('y') else word + ('es' if word.endswith('s') else 's')}"


def read_text(file: Path, kind: str) -> str:
    """A file's text with \\n as its line ends: UTF-8, or UTF-8, UTF-16 and UTF-32 with a mark. Raises DataError."""
    try:
        if file.stat().st_size > LARGEST:
            raise refusal(file, kind, f"it is larger than {LARGEST >> 20} MB; split it")
        content = file.read_bytes()
    except OSError as error:
        raise refusal(file, kind, f"{error.strerror or error}") from error
    encoding = next((encoding for mark, encoding in MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content[:HEAD_BYTES] and find_container(content[:HEAD_BYTES]):
        raise refusal(file, kind, "it is a video; give a list, or a folder with one sub-folder of videos per class")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refusal(
            file, kind, f"line {line} is no {encoding.upper()} ({content[error.start]:#04x}); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise refusal(file, kind, "it holds NUL bytes, so it is no text, or UTF-16 without a mark; save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_lines(file: Path, text: str, kind: str) -> Lines:
    """The lines of a text but empty ones and those that begin with #. Raises DataError for a line that is too long."""
    lines = [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []
    numbers = [number for number, line in enumerate(lines, 1) if line and line[0] != "#"]
    if long := next((number for number in numbers if len(lines[number - 1]) > LONGEST), None):
        raise refusal(file, kind, f"line {long} has {len(lines[long - 1])} characters; the limit is {LONGEST}")
    empty = lines.count("")
    left_out = {"empty line": empty, "comment line": len(lines) - empty - len(numbers)}
    texts = [lines[number - 1] for number in numbers]
    return Lines(texts, numbers, {what: n for what, n in left_out.items() if n})
