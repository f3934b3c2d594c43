"""The pair view as a still picture, for readers who have no viewer: the same marks and colours, drawn with PIL."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sifa.attention import neighbour_grid
from sifa.prediction import Prediction
from sifa.trace import BlockTrace

QUERY, KEY, WHITE, CASING = "#ff9d2e", "#3fc9e8", "#ffffff", (0, 0, 0, 190)
SEQUENTIAL = ((247, 250, 240), (190, 228, 178), (108, 190, 120), (32, 132, 72), (0, 72, 34))
DIVERGING = (
    (72, 8, 96), (150, 96, 176), (216, 194, 226), (247, 247, 247), (186, 226, 178), (76, 168, 96), (0, 82, 40),
)  # fmt: skip
SIDE, LINE, FINER = 340, 22, 2  # pixels of a frame and of a line of words; drawn this many times larger
GROUND, MARGIN = "#23272e", 0.06  # the margin is a share of the side, for points outside the frame
ARROW_GAP = 14  # pixels between two arrows of the field, at least


def start_cell(block: BlockTrace, pair: int) -> tuple[int, int]:
    """The cell (y, x) away from the border whose attention went furthest in a pair, where the viewer opens."""
    height, width = block.attention.shape[2:]
    edge = 2 if min(height, width) >= 8 else 0
    length = np.hypot(*block.displacement[pair])[edge : height - edge, edge : width - edge]
    y, x = np.unravel_index(length.argmax(), length.shape)
    return int(y) + edge, int(x) + edge


def picture_of_pair(prediction: Prediction, block: int, pair: int, y: int, x: int) -> bytes:
    """Frame t with the query cell and the field of displacements, and frame t + 1 with the sampled points, as JPEG.

    The marks are those of the viewer: regular grid (+), offset (line), sampled point (disc; size and colour are its weight, hollow
    outside the frame), mean (arrow). Raises IndexError where block, pair or cell are not in the trace.
    """
    shown = prediction.trace[block]
    image = Image.new("RGB", (2 * SIDE * FINER + LINE * FINER // 2, (SIDE + 2 * LINE) * FINER), "white")
    for number, step in enumerate((pair, pair + 1)):
        view = _View(shown, _frame(prediction, shown, step))
        if number == 0:
            view.field(shown.displacement[pair])
            view.cell(y, x, QUERY, 2.5)
        else:
            view.cell(y, x, QUERY, 1)
            view.neighbours(pair, y, x)
        image.paste(view.image, (number * (SIDE * FINER + LINE * FINER // 2), LINE * FINER))
        words = f"Frame t{' + 1' * number}: step {step + 1}, {prediction.clip.times[_middle(shown, step)]:.2f} s"
        _write(image, (number * (SIDE + LINE // 2) + 1, 3), words)
    grid = f"{shown.attention.shape[2]} by {shown.attention.shape[3]}"
    label, p = prediction.top(1)[0]
    words = f"{label} {p:.1%}. Block {block + 1} of {len(prediction.trace)}, {grid} cells; query cell y {y}, x {x}."
    _write(image, (1, SIDE + LINE + 3), words)
    small = image.resize((image.width // FINER, image.height // FINER), Image.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=88, subsampling=0)
    return out.getvalue()


def weight_colours(block: BlockTrace, pair: int, weights: np.ndarray) -> list[tuple[int, int, int]]:
    """A colour for each weight on the pair's scale: sequential for softmax weights, diverging around 0 for raw ones."""
    most = max(float(np.abs(block.attention[pair]).max()), 1e-12)
    colours = np.array(SEQUENTIAL if block.normalised else DIVERGING, float)
    share = weights / most if block.normalised else (weights / most + 1) / 2
    at = np.clip(share, 0, 1) * (len(colours) - 1)
    return [tuple(round(np.interp(a, range(len(colours)), channel)) for channel in colours.T) for a in at]


