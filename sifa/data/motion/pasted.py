"""A second held-out set, made by other means than the generator: `sifa make pasted --out FOLDER`.

Held-out photographs are panned, zoomed and rolled, and cut-outs of them pasted and moved, with PIL; every clip is a
real mp4 file in the sub-folder of its class, to be read back through `read_clip`. Times u go from -0.5 to 0.5.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from PIL.Image import Resampling

from sifa.data.motion.classes import CLASSES
from sifa.data.motion.textures import photographs
from sifa.video.write import write_mp4

SIZE, FRAMES = 160, 61  # pixels; frames at 30 per second, two seconds
STRENGTHS = (0.6, 1.0)

View = Callable[[float], Image.Image]  # time u -> the picture then, SIZE x SIZE


class Window(NamedTuple):
    """A square part of a photograph: what a camera sees."""

    x: float  # of its centre, pixels
    y: float
    side: float  # pixels
    turn: float  # degrees, counter-clockwise turn of what it sees


class Place(NamedTuple):
    """Where a cut-out lies, in shares of the picture."""

    x: float  # of its centre
    y: float
    width: float
    height: float
    turn: float = 0.0  # degrees, clockwise


def window(photo: Image.Image, name: str, strength: float, u: float) -> Window:
    """What the camera of class `name` sees of a photograph at time u; other classes have a camera at rest."""
    x, y, side = photo.width / 2, photo.height / 2, min(photo.size) * 0.6
    way = 0.6 * strength * side * u
    match name:
        case "camera pans left":
            return Window(x - way, y, side, 0)
        case "camera pans right":
            return Window(x + way, y, side, 0)
        case "camera tilts up":
            return Window(x, y - way, side, 0)
        case "camera tilts down":
            return Window(x, y + way, side, 0)
        case "camera zooms in":
            return Window(x, y, side * (1 + strength) ** -u, 0)
        case "camera zooms out":
            return Window(x, y, side * (1 + strength) ** u, 0)
        case "camera rolls clockwise":  # what it sees turns the other way
            return Window(x, y, side, 70 * strength * u)
        case "camera rolls counter-clockwise":
            return Window(x, y, side, -70 * strength * u)
    return Window(x, y, side, 0)


def camera(photo: Image.Image, name: str, strength: float) -> View:
    """Views of a photograph through a window that is moved, scaled or turned."""

    def view(u: float) -> Image.Image:
        x, y, side, turn = window(photo, name, strength, u)
        reach = side * (0.75 if turn else 0.5)  # a turned square lies inside one half as large again
        square = crop(photo, x - reach, y - reach, x + reach, y + reach)
        if turn:
            inset = reach - side / 2
            square = crop(square.rotate(turn, Resampling.BICUBIC), inset, inset, inset + side, inset + side)
        return square.resize((SIZE, SIZE), Resampling.LANCZOS)

    return view


def crop(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """A part of a picture, its edges rounded to whole pixels."""
    return picture.crop((round(left), round(top), round(right), round(bottom)))


def cut_out(photo: Image.Image, shape: int, rng: np.random.Generator) -> Image.Image:
    """A piece of a photograph with transparent surroundings: ellipse (shape 0), rounded box (1), or polygon (2).

    Of four places the one with the most contrast, since nobody sees plain sky turn.
    """
    side = int(min(photo.size) * 0.5)
    corners = [[int(rng.integers(length - side + 1)) for length in photo.size] for _ in range(4)]
    pieces = [photo.crop((x, y, x + side, y + side)) for x, y in corners]
    square = 200, 200  # pixels, which the outlines below are given in
    piece = max(pieces, key=lambda p: np.asarray(p).std()).resize(square, Resampling.LANCZOS).convert("RGBA")
    mask = Image.new("L", square)
    draw = ImageDraw.Draw(mask)
    if shape == 0:
        draw.ellipse((4, 24, 196, 176), fill=255)
    elif shape == 1:
        draw.rounded_rectangle((20, 20, 180, 180), 30, fill=255)
    else:
        angles = np.arange(7) / 7 * 2 * np.pi
        radii = rng.uniform(60, 98, 7)
        draw.polygon([(100 + r * np.cos(a), 100 + r * np.sin(a)) for a, r in zip(angles, radii)], fill=255)
    piece.putalpha(mask)
    return piece


def paste(picture: Image.Image, piece: Image.Image, place: Place) -> None:
    """Lay a cut-out on the picture, in place."""
    size = max(1, round(SIZE * place.width)), max(1, round(SIZE * place.height))
    piece = piece.resize(size, Resampling.LANCZOS).rotate(-place.turn, Resampling.BICUBIC, expand=True)
    at = round(place.x * SIZE - piece.width / 2), round(place.y * SIZE - piece.height / 2)
    picture.paste(piece, at, piece)


def front_place(name: str, strength: float, u: float) -> Place:
    """Where the first cut-out of class `name` lies at time u."""
    rest, way = Place(0.5, 0.5, 0.42, 0.42), 0.65 * strength * u
    match name:
        case "object moves left":
            return rest._replace(x=0.5 - way)
        case "object moves right":
            return rest._replace(x=0.5 + way)
        case "object moves up":
            return rest._replace(y=0.5 - way)
        case "object moves down":
            return rest._replace(y=0.5 + way)
        case "object comes closer" | "object goes away":
            size = 0.42 * (1 + 1.6 * strength) ** (u if name == "object comes closer" else -u)
            return rest._replace(width=size, height=size)
        case "object turns clockwise":
            return rest._replace(turn=160 * strength * u)
        case "object turns counter-clockwise":
            return rest._replace(turn=-160 * strength * u)
        case "object shakes":
            return rest._replace(x=0.5 + 0.12 * strength * math.sin(2 * math.pi * 2 * u))
        case "object bounces":
            return rest._replace(y=0.7 - 0.38 * strength * abs(math.sin(2 * math.pi * (u + 0.5))))
        case "object is squashed" | "object is stretched":
            wider = u if name == "object is squashed" else -u
            return rest._replace(width=0.42 * (1 + strength) ** wider, height=0.42 * (1 + strength) ** -wider)
        case "two objects come together" | "two objects move apart":
            return Place(0.5 - half_distance(name, strength, u), 0.45, 0.34, 0.34)
        case "one object passes in front of another":
            return rest._replace(x=0.5 + 0.8 * strength * u, y=0.53)
    raise ValueError(f"no cut-out moves in class {name!r}")


def back_place(name: str, strength: float, u: float) -> Place | None:
    """Where the second cut-out of class `name` lies at time u, under the first; None where there is only one."""
    match name:
        case "two objects come together" | "two objects move apart":
            return Place(0.5 + half_distance(name, strength, u), 0.55, 0.34, 0.34)
        case "one object passes in front of another":
            return Place(0.5, 0.5, 0.4, 0.4)
    return None


def half_distance(name: str, strength: float, u: float) -> float:
    """How far each of two cut-outs is from the middle at time u."""
    return 0.31 + 0.3 * strength * (-u if name == "two objects come together" else u)


def objects(ground: Image.Image, front: Image.Image, back: Image.Image, name: str, strength: float) -> View:
    """Views of cut-outs that move over a resting ground."""

    def view(u: float) -> Image.Image:
        picture = ground.copy()
        behind = back_place(name, strength, u)
        if behind:
            paste(picture, back, behind)
        paste(picture, front, front_place(name, strength, u))
        return picture

    return view


def clip_view(photos: Sequence[Image.Image], number: int, name: str, strength: float, rng: np.random.Generator) -> View:
    """Views of a clip of class `name` over photograph `number`; its cut-outs are of the two photographs after it."""
    if name.startswith("camera"):
        return camera(photos[number], name, strength)
    front, back = (cut_out(photos[(number + k + 1) % len(photos)], (number + k) % 3, rng) for k in range(2))
    ground = camera(photos[number], name, 0)(0)
    return (lambda u: ground) if name == "nothing moves" else objects(ground, front, back, name, strength)


def make(folder: Path, classes: Sequence[str] = CLASSES, progress: Callable[[str, float], None] | None = None) -> None:
    """Write the set: a sub-folder for each class, a clip for each photograph and each strength.

    `progress` is told each class, and the share that is done, before it is made.
    """
    rng = np.random.default_rng(0)
    photos = [Image.fromarray(photo) for photo in photographs("held-out")]
    times = np.linspace(-0.5, 0.5, FRAMES)
    for done, name in enumerate(classes):
        if progress:
            progress(f"making mp4 files: {name}", done / len(classes))
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(len(photos)):
            for strength in STRENGTHS:
                view = clip_view(photos, number, name, strength, rng)
                frames = np.stack([np.asarray(view(u)) for u in times])
                write_mp4(frames, folder / name / f"{number}_{strength}.mp4")
