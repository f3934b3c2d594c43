"""One reader for all lists: every way to read a list is held against the files on the disk, and one has to fit."""

import gc
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sifa.data.listing.checks import Found, check_classes, check_frames, check_split_file, missing_files, once
from sifa.data.listing.classes import Names, name_all, read_names
from sifa.data.listing.files import Files, same_form
from sifa.data.listing.folders import has_no_classes, loose_videos, read_folder
from sifa.data.listing.readings import (
    NUMBER,
    Reading,
    folder_reading,
    has_several_numbers,
    paths_alone,
    read_way,
    ways,
    without_numbers,
)
from sifa.data.listing.records import headed_readings, json_readings
from sifa.data.listing.text import CLIPS, Lines, counted, read_text, refusal, several, short, split_lines
from sifa.errors import DataError

SOME = 100  # lines in which ways to read a list are tried first
EVERY_LINE = "every line names a clip and its class, as in: folder/clip.mp4 3"


@dataclass(frozen=True)
class Listing:
    """Clips (file, class name), and in words what the folder or the list was read as and what was left out."""

    clips: list[tuple[Path, str]]
    statement: str
    left_out: dict[str, int] = field(default_factory=dict)  # what -> how many


def find_clips(data: str | Path, labels: str | Path | None = None) -> list[tuple[Path, str]]:
    """The clips alone of `read_listing`. Raises DataError."""
    return read_listing(data, labels).clips


def read_listing(
    data: str | Path,
    labels: str | Path | None = None,
    videos: str | Path | None = None,
    first_number: int | None = None,
    allow_missing: bool = False,
    classes_needed: bool = True,
) -> Listing:
    """Every clip that a folder or a list file names, with its class; sifa/data/README.md has a table of the forms.

    A folder: one sub-folder per class, of videos and of folders of numbered pictures. A list file: text or JSON, in which
    each path counts from the folder `videos`, or else from the list's own. `labels` is a file of class names; numbers in the
    list are given their names, counted from `first_number` (0 or 1) where neither the file nor their range says it. With
    `allow_missing` files that are not there stay in the list, else they are an error. Where no classes are needed, a list may
    hold paths alone, and a folder videos at any depth: the class of each is then empty.

    Raises DataError where no way to read the list fits, or more than one, for missing files, for classes that `labels` does
    not list, for clips with two classes, for class folders without clips, and for files of another kind.
    """
    data, names = Path(data), Path(labels) if labels else None
    if data.is_dir():
        if videos:
            raise DataError(
                f"{data} is a folder, which holds the clips itself; say where the videos are only for a list"
            )
        if not classes_needed and not names and has_no_classes(data):
            return _from_loose_videos(data)
        return _from_folder(data, names, first_number)
    if not data.is_file():
        raise DataError(f"there is no folder or list file {data}; check the path")
    root = Path(videos) if videos else data.parent
    if not root.is_dir():
        raise DataError(f"there is no folder {root} with the videos; check the path")
    with _undisturbed():
        return _from_list(data, names, root, first_number, allow_missing, classes_needed)


def name_listing(listing: Listing, labels: tuple[str, ...], first_number: int | None = None) -> Listing:
    """The listing with a model's names of classes (`name_classes`), and in its statement how they were found. Raises DataError."""
    called, words = name_all((label for _, label in listing.clips), Names("the model", labels), first_number)
    clips = [(file, called[label]) for file, label in listing.clips]
    return Listing(clips, f"{listing.statement}; for the model: {words}", listing.left_out)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the garbage collector, which looks through the many small objects again and again, for half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _from_folder(folder: Path, labels: Path | None, first_number: int | None) -> Listing:
    clips, count, left_out = read_folder(folder)
    called, words = _named((label for _, label in clips), labels, first_number)
    named = [(file, called[label]) for file, label in clips]
    head = f"{folder.name or folder}: {counted(count, 'folder')} = classes: {words}; {counted(len(clips), 'clip')}"
    return Listing(named, head + _words(left_out), left_out)


def _from_loose_videos(folder: Path) -> Listing:
    clips, left_out = loose_videos(folder)
    head = f"{folder.name or folder}: no classes; {counted(len(clips), 'clip')}"
    return Listing([(file, "") for file in clips], head + _words(left_out), left_out)


def _from_list(
    file: Path, labels: Path | None, root: Path, first_number: int | None, allow_missing: bool, classes_needed: bool
) -> Listing:
    text = read_text(file, CLIPS)
    files, left_out = Files(root), {}
    if file.suffix.lower() == ".json" or re.match(r"\s*\[\s*\{", text):
        word, (reading, found) = "entry", _choose(file, json_readings(file, text, classes_needed), files, labels)
    else:
        lines = split_lines(file, text, CLIPS)
        left_out = dict(lines.left_out)
        word, (reading, found) = "line", _read_lines(file, lines, files, labels, classes_needed)
    missing = [path for path, where in zip(reading.paths, found) if where is None]
    if missing and not (allow_missing and len(missing) < len(found)):
        raise missing_files(file, reading, missing, files)
    check_frames(file, reading, found)
    called, words = _named(reading.classes, labels, first_number)
    places = [where or os.path.join(root, path) for path, where in zip(reading.paths, found)]
    clips, repeated = once(file, word, places, [called[label] for label in reading.classes], reading)
    if repeated:
        left_out[f"{word} that repeats a clip"] = repeated
    statement = (
        f"{file.name}: {counted(len(found), word)}; {reading.columns}: {words}; "
        f"{counted(len(found) - len(missing), 'file')} found in {root}"
    )
    statement += f", {len(missing)} missing, which count as unreadable" if missing else ""
    return Listing(clips, statement + _words(left_out), left_out)


