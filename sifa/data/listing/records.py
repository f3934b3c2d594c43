"""Lists whose columns have names: with a header line, or JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sifa.data.listing.readings import NUMBERS, SEPARATORS, Reading, quoted_rows
from sifa.data.listing.text import CLIPS, Lines, counted, refusal, several, short, twice
from sifa.errors import DataError

PATHS = (
    "path", "file_path", "filepath", "video_path", "clip_path", "file", "filename", "file_name", "frame_dir", "clip",
    "clip_name", "vid_name", "video_name", "video", "video_id", "youtube_id", "id",
)  # fmt: skip
CLASSES = (  # those that may hold names before those of numbers
    "template", "label_name", "class_name", "label", "class", "action", "category", "label_id", "class_id", "label_index",
    "class_index",
)  # fmt: skip
FRAMES = ("frames", "num_frames", "total_frames", "n_frames")
STARTS, ENDS = ("time_start", "start_frame", "start", "t_start"), ("time_end", "end_frame", "end", "t_end")
SPLITS = ("split", "subset", "partition", "fold")
NO_SEPARATOR = "\x1f"  # a character that stands in no list: one column, whatever it holds
KNOWN = {*PATHS, *CLASSES, *FRAMES, *STARTS, *ENDS, *SPLITS}
SEVERAL = {"actions": "Charades", "verb_class": "EPIC-KITCHENS", "verb": "EPIC-KITCHENS"}  # column -> whose it is


def headed_readings(file: Path, lines: Lines, classes_needed: bool = True) -> list[Reading] | None:
    """The ways to read lines under a header; None where the first line is none. Raises DataError."""
    mark = next((mark for mark in SEPARATORS if mark in lines.texts[0]), NO_SEPARATOR)
    first = quoted_rows(lines.texts[:1], mark)
    header = [name.strip().lower() for name in first[0]] if first else []
    if not ({*PATHS} & {*header} and ({*CLASSES, *SEVERAL} & {*header} or {*header} <= KNOWN)):
        return None
    if (name := twice(header)) is not None:
        raise refusal(file, CLIPS, f"its header has {short(name)} twice; rename one")
    rows = quoted_rows(lines.texts[1:], mark)
    if rows is None:
        raise refusal(file, CLIPS, "a quote is opened and not closed; write the quotes anew")
    for row, number in zip(rows, lines.numbers[1:]):
        if len(row) != len(header):
            raise refusal(
                file, CLIPS, f"line {number} has {counted(len(row), 'column')}, the header has {len(header)}; put quotes "
                "around what holds the separator"
            )  # fmt: skip
    columns = {name: [row[i].strip() for row in rows] for i, name in enumerate(header)}
    return _readings(file, columns, lines.numbers[1:], "line", classes_needed)


def json_readings(file: Path, text: str, classes_needed: bool = True) -> list[Reading]:
    """The ways to read a list of JSON objects. Raises DataError."""
    entries = load_json(file, text, CLIPS)
    if isinstance(entries, dict):
        raise refusal(
            file, CLIPS, "it is one object; a list of objects is read, one per clip. Annotations of parts of videos "
            "(ActivityNet) are not read: cut the parts out"
        )  # fmt: skip
    if not isinstance(entries, list):
        raise refusal(file, CLIPS, "it is no list of objects, one per clip")
    if not entries:
        raise refusal(file, CLIPS, "it has no entry")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise refusal(file, CLIPS, f"entry {number} is no object, such as " + '{"id": "1", "label": "wave"}')
    columns: dict[str, list[str]] = {name: [] for name in entries[0]}
    for name in (name for name in columns if name in KNOWN and name not in FRAMES):
        columns[name] = [_cell(file, name, number, entry) for number, entry in enumerate(entries, 1)]
    return _readings(file, columns, range(1, len(entries) + 1), "entry", classes_needed)


def load_json(file: Path, text: str, kind: str) -> Any:
    """What a JSON text says; a name that stands twice in an object is no JSON. Raises DataError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if (name := twice(name for name, _ in pairs)) is not None:
            raise ValueError(f"it has {short(name)} twice in one object")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise refusal(file, kind, "it is nested too deeply") from error
    except ValueError as error:
        raise refusal(file, kind, f"it is no JSON ({error})") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _cell(file: Path, name: str, number: int, entry: Mapping[str, Any]) -> str:
    """A value as text. Raises DataError for one that is missing, or several classes."""
    value = entry.get(name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list) and name in CLASSES:
        raise refusal(file, CLIPS, f"entry {number} has {len(value)} classes; one class per clip is read")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refusal(file, CLIPS, f"entry {number} has no text or number as {short(name)}")
    return str(value).strip()


