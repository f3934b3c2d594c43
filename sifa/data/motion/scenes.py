"""How the layers of a clip move: a camera and up to two objects, each a 3 x 3 affine matrix per frame.

Coordinates are homogeneous (x, y, 1) in the image square [-1, 1] x [-1, 1], x to the right, y down. A layer's matrix
maps layer coordinates to image coordinates; objects live in the world that the camera looks at. Everything is computed
on the CPU, where the random numbers are drawn.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sifa.data.motion.classes import CLASSES
from sifa.data.motion.draws import Draws, draw

MOVES = ("object moves left", "object moves right", "object moves up", "object moves down")
GROWS = ("object comes closer", "object goes away")
TURNS = ("object turns clockwise", "object turns counter-clockwise")
PAIRS = ("two objects come together", "two objects move apart", "one object passes in front of another")


class Scene(NamedTuple):
    """The matrices of every layer of a batch of clips."""

    camera: Tensor  # (B, T, 3, 3) world -> image
    front: Tensor  # (B, T, 3, 3) first object -> image; drawn over the second
    back: Tensor  # (B, T, 3, 3) second object -> image
    present: Tensor  # (B, 2) bool, whether each object is there

    @property
    def layers(self) -> Tensor:
        """(B, T, 3, 3, 3) the matrices by their numbers in `MotionBatch.owner`: ground, front, back."""
        return torch.stack([self.camera, self.front, self.back], 2)


class Pose(NamedTuple):
    """Place of a layer in every frame: each (B, T), lengths in half sides of the picture, the turn in radians."""

    x: Tensor
    y: Tensor
    turn: Tensor  # clockwise
    size_x: Tensor
    size_y: Tensor


class Clock(NamedTuple):
    """How far the motion of each clip is."""

    time: Tensor  # (1, T) 0..1
    eased: Tensor  # (B, T) 0..1, always forward

    @property
    def half(self) -> Tensor:
        """(B, T) -0.5..0.5, always forward."""
        return self.eased - 0.5


def affine(shift_x: Tensor, shift_y: Tensor, turn: Tensor, scale_x: Tensor, scale_y: Tensor) -> Tensor:
    """Scale, then turn (radians), then shift: arguments of one shape (B, T) -> (B, T, 3, 3)."""
    cos, sin, zero, one = turn.cos(), turn.sin(), torch.zeros_like(turn), torch.ones_like(turn)
    rows = [cos * scale_x, -sin * scale_y, shift_x, sin * scale_x, cos * scale_y, shift_y, zero, zero, one]
    return torch.stack(rows, -1).reshape(*turn.shape, 3, 3)


def draw_scene(labels: Tensor, num_frames: int, rng: torch.Generator) -> Scene:
    """Random motions of the given classes, labels (B,), all on the CPU."""
    draws = draw(len(labels), num_frames, rng)
    time = torch.linspace(0, 1, num_frames)[None]
    clock = Clock(time, time**draws.ease)
    first = first_object(labels, draws, clock)
    first, second = pair(labels, draws, clock, first, bystander(labels, draws, clock, first))
    world = camera(labels, draws, clock)
    view = affine(*world)
    front, back = affine(*parallax(labels, draws, world)) @ affine(*first), view @ affine(*second)
    moment = moments(draws, num_frames)[..., None, None].expand(-1, -1, 3, 3)
    return Scene(view.gather(1, moment), front.gather(1, moment), back.gather(1, moment), presence(labels, draws))


def among(labels: Tensor, *names: str) -> Tensor:
    """(B, 1) bool, whether labels (B,) are among the named classes."""
    return torch.isin(labels, torch.tensor([CLASSES.index(name) for name in names]))[:, None]


def about_objects(labels: Tensor) -> Tensor:
    """(B, 1) bool, whether labels (B,) are of classes in which an object moves, not the camera."""
    return (labels < CLASSES.index("camera pans left"))[:, None]


def heading(labels: Tensor, draws: Draws) -> Tensor:
    """(B, 1) direction in which a moving object goes: 0 to the right, pi / 2 down."""
    angle = draws.heading
    for name, ahead in (("left", math.pi), ("up", -math.pi / 2), ("down", math.pi / 2)):
        angle = torch.where(among(labels, f"object moves {name}"), angle + ahead, angle)
    return angle


def first_object(labels: Tensor, draws: Draws, clock: Clock) -> Pose:
    """The first object in the world: somewhere, some size, at rest, unless its class says what it does."""
    time, eased, half = *clock, clock.half
    one = torch.ones_like(eased)
    x, y, turn, size = draws.x * one, draws.y * one, draws.turn * one, draws.size * one

    moves, ahead, path = among(labels, *MOVES), heading(labels, draws), draws.path * half
    x = torch.where(moves, draws.centre_x + path * ahead.cos(), x)
    y = torch.where(moves, draws.centre_y + path * ahead.sin(), y)

    size_x = size
    for name, direction in (("object comes closer", 1), ("object goes away", -1)):
        size_x = torch.where(among(labels, name), size * draws.growth ** (direction * half), size_x)
    size_y = size_x

    spin = draws.spin * eased
    turn = torch.where(among(labels, "object turns clockwise"), turn + spin, turn)
    turn = torch.where(among(labels, "object turns counter-clockwise"), turn - spin, turn)

    shake = draws.shake * torch.sin(2 * math.pi * draws.shake_frequency * time + draws.shake_phase)
    x = torch.where(among(labels, "object shakes"), x + shake, x)
    hop = draws.hop * torch.sin(math.pi * (draws.hop_frequency * time + draws.hop_phase)).abs()
    y = torch.where(among(labels, "object bounces"), 0.45 - hop, y)

    squeeze = draws.squeeze**half
    for name, direction in (("object is squashed", 1), ("object is stretched", -1)):
        chosen = among(labels, name)
        size_x = torch.where(chosen, size * squeeze**direction, size_x)
        size_y = torch.where(chosen, size * squeeze**-direction, size_y)
        turn = torch.where(chosen, draws.upright * one, turn)
    turn = torch.where(among(labels, *MOVES, *PAIRS), turn + draws.sway * eased, turn)
    return Pose(x, y, turn, size_x, size_y)


def bystander(labels: Tensor, draws: Draws, clock: Clock, first: Pose) -> Pose:
    """The second object away from the first one's path; now and then it does what the first one does."""
    one = torch.ones_like(clock.eased)
    moves, ahead, side = among(labels, *MOVES), heading(labels, draws), torch.where(draws.side, 1.0, -1.0)
    x = torch.where(moves, -ahead.sin() * side * 0.75, -first.x[:, :1].sign() * draws.bystander_x) * one
    y = torch.where(moves, ahead.cos() * side * 0.75, -first.y[:, :1].sign() * draws.bystander_y) * one
    turn, size = draws.bystander_turn * one, draws.bystander_size * one

    path = draws.path * clock.half
    x = torch.where(moves & draws.joins, x + path * ahead.cos(), x)
    y = torch.where(moves & draws.joins, y + path * ahead.sin(), y)
    grows, turns = among(labels, *GROWS) & draws.joins, among(labels, *TURNS) & draws.joins
    size = torch.where(grows, size * first.size_x / (draws.size * one), size)
    turn = torch.where(turns, turn + first.turn - first.turn[:, :1], turn)
    return Pose(x, y, turn, size, size)


