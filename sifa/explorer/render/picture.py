"""The pair of pictures that the viewer shows, drawn by Pillow or written as SVG from one list of marks."""

import base64
import io
from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sifa.tracing.records import BlockTrace, Prediction

SIDE, GAP, LINE, LETTERS = 480, 16, 17, 140  # pixels of a picture, between two, of a line of text; letters on a line
MARGIN = 0.06  # of a picture's side, so that points outside the frame can be drawn
ARROWS_APART = 15  # pixels, at least
QUERY, KEY, GROUND = "#ff9d2e", "#3fc9e8", "#23272e"
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


class Panel(NamedTuple):
    """A picture: the square of a frame that the model saw, and the marks on it."""

    picture: Image.Image
    marks: list[Stroke | Disc]


def panels(prediction: Prediction, block: BlockTrace, pair: int, cell: tuple[int, int] | None) -> list[Panel]:
    """Frame t with the field of displacement, and frame t + 1 with the neighbours of the cell, if there is one."""
    query, key = list(_field(block, pair)), []
    if cell:
        height, width = block.attention.shape[-2:]
        (y, x), (dy, dx) = cell, block.displacement[pair][:, cell[0], cell[1]]
        corners = tuple(_px(block, y + a, x + b) for a, b in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)))
        outline = Stroke((*corners, corners[0]), QUERY, 2)
        arrow = _arrow(_px(block, y, x), _px(block, y + dy, x + dx), 9, KEY, 2.4)
        query += [outline, arrow]
        key += [outline._replace(width=1), *_neighbours(block, pair, y, x), arrow]
    return [Panel(_seen(prediction, block, pair), query), Panel(_seen(prediction, block, pair + 1), key)]


def frames_of_step(step: int, block: BlockTrace, count: int) -> tuple[int, int]:
    """Sampled frames [first, end) that a time step covers."""
    return round(step * block.stride[0]), min(count, round((step + 1) * block.stride[0]))


