"""The user's own clips for fine-tuning: a folder with one sub-folder per class, or a list file."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sifa.errors import DataError
from sifa.video.frames import PICTURES

VIDEOS = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif")


def find_clips(data: str | Path, labels: str | Path | None = None) -> list[tuple[Path, str]]:
    """(file, class name) of every clip that a folder or a list file names.

    A folder: one sub-folder of videos per class. A list file: lines `path class` or `path,class` (Kinetics style, also with
    a header that names the columns), lines `path frames class` of the released code, whose number of frames is not needed,
    or the JSON of Something-Something ("id" with "template" or "label"); paths count from the file's folder. Each path is
    that of a video, with or without its suffix, or of a folder of numbered pictures. Where classes are numbers, `labels`
    gives their names: one name per line, or a JSON object name -> number. Raises DataError for an empty class folder, a list
    that names no clip, files of another kind, and labels that do not match.
    """
    data = Path(data)
    if data.is_dir():
        clips = _from_folder(data)
    elif data.is_file():
        with _understood(data, "a list of clips"):
            clips = _from_list(data)
    else:
        raise DataError(f"there is no folder or list file {data}; check the path")
    if not labels:
        return clips
    with _understood(Path(labels), "a list of class names"):
        return _name_from_file(clips, Path(labels))


@contextmanager
def _understood(file: Path, kind: str) -> Iterator[None]:
    """DataError in place of what a file that is not `kind` raises: no text, no JSON, or JSON of another form."""
    try:
        yield
    except (UnicodeDecodeError, json.JSONDecodeError, csv.Error, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file.name} could not be read as {kind} ({type(error).__name__}: {error}); give a text file, or JSON as the "
            "documentation shows it"
        ) from error


def name_classes(clips: list[tuple[Path, str]], labels: tuple[str, ...]) -> list[tuple[Path, str]]:
    """Classes that are numbers get the names of a model's classes, in their order; the others have to be among them.

    Raises DataError for a class that the model does not know.
    """
    names, strangers = _names({str(number): name for number, name in enumerate(labels)}, clips)
    if strangers:
        raise DataError(
            f"the model does not know {', '.join(strangers[:5])}; it knows {len(labels)} classes: "
            f"{', '.join(labels[:5])} ..."
        )
    return [(file, names[label]) for file, label in clips]


def _name_from_file(clips: list[tuple[Path, str]], labels: Path) -> list[tuple[Path, str]]:
    """Classes that are numbers get the names of a file of labels; the others have to be in it."""
    text = labels.read_text()
    if labels.suffix == ".json":
        numbers = {str(number): name for name, number in json.loads(text).items()}
    else:
        numbers = {str(number): name for number, name in enumerate(filter(None, map(str.strip, text.splitlines())))}
    names, strangers = _names(numbers, clips)
    if strangers:
        known = sorted(set(numbers.values()))
        raise DataError(
            f"the clips have classes that {labels.name} does not list: {', '.join(strangers[:5])}"
            f"{' ...' if len(strangers) > 5 else ''}; it lists {len(known)} names: {', '.join(known[:5])}"
            f"{' ...' if len(known) > 5 else ''}"
        )
    return [(file, names[label]) for file, label in clips]


def _names(numbers: dict[str, str], clips: list[tuple[Path, str]]) -> tuple[dict[str, str], list[str]]:
    """The name of each class by number and by name, a name before a number; and the classes of clips that have none."""
    names = numbers | {name: name for name in numbers.values()}
    return names, sorted({label for _, label in clips} - names.keys())


def _from_folder(folder: Path) -> list[tuple[Path, str]]:
    classes = sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
    if not classes:
        raise DataError(f"{folder} has no sub-folders; put the clips of each class into a sub-folder named after it")
    clips = []
    for sub in classes:
        videos = sorted(f for f in sub.iterdir() if f.suffix.lower() in VIDEOS or _holds_pictures(f))
        if not videos:
            raise DataError(f"the class folder {sub} holds no video ({', '.join(VIDEOS)}); fill it or remove it")
        clips += [(video, sub.name) for video in videos]
    return clips


def _from_list(file: Path) -> list[tuple[Path, str]]:
    rows: list[tuple[str, ...]]
    if file.suffix == ".json":
        rows = [
            (str(row["id"]), _without_brackets(row.get("template") or row["label"]))
            for row in json.loads(file.read_text())
        ]
    elif file.suffix == ".csv":
        rows = _from_csv(file)
    else:
        lines = [line.strip() for line in file.read_text().splitlines()]
        rows = [_columns(line, file.parent) for line in lines if line]
    wrong = [row for row in rows if len(row) != 2]
    if wrong or not rows:
        seen = f"line {' '.join(wrong[0])!r}" if wrong else "no line"
        raise DataError(f"{file.name} has {seen}; every line names a clip and its class, as in: folder/clip.mp4 3")
    return [(_find_video(file.parent / row[0]), row[1].strip()) for row in rows]


def _columns(line: str, folder: Path) -> tuple[str, ...]:
    """Path and class of a line. Two numbers at its end are frames and class, unless the first is part of a clip's name."""
    released = re.fullmatch(r"(?P<path>.+)\s+\d+\s+(?P<label>\d+)", line)
    if released and not _find_video(folder / line[: released.start("label")].rstrip()).exists():
        return released["path"].rstrip(), released["label"]
    return tuple(re.split(r",|\s(?=\S+$)", line, maxsplit=1))


def _from_csv(file: Path) -> list[tuple[str, ...]]:
    """Rows of path and class; a header may name the columns, as that of Kinetics does (label, youtube_id, ...)."""
    with file.open(newline="") as lines:
        rows = [row for row in csv.reader(lines) if row]
    header = [name.strip().lower() for name in rows[0]] if rows else []
    name = next((header.index(n) for n in ("path", "file", "youtube_id", "id") if n in header), None)
    label = next((header.index(n) for n in ("label", "class", "template") if n in header), None)
    if name is None or label is None:
        return [tuple(row[:2]) for row in rows]
    return [(row[name], row[label]) for row in rows[1:]]


def _without_brackets(template: str) -> str:
    """Something-Something writes "Holding [something]" in its lists and "Holding something" in its labels."""
    return template.replace("[", "").replace("]", "")


def _find_video(path: Path) -> Path:
    """The path itself, or the video of that name in whatever container (lists often give only an identifier)."""
    if path.suffix.lower() in VIDEOS or path.is_dir():
        return path
    return next((p for suffix in VIDEOS if (p := path.with_name(path.name + suffix)).exists()), path)


def _holds_pictures(folder: Path) -> bool:
    """Whether it is a folder with pictures in it."""
    return folder.is_dir() and any(f.suffix.lower() in PICTURES for f in folder.iterdir())
