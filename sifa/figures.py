"""Charts where people read numbers. Each is an info (pure numbers) and a `plot_*` that turns it into a plotly Figure."""

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sifa.prediction import Prediction
from sifa.trace import Trace
from sifa.weights import Checkpoint

BAR = "#2e8fa8"
LINES = ("#d55e00", "#3a78d0", "#009e73", "#cc79a7")  # told apart by colour-blind eyes, too
DASHES = ("solid", "dash", "dot", "dashdot")  # the next dash where the colours start again
INK, GRID, AXIS = "#7c8896", "rgba(124,136,150,.25)", "rgba(124,136,150,.5)"  # on light and on dark


class ProbabilityInfo(NamedTuple):
    labels: list[str]  # most probable first
    probabilities: list[float]


class BlockInfo(NamedTuple):
    """One SIFA block over the frame pairs."""

    name: str
    pairs: list[int]  # 1, 2, ...
    offset: list[float]  # mean |offset| over cells and neighbours, in cells
    entropy: list[float]  # mean entropy of |weight| / sum |weight| over log N: 1 = uniform over the N neighbours


def probability_info(prediction: Prediction, count: int = 10) -> ProbabilityInfo:
    """The most probable classes."""
    labels, probabilities = zip(*prediction.top(count))
    return ProbabilityInfo(list(labels), list(probabilities))


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


def plot_probabilities(prediction: Prediction, count: int = 10) -> go.Figure:
    """Horizontal bars of the most probable classes."""
    info = probability_info(prediction, count)
    figure = go.Figure(
        go.Bar(
            x=info.probabilities, y=info.labels, orientation="h", marker_color=BAR,
            text=[f" {p:.1%}" for p in info.probabilities], textposition="outside", cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.35], tickformat=".0%", tickvals=[0, 0.5, 1])
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    figure.update_layout(title_text="Class probabilities", bargap=0.3)
    return _tidy(figure, 400)


def plot_offset_and_entropy(trace: Trace) -> go.Figure:
    """Mean |offset| and attention entropy of every block over the frame pairs, one colour for each block."""
    infos = block_info(trace)
    titles = "Mean |offset|, cells", "Attention entropy, 1 = uniform"
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.16, subplot_titles=titles)
    for number, info in enumerate(infos):
        line = dict(color=LINES[number % len(LINES)], dash=DASHES[number // len(LINES) % len(DASHES)], width=2)
        for row, values in ((1, info.offset), (2, info.entropy)):
            curve = go.Scatter(
                x=info.pairs, y=values, name=info.name, legendgroup=info.name, showlegend=row == 1,
                mode="lines+markers", line=line, marker_size=6,
                hovertemplate=f"{info.name}<br>pair %{{x}}: %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
            figure.add_trace(curve, row=row, col=1)
    lowest = min((min(info.entropy) for info in infos), default=0.0)
    figure.update_xaxes(dtick=max(1, max((len(info.pairs) for info in infos), default=1) // 8))
    figure.update_xaxes(title_text="frame pair", title_standoff=4, row=2)
    figure.update_yaxes(rangemode="tozero", row=1)
    figure.update_yaxes(range=[min(0.9, lowest - 0.02), 1.01], row=2)
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    figure.update_layout(legend=dict(orientation="h", x=0, y=-0.18, yanchor="top"))
    return _tidy(figure, 400)


def plot_confusion(checkpoint: Checkpoint) -> go.Figure:
    """The confusion matrix in a checkpoint's card: rows are true classes, columns answers, colour the share of the row."""
    counts = np.array(checkpoint.metrics["confusion"])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=checkpoint.labels, y=checkpoint.labels, customdata=counts, zmin=0, zmax=1,
            colorscale=[[0, "rgba(46,143,168,0)"], [0.03, "#cfe6ec"], [0.3, "#74c2d7"], [1, "#0b3e4f"]],
            colorbar=dict(tickformat=".0%", thickness=12), xgap=1, ygap=1,
            hovertemplate="%{y}<br>taken for %{x}<br>%{customdata} clips, %{z:.1%}<extra></extra>",
        )
    )  # fmt: skip
    title = f"{checkpoint.file}: what is taken for what, {counts.sum()} held-out clips"
    figure.update_layout(title_text=title)
    figure = _tidy(figure, 760)
    figure.update_layout(margin_t=60)
    figure.update_yaxes(autorange="reversed", title_text="true")
    figure.update_xaxes(tickangle=-60, title_text="answer")
    return figure


def _tidy(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(
        height=height, margin=dict(l=10, r=10, t=36, b=10), title=dict(font_size=14, x=0.02, y=0.97),
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font=dict(family="system-ui, sans-serif", size=12, color=INK), hoverlabel_font_family="system-ui, sans-serif",
    )  # fmt: skip
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=AXIS, automargin=True, fixedrange=True, tickangle=0)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=AXIS, automargin=True, fixedrange=True)
    return figure
