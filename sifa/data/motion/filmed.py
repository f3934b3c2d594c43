"""A second family of scenes, nearer to what people film: what the camera does and what things do are two answers.

The ground is the world. `camera` says how the ground lies in the picture, and things move in the world: a subject that the
camera follows stands still in the picture, and moves in the world. Layers, from the back: the ground, something that stands
farther away, a third and a second mover, the first mover with two limbs, something that stands nearer. The rules by which a
clip gets its two labels are the table in `sifa/data/README.md`.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from sifa.data.motion.classes import CAMERA, CLASSES, THINGS
from sifa.data.motion.draws import Draws, draw
from sifa.data.motion.scenes import Clock, Pose, affine, bystander, first_object, pair

GROUND, FAR, THIRD, SECOND, LIMB_BEHIND, FIRST, LIMB_BEFORE, NEAR = LAYERS = range(8)
PANS = {
    "camera pans left": 0.0,
    "camera pans right": math.pi,
    "camera tilts up": math.pi / 2,
    "camera tilts down": -math.pi / 2,
}
DIRECTIONS = {  # the motion in the world of a subject that the camera follows
    "camera pans left": "object moves left", "camera pans right": "object moves right",
    "camera tilts up": "object moves up", "camera tilts down": "object moves down",
}  # fmt: skip
GOING = tuple(DIRECTIONS.values())
SINGLE = (*GOING, "object comes closer", "object goes away", "object turns clockwise", "object turns counter-clockwise")
ANY_OF_SEVERAL = (*SINGLE, "object shakes", "object bounces")
SPAN = 0.38  # the mean distance of a place of the picture from its middle, in sides
STILL, SEEN = (
    0.04,
    0.1,
)  # mean displacement of the ground, in sides: at most this of a still camera, at least of a moving one


class FilmedScene(NamedTuple):
    """The matrices of every layer of a batch of clips."""

    layers: Tensor  # (B, T, L, 3, 3) layer -> image, the ground first and the nearest one last
    present: Tensor  # (B, L) bool, whether each layer is there


class Dice:
    """Random numbers (B, 1), in the order in which they are asked for."""

    def __init__(self, count: int, rng: torch.Generator) -> None:
        self.count, self.rng = count, rng

    def between(self, low: float, high: float) -> Tensor:
        return torch.rand(self.count, 1, generator=self.rng) * (high - low) + low

    def log_between(self, low: float, high: float) -> Tensor:
        """Each factor equally often."""
        return self.between(math.log(low), math.log(high)).exp()

    def chance(self, p: float) -> Tensor:
        return torch.rand(self.count, 1, generator=self.rng) < p

    def one_of(self, names: tuple[str, ...]) -> Tensor:
        """(B,) positions in CLASSES of names."""
        chosen = torch.randint(len(names), (self.count,), generator=self.rng)
        return torch.tensor([CLASSES.index(name) for name in names])[chosen]


class Filming(NamedTuple):
    """What is left to chance in a clip: how the camera moves, and which layers are there."""

    pose: Pose  # of the ground in the picture
    shares: Tensor  # (B, 9) the camera's label, as a share of each class


def draw_filmed(camera: Tensor, things: Tensor, num_frames: int, rng: torch.Generator) -> tuple[FilmedScene, Tensor]:
    """Random scenes of the given labels, camera (B,) in CAMERA and things (B,) in THINGS, all on the CPU.

    -> the scenes, and targets (B, 26): the share of each label of FILMED, 1 in each group. A camera that does two things gets
    half a share of each.
    """
    dice, draws = Dice(len(camera), rng), draw(len(camera), num_frames, rng)
    draws = varied(draws, dice)
    time = torch.linspace(0, 1, num_frames)[None]
    clock = Clock(time, time**draws.ease)
    filming = film(camera, draws, clock, dice)
    waves = is_one_of(things, "several motions") & dice.chance(0.3)  # with its limbs, where it stands
    walks = is_one_of(things, *GOING, "nothing moves", "several motions") & dice.chance(0.3)
    first, second, third = movers(camera, things, waves[:, 0], filming.pose, draws, clock, dice)
    poses = {
        GROUND: affine(*filming.pose),
        FAR: standing(filming.pose, dice, dice.between(0.3, 0.9), (0.2, 0.6)),
        THIRD: affine(*filming.pose) @ affine(*third),
        SECOND: affine(*filming.pose) @ affine(*second),
        FIRST: affine(*filming.pose) @ affine(*first),
        NEAR: standing(filming.pose, dice, dice.between(1.1, 1.8), (0.15, 0.4)),
    }
    swing = dice.between(0.3, 0.8) * torch.sin(2 * math.pi * (dice.between(0.8, 3) * time + dice.between(0, 1)))
    swing = torch.where(is_one_of(things, "nothing moves"), swing[:, :1], swing)
    length, width = dice.between(0.45, 0.8), dice.between(0.16, 0.34)
    for layer, angle in ((LIMB_BEHIND, swing), (LIMB_BEFORE, -swing)):
        poses[layer] = poses[FIRST] @ hinged(angle, length, width)
    layers = torch.stack([poses[layer] for layer in LAYERS], 2)
    present = presence(things, draws, dice, walks | waves)
    return FilmedScene(layers, present), torch.cat([filming.shares, shares_of(things, len(THINGS))], 1)


def varied(draws: Draws, dice: Dice) -> Draws:
    """The first family's random numbers, of which some reach farther: smaller and larger things, shorter and longer ways."""
    kind = dice.between(0, 1)
    size = torch.where(
        kind < 0.55, draws.size, torch.where(kind < 0.75, dice.between(0.14, 0.26), dice.between(0.5, 0.95))
    )
    return replace(
        draws,
        size=size,
        path=dice.log_between(0.3, 2.0),
        growth=dice.log_between(1.35, 3.0),
        spin=dice.log_between(math.radians(35), math.radians(240)),
        squeeze=dice.log_between(1.35, 2.3),
        joins=dice.chance(0.15),
    )


