"""Cards: what a file says of its weights is checked before a model is made of it."""

import json
import time

import pytest
import torch
from safetensors.torch import save_file

import sifa
from sifa.weights.card import ModelCard, card_of, load_card, parse_card
from sifa.weights.checkpoint import save
from tests.predictions import moving_clip

GOOD = dict(variant="sifa_swin_nano_16x64", config=dict(num_classes=2), labels=["left", "right"])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "odd.safetensors"


def write(file, metadata: str):
    save_file({"head.weight": torch.zeros(1)}, file, metadata={"sifa": metadata})
    return file


def with_config(**config):
    return GOOD | dict(config=dict(num_classes=2) | config)


NONSENSE = [
    ("{}", "lacks variant, config, labels"),
    ("[]", r"is \[\], not a JSON object"),
    ("null", "no card|not the card"),
    ("3", "is 3, not a JSON object"),
    ("", "no readable JSON"),
    ("{", "no readable JSON"),
    ("[" * 100_000, "no readable JSON"),
    (GOOD | dict(variant="resnet"), "no model is called 'resnet'; there are sifa_swin, "),
    (GOOD | dict(variant=None), "variant is None; it must be text"),
    (GOOD | dict(variant=["sifa_swin"]), "variant is .*; it must be text"),
    (GOOD | dict(config=[]), "config is .*; it must be an object"),
    (GOOD | dict(config=None), "config is None"),
    (GOOD | dict(labels="ab"), "labels is 'ab'; it must be a list"),
    (GOOD | dict(labels=["one"]), "labels has 1 entries; it must be 2 names"),
    (GOOD | dict(labels=[1, 2]), "it must be 2 names"),
    (GOOD | dict(trained_on=4), "trained_on is 4; it must be text"),
    (GOOD | dict(title=["a"]), "title is"),
    (GOOD | dict(labels=["a", "a"]), "labels has 2 names, and only 1 of them differ"),
    (GOOD | dict(labels=["a", "\x1b[31mb"]), "labels has '.x1b.31mb'; each must be one line"),
    (GOOD | dict(labels=["a", "b\udcff"]), "labels has 'b.udcff'; each must be one line"),
    (GOOD | dict(title="\x1b]0;mine\x07"), "title is .*; it must be one line without control characters"),
    (GOOD | dict(trained_on="a\nb"), "trained_on is .*; it must be one line"),
    (GOOD | dict(metrics=[1]), "metrics is"),
    (GOOD | dict(metrics=dict(top1=2)), "metrics top1 is 2; it must be a number from 0 to 1"),
    (GOOD | dict(metrics=dict(top1=float("nan"))), "metrics top1 is nan"),
    (GOOD | dict(metrics=dict(clips="many")), "metrics clips is 'many'; it must be a whole number"),
    (GOOD | dict(metrics=dict(per_class=[0.5])), "metrics per_class is .0.5.; it must be"),
    (GOOD | dict(metrics=dict(confusion=[[1]])), "metrics confusion is ..1..; it must be 2 rows of 2 counts"),
    (GOOD | dict(metrics=dict(flow_cosine=["x"])), "metrics flow_cosine is"),
    (GOOD | dict(metrics=dict(worn=dict(top5=-1))), "metrics top5 is -1"),
    (GOOD | dict(recipe=dict(steps=[])), "recipe steps is"),
    (GOOD | dict(num_frames="16"), "num_frames is '16'"),
    (GOOD | dict(num_frames=15), "num_frames is 15; it must be a multiple of 2"),
    (GOOD | dict(num_frames=10**12), "num_frames is 1000000000000"),
    (GOOD | dict(sampling_rate=0), "sampling_rate is 0"),
    (GOOD | dict(sampling_rate=1e99), "sampling_rate is 1e.99"),
    (GOOD | dict(mean=[0.5, 0.5, 0.5]), "std is None"),
    (GOOD | dict(mean=[0.5], std=[1, 1, 1]), "mean is .0.5.; it must be three numbers"),
    (GOOD | dict(mean=[0, 0, 0], std=[1, 1, 0]), "std is .1, 1, 0."),
    (GOOD | dict(mean=[0, 0, "0"], std=[1, 1, 1]), "mean is"),
    (GOOD | dict(mean=[0, 0, 0], std=[1, 1, 1e-300]), "std is .1, 1, 1e-300.; .* those of std from 1e-06 on"),
    (GOOD | dict(mean=[0, 0, 1e300], std=[1, 1, 1]), "mean is .0, 0, 1e.300."),
    (with_config(saliency="relaesed"), "saliency is 'relaesed'; use \"paper\""),
    (with_config(size=64), "no argument called size"),
    (with_config(name="sifa_resnet"), "no argument called name"),
    (with_config(img_size=10**9), "img_size is 1000000000"),
    (with_config(depths=[10**9, 1, 1]), r"depths\[0\] is 1000000000"),
    (with_config(embed_dim=4096, depths=[256, 256, 256]), "million numbers"),
    (with_config(img_size=4096, num_frames=4096), "million pixels"),
]


