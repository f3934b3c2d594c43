"""Charts where people read numbers: each `plot_*` turns an info (`sifa.charts.info`) or named numbers into a plotly Figure."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sifa.charts.info import arrow_info, block_info, confusion_info, probability_info
from sifa.charts.style import AROUND_ZERO, BAR, DASHES, LINES, tidy
from sifa.tracing.records import Prediction, Trace
from sifa.weights.card import ModelCard


def plot_probabilities(prediction: Prediction, count: int = 10) -> go.Figure:
    """Horizontal bars of the most probable classes."""
    info = probability_info(prediction, count)
    figure = go.Figure(
        go.Bar(
            x=info.probabilities,
            y=info.labels,
            orientation="h",
            marker_color=BAR,
            text=[f" {p:.1%}" for p in info.probabilities],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1.35], tickformat=".0%", tickvals=[0, 0.5, 1])
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    figure.update_layout(title_text="Class probabilities", bargap=0.3)
    return tidy(figure, 400)


def plot_offset_and_entropy(trace: Trace) -> go.Figure:
    """Mean |offset| and attention entropy of every block over the frame pairs, one colour for each block."""
    infos = block_info(trace)
    titles = "Mean |offset|, cells", "Attention entropy, 1 = uniform"
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.16, subplot_titles=titles)
    for number, info in enumerate(infos):
        line = dict(color=LINES[number % len(LINES)], dash=DASHES[number // len(LINES) % len(DASHES)], width=2)
        for row, values in ((1, info.offset), (2, info.entropy)):
            curve = go.Scatter(
                x=info.pairs,
                y=values,
                name=info.name,
                legendgroup=info.name,
                showlegend=row == 1,
                mode="lines+markers",
                line=line,
                marker_size=6,
                hovertemplate=f"{info.name}<br>pair %{{x}}: %{{y:.3f}}<extra></extra>",
            )
            figure.add_trace(curve, row=row, col=1)
    lowest = min((min(info.entropy) for info in infos), default=0.0)
    figure.update_xaxes(dtick=max(1, max((len(info.pairs) for info in infos), default=1) // 8))
    figure.update_xaxes(title_text="frame pair", title_standoff=4, row=2)
    figure.update_yaxes(rangemode="tozero", row=1)
    figure.update_yaxes(range=[min(0.9, lowest - 0.02), 1.01], row=2)
    figure.update_annotations(x=0, xanchor="left", font_size=14)
    figure.update_layout(legend=dict(orientation="h", x=0, y=-0.18, yanchor="top"))
    return tidy(figure, 400)


def plot_confusion(card: ModelCard) -> go.Figure:
    """The confusion matrix in a checkpoint's card: rows are true classes, columns answers, colour the share of the row."""
    info = confusion_info(card)
    figure = go.Figure(
        go.Heatmap(
            z=info.shares,
            x=info.labels,
            y=info.labels,
            customdata=info.counts,
            zmin=0,
            zmax=1,
            colorscale=[[0, "rgba(46,143,168,0)"], [0.03, "#cfe6ec"], [0.3, "#74c2d7"], [1, "#0b3e4f"]],
            colorbar=dict(tickformat=".0%", thickness=12),
            xgap=1,
            ygap=1,
            hovertemplate="%{y}<br>taken for %{x}<br>%{customdata} clips, %{z:.1%}<extra></extra>",
        )
    )
    title = f"{card.file}: what is taken for what, {info.counts.sum()} held-out clips"
    figure.update_layout(title_text=title)
    figure = tidy(figure, 760)
    figure.update_layout(margin_t=60)
    figure.update_yaxes(autorange="reversed", title_text="true")
    figure.update_xaxes(tickangle=-60, title_text="answer")
    return figure


def plot_maps(
    maps: Mapping[str, np.ndarray], points: Mapping[str, np.ndarray] | None = None, numbers: bool = True
) -> go.Figure:
    """Small maps (H, W) side by side, with their numbers or without, in one scale of colours around zero.

    `points` draws places onto the maps of these titles: (N, 2) of (y, x) in cells, or (N, 3) with a weight that gives the size.
    """
    limit = max(float(np.abs(values).max()) for values in maps.values()) or 1.0
    figure = make_subplots(1, len(maps), subplot_titles=list(maps), horizontal_spacing=0.03)
    for column, (title, values) in enumerate(maps.items(), start=1):
        cells = go.Heatmap(
            z=values,
            zmin=-limit,
            zmax=limit,
            colorscale=AROUND_ZERO,
            showscale=False,
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2~f}" if numbers else None,
            hovertemplate=f"{title} (y %{{y}}, x %{{x}}): %{{z:.4f}}<extra></extra>",
        )
        figure.add_trace(cells, row=1, col=column)
        places = (points or {}).get(title)
        if places is not None:
            sizes = _mark_sizes(places)
            marks = go.Scatter(
                x=places[:, 1],
                y=places[:, 0],
                mode="markers",
                showlegend=False,
                marker=dict(size=sizes, color=LINES[1], opacity=1, line=dict(color="white", width=2)),
                hovertemplate="read at (y %{y:.2f}, x %{x:.2f})<extra></extra>",
            )
            figure.add_trace(marks, row=1, col=column)
        height, width = values.shape
        square = dict(row=1, col=column, showgrid=False, zeroline=False)
        figure.update_xaxes(range=[-0.5, width - 0.5], dtick=1 if width <= 11 else 4, constrain="domain", **square)
        figure.update_yaxes(range=[height - 0.5, -0.5], dtick=1 if height <= 11 else 4, **square)
        figure.update_yaxes(scaleanchor=f"x{column}" if column > 1 else "x", row=1, col=column, constrain="domain")
    return tidy(figure, 310)


