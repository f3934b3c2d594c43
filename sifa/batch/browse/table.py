"""What the page asks a table: rows that pass filters, in an order, a page at a time."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sifa.batch.row import Row
from sifa.errors import RunError

PAGE = 60  # clips
LONGEST = 500  # characters of a value that is asked for
COLUMNS = """number, file, label, answer, correct, probability, unsure, cut, camera, blocks[1].mean AS moved, padded, notes,
    error, trace, filename"""
THUMBNAILS = pa.schema([("number", pa.int64()), ("thumbnail", pa.binary())])
TORN = "number IS NULL OR file IS NULL OR (error IS NULL AND (answer IS NULL OR probability IS NULL))"
ORDERS = {  # what is asked for -> (what it is called, SQL)
    "list": ("place in the list", "number"),
    "sure": ("probability, highest first", "probability DESC NULLS LAST, number"),
    "unsure": ("probability, lowest first", "probability NULLS LAST, number"),
    "moved": ("displacement, longest first", "moved DESC NULLS LAST, number"),
    "camera": ("most like a camera's motion", "camera.share DESC NULLS LAST, number"),
    "answer": ("answer", "answer NULLS LAST, probability DESC, number"),
    "name": ("file", "file, number"),
}
STATES = {  # what is asked for -> (what it is called, SQL)
    "": ("all", "true"),
    "right": ("right", "correct"),
    "wrong": ("wrong", "NOT correct"),
    "unsure": ("unsure", "unsure"),
    "cut": ("with a cut", "cut"),
    "padded": ("shorter than a clip", "padded > 0"),
    "failed": ("failed", "error IS NOT NULL"),
}


@dataclass(frozen=True)
class Filters:
    """What is asked for; words that are none of those known count as not given."""

    name: str = ""  # a part of the file's path
    answer: str = ""
    label: str = ""
    state: str = ""  # of STATES
    low: float = 0.0  # least probability
    high: float = 1.0
    order: str = "list"  # of ORDERS
    view: str = "grid"  # or "table"
    page: int = 1

    @classmethod
    def parse(cls, asked: Mapping[str, str]) -> "Filters":
        """From what the browser sends."""
        given: dict[str, Any] = {f.name: asked[f.name][:LONGEST] for f in fields(cls) if asked.get(f.name)}
        for name, known in (("state", STATES), ("order", ORDERS), ("view", ("grid", "table"))):
            if given.get(name) not in known:
                given.pop(name, None)
        for name in ("low", "high"):
            try:
                given[name] = min(1.0, max(0.0, float(given[name])))
            except (KeyError, ValueError):
                given.pop(name, None)
        page = str(given.pop("page", 1))
        return cls(**given, page=min(max(1, int(page)), 10**9) if page.isascii() and page.isdecimal() else 1)

    def condition(self) -> tuple[str, list[object]]:
        """As SQL with question marks, and their values."""
        said, values = [STATES[self.state][1]], list[object]()
        if self.name:
            said.append("contains(lower(file), lower(?))")
            values.append(self.name)
        for column in ("answer", "label"):
            if value := getattr(self, column):
                said.append(f"{column} = ?")
                values.append(value)
        if (self.low, self.high) != (0.0, 1.0):
            said.append("probability BETWEEN ? AND ?")
            values += [self.low, self.high]
        return " AND ".join(said), values


@dataclass(frozen=True)
class Found:
    """A page of rows, how many there are in all, and the page's number."""

    rows: list[Row]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PAGE))


