"""The charts of one cell: their numbers against the trace, and that what plotly gets is what they say."""

from dataclasses import replace

import numpy as np
import pytest

from sifa.charts.cell import plot_answers, plot_offset_rose, plot_track, plot_weights
from sifa.charts.info import cell_info, track
from sifa.explorer import foreign_block
from tests.predictions import foreign_prediction


@pytest.fixture(scope="module")
def block():
    return foreign_prediction().trace[0]


def test_a_cells_numbers_are_those_of_the_trace(block):
    info = cell_info(block, 1, 0, 10)
    np.testing.assert_array_equal(info.weights, block.attention[1, :, 0, 10])
    np.testing.assert_array_equal(info.offsets, block.offset[1, :, :, 0, 10])
    assert info.taps[0] == "−1, −1"
    assert info.taps[4] == "0, 0"
    assert info.taps[5] == "0, +1"
    for (y, x), lost in zip(block.points[1, :, :, 0, 10], info.outside):
        assert lost == (not (-1 < y < 7 and -1 < x < 11))
    assert 0 < info.outside.sum() < 9


def test_weights_become_bars(block):
    figure = plot_weights(block, 1, 0, 10)
    np.testing.assert_array_equal(figure.data[0].y, block.attention[1, :, 0, 10])
    hollow = [colour == "rgba(0,0,0,0)" for colour in figure.data[0].marker.color]
    assert hollow == cell_info(block, 1, 0, 10).outside.tolist()
    low, high = figure.layout.yaxis.range
    assert low == -high == -np.abs(block.attention[1]).max()
    assert f"{block.attention[1, :, 0, 10].sum():.2f}" in figure.layout.title.text
    assert figure.layout.xaxis.title.text == "place in the regular grid: dy, dx"


def test_softmax_weights_start_at_zero():
    soft = foreign_prediction(normalised=True).trace[0]
    assert plot_weights(soft, 0, 3, 3).layout.yaxis.range[0] == 0


def test_offsets_become_directions_and_lengths(block):
    offset = np.zeros_like(block.offset)
    offset[0, 2, :, 3, 4] = 0, 2  # right
    offset[0, 6, :, 3, 4] = 1, 0  # down
    figure = plot_offset_rose(replace(block, offset=offset), 0, 3, 4)
    ends = [(trace.r[1], trace.theta[1]) for trace in figure.data]
    assert ends[2] == (2, 0)
    assert ends[6] == (1, 90)
    assert ends[0][0] == 0
    assert len(ends) == 9
    assert figure.layout.polar.angularaxis.direction == "clockwise"
    assert figure.layout.polar.radialaxis.range == (0, 2.2)  # the longest one's marker is inside


def test_a_track_follows_the_displacement_of_the_nearest_cell(block):
    offset = np.zeros_like(block.offset)
    offset[:, :, 1] = 1.4  # everything goes 1.4 cells to the right, the regular grid being centred
    uniform = replace(block, offset=offset, attention=np.ones_like(block.attention))
    places = track(uniform, 0, 3, 5)
    np.testing.assert_allclose(places, [[3, 5], [3, 6.4], [3, 7.8], [3, 9.2]], rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        track(uniform, 0, 3, 9), [[3, 9], [3, 10.4], [3, 11.8]]
    )  # ends outside, as in the viewer
    assert len(track(uniform, 2, 0, 0)) == 2


def test_a_track_turns_where_the_field_does(block):
    places = track(block, 0, 2, 2)
    np.testing.assert_allclose(places[1] - places[0], block.displacement[0, :, 2, 2], rtol=0, atol=1e-6)
    y, x = np.rint(places[1]).astype(int)
    wanted = places[1] + block.displacement[1, :, y, x]
    np.testing.assert_allclose(places[2], wanted, rtol=0, atol=1e-6)


def test_the_track_is_drawn_on_the_grid(block):
    figure = plot_track(block, 1, 2, 3)
    np.testing.assert_array_equal(np.stack([figure.data[0].y, figure.data[0].x], 1), track(block, 1, 2, 3))
    assert list(figure.data[0].text) == ["2", "", "4"]
    assert list(figure.data[0].customdata) == ["2", "3", "4"]
    assert figure.layout.yaxis.range == (6.5, -0.5)


@pytest.mark.parametrize("anchored", [False, True])
def test_a_block_of_another_model_need_not_have_a_grid(anchored):
    rng = np.random.default_rng(0)
    points, taps = rng.uniform(-3, 9, (2, 4, 2, 6, 7)).astype(np.float32), np.array([[0, 0], [1, 2], [2, 0.5], [3, 3]])
    block = foreign_block("free", points, rng.random((2, 4, 6, 7)), taps=taps, anchored=anchored)
    info = cell_info(block, 1, 2, 3)
    py, px = points[1, :, :, 2, 3].T
    np.testing.assert_array_equal(info.outside, ~((py > -1) & (py < 6) & (px > -1) & (px < 7)))
    np.testing.assert_allclose(info.offsets + taps + (0 if anchored else [2, 3]), points[1, :, :, 2, 3], atol=1e-5)
    assert info.taps[2] == "+2.0, +0.5"
    figure = plot_weights(block, 1, 2, 3)
    assert list(figure.data[0].x) == info.taps
    assert figure.layout.xaxis.title.text == f"place before its offset: {'y, x' if anchored else 'dy, dx'}"
    plot_offset_rose(block, 1, 2, 3)


@pytest.mark.parametrize("taps", [None, [[0, 0], [0.5, 0.52], [0.5, 0.48], [0, 0]]])
def test_neighbours_whose_places_repeat_are_numbered(taps):
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 5, (4, 2, 6, 7))
    block = foreign_block("free", points, rng.random((4, 6, 7)), taps=taps and np.array(taps))
    figure = plot_weights(block, 0, 2, 3)
    assert list(figure.data[0].x) == ["1", "2", "3", "4"]  # one bar each, since equal names would share a place
    assert figure.layout.xaxis.title.text == "neighbour"
    assert [trace.name for trace in plot_offset_rose(block, 0, 2, 3).data] == ["1", "2", "3", "4"]


def test_answers_are_compared_on_the_same_classes():
    one = foreign_prediction()
    other = replace(one, logits=-one.logits)
    figure = plot_answers({"as it is": one, "turned round": other}, count=2)
    assert [trace.name for trace in figure.data] == ["as it is", "turned round"]
    labels = list(figure.data[0].y)
    assert labels == [label for label, _ in one.top(2)] + [other.top(1)[0][0]]
    for bars, prediction in zip(figure.data, (one, other)):
        wanted = [prediction.probabilities[prediction.labels.index(label)] for label in labels]
        np.testing.assert_allclose(bars.x, wanted)
