import base64
import json
import re
import zlib
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np
import pytest
import torch
from einops import rearrange
from PIL import Image

import sifa
from sifa import explorer
from sifa.data.motion import REVERSED
from sifa.data.motion.shots import SHOTS
from sifa.data.motion.textures import photographs
from sifa.explorer.format.container import MAGIC, parse
from sifa.explorer.format.prune import NO_POINTS, deflate, fit, lighten
from sifa.tracing import trust
from sifa.tracing.interventions import INTERVENTIONS, add_what_ifs
from sifa.tracing.records import BlockTrust, Prediction, Trace, TrueFlow, Trust, WhatIf
from sifa.video.preprocess import Crop
from sifa.weights.card import card_of
from sifa.weights.shipped import MOTION_STEM
from tests.predictions import foreign_prediction, nano_model, nano_prediction

GOLDEN = Path(__file__).parents[1] / "golden" / "trace_v1.sifa"
README = Path(explorer.__file__).with_name("README.md")
SAMPLES = README.parents[2] / "assets" / "samples"


@pytest.fixture(scope="module")
def prediction():
    return nano_prediction()


@pytest.fixture(scope="module")
def packed(prediction):
    return explorer.pack(prediction)


def header_of(packed):
    return json.loads(packed[16 : 16 + int.from_bytes(packed[8:12], "little")])


def close_enough(got, wanted):
    for one, other in zip(got.trace, wanted.trace):  # a what-if with other frames has none once packed
        assert (one.name, one.kernel, one.stride, one.normalised) == (
            other.name, other.kernel, other.stride, other.normalised
        )  # fmt: skip
        assert (one.operator, one.meaning) == (other.operator, other.meaning)
        np.testing.assert_allclose(one.offset, other.offset, rtol=0, atol=1 / 64 + 1e-6)
        span = np.ptp(other.attention, axis=(1, 2, 3), keepdims=True)
        assert (np.abs(one.attention - other.attention) <= span / 255 + 1e-6).all()
        np.testing.assert_allclose(one.saliency, other.saliency, rtol=0, atol=other.saliency.max() / 255)


def test_round_trip_of_a_real_prediction(prediction, packed):
    again = explorer.unpack(packed)
    close_enough(again, prediction)
    np.testing.assert_allclose(again.probabilities, prediction.probabilities, atol=1e-4)
    assert again.top(5)[0][0] == prediction.top(5)[0][0]
    assert again.clip.indices.tolist() == prediction.clip.indices.tolist()
    assert again.clip.frames.shape == prediction.clip.frames.shape
    assert again.card.trained_on == prediction.card.trained_on


@pytest.mark.parametrize(("kernel", "normalised"), [(3, True), (5, False), (1, True)])
def test_round_trip_of_odd_shapes(kernel, normalised):
    wanted = foreign_prediction(kernel=kernel, normalised=normalised)
    close_enough(explorer.unpack(explorer.pack(wanted)), wanted)


@pytest.fixture(scope="module")
def explored(prediction):
    """The prediction with its what-ifs, figures of trust, and a made-up true flow."""
    model, rng = nano_model(), np.random.default_rng(0)
    flow = rng.normal(size=(7, 2, 16, 16)).astype(np.float32)
    return replace(
        add_what_ifs(model, prediction),
        trust=trust.trust_figures(model, prediction),
        true_flow=(TrueFlow(flow, rng.random((7, 16, 16)) < 0.5),),
    )


def test_round_trip_of_what_ifs_trust_and_true_flow(explored):
    again = explorer.unpack(explorer.pack(explored))
    close_enough(again, explored)
    assert again.trust == explored.trust
    assert [each.name for each in again.what_if] == [each.name for each in explored.what_if]
    for each, wanted in zip(again.what_if, explored.what_if):
        assert (each.title, each.explanation, each.order) == (wanted.title, wanted.explanation, wanted.order)
        np.testing.assert_allclose(each.logits, wanted.logits, rtol=0, atol=1e-5)
        np.testing.assert_allclose(each.lengths, wanted.lengths, rtol=0, atol=1e-4)
        assert len(each.trace) == (0 if wanted.order else 4)
        close_enough(each, wanted)
    assert again.what_if[0].trace[0].normalised is False
    assert not again.what_if[0].trace[0].offset.any()
    (flow,), (wanted,) = again.true_flow, explored.true_flow
    np.testing.assert_allclose(flow.flow, wanted.flow, rtol=0, atol=1 / 64 + 1e-6)
    np.testing.assert_array_equal(flow.visible, wanted.visible)


