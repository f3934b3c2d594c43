"""A second held-out set, made by other means than the generator: `sifa make pasted --out FOLDER`.

Held-out photographs are panned, zoomed and rolled, and cut-outs of them pasted and moved, with PIL; every clip is a real
mp4 file in the sub-folder of its class, to be read back through `read_clip`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from sifa.data.motion.classes import CLASSES
from sifa.data.motion.textures import photographs
from sifa.video.write import write_mp4

SIZE, FRAMES = 160, 61  # pixels; frames at 30 per second, two seconds
STRENGTHS = (0.6, 1.0)


def camera(photo: Image.Image, name: str, strength: float) -> Callable[[float], Image.Image]:
    """Views of a photograph at a time u in -0.5 .. 0.5: a square window that is moved, scaled or turned."""
    width, height = photo.size
    side = min(width, height) * 0.6

    def view(u: float) -> Image.Image:
        x, y, scale, turn = width / 2, height / 2, 1.0, 0.0
        way = 0.6 * strength * side * u
        match name:
            case "camera pans left":
                x -= way
            case "camera pans right":
                x += way
            case "camera tilts up":
                y -= way
            case "camera tilts down":
                y += way
            case "camera zooms in":
                scale = (1 + strength) ** -u
            case "camera zooms out":
                scale = (1 + strength) ** u
            case "camera rolls clockwise":  # what it sees turns the other way
                turn = 70 * strength * u
            case "camera rolls counter-clockwise":
                turn = -70 * strength * u
        side_now = side * scale
        reach = side_now * (0.75 if turn else 0.5)  # a turned square lies inside one half as large again
        square = photo.crop([round(v) for v in (x - reach, y - reach, x + reach, y + reach)])
        if turn:
            inset = reach - side_now / 2
            square = square.rotate(turn, Image.BICUBIC).crop(
                [round(v) for v in (inset, inset, inset + side_now, inset + side_now)]
            )
        return square.resize((SIZE, SIZE), Image.LANCZOS)

    return view


def cut_out(photo: Image.Image, shape: int, rng: np.random.Generator) -> Image.Image:
    """A piece of a photograph with transparent surroundings: ellipse, rounded box, or polygon.

    Of four places the one with the most contrast, since nobody sees plain sky turn.
    """
    side = int(min(photo.size) * 0.5)
    corners = [[int(rng.integers(length - side + 1)) for length in photo.size] for _ in range(4)]
    pieces = [photo.crop((x, y, x + side, y + side)) for x, y in corners]
    piece = max(pieces, key=lambda p: np.asarray(p).std()).resize((200, 200), Image.LANCZOS).convert("RGBA")
    mask = Image.new("L", (200, 200))
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


def paste(
    picture: Image.Image, piece: Image.Image, x: float, y: float, width: float, height: float, turn: float
) -> None:
    """Lay a cut-out on the picture, its centre at (x, y), turned clockwise by degrees; all in shares of the picture."""
    size = [max(1, round(SIZE * v)) for v in (width, height)]
    piece = piece.resize(size, Image.LANCZOS).rotate(-turn, Image.BICUBIC, expand=True)
    at = round(x * SIZE - piece.width / 2), round(y * SIZE - piece.height / 2)
    picture.paste(piece, at, piece)


def objects(
    ground: Image.Image, one: Image.Image, other: Image.Image, name: str, strength: float
) -> Callable[[float], Image.Image]:
    """Cut-outs that move over a resting ground, at a time u in -0.5 .. 0.5."""
    shift = 0.65 * strength

    def view(u: float) -> Image.Image:
        picture = ground.copy()
        x, y, width, height, turn = 0.5, 0.5, 0.42, 0.42, 0.0
        match name:
            case "object moves left":
                x -= shift * u
            case "object moves right":
                x += shift * u
            case "object moves up":
                y -= shift * u
            case "object moves down":
                y += shift * u
            case "object comes closer":
                width = height = 0.42 * (1 + 1.6 * strength) ** u
            case "object goes away":
                width = height = 0.42 * (1 + 1.6 * strength) ** -u
            case "object turns clockwise":
                turn = 160 * strength * u
            case "object turns counter-clockwise":
                turn = -160 * strength * u
            case "object shakes":
                x += 0.12 * strength * np.sin(2 * np.pi * 2 * u)
            case "object bounces":
                y = 0.7 - 0.38 * strength * abs(np.sin(2 * np.pi * (u + 0.5)))
            case "object is squashed":
                width, height = 0.42 * (1 + strength) ** u, 0.42 * (1 + strength) ** -u
            case "object is stretched":
                width, height = 0.42 * (1 + strength) ** -u, 0.42 * (1 + strength) ** u
            case "two objects come together" | "two objects move apart":
                closing = -u if name == "two objects come together" else u
                apart = 0.31 + 0.3 * strength * closing
                paste(picture, other, 0.5 + apart, 0.55, 0.34, 0.34, 0)
                x, y, width, height = 0.5 - apart, 0.45, 0.34, 0.34
            case "one object passes in front of another":
                paste(picture, other, 0.5, 0.5, 0.4, 0.4, 0)
                x, y = 0.5 + 0.8 * strength * u, 0.53
        paste(picture, one, x, y, width, height, turn)
        return picture

    return view


def make(folder: Path, classes: tuple[str, ...] = CLASSES) -> None:
    """Write the set: every class over every held-out photograph at every strength."""
    rng = np.random.default_rng(0)
    photos = [Image.fromarray(photo) for photo in photographs("held-out")]
    times = np.linspace(-0.5, 0.5, FRAMES)
    for name in tqdm(classes, desc="making mp4 files", unit="class", leave=False):
        sub = folder / name
        sub.mkdir(parents=True, exist_ok=True)
        for number, photo in enumerate(photos):
            for strength in STRENGTHS:
                if name.startswith("camera"):
                    view = camera(photo, name, strength)
                else:
                    others = [photos[(number + step) % len(photos)] for step in (1, 2)]
                    pieces = [cut_out(other, (number + step) % 3, rng) for step, other in enumerate(others)]
                    ground = camera(photo, name, 0)(0)
                    still = lambda u, ground=ground: ground  # noqa: E731
                    view = still if name == "nothing moves" else objects(ground, *pieces, name, strength)
                frames = np.stack([np.asarray(view(u)) for u in times])
                write_mp4(frames, sub / f"{number}_{strength}.mp4")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="sifa make pasted", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    make(parser.parse_args().out)
