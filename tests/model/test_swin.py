import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import sifa
from sifa.model.attention import SIFA
from sifa.model.initialise import initialise
from sifa.model.swin import TemporalConv, shifted_window_mask
from sifa.weights.checkpoint import load_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "swin_e32_d22_i56.npz"
SMALL = dict(
    img_size=32, num_frames=6, num_classes=5, tubelet=2, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=4
)


def released_swin(**config):
    return sifa.create_model("sifa_swin", reading="released", **config).eval()


def test_equals_the_released_model():
    z = np.load(GOLDEN)
    meta = json.loads(str(z["meta"]))
    c = meta["config"]
    model = released_swin(
        img_size=c["img_size"], tubelet=c["early_stride"], patch_size=c["patch_size"], embed_dim=c["embed_dim"],
        depths=tuple(c["depths"]), num_heads=tuple(c["num_heads"]), window_size=c["window_size"], kernel_size=c["K"],
        num_frames=meta["clip_length"], num_classes=c["num_classes"],
    )  # fmt: skip
    load_weights(model, {k[3:]: torch.from_numpy(z[k]) for k in z.files if k.startswith("sd/")})
    video = torch.from_numpy(z["input"].astype(np.float32))
    logits = model(video)
    np.testing.assert_allclose(logits.detach(), z["logits"], rtol=0, atol=50 * meta["err_vs_f64"] + 1e-5)
    (logits * torch.from_numpy(z["cotangent"])).sum().backward()
    for ours, theirs in (
        ("layers.0.blocks.0.temporal.norm.weight", "layers.0.blocks.0.tda_norm.weight"),
        ("head.weight", "fc.weight"),
    ):
        np.testing.assert_allclose(model.get_parameter(ours).grad, z[f"grad/{theirs}"], rtol=1e-4, atol=1e-4)


def test_temporal_convolution_equals_torch():
    conv = TemporalConv(5)
    nn.init.normal_(conv.weight)
    x = torch.randn(2, 7, 3, 4, 5)
    wanted = nn.functional.conv1d(x.permute(0, 2, 3, 4, 1).reshape(-1, 5, 7), conv.weight, padding=1)
    torch.testing.assert_close(conv(x) - x, wanted.view(2, 3, 4, 5, 7).permute(0, 4, 1, 2, 3))


def test_shifted_windows_see_only_their_own_region():
    mask = shifted_window_mask(8, 4, 2)
    assert mask.shape == (4, 16, 16)
    assert not mask[0].any()  # the first window holds one region
    assert mask[1].view(4, 4, 4, 4)[0, 0, 0].tolist() == [0, 0, -100, -100]


@pytest.mark.parametrize("reading", ["paper", "released"])
@pytest.mark.parametrize("temporal", ["sifa", "conv", "none"])
def test_every_switch_runs_forward_and_backward(reading, temporal):
    model = sifa.create_model("sifa_swin", reading=reading, unshifted=temporal, **SMALL)
    logits = model(torch.randn(3, 3, 6, 32, 32))
    assert logits.shape == (3, 5)
    logits.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_inside_a_fresh_model_attends_over_the_regular_grid():
    with sifa.capture(model := sifa.create_model("sifa_swin", reading="paper", **SMALL)) as blocks:
        model(torch.randn(1, 3, 6, 32, 32))
    assert [b.name for b in blocks] == ["layers.0.blocks.0.temporal.sifa", "layers.1.blocks.0.temporal.sifa",
                                        "layers.1.blocks.1.temporal.sifa"]  # fmt: skip
    assert not any(b.output.offset.any() for b in blocks)


def test_a_wrong_video_is_refused_with_its_shape():
    model = sifa.create_model("sifa_swin", **SMALL)
    with pytest.raises(ValueError, match=r"\(1, 3, 6, 33, 32\); this model reads \(B, 3, frames, 32, 32\)"):
        model(torch.randn(1, 3, 6, 33, 32))
    with pytest.raises(ValueError, match="a multiple of 2"):
        model(torch.randn(1, 3, 5, 32, 32))


def test_create_names_what_it_knows():
    assert "sifa_swin_base_64x224" in sifa.list_models()
    with pytest.raises(ValueError, match="sifa_swin_nano_16x64"):
        sifa.create_model("swin")
    with pytest.raises(ValueError, match='"paper" or "released"'):
        sifa.create_model("sifa_swin", reading="mine")


@pytest.mark.parametrize("name", ["sifa_swin_tiny_64x224", "sifa_swin_small_64x224", "sifa_swin_base_64x224",
                                  "sifa_swin_large_64x224"])  # fmt: skip
def test_large_variants_have_the_published_shape(name):
    with torch.device("meta"):
        model = sifa.create_model(name)
        logits = model(torch.empty(1, 3, 64, 224, 224))
    assert logits.shape == (1, 400)


ATTENTION_ALONE = dict(
    stem="frame",
    shifted="sifa",
    weights="cosine",
    position="relative",
    projected=True,
    norm_start=1.0,
    kernel_sizes=(5, 3, 3),
)


@torch.inference_mode()
def test_with_a_stem_of_single_frames_time_is_crossed_by_attention_alone():
    torch.manual_seed(0)
    model = sifa.create_model("sifa_swin_nano_16x64", **ATTENTION_ALONE).eval()
    initialise(model)
    video = torch.randn(1, 3, 16, 64, 64)
    steps = video.unflatten(2, (8, 2))
    backwards = steps.flip(2).flatten(2, 3)  # time steps from last to first
    unseen = steps.clone()
    unseen[:, :, :, 0] = 0.0  # the frame of each tubelet that the stem does not look at
    assert torch.equal(model(unseen.flatten(2, 3)), model(video))
    assert (model(backwards) - model(video)).abs().max() > 1e-3
    with sifa.intervene(model, "silent"):
        torch.testing.assert_close(model(backwards), model(video), rtol=1e-4, atol=1e-5)


def test_each_stage_has_its_own_number_of_neighbours():
    model = sifa.create_model("sifa_swin_nano_16x64", **ATTENTION_ALONE)
    assert [module.kernel_size for module in model.modules() if isinstance(module, SIFA)] == [5, 5, 3, 3, 3, 3]
