"""Clips with a cut and without one, of small pictures, for the test of `sifa.video.cuts` and for its figures.

Parts of a clip are scenes of both families of `sifa.data.motion`, worn like uploads, and photographs that rest or are panned,
tilted, zoomed, rolled and shaken here. Everything follows from a split of the photographs and a seed.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from sifa.data.motion import CLASSES, MotionClips
from sifa.data.motion.filmed_clips import FilmedClips, pairs_of_labels
from sifa.data.motion.textures import Picture, photographs
from sifa.data.motion.wear import wear

SIDE, FRAMES = 64, 61  # 16 frames sampled every 4 of 30 a second, and those between them
TEXTURES = 150
LONGEST = 10  # frames of a dissolve: a third of a second
END = 3  # frames before and after a cut: where there are fewer, it may as well be a flash
DARKEST = 12  # contrast (0..255) from which a view of a photograph shows anything
SAME = 0.1  # views of one photograph that a cut joins overlap by at most this share of the smaller one

Frames = np.ndarray  # (FRAMES, SIDE, SIDE, 3) uint8


class MadeClip(NamedTuple):
    """A clip, and where its cut is."""

    kind: str
    frames: Frames
    last: int = (
        0  # the last frame that shows only what is before the cut, and the first that shows only what comes after it;
    )
    first: int = 0  # the same for no cut


class View(NamedTuple):
    """A square of a photograph: its middle and its side in pixels."""

    x: float
    y: float
    side: float

    def overlap(self, other: "View") -> float:
        """The share of the smaller one that both cover."""
        shared = 1.0
        for one, two in ((self.x, other.x), (self.y, other.y)):
            low, high = max(one - self.side / 2, two - other.side / 2), min(one + self.side / 2, two + other.side / 2)
            shared *= max(0.0, high - low)
        return shared / min(self.side, other.side) ** 2


class Maker:
    """Makes clips of a split, "train" or "held-out"."""

    def __init__(self, split: str, seed: int = 0) -> None:
        self.rng = np.random.default_rng([seed, len(split)])
        self.photos = [
            np.asarray(Image.fromarray(p).reduce(max(1, min(p.shape[:2]) // 320))) for p in photographs(split)
        ]
        self.families = (
            MotionClips(split, SIDE, FRAMES, seed, TEXTURES, worn=True),
            FilmedClips(split, SIDE, FRAMES, seed, TEXTURES, worn=True),
        )

    def scenes(self, count: int, seed: int) -> list[Frames]:
        """Scenes of both families, all labels in turn."""
        half = [count - count // 2, count // 2]
        labels = torch.randperm(len(CLASSES), generator=torch.Generator().manual_seed(seed)).repeat(half[0])[: half[0]]
        pairs = pairs_of_labels(7 * half[1])[::7] if half[1] else pairs_of_labels(0)
        found: list[Frames] = []
        for family, wanted in zip(self.families, (labels, pairs)):
            for number in range(0, len(wanted), 12):
                video = family.batch(seed * 1000 + number, wanted[number : number + 12]).video
                found += [(clip * 255).round().byte().permute(1, 2, 3, 0).numpy() for clip in video]
        return found

    def view(self, photo: Picture) -> View:
        """A random square that shows something."""
        height, width = photo.shape[:2]
        for _ in range(20):
            side = min(height, width) * self.rng.uniform(0.35, 0.9)
            x, y = (self.rng.uniform(side / 2, length - side / 2) for length in (width, height))
            corner = int(y - side / 2), int(x - side / 2)
            if photo[corner[0] : corner[0] + int(side), corner[1] : corner[1] + int(side)].std((0, 1)).max() > DARKEST:
                break
        return View(x, y, side)

    def filmed(self, photo: Picture, view: View, how: str) -> Frames:
        """A photograph under a camera that does `how`; beyond its edges it is mirrored."""
        time = np.linspace(0, 1, FRAMES) - 0.5
        x, y, zoom, angle = (np.zeros(FRAMES) for _ in range(4))
        turn, pace = self.rng.uniform(0, 2 * np.pi), self.rng.uniform(0.1, 0.6)
        if how == "fast pan":
            turn, pace, how = self.rng.integers(4) * np.pi / 2, self.rng.uniform(0.6, 1.1), "pan"
        if how == "pan":
            x, y = pace * time * np.cos(turn), pace * time * np.sin(turn)
        elif how == "zoom":
            zoom = time * self.rng.uniform(0.2, 1.0) * self.rng.choice([-1, 1])
        elif how == "roll":
            angle = time * self.rng.uniform(0.3, 1.6) * self.rng.choice([-1, 1])
        elif how == "shake":
            x, y = (self.rng.normal(0, self.rng.uniform(0.01, 0.03), FRAMES) for _ in "xy")
        return self._shown(photo, view, x, y, np.exp(zoom), angle)

    def _shown(
        self, photo: Picture, view: View, x: np.ndarray, y: np.ndarray, zoom: np.ndarray, angle: np.ndarray
    ) -> Frames:
        pad = int(1.3 * view.side)
        wide = Image.fromarray(np.pad(photo, ((pad, pad), (pad, pad), (0, 0)), "symmetric"))
        frames = []
        for dx, dy, scale, turn in zip(x, y, zoom, angle):
            side = view.side * scale / SIDE
            c, s = side * np.cos(turn), side * np.sin(turn)
            at_x, at_y = view.x + dx * view.side + pad, view.y + dy * view.side + pad
            matrix = (c / 2, -s / 2, at_x - SIDE * (c - s) / 2, s / 2, c / 2, at_y - SIDE * (s + c) / 2)
            frames.append(
                np.asarray(
                    wide.transform((2 * SIDE,) * 2, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR).reduce(2)
                )
            )
        return np.stack(frames)

    def photo(self) -> Picture:
        return self.photos[self.rng.integers(len(self.photos))]

    def worn(self, frames: Frames) -> Frames:
        """The faults of uploads, on half of the clips, and grain."""
        values = torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 255
        if self.rng.random() < 0.5:
            rng = torch.Generator().manual_seed(int(self.rng.integers(1 << 30)))
            wear(values, torch.zeros(1, *frames.shape[:3], dtype=torch.long), rng)
        values += self.rng.uniform(0, 0.03) * torch.randn(values.shape, generator=torch.Generator().manual_seed(7))
        return (values[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 3, 0).numpy()

    def camera(self, how: str) -> Frames:
        photo = self.photo()
        return self.filmed(photo, self.view(photo), how)


MOVES = ("pan", "zoom", "roll", "shake", "still", "fast pan")


def exposed(frames: Frames, gain: np.ndarray, bias: np.ndarray) -> Frames:
    """Frames times a gain plus a bias of each frame."""
    values = frames.astype(np.float32) * gain[:, None, None, None] + bias[:, None, None, None]
    return values.clip(0, 255).astype(np.uint8)


def flash(maker: Maker, frames: Frames) -> Frames:
    """One to three frames lit up, one to three times in a clip."""
    bias = np.zeros(FRAMES, np.float32)
    for _ in range(maker.rng.integers(1, 4)):
        at = maker.rng.integers(FRAMES)
        bias[at : at + maker.rng.integers(1, 4)] = maker.rng.uniform(60, 160)
    return exposed(frames, 1 + bias / 200, bias)


def exposure_jump(maker: Maker, frames: Frames) -> Frames:
    """From one frame on, or over some, brighter or darker."""
    length, at = maker.rng.integers(1, 12), maker.rng.integers(5, FRAMES - 5)
    share = ((np.arange(FRAMES) - at) / length).clip(0, 1)
    return exposed(
        frames, 1 + share * (maker.rng.choice([0.5, 0.65, 1.4, 1.7]) - 1), share * maker.rng.uniform(-30, 30)
    )


def crossed(maker: Maker, frames: Frames) -> Frames:
    """A thing as large as 30 to 70 % of the picture crosses it, at one side in one to two thirds of the clip."""
    size = int(SIDE * np.sqrt(maker.rng.uniform(0.3, 0.7)))
    thing, frames = maker.camera("still")[0, :size, :size], frames.copy()
    top, back = maker.rng.integers(SIDE - size + 1), maker.rng.random() < 0.5
    pace, start = SIDE / FRAMES * maker.rng.uniform(1.5, 3), maker.rng.uniform(0, 0.4) * FRAMES
    for number, frame in enumerate(frames):
        left = round((number - start) * pace) - size
        low, high = max(left, 0), min(left + size, SIDE)
        if low < high:
            frame[top : top + size, low:high] = thing[:, low - left : high - left]
    return np.flip(frames, 2).copy() if back else frames


def without_cut(split: str, count: int, seed: int = 0) -> Iterator[MadeClip]:
    """Clips without a cut: half of them scenes, the others one of ten kinds each."""
    maker = Maker(split, seed)
    scenes = maker.scenes(count - count // 2, seed)
    for number, frames in enumerate(scenes):
        yield MadeClip(
            "scene of the first family" if number < (len(scenes) + 1) // 2 else "scene of the second family", frames
        )
    kinds = (
        "fast pan",
        "pan",
        "zoom",
        "roll",
        "shake",
        "still",
        "flash",
        "exposure jump",
        "black and white",
        "large mover",
    )
    for number in range(count // 2):
        kind = kinds[number % len(kinds)]
        base = kind if kind in MOVES else MOVES[maker.rng.integers(5)]
        frames = maker.camera(base)
        if kind == "flash":
            frames = flash(maker, frames)
        elif kind == "exposure jump":
            frames = exposure_jump(maker, frames)
        elif kind == "black and white":
            frames = frames.mean(-1, keepdims=True).astype(np.uint8).repeat(3, -1)
        elif kind == "large mover":
            frames = crossed(maker, frames)
        yield MadeClip(kind, maker.worn(frames))


def joined(maker: Maker, before: Frames, after: Frames, length: int) -> tuple[Frames, int, int]:
    """The first clip until some frame, the second from there on; over `length` frames between, both."""
    last = int(maker.rng.integers(END - 1, FRAMES - length - END))
    share = ((np.arange(FRAMES) - last) / (length + 1)).clip(0, 1).astype(np.float32)[:, None, None, None]
    mixed = (1 - share) * before + share * after
    return mixed.round().astype(np.uint8), last, last + length + 1


def with_cut(split: str, count: int, seed: int = 0) -> Iterator[MadeClip]:
    """Clips with a cut: in turn between photographs, photographs in motion, places of one, and scenes; half are dissolves."""
    maker = Maker(split, seed)
    scenes = maker.scenes(2 * (-(-count // 4)), seed + 500)
    order = maker.rng.permutation(len(scenes))
    for number in range(count):
        between = ("photographs", "photographs in motion", "places of a photograph", "scenes")[number % 4]
        length = 0 if number // 4 % 2 else int(maker.rng.integers(2, LONGEST + 1))
        if between == "scenes":
            one, two = (scenes[order[2 * (number // 4) + i]] for i in (0, 1))
        else:
            photos = [maker.photo() for _ in range(2)]
            while between != "places of a photograph" and photos[0] is photos[1]:
                photos[1] = maker.photo()
            if between == "places of a photograph":
                photos[1] = photos[0]
            views = [maker.view(photo) for photo in photos]
            for _ in range(200):
                if photos[0] is not photos[1] or views[0].overlap(views[1]) <= SAME:
                    break
                views = [
                    maker.view(photo)._replace(side=min(photo.shape[:2]) * maker.rng.uniform(0.35, 0.6))
                    for photo in photos
                ]
            how = ["still"] * 2 if between == "photographs" else [str(maker.rng.choice(MOVES)) for _ in "ab"]
            one, two = (maker.filmed(*each) for each in zip(photos, views, how))
        frames, last, first = joined(maker, one, two, length)
        yield MadeClip(
            f"{'dissolve' if length else 'hard'}, {between}",
            frames if between == "scenes" else maker.worn(frames),
            last,
            first,
        )
