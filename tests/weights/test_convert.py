import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import sifa
from sifa.cli import main
from sifa.errors import WeightsError
from sifa.weights.card import card_of
from sifa.weights.checkpoint import adopt, load_weights, save
from sifa.weights.convert import convert
from tests.golden.weights_gen import gen
from tests.weights.image_models import ImageResNet, ImageSwin, as_timm

GOLDEN = Path(__file__).parents[1] / "golden" / "swin_e32_d22_i56.npz"
SHAPE = dict(img_size=56, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=7, num_frames=8, num_classes=6)


def image_swin(classes=6, patch_norm=False) -> ImageSwin:
    torch.manual_seed(0)
    return ImageSwin(56, 8, (2, 2), (2, 4), 7, classes, patch_norm).eval()


def released_swin_state() -> dict[str, torch.Tensor]:
    z = np.load(GOLDEN)
    return {k[3:]: torch.from_numpy(z[k]) for k in z.files if k.startswith("sd/")}


def released_swin(**config) -> nn.Module:
    c = json.loads(str(np.load(GOLDEN)["meta"]))["config"]
    shape = dict(
        img_size=c["img_size"], tubelet=c["early_stride"], patch_size=c["patch_size"], embed_dim=c["embed_dim"],
        depths=tuple(c["depths"]), num_heads=tuple(c["num_heads"]), window_size=c["window_size"], kernel_size=c["K"],
        num_frames=16, num_classes=c["num_classes"], reading="released",
    )  # fmt: skip
    return sifa.create_model("sifa_swin", **shape | config).eval()


def released_resnet(scale: float) -> tuple[nn.Module, torch.Tensor]:
    """The golden ResNet with its generated weights, and the golden input."""
    z = np.load(GOLDEN.with_name("resnet_small_1222_w16.npz"))
    meta = json.loads(str(z["meta"]))
    model = sifa.create_model(
        "sifa_resnet", reading="released", layers=tuple(meta["layers"]), width_per_group=meta["width_per_group"],
        kernel_sizes=tuple(meta["sifa_kernel"]), num_frames=meta["clip_length"], num_classes=meta["num_classes"],
    ).eval()  # fmt: skip
    load_weights(model, {k: torch.from_numpy(np.array(gen(k, s, scale))) for k, s in meta["keys"].items()})
    return model, torch.from_numpy(z["input"].astype(np.float32))


def released_swin_loaded() -> tuple[nn.Module, torch.Tensor]:
    """The golden Swin with its weights, and the golden input."""
    model = released_swin()
    load_weights(model, released_swin_state())
    return model, torch.from_numpy(np.load(GOLDEN)["input"].astype(np.float32))


@pytest.mark.parametrize("naming", ["official", "timm"])
@pytest.mark.parametrize("patch_norm", [False, True])
def test_an_inflated_swin_is_the_image_model_on_every_fourth_frame(naming, patch_norm):
    image = image_swin(patch_norm=patch_norm)
    model = sifa.create_model("sifa_swin", reading="released", patch_norm=patch_norm, **SHAPE).eval()
    state = image.state_dict()
    done = load_weights(model, as_timm(state) if naming == "timm" else state)
    assert done.kind == "image"
    assert set(done.fresh.values()) == {"zero"}
    video = torch.randn(2, 3, 8, 56, 56)
    frames = video[:, :, 2::4]  # the filter sits on the third of four frames
    wanted = torch.stack([image(frames[:, :, i]) for i in range(2)]).mean(0)
    with torch.no_grad(), sifa.capture(model) as blocks:
        torch.testing.assert_close(model(video), wanted, atol=1e-5, rtol=0)
    assert len(blocks) == 3  # the attention runs; its branch adds zero


def test_what_an_image_swin_brings_and_does_not_is_named():
    model = sifa.create_model("sifa_swin", reading="released", **SHAPE)
    done = load_weights(model, image_swin(classes=10, patch_norm=True).state_dict())
    assert "patch_norm=True" in done.left_out["patch_embed.norm.weight"]
    assert done.left_out["head.weight"] == "classifies 10 image classes"
    assert done.left_out["layers.0.blocks.1.attn_mask"] == "follows from the window"
    assert done.fresh["head.bias"] == "as created"
    assert done.fresh["layers.0.blocks.1.temporal.weight"] == "zero"
    assert not model.layers[0].blocks[1].temporal.weight.any()


