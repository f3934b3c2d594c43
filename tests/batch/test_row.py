"""A row holds what the library says of its clip by other ways."""

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sifa
from sifa.batch.figures import block_figures, camera_fit
from sifa.batch.parts import SCHEMA
from sifa.batch.row import ListedClip, row_of
from sifa.batch.run import listed_clips
from sifa.data.listing import Listing
from sifa.errors import DataError, WeightsError
from sifa.explorer import to_html, unpack
from sifa.tracing.records import BlockTrace
from sifa.tracing.trust import follows_change, spread, trust_figures
from sifa.weights.checkpoint import save
from sifa.weights.download import sha256
from sifa.weights.groups import Group
from tests.batch.many import BROKEN
from tests.batch.tables import in_process, read
from tests.clips import numbered_frames, write_clip
from tests.predictions import foreign_prediction


def moved(displacement: np.ndarray) -> BlockTrace:
    """A block whose weighted mean goes there, (P, 2, H, W)."""
    pairs, _, height, width = displacement.shape
    offset = np.repeat(displacement[:, None], 9, 1).astype(np.float32)
    attention = np.full((pairs, 9, height, width), 1 / 9, np.float32)
    return BlockTrace("b", 0, 0, 3, 1, (2, 4, 4), offset, attention, attention[:, 0], True)


def field(y=0.0, x=0.0, zoom=0.0, roll=0.0, shape=(7, 10)):
    """A camera's displacement (2, H, W), each cell by itself."""
    out = np.zeros((2, *shape))
    for i in range(shape[0]):
        for j in range(shape[1]):
            dy, dx = i - (shape[0] - 1) / 2, j - (shape[1] - 1) / 2
            out[:, i, j] = y + zoom * dy + roll * dx, x + zoom * dx - roll * dy
    return out


@pytest.mark.parametrize(
    "motion", [dict(y=0.5), dict(x=-1.25), dict(zoom=0.1), dict(roll=0.05), dict(y=0.2, x=0.4, zoom=-0.05, roll=0.02)]
)
def test_a_cameras_motion_is_found(motion):
    found = camera_fit(moved(np.stack([field(**motion)] * 3)))
    assert found.pop("share") == pytest.approx(1, abs=1e-4)
    assert found == pytest.approx(dict(y=0, x=0, zoom=0, roll=0) | motion, abs=1e-4)


def test_the_fit_is_that_of_least_squares():
    noise = np.random.default_rng(0).normal(size=(1, 2, 6, 9)) + field(y=1, zoom=0.2, shape=(6, 9))
    block = moved(noise)
    basis = np.stack([field(**{name: 1.0}, shape=(6, 9)).ravel() for name in ("y", "x", "zoom", "roll")], 1)
    d = block.displacement.astype(float).ravel()
    solution, (rest,), *_ = np.linalg.lstsq(basis, d, rcond=None)
    found = camera_fit(block)
    assert [found[name] for name in ("y", "x", "zoom", "roll")] == pytest.approx(solution, abs=1e-4)
    assert found["share"] == pytest.approx(1 - rest / (d**2).sum(), abs=1e-4)


def test_where_nothing_is_displaced_there_is_no_camera():
    assert camera_fit(moved(np.zeros((2, 2, 4, 4)))) is None


def test_a_model_may_have_no_block():
    prediction = foreign_prediction()
    assert block_figures(replace(prediction, trace=prediction.trace[:0])) == []


@pytest.fixture
def predicted(clips, weights):
    """The first clip, by the library's own calls."""
    model = sifa.load(weights)
    return model, sifa.predict(model, model.card.read(clips[0].file))


def test_a_row_holds_what_the_library_says(clips, settings, predicted):
    model, prediction = predicted
    row = row_of(clips[0], settings)
    assert set(row) <= set(SCHEMA.names)
    assert (row["number"], row["file"], row["label"]) == (0, clips[0].file, "class 0")
    assert [(one["label"], one["probability"]) for one in row["top5"]] == [
        (n, round(p, 6)) for n, p in prediction.top(5)
    ]
    assert (row["answer"], row["probability"]) == (row["top5"][0]["label"], row["top5"][0]["probability"])
    assert row["correct"] == (row["answer"] == "class 0")
    assert row["probabilities"] == pytest.approx(prediction.probabilities.tolist(), abs=1e-6)
    length = np.linalg.norm(prediction.trace[0].displacement, axis=1)
    first = row["blocks"][0]
    assert (first["name"], first["height"], first["width"]) == (prediction.trace[0].name, 8, 8)
    statistics = length.mean(), np.median(length), np.percentile(length, 95), length.max()
    assert [first[name] for name in ("mean", "median", "p95", "most")] == pytest.approx(statistics, abs=1e-5)
    assert first["spread"] == pytest.approx(spread(prediction.trace[0]), abs=1e-5)
    assert first["follows_change"] == pytest.approx(follows_change(prediction, prediction.trace[0]), abs=1e-5)
    assert (first["like_random"], row["deletion"]) == (None, None)
    assert list(row["seconds"]) == ["read", "predict", "figures", "pack", "write"]
    assert min(row["seconds"].values()) >= 0
    packed = unpack(Path(settings.out) / row["trace"])
    assert packed.logits == pytest.approx(prediction.logits, abs=1e-5)
    assert Image.open(io.BytesIO(row["thumbnail"])).size == (40, 32)


