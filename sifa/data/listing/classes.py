"""Names of classes: files that list them, with numbers or without, and what the classes of a list are called by them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sifa.data.listing.files import same_form
from sifa.data.listing.readings import NUMBER, SEPARATORS, quoted_rows
from sifa.data.listing.records import load_json
from sifa.data.listing.text import CLASSES, Lines, counted, plain, read_text, refusal, short, split_lines, twice
from sifa.errors import DataError, fit_for_screens

NUMBER_COLUMNS = ("id", "number", "index", "label_id", "class_id", "label_index", "class_index", "idx")
NAME_COLUMNS = ("name", "label_name", "class_name", "label", "class", "action", "category", "template")
NUMBER_FIRST = re.compile(r"(?P<number>[0-9]{1,9})[\s,;:]+(?P<name>[^\s,;:].*)")
NUMBER_LAST = re.compile(r"(?P<name>.*[^\s,;:])[\s,;:]+(?P<number>[0-9]{1,9})")


@dataclass(frozen=True)
class Names:
    """Names of classes in their order, and their numbers where these are written beside them."""

    source: str  # in words
    names: tuple[str, ...]
    numbers: Mapping[int, str] | None = None


def name_classes(
    clips: list[tuple[Path, str]], labels: tuple[str, ...], first_number: int | None = None
) -> list[tuple[Path, str]]:
    """Classes that are numbers get the names of a model's classes, in their order; the others have to be among them.

    Numbers count from 0 or from 1, whichever fits; where both do, `first_number` says which. Raises DataError where it does not,
    and for a class that the model does not know.
    """
    called, _ = name_all((label for _, label in clips), Names("the model", labels), first_number)
    return [(file, called[label]) for file, label in clips]


def name_all(classes: Iterable[str], names: Names, first_number: int | None) -> tuple[dict[str, str], str]:
    """Class -> its name, and in words what the classes are. Raises DataError for one that has no name."""
    known = {same_form(name): name for name in names.names}
    found = {one: known.get(same_form(one)) for one in dict.fromkeys(classes)}
    others = [one for one, name in found.items() if name is None]
    if not others:
        return {one: name for one, name in found.items() if name}, f"names, all among the {_size(names)}"
    strangers = [one for one in others if not NUMBER.fullmatch(one)]
    if strangers or any(map(NUMBER.fullmatch, names.names)):
        raise _unknown(strangers or others, names)
    numbers = {one: int(one) for one in others}
    if names.numbers is None:
        start = _first_number(numbers, names, first_number)
        table = dict(enumerate(names.names, start))
    elif first_number not in (None, min(names.numbers)):
        raise DataError(
            f"{names.source} itself numbers its classes from {min(names.numbers)}; leave out --class-numbers-from"
        )
    else:
        table, start = dict(names.numbers), min(names.numbers)
    if strangers := [one for one, number in numbers.items() if number not in table]:
        raise _unknown(strangers, names)
    given = f"lists {min(table)} to {max(table)}" if names.numbers else f"lists {counted(len(table), 'name')} in order"
    words = f"numbers from {start} ({names.source} {given}; {start} = {plain(table[start])})"
    called = {one: name if name is not None else table[numbers[one]] for one, name in found.items()}
    return called, words if len(others) == len(found) else f"names and {words}"


def read_names(file: Path, classes: Iterable[str] = ()) -> Names:
    """The names that a file lists: one a line, with its number or without, under a header or not, or JSON.

    `classes` are those of the clips: where all of them are whole lines, numbers in the lines are parts of names. Raises
    DataError for a file of another kind, and where it says two things of one class.
    """
    text = read_text(file, CLASSES)
    if file.suffix.lower() == ".json" or re.match(r'\s*(\{|\[[\[\s]*)\s*["{]', text):
        pairs = _from_json(file, load_json(file, text, CLASSES))
    else:
        pairs = _from_lines(file, text, set(classes))
    names = [name for _, name in pairs]
    if not names or not all(names):
        raise refusal(file, CLASSES, "a name is empty" if names else "it has no name")
    if odd := [name for name in names if not fit_for_screens(name)]:
        raise refusal(file, CLASSES, f"{short(odd[0])} holds a control character; take it out")
    for again in (twice(names), twice(number for number, _ in pairs if number is not None)):
        if again is not None:
            raise refusal(
                file, CLASSES, f"{short(str(again))} stands twice; every class needs a name and a number of its own"
            )  # fmt: skip
    numbers = {number: name for number, name in pairs if number is not None}
    return Names(file.name, tuple(names), numbers or None)


def _size(names: Names) -> str:
    return f"{counted(len(names.names), 'class')} of {names.source}"


def _unknown(strangers: Sequence[str], names: Names) -> DataError:
    some = f"{', '.join(map(plain, strangers[:5]))}{' ...' if len(strangers) > 5 else ''}"
    known = f"{', '.join(map(plain, sorted(names.names)[:5]))}{' ...' if len(names.names) > 5 else ''}"
    if names.source == "the model":
        return DataError(f"the model does not know {some}; it knows {len(names.names)} classes: {known}")
    return DataError(
        f"the clips have classes that {names.source} does not list: {some}; it lists {len(names.names)} names: {known}"
    )


def _first_number(numbers: Mapping[str, int], names: Names, given: int | None) -> int:
    """Whether numbers count from 0 or from 1. Raises DataError where both fit, or neither."""
    least, most, count = min(numbers.values()), max(numbers.values()), len(names.names)
    fitting = [start for start in (0, 1) if start <= least and most < start + count]
    if given is not None:
        fitting = [given] if given in fitting else []
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        start = given if given is not None else min(1, least)
        raise _unknown([one for one, number in numbers.items() if not start <= number < start + count], names)
    zero, one = plain(names.names[least]), plain(names.names[least - 1])
    raise DataError(
        f"the classes are numbers from {least} to {most}, which may count the {_size(names)} from 0 ({least} = {zero}) or from 1 "
        f"({least} = {one}); say which with --class-numbers-from 0 or 1, or give --labels a file with a number beside each name"
    )


def _from_json(file: Path, found: Any) -> list[tuple[int | None, str]]:
    """Name -> number, number -> name, or names in order, each a text or the list of its words."""
    if isinstance(found, dict):
        rows = [(str(one), str(other)) for one, other in found.items() if isinstance(other, str | int)]
        fitting: list[list[tuple[int | None, str]]] = [
            [(int(number), name.strip().strip('"')) for name, number in pairs]
            for pairs in (rows, [(other, one) for one, other in rows])
            if len(pairs) == len(found) and all(NUMBER.fullmatch(number) for _, number in pairs)
        ]
        if len(fitting) == 1 or (fitting and set(fitting[0]) == set(fitting[1])):
            return fitting[0]
    elif isinstance(found, list):
        words = [[one] if isinstance(one, str) else one for one in found]
        if all(isinstance(one, list) and all(isinstance(word, str) for word in one) for one in words):
            return [(None, " ".join(one).strip()) for one in words]
    raise refusal(
        file, CLASSES, "its entries are neither a name and a number each, nor names in a list; give one name a line, or JSON "
        'such as {"wave": 0, "clap": 1}'
    )  # fmt: skip


def _from_lines(file: Path, text: str, classes: set[str]) -> list[tuple[int | None, str]]:
    lines = split_lines(file, text, CLASSES)
    if not lines.texts:
        raise refusal(file, CLASSES, "it has no line")
    if headed := _under_header(file, lines):
        return headed
    whole = [same_form(line) for line in lines.texts]
    if not classes or not {same_form(one) for one in classes} <= set(whole):
        for form in (NUMBER_FIRST, NUMBER_LAST):
            rows = [match for line in lines.texts if (match := form.fullmatch(line))]
            names = [row["name"].strip().strip('"') for row in rows]
            if len(rows) == len(whole) == len(set(names)):
                return [(int(row["number"]), name) for row, name in zip(rows, names)]
    if lines.left_out.get("empty line"):
        raise refusal(
            file, CLASSES, "it has an empty line between its names, which may count as one; take it out, or write the number "
            "beside each name"
        )  # fmt: skip
    if lines.texts[0].lower() in (*NAME_COLUMNS, "classes", "labels", "names") and not classes <= set(lines.texts):
        raise refusal(
            file, CLASSES, f"its first line, {short(lines.texts[0])}, may be a header or a class; take it out, or write the "
            "number beside each name"
        )  # fmt: skip
    return [(None, line.strip('"')) for line in lines.texts]


def _under_header(file: Path, lines: Lines) -> list[tuple[int | None, str]]:
    """The rows of a table with a column of numbers and one of names; none where the first line names no such columns."""
    mark = next((mark for mark in SEPARATORS if mark in lines.texts[0]), " ")
    rows = quoted_rows(lines.texts, mark) or [[]]
    header = [cell.strip().lower() for cell in rows[0]]
    number = next((header.index(name) for name in NUMBER_COLUMNS if name in header), None)
    name = next((header.index(name) for name in NAME_COLUMNS if name in header), None)
    if number is None or name is None:
        return []
    for row, line in zip(rows[1:], lines.numbers[1:]):
        if len(row) != len(header) or not NUMBER.fullmatch(row[number].strip()):
            raise refusal(file, CLASSES, f"line {line} does not have a number and a name as its header says")
    return [(int(row[number]), row[name].strip()) for row in rows[1:]]
