"""state.pt of a run: all that a continuation needs."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer

from sifa.errors import DataError
from sifa.training.recipes import Recipe


class Position(NamedTuple):
    """How far a run is."""

    step: int = 0  # steps that are done
    cpu_seconds: float = 0.0


class State:
    """The file, and what it is a copy of."""

    def __init__(
        self, file: Path, recipe: Recipe, labels: Sequence[str], model: nn.Module, optimisers: Sequence[Optimizer]
    ) -> None:
        self.file, self.model, self.optimisers = file, model, optimisers
        self.run = dict(recipe=asdict(recipe), labels=list(labels))  # what tells one run from another

    def restore(self, device: str) -> Position:
        """Go back to where the file was written, if there is one. Raises DataError where it is of another run."""
        if not self.file.exists():
            return Position()
        saved = torch.load(self.file, map_location=device, weights_only=True)
        if any(saved[key] != value for key, value in self.run.items()):
            raise DataError(
                f"{self.file.parent} holds a run of another recipe or other classes: {saved['recipe']}, "
                f"{saved['labels'][:3]} ...; choose another --out"
            )
        self.model.load_state_dict(saved["model"])
        for optimiser, entries in zip(self.optimisers, saved["optimizers"]):
            optimiser.load_state_dict(entries)
        return Position(saved["step"], saved["cpu_seconds"])

    def save(self, step: int, cpu_seconds: float) -> None:
        """Write the file; one that is half written never replaces a whole one."""
        part = self.file.with_suffix(".part")
        now = dict(
            step=step,
            cpu_seconds=cpu_seconds,
            model=self.model.state_dict(),
            optimizers=[optimiser.state_dict() for optimiser in self.optimisers],
        )
        torch.save(self.run | now, part)
        part.replace(self.file)
