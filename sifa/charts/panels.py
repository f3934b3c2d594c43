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
from typing import Any

import ipywidgets as ui
import plotly.graph_objects as go

from sifa.charts.cell import plot_answers, plot_offset_rose, plot_track, plot_weights
from sifa.charts.plots import plot_offset_and_entropy
from sifa.charts.style import INK
from sifa.charts.tables import answer_table, block_tables, cell_tables, offset_table, track_table, weight_table
from sifa.explorer.widget import Explorer
from sifa.model.attention import SIFA
from sifa.model.registry import SIFAModel
from sifa.model.resize import resize_kernel
from sifa.tracing.interventions import INTERVENTIONS, Intervention, what_if
from sifa.tracing.predict import predict
from sifa.tracing.records import Prediction, Trace
from sifa.weights import shipped
from sifa.weights.card import card_of
from sifa.weights.checkpoint import load
from sifa.weights.download import fetch, sha256

KERNELS, USUAL_KERNEL = (1, 3, 5), 3
UNCHANGED = "as it is"
PLACE = ["block", "pair", "y", "x", "prediction"]
CELL_CHARTS = (plot_weights, weight_table), (plot_offset_rose, offset_table), (plot_track, track_table)


class Panel(ui.Box):
    """Widgets, and where there is no kernel `page` in their place: HTML of what they showed when they were displayed."""

    def __init__(self, children: Sequence[ui.Widget], make_page: Callable[[], str], **layout: str):
        super().__init__(children, layout=ui.Layout(**layout))
        self.make_page = make_page

    @property
    def page(self) -> str:
        """HTML of what the widgets show now."""
        return self.make_page()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return dict(super()._repr_mimebundle_(**options)) | {"text/html": self.page}


def show_chart(output: ui.Output, figure: go.Figure, table: str) -> None:
    """Show a plotly figure in place of what an Output shows, or its table (HTML) where plotly is not known."""
    chart = json.loads(figure.to_json()) | {"config": {"displayModeBar": False}}
    words = figure.layout.title.text or "a chart"
    data = {"application/vnd.plotly.v1+json": chart, "text/html": table, "text/plain": words}
    output.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)


def cell_charts(explorer: Explorer) -> Panel:
    """Weights, offsets, track and per-block statistics of the cell that an explorer shows; they follow it.

    An explorer has one such panel, which can be displayed any number of times.
    """
    panel = getattr(explorer, "charts", None)
    if isinstance(panel, Panel) and panel.comm:
        return panel
    outputs = [ui.Output() for _ in range(4)]
    last: list[object] = []  # cell and trace of the charts

    def draw(*_: object) -> None:
        trace, cell = explorer.prediction.trace, explorer.cell
        if last != [cell, trace]:
            last[:] = cell, trace
            _draw_cell(outputs, trace, cell)

    def make_page() -> str:
        return cell_tables(explorer.prediction.trace, *explorer.cell) if explorer.cell else ""

    explorer.observe(draw, PLACE)
    draw()
    columns = "repeat(auto-fit, minmax(min(100%, max(300px, 40%)), 1fr))"  # two, or one where they would be narrow
    panel = Panel(outputs, make_page, display="grid", grid_template_columns=columns, grid_gap="4px", width="100%")
    explorer.charts = panel
    return panel


def _draw_cell(outputs: Sequence[ui.Output], trace: Trace, cell: tuple[int, int, int, int] | None) -> None:
    """Show the charts of a cell (block, pair, y, x), and none where a model has no blocks."""
    if cell is None:
        for output in outputs:
            output.outputs = ()
        return
    block, *place = cell
    for output, plot, table in zip(outputs, *zip(*CELL_CHARTS)):
        show_chart(output, plot(trace[block], *place), table(trace[block], *place))
    statistics = plot_offset_and_entropy(trace)
    statistics.add_vline(cell[1] + 1, line_dash="dot", line_color=INK)
    show_chart(outputs[-1], statistics, block_tables(trace))