def pair(labels: Tensor, draws: Draws, clock: Clock, first: Pose, second: Pose) -> tuple[Pose, Pose]:
    """Both objects, where the motion is about two: together, apart, or one in front of the other."""
    eased, one = clock.eased, torch.ones_like(clock.eased)
    x, y, x2, y2 = first.x, first.y, second.x, second.y
    for name, start, end in (
        ("two objects come together", draws.far, draws.near),
        ("two objects move apart", draws.near, draws.far),
    ):
        chosen, reach = among(labels, name), (start + (end - start) * eased) / 2
        x = torch.where(chosen, 0.6 * draws.centre_x + reach * draws.axis.cos(), x)
        y = torch.where(chosen, 0.6 * draws.centre_y + reach * draws.axis.sin(), y)
        x2 = torch.where(chosen, 0.6 * draws.centre_x - reach * draws.axis.cos(), x2)
        y2 = torch.where(chosen, 0.6 * draws.centre_y - reach * draws.axis.sin(), y2)

    passes = among(labels, "one object passes in front of another")
    level = torch.where(draws.rightwards, 0.0, math.pi) + draws.slope
    course = torch.where(draws.level, level, draws.course)
    along = draws.passage * clock.half
    x = torch.where(passes, draws.centre_x + along * course.cos() - draws.miss * course.sin(), x)
    y = torch.where(passes, draws.centre_y + along * course.sin() + draws.miss * course.cos(), y)
    x2 = torch.where(passes, draws.centre_x * one, x2)
    y2 = torch.where(passes, draws.centre_y * one, y2)
    size2 = torch.where(among(labels, *PAIRS), draws.pair_size * one, second.size_x)
    return first._replace(x=x, y=y), Pose(x2, y2, second.turn, size2, size2)


