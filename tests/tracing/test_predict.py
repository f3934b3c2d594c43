import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import sifa
from sifa import explorer
from sifa.cli import main
from sifa.tracing.interventions import INTERVENTIONS
from sifa.tracing.predict import summary
from sifa.tracing.records import best_block
from sifa.weights.groups import Group
from sifa.weights.shipped import ASSETS
from tests.clips import write_clip
from tests.predictions import foreign_prediction, moving_clip, nano_model, nano_prediction


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "moving.mp4", moving_clip(64).frames, fps=30)


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "sifa", "predict", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_prediction_holds_all_that_the_page_shows(clip):
    said = []
    model = nano_model()
    prediction = sifa.predict(model, sifa.read_clip(clip, 16, 4), lambda what, share: said.append((what, share)))
    assert said == [(f"block {i} of 4", i / 4) for i in (1, 2, 3, 4)]
    assert len(prediction.trace) == 4
    np.testing.assert_allclose(prediction.probabilities.sum(), 1, rtol=1e-5)
    best = prediction.top(5)
    assert [p for _, p in best] == sorted((p for _, p in best), reverse=True)
    assert prediction.logits.shape == (24,)


@pytest.mark.parametrize(
    ("cosines", "best"),
    [(None, 1), ([0.99, 0.5, 0.8, 0.7], 2), ([0.99, 0.8, 0.8, 0.7], 1), ([0.99], 1), ([], 1)],
)
def test_the_best_block_is_the_one_of_the_finest_grid_that_follows_motion_best_by_the_card(cosines, best):
    made = foreign_prediction()
    fine, coarse = made.trace
    card = replace(made.card, metrics={} if cosines is None else dict(flow_cosine=cosines))
    assert best_block([coarse, fine, fine, coarse], card) == best
    assert best_block([], card) == 0


def test_a_prediction_says_which_block_is_the_best():
    attention = ASSETS / "variants/attention.safetensors"
    default = sifa.load()
    finest = default.card.metrics["flow_cosine"][:2]  # the two blocks of the finest grid
    for model, best in ((sifa.load(attention), 1), (default, int(np.argmax(finest))), (nano_model(), 0)):
        assert sifa.predict(model, moving_clip()).best_block == best


def two_groups(model):
    """The same model, whose labels are two groups, the second of which is never sure."""
    model.card = replace(model.card, groups=(Group("camera", 0, 14), Group("object", 14, 24, 1.0)))
    return model


def test_the_logits_are_the_mean_of_those_of_the_steps_and_each_step_has_its_answers():
    model = two_groups(nano_model())
    prediction = sifa.predict(model, moving_clip())
    assert prediction.step_logits.shape == (8, 24)
    np.testing.assert_array_equal(torch.from_numpy(prediction.step_logits)[None].mean(1)[0].numpy(), prediction.logits)
    assert np.ptp(prediction.step_logits, axis=0).max() > 1e-4
    steps = prediction.step_answers()
    assert [[answer.group for answer in each] for each in steps] == [["camera", "object"]] * 8
    best = prediction.step_logits[:, :14].argmax(1)
    assert [each[0].label for each in steps] == [prediction.labels[number] for number in best]
    assert {each[1].text for each in steps} == {"unsure"}


def test_a_model_that_pools_over_time_before_its_head_has_no_answers_of_steps():
    small = dict(width_per_group=16, layers=(1, 2, 2, 2), num_classes=5, num_frames=8, img_size=64)
    prediction = sifa.predict(sifa.create_model("sifa_resnet", **small), moving_clip(8))
    assert prediction.step_logits is None
    assert prediction.step_answers() == ()


