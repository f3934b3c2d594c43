"""The random numbers of a scene: what is left to chance in a clip once its class is chosen.

All of them are drawn for every clip, whatever its class, and in the order of the fields of `Draws`, so that the same
generator gives the same clips. A new number goes to the end; to move a line, or to take one out, changes every clip.
"""

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple, get_type_hints

import torch
from torch import Tensor


class Uniform(NamedTuple):
    """Random numbers (B, 1) float32 between two bounds."""

    low: float
    high: float

    def draw(self, count: int, num_frames: int, rng: torch.Generator) -> Tensor:
        return torch.rand(count, 1, generator=rng) * (self.high - self.low) + self.low


class Chance(NamedTuple):
    """Random choices (B, 1) bool, true with this probability."""

    p: float

    def draw(self, count: int, num_frames: int, rng: torch.Generator) -> Tensor:
        return torch.rand(count, 1, generator=rng) < self.p


class Normal(NamedTuple):
    """Normal random numbers (rows, B, T) float32, one for every frame."""

    rows: int

    def draw(self, count: int, num_frames: int, rng: torch.Generator) -> Tensor:
        return torch.randn(self.rows, count, num_frames, generator=rng)


@dataclass(frozen=True)
class Draws:
    """Lengths are in half sides of the picture, angles in radians, frequencies in periods per clip."""

    ease: Annotated[Tensor, Uniform(0.75, 1.35)]  # exponent of time: slow at the start, or at the end

    # the first object at rest
    x: Annotated[Tensor, Uniform(-0.45, 0.45)]
    y: Annotated[Tensor, Uniform(-0.45, 0.45)]
    turn: Annotated[Tensor, Uniform(-math.pi, math.pi)]
    size: Annotated[Tensor, Uniform(0.26, 0.5)]

    # what it does, if its class says so
    centre_x: Annotated[Tensor, Uniform(-0.3, 0.3)]  # middle of its way, and of what two objects do
    centre_y: Annotated[Tensor, Uniform(-0.3, 0.3)]
    heading: Annotated[Tensor, Uniform(-0.3, 0.3)]  # away from straight left, right, up or down
    path: Annotated[Tensor, Uniform(0.5, 1.5)]
    growth: Annotated[Tensor, Uniform(1.6, 2.8)]
    spin: Annotated[Tensor, Uniform(math.radians(60), math.radians(220))]
    shake: Annotated[Tensor, Uniform(0.12, 0.3)]
    shake_frequency: Annotated[Tensor, Uniform(1.3, 2.6)]
    shake_phase: Annotated[Tensor, Uniform(0, 6.28)]
    hop: Annotated[Tensor, Uniform(0.35, 0.8)]
    hop_frequency: Annotated[Tensor, Uniform(1.2, 2.4)]  # bounces per clip
    hop_phase: Annotated[Tensor, Uniform(0, 1)]  # in bounces
    squeeze: Annotated[Tensor, Uniform(1.5, 2.3)]
    upright: Annotated[Tensor, Uniform(-0.3, 0.3)]

    # the second object as a bystander
    side: Annotated[Tensor, Chance(0.5)]  # of the first one's way
    bystander_x: Annotated[Tensor, Uniform(0.55, 0.8)]
    bystander_y: Annotated[Tensor, Uniform(0.55, 0.8)]
    bystander_turn: Annotated[Tensor, Uniform(-3.1, 3.1)]
    bystander_size: Annotated[Tensor, Uniform(0.2, 0.36)]
    joins: Annotated[Tensor, Chance(0.25)]  # it does what the first object does

    # two objects that come together, move apart or pass
    axis: Annotated[Tensor, Uniform(0, 6.28)]
    far: Annotated[Tensor, Uniform(1.25, 1.75)]
    near: Annotated[Tensor, Uniform(0.25, 0.6)]
    rightwards: Annotated[Tensor, Chance(0.5)]
    slope: Annotated[Tensor, Uniform(-0.3, 0.3)]  # away from level
    level: Annotated[Tensor, Chance(0.8)]
    course: Annotated[Tensor, Uniform(0, 6.28)]  # where it is not level
    passage: Annotated[Tensor, Uniform(1.0, 1.6)]
    miss: Annotated[Tensor, Uniform(-0.12, 0.12)]  # how far the centres stay apart
    pair_size: Annotated[Tensor, Uniform(0.26, 0.45)]  # of the second object
    sway: Annotated[Tensor, Uniform(-0.25, 0.25)]  # turn of a first object that goes somewhere

    # which objects are there although the class does not need them
    first_there: Annotated[Tensor, Chance(0.7)]
    second_there: Annotated[Tensor, Chance(0.3)]

    # the camera
    roll: Annotated[Tensor, Uniform(-0.1, 0.1)]
    sweep: Annotated[Tensor, Uniform(0.45, 1.5)]
    slant: Annotated[Tensor, Uniform(-0.25, 0.25)]  # away from a level or upright sweep
    zoom: Annotated[Tensor, Uniform(1.35, 2.2)]
    swing: Annotated[Tensor, Uniform(math.radians(22), math.radians(95))]
    tremble: Annotated[Tensor, Normal(2)]  # x, y
    tremble_size: Annotated[Tensor, Uniform(0, 0.012)]
    trembles: Annotated[Tensor, Chance(0.7)]
    drift_x: Annotated[Tensor, Uniform(0, 0.03)]
    drift_x_frequency: Annotated[Tensor, Uniform(0.3, 2.5)]
    drift_x_phase: Annotated[Tensor, Uniform(0, 1)]  # in periods
    drift_y: Annotated[Tensor, Uniform(0, 0.03)]
    drift_y_frequency: Annotated[Tensor, Uniform(0.3, 2.5)]
    drift_y_phase: Annotated[Tensor, Uniform(0, 1)]
    drift_roll: Annotated[Tensor, Uniform(0, 0.03)]
    drift_roll_frequency: Annotated[Tensor, Uniform(0.3, 2.5)]
    drift_roll_phase: Annotated[Tensor, Uniform(0, 1)]
    drifts: Annotated[Tensor, Chance(0.5)]

    # how the first object stands to the camera
    nearer: Annotated[Tensor, Chance(0.5)]
    nearness: Annotated[Tensor, Uniform(1, 1.5)]
    followed: Annotated[Tensor, Chance(0.2)]  # by the camera

    # the clock of the recording
    doubles: Annotated[Tensor, Chance(0.1)]  # every frame shown twice
    stops: Annotated[Tensor, Chance(0.06)]
    end: Annotated[Tensor, Uniform(0.6, 1)]  # share of the frames before it stops


DISTRIBUTIONS: dict[str, Uniform | Chance | Normal] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Draws, include_extras=True).items()
}


def draw(count: int, num_frames: int, rng: torch.Generator) -> Draws:
    """The random numbers of `count` clips of `num_frames` frames, on the CPU."""
    return Draws(**{name: each.draw(count, num_frames, rng) for name, each in DISTRIBUTIONS.items()})
