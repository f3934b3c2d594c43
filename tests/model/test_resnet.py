import pytest
import torch

import sifa
from sifa import explorer
from tests.predictions import moving_clip

SMALL = dict(layers=(1, 2, 2, 2), width_per_group=16, num_classes=5)


def small_net(**config):
    torch.manual_seed(1)
    model = sifa.create_model("sifa_resnet", **SMALL | config).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 1.0, 0.2)
        if isinstance(module, sifa.SIFA) and module.conv_offset is not None:
            torch.nn.init.normal_(module.conv_offset.weight, std=0.1)
    return model


def test_a_clip_does_not_depend_on_the_others_in_its_batch():
    model, video = small_net(), torch.randn(3, 3, 16, 32, 32)
    with torch.no_grad():
        together = model(video)
        torch.testing.assert_close(together, torch.cat([model(v[None]) for v in video]), atol=1e-4, rtol=1e-4)
    assert together.exp().sum(1).allclose(torch.ones(3))  # logs of probabilities


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_every_parameter_learns(reading):
    model = sifa.create_model("sifa_resnet", reading=reading, **SMALL)
    for block in model.modules():
        if hasattr(block, "bn3"):
            torch.nn.init.ones_(block.bn3.weight)
    main, dual = model.heads(torch.randn(2, 3, 16, 64, 64))
    (main.square().sum() + dual.square().sum()).backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_the_trace_names_stages_blocks_and_strides():
    model = small_net()
    with sifa.record(model) as trace:
        model(torch.randn(1, 3, 16, 64, 64))
    assert [(b.name, b.stage, b.block, b.stride) for b in trace] == [
        ("layer2.1", 2, 1, (4.0, 8.0, 8.0)),
        ("layer3.1", 3, 1, (4.0, 16.0, 16.0)),
        ("layer4.1", 4, 1, (4.0, 32.0, 32.0)),
        ("layer4_dual.1", 4, 1, (8.0, 16.0, 16.0)),
    ]
    assert trace[0].offset.shape == (3, 9, 2, 8, 8)
    assert trace[3].offset.shape == (1, 9, 2, 4, 4)


def test_a_block_that_saw_one_step_is_not_in_the_trace():
    model = small_net()
    with sifa.record(model) as trace:
        model(torch.randn(1, 3, 8, 32, 32))
    assert [b.name for b in trace] == ["layer2.1", "layer3.1", "layer4.1"]


def test_too_short_videos_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 3, 4, 32, 32\).*a multiple of 4, at least 8"):
        small_net()(torch.randn(1, 3, 4, 32, 32))


def test_released_and_paper_readings_differ_in_the_saliency_alone():
    """The released offsets are read from the gated frame plus the frame itself."""
    video = torch.randn(1, 3, 16, 32, 32)
    models = [sifa.create_model("sifa_resnet", reading=reading, **SMALL).eval() for reading in ("paper", "released")]
    state = small_net().state_dict()
    outs = []
    for model in models:
        model.load_state_dict(state)
        with sifa.capture(model) as blocks, torch.no_grad():
            model(video)
        outs.append(blocks[0])
    assert torch.equal(outs[0].features, outs[1].features)
    block, features = outs[0].block, outs[0].features
    following = features[:, :, 1:]
    extra = block.conv_offset(following[0].transpose(0, 1))
    difference = (outs[1].output.offset - outs[0].output.offset).flatten(2, 3)[0]
    torch.testing.assert_close(difference, extra, atol=1e-5, rtol=1e-4)
    one, other = (model.config.as_dict() for model in models)
    assert {k for k in one if one[k] != other[k]} == {"saliency"}


def test_a_resnet_predicts_and_packs():
    model = sifa.create_model("sifa_resnet", num_frames=16, img_size=64, **SMALL).eval()
    prediction = sifa.predict(model, moving_clip())
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    packed = explorer.pack(prediction)
    assert [b.name for b in explorer.unpack(packed).trace] == [b.name for b in prediction.trace]
