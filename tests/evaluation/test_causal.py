import json

import pytest
import torch

import sifa
from sifa.cli import main
from sifa.errors import DataError
from sifa.evaluation.causal import TITLES, causal_figures
from sifa.evaluation.generated import evaluate_generated
from sifa.tracing.stand_in import remove_third
from sifa.weights.shipped import ASSETS, MOTION_STEM


@pytest.mark.slow
def test_of_the_default_the_attention_decides_the_answers():
    """Both of them: without it they are right by chance alone, and without the strongest three neighbours, too."""
    found = causal_figures(sifa.load(), clips=72)
    base = found["base"]["both"]
    assert base > 0.6
    assert max(found[name]["both"] for name in ("silent", "uniform", "without_strongest", "frozen")) < 0.2
    assert found["without_random"]["both"] > 0.85 * base
    assert found["rigid"]["both"] < base - 0.1


@pytest.mark.slow
def test_weights_whose_stem_sees_motion_hardly_need_their_blocks():
    """The finding that their card states."""
    model = sifa.load(MOTION_STEM)
    found = causal_figures(model, clips=96)
    assert found["base"] == evaluate_generated(model, clips=96)["top1"]
    assert found["silent"] > 0.6
    assert all(abs(found[name] - found["base"]) < 0.03 for name in ("uniform", "without_strongest", "without_random"))
    assert found["frozen"] < 0.1


@pytest.mark.full
def test_without_its_attention_the_variant_of_that_name_is_at_chance():
    found = causal_figures(sifa.load(ASSETS / "variants" / "attention.safetensors"), clips=32)
    assert found["base"] > 0.9
    assert found["without_random"] > 0.9
    assert max(found[name] for name in ("silent", "uniform", "frozen")) < 0.15
    assert found["rigid"] < found["base"] - 0.15
    assert found["without_strongest"] < found["base"] - 0.2


def test_a_model_without_blocks_is_refused():
    with pytest.raises(DataError, match="no SIFA block"):
        causal_figures(sifa.create_model("sifa_swin_nano_16x64", unshifted="none", shifted="none"), clips=24)


def test_a_third_of_the_neighbours_whatever_their_number():
    for neighbours, removed in ((25, 8), (9, 3), (1, 1)):
        kept = remove_third(torch.abs)(torch.rand(1, 2, neighbours, 3, 3) + 0.1)
        assert ((kept == 0).sum(2) == removed).all()


def test_the_command_prints_every_change(capsys):
    assert main(["evaluate", "--causal", "--clips", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == TITLES.keys()
    assert main(["evaluate", "--causal", "--clips", "4"]) == 0
    text = capsys.readouterr().out
    assert all(title in text for title in TITLES.values())
