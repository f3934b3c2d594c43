"""What the viewer draws on a pair of pictures, as a list of marks: numbers alone, in pixels of a square of SIDE x SIDE."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sifa.tracing.records import BlockTrace

SIDE = 480  # pixels of a picture
MARGIN = 0.06  # of a picture's side, so that points outside the frame can be drawn
ARROWS_APART = 15  # pixels, at least
QUERY, KEY = "#ff9d2e", "#3fc9e8"
SEQUENTIAL = ((247, 250, 240), (190, 228, 178), (108, 190, 120), (32, 132, 72), (0, 72, 34))
DIVERGING = ((72, 8, 96), (150, 96, 176), (216, 194, 226), (247, 247, 247), (186, 226, 178), (76, 168, 96), (0, 82, 40))
Point = tuple[float, float]  # (x, y) in pixels


class Stroke(NamedTuple):
    """A line through points, cased in black so that it is legible on any picture."""

    points: tuple[Point, ...]
    colour: str
    width: float


class Disc(NamedTuple):
    """A sampled point; without a fill where it lies outside the frame."""

    centre: Point
    radius: float
    fill: str | None
    words: str


Mark = Stroke | Disc
Cell = tuple[int, int]  # (y, x)


def query_marks(block: BlockTrace, pair: int, cell: Cell | None) -> list[Mark]:
    """On frame t: the field of displacement, and the cell with its arrow, if there is one."""
    marks: list[Mark] = list(_field(block, pair))
    if cell:
        marks += [_outline(block, cell, 2), _cell_arrow(block, pair, cell)]
    return marks


def key_marks(block: BlockTrace, pair: int, cell: Cell | None) -> list[Mark]:
    """On frame t + 1: the neighbours of the cell, if there is one, and where its attention went."""
    if not cell:
        return []
    return [_outline(block, cell, 1), *_neighbours(block, pair, *cell), _cell_arrow(block, pair, cell)]


def greatest_weight(block: BlockTrace, pair: int) -> float:
    """The greatest |weight| of a pair, over all cells; at least 1e-12, so that weights can be divided by it."""
    return max(float(np.abs(block.attention[pair]).max()), 1e-12)


def colour(share: float, normalised: bool) -> str:
    """The colour of a weight, given as its share of the greatest |weight|: the viewer's scales."""
    colours = SEQUENTIAL if normalised else DIVERGING
    at = np.clip(share if normalised else (share + 1) / 2, 0, 1) * (len(colours) - 1)
    i = min(len(colours) - 2, int(at))
    low, high = np.array(colours[i]), np.array(colours[i + 1])
    return "#" + bytes(np.floor(low + (high - low) * (at - i) + 0.5).astype(np.uint8)).hex()


def _px(block: BlockTrace, y: float, x: float) -> Point:
    """The pixel of a place in cells; (0, 0) is the centre of the first cell."""
    height, width = block.attention.shape[-2:]
    inner = (1 - 2 * MARGIN) * SIDE
    return float(MARGIN * SIDE + (x + 0.5) * inner / width), float(MARGIN * SIDE + (y + 0.5) * inner / height)


def _outline(block: BlockTrace, cell: Cell, width: float) -> Stroke:
    y, x = cell
    corners = tuple(_px(block, y + a, x + b) for a, b in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)))
    return Stroke((*corners, corners[0]), QUERY, width)


def _cell_arrow(block: BlockTrace, pair: int, cell: Cell) -> Stroke:
    (y, x), (dy, dx) = cell, block.displacement[pair][:, cell[0], cell[1]]
    return _arrow(_px(block, y, x), _px(block, y + dy, x + dx), 9, KEY, 2.4)


def _arrow(start: Point, end: Point, most: float, colour: str, width: float) -> Stroke:
    (x0, y0), (x1, y1) = start, end
    head = min(most, 0.45 * np.hypot(x1 - x0, y1 - y0))
    angle = np.arctan2(y1 - y0, x1 - x0)
    barbs = [
        (float(x1 + head * np.cos(angle + turn)), float(y1 + head * np.sin(angle + turn))) for turn in (2.55, -2.55)
    ]
    return Stroke((start, end, barbs[0], end, barbs[1]), colour, width)


def _field(block: BlockTrace, pair: int) -> Iterator[Stroke]:
    height, width = block.attention.shape[-2:]
    every = max(1, -(-ARROWS_APART * width // SIDE))
    field = block.displacement[pair]
    for y in range(every // 2, height, every):
        for x in range(every // 2, width, every):
            dy, dx = field[:, y, x]
            yield _arrow(_px(block, y, x), _px(block, y + dy, x + dx), 5, "#ffffff", 1.2)


def _neighbours(block: BlockTrace, pair: int, y: int, x: int) -> Iterator[Mark]:
    height, width = block.attention.shape[-2:]
    points, offsets = block.points[pair, :, :, y, x], block.offset[pair, :, :, y, x]
    weights = block.attention[pair, :, y, x]
    most = greatest_weight(block, pair)
    reach = max(3.2, min(11, 0.33 * (1 - 2 * MARGIN) * SIDE / width))
    for point, tap in zip(points, points - offsets):
        yield Stroke((_px(block, *tap), _px(block, *point)), "#ffffff", 1.1)
    for point, outside, weight in zip(points, block.outside[pair, :, y, x], weights.tolist()):
        words = f"weight {weight:.4f}" + (", outside the frame: counts 0" if outside else "")
        radius = reach * (0.38 + 0.62 * min(1, abs(weight) / most) ** 0.5)
        yield Disc(_px(block, *point), radius, None if outside else colour(weight / most, block.normalised), words)
    arm = min(3.2, 0.4 * reach)
    for tap in points - offsets:
        px, py = _px(block, *tap)
        cross = (px - arm, py), (px + arm, py), (px, py), (px, py - arm), (px, py + arm)
        yield Stroke(cross, "#ffffff", 1.2)
