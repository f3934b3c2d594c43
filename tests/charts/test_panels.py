"""The notebook's widget without a browser: its state, what it refuses, and what readers without a kernel are given."""

import base64
import html
import io
import json
import subprocess
import sys
from contextlib import nullcontext
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from traitlets import TraitError

import sifa
from sifa import explorer
from sifa.charts.panels import Bench, cell_charts
from sifa.charts.tables import answer_table, block_tables, cell_tables, offset_table, track_table, weight_table
from sifa.explorer.render.marks import SIDE
from sifa.explorer.widget import start_cell
from sifa.tracing.interventions import INTERVENTIONS, other_checkpoint
from sifa.weights import shipped
from sifa.weights.checkpoint import save
from tests.predictions import foreign_prediction, nano_model, nano_prediction


@pytest.fixture(scope="module")
def prediction():
    return foreign_prediction()


@pytest.fixture
def shown(prediction):
    return explorer.explore(prediction)


def test_it_opens_where_the_viewer_does(prediction, shown):
    lengths = np.hypot(*prediction.trace[0].displacement[1])
    y, x = np.unravel_index(lengths.argmax(), lengths.shape)  # a grid below 8 cells has no border left out
    assert shown.cell == (0, 1, y, x)
    assert not shown.pinned
    assert shown.trace == explorer.pack(prediction)
    assert shown._esm == explorer.script()


def test_the_border_of_a_larger_grid_is_left_out():
    block = nano_prediction().trace[0]
    block.offset[:, :, :, :2] += 50
    y, x = start_cell(block, 3)
    assert 2 <= y < 14
    assert 2 <= x < 14


@pytest.mark.parametrize(("name", "value", "end"), [("block", 2, 1), ("pair", 3, 2), ("y", 7, 6), ("x", -1, 10)])
def test_a_place_that_the_trace_does_not_have_is_refused(shown, name, value, end):
    before = shown.cell
    with pytest.raises(TraitError, match=f"{name} is {value}; this block of the trace has {name} from 0 to {end}"):
        setattr(shown, name, value)
    assert shown.cell == before


def test_the_cell_fits_a_coarser_block_at_once(shown):
    shown.y, shown.x = 6, 10
    shown.block = 1
    assert shown.cell == (1, 1, 2, 4)


def test_another_prediction_takes_its_place(shown):
    shown.pair, shown.block = 2, 1
    other = foreign_prediction(kernel=5, pairs=2)
    shown.prediction = other
    assert shown.trace == explorer.pack(other)
    assert shown.cell[:2] == (1, 0)  # the middle of its two pairs


def test_without_a_kernel_there_is_a_page_and_a_picture(shown):
    data, _ = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert html.escape(explorer.to_html(shown.trace)) in data["text/html"]
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    left = np.asarray(picture).astype(int)[:SIDE, :SIDE]
    assert (np.abs(left - [255, 157, 46]).max(2) < 50).sum() > 20  # the query cell's outline


@pytest.fixture(scope="module")
def without_blocks():
    return nano_prediction(unshifted="conv")


def test_a_model_without_blocks_has_a_page_and_no_picture(without_blocks):
    plain = explorer.explore(without_blocks)
    data, _ = plain._repr_mimebundle_()
    assert "text/html" in data
    assert "image/jpeg" not in data


def test_a_model_without_blocks_has_no_cell(without_blocks):
    plain = explorer.explore(without_blocks)
    assert plain.cell is None
    with pytest.raises(TraitError, match="pair is 2; this model has no SIFA block, so there is no pair to show"):
        plain.pair = 2


def test_blocks_after_none_open_where_the_viewer_does(prediction, without_blocks):
    late = explorer.explore(without_blocks)
    late.prediction = prediction
    assert late.cell == explorer.explore(prediction).cell
    late.block, late.pair = 1, 2
    late.prediction = without_blocks
    late.prediction = prediction  # as the viewer, which has nothing to keep
    assert late.cell == explorer.explore(prediction).cell


def titles(panel):
    """Titles of the charts in a panel's Output widgets."""
    return [output.outputs[0]["data"]["text/plain"] if output.outputs else None for output in panel.children]


def test_charts_follow_the_cell_and_the_prediction(shown, without_blocks):
    charts = cell_charts(shown)
    assert [len(output.outputs) for output in charts.children] == [1] * 4
    shown.y, shown.x = 2, 3
    assert titles(charts)[0].startswith("Weights of cell 2, 3 (sum ")
    shown.pair = 0
    assert titles(charts)[2] == "Track of cell 2, 3 from step 1 on"
    data = charts.children[0].outputs[0]["data"]["application/vnd.plotly.v1+json"]["data"][0]
    assert len(data["x"]) == 9
    shown.prediction = foreign_prediction(kernel=5)
    data = charts.children[0].outputs[0]["data"]["application/vnd.plotly.v1+json"]["data"][0]
    assert len(data["x"]) == 25
    assert len(json.dumps(charts.children[0].outputs[0]["data"])) < 50_000  # a FigureWidget would be 5 MB
    shown.prediction = without_blocks
    assert titles(charts) == [None] * 4


def test_a_chart_goes_with_a_table_for_notebooks_that_do_not_know_plotly(shown):
    block, place = shown.prediction.trace[0], shown.cell[1:]
    wanted = [each(block, *place) for each in (weight_table, offset_table, track_table)]
    found = [output.outputs[0]["data"]["text/html"] for output in cell_charts(shown).children]
    assert found == [*wanted, block_tables(shown.prediction.trace)]


