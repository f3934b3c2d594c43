"""Charts that follow one query cell of one block. Arrays and traces in, plotly Figure out; a cell is (y, x) on the block's grid."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from sifa.charts.plots import AXIS, BAR, GRID, INK, LINES, _tidy
from sifa.explorer.render.marks import QUERY, colour
from sifa.model.attention import neighbour_grid
from sifa.tracing.records import BlockTrace, Prediction

TIE = 1e-4  # cells; a place halfway between two belongs to the later one, whatever the last digits say


class AnswerInfo(NamedTuple):
    """Classes, and their probabilities in several predictions by title."""

    labels: list[str]
    probabilities: dict[str, list[float]]


class CellInfo(NamedTuple):
    """What one cell read, neighbour by neighbour in row-major order."""

    taps: list[str]  # all different: place before any offset, in cells, or a number from 1 where places repeat
    named: str  # what `taps` says
    weights: np.ndarray  # (N,)
    offsets: np.ndarray  # (N, 2) (dy, dx) in cells
    outside: np.ndarray  # (N,) bool, a whole cell or more outside the frame, where values are 0


def cell_info(block: BlockTrace, pair: int, y: int, x: int) -> CellInfo:
    """What the cell (y, x) of a pair read in the next step."""
    _, _, height, width = block.attention.shape
    taps = neighbour_grid(block.kernel, block.dilation).numpy() if block.taps is None else block.taps
    digits = 0 if (taps == taps.round()).all() else 1
    offsets = block.offset[pair, :, :, y, x]
    py, px = (offsets + taps + ([0, 0] if block.anchored else [y, x])).T
    outside = ~((py > -1) & (py < height) & (px > -1) & (px < width))
    names = [f"{signed(dy, digits)}, {signed(dx, digits)}" for dy, dx in taps]
    place = "in the regular grid" if block.taps is None else "before its offset"
    named = f"place {place}: {'y, x' if block.anchored else 'dy, dx'}"
    if len(set(names)) < len(names):
        names, named = [str(number) for number in range(1, len(names) + 1)], "neighbour"
    return CellInfo(names, named, block.attention[pair, :, y, x], offsets, outside)


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
    """A colour for each weight on the pair's scale, as in the viewer."""
    most = max(float(np.abs(block.attention[pair]).max()), 1e-12)
    return [colour(float(w) / most, block.normalised) for w in weights]