def _middle(block: BlockTrace, step: int) -> int:
    return int(round(step * block.stride[0]) + block.stride[0] // 2)


def _frame(prediction: Prediction, block: BlockTrace, step: int) -> Image.Image:
    """The square that the model saw, in the middle of a time step."""
    frames = prediction.clip.frames
    top, left, side = prediction.crop.source_box
    picture = Image.fromarray(frames[min(_middle(block, step), len(frames) - 1)])
    inner = round(SIDE * FINER * (1 - 2 * MARGIN))
    return picture.resize((inner, inner), Image.BICUBIC, box=(left, top, left + side, top + side))


def _write(image: Image.Image, place: tuple[int, int], words: str) -> None:
    x, y = place
    ImageDraw.Draw(image).text((x * FINER, y * FINER), words, "#3b4652", ImageFont.load_default(12.5 * FINER))


class _View:
    """One frame with its margin, and marks on it at places (y, x) in cells."""

    def __init__(self, block: BlockTrace, picture: Image.Image):
        self.block, self.side = block, SIDE * FINER
        self.height, self.width = block.attention.shape[2:]
        self.image = Image.new("RGB", (self.side, self.side), GROUND)
        self.edge, self.inner = round(self.side * MARGIN), picture.width
        self.image.paste(picture, (self.edge, self.edge))
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def place(self, y: float, x: float) -> tuple[float, float]:
        px = self.edge + (x + 0.5) * self.inner / self.width
        py = self.edge + (y + 0.5) * self.inner / self.height
        return tuple(min(max(v, 5 * FINER), self.side - 5 * FINER) for v in (px, py))

    def line(self, places: list, colour: str, width: float) -> None:
        for paint, wide in ((CASING, 2.2 * width), (colour, width)):
            self.draw.line(places, paint, max(1, round(wide * FINER)), joint="curve")

    def cell(self, y: int, x: int, colour: str, width: float) -> None:
        (left, top), (right, bottom) = self.place(y - 0.5, x - 0.5), self.place(y + 0.5, x + 0.5)
        self.line([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], colour, width)

    def arrow(self, y: float, x: float, dy: float, dx: float, colour: str, width: float, head: float) -> None:
        start, end = np.array(self.place(y, x)), np.array(self.place(y + dy, x + dx))
        length = float(np.hypot(*(end - start)))
        if length < 2 * FINER:
            self.disc(tuple(start), 1.2 * width * FINER, colour)
            return
        back = (start - end) / length * min(head * FINER, 0.45 * length)
        turned = [
            end + np.array([c * back[0] - s * back[1], s * back[0] + c * back[1]])
            for c, s in ((0.83, 0.56), (0.83, -0.56))
        ]
        self.line([tuple(start), tuple(end)], colour, width)
        self.line([tuple(turned[0]), tuple(end), tuple(turned[1])], colour, width)

    def disc(self, place: tuple, radius: float, fill, outline=None) -> None:
        x, y = place
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill, outline, round(1.4 * FINER))

    def field(self, displacement: np.ndarray) -> None:
        """Arrows of the field (2, H, W), true to scale."""
        every = max(1, int(np.ceil(ARROW_GAP * self.width / SIDE)))
        for y in range(every // 2, self.height, every):
            for x in range(every // 2, self.width, every):
                self.arrow(y, x, *displacement[:, y, x], WHITE, 1, 4)

    def neighbours(self, pair: int, y: int, x: int) -> None:
        """Regular grid, offsets, sampled points and their weighted mean, of one query cell."""
        block = self.block
        weights, points = block.attention[pair, :, y, x], block.points[pair, :, :, y, x]
        taps = neighbour_grid(block.kernel, block.dilation).numpy() + np.array([y, x])
        colours = weight_colours(block, pair, weights)
        most = max(float(np.abs(block.attention[pair]).max()), 1e-12)
        reach = min(11, max(3.2, 0.33 * self.inner / self.width / FINER)) * FINER
        for tap, point in zip(taps, points):
            self.line([self.place(*tap), self.place(*point)], WHITE, 1)
        for n in np.argsort(-np.abs(weights)):
            lost = not (-1 < points[n, 0] < self.height and -1 < points[n, 1] < self.width)
            radius = reach * (0.38 + 0.62 * np.sqrt(min(1, abs(weights[n]) / most)))
            self.disc(self.place(*points[n]), radius + FINER, CASING)
            self.disc(self.place(*points[n]), radius, GROUND if lost else colours[n], WHITE)
        for tap in taps:
            (px, py), arm = self.place(*tap), 3 * FINER
            self.line([(px - arm, py), (px + arm, py)], WHITE, 1)
            self.line([(px, py - arm), (px, py + arm)], WHITE, 1)
        self.arrow(y, x, *block.displacement[pair, :, y, x], KEY, 2.2, 9)