def test_charts_asked_for_again_are_the_same_ones(shown):
    charts = cell_charts(shown)
    assert cell_charts(shown) is charts  # a second panel would be redrawn as well, whether anyone sees it or not
    charts.close()
    shown.y, shown.x = 2, 3
    again = cell_charts(shown)
    assert again is not charts
    assert titles(again)[2].startswith("Track of cell 2, 3")


def test_without_a_kernel_charts_are_tables_of_the_cell(shown, without_blocks):
    charts = cell_charts(shown)
    shown.y, shown.x = 2, 3
    data = charts._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/html"] == cell_tables(shown.prediction.trace, 0, 1, 2, 3)
    shown.prediction = without_blocks
    assert charts._repr_mimebundle_()["text/html"] == ""


@pytest.fixture(scope="module")
def panel():
    return Bench()


def test_the_bench_changes_one_thing_after_another(panel):
    chosen, explorer = panel.controls, panel.explorer
    assert list(panel.predictions) == ["as it is"]
    assert explorer.prediction.top(1)[0][0] == "camera zooms in"
    chosen["what_if"].value = next(each for each in INTERVENTIONS if each.name == "reversed")
    assert list(panel.predictions) == ["as it is", "Reversed clip"]
    assert explorer.prediction.top(1)[0][0] == "camera zooms out"
    chosen["kernel"].value = 5
    assert list(panel.predictions) == ["as it is", "5 × 5 neighbours, Reversed clip"]
    assert explorer.prediction.trace[0].kernel == 5
    page = panel._repr_mimebundle_()["text/html"]
    assert "as it is and 5 × 5 neighbours, Reversed clip. To choose another clip" in page
    assert page.endswith(explorer.page + answer_table(panel.predictions))
    chosen["block"].value = 2
    assert explorer.block == 2
    explorer.block = 1
    assert chosen["block"].label == "2: 32 × 32 cells"
    chosen["kernel"].value = 3
    chosen["what_if"].index = 0
    assert list(panel.predictions) == ["as it is"]
    assert chosen["what_if"].label == "as it is"
    chosen["clip"].value = "camera pans left"
    assert explorer.prediction.top(1)[0][0] == "camera pans left"
    assert explorer.block == 1


def test_the_bench_says_what_cannot_be_changed(panel):
    chosen, before = panel.controls, panel.predictions
    chosen["weights"].value = next(title for title in chosen["weights"].options if title.startswith("no temporal"))
    assert chosen["block"].options == ()
    chosen["kernel"].value = 1
    assert "no SIFA block" in panel.children[0].children[-1].value
    assert panel.predictions.keys() == before.keys()


def message(panel):
    """What a bench says below its controls, as its HTML is read."""
    return ElementTree.fromstring(f"<p>{panel.children[0].children[-1].value}</p>")


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
def test_whatever_stops_the_bench_is_said_as_text(error):
    def fail():
        raise error("<b> is not < c")

    own = other_checkpoint(fail)
    panel = Bench(interventions=[own])
    before = panel.predictions
    with pytest.raises(RuntimeError) if error is RuntimeError else nullcontext():  # an error of code reaches its author
        panel.controls["what_if"].value = own
    assert message(panel).findtext("span[@role='alert']") == "<b> is not < c"
    assert panel.predictions is before


def test_what_the_bench_explains_is_text():
    own = other_checkpoint(sifa.load, explanation="If a < b & b < c")
    panel = Bench(interventions=[own])
    panel.controls["what_if"].value = own
    assert message(panel).text == "If a < b & b < c"
    assert len(panel.predictions) == 2


def test_the_bench_reads_weights_that_were_trained_again(tmp_path):
    file = tmp_path / "mine.safetensors"
    model = nano_model()
    save(model, model.card, file)
    before = Bench(weights={"mine": file}).explorer.prediction
    with torch.no_grad():
        next(model.parameters()).add_(1)
    save(model, model.card, file)
    again = Bench(weights={"mine": file}).explorer.prediction
    assert again.card.sha256 != before.card.sha256
    assert not np.array_equal(again.logits, before.logits)


def test_the_bench_names_weights_that_are_missing(tmp_path):
    with pytest.raises(sifa.WeightsError, match=r"there is no checkpoint gone.safetensors; check the path"):
        Bench(weights={"gone": tmp_path / "gone.safetensors"})


def test_samples_are_known_by_what_they_show():
    assert shipped.sample("nothing moves").frames.shape[0] == 16
    with pytest.raises(ValueError, match="no sample is called 'a cat'; there are camera zooms in, object moves right"):
        shipped.sample("a cat")
    assert all(file.exists() for file in shipped.weights().values())


NOTEBOOK_PACKAGES = ["anywidget", "ipywidgets", "traitlets", "IPython"]


@pytest.mark.parametrize(
    ("hidden", "modules"),
    [
        (NOTEBOOK_PACKAGES, "sifa, sifa.explorer, sifa.charts.plots, sifa.charts.cell"),
        ([*NOTEBOOK_PACKAGES, "plotly"], "sifa.charts.info, sifa.charts.tables"),
    ],
)
def test_what_needs_no_notebook_packages_and_no_plotly(hidden, modules):
    code = f"import sys; sys.modules.update(dict.fromkeys({hidden}))\nimport {modules}; sifa.explorer.explore"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