def test_with_trust_there_are_all_its_figures_and_the_trace_holds_them(clips, settings, predicted):
    model, prediction = predicted
    trust = trust_figures(model, prediction)
    row = row_of(clips[0], replace(settings, trust=True))
    assert row["deletion"] == dict(
        strongest=trust.deletion.strongest, random=trust.deletion.random, all=trust.deletion.all
    )
    assert [block["like_random"] for block in row["blocks"]] == [block.like_random for block in trust.blocks]
    assert unpack(Path(settings.out) / row["trace"]).trust == trust


@pytest.mark.parametrize("number", [BROKEN - 1, 2 * BROKEN - 1, "missing"])
def test_a_clip_that_fails_is_a_row_with_its_reason(number, clips, settings):
    clip = ListedClip(3, "/nowhere/none.mp4", "x") if number == "missing" else clips[number]
    row = row_of(clip, settings)
    assert set(row) == {"number", "file", "label", "page", "error", "seconds"}
    assert (row["number"], row["file"], row["label"]) == (clip.number, clip.file, clip.label)
    assert Path(clip.file).name in row["error"]
    assert not list(Path(settings.out).rglob("*.sifa"))


def test_a_name_that_is_not_utf8_is_written_so_that_it_can_be_read(settings, tmp_path):
    file = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4")
    in_process([ListedClip(0, file)], settings)
    (row,) = read(tmp_path / "table").to_pylist()
    assert row["file"] == f"{tmp_path}/\\udcff.mp4"
    assert "there is no file \\udcff.mp4" in row["error"]


def test_a_clip_with_such_a_name_has_a_trace_and_a_page(clips, settings, tmp_path):
    file = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4")
    os.symlink(clips[1].file, file)
    row = row_of(ListedClip(0, file), settings)
    assert row.get("error") is None
    packed = (Path(settings.out) / row["trace"]).read_bytes()
    assert unpack(packed).clip.path == "?.mp4"
    assert "<title>?.mp4: " in to_html(packed, title=f"{Path(file).name}: {row['answer']}")


def test_other_weights_under_the_same_name_are_refused(clips, settings):
    with pytest.raises(WeightsError, match="has sha256 .* here, and 000000000000"):
        row_of(clips[0], replace(settings, sha256="0" * 64))


def test_class_numbers_get_the_models_names_where_they_fit():
    names = tuple("abc")

    def labels(*given, first=None):
        return [c.label for c in listed_clips(Listing([(Path("x"), label) for label in given], ""), names, first)]

    assert labels("0", "2") == ["a", "c"]
    assert labels("1", "2", first=1) == ["a", "b"]
    with pytest.raises(DataError, match="--class-numbers-from"):
        labels("1", "2")
    assert labels("0", "7") == ["0", "7"]  # of other classes than the model's
    assert labels("a", "wave", "") == ["a", "wave", None]


def test_a_clip_with_too_few_frames_is_unsure_and_says_why(tmp_path, settings):
    file = write_clip(tmp_path / "two.mp4", numbered_frames(2), fps=30)
    row = row_of(ListedClip(0, str(file)), settings)
    assert row["unsure"]
    assert row["notes"][-1].startswith("The video is too short for an answer: it has 2 of the 8 frames")
    assert unpack(tmp_path / "table" / row["trace"]).withheld == row["notes"][-1]


def test_a_row_of_several_answers_has_them_all(clips, settings, predicted, tmp_path):
    """Sure is what its own threshold calls so: the first group here has one that it always reaches, the second one never."""
    model, prediction = predicted
    half = len(model.card.labels) // 2
    groups = Group("one", 0, half), Group("other", half, len(model.card.labels), 1.0)
    file = tmp_path / "two.safetensors"
    save(model, replace(model.card, groups=groups), file)
    row = row_of(clips[0], replace(settings, checkpoint=str(file), sha256=sha256(file)))
    prediction = sifa.predict(sifa.load(file), prediction.clip)
    first, second = prediction.answers()
    assert row["answer"] == f"{first.label}, {second.label}"
    assert row["probability"] == pytest.approx(first.probability * second.probability, abs=1e-6)
    assert row["unsure"]
    assert [one["label"] for one in row["top5"]] == [
        label for name in ("one", "other") for label, _ in prediction.top(5, name)
    ]
    assert row["correct"] == ("class 0" in (first.label, second.label))