def is_one_of(labels: Tensor, *names: str) -> Tensor:
    """(B, 1) bool, whether things labels (B,) are among the named ones."""
    return torch.isin(labels, torch.tensor([THINGS.index(name) for name in names]))[:, None]


def shares_of(labels: Tensor, count: int) -> Tensor:
    """(B, count) float32, 1 at each label."""
    return torch.nn.functional.one_hot(labels, count).float()


def film(labels: Tensor, draws: Draws, clock: Clock, dice: Dice) -> Filming:
    """How the ground lies in the picture: the motion of the label, often with a lesser one beside it, now and then with one
    as large, or to and fro; and a hand that trembles and drifts."""
    half, one, count = clock.half, torch.ones_like(clock.eased), len(labels)
    shares = shares_of(labels, len(CAMERA))
    moving = labels != CAMERA.index("camera still")
    distance = dice.log_between(SEEN, 1.1)  # mean displacement over the clip, in sides
    other = torch.randint(len(CAMERA) - 1, (count,), generator=dice.rng)
    beside = torch.where(dice.chance(0.4), dice.between(0, 0.4), torch.zeros(1, 1)) * distance
    double = dice.chance(0.07)[:, 0] & moving & (kind_of(other) != kind_of(labels))
    beside = torch.where(double[:, None], dice.between(0.85, 1.15) * distance, beside).minimum(torch.tensor(0.6))
    beside = torch.where((kind_of(other) == kind_of(labels))[:, None] | ~moving[:, None], 0.0, beside)
    shares = torch.where(double[:, None], (shares + shares_of(other, len(CAMERA))) / 2, shares)

    back_and_forth = dice.chance(0.05)[:, 0] & moving & ~double
    turning = torch.sin(2 * math.pi * (dice.between(0.9, 1.4) * clock.time + dice.between(0, 1))) / 2
    course = torch.where(back_and_forth[:, None], turning, half)
    shares = torch.where(back_and_forth[:, None], (shares + shares_of(opposite(labels), len(CAMERA))) / 2, shares)

    pose = Pose(0 * one, 0 * one, draws.roll * one, one, one)
    pose = moved(pose, labels, torch.where(moving[:, None], distance, 0.0) * course, draws.slant)
    pose = moved(pose, other, beside * half, 0 * draws.slant)
    return Filming(held(pose, draws, clock, dice), shares)


def kind_of(labels: Tensor) -> Tensor:
    """(B,) which labels of CAMERA are of one kind, so that they add up to one motion: left, right; up, down; zooms; rolls."""
    return labels // 2


def opposite(labels: Tensor) -> Tensor:
    """(B,) the label of CAMERA for the same motion played backwards."""
    return torch.where(labels == CAMERA.index("camera still"), labels, labels ^ 1)


def moved(pose: Pose, labels: Tensor, distance: Tensor, slant: Tensor) -> Pose:
    """The ground's pose after camera motions of the labels (B,), which move its places by `distance` (B, T) on average, in
    sides of the picture; a pan may go a little aslant."""
    x, y, turn, size, _ = pose
    for name, angle in PANS.items():
        chosen = labels[:, None] == CAMERA.index(name)  # when the camera pans left, what it sees moves right
        x = torch.where(chosen, x + 2 * distance * (slant + angle).cos(), x)
        y = torch.where(chosen, y + 2 * distance * (slant + angle).sin(), y)
    for name, direction in (("camera zooms in", 1), ("camera zooms out", -1)):
        zoom = (direction * (distance / SPAN).clamp(-0.8, 0.8)).exp()
        size = torch.where(labels[:, None] == CAMERA.index(name), size * zoom, size)
    for name, direction in (("camera rolls clockwise", -1), ("camera rolls counter-clockwise", 1)):
        chosen = labels[:, None] == CAMERA.index(name)
        turn = torch.where(chosen, turn + direction * (distance / SPAN).clamp(-1.2, 1.2), turn)
    return Pose(x, y, turn, size, size)