def _mark_sizes(places: np.ndarray) -> np.ndarray | int:
    """Diameters in pixels of places (N, 2), or (N, 3) with a weight."""
    if places.shape[1] == 2:
        return 12
    weights = np.abs(places[:, 2])
    return 9 + 11 * weights / max(float(weights.max()), 1e-12)


def plot_arrows(picture: np.ndarray, fields: Mapping[str, np.ndarray], every: int = 1) -> go.Figure:
    """Fields (2, H, W) of (dy, dx) in cells, side by side, each as arrows over the same picture (height, width, 3) uint8."""
    figure = make_subplots(1, len(fields), subplot_titles=list(fields), horizontal_spacing=0.02)
    for column, (title, field) in enumerate(fields.items(), start=1):
        rows, columns = field.shape[1:]
        step = columns / picture.shape[1], rows / picture.shape[0]
        ground = go.Image(
            z=picture,
            x0=step[0] / 2 - 0.5,
            dx=step[0],
            y0=step[1] / 2 - 0.5,
            dy=step[1],
            hoverinfo="skip",
            opacity=0.75,
        )
        x, y = arrow_info(field, every)
        place = dict(x=x, y=y, showlegend=False)
        edge = go.Scatter(**place, mode="lines", line=dict(color="white", width=4), hoverinfo="skip")
        arrows = go.Scatter(
            **place,
            mode="lines+markers",
            line=dict(color="black", width=1.8),
            marker=dict(size=[0, 6, 0] * (len(x) // 3), color="white", line=dict(color="black", width=1.5)),
            hovertemplate=f"{title}<br>y %{{y:.2f}}, x %{{x:.2f}}<extra></extra>",
        )
        figure.add_traces([ground, edge, arrows], rows=[1] * 3, cols=[column] * 3)
        hidden = dict(row=1, col=column, showgrid=False, zeroline=False, visible=False)
        figure.update_xaxes(range=[-0.5, columns - 0.5], constrain="domain", **hidden)
        figure.update_yaxes(range=[rows - 0.5, -0.5], constrain="domain", **hidden)
        figure.update_yaxes(scaleanchor=f"x{column}" if column > 1 else "x", row=1, col=column)
    return tidy(figure, 330)


def plot_bars(values: Mapping[str, float], title: str, unit: str = "", start: float = 0.0) -> go.Figure:
    """Named numbers as horizontal bars, first on top; an axis that does not start at 0 has to be said in the title."""
    numbers = list(values.values())
    low, high = min([start, *numbers]), max([start, *numbers])
    texts = [f" {v:.3g}{unit}" if abs(v) < 1000 else f" {v:.0f}{unit}" for v in numbers]
    figure = go.Figure(
        go.Bar(
            x=[v - start for v in numbers],
            base=start,
            y=list(values),
            orientation="h",
            marker_color=BAR,
            text=texts,
            textposition="outside",
            cliponaxis=False,
            customdata=numbers,
            hovertemplate=f"%{{y}}: %{{customdata:.4g}}{unit}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[low - (high - low) * 0.12 * (low < start), high + (high - low) * 0.18])
    figure.update_yaxes(autorange="reversed", ticksuffix="  ")
    figure.update_layout(title_text=title, bargap=0.3)
    return tidy(figure, 90 + 34 * len(values))


def plot_lines(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], title: str, x_title: str, y_title: str
) -> go.Figure:
    """Named curves over the same places x, told apart by colour and dash."""
    figure = go.Figure()
    for number, (name, values) in enumerate(curves.items()):
        line = dict(
            color=LINES[number % len(LINES)], dash=DASHES[(number + number // len(LINES)) % len(DASHES)], width=2
        )
        figure.add_trace(
            go.Scatter(
                x=x,
                y=values,
                name=name,
                mode="lines+markers",
                line=line,
                marker_size=7,
                hovertemplate=f"{name}<br>{x_title} %{{x:.3g}}: %{{y:.3g}}<extra></extra>",
            )
        )
    figure.update_layout(title_text=title, legend=dict(orientation="h", x=0, y=-0.22, yanchor="top"))
    whole = len(x) <= 12 and all(float(v).is_integer() for v in x)
    figure.update_xaxes(title_text=x_title, title_standoff=4, dtick=1 if whole else None)
    figure.update_yaxes(title_text=y_title)
    return tidy(figure, 380)