def test_equal_arrays_are_stored_once(explored, packed):
    header = header_of(explorer.pack(explored))
    uniform = next(each for each in header["what_if"] if each["name"] == "uniform")
    assert uniform["blocks"][0]["offset"] == header["blocks"][0]["offset"]
    assert uniform["blocks"][0]["attention"] != header["blocks"][0]["attention"]
    assert {"what_if", "trust", "true_flow"} & header_of(packed).keys() == set()


def test_a_file_of_version_1_is_read():
    file = GOLDEN
    assert header_of(file.read_bytes())["version"] == 1
    again = explorer.unpack(file)
    close_enough(again, foreign_prediction(grid=(5, 7), pairs=2, frame_size=(40, 56)))
    assert (again.what_if, again.trust, again.true_flow) == ((), None, ())


def test_a_what_if_that_is_not_finite_is_refused(explored):
    broken = replace(explored.what_if[0], logits=np.full(24, np.nan, np.float32))
    with pytest.raises(ValueError, match="logits hold NaN"):
        explorer.pack(replace(explored, what_if=(broken,)))


def test_large_frames_are_reduced_and_the_crop_follows():
    wanted = foreign_prediction(frame_size=(540, 960))
    again = explorer.unpack(explorer.pack(wanted))
    assert again.clip.frames.shape[1:3] == (270, 480)
    top, left, side = wanted.crop.source_box
    np.testing.assert_allclose(again.crop.source_box, (top / 2, left / 2, side / 2))


def test_no_path_leaks(prediction, packed):
    header = header_of(packed)
    assert header["clip"]["name"] == "moving.mp4"
    assert "/" not in json.dumps(header)
    absolute = replace(prediction, card=replace(prediction.card, file="/home/me/nano.safetensors"))
    assert header_of(explorer.pack(absolute))["checkpoint"]["file"] == "nano.safetensors"


def test_the_header_holds_what_the_viewer_says(prediction, packed):
    header = header_of(packed)
    assert (header["format"], header["version"]) == ("sifa-trace", 2)
    assert header["clip"] == dict(
        name="moving.mp4", indices=prediction.clip.indices.tolist(), fps=30.0, source_frames=61, source_size=[96, 128],
        times=[round(t, 4) for t in prediction.clip.times.tolist()], sampling_rate=4, padded=0, reach=[1, 1],
    )  # fmt: skip
    assert header["crop"] == dict(scale=64 / 96, top=0, left=16 * 64 / 96, size=64)
    assert header["labels"] == list(prediction.labels)
    assert header["checkpoint"]["variant"] == "sifa_swin_nano_16x64"
    assert header["checkpoint"]["trained_on"] == ""
    block = header["blocks"][1]
    assert (block["stage"], block["kernel"], block["pairs"], block["height"], block["width"]) == (1, 3, 7, 8, 8)
    assert block["stride"] == [2, 8, 8]
    for at in (*(b[name] for b in header["blocks"] for name in ("offset", "attention", "saliency")), packed[8]):
        assert at % 8 == 0


@pytest.mark.parametrize(("tubelet", "overlap"), [(2, True), (2, False), (4, True), (3, True)])
def test_the_reach_of_a_step_is_what_its_stem_reads(tubelet, overlap):
    config = dict(
        img_size=8, num_frames=5 * tubelet, tubelet=tubelet, embed_dim=4, depths=(1,), num_heads=(1,), window_size=2
    )
    model = sifa.create_model("sifa_swin", overlap=overlap, **config).eval()
    video = torch.randn(1, 3, 5 * tubelet, 8, 8, requires_grad=True)
    model.patch_embed(video)[:, 2].sum().backward()
    read = video.grad.abs().sum((0, 1, 3, 4)).nonzero().flatten().tolist()
    made = foreign_prediction()
    packed = explorer.pack(replace(made, card=card_of(model)))
    before, after = header_of(packed)["clip"]["reach"]
    assert read == list(range(2 * tubelet - before, 3 * tubelet + after))
    assert header_of(explorer.pack(explorer.unpack(packed)))["clip"]["reach"] == [before, after]