def held(pose: Pose, draws: Draws, clock: Clock, dice: Dice) -> Pose:
    """The pose with a hand that trembles and drifts, by less than a still camera's limit."""
    tremble = draws.tremble * draws.tremble_size * draws.trembles
    by = dice.between(0, STILL) * draws.drifts
    drifts = [by * torch.sin(2 * math.pi * (dice.between(0.2, 2) * clock.time + dice.between(0, 1))) for _ in range(3)]
    return pose._replace(
        x=pose.x + tremble[0] + drifts[0], y=pose.y + tremble[1] + drifts[1], turn=pose.turn + drifts[2]
    )


def movers(
    camera: Tensor, things: Tensor, waves: Tensor, ground: Pose, draws: Draws, clock: Clock, dice: Dice
) -> tuple[Pose, Pose, Pose]:
    """Up to three movers in the world. Of "several motions" each goes its own way, unless one waves (B,) and stays where it is;
    the others are as in the first family."""
    several = is_one_of(things, "several motions")[:, 0]
    rest = CLASSES.index("nothing moves")
    of_label = torch.tensor([CLASSES.index(name) if name in CLASSES else rest for name in THINGS])
    own = [dice.one_of(ANY_OF_SEVERAL) for _ in range(3)]
    own[1] = torch.where(own[1] == own[0], (own[1] + 1) % 4, own[1])  # one of the four directions, and another motion
    labels = torch.where(several, own[0], of_label[things])
    labels = torch.where(waves, rest, labels)
    first = first_object(labels, draws, clock)
    first, second = pair(labels, draws, clock, first, bystander(labels, draws, clock, first))
    others = [varied(draw(len(things), clock.time.shape[1], dice.rng), dice) for _ in range(2)]
    alone = [
        first_object(own[i + 1], replace(each, size=each.size.clamp(0.14, 0.4)), clock) for i, each in enumerate(others)
    ]
    second = choose(several & ~waves, alone[0], second)
    return followed(first, camera, things, ground, dice), second, alone[1]


def choose(which: Tensor, one: Pose, other: Pose) -> Pose:
    """Of each clip one of two poses; which (B,) bool."""
    return Pose(*(torch.where(which[:, None], a, b) for a, b in zip(one, other, strict=True)))


def followed(first: Pose, camera: Tensor, things: Tensor, ground: Pose, dice: Dice) -> Pose:
    """The first mover, which now and then goes where the camera goes, about as fast, so that it stays in the picture."""
    pairs = [(CAMERA.index(pan), THINGS.index(way)) for pan, way in DIRECTIONS.items()]
    fits = torch.stack([(camera == pan) & (things == way) for pan, way in pairs]).any(0)[:, None]
    follows, speed = fits & dice.chance(0.7), dice.between(0.75, 1.15)
    x = torch.where(follows, 0.5 * first.x.mean(1, keepdim=True) - speed * ground.x, first.x)
    y = torch.where(follows, 0.5 * first.y.mean(1, keepdim=True) - speed * ground.y, first.y)
    return first._replace(x=x, y=y)


def standing(ground: Pose, dice: Dice, nearness: Tensor, sizes: tuple[float, float]) -> Tensor:
    """(B, T, 3, 3) something that stands in the world at another distance than the ground, so that a pan moves it by
    `nearness` (B, 1) times as much."""
    one = torch.ones_like(ground.x)
    size = dice.between(*sizes) * one
    place = Pose(
        dice.between(-0.9, 0.9) * one, dice.between(-0.9, 0.9) * one, dice.between(-3.1, 3.1) * one, size, size
    )
    return affine(ground.x * nearness, ground.y * nearness, ground.turn, ground.size_x, ground.size_y) @ affine(*place)


def hinged(angle: Tensor, length: Tensor, width: Tensor) -> Tensor:
    """(B, T, 3, 3) a limb in its body's coordinates, which hangs from the lower half of the body and swings, angle (B, T)."""
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    joint = affine(zero, 0.45 * one, angle, one, one)
    return joint @ affine(zero, 0.8 * length * one, zero, width * one, length * one)


def presence(things: Tensor, draws: Draws, dice: Dice, limbs: Tensor) -> Tensor:
    """(B, L) bool, which layers are there: because the motion is about them, or by chance."""
    several, nothing = is_one_of(things, "several motions"), is_one_of(things, "nothing moves")
    pairs = is_one_of(things, *(name for name in THINGS if name.startswith(("two", "one"))))
    joins = is_one_of(things, *SINGLE) & draws.joins
    first = ~nothing | draws.first_there
    there = {
        GROUND: torch.ones_like(first),
        FAR: dice.chance(0.3),
        THIRD: several & dice.chance(0.5),
        SECOND: pairs | joins | several | draws.second_there,
        FIRST: first,
        LIMB_BEHIND: first & limbs,
        LIMB_BEFORE: first & limbs,
        NEAR: dice.chance(0.2),
    }
    return torch.cat([there[layer] for layer in LAYERS], 1)
