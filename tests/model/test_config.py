"""A model's arguments: every unknown word and every size that cannot be is refused, before any memory is taken."""

import json
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

import sifa
from sifa.model.attention import SIFA, motion_saliency

SMALL_SWIN = dict(
    img_size=32, num_frames=6, num_classes=5, tubelet=2, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=4
)
SMALL_NET = dict(layers=(1, 2, 2, 2), width_per_group=16, num_classes=5)

MISSPELT = [
    ("sifa_swin", dict(saliency="relaesed"), r'saliency is \'relaesed\'; use "paper", "released" or "none"'),
    ("sifa_swin", dict(offsets="lerned"), r'offsets is \'lerned\'; use "learned" or "zero"'),
    ("sifa_swin", dict(placement="barnch"), r'placement is \'barnch\'; use "inside" or "branch"'),
    ("sifa_swin", dict(weights="sofmax"), r'weights is \'sofmax\'; use "dot", "softmax" or "cosine"'),
    ("sifa_swin", dict(unshifted="sfia"), r'unshifted is \'sfia\'; use "sifa", "conv" or "none"'),
    ("sifa_swin", dict(shifted="Conv"), r'shifted is \'Conv\'; use "sifa", "conv" or "none"'),
    ("sifa_swin", dict(reading="relaesed"), r'reading is \'relaesed\'; use "paper" or "released"'),
    ("sifa_swin", dict(saliency=None), r"saliency is None"),
    ("sifa_swin", dict(imgsize=64), r"no argument called imgsize; there are img_size, num_frames, "),
    ("sifa_swin_nano_16x64", dict(salience="paper", depth=2), r"no arguments called salience, depth"),
    ("sifa_resnet", dict(saliency="relaesed"), r'use "paper", "released" or "none"'),
    ("sifa_resnet", dict(offsets="lerned"), r'use "learned" or "zero"'),
    ("sifa_resnet", dict(weights=3), r'weights is 3; use "dot", "softmax" or "cosine"'),
    ("sifa_resnet", dict(placement="inside"), r"no argument called placement; there are layers, width_per_group, "),
    ("sifa_resnet", dict(reading="mine"), r'use "paper" or "released"'),
]


