import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sifa
from sifa.cli import main
from sifa.data.motion import CLASSES, MotionClips, join_batches, pasted
from sifa.errors import RunError, WeightsError
from sifa.model.initialise import initialise, space_time_gabors
from sifa.training import loop
from sifa.training.course import COURSES
from sifa.training.log import Log
from sifa.training.loop import train
from sifa.training.losses import losses
from sifa.training.recipes import HARD, RECIPES, Recipe, class_pool, curriculum, learning_rate
from sifa.training.start import begin
from sifa.weights.card import card_of
from sifa.weights.checkpoint import save

SHORT = Recipe(steps=4, batch=8)
ROOT = Path(__file__).parents[2]


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path, monkeypatch):
    whole = train(SHORT, tmp_path / "whole", save_every=2, measure_clips=0)
    real, calls = loop.losses, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(loop, "losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(SHORT, tmp_path / "parts", save_every=2, measure_clips=0)
    parts = train(SHORT, tmp_path / "parts", save_every=2, measure_clips=0)
    one, other = sifa.load(whole).state_dict(), sifa.load(parts).state_dict()
    assert all(torch.equal(one[k], other[k]) for k in one)
    assert sifa.load(whole).card.recipe["steps"] == 4
    assert (tmp_path / "parts/log.csv").read_text().splitlines()[0].startswith("step,clips,cpu_seconds")


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path):
    with pytest.raises(RunError, match="the batch is 12; 1 processes need a multiple of 8"):
        train(replace(SHORT, batch=12), tmp_path)


def test_the_card_says_what_was_done(tmp_path):
    card = sifa.load(train(SHORT, tmp_path / "run", measure_clips=24)).card
    assert card.trained_on == "32 generated clips of 24 motions, offsets supervised with the true flow"
    assert card.title == "full: offsets supervised with the true flow (0.032 k clips)"
    assert card.metrics["clips"] == 24
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert [row["clips"] for row in rows] == ["32"]
    assert float(rows[0]["cross_entropy"]) > 0


def test_a_log_continues_without_repeated_steps(tmp_path):
    log = Log(tmp_path / "log.csv")
    for step in range(1, 151):
        log.add(step, step * 8, 0.0, [1.0, 2.0, 0.5], 24, last=False)
    log = Log(tmp_path / "log.csv", 100)  # stopped at 150, saved at 100
    for step in range(101, 151):
        log.add(step, step * 8, 0.0, [3.0, 2.0, 0.5], 24, last=False)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["step"] for row in rows] == ["50", "100", "150"]
    assert rows[-1]["cross_entropy"] == "3.0"


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(name):
    """Each variant's parameters get gradients; only supervised ones have a flow loss."""
    torch.manual_seed(0)
    recipe = RECIPES[name]
    course = COURSES[recipe.family]
    model = begin(recipe, course.labels, None, course.groups)
    clips = course.source("train", 64, 16, textures=10, worn=True).batch(
        0, course.wishes(0, recipe, True)[[0, 15, 16, 18]]
    )
    cross_entropy, flow, *_ = losses(model, clips, torch.ones(len(course.labels), dtype=torch.bool), recipe)
    assert (flow > 0) == bool(recipe.flow_weight)
    (cross_entropy + flow).backward()
    silent = {n for n, p in model.named_parameters() if p.grad is None}
    assert silent == set()
    offsets = [p for n, p in model.named_parameters() if "conv_offset" in n]
    assert bool(offsets) == (name not in ("rigid", "conv-only", "no-temporal"))
    if recipe.flow_weight:
        assert all(p.grad.abs().sum() > 0 for p in offsets)


def test_a_checkpoint_goes_on_at_another_size(tmp_path):
    small = begin(RECIPES["attention"], CLASSES)
    save(small, small.card, tmp_path / "small.safetensors")
    recipe = replace(RECIPES["attention"], config=RECIPES["attention"].config | dict(img_size=128))
    large = begin(recipe, CLASSES, tmp_path / "small.safetensors")
    assert (large.config.img_size, card_of(large).size, card_of(large).labels) == (128, 128, CLASSES)
    for name, value in large.state_dict().items():
        assert torch.equal(value, small.state_dict()[name]), name
    with pytest.raises(WeightsError, match="do not fit"):
        begin(replace(recipe, config=dict(embed_dim=64)), CLASSES, tmp_path / "small.safetensors")


def test_the_loss_of_a_batch_is_the_mean_over_its_shards():
    """What lets several processes share a batch."""
    torch.manual_seed(0)
    model = begin(Recipe(), CLASSES, None)
    source = MotionClips("train", 64, 16, textures=10)
    shards = [source.batch(i, torch.tensor([3 * i, 16, 20, 23])) for i in range(2)]
    every = torch.ones(24, dtype=torch.bool)
    with torch.no_grad():
        whole = losses(model, join_batches(shards), every, Recipe())
        parts = [losses(model, shard, every, Recipe()) for shard in shards]
    for a, *bc in zip(whole, *parts):
        torch.testing.assert_close(a, sum(bc) / 2, atol=1e-5, rtol=1e-5)


