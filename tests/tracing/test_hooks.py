from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

import sifa
from sifa.model.attention import SIFA
from sifa.tracing.hooks import capture, record
from tests.model import reference

SMALL = dict(
    img_size=32, num_frames=6, num_classes=5, tubelet=2, embed_dim=8, depths=(2, 2), num_heads=(2, 4), window_size=4
)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = sifa.create_model("sifa_swin", reading="paper", **SMALL).eval()
    for name, p in model.named_parameters():
        if "conv_offset" in name:
            nn.init.normal_(p, std=0.3)
    return model


def video(seed=0):
    return torch.randn(1, 3, 6, 32, 32, generator=torch.Generator().manual_seed(seed))


def hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@torch.no_grad()
def test_logits_are_bit_identical_and_nothing_is_left(model):
    before = model(video())
    with record(model) as trace:
        watched = model(video())
    assert torch.equal(before, watched)
    assert hooks(model) == 0
    assert [b.name for b in trace] == ["layers.0.blocks.0", "layers.1.blocks.0", "layers.1.blocks.1"]
    assert trace["layers.1.blocks.1"] is trace[2]
    with pytest.raises(KeyError, match=r"layers\.0\.blocks\.0"):
        trace["layers.9"]


@torch.no_grad()
def test_the_block_trace_says_what_it_holds(model):
    with record(model) as trace:
        model(video())
    block = trace[0]
    assert (block.stage, block.block, block.kernel, block.normalised) == (0, 0, 3, False)
    assert block.stride == (2, 4, 4)
    assert block.offset.shape == (2, 9, 2, 8, 8)
    assert block.attention.shape == (2, 9, 8, 8)
    assert block.saliency.shape == (2, 8, 8)
    assert block.points.shape == (2, 9, 2, 8, 8)
    assert block.displacement.shape == (2, 2, 8, 8)
    assert np.abs(block.offset).max() > 0.1


class Bare(nn.Module):
    """The operator in a module that is not ours."""

    def __init__(self):
        super().__init__()
        self.sifa = SIFA(3, offsets="zero", weights="softmax")

    def forward(self, video):
        return self.sifa(video).features


MADE = {
    "paper": lambda: sifa.create_model("sifa_swin", reading="paper", **SMALL),
    "released": lambda: sifa.create_model("sifa_swin", reading="released", **SMALL),
    "ungated branch": lambda: sifa.create_model("sifa_swin", saliency="none", placement="branch", **SMALL),
    "resnet": lambda: sifa.create_model("sifa_resnet", reading="released", layers=(1, 2, 1, 1)),
    "bare": Bare,
}


@torch.no_grad()
@pytest.mark.parametrize(
    ("made", "offsets", "saliency", "placement"),
    [
        ("paper", "learned", "paper", "inside"),
        ("released", "zero", "released", "branch"),
        ("ungated branch", "learned", "none", "branch"),
        ("resnet", "learned", "released", "inside"),
        ("bare", "zero", "paper", "unknown"),
    ],
)
def test_the_block_trace_says_which_operator_ran(made, offsets, saliency, placement):
    model = MADE[made]().eval()
    with record(model) as trace:
        model(torch.zeros(1, 3, 8 if made == "resnet" else 6, 32, 32))
    switches = dict(offsets=offsets, saliency=saliency, placement=placement)
    assert {tuple(block.operator.items()) for block in trace} == {tuple(switches.items())}
    assert {block.meaning for block in trace} == {""}


@torch.no_grad()
def test_the_block_trace_tells_what_an_intervention_changed(model):
    """Where weights are changed by hand, they are no longer those of the block, and say so."""
    for name, changed in (("rigid", ("zero", "paper", "")), ("no-gate", ("learned", "none", "")), ("uniform", None)):
        with sifa.intervene(model, name), record(model) as trace:
            model(video())
        for block in trace:
            found = block.operator["offsets"], block.operator["saliency"], block.meaning
            assert found == (changed or ("learned", "paper", "Changed weights: not those that the block computed"))
            assert block.operator["placement"] == "inside"


@torch.no_grad()
def test_weights_times_values_is_the_block_output(model):
    with record(model) as trace, capture(model) as blocks:
        model(video())
    for recorded, call in zip(trace, blocks):
        following = call.features[0, :, 1].double().numpy()
        for y, x in ((0, 0), (3, 2), (7, 7)):
            y, x = min(y, following.shape[1] - 1), min(x, following.shape[2] - 1)
            places = recorded.points[0, :, :, y, x]
            total = sum(w * reference.bilinear(following, *p) for w, p in zip(recorded.attention[0, :, y, x], places))
            np.testing.assert_allclose(total, call.output.features[0, :, 0, y, x], atol=1e-4)


def test_an_exception_leaves_nothing_behind(model):
    with pytest.raises(ValueError, match="this model reads"), record(model):
        model(video()[..., :31])
    assert hooks(model) == 0


@torch.no_grad()
def test_catching_nothing_is_loud(model):
    with pytest.raises(RuntimeError, match="caught no SIFA block"), record(model):
        pass
    plain = sifa.create_model("sifa_swin", unshifted="conv", **SMALL)
    with pytest.raises(RuntimeError, match="choose a model that has SIFA blocks"), record(plain):
        plain(video())


@torch.no_grad()
def test_two_clips_or_two_passes_are_refused(model):
    with pytest.raises(RuntimeError, match="batches of 2 clips"), record(model):
        model(video().expand(2, -1, -1, -1, -1))
    with pytest.raises(RuntimeError, match="2 passes"), record(model):
        model(video())
        model(video())


@torch.no_grad()
def test_threads_that_share_a_model_get_their_own_traces(model):
    """8 threads x 25 clips: every trace equals the one recorded alone."""

    @torch.no_grad()
    def run(seed):
        with record(model) as trace:
            logits = model(video(seed))
        return logits, trace

    torch.set_num_threads(1)
    alone = [run(seed) for seed in range(200)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, range(200)))
    for (logits, trace), (logits2, trace2) in zip(alone, together):
        assert torch.equal(logits, logits2)
        assert len(trace) == len(trace2) == 3
        for one, other in zip(trace, trace2):
            assert one.name == other.name
            np.testing.assert_array_equal(one.offset, other.offset)
            np.testing.assert_array_equal(one.attention, other.attention)


def test_capture_keeps_gradients(model):
    with capture(model) as blocks:
        model(video())
    blocks[0].output.attention.sum().backward()
    assert model.patch_embed.proj.weight.grad.abs().sum() > 0
    model.zero_grad()


def test_a_compiled_model_is_not_recorded():
    """Hooks do not fire on one, so that it would look as if nothing had happened."""
    model = sifa.create_model("sifa_swin", **SMALL).eval()
    whole = torch.compile(model)
    with pytest.raises(RuntimeError, match="a compiled model cannot be recorded"), sifa.record(whole):
        pass
    model.layers[0].blocks[0].compile()
    with pytest.raises(RuntimeError, match="a compiled model cannot be recorded"), sifa.record(model):
        pass
