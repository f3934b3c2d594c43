import csv
import json

import pytest
import torch

import sifa
from sifa import train as training
from sifa.evaluate import evaluate, main
from sifa.initialise import initialise, space_time_gabors
from sifa.motion import CLASSES, MotionClips
from sifa.train import Recipe, learning_rate, losses, shown_classes, train

SHORT = Recipe(steps=4, batch=3)


@pytest.fixture(autouse=True)
def few_clips(monkeypatch):
    """The real evaluation, on fewer clips, and one thread for equal sums."""
    torch.set_num_threads(1)
    monkeypatch.setattr(training, "evaluate", lambda model, clips, device: evaluate(model, clips=24, device=device))


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path, monkeypatch):
    whole = train(SHORT, tmp_path / "whole", save_every=2)
    real, calls = training.losses, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(training, "losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(SHORT, tmp_path / "parts", save_every=2)
    parts = train(SHORT, tmp_path / "parts", save_every=2)
    one, other = sifa.load(whole).state_dict(), sifa.load(parts).state_dict()
    assert all(torch.equal(one[k], other[k]) for k in one)
    assert sifa.load(whole).checkpoint.recipe["steps"] == 4


def test_a_folder_of_another_recipe_is_refused(tmp_path):
    train(SHORT, tmp_path / "run")
    with pytest.raises(SystemExit, match="another recipe"):
        train(Recipe(steps=5, batch=3), tmp_path / "run")


def test_the_log_is_a_table(tmp_path):
    train(Recipe(steps=50, batch=1), tmp_path / "run", evaluate_every=1000)
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert [row["clips"] for row in rows] == ["50"]
    assert float(rows[0]["cross_entropy"]) > 0


def test_flow_supervision_reaches_the_offsets():
    torch.manual_seed(0)
    model = sifa.create("sifa_swin_nano_16x64")
    initialise(model)
    batch = MotionClips("train", 64, 16, textures=10).batch(0, torch.tensor([15, 16, 17, 18]))
    _, flow, _ = losses(model, batch, list(CLASSES), Recipe())
    flow.backward()
    assert model.layers[0].blocks[0].temporal.sifa.conv_offset.weight.grad.abs().sum() > 0
    _, none, _ = losses(model, batch, list(CLASSES), Recipe(flow_weight=0.0))
    assert none == 0


def test_the_curriculum_grows_to_all_classes():
    sizes = [len(shown_classes(p)) for p in (0.0, 0.1, 0.25, 0.5)]
    assert sizes == [4, 9, 13, 24]


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


def test_evaluation_of_the_shipped_checkpoint_reproduces_its_card_in_part(capsys, monkeypatch):
    """A tenth of the card's clips: within sampling error of its figures."""
    monkeypatch.setattr("sys.argv", ["evaluate", "--clips", "240", "--json"])
    main()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    card = sifa.load().checkpoint.metrics
    assert set(told) >= {"top1", "top5", "per_class", "flow_cosine", "flow_epe_ratio", "static_displacement"}
    assert abs(told["top1"] - card["top1"]) < 0.07
    assert told["top1"] >= 0.83
    assert abs(told["flow_cosine"][0] - card["flow_cosine"][0]) < 0.05


@pytest.mark.slow
def test_evaluation_of_the_shipped_checkpoint_reproduces_its_card():
    model = sifa.load()
    told, card = evaluate(model), model.checkpoint.metrics
    assert told["top1"] == pytest.approx(card["top1"], abs=0.002)
    assert told["top1"] >= 0.85
    assert told["flow_cosine"] == pytest.approx(card["flow_cosine"], abs=0.002)
