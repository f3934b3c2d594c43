"""The numbers of charts and tables, without plotly. A cell is (y, x) on a block's grid; pairs of frames count from 0."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sifa.errors import DataError
from sifa.explorer.render.marks import colour, greatest_weight
from sifa.model.sampling import neighbour_grid
from sifa.tracing.records import BlockTrace, Prediction, Trace
from sifa.weights.card import ModelCard

TIE = 1e-4  # cells; a place halfway between two belongs to the later one, whatever the last digits say


class ProbabilityInfo(NamedTuple):
    """The most probable classes of one prediction, best first."""

    labels: list[str]
    probabilities: list[float]


class AnswerInfo(NamedTuple):
    """Classes, and their probabilities in several predictions by title."""

    labels: list[str]
    probabilities: dict[str, list[float]]


class ConfusionInfo(NamedTuple):
    """What is taken for what: rows are true classes, columns answers."""

    labels: tuple[str, ...]
    counts: np.ndarray  # (classes, classes) int, clips
    shares: np.ndarray  # (classes, classes) float, of the row; 0 in a row without clips


class BlockInfo(NamedTuple):
    """One SIFA block over the frame pairs."""

    name: str
    pairs: list[int]  # 1, 2, ...
    offset: list[float]  # mean |offset| over cells and neighbours, in cells
    entropy: list[float]  # mean entropy of |weight| / sum |weight| over log N: 1 = uniform over the N neighbours


class CellInfo(NamedTuple):
    """What one cell read, neighbour by neighbour in row-major order."""

    taps: list[str]  # all different: place before any offset, in cells, or a number from 1 where places repeat
    tap_title: str  # what `taps` says
    weights: np.ndarray  # (N,)
    offsets: np.ndarray  # (N, 2) (dy, dx) in cells
    outside: np.ndarray  # (N,) bool, a whole cell or more outside the frame, where values are 0


class ArrowInfo(NamedTuple):
    """Arrows as one broken line: tail, head, None, tail, head, None, ... in cells."""

    x: list[float | None]
    y: list[float | None]


def probability_info(prediction: Prediction, count: int = 10) -> ProbabilityInfo:
    """The `count` most probable classes; of a model with groups of labels, as many of each in their order, `count` in all."""
    labels, probabilities = zip(*best_of_groups(prediction, count))
    return ProbabilityInfo(list(labels), list(probabilities))


def best_of_groups(prediction: Prediction, count: int) -> list[tuple[str, float]]:
    """(label, probability) of the most probable classes of each group of labels, or of all where there are no groups."""
    groups = [group.name for group in prediction.card.groups] or [""]
    return [each for name in groups for each in prediction.top(max(1, count // len(groups)), name)]


def answer_info(predictions: Mapping[str, Prediction], count: int = 4) -> AnswerInfo:
    """The `count` most probable classes of the first prediction, and each one's best."""
    first = next(iter(predictions.values()))
    best = [answer.label for prediction in predictions.values() for answer in prediction.answers()]
    labels = list(dict.fromkeys([*(label for label, _ in best_of_groups(first, count)), *best]))
    shares = {name: dict(zip(p.labels, p.probabilities)) for name, p in predictions.items()}
    return AnswerInfo(labels, {name: [float(share[label]) for label in labels] for name, share in shares.items()})


def confusion_info(card: ModelCard) -> ConfusionInfo:
    """The confusion matrix that a checkpoint's card holds. Raises DataError where it was never measured."""
    if "confusion" not in card.metrics:
        raise DataError(f"the card of {card.file} holds no confusion matrix; measure it with sifa evaluate --write")
    counts = np.array(card.metrics["confusion"])
    return ConfusionInfo(card.labels, counts, counts / np.maximum(counts.sum(1, keepdims=True), 1))


def block_info(trace: Trace) -> list[BlockInfo]:
    """How far each block's offsets reach and how evenly it spreads its attention, pair by pair."""
    infos = []
    for number, block in enumerate(trace, start=1):
        height, width = block.attention.shape[2:]
        length = np.linalg.norm(block.offset, axis=2).mean((1, 2, 3))
        entropy = block.entropy.mean((1, 2))
        name = f"Block {number}: stage {block.stage + 1}, {height} × {width}"
        infos.append(BlockInfo(name, list(range(1, len(length) + 1)), length.tolist(), entropy.tolist()))
    return infos


def cell_info(block: BlockTrace, pair: int, y: int, x: int) -> CellInfo:
    """What the cell (y, x) of a pair read in the next step."""
    _, _, height, width = block.attention.shape
    taps = neighbour_grid(block.kernel, block.dilation).numpy() if block.taps is None else block.taps
    digits = 0 if (taps == taps.round()).all() else 1
    offsets = block.offset[pair, :, :, y, x]
    py, px = (offsets + taps + ([0, 0] if block.anchored else [y, x])).T
    outside = ~((py > -1) & (py < height) & (px > -1) & (px < width))
    names = [f"{with_sign(dy, digits)}, {with_sign(dx, digits)}" for dy, dx in taps]
    place = "in the regular grid" if block.taps is None else "before its offset"
    title = f"place {place}: {'y, x' if block.anchored else 'dy, dx'}"
    if len(set(names)) < len(names):
        names, title = [str(number) for number in range(1, len(names) + 1)], "neighbour"
    return CellInfo(names, title, block.attention[pair, :, y, x], offsets, outside)


def track(block: BlockTrace, pair: int, y: float, x: float) -> np.ndarray:
    """Where the attention leads from (y, x) at step `pair`, step by step to the last one: (steps, 2) places in cells.

    From each place the displacement of the nearest cell is followed, as in the viewer; a track that leaves the map ends there.
    """
    moves = block.displacement
    size = np.array(moves.shape[2:])
    places = [np.array([y, x], float)]
    for step in range(pair, len(moves)):
        if ((places[-1] <= -1) | (places[-1] >= size)).any():
            break
        here = np.clip(np.floor(places[-1] + 0.5 + TIE).astype(int), 0, size - 1)
        places.append(places[-1] + moves[step, :, here[0], here[1]])
    return np.array(places)


def weight_colours(block: BlockTrace, pair: int, weights: np.ndarray) -> list[str]:
    """A colour "#rrggbb" for each weight (N,) on the pair's scale, as in the viewer."""
    most = greatest_weight(block, pair)
    return [colour(float(w) / most, block.normalised) for w in weights]


def arrow_info(field: np.ndarray, every: int = 1) -> ArrowInfo:
    """Arrows of a field (2, H, W) of (dy, dx) in cells, from the centre of every `every`-th cell."""
    height, width = field.shape[1:]
    info = ArrowInfo([], [])
    for y in range(every // 2, height, every):
        for x in range(every // 2, width, every):
            dy, dx = field[:, y, x].tolist()
            info.x.extend((x, x + dx, None))
            info.y.extend((y, y + dy, None))
    return info


def with_sign(value: float, digits: int = 0) -> str:
    """A number with its sign, "+" or "−", and `digits` after the point; what is rounded to 0 has none."""
    text = f"{abs(value):.{digits}f}"
    return text if not float(text) else f"{'−' if value < 0 else '+'}{text}"
