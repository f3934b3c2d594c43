"""What a run writes on its way."""

import time
from dataclasses import replace
from pathlib import Path

from sifa.training.log import Log
from sifa.training.pace import Pace
from sifa.training.recipes import Recipe
from sifa.training.state import Position, State

MOST_SECONDS = 60  # from one saved state to the next


class Keeper:
    """Writes log.csv, and state.pt every `save_every` steps, at least once a minute, and at the end. Raises RunError."""

    def __init__(
        self, out: Path, state: State, position: Position, recipe: Recipe, save_every: int, pace: Pace
    ) -> None:
        self.pace = pace
        self.state, self.position, self.recipe, self.save_every = state, position, recipe, save_every
        if not position.step:
            state.save(position)  # the first of what is written: a folder with anything of a run has a state
        self.log = Log(out / "log.csv", position.step, position.unlogged)
        self.began, self.saved = time.process_time() - position.cpu_seconds, time.monotonic()

    @property
    def seconds(self) -> float:
        """Of the CPU, that the run took so far."""
        return time.process_time() - self.began

    def enter(self, done: int, values: list[float], classes: int) -> None:
        """The values of a step, after so many steps and of so many classes."""
        last = done == self.recipe.steps
        self.log.add(done, done * self.recipe.batch, self.seconds, values, classes, last, self.pace)
        if done % self.save_every == 0 or last or time.monotonic() - self.saved > MOST_SECONDS:
            now = replace(self.position, step=done, cpu_seconds=self.seconds, unlogged=self.log.recent)
            self.state.save(now)
            self.saved = time.monotonic()