@pytest.mark.parametrize("read", [load_card, sifa.load])
@pytest.mark.parametrize(("card", "words"), NONSENSE, ids=[str(card)[:50] for card, _ in NONSENSE])
def test_a_card_of_nonsense_is_refused_in_words_and_at_once(card, words, read, file):
    write(file, card if isinstance(card, str) else json.dumps(card))
    begun = time.perf_counter()
    with pytest.raises(sifa.WeightsError, match=words) as error:
        read(file)
    assert "odd.safetensors" in str(error.value)
    assert len(str(error.value)) < 600
    assert time.perf_counter() - begun < 2


def test_a_card_much_larger_than_its_file_is_refused_before_the_model_is_made(file):
    large = with_config(embed_dim=512, depths=[2, 2, 8], num_heads=[8, 8, 8], window_size=8)
    write(file, json.dumps(large))
    begun = time.perf_counter()
    with pytest.raises(sifa.WeightsError, match="holds 0.0 million numbers, but its card describes a model of about"):
        sifa.load(file)
    assert time.perf_counter() - begun < 1


def test_a_sensible_card_is_read_with_lists_as_tuples_and_unknown_keys_left_out(file):
    card = parse_card(GOOD | dict(mean=[0, 0, 0], std=[1, 1, 1], later="than this version", sha256="of another"), file)
    assert (card.labels, card.mean, card.file, card.sha256) == (("left", "right"), (0, 0, 0), "odd.safetensors", "")
    assert card.title == "odd"


def test_the_card_of_a_new_model_says_untrained():
    model = sifa.create_model("sifa_resnet", layers=(1, 2, 1, 1), width_per_group=16, num_classes=3, img_size=32)
    assert model.card is None
    card = card_of(model)
    assert (card.variant, card.labels, card.trained_on, card.file) == (
        "sifa_resnet", ("class 0", "class 1", "class 2"), "", "",
    )  # fmt: skip
    assert (card.size, card.num_frames, card.config) == (32, 16, model.config.as_dict())


def test_the_card_of_a_loaded_model_is_its_own():
    model = sifa.load()
    assert card_of(model) is model.card


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("sifa_swin_nano_16x64", {}), ("sifa_resnet", dict(layers=(1, 2, 1, 1), width_per_group=16, img_size=32))],
)
def test_a_new_model_predicts_and_says_untrained(name, arguments):
    model = sifa.create_model(name, **arguments)
    first, second = sifa.predict(model, moving_clip()), sifa.predict(model, moving_clip())
    assert (first.logits == second.logits).all()  # no dropout, no running statistics
    assert first.labels[:2] == ("class 0", "class 1")
    assert first.card.trained_on == ""
    assert model.card is None


def test_the_reach_of_the_stem_is_that_of_its_overlap():
    card = lambda **config: ModelCard("made up", dict(img_size=64) | config, ())
    assert card().reach == card(tubelet=4, overlap=False).reach == (0, 0)
    assert card(tubelet=2, overlap=True).reach == (1, 1)
    assert card(tubelet=3, overlap=True).reach == (1, 2)


def test_a_saved_card_comes_back_equal(tmp_path):
    model = sifa.create_model("sifa_swin_nano_16x64")
    card = card_of(model)
    save(model, card, tmp_path / "new.safetensors")
    again = sifa.load(tmp_path / "new.safetensors").card
    assert (again.config, again.labels, again.trained_on) == (card.config, card.labels, "")