def test_a_trace_without_the_later_keys_keeps_what_they_stand_for():
    """Packed before there were any: the stem overlaps by one frame, and the operator is that of the weights shipped then."""
    packed = GOLDEN.read_bytes()
    assert "reach" not in header_of(packed)["clip"]
    assert "operator" not in header_of(packed)["blocks"][0]
    assert header_of(explorer.pack(explorer.unpack(packed)))["clip"]["reach"] == [1, 1]
    model = sifa.load(MOTION_STEM)
    assert (model.config.overlap, model.tubelet) == (True, 2)
    with sifa.record(model) as trace, torch.no_grad():
        model(torch.zeros(1, 3, 16, 64, 64))
    switches = dict(offsets="learned", saliency="paper", placement="branch")
    assert [block.operator for block in trace] == [switches] * 4


def test_offsets_beyond_the_range_are_limited_and_nan_is_refused():
    far = foreign_prediction()
    far.trace[0].offset[0, 0, 0, 0, 0] = 5000
    far.trace[0].offset[1, 2, 1, 3, 4] = -5000
    with pytest.warns(UserWarning, match="2 offsets are larger than 1024 cells"):
        packed = explorer.pack(far)
    again = explorer.unpack(packed).trace[0].offset
    assert (again[0, 0, 0, 0, 0], again[1, 2, 1, 3, 4]) == (32767 / 32, -32767 / 32)
    assert header_of(packed)["blocks"][0]["limited"] == 2
    far.trace[0].offset[0, 0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"block blocks.0 holds NaN"):
        explorer.pack(far)
    with pytest.raises(ValueError, match="logits"):
        explorer.pack(replace(foreign_prediction(), logits=np.full(7, np.inf, np.float32)))


def test_a_weight_of_zero_stays_zero():
    signed = foreign_prediction()
    signed.trace[0].attention[:, 4, 2, 3] = 0
    again = explorer.unpack(explorer.pack(signed)).trace[0].attention
    assert np.abs(again[:, 4, 2, 3]).max() < 1e-12
    assert again.min() < 0 < again.max()