class Bench(Panel):
    """Choose clip, weights, block, K and one what-if; the explorer, its cell's charts and the answers follow.

    `clips` and `weights` are files by title, the shipped ones by default. The widget has `explorer`, `controls` by name, and
    `predictions`: those whose answers are compared, as they are and changed, by title. Whatever stops a run is said below the
    controls. Raises VideoError and WeightsError for a first clip or first weights that cannot be read.
    """

    def __init__(
        self,
        clips: Mapping[str, str | Path] | None = None,
        weights: Mapping[str, str | Path] | None = None,
        interventions: Sequence[Intervention] = INTERVENTIONS,
    ):
        self.clips, self.weights = clips or shipped.clips(), weights or shipped.weights()
        self.controls = _controls(list(self.clips), list(self.weights), interventions)
        self.message, self.answers = ui.HTML(), ui.Output()
        self.predictions = self._predict()
        self.explorer = Explorer(self.predictions[UNCHANGED])
        choices = ui.VBox([*self.controls.values(), self.message])
        children = choices, self.explorer, self.answers, cell_charts(self.explorer)
        super().__init__(children, self._make_page, display="flex", flex_flow="column")
        for name in ("clip", "weights", "kernel", "what_if"):
            self.controls[name].observe(self._run, "value")
        self.controls["block"].observe(self._choose_block, "value")
        self.explorer.observe(self._mark_block, "block")
        self._show()

    def _predict(self) -> dict[str, Prediction]:
        """The prediction as it is and, where something is changed, the changed one, by title."""
        choice = {name: control.value for name, control in self.controls.items()}
        files = self.clips[choice["clip"]], self.weights[choice["weights"]]
        return _predictions(*files, choice["kernel"], choice["what_if"] or None)

    def _run(self, *_: object) -> None:
        self.message.value = "running …"
        try:
            self.predictions = self._predict()
        except Exception as error:
            self.message.value = f'<span role="alert">{html.escape(str(error) or type(error).__name__)}</span>'
            if isinstance(error, ValueError):  # says what cannot be changed
                return
            raise
        change = self.controls["what_if"].value
        self.message.value = html.escape(change.explanation) if change else ""
        self.explorer.prediction = list(self.predictions.values())[-1]
        self._show()

    def _show(self) -> None:
        """The blocks to choose from, and the answers."""
        sizes = [" × ".join(map(str, block.attention.shape[2:])) for block in self.explorer.prediction.trace]
        number = self.explorer.block
        self.controls["block"].options = [(f"{n + 1}: {size} cells", n) for n, size in enumerate(sizes)]
        if sizes:
            self.controls["block"].value = number
        show_chart(self.answers, plot_answers(self.predictions), answer_table(self.predictions))

    def _mark_block(self, *_: object) -> None:
        if len(self.controls["block"].options):
            self.controls["block"].value = self.explorer.block

    def _choose_block(self, change: Any) -> None:
        if change.new is not None:
            self.explorer.block = change.new

    def _make_page(self) -> str:
        titles = self.controls["clip"].value, self.controls["weights"].value, " and ".join(self.predictions)
        words = f"{', '.join(titles)}. To choose another clip, other weights, or a what-if, run this cell in Jupyter."
        return f"<p>{html.escape(words)}</p>{self.explorer.page}{answer_table(self.predictions)}"


def _controls(clips: list[str], weights: list[str], interventions: Sequence[Intervention]) -> dict[str, ui.DOMWidget]:
    """The menus of a bench, by name."""
    wide = dict(layout=ui.Layout(width="min(100%, 560px)"), style=dict(description_width="90px"))
    kernel = ui.ToggleButtons(
        options=[(f"{k} × {k}", k) for k in KERNELS],
        value=USUAL_KERNEL,
        description="Neighbours",
        style=dict(description_width="90px", button_width="64px"),
    )
    # "" and not None, which would be a menu with nothing chosen
    changes = [(UNCHANGED, ""), *((each.title, each) for each in interventions)]
    return dict(
        clip=ui.Dropdown(options=clips, description="Clip", **wide),
        weights=ui.Dropdown(options=weights, description="Weights", **wide),
        kernel=kernel.add_class("widget-inline-hbox"),  # the label beside the buttons, as it is beside menus
        what_if=ui.Dropdown(options=changes, description="What if", **wide),
        block=ui.Dropdown(description="Block", **wide),
    )


def _predictions(
    clip: str | Path, weights: str | Path, kernel: int, change: Intervention | None
) -> dict[str, Prediction]:
    model = _model(weights)
    card = card_of(model)
    frames = card.read(str(clip))
    predictions = {UNCHANGED: predict(model, frames)}
    titles = []
    if kernel != next((m.kernel_size for m in model.modules() if isinstance(m, SIFA)), USUAL_KERNEL):
        model = resize_kernel(model, kernel)
        titles.append(f"{kernel} × {kernel} neighbours")
    if change:
        titles.append(change.title)
    if titles:
        predictions[", ".join(titles)] = what_if(model, frames, change) if change else predict(model, frames)
    return predictions


def _model(source: str | Path) -> SIFAModel:
    """The model of a file, a URL or a hub id, kept for as long as the file holds the same bytes."""
    file = fetch(source)
    return _load(file, sha256(file) if file.is_file() else "")


@lru_cache(maxsize=2)
def _load(file: Path, digest: str) -> SIFAModel:
    return load(file)