def _read_lines(
    file: Path, lines: Lines, files: Files, labels: Path | None, classes_needed: bool
) -> tuple[Reading, Found]:
    """The reading of a text that fits, or the best, with the file of each line. Raises DataError."""
    if not lines.texts:
        raise DataError(f"{file.name} has no line; {EVERY_LINE}")
    check_split_file(file, lines)
    if readings := headed_readings(file, lines, classes_needed):
        return _choose(file, readings, files, labels)
    if not classes_needed and not labels and any(found := _locate(paths := paths_alone(lines), files)):
        return paths, found  # no line of path and class is a path itself
    readings = _plain_readings(lines, files)
    best = _choose(file, readings, files, labels) if readings else None
    if best and None not in best[1]:
        return best
    folders = folder_reading(lines)
    if folders and None not in (found := _locate(folders, files)):
        if not labels:
            raise DataError(
                f"{file.name} gives paths alone; their folders ({several(sorted(set(folders.classes)))}) may be the classes: "
                "say so by --labels with a file of the classes' names, or write the class after each path"
            )
        return folders, found
    if has_several_numbers(lines) and not (best and any(best[1]) and not _hides_numbers(best, files)):
        raise refusal(
            file, CLIPS, f"its lines end in several numbers, as {short(lines.texts[0])}, and read as path and class, or as path, "
            f"number of frames and class, not all files are found in {files.root}. If it is one of these, say with --videos "
            "where the files lie. Several classes per clip and parts of videos are not read; where the columns are others, name "
            "them in a first line such as path,label"
        )  # fmt: skip
    if best:
        return best
    alone = next((text for text in lines.texts if len(text.split()) < 2), lines.texts[0])
    raise DataError(f"{file.name} has line {short(alone)}; {EVERY_LINE}")


def _plain_readings(lines: Lines, files: Files) -> list[Reading]:
    """The ways that fit all lines of a text without a header, without those that miss files where another finds all.

    That is first seen in some of the lines: a list may have a million."""
    some = slice(None, None, len(lines.texts) // SOME + 1)
    sample = Lines(lines.texts[some], lines.numbers[some])
    tried = [(way, reading) for way in ways() if (reading := read_way(way, sample))]
    complete = [way for way, reading in tried if None not in _locate(reading, files)]
    readings: list[Reading] = []
    for group in (complete, [way for way, _ in tried]):
        for reading in (read_way(way, lines) for way in group):
            if reading and not any(_same(reading, other) for other in readings):
                readings.append(reading)
        if readings:
            break
    return readings


def _hides_numbers(best: tuple[Reading, Found], files: Files) -> bool:
    """Whether a path that is missing is one that is there and more numbers."""
    missing = (path for path, where in zip(best[0].paths, best[1]) if where is None)
    return any((path := without_numbers(whole)) != whole and files.find(path) for whole in missing)


def _same(one: Reading, other: Reading) -> bool:
    return one.paths == other.paths and one.classes == other.classes


def _choose(file: Path, readings: list[Reading], files: Files, labels: Path | None) -> tuple[Reading, Found]:
    """The reading for which all files are there, else most. Raises DataError where several fit that are not the same."""
    located = [(reading, _locate(reading, files)) for reading in readings]
    counts = [len(found) - found.count(None) for _, found in located]
    most = max(counts)
    fitting: list[tuple[Reading, Found]] = []
    for (reading, found), count in zip(located, counts):
        same = any(found == other and reading.classes == one.classes for one, other in fitting)
        if count == most and not same:
            fitting.append((reading, found))
    if len(fitting) > 1 and most and labels:
        fitting = [one for one in fitting if _is_named(one[0], labels)] or fitting
    if len(fitting) > 1 and most:
        ways = " or ".join(f'"{reading.columns}"' for reading, _ in fitting[:2])
        raise DataError(
            f"{file.name} can be read in two ways: {ways}; say which by a first line with the names of the columns, such as "
            "path,label, and commas between them"
        )
    return fitting[0]


def _locate(reading: Reading, files: Files) -> Found:
    """The file of each line; None where it is missing."""
    if reading.places:
        return [next(filter(None, map(files.find, places)), None) for places in reading.places]
    return list(map(files.find, reading.paths))


def _is_named(reading: Reading, labels: Path) -> bool:
    """Whether a file of labels has names for all classes."""
    try:
        name_all(reading.classes, read_names(labels, reading.classes), first_number=None)
    except DataError:
        return False
    return True


def _named(classes: Iterable[str], labels: Path | None, first_number: int | None) -> tuple[dict[str, str], str]:
    """Class -> its name, and in words what the classes are. Raises DataError."""
    known = list(dict.fromkeys(classes))
    if known == [""]:
        return {"": ""}, "no classes"
    check_classes(known)
    if labels:
        return name_all(known, read_names(labels, known), first_number)
    called = {one: same_form(one) for one in known}
    if all(map(NUMBER.fullmatch, known)):
        numbers = sorted(map(int, known))
        return called, f"numbers without names ({len(numbers)}, from {numbers[0]} to {numbers[-1]})"
    return called, f"names ({len(known)})"


def _words(left_out: dict[str, int]) -> str:
    """What was left out, to end a statement with."""
    words = ", ".join(f"{n} x {what}" for what, n in sorted(left_out.items()))
    return f"; left out: {words}" if words else ""
