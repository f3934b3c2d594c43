"""Every number of the viewer against numpy on the same trace, as Python unpacks it."""

import base64
import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sifa import explorer
from sifa.tracing.records import BlockTrust, Deletion, TrueFlow, Trust, WhatIf
from tests.predictions import foreign_prediction, nano_prediction
from tests.viewer.by_numpy import grid_of, track_by_numpy
from tests.viewer.conftest import NodeError

CLOSE = dict(rtol=1e-4, atol=1e-4)
MADE = {
    "nano": nano_prediction,
    "kernel 5": lambda: foreign_prediction(kernel=5),
    "softmax": lambda: foreign_prediction(normalised=True),
}


@pytest.fixture(scope="module", params=[*MADE])
def packed(request):
    return explorer.pack(MADE[request.param]())


@pytest.fixture
def calculated(ask, open_trace, packed):
    """The blocks as Python unpacks them, and a way to call the viewer's pure functions on the same bytes."""
    open_trace(packed)

    def call(code: str):
        return ask(f"const {{ blocks }} = trace; return viewer.{code};")

    return explorer.unpack(packed).trace, call


@pytest.mark.parametrize("kind", ["nano", "kernel 5", "softmax"])
def test_ten_thousand_readouts_equal_the_trace(ask, open_trace, kind):
    made = {
        "nano": nano_prediction,
        "kernel 5": lambda: nano_prediction(kernel_size=5),
        "softmax": lambda: foreign_prediction(normalised=True),
    }[kind]()
    open_trace(explorer.pack(made))
    rng = np.random.default_rng(0)
    asked = []
    for _ in range(10_000):
        b = int(rng.integers(len(made.trace)))
        pairs, taps, height, width = made.trace[b].attention.shape
        asked.append([b, *(int(rng.integers(n)) for n in (pairs, height, width, taps))])
    answers = ask(
        """return value.map(([b, p, y, x, k]) => { const r = viewer.readout(trace.blocks[b], p, y, x);
        return [...r.offsets[k], ...r.points[k], r.weights[k], r.outside[k] ? 1 : 0]; });""",
        asked,
    )
    points = [block.points for block in made.trace]
    spans = [np.ptp(block.attention, axis=(1, 2, 3)) for block in made.trace]
    wanted = np.array([
        [*made.trace[b].offset[p, k, :, y, x], *points[b][p, k, :, y, x], made.trace[b].attention[p, k, y, x]]
        for b, p, y, x, k in asked
    ])  # fmt: skip
    difference = np.abs(np.array(answers)[:, :5] - wanted)
    assert difference[:, :4].max() <= 1 / 32
    assert (difference[:, 4] <= [spans[b][p] / 255 for b, p, *_ in asked]).all()
    assert np.abs(wanted[:, :2]).max() > 0.5  # the offsets are not all but zero
    for (b, *_), (_, _, y, x, _, outside) in zip(asked, answers):
        height, width = made.trace[b].attention.shape[2:]
        assert outside == (not (-1 < y < height and -1 < x < width))


@pytest.mark.parametrize(("b", "pair", "y", "x"), [(1, 2, 3, 4), (0, 6, 0, 15), (2, 0, 3, 3)])
def test_displacement_and_sum_equal_the_trace(ask, open_trace, b, pair, y, x):
    prediction = nano_prediction()
    open_trace(explorer.pack(prediction))
    block = prediction.trace[b]
    read = ask(f"return viewer.readout(trace.blocks[{b}], {pair}, {y}, {x});")
    step = np.ptp(block.attention[pair]) / 255
    reach = np.abs(block.points[pair, :, :, y, x] - [[y, x]]).max()
    tolerance = 1 / 32 + 2 * 9 * step * reach / np.abs(block.attention[pair, :, y, x]).sum()
    np.testing.assert_allclose(read["displacement"], block.displacement[pair, :, y, x], rtol=0, atol=tolerance)
    np.testing.assert_allclose(read["sum"], block.attention[pair, :, y, x].sum(), rtol=0, atol=9 * step)


def test_the_reader_of_the_readme_reads(ask):
    prediction = nano_prediction()
    readme = Path(explorer.__file__).with_name("README.md").read_text(encoding="utf-8")
    code = re.search(r"```js\n(.*?)```", readme, re.DOTALL).group(1)
    offset, attention, labels = ask(
        f"""{code}
        const header = await readTrace('data:application/octet-stream;base64,' + value);
        const b = header.blocks[1];
        return [b.offset.slice(0, 1000), b.attention.slice(0, 500), header.labels];""",
        base64.b64encode(explorer.pack(prediction)).decode(),
    )
    block = prediction.trace[1]
    assert labels == list(prediction.labels)
    np.testing.assert_allclose(np.array(offset) / 32, block.offset.ravel()[:1000], rtol=0, atol=1 / 64 + 1e-6)
    low, high = block.attention[0].min(), block.attention[0].max()
    weights = low + np.array(attention) * (high - low) / 255
    np.testing.assert_allclose(weights, block.attention.ravel()[:500], rtol=0, atol=(high - low) / 100)