def test_damaged_traces_are_refused_in_words(tmp_path, packed):
    with pytest.raises(explorer.TraceError, match="does not start with SIFATRC"):
        explorer.unpack(b"GIF89a" + packed)
    with pytest.raises(explorer.TraceError, match="cut off"):
        explorer.unpack(packed[: len(packed) // 2])
    with pytest.raises(explorer.TraceError, match="cut off"):
        explorer.unpack(packed[:100])
    with pytest.raises(explorer.TraceError, match="damaged"):
        explorer.unpack(packed[:16] + b"{" * 40 + packed[56:])
    with pytest.raises(explorer.TraceError, match=r"damaged \(KeyError: 'stride'\)"):
        explorer.unpack(packed.replace(b'"stride"', b'"strode"'))
    with pytest.raises(explorer.TraceError, match="damaged"):
        explorer.unpack(packed.replace(b"\xff\xd8\xff\xe0", b"\0\0\0\0"))
    with pytest.raises(explorer.TraceError, match=r"version 9.*update"):
        explorer.unpack(packed.replace(b'"version":2', b'"version":9'))
    with pytest.raises(explorer.TraceError, match=r"gone\.sifa cannot be read"):
        explorer.unpack(tmp_path / "gone.sifa")


def test_the_reader_of_the_readme_reads(tmp_path, prediction, packed):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL).group(1)
    file = tmp_path / "clip.sifa"
    file.write_bytes(packed)
    scope = {}
    exec(code, scope)
    header, blocks = scope["read_trace"](file)
    assert header["labels"] == list(prediction.labels)
    for (offset, attention), block in zip(blocks, prediction.trace):
        np.testing.assert_allclose(offset, block.offset, rtol=0, atol=1 / 64 + 1e-6)
        np.testing.assert_allclose(attention, block.attention, rtol=0, atol=np.ptp(block.attention) / 255)


def test_the_script_needs_nothing_and_is_small():
    script = explorer.script()
    assert 50 * 1024 < len(script.encode()) <= 240 * 1024
    assert not re.search(r"https?://|\bimport\b", script)
    assert script.count("export default") == 1
    assert script.rstrip().endswith("export default explorer;")
    assert "</script" not in script.lower()
    assert "<!--" not in script


def test_the_page_allows_nothing_from_outside(packed):
    page = explorer.to_html(packed, title="<b>clip</b>")
    assert "default-src 'none'" in page
    assert explorer.script() in page
    assert "<title>&lt;b&gt;clip" in page
    assert "http://" not in page
    assert "https://" not in page


def test_packed_traces_of_the_samples_are_current():
    samples = sorted(SAMPLES.glob("*.sifa"))
    assert len(samples) >= 6
    for file in samples:
        assert file.read_bytes().startswith(MAGIC)
        again = explorer.unpack(file)
        assert again.clip.path == file.with_suffix(".mp4").name
        title = file.stem.partition("_")[2].replace("_", " ")
        label = {SHOTS[title].camera, SHOTS[title].things} if title in SHOTS else {title}
        assert label <= {answer.label for answer in again.answers()}


def test_a_light_page_keeps_the_first_block_of_each_stage():
    made = foreign_prediction()
    blocks = [
        replace(made.trace[index % 2], name=f"layers.{stage}.blocks.{block}", stage=stage, block=block)
        for index, (stage, block) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (3, 0)])
    ]
    whole = WhatIf("rigid", "No offsets", "", made.logits, tuple(map(float, range(6))), Trace(blocks))
    order = WhatIf("frozen", "Frozen", "", made.logits, tuple(map(float, range(6))), Trace(), order=(0,) * 8)
    flow = TrueFlow(np.ones((3, 2, 7, 11), np.float32), np.ones((3, 7, 11), bool))
    figures = tuple(BlockTrust(b.name, 0.5, 0.5, 0.5, None, None, 0.0) for b in blocks)
    made = replace(made, trace=Trace(blocks), what_if=(whole, order), true_flow=(flow,), trust=Trust(figures, None))
    full = explorer.pack(made)
    small = lighten(full)
    assert len(small) < len(full)
    before, after = explorer.unpack(full), explorer.unpack(small)
    names = [f"layers.{stage}.blocks.0" for stage in (0, 1, 3)]
    assert [b.name for b in after.trace] == names
    assert [b.name for b in after.trust.blocks] == names
    assert [w.lengths for w in after.what_if] == [(0.0, 2.0, 5.0)] * 2
    assert [len(w.trace) for w in after.what_if] == [0, 0]
    assert [w.explanation for w in after.what_if] == [NO_POINTS, ""]
    assert [w.logits.tolist() for w in after.what_if] == [w.logits.tolist() for w in before.what_if]
    for name in names:
        for array in ("offset", "attention", "saliency"):
            np.testing.assert_array_equal(getattr(after.trace[name], array), getattr(before.trace[name], array))
    np.testing.assert_array_equal(after.clip.frames, before.clip.frames)
    np.testing.assert_array_equal(after.true_flow[0].flow, flow.flow)
    page = explorer.to_html(full, light=True)
    assert explorer.script() in page
    assert carried(page) == small


def test_a_page_opens_on_the_block_that_the_prediction_names_and_a_light_page_keeps_it():
    made = foreign_prediction()
    blocks = [replace(made.trace[0], name=f"layers.0.blocks.{block}", block=block) for block in range(3)]
    blocks.insert(0, replace(made.trace[1], name="before", stage=1))
    packed = explorer.pack(replace(made, trace=Trace(blocks), best_block=2))
    assert explorer.unpack(packed).best_block == 2
    assert parse(packed).header["opens_on"] == 2
    light = explorer.unpack(lighten(packed))
    assert [block.name for block in light.trace] == ["before", "layers.0.blocks.1"]
    assert light.best_block == 1
    assert "opens_on" not in parse(explorer.pack(made)).header


