"""What is checked of a list once it is read: files that are missing, clips that stand twice, numbers that are no classes."""

import os
import re
import unicodedata
from pathlib import Path

from sifa.data.listing.files import Files, count_pictures
from sifa.data.listing.readings import NUMBER, Reading
from sifa.data.listing.text import CLIPS, Lines, refusal, several, short
from sifa.errors import DataError, fit_for_screens

UNSEEN = "Zs", "Cf"  # kinds of characters: spaces, and those without a picture of their own
LOOK = 20  # folders of pictures in which the number of frames is compared
Found = list[str | None]  # the file of each line


def once(
    file: Path, word: str, places: list[str], labels: list[str], reading: Reading
) -> tuple[list[tuple[Path, str]], int]:
    """Each clip once, and how many lines repeat one. Raises DataError for a clip of two classes, or two parts of a video."""
    clips: list[tuple[Path, str]] = []
    seen: dict[str, int] = {}
    for i, (place, label) in enumerate(zip(places, labels)):
        plain = os.path.normpath(place) if "/." in place or "//" in place else place
        before = seen.setdefault(plain, i)
        if before == i:
            clips.append((Path(place), label))
            continue
        lines = f"{word} {reading.numbers[before]} and {word} {reading.numbers[i]} of {file.name}"
        if reading.parts:
            raise DataError(
                f"{lines} name parts ({reading.parts}) of one file, {short(place)}; cut the parts out into files"
            )
        if label != labels[before]:
            raise DataError(
                f"{lines} give {short(place)} two classes, {short(labels[before])} and {short(label)}; one class per clip is read"
            )
    return clips, len(places) - len(clips)


def check_split_file(file: Path, lines: Lines) -> None:
    """Raises DataError for the split files of HMDB51, whose numbers are no classes."""
    name = re.fullmatch(r"(.+)_test_split[0-9]\.txt", file.name)
    if name and {text.rpartition(" ")[2] for text in lines.texts} <= {"0", "1", "2"}:
        raise refusal(
            file, CLIPS, f"it is a split file of HMDB51: its numbers mean 1 = train, 2 = test, 0 = unused, and the class is in its "
            f"name ({name[1]}); write one list of lines such as {name[1]}/clip.avi {name[1]}"
        )  # fmt: skip


def check_frames(file: Path, reading: Reading, found: Found) -> None:
    """Raises DataError where no folder looked into has as many pictures as the list says."""
    folders = [(where, int(frames)) for where, frames in zip(found, reading.frames) if where]
    folders = [(where, frames) for where, frames in folders[:: len(folders) // LOOK + 1] if os.path.isdir(where)]
    for where, frames in folders:
        counts = count_pictures(where)
        if any(abs(count - frames) <= 1 for count in counts.values()):
            return
    if folders:
        where, frames = folders[0]
        raise DataError(
            f"{file.name} was read as {reading.columns}; but no folder has the number of pictures that column 2 says "
            f"({short(where)} has {count_pictures(where).total()}, the list says {frames}); name the columns in a first line "
            "such as path,frames,label, or write path and class alone"
        )


def check_classes(classes: list[str]) -> None:
    """Raises DataError for a class that no screen can show, and for two that nobody could tell apart."""
    alike: dict[str, str] = {}
    for one in classes:
        if not fit_for_screens(one):
            raise DataError(
                f"the class {short(one)} has a control character in its name, or is not UTF-8; rename it, since no screen can "
                "show it"
            )
        seen = "".join(
            letter for letter in unicodedata.normalize("NFC", one) if unicodedata.category(letter) not in UNSEEN
        )
        other = alike.setdefault(str(int(seen)) if NUMBER.fullmatch(seen) else seen, one)
        if unicodedata.normalize("NFC", other) != unicodedata.normalize("NFC", one):
            raise DataError(
                f"the classes {other!a} and {one!a} differ only in spaces, invisible characters or zeros before a "
                "number; write both in one way"
            )


def missing_files(file: Path, reading: Reading, missing: list[str], files: Files) -> DataError:
    """What to do about files that are not there."""
    count = len(reading.paths)
    if unclear := [path for path in missing if path in files.unclear]:
        videos = " or ".join(map(short, files.unclear[unclear[0]]))
        return DataError(f"{file.name} names {short(unclear[0])}, which may be {videos}; write the suffix")
    said = (
        f"{len(missing)} of {count} files that {file.name} names are missing: {several(missing)}; it was read as "
        f"{reading.columns}, and paths count from {files.root}"
    )
    if len(missing) == count:
        return DataError(
            f"{said}. Say with --videos where the files lie; where the columns are others, name them in a first line such as "
            "path,label"
        )
    if missing == [reading.paths[0]]:
        return DataError(
            f"{said}. If that line is a header, call its columns path and label, and put commas between them"
        )
    return DataError(f"{said}. Get them, take their lines out, or let --allow-missing count them as unreadable")
