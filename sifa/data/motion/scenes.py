"""How the layers of a clip move: a camera and up to two objects, each a 3 x 3 affine matrix per frame.

Coordinates are homogeneous (x, y, 1) in the image square [-1, 1] x [-1, 1], x to the right, y down. A layer's matrix maps
layer coordinates to image coordinates; objects live in the world that the camera looks at.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sifa.data.motion.classes import CLASSES


class Scene(NamedTuple):
    camera: Tensor  # (B, T, 3, 3) world -> image
    front: Tensor  # (B, T, 3, 3) first object -> image; drawn over the second
    back: Tensor  # (B, T, 3, 3) second object -> image
    present: Tensor  # (B, 2) bool, whether each object is there


def affine(shift_x, shift_y, turn, scale_x, scale_y) -> Tensor:
    """Scale, then turn, then shift: arguments (B, T) or broadcastable -> (B, T, 3, 3)."""
    x, y, turn, sx, sy = torch.broadcast_tensors(
        *(torch.as_tensor(a) for a in (shift_x, shift_y, turn, scale_x, scale_y))
    )
    c, s, zero, one = turn.cos(), turn.sin(), torch.zeros_like(x), torch.ones_like(x)
    rows = [c * sx, -s * sy, x, s * sx, c * sy, y, zero, zero, one]
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def draw_scene(labels: Tensor, num_frames: int, rng: torch.Generator) -> Scene:
    """Random motions of the given classes, labels (B,) on the CPU."""
    count = len(labels)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, 1, generator=rng) * (high - low) + low

    def chance(p: float) -> Tensor:
        return torch.rand(count, 1, generator=rng) < p

    def sign() -> Tensor:
        return torch.where(chance(0.5), 1.0, -1.0)

    def which(*names: str) -> Tensor:
        return torch.isin(labels, torch.tensor([CLASSES.index(n) for n in names]))[:, None]

    time = torch.linspace(0, 1, num_frames)[None]
    eased = time ** uniform(0.75, 1.35)  # progress 0..1, always forward
    half = eased - 0.5
    one = torch.ones(count, num_frames)

    # the first object: somewhere, some size, at rest
    x, y = uniform(-0.45, 0.45) * one, uniform(-0.45, 0.45) * one
    turn = uniform(-math.pi, math.pi) * one
    size = uniform(0.26, 0.5) * one
    size_x, size_y = size, size

    centre_x, centre_y = uniform(-0.3, 0.3), uniform(-0.3, 0.3)
    heading = uniform(-0.3, 0.3)
    for name, angle in (("left", math.pi), ("up", -math.pi / 2), ("down", math.pi / 2)):
        heading = torch.where(which(f"object moves {name}"), heading + angle, heading)
    moves = which("object moves left", "object moves right", "object moves up", "object moves down")
    path = uniform(0.5, 1.5) * half
    x = torch.where(moves, centre_x + path * heading.cos(), x)
    y = torch.where(moves, centre_y + path * heading.sin(), y)

    growth = uniform(1.6, 2.8)
    for name, direction in (("object comes closer", 1), ("object goes away", -1)):
        size_x = torch.where(which(name), size * growth ** (direction * half), size_x)
    size_y = size_x

    spin = uniform(math.radians(60), math.radians(220)) * eased
    turn = torch.where(which("object turns clockwise"), turn + spin, turn)
    turn = torch.where(which("object turns counter-clockwise"), turn - spin, turn)

    shake = uniform(0.12, 0.3) * torch.sin(2 * math.pi * uniform(1.3, 2.6) * time + uniform(0, 6.28))
    x = torch.where(which("object shakes"), x + shake, x)
    hop = uniform(0.35, 0.8) * torch.sin(math.pi * (uniform(1.2, 2.4) * time + uniform(0, 1))).abs()
    y = torch.where(which("object bounces"), 0.45 - hop, y)

    squeeze, upright = uniform(1.5, 2.3) ** half, uniform(-0.3, 0.3) * one
    for name, direction in (("object is squashed", 1), ("object is stretched", -1)):
        size_x = torch.where(which(name), size * squeeze**direction, size_x)
        size_y = torch.where(which(name), size * squeeze**-direction, size_y)
        turn = torch.where(which(name), upright, turn)

    # the second object: a bystander away from the first one's path, unless the motion is about two
    side = sign()
    x2 = torch.where(moves, -heading.sin() * side * 0.75, -x[:, :1].sign() * uniform(0.55, 0.8)) * one
    y2 = torch.where(moves, heading.cos() * side * 0.75, -y[:, :1].sign() * uniform(0.55, 0.8)) * one
    turn2, size2 = uniform(-3.1, 3.1) * one, uniform(0.2, 0.36) * one

    # now and then the bystander does what the first object does
    joins = chance(0.25)
    x2 = torch.where(moves & joins, x2 + path * heading.cos(), x2)
    y2 = torch.where(moves & joins, y2 + path * heading.sin(), y2)
    grows = which("object comes closer", "object goes away") & joins
    size2 = torch.where(grows, size2 * size_x / size, size2)
    turns = which("object turns clockwise", "object turns counter-clockwise") & joins
    turn2 = torch.where(turns, turn2 + turn - turn[:, :1], turn2)
    joins = (moves & joins) | grows | turns

    axis, far, near = uniform(0, 6.28), uniform(1.25, 1.75), uniform(0.25, 0.6)
    for name, start, end in (("two objects come together", far, near), ("two objects move apart", near, far)):
        reach = (start + (end - start) * eased) / 2
        x = torch.where(which(name), 0.6 * centre_x + reach * axis.cos(), x)
        y = torch.where(which(name), 0.6 * centre_y + reach * axis.sin(), y)
        x2 = torch.where(which(name), 0.6 * centre_x - reach * axis.cos(), x2)
        y2 = torch.where(which(name), 0.6 * centre_y - reach * axis.sin(), y2)

    passes = which("one object passes in front of another")
    level = torch.where(sign() > 0, 0.0, math.pi) + uniform(-0.3, 0.3)
    course = torch.where(chance(0.8), level, uniform(0, 6.28))
    along, beside = uniform(1.0, 1.6) * half, uniform(-0.12, 0.12)
    x = torch.where(passes, centre_x + along * course.cos() - beside * course.sin(), x)
    y = torch.where(passes, centre_y + along * course.sin() + beside * course.cos(), y)
    x2 = torch.where(passes, centre_x * one, x2)
    y2 = torch.where(passes, centre_y * one, y2)

    pairs = passes | which("two objects come together", "two objects move apart")
    size2 = torch.where(pairs, uniform(0.26, 0.45) * one, size2)
    turn = torch.where(moves | pairs, turn + uniform(-0.25, 0.25) * eased, turn)
    about_an_object = (labels < CLASSES.index("camera pans left"))[:, None]
    present = torch.cat([about_an_object | chance(0.7), pairs | joins | chance(0.3)], 1)

    # the camera, and a hand that trembles a little
    camera_x, camera_y, zoom, roll = 0 * one, 0 * one, one, uniform(-0.1, 0.1) * one
    sweep, slant = uniform(0.45, 1.5) * half, uniform(-0.25, 0.25)
    # when the camera pans left, what it sees moves right
    for name, angle in (
        ("pans left", 0),
        ("pans right", math.pi),
        ("tilts up", math.pi / 2),
        ("tilts down", -math.pi / 2),
    ):
        camera_x = torch.where(which(f"camera {name}"), sweep * (slant + angle).cos(), camera_x)
        camera_y = torch.where(which(f"camera {name}"), sweep * (slant + angle).sin(), camera_y)
    factor = uniform(1.35, 2.2)
    zoom = torch.where(which("camera zooms in"), factor**half, zoom)
    zoom = torch.where(which("camera zooms out"), factor**-half, zoom)
    swing = uniform(math.radians(22), math.radians(95)) * half
    roll = torch.where(which("camera rolls clockwise"), roll - swing, roll)
    roll = torch.where(which("camera rolls counter-clockwise"), roll + swing, roll)
    tremble = torch.randn(2, count, num_frames, generator=rng) * uniform(0, 0.012) * chance(0.7)
    drift = [uniform(0, 0.03) * torch.sin(6.28 * (uniform(0.3, 2.5) * time + uniform(0, 1))) for _ in range(3)]
    drifts = chance(0.5)
    camera_x = camera_x + tremble[0] + drifts * drift[0]
    camera_y = camera_y + tremble[1] + drifts * drift[1]
    roll = roll + drifts * 0.5 * drift[2]

    # what stands nearer than the background moves more with the camera; what the camera follows does not move at all
    nearness = torch.where(chance(0.5), uniform(1, 1.5), 1.0) * torch.where(chance(0.2), 0.0, 1.0)
    nearness = torch.where(about_an_object, 1.0, nearness)
    camera = affine(camera_x, camera_y, roll, zoom, zoom)
    first_roll = roll[:, :1] + (roll - roll[:, :1]) * nearness.clamp_max(1)
    nearer = affine(camera_x * nearness, camera_y * nearness, first_roll, zoom**nearness, zoom**nearness)

    # the clock of the recording: even, every frame shown twice, or stopped before the end
    frame = torch.arange(num_frames).expand(count, -1)
    frame = torch.where(chance(0.1), frame // 2 * 2, frame)
    last = torch.where(chance(0.06), (uniform(0.6, 1) * num_frames).long(), num_frames - 1)
    frame = frame.minimum(last)[..., None, None].expand(-1, -1, 3, 3)
    layers = (camera, nearer @ affine(x, y, turn, size_x, size_y), camera @ affine(x2, y2, turn2, size2, size2))
    return Scene(*(layer.gather(1, frame) for layer in layers), present)