def _seen(prediction: Prediction, block: BlockTrace, step: int) -> Image.Image:
    frames = prediction.clip.frames
    first, end = frames_of_step(step, block, len(frames))
    top, left, side = prediction.crop.source_box
    picture = Image.fromarray(frames[min(len(frames) - 1, first + (end - first) // 2)])
    return picture.crop(tuple(round(v) for v in (left, top, left + side, top + side)))


def _px(block: BlockTrace, y: float, x: float) -> Point:
    """The pixel of a place in cells; (0, 0) is the centre of the first cell."""
    height, width = block.attention.shape[-2:]
    inner = (1 - 2 * MARGIN) * SIDE
    return float(MARGIN * SIDE + (x + 0.5) * inner / width), float(MARGIN * SIDE + (y + 0.5) * inner / height)


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


def _neighbours(block: BlockTrace, pair: int, y: int, x: int) -> Iterator[Stroke | Disc]:
    height, width = block.attention.shape[-2:]
    points, offsets = block.points[pair, :, :, y, x], block.offset[pair, :, :, y, x]
    weights = block.attention[pair, :, y, x]
    most = max(float(np.abs(block.attention[pair]).max()), 1e-12)
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


def colour(share: float, normalised: bool) -> str:
    """The colour of a weight, given as its share of the greatest |weight|: the viewer's scales."""
    colours = SEQUENTIAL if normalised else DIVERGING
    at = np.clip(share if normalised else (share + 1) / 2, 0, 1) * (len(colours) - 1)
    i = min(len(colours) - 2, int(at))
    low, high = np.array(colours[i]), np.array(colours[i + 1])
    return "#" + bytes(np.floor(low + (high - low) * (at - i) + 0.5).astype(np.uint8)).hex()


def lines(text: str) -> list[str]:
    """Text in lines of at most LETTERS letters, broken between words."""
    broken = [""]
    for word in text.split():
        if len(broken[-1]) + len(word) >= LETTERS:
            broken.append("")
        broken[-1] += (" " if broken[-1] else "") + word
    return broken


def drawn(shown: list[Panel], caption: str, scale: float = 1, rows: int = 0) -> Image.Image:
    """The panels side by side and the caption below, by Pillow.

    Drawn twice as large and reduced, so that edges are smooth. `rows`: lines of text to leave room for, if more than the
    caption has. Both sides are even numbers of pixels.
    """
    text = lines(caption)
    size = np.array([2 * SIDE + GAP, SIDE + LINE * max(rows, len(text)) + 8]) * scale
    large = 2 * scale
    picture = Image.new("RGB", tuple((2 * np.rint(size)).astype(int) // 4 * 4), "white")
    draw = ImageDraw.Draw(picture)
    for number, panel in enumerate(shown):
        left = round(number * (SIDE + GAP) * large)
        square = Image.new("RGB", (round(SIDE * large),) * 2, GROUND)
        inner = round((1 - 2 * MARGIN) * SIDE * large)
        square.paste(panel.picture.resize((inner, inner), Image.BICUBIC), (round(MARGIN * SIDE * large),) * 2)
        _draw(ImageDraw.Draw(square), panel.marks, large)
        picture.paste(square, (left, 0))
    font = ImageFont.load_default(12 * large)
    for number, line in enumerate(text):
        draw.text((0, (SIDE + 3 + LINE * number) * large), line, "#1b222b", font)
    return picture.reduce(2)


def _draw(draw: ImageDraw.ImageDraw, marks: list[Stroke | Disc], large: float) -> None:
    for mark in marks:
        if isinstance(mark, Stroke):
            points = [(x * large, y * large) for x, y in mark.points]
            for shade, width in (("#262626", 2.2 * mark.width), (mark.colour, mark.width)):
                draw.line(points, shade, round(width * large), joint="curve")
        else:
            (x, y), radius = mark.centre, mark.radius
            for shade, wide in (("#262626", 1.65), ("#ffffff", 0.75)):
                box = [(v + side * (radius + wide)) * large for side in (-1, 1) for v in (x, y)]
                inner = mark.fill if shade == "#ffffff" else None
                draw.ellipse(box, inner, shade, round(2 * wide * large))


def svg(shown: list[Panel], caption: str) -> str:
    """The same as one SVG picture, with the caption as text and as title."""
    text = lines(caption)
    width, height = 2 * SIDE + GAP, SIDE + LINE * len(text) + 8
    body = "\n".join(_svg_panel(panel, number * (SIDE + GAP)) for number, panel in enumerate(shown))
    words = "".join(f'<text y="{SIDE + LINE * (n + 1)}">{escape(line)}</text>' for n, line in enumerate(text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'fill="none" stroke-linejoin="round" stroke-linecap="round" font-family="sans-serif" font-size="12">\n'
        f'<title>{escape(caption)}</title><rect width="{width}" height="{height}" fill="#fff"/>\n'
        f'{body}\n<g fill="#1b222b">{words}</g></svg>\n'
    )


def _svg_panel(panel: Panel, left: int) -> str:
    out = io.BytesIO()
    panel.picture.save(out, "JPEG", quality=90)
    edge, inner = MARGIN * SIDE, (1 - 2 * MARGIN) * SIDE
    image = f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
    return (
        f'<svg x="{left}" width="{SIDE}" height="{SIDE}"><rect width="{SIDE}" height="{SIDE}" fill="{GROUND}"/>'
        f'<image x="{edge:.2f}" y="{edge:.2f}" width="{inner:.2f}" height="{inner:.2f}" preserveAspectRatio="none" '
        f'href="{image}"/>{"".join(map(_svg_mark, panel.marks))}</svg>'
    )


def _svg_mark(mark: Stroke | Disc) -> str:
    if isinstance(mark, Stroke):
        points = quoteattr(" ".join(f"{x:.2f},{y:.2f}" for x, y in mark.points))
        return (
            f'<polyline points={points} stroke="#000" stroke-opacity=".75" stroke-width="{2.2 * mark.width:.2f}"/>'
            f'<polyline points={points} stroke="{mark.colour}" stroke-width="{mark.width}"/>'
        )
    (x, y), shape = mark.centre, f'r="{mark.radius:.2f}"'
    shape = f'cx="{x:.2f}" cy="{y:.2f}" {shape}'
    return (
        f'<circle {shape} stroke="#000" stroke-opacity=".75" stroke-width="3.3"/>'
        f'<circle {shape} fill="{mark.fill or "none"}" stroke="#fff" stroke-width="1.5">'
        f"<title>{mark.words}</title></circle>"
    )


def start_cell(block: BlockTrace, pair: int) -> tuple[int, int]:
    """The cell (y, x) away from the border whose attention went furthest in a pair, where the viewer opens."""
    height, width = block.attention.shape[2:]
    edge = 2 if min(height, width) >= 8 else 0
    length = np.hypot(*block.displacement[pair])[edge : height - edge, edge : width - edge]
    y, x = np.unravel_index(length.argmax(), length.shape)
    return int(y) + edge, int(x) + edge
