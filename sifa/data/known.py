"""What was found when clips were first read, kept in a file, so that a run that goes on need not read all of them again."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from sifa.data.reading import Fact
from sifa.errors import RunError


class Known:
    """The rows of the files clips-*.jsonl in folder `out`; the process with number `rank` adds to that of its number.

    A row counts as long as the clip's file has the size and the date that it had then. `how` says how clips are read, in
    words: what was read in another way is not known.
    """

    def __init__(self, out: Path, how: str, rank: int = 0) -> None:
        self.file, self.how, self.begun = out / f"clips-{rank}.jsonl", how, False
        self.rows: dict[str, tuple[str, Fact]] = {}
        for file in sorted(out.glob("clips-*.jsonl")):
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    with suppress(ValueError, KeyError, TypeError):  # half a line, of a run that was killed
                        row = json.loads(line)
                        if row["how"] == how:
                            self.rows[row["path"]] = row["stamp"], Fact(str(row["sha256"]), int(row["bytes"]))

    def find(self, path: Path) -> Fact | None:
        """What is known of a clip that has not changed since."""
        before, fact = self.rows.get(str(path.absolute()), ("", None))
        return fact if before and before == stamp(path) else None

    def add(self, path: Path, fact: Fact) -> None:
        """Write down what was found. Raises RunError where it cannot be written."""
        row = dict(path=str(path.absolute()), stamp=stamp(path), how=self.how, sha256=fact.digest, bytes=fact.size)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8", errors="surrogateescape") as lines:
                lines.write("\n" * (not self.begun) + json.dumps(row) + "\n")  # after half a line a new one begins
        except OSError as error:
            why = error.strerror or error
            raise RunError(f"{self.file} could not be written ({why}); make room, or give another --out") from error
        self.begun = True


def stamp(path: Path) -> str:
    """Size and date of a file, or of the pictures in a folder, as a text that changes with them; empty where there is none."""
    try:
        if not path.is_dir():
            found = path.stat()
            return f"{found.st_size} {found.st_mtime_ns}"
        with os.scandir(path) as entries:
            lines = [f"{each.name} {each.stat().st_size} {each.stat().st_mtime_ns}" for each in entries]
    except OSError:
        return ""
    return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()[:32]