def test_an_inflated_resnet_holds_the_image_filters():
    image = ImageResNet((1, 2, 2, 2), 6, width_per_group=16)
    state = {k: v for k, v in image.state_dict().items() if not k.endswith("num_batches_tracked")}
    model = sifa.create_model("sifa_resnet", layers=(1, 2, 2, 2), width_per_group=16, num_classes=5).eval()
    done = load_weights(model, state)
    assert done.left_out == dict.fromkeys(("fc.weight", "fc.bias"), "classifies 6 image classes")
    assert {key.rpartition(".")[0] for key, why in done.fresh.items() if why == "as created"} == {
        "fc", "fc_dual", *(f"layer{i}.0.fc{j}" for i in ("2", "3", "4", "4_dual") for j in (1, 2)),
    }  # fmt: skip
    video = torch.randn(1, 3, 8, 32, 32)
    torch.testing.assert_close(model.conv1(video)[:, :, 1], image.conv1(video[:, :, 6]))
    x = torch.randn(1, 256, 8, 8)
    with torch.no_grad():
        plain = image.eval().layer1(torch.randn(1, 64, 8, 8))
        block, context = image.layer2[0], model.layer2[0]
        nn.init.zeros_(context.fc2.weight), nn.init.zeros_(context.fc2.bias)
        torch.testing.assert_close(context(x, 1), block(x))
    assert plain.shape == (1, 256, 8, 8)
    for a, b in zip(model.layer4.parameters(), model.layer4_dual.parameters()):
        if a.dim() == 4:
            assert torch.equal(a, b)


def test_the_released_training_codes_file_loads(tmp_path):
    """As it is saved: options in a Namespace, optimiser state, and the prefix of parallel training."""
    state = {f"module.{k}": v for k, v in released_swin_state().items()}
    options = Namespace(net_name="c2d_sifa_swin", C={"lr": 0.04})
    torch.save(
        dict(opt=options, model=state, optimizer={"state": {}}, scheduler={"last_epoch": 3}, epoch=3),
        tmp_path / "a.pth",
    )
    done = load_weights(model := released_swin(), tmp_path / "a.pth")
    assert done.kind == "released"
    assert torch.equal(model.head.weight, state["module.fc.weight"])
    assert {"the constant 1/C", "the released forward pass never uses it"} <= set(done.left_out.values())


def test_what_a_released_file_holds_is_compared():
    state = released_swin_state()
    name = "layers.0.blocks.0.def_cor.weight"
    with pytest.raises(sifa.WeightsError, match=r"layers.0.blocks.0.def_cor.weight is not the constant 1/C"):
        load_weights(released_swin(), state | {name: state[name] * 2})
    index = "layers.0.blocks.0.attn.relative_position_index"
    with pytest.raises(sifa.WeightsError, match="not what follows from the model's window of 7"):
        load_weights(released_swin(), state | {index: torch.zeros(49, 49, dtype=torch.long)})
    with pytest.raises(sifa.WeightsError, match="the model's kernel is 5 x 5"):
        load_weights(released_swin(kernel_size=5), state)
    with pytest.raises(sifa.WeightsError, match='create the model with reading="released"'):
        load_weights(released_swin(reading="paper"), state)
    with pytest.raises(sifa.WeightsError, match="not in this model: layers.0.blocks.0.extra"):
        load_weights(released_swin(), state | {"layers.0.blocks.0.extra": torch.zeros(1)})
    with pytest.raises(sifa.WeightsError, match="missing: layers.0.blocks.0.temporal.norm.weight"):
        load_weights(released_swin(), {k: v for k, v in state.items() if k != "layers.0.blocks.0.tda_norm.weight"})


def test_the_clip_length_of_the_constant_does_not_matter():
    """The frozen weights have one entry per time step, all the same."""
    state = released_swin_state()
    longer = {k: v[:, :1].expand(-1, 9, -1, -1) if k.endswith("def_cor.weight") else v for k, v in state.items()}
    assert convert(longer, released_swin()).kind == "released"


@pytest.mark.parametrize("scale", [0.0, 0.2])
def test_equals_the_released_resnet(scale):
    """Both heads against the golden outputs: weights are made from their names, as for the released model."""
    z = np.load(GOLDEN.with_name("resnet_small_1222_w16.npz"))
    meta = json.loads(str(z["meta"]))
    model, video = released_resnet(scale)
    key = "logits_offset" if scale else "logits_zero_offset"
    with torch.no_grad():
        main, dual = model.heads(video)
        both = model(video)
    for seen, name in ((main, key), (dual, f"{key}_dual")):
        np.testing.assert_allclose(seen, z[name], rtol=0, atol=50 * meta["err_vs_f64"][name] + 1e-5)
    torch.testing.assert_close(both.softmax(1), (main.softmax(1) + dual.softmax(1)) / 2)


def test_adopted_weights_say_what_they_are(tmp_path):
    save_file(image_swin(classes=10).state_dict(), tmp_path / "image.safetensors")
    model, done = adopt(tmp_path / "image.safetensors", "sifa_swin", **SHAPE)
    card = model.card
    assert done.kind == "image"
    assert card.trained_on == (
        "images alone (image.safetensors, inflated): it has never seen motion, and its classifier is random"
    )
    assert card.labels[:2] == ("class 0", "class 1")
    assert card.mean == (0.485, 0.456, 0.406)
    torch.save({"model": released_swin_state()}, tmp_path / "released.pth")
    config = {k: v for k, v in released_swin().config.as_dict().items() if k != "num_classes"}
    model, done = adopt(tmp_path / "released.pth", "sifa_swin", **config)
    assert model.config.num_classes == len(released_swin_state()["fc.weight"])
    assert "does not say" in model.card.trained_on
    with pytest.raises(sifa.WeightsError, match="no model is called 'resnet'"):
        adopt(tmp_path / "released.pth", "resnet")


