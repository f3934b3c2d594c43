"""Charts that follow one query cell of one block: arrays and traces in, plotly Figure out; a cell is (y, x) on the block's grid."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from sifa.charts.info import answer_info, cell_info, track, weight_colours, with_sign
from sifa.charts.style import AXIS, BAR, CLEAR, GRID, INK, LINES, tidy
from sifa.explorer.render.marks import QUERY, greatest_weight
from sifa.tracing.records import BlockTrace, Prediction


def plot_weights(block: BlockTrace, pair: int, y: int, x: int) -> go.Figure:
    """Bars of a cell's weights, one for each neighbour, in the viewer's colours; those outside the frame are hollow."""
    info = cell_info(block, pair, y, x)
    colours = weight_colours(block, pair, info.weights)
    fills = [CLEAR if lost else c for c, lost in zip(colours, info.outside)]
    hints = [f"offset {with_sign(dy, 2)}, {with_sign(dx, 2)}" for dy, dx in info.offsets]
    figure = go.Figure(
        go.Bar(
            x=info.taps,
            y=info.weights,
            marker=dict(color=fills, line=dict(color=INK, width=1)),
            customdata=hints,
            hovertemplate="neighbour %{x}<br>weight %{y:.3f}<br>%{customdata}<extra></extra>",
        )
    )
    most = float(np.abs(block.attention[pair]).max()) or 1.0
    figure.update_yaxes(range=[0 if block.normalised else -most, most])
    figure.update_xaxes(title_text=info.tap_title, type="category", title_standoff=4)
    figure.update_layout(title_text=f"Weights of cell {y}, {x} (sum {info.weights.sum():.2f})")
    return tidy(figure, 280).update_xaxes(tickfont_size=9, tickangle=None, autotickangles=[0, 90])


def plot_offset_rose(block: BlockTrace, pair: int, y: int, x: int) -> go.Figure:
    """A cell's offsets as directions and lengths, in cells; a marker's size is its weight. Right is 0°, down is 90°."""
    info = cell_info(block, pair, y, x)
    length = np.hypot(*info.offsets.T)
    angle = np.degrees(np.arctan2(*info.offsets.T)) % 360
    share = np.abs(info.weights) / greatest_weight(block, pair)
    figure = go.Figure()
    for name, r, a, size, fill in zip(info.taps, length, angle, share, weight_colours(block, pair, info.weights)):
        figure.add_trace(
            go.Scatterpolar(
                r=[0, r],
                theta=[a, a],
                mode="lines+markers",
                name=name,
                line=dict(color=INK, width=1),
                marker=dict(size=[0, 6 + 10 * size], color=fill, line=dict(color=INK, width=1)),
                hovertemplate=f"neighbour {name}<br>%{{r:.2f}} cells<extra></extra>",
            )
        )
    figure.update_polars(
        angularaxis=dict(
            direction="clockwise", rotation=0, tickvals=[0, 90, 180, 270], ticktext=["right", "down", "left", "up"]
        ),
        radialaxis=dict(range=[0, 1.1 * max(1.0, float(length.max()))], gridcolor=GRID, tickangle=0, nticks=4),
        bgcolor=CLEAR,
        angularaxis_gridcolor=GRID,
        angularaxis_linecolor=AXIS,
    )
    figure.update_layout(title_text=f"Offsets of cell {y}, {x}, in cells", showlegend=False)
    return tidy(figure, 280).update_layout(margin=dict(t=56, b=28))


def plot_track(block: BlockTrace, pair: int, y: int, x: int) -> go.Figure:
    """Where the attention leads from a cell, from this step to the last, on the block's grid."""
    places = track(block, pair, y, x)
    steps = [str(pair + 1 + i) for i in range(len(places))]
    height, width = block.attention.shape[2:]
    ends = [steps[0], *[""] * (len(steps) - 2), steps[-1]]  # all of them would cover each other
    figure = go.Figure(
        go.Scatter(
            x=places[:, 1],
            y=places[:, 0],
            text=ends,
            customdata=steps,
            mode="lines+markers+text",
            textposition="top center",
            line=dict(color=BAR, width=2),
            marker=dict(size=7, color=[QUERY, *[BAR] * (len(places) - 1)]),
            hovertemplate="step %{customdata}: y %{y:.2f}, x %{x:.2f}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[-0.5, width - 0.5], title_text="x, cells", title_standoff=4, constrain="domain")
    figure.update_yaxes(range=[height - 0.5, -0.5], title_text="y, cells", scaleanchor="x", constrain="domain")
    figure.update_layout(title_text=f"Track of cell {y}, {x} from step {pair + 1} on")
    return tidy(figure, 280)


def plot_answers(predictions: Mapping[str, Prediction], count: int = 4) -> go.Figure:
    """The probabilities of several predictions side by side: the most probable classes of the first, and each one's best."""
    labels, probabilities = answer_info(predictions, count)
    figure = go.Figure()
    for number, (name, values) in enumerate(probabilities.items()):
        figure.add_trace(
            go.Bar(
                x=values,
                y=labels,
                name=name,
                orientation="h",
                marker=dict(color=LINES[number % 4], pattern_shape=("", "/", "x", ".")[number // 4 % 4]),
                hovertemplate=f"{name}<br>%{{y}}: %{{x:.1%}}<extra></extra>",
            )
        )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.5, 1])
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    figure.update_layout(title_text="Class probabilities", barmode="group", legend=dict(orientation="h", y=-0.12))
    tidy(figure, 140 + 24 * len(labels) * max(1, len(predictions)) // 2)
    return figure.update_layout(margin_r=24)  # room for "100%"
