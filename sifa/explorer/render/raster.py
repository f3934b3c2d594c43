"""Panels as pixels, by Pillow."""

from PIL import Image, ImageDraw, ImageFont

from sifa.explorer.render.marks import MARGIN, SIDE, Mark, Stroke
from sifa.explorer.render.panel import GAP, GROUND, INK, LINE, Panel, lines

CASE = "#262626"  # around lines and discs, so that they are legible on any picture


def draw(panels: list[Panel], caption: str, scale: float = 1, rows: int = 0) -> Image.Image:
    """The panels side by side and the caption below.

    Drawn twice as large and reduced, so that edges are smooth. `rows`: lines of text to leave room for, if more than the
    caption has. Both sides are even numbers of pixels.
    """
    text = lines(caption)
    large = 2 * scale
    width, height = ((2 * SIDE + GAP) * scale, (SIDE + LINE * max(rows, len(text)) + 8) * scale)
    whole = Image.new("RGB", (2 * round(width) // 4 * 4, 2 * round(height) // 4 * 4), "white")
    for number, panel in enumerate(panels):
        whole.paste(_draw_panel(panel, large), (round(number * (SIDE + GAP) * large), 0))
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(12 * large)
    for number, line in enumerate(text):
        pen.text((0, (SIDE + 3 + LINE * number) * large), line, INK, font)
    return whole.reduce(2)


def _draw_panel(panel: Panel, large: float) -> Image.Image:
    square = Image.new("RGB", (round(SIDE * large),) * 2, GROUND)
    inner = round((1 - 2 * MARGIN) * SIDE * large)
    square.paste(panel.picture.resize((inner, inner), Image.Resampling.BICUBIC), (round(MARGIN * SIDE * large),) * 2)
    pen = ImageDraw.Draw(square)
    for mark in panel.marks:
        _draw_mark(pen, mark, large)
    return square


def _draw_mark(pen: ImageDraw.ImageDraw, mark: Mark, large: float) -> None:
    if isinstance(mark, Stroke):
        points = [(x * large, y * large) for x, y in mark.points]
        for shade, width in ((CASE, 2.2 * mark.width), (mark.colour, mark.width)):
            pen.line(points, shade, round(width * large), joint="curve")
        return
    (x, y), radius = mark.centre, mark.radius
    for shade, fill, wide in ((CASE, None, 1.65), ("#ffffff", mark.fill, 0.75)):
        box = [(v + side * (radius + wide)) * large for side in (-1, 1) for v in (x, y)]
        pen.ellipse(box, fill, shade, round(2 * wide * large))