def plot_weights(block: BlockTrace, pair: int, y: int, x: int) -> go.Figure:
    """Bars of a cell's weights, one for each neighbour, in the viewer's colours; those outside the frame are hollow."""
    info = cell_info(block, pair, y, x)
    colours = weight_colours(block, pair, info.weights)
    fills = ["rgba(0,0,0,0)" if lost else c for c, lost in zip(colours, info.outside)]
    hints = [f"offset {signed(dy, 2)}, {signed(dx, 2)}" for dy, dx in info.offsets]
    figure = go.Figure(
        go.Bar(
            x=info.taps, y=info.weights, marker=dict(color=fills, line=dict(color=INK, width=1)), customdata=hints,
            hovertemplate="neighbour %{x}<br>weight %{y:.3f}<br>%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    most = float(np.abs(block.attention[pair]).max()) or 1.0
    figure.update_yaxes(range=[0 if block.normalised else -most, most])
    figure.update_xaxes(title_text=info.named, type="category", title_standoff=4)
    figure.update_layout(title_text=f"Weights of cell {y}, {x} (sum {info.weights.sum():.2f})")
    return _tidy(figure, 280).update_xaxes(tickfont_size=9, tickangle=None, autotickangles=[0, 90])


def plot_offset_rose(block: BlockTrace, pair: int, y: int, x: int) -> go.Figure:
    """A cell's offsets as directions and lengths, in cells; a marker's size is its weight. Right is 0°, down is 90°."""
    info = cell_info(block, pair, y, x)
    length = np.hypot(*info.offsets.T)
    angle = np.degrees(np.arctan2(*info.offsets.T)) % 360
    share = np.abs(info.weights) / max(float(np.abs(block.attention[pair]).max()), 1e-12)
    figure = go.Figure()
    for name, r, a, size, fill in zip(info.taps, length, angle, share, weight_colours(block, pair, info.weights)):
        figure.add_trace(
            go.Scatterpolar(
                r=[0, r], theta=[a, a], mode="lines+markers", name=name, line=dict(color=INK, width=1),
                marker=dict(size=[0, 6 + 10 * size], color=fill, line=dict(color=INK, width=1)),
                hovertemplate=f"neighbour {name}<br>%{{r:.2f}} cells<extra></extra>",
            )
        )  # fmt: skip
    figure.update_polars(
        angularaxis=dict(direction="clockwise", rotation=0, tickvals=[0, 90, 180, 270], ticktext=["right", "down", "left", "up"]),
        radialaxis=dict(range=[0, 1.1 * max(1.0, float(length.max()))], gridcolor=GRID, tickangle=0, nticks=4),
        bgcolor="rgba(0,0,0,0)", angularaxis_gridcolor=GRID, angularaxis_linecolor=AXIS,
    )  # fmt: skip
    figure.update_layout(title_text=f"Offsets of cell {y}, {x}, in cells", showlegend=False)
    return _tidy(figure, 280).update_layout(margin=dict(t=56, b=28))


def plot_track(block: BlockTrace, pair: int, y: int, x: int) -> go.Figure:
    """Where the attention leads from a cell, from this step to the last, on the block's grid."""
    places = track(block, pair, y, x)
    steps = [str(pair + 1 + i) for i in range(len(places))]
    height, width = block.attention.shape[2:]
    shown = [steps[0], *[""] * (len(steps) - 2), steps[-1]]  # all of them would cover each other
    figure = go.Figure(
        go.Scatter(
            x=places[:, 1], y=places[:, 0], text=shown, customdata=steps, mode="lines+markers+text", textposition="top center",
            line=dict(color=BAR, width=2), marker=dict(size=7, color=[QUERY, *[BAR] * (len(places) - 1)]),
            hovertemplate="step %{customdata}: y %{y:.2f}, x %{x:.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(range=[-0.5, width - 0.5], title_text="x, cells", title_standoff=4, constrain="domain")
    figure.update_yaxes(range=[height - 0.5, -0.5], title_text="y, cells", scaleanchor="x", constrain="domain")
    figure.update_layout(title_text=f"Track of cell {y}, {x} from step {pair + 1} on")
    return _tidy(figure, 280)


def answer_info(predictions: Mapping[str, Prediction], count: int = 4) -> AnswerInfo:
    """The `count` most probable classes of the first prediction, and each one's best."""
    first = next(iter(predictions.values()))
    labels = list(dict.fromkeys([*(l for l, _ in first.top(count)), *(p.top(1)[0][0] for p in predictions.values())]))
    shares = {name: dict(zip(p.labels, p.probabilities)) for name, p in predictions.items()}
    return AnswerInfo(labels, {name: [float(share[label]) for label in labels] for name, share in shares.items()})


def plot_answers(predictions: Mapping[str, Prediction], count: int = 4) -> go.Figure:
    """The probabilities of several predictions side by side: the most probable classes of the first, and each one's best."""
    labels, probabilities = answer_info(predictions, count)
    figure = go.Figure()
    for number, (name, values) in enumerate(probabilities.items()):
        figure.add_trace(
            go.Bar(
                x=values, y=labels, name=name, orientation="h",
                marker=dict(color=LINES[number % 4], pattern_shape=("", "/", "x", ".")[number // 4 % 4]),
                hovertemplate=f"{name}<br>%{{y}}: %{{x:.1%}}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.5, 1])
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    figure.update_layout(title_text="Class probabilities", barmode="group", legend=dict(orientation="h", y=-0.12))
    _tidy(figure, 140 + 24 * len(labels) * max(1, len(predictions)) // 2)
    return figure.update_layout(margin_r=24)  # room for "100%"


def signed(value: float, digits: int = 0) -> str:
    text = f"{abs(value):.{digits}f}"
    return text if not float(text) else f"{'−' if value < 0 else '+'}{text}"
