"""Many small clips, some broken on purpose: `python -m tests.batch.many FOLDER [COUNT]` makes them and their list.

Every fourth one is a video, which takes a decoding process; the others are folders of numbered pictures, which are quicker."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from sifa.weights.card import card_of
from sifa.weights.checkpoint import save
from tests.clips import write_clip
from tests.predictions import nano_model

LABELS = ("class 0", "class 5", "hand waves")  # the last one the model does not know
BROKEN = 17  # every so many clips one is broken, each in another way
SIZE = 32  # pixels


def pictures(number: int, count: int = 10) -> np.ndarray:
    """A texture that moves, another one for each number: (count, 32, 40, 3) uint8."""
    rng = np.random.default_rng(number)
    ground = np.kron(rng.integers(30, 220, (8, 10, 3), dtype=np.uint8), np.ones((4, 4, 1), np.uint8))
    return np.stack([np.roll(ground, (t * (number % 3 - 1), t * (number % 5 - 2)), (0, 1)) for t in range(count)])


def write_pictures(folder: Path, frames: np.ndarray) -> Path:
    """A folder of numbered pictures."""
    folder.mkdir()
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{i:03}.png", compress_level=1)
    return folder


def damage(clip: Path, way: int) -> None:
    """Make a clip unreadable."""
    if clip.is_dir():
        if way % 2:
            (clip / "001.png").unlink()  # a number is missing
        else:
            (clip / "000.png").write_bytes(b"no picture")
    else:
        whole = clip.read_bytes()
        clip.write_bytes([b"", b"no video at all", whole[: len(whole) // 2]][way % 3])


def make_clips(folder: Path, count: int) -> Path:
    """So many clips below `folder`; returns their list, `folder`/list.csv, with a class for each."""
    folder.mkdir()
    lines = ["path,label"]
    for number in range(count):
        name = f"{number:04}"
        frames = pictures(number, 10 if number % 7 else 4)  # some are shorter than a clip
        if number % 4 == 1:
            clip = write_clip(folder / f"{name}.mp4", frames, preset="ultrafast")
        else:
            clip = write_pictures(folder / name, frames)
        if number % BROKEN == BROKEN - 1:
            damage(clip, number // BROKEN)
        lines.append(f"{clip.name},{LABELS[number % len(LABELS)]}")
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return folder / "list.csv"


def small_weights(file: Path) -> Path:
    """A small untrained model that reads eight frames, every one of a clip."""
    model = nano_model(num_frames=8, img_size=SIZE)
    save(model, replace(card_of(model), sampling_rate=1), file)
    return file


if __name__ == "__main__":
    print(make_clips(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 500))
