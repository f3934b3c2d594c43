"""Notebook panels on ipywidgets: charts that follow the explorer's cell, and a bench on which one thing after another is
changed.

Charts are sent as plotly's JSON into Output widgets: about 10 kB a redraw, drawn by the plotly.js that JupyterLab already has.
plotly's own FigureWidget would send 5 MB of JavaScript for every chart, and store it in saved notebooks. The same numbers go along
as a table, which the classic Notebook shows in a chart's place. Where there is no kernel, as in exported pages, panels are HTML:
the explorer's page, and the tables.
"""

import html
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import ipywidgets as ui
import plotly.graph_objects as go
from torch import nn

from sifa.charts.cell import plot_answers, plot_offset_rose, plot_track, plot_weights
from sifa.charts.plots import plot_offset_and_entropy
from sifa.charts.tables import answer_table, block_tables, cell_tables, offset_table, track_table, weight_table
from sifa.explorer.widget import Explorer
from sifa.model.attention import SIFA
from sifa.model.resize import resize_kernel
from sifa.tracing.interventions import INTERVENTIONS, Intervention, what_if
from sifa.tracing.predict import predict
from sifa.tracing.records import Prediction
from sifa.video.read import read_clip
from sifa.weights import shipped
from sifa.weights.checkpoint import load
from sifa.weights.download import fetch, sha256

KERNELS = (1, 3, 5)
UNCHANGED = "as it is"
PLACE = ["block", "pair", "y", "x", "prediction"]
CELL_CHARTS = (plot_weights, weight_table), (plot_offset_rose, offset_table), (plot_track, track_table)


class Panel(ui.Box):
    """Widgets, and where there is no kernel `still()` in their place: HTML of what they showed when they were displayed."""

    def __init__(self, children: Sequence[ui.Widget], still: Callable[[], str], **layout: str):
        super().__init__(children, layout=ui.Layout(**layout))
        self.still = still

    def _repr_mimebundle_(self, **kwargs):
        return super()._repr_mimebundle_(**kwargs) | {"text/html": self.still()}


def show_chart(output: ui.Output, figure: go.Figure, table: str) -> None:
    """Show a plotly figure in place of what an Output shows, or its table (HTML) where plotly is not known."""
    drawn = json.loads(figure.to_json()) | {"config": {"displayModeBar": False}}
    words = figure.layout.title.text or "a chart"
    data = {"application/vnd.plotly.v1+json": drawn, "text/html": table, "text/plain": words}
    output.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)


def cell_charts(explorer: Explorer) -> Panel:
    """Weights, offsets, track and per-block statistics of the cell that an explorer shows; they follow it.

    An explorer has one such panel, which can be displayed any number of times.
    """
    known = getattr(explorer, "charts", None)
    if known and known.comm:
        return known
    outputs = [ui.Output() for _ in range(4)]
    drawn: list = []

    def draw(*_):
        trace, cell = explorer.prediction.trace, explorer.cell
        if drawn == [cell, trace]:
            return
        drawn[:] = cell, trace
        if cell is None:
            for output in outputs:
                output.outputs = ()
            return
        number, *place = cell
        for output, plot, table in zip(outputs, *zip(*CELL_CHARTS)):
            show_chart(output, plot(trace[number], *place), table(trace[number], *place))
        statistics = plot_offset_and_entropy(trace)
        statistics.add_vline(cell[1] + 1, line_dash="dot", line_color="#7c8896")
        show_chart(outputs[-1], statistics, block_tables(trace))

    def still() -> str:
        return cell_tables(explorer.prediction.trace, *explorer.cell) if explorer.cell else ""

    explorer.observe(draw, PLACE)
    draw()
    columns = "repeat(auto-fit, minmax(min(100%, max(300px, 40%)), 1fr))"  # two, or one where they would be narrow
    explorer.charts = Panel(outputs, still, display="grid", grid_template_columns=columns, grid_gap="4px", width="100%")
    return explorer.charts


