"""A pair of pictures with their marks, and the caption's lines: what both painters draw."""

from typing import NamedTuple

from PIL import Image

from sifa.explorer.render.marks import Cell, Mark, key_marks, query_marks
from sifa.tracing.records import BlockTrace, Prediction

GAP, LINE, LETTERS = 16, 17, 140  # pixels between two pictures, and of a line of text; letters on a line
GROUND, INK = "#23272e", "#1b222b"


class Panel(NamedTuple):
    """A picture: the square of a frame that the model saw, and the marks on it."""

    picture: Image.Image
    marks: list[Mark]


def pair_panels(prediction: Prediction, block: BlockTrace, pair: int, cell: Cell | None) -> list[Panel]:
    """Frame t with the field of displacement, and frame t + 1 with the neighbours of the cell, if there is one."""
    return [
        Panel(_picture(prediction, block, pair), query_marks(block, pair, cell)),
        Panel(_picture(prediction, block, pair + 1), key_marks(block, pair, cell)),
    ]


def frames_of_step(step: int, block: BlockTrace, count: int) -> tuple[int, int]:
    """Sampled frames [first, end) that a time step covers."""
    return round(step * block.stride[0]), min(count, round((step + 1) * block.stride[0]))


def lines(text: str) -> list[str]:
    """Text in lines of at most LETTERS letters, broken between words."""
    rows = [""]
    for word in text.split():
        if len(rows[-1]) + len(word) >= LETTERS:
            rows.append("")
        rows[-1] += (" " if rows[-1] else "") + word
    return rows


def _picture(prediction: Prediction, block: BlockTrace, step: int) -> Image.Image:
    frames = prediction.clip.frames
    first, end = frames_of_step(step, block, len(frames))
    top, left, side = prediction.crop.source_box
    picture = Image.fromarray(frames[min(len(frames) - 1, first + (end - first) // 2)])
    return picture.crop((round(left), round(top), round(left + side), round(top + side)))