def carried(page, name="trace"):
    """A packed trace in a page."""
    text = re.search(rf'<script type="text/plain" id="{name}">(.*?)</script>', page, re.DOTALL).group(1)
    return zlib.decompress(base64.b64decode(text))


def test_a_page_of_two_traces_gives_each_half_of_the_room(packed, monkeypatch):
    other = (SAMPLES / "04_camera_rolls_clockwise.sifa").read_bytes()
    both = explorer.to_html(packed, other)
    assert [carried(both), carried(both, "compared")] == [packed, other]
    assert 'id="compared"' not in explorer.to_html(packed)
    room = len(deflate(other))  # of which the sample alone takes all
    monkeypatch.setattr("sifa.explorer.page.MOST", room)
    shares = [carried(explorer.to_html(other)), carried(explorer.to_html(packed, other), "compared")]
    assert shares == [other, fit(other, room // 2)]
    assert len(shares[1]) < len(other)
    light = explorer.to_html(packed, other, light=True)
    assert [carried(light), carried(light, "compared")] == [lighten(packed), lighten(other)]


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("*.sifa")), ids=lambda file: file.stem)
def test_pages_of_the_samples_are_small(file):
    packed = file.read_bytes()
    whole, light = explorer.to_html(packed), explorer.to_html(packed, light=True)
    assert 1_000_000 < len(whole.encode()) < 2_000_000
    assert 500_000 < len(light.encode()) < 1_100_000
    assert carried(whole) == packed
    assert carried(light) == lighten(packed)
    assert "This is a light page" in light
    assert "This is a light page" not in whole
    assert len(explorer.unpack(lighten(packed)).trace) == 3


BASE_64X224 = [  # (stage, block, cells on a side, which block of the samples stands for it)
    (0, 0, 56, 0), (1, 0, 28, 2), *((2, 2 * i, 14, 2) for i in range(9)), (3, 0, 7, 4), (3, 1, 7, 4)
]  # fmt: skip


def mosaic(traces: list[Trace], seed: int = 0) -> Trace:
    """The 13 SIFA blocks of sifa_swin_base_64x224, 15 pairs each, laid together from the samples' fields as tiles."""

    def block(number, stage, block, side, source):
        pieces = [trace[source] for trace in traces]
        across = ceil(side / pieces[0].offset.shape[-1])
        rng = np.random.default_rng((seed, number))
        order = np.stack([rng.permutation(7 * len(pieces))[: across**2] for _ in range(15)])

        def laid(name):
            tiles = np.concatenate([getattr(piece, name) for piece in pieces])[order]
            whole = rearrange(tiles, "p (a b) ... h w -> p ... (a h) (b w)", a=across)
            return np.ascontiguousarray(whole[..., :side, :side])

        return replace(
            pieces[0], name=f"layers.{stage}.blocks.{block}", stage=stage, block=block,
            stride=(4.0, 224 / side, 224 / side), offset=laid("offset"), attention=laid("attention"),
            saliency=laid("saliency"),
        )  # fmt: skip

    return Trace([block(number, *place) for number, place in enumerate(BASE_64X224)])


@pytest.fixture(scope="module")
def large() -> Prediction:
    """As large as one of sifa_swin_base_64x224: 64 frames of a photograph that passes, 13 blocks, and what-ifs as large."""
    samples = [explorer.unpack(file) for file in sorted(SAMPLES.glob("*.sifa"))]
    photograph = photographs("held-out")[1]
    clip = replace(
        samples[0].clip, frames=np.stack([photograph[t : t + 270, t : t + 480] for t in range(64)]),
        indices=np.arange(64), times=np.arange(64) / 30, source_frames=64, source_size=(270, 480), sampling_rate=1,
    )  # fmt: skip
    what_ifs = [
        replace(
            each, lengths=(1.0,) * 13,
            trace=Trace() if each.order else mosaic([sample.trace for sample in samples], seed),
        )
        for seed, each in enumerate(samples[0].what_if, 1)
    ]  # fmt: skip
    return replace(
        samples[0], clip=clip, crop=Crop(224 / 270, 0.0, 105 * 224 / 270, 224), trace=mosaic([s.trace for s in samples]),
        what_if=tuple(what_ifs), trust=None, true_flow=(),
    )  # fmt: skip