@pytest.mark.parametrize(("padded", "withheld"), [(0, False), (8, False), (9, True), (14, True)])
def test_a_clip_with_less_than_half_of_its_frames_gets_no_answer(padded, withheld):
    prediction = sifa.predict(two_groups(nano_model()), replace(moving_clip(), padded=padded))
    assert bool(prediction.withheld) == withheld
    told = summary(prediction)
    if not withheld:
        assert "withheld" not in told
        assert prediction.answers()[0].sure
        return
    assert f"it has {16 - padded} of the 16 frames" in prediction.withheld
    assert prediction.withheld.endswith("Give at least 8.")
    assert [answer.sure for answer in prediction.answers()] == [False, False]
    assert prediction.headline == "no answer"
    assert told["withheld"] == prediction.withheld
    assert not any(answer["sure"] for answer in told["answers"])
    assert explorer.unpack(explorer.pack(prediction)).withheld == prediction.withheld


def test_traces_from_before_answers_were_withheld_open():
    assert explorer.unpack(next(Path("assets/samples").glob("*.sifa"))).withheld == ""


def test_the_command_says_why_there_is_no_answer(tmp_path, capsys):
    file = write_clip(tmp_path / "two.mp4", moving_clip(2).frames, fps=30)
    assert main(["predict", str(file)]) == 0
    said = capsys.readouterr().out
    assert "\nno answer: The video is too short for an answer: it has 1 of the 16 frames" in said
    assert "%" not in said


def test_the_wrong_number_of_frames_is_refused():
    clip = moving_clip()
    short = replace(clip, frames=clip.frames[:9])
    with pytest.raises(ValueError, match=r"has 9 frames, but sifa_swin_nano_16x64 reads 16"):
        sifa.predict(nano_model(), short)


@pytest.mark.slow
def test_the_command_prints_and_writes_all_three_kinds(clip, tmp_path):
    done = command(clip, "--out", tmp_path / "a.json")
    assert done.returncode == 0, done.stderr
    assert len([line for line in done.stdout.splitlines() if "%" in line]) == 6
    told = json.loads((tmp_path / "a.json").read_text())
    assert len(told["top5"]) == 5
    assert told["frames"] == list(range(0, 64, 4))
    assert command(clip, "--out", tmp_path / "a.sifa").returncode == 0
    assert explorer.unpack(tmp_path / "a.sifa").top(1)[0][0] == told["top5"][0]["label"]
    assert command(clip, "--out", tmp_path / "a.html").returncode == 0
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_the_command_tries_every_what_if(clip, tmp_path):
    done = command(clip, "--what-if", "--out", tmp_path / "a.sifa")
    assert done.returncode == 0, done.stderr
    packed = explorer.unpack(tmp_path / "a.sifa")
    assert [each.name for each in packed.what_if] == [each.name for each in INTERVENTIONS]
    assert len(packed.trust.blocks) == len(packed.trace)
    for title, label, p in packed.changed_answers():
        near = [
            f"{q:6.1%}  {label}  (what if: {title.lower()})" for q in (p - 1e-4, p, p + 1e-4)
        ]  # a trace rounds logits
        assert any(line in done.stdout for line in near)
    assert command(clip, "--what-if", "--out", tmp_path / "a.json").returncode == 0
    frozen = json.loads((tmp_path / "a.json").read_text())["what_if"][4]
    assert frozen["name"] == "Frozen clip"
    assert frozen["label"] == "camera still, nothing moves"


def test_the_command_fails_in_one_sentence(tmp_path):
    done = command(tmp_path / "none.mp4")
    assert done.returncode == 1
    assert done.stderr.strip() == "there is no file none.mp4; check the path"


def test_a_model_without_sifa_blocks_has_an_empty_trace():
    prediction = nano_prediction(unshifted="none", shifted="none")
    assert len(prediction.trace) == 0
    assert prediction.logits.shape == (24,)
    again = explorer.unpack(explorer.pack(prediction))
    assert len(again.trace) == 0
    assert again.top(1)[0][0] == prediction.top(1)[0][0]


def test_reduced_precision_changes_little():
    model, clip = nano_model(), moving_clip()
    full, reduced = sifa.predict(model, clip), sifa.predict(model, clip, amp=True)
    assert not np.array_equal(full.logits, reduced.logits)
    np.testing.assert_allclose(reduced.probabilities, full.probabilities, atol=0.02)
    assert reduced.trace[0].attention.dtype == np.float32
