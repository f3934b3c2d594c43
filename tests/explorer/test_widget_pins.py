"""The pins of the notebook's explorer, seen from Python."""

import re
from dataclasses import replace

import pytest
from traitlets import TraitError

from sifa import explorer
from sifa.explorer.widget import start_cell
from tests.predictions import nano_prediction


@pytest.fixture(scope="module")
def prediction():
    return nano_prediction()


@pytest.fixture
def widget(prediction):
    return explorer.explore(prediction)


def test_pins_make_one_of_them_the_query(widget):
    widget.pins = {"B": (3, 4), "A": [10, 8]}
    assert widget.pins == {"A": (10, 8), "B": (3, 4)}
    assert (widget.y, widget.x, widget.pinned) == (10, 8, True)
    widget.pins = {"A": (1, 1), "C": (10, 8)}
    assert (widget.y, widget.x) == (10, 8)
    widget.pins = {}
    assert not widget.pinned


@pytest.mark.parametrize(
    ("pins", "words"),
    [
        ({"F": (1, 1)}, "letter 'F'; there are five, A, B, C, D, E"),
        ({1: (1, 1)}, "letter 1"),
        ({"A": (16, 0)}, "pin A is (16, 0); give a cell (y, x) of this block, which has 16 x 16 cells"),
        ({"A": (0, -1)}, "16 x 16 cells"),
        ({"B": (1.5, 2)}, "pin B is (1.5, 2)"),
        ({"B": "ab"}, "pin B is 'ab'"),
        ({"B": (1, 2, 3)}, "pin B is (1, 2, 3)"),
    ],
)
def test_a_pin_that_there_is_not_is_refused(widget, pins, words):
    widget.pins = {"A": (2, 2)}
    with pytest.raises(TraitError, match=re.escape(words)):
        widget.pins = pins
    assert widget.pins == {"A": (2, 2)}


def test_the_pin_at_the_query_cell_goes_with_it(widget):
    widget.pins = {"A": (2, 2), "B": (3, 3)}
    widget.y, widget.x = 5, 6
    assert (widget.pins, widget.pinned) == ({"A": (5, 6), "B": (3, 3)}, True)
    widget.set_state(dict(pins={"A": [5, 6], "B": [3, 3]}, y=3, x=3))  # the viewer has gone to the other one
    assert widget.pins == {"A": (5, 6), "B": (3, 3)}
    widget.y = 4
    assert widget.pins == {"A": (5, 6), "B": (4, 3)}
    widget.pins = {}
    widget.x = 7
    assert (widget.pins, widget.pinned, widget.cell[2:]) == ({}, False, (4, 7))


def test_another_clip_keeps_pins_and_without_any_opens_where_most_moves(widget, prediction):
    other = replace(prediction, clip=replace(prediction.clip, path="other.mp4"))
    widget.pins = {"A": (2, 2), "B": (3, 3)}
    widget.pair = 0
    backwards = replace(prediction.clip, indices=prediction.clip.indices[::-1])
    widget.prediction = replace(prediction, clip=backwards)
    assert (widget.pins, widget.cell[1:]) == ({"A": (2, 2), "B": (3, 3)}, (0, 2, 2))
    widget.prediction = other
    middle = (len(prediction.trace[0].attention) - 1) // 2
    assert (widget.pins, widget.pinned, widget.cell[1:]) == ({"A": (2, 2), "B": (3, 3)}, True, (middle, 2, 2))
    widget.pins = {}
    widget.pair, widget.y, widget.x = 0, 2, 2
    widget.prediction = prediction
    assert widget.cell[1:] == (middle, *start_cell(prediction.trace[widget.block], middle))