def _readings(
    file: Path, columns: dict[str, list[str]], numbers: Sequence[int], word: str, classes_needed: bool
) -> list[Reading]:
    """One reading for each column that may hold paths and each that may hold classes, or without any where none are needed."""
    strange = next((name for name in SEVERAL if name in columns), None)
    if strange:
        raise refusal(
            file, CLIPS, f"its column {short(strange)} is that of {SEVERAL[strange]}, whose clips have several classes; one "
            "class per clip is read"
        )  # fmt: skip
    paths = [name for name in PATHS if name in columns]
    classes = [name for name in CLASSES if name in columns]
    if not paths or (not classes and classes_needed):
        missing = "classes" if paths else "paths"
        raise refusal(
            file, CLIPS, f"it has no {missing}, only {several(list(columns)) or 'other names'}; a test list without classes "
            "cannot be learned from or measured"
        )  # fmt: skip
    if not numbers:
        raise refusal(file, CLIPS, "it has a header and no line")
    _check_cells(file, columns, numbers, paths[:1] + classes[:1], word)
    _check_split(file, columns)
    different = _different(file, columns, classes) if classes else [""]
    return [_reading(columns, path, name, numbers) for path in paths for name in different]


def _reading(columns: dict[str, list[str]], path: str, name: str, numbers: Sequence[int]) -> Reading:
    classes = columns.get(name, [""] * len(numbers))
    if name == "template":  # "Holding [something]" is "Holding something" in the list of labels
        classes = [text.replace("[", "").replace("]", "") for text in classes]
    start, end = (next((one for one in group if one in columns), "") for group in (STARTS, ENDS))
    split = next((one for one in SPLITS if one in columns), "")
    places: list[tuple[str, ...]] = []
    words = f"column {short(path)}"
    unused = [short(other) for other in columns if other not in (path, name)]
    if (start, end) == ("time_start", "time_end"):
        splits = columns.get(split, [""] * len(numbers))
        places = [_kinetics_places(*row) for row in zip(columns[path], columns[start], columns[end], classes, splits)]
        unused = [one for one in unused if one not in (short(start), short(end))]
        words += ", alone or with the times,"
    words += f" = path{f', column {short(name)} = class' if name else ''}" + (
        f", not used: {', '.join(unused)}" if unused else ""
    )
    parts = " and ".join(filter(None, (start, end)))
    return Reading(words, columns[path], classes, numbers, (), places, parts)


def _kinetics_places(path: str, start: str, end: str, label: str, split: str) -> tuple[str, ...]:
    """Where a clip of Kinetics may lie: path_000003_000013, in folders of classes and splits or not."""
    try:
        names = [f"{path}_{int(float(start)):06d}_{int(float(end)):06d}", path]
    except (ValueError, OverflowError):
        names = [path]
    classes = dict.fromkeys((label, label.replace(" ", "_"))) if label else {}
    folders = ["", *(f"{one}/" for one in classes)]
    if split:
        folders += [f"{split}/{folder}" for folder in folders]
    return tuple(folder + name for name in names for folder in folders)


def _check_cells(
    file: Path, columns: dict[str, list[str]], numbers: Sequence[int], needed: list[str], word: str
) -> None:
    for name in needed:
        for cell, number in zip(columns[name], numbers):
            if not cell:
                raise refusal(file, CLIPS, f"{word} {number} has nothing as {short(name)}")
            if name in CLASSES and NUMBERS.fullmatch(cell):
                raise refusal(
                    file, CLIPS, f"{word} {number} has several classes, {short(cell)}; one class per clip is read"
                )  # fmt: skip


def _check_split(file: Path, columns: dict[str, list[str]]) -> None:
    """Raises DataError where a column says that the list holds several parts of a data set."""
    for name in SPLITS:
        kinds = sorted(set(columns.get(name, [])))
        if len(kinds) > 1:
            counts = ", ".join(f"{short(kind)} {columns[name].count(kind)}" for kind in kinds[:4])
            raise DataError(
                f"{file.name} holds several parts of a data set (column {short(name)}: {counts}); write a list of each"
            )


def _different(file: Path, columns: dict[str, list[str]], classes: list[str]) -> list[str]:
    """The column of classes. Raises DataError where two columns tell classes apart in different ways."""
    if classes[0] == "template":
        return classes[:1]
    first, *others = classes
    for other in others:
        pairs = set(zip(columns[first], columns[other]))
        if not len(pairs) == len(set(columns[first])) == len(set(columns[other])):
            raise DataError(
                f"{file.name} has two columns of classes that do not agree, {short(first)} and {short(other)}; take one out"
            )
    return [first]