def presence(labels: Tensor, draws: Draws) -> Tensor:
    """(B, 2) bool, whether each object is there: because the motion is about it, or by chance."""
    joins = among(labels, *MOVES, *GROWS, *TURNS) & draws.joins
    first = about_objects(labels) | draws.first_there
    return torch.cat([first, among(labels, *PAIRS) | joins | draws.second_there], 1)


def camera(labels: Tensor, draws: Draws, clock: Clock) -> Pose:
    """How the world lies in the image: moved by the camera, and a little by a hand that trembles and drifts."""
    half, one = clock.half, torch.ones_like(clock.eased)
    x, y, zoom, roll = 0 * one, 0 * one, one, draws.roll * one
    sweep = draws.sweep * half
    # when the camera pans left, what it sees moves right
    for name, angle in (
        ("pans left", 0),
        ("pans right", math.pi),
        ("tilts up", math.pi / 2),
        ("tilts down", -math.pi / 2),
    ):
        chosen = among(labels, f"camera {name}")
        x = torch.where(chosen, sweep * (draws.slant + angle).cos(), x)
        y = torch.where(chosen, sweep * (draws.slant + angle).sin(), y)
    zoom = torch.where(among(labels, "camera zooms in"), draws.zoom**half, zoom)
    zoom = torch.where(among(labels, "camera zooms out"), draws.zoom**-half, zoom)
    swing = draws.swing * half
    roll = torch.where(among(labels, "camera rolls clockwise"), roll - swing, roll)
    roll = torch.where(among(labels, "camera rolls counter-clockwise"), roll + swing, roll)

    tremble = draws.tremble * draws.tremble_size * draws.trembles
    time, drifts = clock.time, draws.drifts
    drift_x = draws.drift_x * torch.sin(6.28 * (draws.drift_x_frequency * time + draws.drift_x_phase))
    drift_y = draws.drift_y * torch.sin(6.28 * (draws.drift_y_frequency * time + draws.drift_y_phase))
    drift_roll = draws.drift_roll * torch.sin(6.28 * (draws.drift_roll_frequency * time + draws.drift_roll_phase))
    x = x + tremble[0] + drifts * drift_x
    y = y + tremble[1] + drifts * drift_y
    roll = roll + drifts * 0.5 * drift_roll
    return Pose(x, y, roll, zoom, zoom)


def parallax(labels: Tensor, draws: Draws, world: Pose) -> Pose:
    """How the first object's surroundings lie in the image, from how the world does, when the motion is the camera's.

    What stands nearer than the background moves more with the camera; what the camera follows does not move at all.
    """
    nearness = torch.where(draws.nearer, draws.nearness, 1.0) * torch.where(draws.followed, 0.0, 1.0)
    nearness = torch.where(about_objects(labels), 1.0, nearness)
    roll = world.turn[:, :1] + (world.turn - world.turn[:, :1]) * nearness.clamp_max(1)
    zoom = world.size_x**nearness
    return Pose(world.x * nearness, world.y * nearness, roll, zoom, zoom)


def moments(draws: Draws, num_frames: int) -> Tensor:
    """(B, T) int64, the moment that each frame shows: even, every frame twice, or stopped before the end."""
    frame = torch.arange(num_frames).expand(len(draws.end), -1)
    frame = torch.where(draws.doubles, frame // 2 * 2, frame)
    last = torch.where(draws.stops, (draws.end * num_frames).long(), num_frames - 1)
    return frame.minimum(last)