def test_arrows_in_three_readings(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        pair, (height, width) = block.offset.shape[0] - 1, block.offset.shape[-2:]
        vectors = block.points[pair] - np.mgrid[:height, :width]
        field = {
            arrows: np.array(call(f"arrowField(blocks[{b}], {pair}, '{arrows}')")).reshape(height, width, 2)
            for arrows in ("offset", "displacement", "strongest")
        }
        np.testing.assert_allclose(field["offset"], block.offset[pair].mean(0).transpose(1, 2, 0), **CLOSE)
        np.testing.assert_allclose(field["displacement"], block.displacement[pair].transpose(1, 2, 0), **CLOSE)
        strength = np.abs(block.attention[pair])
        candidates = strength >= strength.max(0) - 1e-6  # packed weights may tie
        distance = np.abs(vectors - field["strongest"].transpose(2, 0, 1)).max(1)
        assert np.where(candidates, distance, np.inf).min(0).max() < 1e-4


def test_readers_of_a_place(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        height, width = block.offset.shape[-2:]
        for pair, y, x in ((0, height // 2, width // 2), (1, 0, width - 1)):
            distance = np.abs(block.points[pair] - np.array([y, x])[:, None, None])
            bilinear = np.maximum(0, 1 - distance).prod(1)
            weight = (np.abs(block.attention[pair]) * bilinear).sum(0)
            got = call(f"readersOf(blocks[{b}], {pair}, {y}, {x})")
            assert [r["weight"] for r in got] == sorted((r["weight"] for r in got), reverse=True)
            found = np.zeros((height, width))
            for reader in got:
                found[reader["y"], reader["x"]] = reader["weight"]
            np.testing.assert_allclose(found, weight, **CLOSE)


@pytest.mark.parametrize("rigid", [False, True])
def test_tracks_follow_the_centroid(calculated, rigid):
    blocks, call = calculated
    block = blocks[0]
    height, width = block.offset.shape[-2:]
    for pair, y, x in ((0, height // 2, width // 2), (1, 1, 1), (0, height - 1, 0)):
        got = call(f"attentionTrack(blocks[0], {pair}, {y}, {x}, {'true' if rigid else 'false'})")
        wanted = track_by_numpy(block, pair, y, x, rigid)
        assert [p["step"] for p in got] == list(range(pair, pair + len(wanted)))
        np.testing.assert_allclose([p["place"] + p["spread"] for p in got], wanted, rtol=0, atol=2e-3)


def test_measures_of_the_contact_sheet(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        height, width = block.offset.shape[-2:]
        taps = block.attention.shape[1]
        share = np.abs(block.attention[1]) / np.abs(block.attention[1]).sum(0)
        logs = np.log(share, out=np.zeros_like(share), where=share > 0)
        y, x = block.points[1].transpose(1, 0, 2, 3)
        wanted = dict(
            offset=np.linalg.norm(block.offset[1], axis=1).mean(0),
            entropy=-(share * logs).sum(0) / np.log(taps),
            outside=1 - ((y > -1) & (y < height) & (x > -1) & (x < width)).mean(0),
        )
        for measure, field in wanted.items():
            got = call(f"measureMap(blocks[{b}], 1, '{measure}')")
            np.testing.assert_allclose(got, field.ravel(), rtol=0, atol=1e-3)


def test_saliency_is_the_traces(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        got = call(f"saliencyMap(blocks[{b}], 1)")
        np.testing.assert_allclose(got, block.saliency[1].ravel(), **CLOSE)


def numbers(text):
    return [float(v) for v in text.replace("\u2212", "-").strip("()").split(", ")]


def test_the_terms_of_the_equation_follow_from_the_trace(calculated):
    blocks, call = calculated
    block = blocks[0]
    pair, taps = 1, block.attention.shape[1]
    height, width = block.offset.shape[-2:]
    for y, x in ((height // 2, width // 2), (0, 0), (height - 1, 1)):
        weights = block.attention[pair, :, y, x]
        for tap in range(taps):
            py, px = point = block.points[pair, tap, :, y, x]
            about = f"""{{ read: viewer.readout(blocks[0], {pair}, {y}, {x}), block: blocks[0], tap: {tap},
                saliency: viewer.saliencyMap(blocks[0], {pair})[{y * width + x}], difference: 0.25 }}"""
            values = {name: value for name, _, value, _ in call(f"equationTerms({about})")}
            np.testing.assert_allclose(numbers(values["offset"]), block.offset[pair, tap, :, y, x], rtol=0, atol=0.0051)
            np.testing.assert_allclose(numbers(values["point"]), point, rtol=0, atol=0.0051)
            np.testing.assert_allclose(numbers(values["tap"]), grid_of(block)[tap])
            assert numbers(values["weight"])[0] == pytest.approx(weights[tap], abs=6e-5)
            assert float(values["share"][:-2]) == pytest.approx(
                100 * abs(weights[tap]) / np.abs(weights).sum(), abs=0.06
            )
            np.testing.assert_allclose(
                numbers(values["displacement"]), block.displacement[pair, :, y, x], rtol=0, atol=0.0052
            )
            assert float(values["gate"][4:]) == pytest.approx(block.saliency[pair, y, x], abs=6e-4)
            corners = call(f"bilinearCorners([{py}, {px}], blocks[0])")
            assert sum(c["weight"] for c in corners) == pytest.approx(1)
            assert sum(c["weight"] * c["y"] for c in corners) == pytest.approx(py, abs=1e-5)
            assert sum(c["weight"] * c["x"] for c in corners) == pytest.approx(px, abs=1e-5)
            inside = sum(c["weight"] for c in corners if 0 <= c["y"] < height and 0 <= c["x"] < width)
            assert float(values["value"].split()[0]) == pytest.approx(inside, abs=6e-4)


def with_header(packed, change):
    """A packed trace whose header was changed by change(header), or is what it returns."""
    length = int.from_bytes(packed[8:12], "little")
    header = json.loads(packed[16 : 16 + length])
    text = json.dumps(change(header) or header).encode()
    text += b" " * (-len(text) % 8)
    return packed[:8] + struct.pack("<II", len(text), 0) + text + packed[16 + length :]


FIGURES = dict(name="a", unevenness=0, offset=0, spread=0, follows_change=None, like_random=None, outside=0, words=[])
DELETION = dict(
    label="a", neighbours=9, removed=3, probability=0.5, strongest=0.4, random=0.3, random_each=[0.3], all=0.2, words=["b"]
)  # fmt: skip


def complete(prediction):
    """A packed trace with every part that one may have."""
    other = WhatIf("other", "Other", "", prediction.logits, (1.0,) * 4, prediction.trace)
    flow = TrueFlow(np.zeros((7, 2, 16, 16), np.float32), np.ones((7, 16, 16), bool))
    trust = Trust((BlockTrust(**FIGURES),) * 4, Deletion(**DELETION))
    return explorer.pack(replace(prediction, what_if=(other,), true_flow=(flow,), trust=trust))


def taken(*path, last):
    """A change of a header: the value at a path gone."""

    def change(header):
        for key in path:
            header = header[key]
        del header[last]

    return change


def changed(*path, last, to):
    def change(header):
        for key in path:
            header = header[key]
        header[last] = to

    return change


MARKUP = "<img src=x onerror=window.broken=1>"
HEADERS = {
    "a number": lambda _: 7,
    "a list": lambda _: [1],
    **{f"no {key}": taken(last=key) for key in ("clip", "crop", "frames", "labels", "logits", "checkpoint", "blocks")},
    "no name": taken("clip", last="name"),
    "no times": changed("clip", last="times", to=[]),
    "no sha256": taken("checkpoint", last="sha256"),
    "no scale": taken("crop", last="scale"),
    "fewer labels": changed(last="labels", to=["one"]),
    "no stage": taken("blocks", 0, last="stage"),
    "a text as stage": changed("blocks", 0, last="stage", to=MARKUP),
    "a text as height": changed("blocks", 0, last="height", to="8"),
    "empty range": changed("blocks", 1, last="range", to=[]),
    "ranges of nothing": changed("blocks", 1, last="range", to=[[]] * 7),
    "no offset": taken("blocks", 3, last="offset"),
    "short stride": changed("blocks", 0, last="stride", to=[2, 4]),
    "no lengths": taken("what_if", 0, last="lengths"),
    "fewer logits": changed("what_if", 0, last="logits", to=[1]),
    "what-if of half a block": taken("what_if", 0, "blocks", 0, last="range"),
    "half a flow": taken("true_flow", 0, last="visible"),
    "no figures": changed("trust", last="blocks", to=[FIGURES]),
    "no words": taken("trust", "blocks", 2, last="words"),
    "a number as deletion": changed("trust", last="deletion", to=7),
    "a text as number removed": changed("trust", "deletion", last="removed", to=MARKUP),
    "a text as neighbours": changed("trust", "deletion", last="neighbours", to=MARKUP),
}


def test_a_damaged_header_is_refused_in_words(open_trace):
    whole = complete(nano_prediction())
    open_trace(whole)
    for name, change in HEADERS.items():
        with pytest.raises(NodeError) as error:
            open_trace(with_header(whole, change))
        assert str(error.value) == "The trace is damaged. Copy the file again, or run the clip again.", name
