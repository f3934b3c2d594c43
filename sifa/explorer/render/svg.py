"""Panels as one SVG picture."""

import base64
import io
from xml.sax.saxutils import escape, quoteattr

from sifa.explorer.render.marks import MARGIN, SIDE, Mark, Stroke
from sifa.explorer.render.panel import GAP, GROUND, INK, LINE, Panel, lines


def to_svg(panels: list[Panel], caption: str) -> str:
    """The panels side by side as one SVG picture, with the caption as text below and as title."""
    text = lines(caption)
    width, height = 2 * SIDE + GAP, SIDE + LINE * len(text) + 8
    body = "\n".join(_panel(panel, number * (SIDE + GAP)) for number, panel in enumerate(panels))
    words = "".join(f'<text y="{SIDE + LINE * (n + 1)}">{escape(line)}</text>' for n, line in enumerate(text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'fill="none" stroke-linejoin="round" stroke-linecap="round" font-family="sans-serif" font-size="12">\n'
        f'<title>{escape(caption)}</title><rect width="{width}" height="{height}" fill="#fff"/>\n'
        f'{body}\n<g fill="{INK}">{words}</g></svg>\n'
    )


def _panel(panel: Panel, left: int) -> str:
    out = io.BytesIO()
    panel.picture.save(out, "JPEG", quality=90)
    edge, inner = MARGIN * SIDE, (1 - 2 * MARGIN) * SIDE
    image = f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
    return (
        f'<svg x="{left}" width="{SIDE}" height="{SIDE}"><rect width="{SIDE}" height="{SIDE}" fill="{GROUND}"/>'
        f'<image x="{edge:.2f}" y="{edge:.2f}" width="{inner:.2f}" height="{inner:.2f}" preserveAspectRatio="none" '
        f'href="{image}"/>{"".join(map(_mark, panel.marks))}</svg>'
    )


def _mark(mark: Mark) -> str:
    if isinstance(mark, Stroke):
        points = quoteattr(" ".join(f"{x:.2f},{y:.2f}" for x, y in mark.points))
        return (
            f'<polyline points={points} stroke="#000" stroke-opacity=".75" stroke-width="{2.2 * mark.width:.2f}"/>'
            f'<polyline points={points} stroke="{mark.colour}" stroke-width="{mark.width}"/>'
        )
    x, y = mark.centre
    shape = f'cx="{x:.2f}" cy="{y:.2f}" r="{mark.radius:.2f}"'
    return (
        f'<circle {shape} stroke="#000" stroke-opacity=".75" stroke-width="3.3"/>'
        f'<circle {shape} fill="{mark.fill or "none"}" stroke="#fff" stroke-width="1.5">'
        f"<title>{mark.words}</title></circle>"
    )