class Table:
    """A folder's table, in memory but for thumbnails; what comes into the folder meanwhile is seen. Raises RunError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._lock = threading.Lock()
        self._seen: list[tuple[str, int]] = []
        self._database = duckdb.connect(":memory:")
        self._read()

    def find(self, filters: Filters) -> Found:
        """The page of rows that pass; the last one where it lies beyond."""
        condition, values = filters.condition()
        (total,) = self._ask(f"SELECT count(*) AS n FROM clips WHERE {condition}", values)[0].values()
        page = min(filters.page, max(1, -(-total // PAGE)))
        order = ORDERS[filters.order][1]
        question = f"SELECT * FROM clips WHERE {condition} ORDER BY {order} LIMIT {PAGE} OFFSET {PAGE * (page - 1)}"
        return Found(self._ask(question, values), total, page)

    def clip(self, number: int) -> Row | None:
        """The row of a clip."""
        return next(iter(self._ask("SELECT * FROM clips WHERE number = ?", [number])), None)

    def counts(self) -> dict[str, int]:
        """Of all clips, of those that failed, of those with a class that the model knows ("labelled"), of these that are right."""
        question = (
            "SELECT count(*) AS clips, count(error) AS failed, count(correct) AS labelled, count_if(correct) AS hits"
        )
        return self._ask(f"{question} FROM clips", [])[0]

    def values(self, column: str) -> list[tuple[str, int]]:
        """The values of the column "answer" or "label", and how many clips have each."""
        question = f"SELECT {column} AS v, count(*) AS n FROM clips WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
        return [(row["v"], row["n"]) for row in self._ask(question, [])]

    def trace_file(self, row: Row) -> Path:
        """The .sifa of a row. Raises RunError where it names none below the folder."""
        try:
            file = (self.folder / str(row["trace"])).resolve()
            odd = file.exists() and not file.is_file()  # a pipe would never answer
        except (OSError, ValueError):  # it is too long, or holds a zero byte
            file, odd = self.folder, False
        if row["trace"] is None or not file.is_relative_to(self.folder.resolve()) or file.suffix != ".sifa":
            raise RunError(f"the table names no trace of clip {row['number']} in its own folder")
        if odd:
            raise RunError(
                f"{file.name}, the trace of clip {row['number']}, is no file; remove it and run sifa batch again"
            )
        return file

    def thumbnail(self, number: int) -> bytes | None:
        """A JPEG; None where the clip has none."""
        row = self.clip(number)
        return (
            _thumbnails(row["filename"], dict(self._seen).get(Path(row["filename"]).name, 0)).get(number)
            if row
            else None
        )

    def _parts(self) -> list[tuple[str, int]]:
        found = []
        for file in self.folder.glob("part-*.parquet"):
            with suppress(OSError):  # it went at this moment, or is a link to nothing
                found.append((file.name, file.stat().st_mtime_ns))
        return sorted(found)

    def _refresh(self) -> None:
        with self._lock:
            if self._parts() != self._seen:
                self._read()

    def _read(self) -> None:
        parts = self._parts()
        if not parts:
            raise RunError(f"{self.folder} holds no table; make one with: sifa batch LIST --out {self.folder}")
        files = [str(self.folder / name) for name, _ in parts]
        try:
            self._database.execute(
                f"CREATE OR REPLACE TABLE clips AS SELECT {COLUMNS} FROM read_parquet(?, filename = true)", [files]
            )
        except duckdb.Error as error:
            first = str(error).partition("\n")[0][:300]
            raise RunError(
                f"{self.folder} holds parts that cannot be read as one table ({first}); make it anew"
            ) from error
        (torn,) = self._database.execute(f"SELECT count(*) FROM clips WHERE {TORN}").fetchall()[0]
        if torn:
            raise RunError(f"{self.folder} holds {torn} rows that have no number, file or answer; make it anew")
        self._seen = parts

    def _ask(self, question: str, values: list[object]) -> list[Row]:
        self._refresh()
        answer = self._database.cursor().execute(question, values)
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row)) for row in answer.fetchall()]


@lru_cache(maxsize=32)
def _thumbnails(part: str, changed: int) -> dict[int, bytes]:
    """The thumbnails of a part that was last `changed` then."""
    try:
        columns = pq.read_table(part, columns=["number", "thumbnail"], schema=THUMBNAILS)
    except (OSError, pa.ArrowException):  # it went at this moment, or its pictures are damaged
        return {}
    pairs = zip(columns["number"].to_pylist(), columns["thumbnail"].to_pylist())
    return {number: jpeg for number, jpeg in pairs if jpeg is not None}