def bench(
    clips: Mapping[str, str | Path] | None = None,
    weights: Mapping[str, str | Path] | None = None,
    interventions: Sequence[Intervention] = INTERVENTIONS,
) -> Panel:
    """Choose clip, weights, block, K and one what-if; the explorer, its cell's charts and the answers follow.

    `clips` and `weights` are files by title, the shipped ones by default. The widget has `explorer`, `controls` by name, and
    `predictions`: those whose answers are compared, as they are and changed.
    """
    clips, weights = clips or shipped.clips(), weights or shipped.weights()
    wide = dict(layout=ui.Layout(width="min(100%, 560px)"), style=dict(description_width="90px"))
    controls = dict(
        clip=ui.Dropdown(options=list(clips), description="Clip", **wide),
        weights=ui.Dropdown(options=list(weights), description="Weights", **wide),
        kernel=ui.ToggleButtons(
            options=[(f"{k} × {k}", k) for k in KERNELS], value=3, description="Neighbours",
            style=dict(description_width="90px", button_width="64px"),
        ).add_class("widget-inline-hbox"),  # the label beside the buttons, as it is beside menus
        what_if=ui.Dropdown(  # "" stands for no change, since None would be a menu with nothing chosen
            options=[(UNCHANGED, ""), *((each.title, each) for each in interventions)], description="What if", **wide
        ),
        block=ui.Dropdown(description="Block", **wide),
    )  # fmt: skip
    said, answers = ui.HTML(), ui.Output()
    first = _run(clips[controls["clip"].value], weights[controls["weights"].value], 3, None)
    explorer = Explorer(first[UNCHANGED])
    children = ui.VBox([*controls.values(), said]), explorer, answers, cell_charts(explorer)

    def still() -> str:
        chosen = f"{controls['clip'].value}, {controls['weights'].value}, {' and '.join(panel.predictions)}"
        words = f"{chosen}. To choose another clip, other weights, or a what-if, run this cell in Jupyter."
        return f"<p>{html.escape(words)}</p>{explorer.page}{answer_table(panel.predictions)}"

    panel = Panel(children, still, display="flex", flex_flow="column")
    panel.explorer, panel.controls, panel.predictions = explorer, controls, first

    def run(*_):
        said.value = "running …"
        chosen = controls["what_if"].value or None
        files = clips[controls["clip"].value], weights[controls["weights"].value]
        try:
            found = _run(*files, controls["kernel"].value, chosen)
        except Exception as error:
            said.value = f'<span role="alert">{html.escape(str(error) or type(error).__name__)}</span>'
            if isinstance(error, ValueError):  # says what cannot be changed
                return
            raise
        said.value = html.escape(chosen.explanation) if chosen else ""
        panel.predictions = found
        explorer.prediction = list(found.values())[-1]
        show()

    def show() -> None:
        blocks = explorer.prediction.trace
        sizes = [" × ".join(map(str, block.attention.shape[2:])) for block in blocks]
        shown = explorer.block
        controls["block"].options = [(f"{n + 1}: {size} cells", n) for n, size in enumerate(sizes)]
        if sizes:
            controls["block"].value = shown
        show_chart(answers, plot_answers(panel.predictions), answer_table(panel.predictions))

    def mark(*_) -> None:
        if len(controls["block"].options):
            controls["block"].value = explorer.block

    def choose(change) -> None:
        if change.new is not None:
            explorer.block = change.new

    for name in ("clip", "weights", "kernel", "what_if"):
        controls[name].observe(run, "value")
    controls["block"].observe(choose, "value")
    explorer.observe(mark, "block")
    show()
    return panel


def _run(clip: str | Path, weights: str | Path, kernel: int, chosen: Intervention | None) -> dict[str, Prediction]:
    """The prediction as it is and, where something is changed, the changed one, by title."""
    model = _model(weights)
    card = model.card
    frames = read_clip(str(clip), card.num_frames, card.sampling_rate)
    found = {UNCHANGED: predict(model, frames)}
    titles = []
    if kernel != next((m.kernel_size for m in model.modules() if isinstance(m, SIFA)), 3):
        model = resize_kernel(model, kernel)
        titles.append(f"{kernel} × {kernel} neighbours")
    if chosen:
        titles.append(chosen.title)
    if titles:
        found[", ".join(titles)] = what_if(model, frames, chosen) if chosen else predict(model, frames)
    return found


def _model(source: str | Path) -> nn.Module:
    """The model of a file, a URL or a hub id, kept for as long as the file holds the same bytes."""
    file = fetch(source)
    return _loaded(file, sha256(file) if file.is_file() else "")


@lru_cache(maxsize=2)
def _loaded(file: Path, digest: str) -> nn.Module:
    return load(file)