def test_pages_of_a_large_model(large):
    packed = explorer.pack(large)
    whole, light = explorer.to_html(packed), explorer.to_html(packed, light=True)
    assert 7_000_000 < len(whole.encode()) <= 10_000_000
    assert 2_500_000 < len(light.encode()) <= 3_000_000
    before, after = explorer.unpack(packed), explorer.unpack(carried(whole))
    for one, other in zip(before.trace, after.trace, strict=True):
        for array in ("offset", "attention", "saliency"):
            np.testing.assert_array_equal(getattr(one, array), getattr(other, array))
    np.testing.assert_array_equal(after.clip.frames, before.clip.frames)
    assert [len(each.trace) for each in before.what_if] == [13, 13, 13, 13, 0, 0, 0, 13]
    pointed = [each.name for each in after.what_if if len(each.trace)]
    assert 1 <= len(pointed) <= 5
    assert pointed == ["rigid", "no-gate", "uniform", "silent", "random"][: len(pointed)]  # the last go first
    for one, other in zip(before.what_if, after.what_if, strict=True):
        missing = len(one.trace) > len(other.trace)
        assert other.explanation == one.explanation + NO_POINTS * missing
        assert other.logits.tolist() == one.logits.tolist()
        assert other.lengths == one.lengths
        for a, b in zip(one.trace, other.trace):
            np.testing.assert_array_equal(a.offset, b.offset)


def test_a_large_page_without_what_ifs_has_room(large):
    packed = explorer.pack(replace(large, what_if=()))
    assert fit(packed) == packed
    assert len(explorer.to_html(packed).encode()) < 6_000_000


def test_frames_of_a_large_light_page_are_smaller_and_the_crop_follows(large):
    after = explorer.unpack(lighten(explorer.pack(large)))
    assert [block.name for block in after.trace] == [f"layers.{stage}.blocks.0" for stage in range(4)]
    assert not any(len(each.trace) for each in after.what_if)
    height, width = after.clip.frames.shape[1:3]
    assert (height, width) in [(180, 320), (135, 240)]
    np.testing.assert_allclose(np.array(after.crop.source_box) / height, np.array(large.crop.source_box) / 270)
    for frame, original in zip(after.clip.frames, large.clip.frames, strict=True):
        wanted = np.asarray(Image.fromarray(original).resize((width, height), Image.LANCZOS)).astype(int)
        assert np.abs(frame - wanted).mean() < 6


def test_the_samples_hold_what_ifs_trust_and_a_true_flow_that_fits():
    for file in sorted(SAMPLES.glob("*.sifa")):
        sample = explorer.unpack(file)
        assert [each.name for each in sample.what_if] == [each.name for each in INTERVENTIONS]
        assert len(sample.what_if[0].trace) == len(sample.trace)  # the points of the rigid grid, at least
        said = {each.name: [answer.label for answer in sample.answers_of(each.logits)] for each in sample.what_if}
        assert said["frozen"] == ["camera still", "nothing moves"]
        if "passes" not in file.name:
            assert said["reversed"] == [REVERSED.get(answer.label, answer.label) for answer in sample.answers()]
        assert [f.name for f in sample.trust.blocks] == [block.name for block in sample.trace]
        assert [true.flow.shape for true in sample.true_flow] == [(7, 2, side, side) for side in (32, 16, 8)]
        true, moved = sample.true_flow[0], sample.trace[sample.best_block].displacement
        length = np.linalg.norm(true.flow, axis=1)
        moving = true.visible & (length > 0.5)
        cosine = (moved * true.flow).sum(1) / np.maximum(length * np.linalg.norm(moved, axis=1), 1e-6)
        assert moving.sum() > 100
        assert cosine[moving].mean() > (0.5 if "rolls" in file.name else 0.7)
