"""state.pt of a run: all that a continuation needs. The one before it is kept, in case the last is damaged."""

import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from sifa.errors import DataError, RunError
from sifa.training.record import Record, changes, circumstances, impossible
from sifa.weights.files import reason, write_whole
from sifa.weights.tensors import not_finite

MAGIC = b"SIFARUN1"  # then the sha256 of the rest, and the rest: what torch.save makes
START = len(MAGIC) + hashlib.sha256().digest_size
NAME, BEFORE = "state.pt", "state.before.pt"
REMEDY = "Give a smaller --lr and another --out; the last good state is kept"

logger = logging.getLogger(__name__)


@dataclass
class Position:
    """How far a run is."""

    step: int = 0  # steps that are done
    cpu_seconds: float = 0.0
    unlogged: list[list[float]] = field(default_factory=list)  # values of steps that log.csv has no row for yet
    changed: list[str] = field(default_factory=list)  # what was changed on the way, and when, in sentences


class State:
    """The file in folder `out`, and what it is a copy of; `record` is what the run is trained on."""

    def __init__(self, out: Path, record: Record, model: nn.Module, optimisers: Sequence[Optimizer]) -> None:
        self.file, self.before = out / NAME, out / BEFORE
        self.record, self.model, self.optimisers = record, model, optimisers
        self.whole = False  # whether the file that is there now may take the place of the one before

    def restore(self, device: str, accept: bool = False) -> Position:
        """Go back to where the file was written, if there is one; `accept`: although the run is trained on something else.

        A damaged file is left for the one before it, which is said in the log. Raises DataError where the run is of something
        else that was not accepted or cannot be gone on with, and where there was a run but no file of it is whole.
        """
        try:
            saved = self._read(device)
            if saved is None:
                return Position()
            position = Position(**saved["position"])
            self._compare(saved["record"], position, accept)
            self.model.load_state_dict(saved["model"])
            for optimiser, entries in zip(self.optimisers, saved["optimizers"]):
                optimiser.load_state_dict(entries)
        except (KeyError, TypeError, AttributeError, RuntimeError, UnpicklingError) as error:
            raise DataError(
                f"{self.file} holds something else than this version of the program writes ({type(error).__name__}); choose "
                "another --out"
            ) from error
        return position

    def save(self, position: Position) -> None:
        """Write the file and read it back; only then it takes the place of the one before. Raises RunError.

        Whenever a run is stopped, one of the two files is whole.
        """
        if broken := not_finite(self.model.state_dict()):
            raise RunError(f"after step {position.step} numbers in {broken[0]} are infinite or none. {REMEDY}")
        now = dict(
            record=self.record,
            position=vars(position),
            model=self.model.state_dict(),
            optimizers=[optimiser.state_dict() for optimiser in self.optimisers],
        )
        held = io.BytesIO()
        torch.save(now, held)
        content = held.getbuffer()
        new = self.file.with_name("state.new.pt")
        try:
            write_whole(new, MAGIC + hashlib.sha256(content).digest() + content)
            if unsound(new):
                raise RunError(f"{new} cannot be read back as it was written; check the disk")
            if self.whole:
                self.file.replace(self.before)
            new.replace(self.file)
            self.whole = True
        except (RunError, OSError) as error:
            why = error if isinstance(error, RunError) else reason(error)
            raise RunError(f"{why}. The run can go on from the last good state, by the same command") from error

    def _read(self, device: str) -> dict[str, Any] | None:
        """What the newest whole file holds; None where there was no run."""
        faults = {file: unsound(file) for file in (self.file, self.before)}
        found = next((file for file, fault in faults.items() if not fault), None)
        if found is None:
            self._refuse_remains(faults)
            return None
        self.whole = found == self.file
        if not self.whole:
            logger.warning(
                "%s %s; the run goes on from the state before it, %s", self.file, faults[self.file], found.name
            )
        content = io.BytesIO(found.read_bytes()[START:])
        saved: dict[str, Any] = torch.load(content, map_location=device, weights_only=True)
        return saved

    def _refuse_remains(self, faults: dict[Path, str]) -> None:
        """Raises DataError unless there is nothing of a run in the folder."""
        out = self.file.parent
        left = [name for name in (NAME, BEFORE, "log.csv", "checkpoint.safetensors") if (out / name).exists()]
        if left:
            raise DataError(
                f"{out} holds {', '.join(left)} of a run, but no state to go on from: {self.file.name} {faults[self.file]}. "
                "Choose another --out, or remove these files to begin anew"
            )

    def _compare(self, before: Record, position: Position, accept: bool) -> None:
        out, step = self.file.parent, position.step
        if faults := impossible(before, self.record):
            raise DataError(f"{out} holds a run that cannot go on. {' '.join(faults)} Choose another --out")
        found = changes(before, self.record)
        if found and step >= self.record["recipe"]["steps"]:
            raise DataError(
                f"{out} holds a run that has done its {step} steps. {' '.join(found)} Choose another --out, or give more --steps "
                "and --accept-changes to train on that"
            )
        if found and not accept:
            raise DataError(
                f"{out} holds a run of something else. {' '.join(found)} Choose another --out, or add --accept-changes to go "
                f"on from step {step} with what is new"
            )
        for sentence in circumstances(before, self.record):
            logger.warning("%s The last digits of the weights may differ from those of a run in one piece.", sentence)
        if found:
            logger.warning("goes on from step %d although: %s", step, " ".join(found))
            position.changed.append(f"From step {step} on: {' '.join(found)}")


def unsound(file: Path) -> str:
    """Why a state cannot be used, in words that follow its name; empty where it is whole."""
    try:
        with file.open("rb") as opened:
            head = opened.read(START)
            if not head:
                return "is empty"
            if head[:2] == b"PK":
                return "is of an earlier version of this program, which did not write down what a run was trained on"
            if head[: len(MAGIC)] != MAGIC:
                return "is damaged"
            whole = hashlib.file_digest(opened, "sha256").digest() == head[len(MAGIC) :]
            return "" if whole else "is cut off or damaged"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({reason(error)})"
