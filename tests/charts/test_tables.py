"""Tables for readers without a kernel or without plotly: the numbers are those of the trace, and nothing in a name becomes HTML."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from sifa.charts.cell import plot_offset_rose, plot_track, plot_weights
from sifa.charts.info import block_info, cell_info, track
from sifa.charts.tables import answer_table, cell_tables, offset_table, track_table, weight_table
from sifa.explorer import foreign_block
from sifa.tracing.records import Trace
from tests.predictions import foreign_prediction, nano_prediction

CELL = 0, 1, 0, 10  # at the border, so that some neighbours are outside


@pytest.fixture(scope="module")
def prediction():
    return foreign_prediction()


def read(page: str) -> list[tuple[str, list[list[str]]]]:
    """The tables of a page: caption, and the texts of its rows, the head first."""
    tables = ElementTree.fromstring(f"<div>{page}</div>").iter("table")
    return [
        (table.findtext("caption"), [[cell.text or "" for cell in row] for row in table.iter("tr")]) for table in tables
    ]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_a_cells_tables_hold_what_its_charts_show(prediction):
    block, place = prediction.trace[0], CELL[1:]
    page = cell_tables(prediction.trace, *CELL)
    (what, weights), (_, moved), (_, steps), (_, offsets), (_, entropies) = read(page)
    info = cell_info(block, *place)
    assert page.startswith("<p>Block 1, pair 2</p>")
    assert what == f"Weights of cell 0, 10 (sum {info.weights.sum():.2f})"
    assert weights[0][0] == moved[0][0] == "place in the regular grid: dy, dx"
    assert [row[0] for row in weights[1:]] == [row[0] for row in moved[1:]] == info.taps
    np.testing.assert_allclose([number(row[1]) for row in weights[1:]], info.weights, atol=0.00051)
    np.testing.assert_allclose([[number(v) for v in row[1:]] for row in moved[1:]], info.offsets, atol=0.0051)
    assert [row[2] == "outside" for row in weights[1:]] == info.outside.tolist()
    assert 0 < info.outside.sum() < 9
    np.testing.assert_allclose([[number(v) for v in row[1:]] for row in steps[1:]], track(block, *place), atol=0.0051)
    assert steps[1][0] == "2"
    infos = block_info(prediction.trace)
    for rows, values in ((offsets, [i.offset for i in infos]), (entropies, [i.entropy for i in infos])):
        assert rows[0] == ["frame pair", "block 1", "block 2"]
        np.testing.assert_allclose(
            [[number(v) for v in row[1:]] for row in rows[1:]], np.transpose(values), atol=0.0051
        )


@pytest.mark.parametrize(
    ("table", "plot"), [(weight_table, plot_weights), (offset_table, plot_offset_rose), (track_table, plot_track)]
)
def test_a_table_is_called_what_its_chart_is(prediction, table, plot):
    ((caption, _),) = read(table(prediction.trace[0], *CELL[1:]))
    assert caption.startswith(plot(prediction.trace[0], *CELL[1:]).layout.title.text)


def test_neighbours_without_a_place_of_their_own_are_numbered():
    block = foreign_block("free", np.ones((4, 2, 6, 7)), np.ones((4, 6, 7)))
    for table in (weight_table, offset_table):
        ((_, rows),) = read(table(block, 0, 2, 3))
        assert [row[0] for row in rows] == ["neighbour", "1", "2", "3", "4"]


def test_the_greatest_weight_has_the_longest_bar(prediction):
    page = weight_table(prediction.trace[0], *CELL[1:])
    bars = [div.get("style") for div in ElementTree.fromstring(page).iter("div") if "background" in div.get("style")]
    info = cell_info(prediction.trace[0], *CELL[1:])
    widths = [float(style.split("width: ")[1].split("em")[0]) for style in bars]
    shares = np.abs(info.weights) / np.abs(info.weights).max()
    np.testing.assert_allclose(widths, 5 * shares[~info.outside], atol=0.051)


def test_a_block_with_fewer_pairs_leaves_cells_empty(prediction):
    first, second = prediction.trace
    shorter = replace(second, offset=second.offset[:1], attention=second.attention[:1])
    *_, (_, rows) = read(cell_tables(Trace([first, shorter]), *CELL))
    assert [row[2] == "" for row in rows[1:]] == [False, *[True] * (len(first.attention) - 1)]


def test_answers_are_compared_and_names_are_text():
    prediction = nano_prediction()
    named = replace(prediction, labels=("<b>one</b>", *prediction.labels[1:]))
    predictions = {"as it is": named, "<changed>": named}
    ((_, rows),) = read(answer_table(predictions, count=len(named.labels)))
    assert rows[0] == ["class", "as it is", "<changed>"]
    assert "<b>one</b>" in [row[0] for row in rows]
    assert [row[1] for row in rows[1:]] == [f"{p:.1%}" for _, p in named.top(len(named.labels))]
