"""What the parts find, a row for each thing, written down at once: a part that is killed leaves what it had."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

PASSED, FAILED, MEASURED, SKIPPED = "passed", "FAILED", "measured", "skipped"


@dataclass(frozen=True)
class Row:
    """One thing that was checked, measured or left out."""

    part: str
    name: str
    result: str
    value: float | str | None = None
    limit: str = ""  # of what is checked, or a goal of what is measured
    note: str = ""  # a reason, or what the value means


@dataclass(frozen=True)
class Setting:
    """How a part is run."""

    device: str  # "cuda" or "cpu"
    small: bool  # tiny sizes, for a CPU

    @property
    def gpu(self) -> bool:
        return self.device != "cpu"


class Report:
    """The rows of one part, each a line of JSON in a file."""

    def __init__(self, part: str, file: Path, seconds: float) -> None:
        self.part, self.file, self.until = part, file, time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until the part is stopped."""
        return self.until - time.monotonic()

    def add(self, name: str, result: str, value: float | str | None = None, limit: str = "", note: str = "") -> None:
        """Write a row down."""
        with self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(Row(self.part, name, result, value, limit, note))) + "\n")

    def most(self, name: str, value: float, limit: float, note: str = "") -> None:
        """A check: the value must be a number and at most the limit."""
        self.add(
            name, PASSED if math.isfinite(value) and value <= limit else FAILED, number(value), f"<= {limit:.3g}", note
        )

    def least(self, name: str, value: float, limit: float, note: str = "") -> None:
        """A check: the value must be a number and at least the limit."""
        self.add(
            name, PASSED if math.isfinite(value) and value >= limit else FAILED, number(value), f">= {limit:.3g}", note
        )

    def holds(self, name: str, whether: bool, note: str = "") -> None:
        """A check that has no number."""
        self.add(name, PASSED if whether else FAILED, note=note)

    def figure(self, name: str, value: float | str, note: str = "", goal: str = "") -> None:
        """What is measured, and is neither right nor wrong."""
        self.add(name, MEASURED, number(value) if isinstance(value, float) else value, goal, note)

    def skip(self, name: str, reason: str) -> None:
        """What is left out, and why."""
        self.add(name, SKIPPED, note=reason)

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """Whatever fails inside is a row, and the part goes on."""
        try:
            yield
        except Exception as error:
            self.add(name, FAILED, note=reason_of(error))

    def has(self, name: str, seconds: float) -> bool:
        """Whether there is time for something that takes about so many seconds; where there is not, a row says so."""
        if self.left < seconds:
            self.skip(name, f"{max(self.left, 0):.0f} s were left, and it takes about {seconds:.0f}")
        return self.left >= seconds


def number(value: float) -> float | str:
    """Four digits; what is no finite number as a word, since JSON has none."""
    return float(f"{value:.4g}") if math.isfinite(value) else str(value)


def reason_of(error: BaseException) -> str:
    """An error in a line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:300]}"


def rows_of(file: Path) -> list[Row]:
    """What a part has written, but for a last line that it could not finish."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [Row(**json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]
