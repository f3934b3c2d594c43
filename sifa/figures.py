"""Charts where people read numbers. Each is an info (pure numbers) and a `plot_*` that turns it into a plotly Figure."""

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sifa.prediction import Prediction
from sifa.trace import Trace

BAR = "#2e8fa8"
LINES = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito: safe for colour blindness
GREY = "#7c8896"  # legible on light and on dark


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
    for block in trace:
        length = np.linalg.norm(block.offset, axis=2).mean((1, 2, 3))
        share = np.abs(block.attention)
        share = share / np.maximum(share.sum(1, keepdims=True), 1e-12)
        entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(1).mean((1, 2)) / np.log(max(share.shape[1], 2))
        height, width = block.attention.shape[-2:]
        name = f"{block.name} ({height} × {width})"
        infos.append(BlockInfo(name, list(range(1, len(length) + 1)), length.tolist(), entropy.tolist()))
    return infos


def _tidy(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(
        height=height,
        margin=dict(l=10, r=10, t=36, b=10),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font=dict(family="system-ui, sans-serif", size=12, color=GREY),
        hoverlabel=dict(font_family="system-ui, sans-serif"),
    )
    figure.update_xaxes(gridcolor="rgba(124,136,150,.25)", zerolinecolor="rgba(124,136,150,.4)", automargin=True)
    figure.update_yaxes(gridcolor="rgba(124,136,150,.25)", zerolinecolor="rgba(124,136,150,.4)", automargin=True)
    return figure


def plot_probabilities(prediction: Prediction, count: int = 10) -> go.Figure:
    """Horizontal bars of the most probable classes."""
    info = probability_info(prediction, count)
    figure = go.Figure(
        go.Bar(
            x=info.probabilities, y=info.labels, orientation="h", marker_color=BAR,
            text=[f"{p:.1%}" for p in info.probabilities], textposition="outside", cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(title=dict(text="Class probabilities", font_size=14))
    return _tidy(figure, 400)


def plot_offset_and_entropy(trace: Trace) -> go.Figure:
    """Mean |offset| and attention entropy of every block over the frame pairs."""
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.14, subplot_titles=("Mean |offset|, cells", "Attention entropy, 1 = uniform"))
    for number, info in enumerate(block_info(trace)):
        colour = LINES[number % len(LINES)]
        for row, values in ((1, info.offset), (2, info.entropy)):
            line = go.Scatter(
                x=info.pairs, y=values, name=info.name, legendgroup=info.name, showlegend=row == 1,
                mode="lines+markers", line=dict(color=colour, width=2), marker_size=6,
                hovertemplate=f"{info.name}<br>pair %{{x}}: %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
            figure.add_trace(line, row=row, col=1)
    figure.update_xaxes(dtick=1)
    figure.update_xaxes(title_text="frame pair", row=2)
    figure.update_yaxes(rangemode="tozero", row=1)
    figure.update_layout(legend=dict(orientation="h", y=-0.2))
    return _tidy(figure, 400)