@pytest.mark.parametrize(("name", "arguments", "words"), MISSPELT, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_an_unknown_word_is_refused_with_the_known_ones(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        sifa.create_model(name, **arguments)


def test_the_operator_by_itself_refuses_unknown_words():
    with pytest.raises(ValueError, match=r'saliency is \'typo\'; use "paper", "released" or "none"'):
        motion_saliency(torch.zeros(1, 2, 3, 4, 4), "typo")
    for arguments in (dict(saliency="relaesed"), dict(offsets="lerned"), dict(weights="sofmax")):
        with pytest.raises(ValueError, match="; use "):
            SIFA(4, **arguments)
    for arguments in (dict(kernel_size=0), dict(kernel_size=-3), dict(dilation=0), dict(kernel_size=2.5)):
        with pytest.raises(ValueError, match="a whole number from 1"):
            SIFA(4, **arguments)


IMPOSSIBLE_SWIN = [
    (dict(img_size=0), "img_size is 0; .* a whole number from 1 to"),
    (dict(img_size=-64), "img_size is -64"),
    (dict(img_size=100_000), "img_size is 100000"),
    (dict(img_size="64"), "img_size is '64'; .* a whole number"),
    (dict(img_size=64.0), "img_size is 64.0; .* a whole number"),
    (dict(img_size=True), "img_size is True; .* a whole number"),
    (dict(img_size=None), "img_size is None"),
    (dict(img_size=36), "img_size is 36; .* a multiple of 8 = patch_size x 2 for each merging"),
    (dict(img_size=40, window_size=4), "window_size is 4, .* 10 x 10 cells"),
    (dict(num_frames=7), "num_frames is 7; .* a multiple of 2"),
    (dict(num_frames=0), "num_frames is 0"),
    (dict(num_frames=10**9), "num_frames is 1000000000"),
    (dict(num_classes=0), "num_classes is 0"),
    (dict(num_classes=10**9), "num_classes is 1000000000"),
    (dict(tubelet=0), "tubelet is 0"),
    (dict(patch_size=0), "patch_size is 0"),
    (dict(patch_size=1, img_size=32, overlap=True), "patch_size is 1; .* even"),
    (dict(embed_dim=0), "embed_dim is 0"),
    (dict(embed_dim=10, num_heads=(4, 4)), "num_heads is .4, 4.; .* 10 channels"),
    (dict(embed_dim=10**6), "embed_dim is 1000000"),
    (dict(depths=()), "depths is ()"),
    (dict(depths=(2,)), r"depths has 1 .* num_heads has 2"),
    (dict(depths=(2, 0)), r"depths\[1\] is 0"),
    (dict(depths=(2, "2")), r"depths\[1\] is '2'"),
    (dict(depths=2), "depths is 2; .* a whole number for each stage"),
    (dict(depths="22"), "depths is '22'"),
    (dict(depths=(2,) * 100, num_heads=(2,) * 100), "depths has 100 "),
    (dict(depths=(10**9, 2)), r"depths\[0\] is 1000000000"),
    (dict(num_heads=(2, 3)), "num_heads is .2, 3.; .* 16 channels"),
    (dict(num_heads=(2, 0)), r"num_heads\[1\] is 0"),
    (dict(window_size=0), "window_size is 0"),
    (dict(window_size=3), "window_size is 3, .* 8 x 8 cells"),
    (dict(mlp_ratio=0.0), "mlp_ratio is 0.0"),
    (dict(mlp_ratio=-4.0), "mlp_ratio is -4.0"),
    (dict(mlp_ratio=float("nan")), "mlp_ratio is nan"),
    (dict(mlp_ratio=float("inf")), "mlp_ratio is inf"),
    (dict(mlp_ratio="4"), "mlp_ratio is '4'"),
    (dict(mlp_ratio=0.01), "mlp_ratio is 0.01"),
    (dict(kernel_size=2), "kernel_size is 2; .* odd"),
    (dict(kernel_size=0), "kernel_size is 0"),
    (dict(kernel_size=2.5), "kernel_size is 2.5"),
    (dict(kernel_size=(3, 3)), r"kernel_size is \(3, 3\)"),
    (dict(dilation=0), "dilation is 0"),
    (dict(rectified="yes"), "rectified is 'yes'; use True or False"),
    (dict(overlap=1), "overlap is 1; use True or False"),
    (dict(drop_path=1.0), "drop_path is 1.0"),
    (dict(drop_path=-0.1), "drop_path is -0.1"),
    (dict(drop_path=True), "drop_path is True"),
    (dict(img_size=4096, window_size=64, patch_size=1), "numbers"),  # each size is possible, all together are not
    (dict(embed_dim=4096, depths=(64, 64)), "numbers"),
]
IMPOSSIBLE_NET = [
    (dict(layers=(1, 2, 2)), "layers has 3 .* 4"),
    (dict(layers=(1, 2, 0, 2)), r"layers\[2\] is 0"),
    (dict(layers=(1, 2, 2, 10**6)), r"layers\[3\] is 1000000"),
    (dict(kernel_sizes=(1, 3, 3)), "kernel_sizes has 3 .* 4"),
    (dict(kernel_sizes=(1, 3, 2, 3)), r"kernel_sizes\[2\] is 2; .* odd"),
    (dict(kernel_sizes=3), "kernel_sizes is 3"),
    (dict(width_per_group=0), "width_per_group is 0"),
    (dict(width_per_group=10**6), "width_per_group is 1000000"),
    (dict(layers=(200, 200, 200, 200), width_per_group=1024), "numbers"),
    (dict(num_frames=4), "num_frames is 4; .* a multiple of 4, at least 8"),
    (dict(num_frames=18), "num_frames is 18; .* a multiple of 4"),
    (dict(img_size=0), "img_size is 0"),
    (dict(img_size=100_000), "img_size is 100000"),
    (dict(dropout=1.5), "dropout is 1.5"),
    (dict(dropout=-0.5), "dropout is -0.5"),
    (dict(dropout="0.5"), "dropout is '0.5'"),
    (dict(dilation=-1), "dilation is -1"),
    (dict(num_classes="5"), "num_classes is '5'"),
]
IMPOSSIBLE = [("sifa_swin", SMALL_SWIN, *case) for case in IMPOSSIBLE_SWIN]
IMPOSSIBLE += [("sifa_resnet", SMALL_NET, *case) for case in IMPOSSIBLE_NET]


@pytest.mark.parametrize(
    ("name", "small", "arguments", "words"),
    IMPOSSIBLE,
    ids=[f"{n}-{list(a.items())}"[:80] for n, _, a, _ in IMPOSSIBLE],
)
def test_sizes_that_cannot_be_are_refused_before_memory_is_taken(name, small, arguments, words, monkeypatch):
    def built(*_):
        raise AssertionError("a module was made before the arguments were checked")

    monkeypatch.setattr(torch.nn.Module, "__init__", built)
    tracemalloc.start()
    with pytest.raises(ValueError, match=words):
        sifa.create_model(name, **small | arguments)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


def test_a_long_value_does_not_make_a_long_message():
    with pytest.raises(ValueError, match="saliency is 'aaa") as error:
        sifa.create_model("sifa_swin", saliency="a" * 10**6)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("name", sifa.list_models())
def test_every_named_variant_has_possible_arguments_that_json_keeps(name):
    with torch.device("meta"):
        model = sifa.create_model(name)
        again = sifa.create_model(name, **json.loads(json.dumps(model.config.as_dict())))
    assert again.config == model.config
    assert model.variant == name


def test_the_arguments_of_a_model_are_typed_and_cannot_change():
    config = sifa.create_model("sifa_swin", **SMALL_SWIN).config
    assert (config.img_size, config.depths, config.saliency, config.overlap) == (32, (2, 2), "paper", False)
    with pytest.raises(FrozenInstanceError):
        config.img_size = 64


def test_what_is_written_has_the_keys_and_values_of_before():
    assert sifa.create_model("sifa_swin_nano_16x64").config.as_dict() == dict(
        img_size=64, num_frames=16, num_classes=24, tubelet=2, patch_size=4, embed_dim=32, depths=(2, 2, 2),
        num_heads=(2, 4, 8), window_size=4, mlp_ratio=2.0, kernel_size=3, dilation=1, offsets="learned",
        saliency="paper", weights="dot", placement="branch", unshifted="sifa", shifted="conv", rectified=True,
        overlap=True, patch_norm=False, stem="tubelet", position="none", projected=False, norm_start=0.0,
        kernel_sizes=(), dilations=(), drop_path=0.0,
    )  # fmt: skip
    assert list(sifa.create_model("sifa_resnet", **SMALL_NET).config.as_dict()) == [
        "layers", "width_per_group", "kernel_sizes", "num_frames", "num_classes", "img_size", "dilation", "offsets",
        "saliency", "weights", "dropout",
    ]  # fmt: skip


def test_whole_numbers_of_other_kinds_become_plain_ones():
    config = sifa.create_model(
        "sifa_swin", **SMALL_SWIN | dict(num_classes=np.int64(7), depths=[2, 2], mlp_ratio=2)
    ).config
    assert json.loads(json.dumps(config.as_dict()))["num_classes"] == 7
    assert config.depths == (2, 2)


def test_a_block_knows_its_place():
    places = lambda model: [(m.placement, m.stage, m.block) for m in model.modules() if isinstance(m, SIFA)]
    assert places(sifa.create_model("sifa_swin", **SMALL_SWIN)) == [
        ("inside", 0, 0),
        ("inside", 1, 0),
        ("inside", 1, 1),
    ]
    assert {p for p, *_ in places(sifa.create_model("sifa_swin", "released", **SMALL_SWIN))} == {"branch"}
    assert places(sifa.create_model("sifa_resnet", **SMALL_NET)) == [
        ("inside", 2, 1), ("inside", 3, 1), ("inside", 4, 1), ("inside", 4, 1),
    ]  # fmt: skip
    assert (SIFA(4).placement, SIFA(4).stage, SIFA(4).block) == ("unknown", 0, 0)
