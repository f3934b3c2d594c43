"""The charts: their numbers against loops, and that what plotly gets is what they say."""

from dataclasses import replace

import numpy as np
import pytest

from sifa.charts.info import arrow_info, block_info, probability_info
from sifa.charts.plots import (
    plot_arrows,
    plot_bars,
    plot_confusion,
    plot_lines,
    plot_maps,
    plot_offset_and_entropy,
    plot_probabilities,
)
from sifa.charts.style import DASHES, INK, LINES
from sifa.errors import DataError
from sifa.tracing.records import Trace
from sifa.weights.card import ModelCard
from tests.predictions import foreign_prediction

THEMES = dict(light="#ffffff", dark="#27272a")
EYES = dict(  # linear RGB as seen without one kind of cone (Machado, Oliveira, Fernandes 2009, severity 1)
    usual=np.eye(3),
    protan=[[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    deutan=[[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    tritan=[[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
)


def linear(colour):
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    low, high = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] + 0.05 for c in (a, b))
    return high / low


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.fixture(scope="module")
def prediction():
    return foreign_prediction()


def with_attention(prediction, attention):
    return Trace([replace(prediction.trace[0], attention=attention)])


def test_probabilities_are_the_best_first(prediction):
    info = probability_info(prediction, 3)
    order = np.argsort(-prediction.logits)[:3]
    assert info.labels == [f"class {i}" for i in order]
    e = np.exp(prediction.logits.astype(np.float64))
    assert info.probabilities == pytest.approx((e / e.sum())[order].tolist(), rel=1e-5)


@pytest.mark.parametrize(("kernel", "normalised"), [(3, False), (5, True)])
def test_offset_and_entropy_equal_loops(kernel, normalised):
    trace = foreign_prediction(kernel, normalised).trace
    for block, info in zip(trace, block_info(trace), strict=True):
        pairs, neighbours, height, width = block.attention.shape
        assert info.pairs == [1, 2, 3]
        for pair in range(pairs):
            lengths, entropies = [], []
            for y in range(height):
                for x in range(width):
                    weights = np.abs(block.attention[pair, :, y, x].astype(np.float64))
                    shares = weights / weights.sum()
                    entropies.append(-sum(s * np.log(s) for s in shares) / np.log(neighbours))
                    lengths += [np.hypot(*block.offset[pair, n, :, y, x]) for n in range(neighbours)]
            assert info.offset[pair] == pytest.approx(np.mean(lengths), rel=1e-5)
            assert info.entropy[pair] == pytest.approx(np.mean(entropies), rel=1e-5)


def test_entropy_is_1_for_even_weights_whatever_their_sign_and_0_for_a_single_one(prediction):
    shape = prediction.trace[0].attention.shape
    even = np.full(shape, 0.3, np.float32)
    even[:, ::2] *= -1
    single = np.zeros(shape, np.float32)
    single[:, 4] = -2.5
    assert block_info(with_attention(prediction, even))[0].entropy == pytest.approx([1, 1, 1], abs=1e-5)
    assert block_info(with_attention(prediction, single))[0].entropy == pytest.approx([0, 0, 0], abs=1e-5)


def test_a_block_that_attends_to_nothing_has_entropy_0(prediction):
    nothing = np.zeros(prediction.trace[0].attention.shape, np.float32)
    assert block_info(with_attention(prediction, nothing))[0].entropy == [0, 0, 0]


def test_bars_show_the_info(prediction):
    info = probability_info(prediction, 5)
    (bars,) = plot_probabilities(prediction, 5).data
    assert list(bars.y) == info.labels
    assert list(bars.x) == info.probabilities
    assert [t.strip() for t in bars.text] == [f"{p:.1%}" for p in info.probabilities]


def test_lines_show_the_info_one_colour_for_each_block(prediction):
    curves = plot_offset_and_entropy(prediction.trace).data
    infos = block_info(prediction.trace)
    assert [list(curve.y) for curve in curves] == [values for info in infos for values in (info.offset, info.entropy)]
    assert [curve.name for curve in curves if curve.showlegend] == [info.name for info in infos]
    assert [curve.line.color for curve in curves] == [LINES[0], LINES[0], LINES[1], LINES[1]]


def test_more_blocks_than_colours_are_told_apart_by_their_dashes(prediction):
    count = len(LINES) * len(DASHES)
    curves = plot_offset_and_entropy(Trace([prediction.trace[0]] * count)).data
    assert len({(curve.line.color, curve.line.dash) for curve in curves}) == count


def test_an_empty_trace_still_gives_a_figure():
    assert plot_offset_and_entropy(Trace()).data == ()


def test_figures_take_on_the_pages_background(prediction):
    for figure in (plot_probabilities(prediction), plot_offset_and_entropy(prediction.trace)):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out_on_light_and_on_dark(theme):
    for colour in (*LINES, INK):
        assert contrast(colour, THEMES[theme]) >= 3


@pytest.mark.parametrize("eye", EYES)
def test_colours_are_told_apart_by_every_kind_of_eye(eye):
    seen = [lab(np.array(EYES[eye]) @ linear(colour)) for colour in LINES]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]) >= 15


def test_the_confusion_matrix_shows_shares_of_each_true_class():
    card = ModelCard("made up", {}, ("a", "b"), metrics={"confusion": [[3, 1], [0, 0]]}, file="x.safetensors")
    (heat,) = plot_confusion(card).data
    assert np.array(heat.z).tolist() == [[0.75, 0.25], [0, 0]]
    assert np.array(heat.customdata).tolist() == [[3, 1], [0, 0]]
    assert list(heat.y) == ["a", "b"]
    with pytest.raises(DataError, match=r"the card of x.safetensors holds no confusion matrix; measure it"):
        plot_confusion(ModelCard("made up", {}, ("a", "b"), file="x.safetensors"))


def test_arrows_are_tails_and_heads_true_to_scale():
    field = np.zeros((2, 4, 6))
    field[:, 1, 3] = 0.5, -2
    info = arrow_info(field, every=2)
    assert list(zip(info.y, info.x))[:3] == [(1, 1), (1, 1), (None, None)]
    assert (info.y[3:5], info.x[3:5]) == ([1, 1.5], [3, 1])
    assert len(info.x) == 3 * 2 * 3
    assert len(arrow_info(field).x) == 3 * 4 * 6


def test_arrows_and_picture_share_one_scale():
    figure = plot_arrows(np.zeros((64, 32, 3), np.uint8), {"a": np.ones((2, 16, 8)), "b": np.zeros((2, 16, 8))})
    picture = figure.data[0]
    assert (picture.x0 - picture.dx / 2, picture.y0 - picture.dy / 2) == (-0.5, -0.5)
    assert picture.x0 + 31.5 * picture.dx == 7.5
    assert picture.y0 + 63.5 * picture.dy == 15.5
    assert list(figure.data[2].x[:3]) == [0, 1, None]


def test_maps_have_one_scale_of_colours_around_zero_and_points_where_asked():
    maps = {"a": np.array([[0.0, -4.0]]), "b": np.array([[1.0, 2.0]])}
    figure = plot_maps(maps, {"b": np.array([[0.0, 0.5, 2.0], [0.0, 1.0, -1.0]])})
    first, second, points = figure.data
    assert [(m.zmin, m.zmax) for m in (first, second)] == [(-4, 4)] * 2
    assert (list(points.x), list(points.y), points.xaxis) == ([0.5, 1], [0, 0], "x2")
    assert points.marker.size[0] > points.marker.size[1]
    assert "z" in first.texttemplate
    assert plot_maps(maps, numbers=False).data[0].texttemplate is None
    assert plot_maps({"nothing": np.zeros((2, 2))}).data[0].zmax > 0


def test_bars_end_at_their_numbers_wherever_the_axis_starts():
    bars = plot_bars({"one": 72.0, "other": 75.4}, "title", " %", start=70).data[0]
    assert [base + length for base, length in zip([bars.base] * 2, bars.x)] == pytest.approx([72, 75.4])
    assert list(bars.text) == [" 72 %", " 75.4 %"]
    low, high = plot_bars({"less": -1.0, "more": 3.0}, "title").layout.xaxis.range
    assert low < -1
    assert high > 3


def test_curves_of_one_colour_differ_in_their_dash():
    curves = {str(number): [number, 0] for number in range(len(LINES) + 1)}
    drawn = plot_lines([0, 1], curves, "title", "x", "y").data
    assert [list(line.y) for line in drawn] == list(curves.values())
    looks = {(line.line.color, line.line.dash) for line in drawn}
    assert len(looks) == len(curves)
