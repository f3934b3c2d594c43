"""The notebook's widget without a browser: its state, what it refuses, and what readers without a kernel are given."""

import base64
import html
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

from sifa import explorer
from sifa.explorer.picture import SIDE, start_cell
from tests.predictions import foreign_prediction, nano_prediction


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
    assert shown.cell[:2] == (1, 1)


def test_without_a_kernel_there_is_a_page_and_a_picture(shown):
    data, _ = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert html.escape(explorer.to_html(shown.trace)) in data["text/html"]
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"])))
    left = np.asarray(picture).astype(int)[:SIDE, :SIDE]
    assert (np.abs(left - [255, 157, 46]).max(2) < 50).sum() > 20  # the query cell's outline


def test_a_model_without_blocks_has_a_page_and_no_picture():
    plain = explorer.explore(nano_prediction(unshifted="conv"))
    data, _ = plain._repr_mimebundle_()
    assert "text/html" in data
    assert "image/jpeg" not in data


def test_sifa_needs_no_notebook_packages():
    hidden = "import sys; sys.modules.update(dict.fromkeys(['anywidget', 'ipywidgets', 'traitlets', 'IPython']))\n"
    code = hidden + "import sifa, sifa.explorer, sifa.figures, sifa.cell_figures; sifa.explorer.explore"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