@pytest.mark.parametrize("golden", [released_swin_loaded, lambda: released_resnet(0.0), lambda: released_resnet(0.2)])
def test_bfloat16_gives_the_same_logits(golden):
    model, video = golden()
    with torch.no_grad():
        full = model(video)
        with torch.autocast("cpu", torch.bfloat16):
            reduced = model(video).float()
    assert not torch.equal(full, reduced)
    assert torch.cosine_similarity(full, reduced).min() >= 0.999


WRAPPERS = [
    "module.",
    "backbone.",
    "model.",
    "_orig_mod.",
    "encoder.",
    "module.model.",
    "_orig_mod.module.",
    "model.backbone.encoder.",
    "ema.",
    "my-model.v2.",
]


@pytest.mark.parametrize("prefix", WRAPPERS)
def test_what_wrappers_put_before_every_key_is_taken_off_and_said(prefix, tmp_path, capsys):
    model = sifa.create_model("sifa_swin_nano_16x64", "released")
    torch.save({"state_dict": {prefix + key: value for key, value in model.state_dict().items()}}, tmp_path / "a.ckpt")
    out = tmp_path / "a.safetensors"
    words = ["convert", str(tmp_path / "a.ckpt"), "--variant", "sifa_swin_nano_16x64", "--out", str(out)]
    assert main(words) == 0
    assert f"taken off every key: {prefix}\n" in capsys.readouterr().out
    assert torch.equal(sifa.load(out).head.weight, model.head.weight)


def test_a_checkpoint_of_a_wrapped_model_is_mended_by_convert(tmp_path, capsys):
    """Its card stays, with its labels."""
    card = replace(card_of(sifa.create_model("sifa_swin_nano_16x64", num_classes=2)), labels=("one", "two"))
    model = sifa.create_model("sifa_swin_nano_16x64", num_classes=2)
    save(nn.ModuleDict({"module": model}), card, tmp_path / "a.safetensors")
    with pytest.raises(
        WeightsError, match=r"all \d+ keys in a.safetensors begin with 'module\.'.*take it off with sifa convert"
    ):
        sifa.load(tmp_path / "a.safetensors")
    convert = lambda source, out, variant: main(
        ["convert", str(tmp_path / source), "--variant", variant, "--out", str(tmp_path / out)]
    )
    assert convert("a.safetensors", "b.safetensors", "sifa_swin_nano_16x64") == 0
    assert sifa.load(tmp_path / "b.safetensors").card.labels == ("one", "two")
    assert convert("a.safetensors", "c.safetensors", "sifa_swin") == 1
    assert "the card in a.safetensors says sifa_swin_nano_16x64, not sifa_swin" in capsys.readouterr().err
    assert convert("b.safetensors", "c.safetensors", "sifa_swin_nano_16x64") == 1
    assert "b.safetensors is one of ours already: it has a card" in capsys.readouterr().err


def test_a_prefix_of_most_keys_is_named_in_place_of_the_keys(tmp_path):
    """As mmaction writes them, with a head of its own."""
    model = sifa.create_model("sifa_swin_nano_16x64", "released")
    state = {f"backbone.{key}": value for key, value in model.state_dict().items()} | {
        "cls_head.fc.weight": torch.zeros(2, 2)
    }
    with pytest.raises(
        WeightsError, match=r"begin with 'backbone\.', but not cls_head.fc.weight: save those of the model alone"
    ):
        load_weights(model, state)


@pytest.mark.parametrize(("made", "reading", "words"), [
    (None, "released", "does not fit the reading released, but the reading own: give --reading own, or in Python reading=None"),
    ("paper", "released", "but the reading paper: give --reading paper, or in Python reading='paper'"),
    ("released", None, "does not fit the reading own, but the reading released: give --reading released"),
])  # fmt: skip
def test_weights_that_fit_another_reading_say_which(made, reading, words, tmp_path):
    torch.save(sifa.create_model("sifa_swin_nano_16x64", made).state_dict(), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=words):
        adopt(tmp_path / "a.pth", "sifa_swin_nano_16x64", reading)
    adopt(tmp_path / "a.pth", "sifa_swin_nano_16x64", made)


def test_converting_own_weights_says_that_keys_do_not_tell_the_reading(tmp_path, capsys):
    model = sifa.create_model("sifa_swin_nano_16x64")
    torch.save(model.state_dict(), tmp_path / "a.pth")
    out = tmp_path / "a.safetensors"
    words = [
        "convert",
        str(tmp_path / "a.pth"),
        "--variant",
        "sifa_swin_nano_16x64",
        "--out",
        str(out),
        "--reading",
        "own",
    ]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "read as: ours, reading own" in said
    assert "note: keys do not say all that weights were trained with" in said
    assert sifa.load(out).config == model.config