@pytest.mark.full
def test_two_processes_train_to_the_same_loss_as_one(tmp_path):
    """20 steps under torchrun on the CPU (gloo) against one process with the same global batch."""
    options = ["-m", "sifa", "train", "--steps", "20", "--batch", "16", "--measure", "0", "--out"]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for start, out in (([], "one"), (torchrun, "two")):
        command = [sys.executable, *start, *options, str(tmp_path / out)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
    one, two = (list(csv.DictReader((tmp_path / out / "log.csv").open()))[-1] for out in ("one", "two"))
    for column in ("cross_entropy", "flow_loss", "accuracy"):
        assert float(two[column]) == pytest.approx(float(one[column]), rel=2e-3), column


def test_the_curriculum_grows_to_all_classes():
    assert [len(curriculum(p)) for p in (0.0, 0.05, 0.1, 0.5)] == [4, 9, 13, 24]
    assert curriculum(0.1) == [c for c in CLASSES if c in curriculum(0.1)]


def test_hard_classes_are_drawn_more_often_from_then_on():
    recipe = Recipe(steps=100, hard_after=50)
    assert class_pool(49, recipe) == list(CLASSES)
    later = class_pool(50, recipe)
    assert all(later.count(name) == 1 + HARD.get(name, 0) for name in CLASSES)
    assert class_pool(99, Recipe(steps=100)) == list(CLASSES)


def test_the_learning_rate_warms_up_and_falls():
    rates = [learning_rate(step, Recipe(steps=1000)) for step in range(1000)]
    assert rates[0] < rates[39] == max(rates)
    assert rates[-1] < 0.03 * max(rates)


def test_gabors_answer_to_their_own_direction():
    filters = space_time_gabors(2, 4)
    assert filters.shape == (32, 2, 4, 4)
    torch.testing.assert_close(filters.mean((2, 3)), torch.zeros(32, 2), atol=1e-5, rtol=0)
    x = torch.arange(4.0)
    right = torch.stack([torch.cos(2 * torch.pi / 5 * (x - 0.9 * t)).expand(4, 4) for t in (0, 1)])
    energy = (filters[:16] * right).sum((1, 2, 3)).view(8, 2).square().sum(1)  # the shorter wavelength, by direction
    assert energy.argmax() == 0
    assert energy[0] > 2 * energy[2]  # the opposite direction


def test_the_start_fills_the_tubelet_filters_with_gabors():
    model = sifa.create_model("sifa_swin_nano_16x64")
    initialise(model)
    weight = model.patch_embed.proj.weight
    assert weight.shape[2:] == (4, 8, 8)
    torch.testing.assert_close(weight.mean((2, 3, 4)), torch.zeros(32, 3), atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def own_clips(tmp_path_factory):
    """Thirty real mp4 files of three classes in folders of their own names, as a user would have them."""
    made, folder = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("own")
    classes = {"object turns clockwise": "spin", "camera zooms in": "zoom", "object moves up": "lift"}
    pasted.make(made, classes=tuple(classes))
    for theirs, ours in classes.items():
        (made / theirs).rename(folder / ours)
    return folder


@pytest.mark.full
def test_fine_tuning_on_a_folder_gives_a_checkpoint_that_predicts_its_classes(own_clips, tmp_path, capsys):
    (own_clips / "spin" / "broken.mp4").write_bytes(b"no video at all" * 100)
    out = tmp_path / "mine"
    assert main(["train", "--data", str(own_clips), "--out", str(out), "--steps", "40", "--threads", "2"]) == 0
    said = capsys.readouterr().out
    assert "30 clips of 3 classes, 6 of them held out; 1 could not be read" in said
    assert "skipped" in said
    assert "broken.mp4" in said
    assert said.splitlines()[-1].startswith(f"wrote {out}/checkpoint.safetensors: held-out top-1 ")
    card = sifa.load(out / "checkpoint.safetensors").card
    assert card.labels == ("lift", "spin", "zoom")
    assert card.trained_on.startswith("30 clips of 3 classes, after ")
    assert card.metrics["top1"] >= 0.5  # of six; chance is a third
    prediction = sifa.predict(
        sifa.load(out / "checkpoint.safetensors"), sifa.read_clip(own_clips / "zoom/0_1.0.mp4", 16, 4)
    )
    assert prediction.top(1)[0][0] == "zoom"


def test_data_that_cannot_be_trained_on_ends_in_one_sentence(tmp_path, capsys):
    (tmp_path / "data" / "one").mkdir(parents=True)
    assert main(["train", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]) == 1
    assert "holds no video" in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--readers", "3"), ("--memory", "100")])
def test_options_of_own_clips_need_them(tmp_path, capsys, option):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--out", str(tmp_path / "out"), *option])
    assert ended.value.code == 2
    assert "--readers and --memory are for the clips of --data; give it, too" in capsys.readouterr().err
