from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

import sifa
from sifa.model.attention import SIFA, SIFAOutput
from sifa.tracing.hooks import capture, record
from sifa.tracing.interventions import (
    CLASS_ONLY,
    INTERVENTIONS,
    add_what_ifs,
    intervene,
    interventions_for,
    other_checkpoint,
    what_if,
)
from sifa.tracing.stand_in import StandIn, mean_over_neighbours
from sifa.weights import checkpoint as weights
from sifa.weights.card import card_of
from sifa.weights.shipped import MOTION_STEM
from tests.model import reference
from tests.predictions import moving_clip, nano_model, nano_prediction

BLOCKS = [each.name for each in INTERVENTIONS if each.block]


@pytest.fixture(scope="module")
def model():
    return nano_trained()


@pytest.fixture(scope="module")
def clip():
    return moving_clip()


def nano_trained(**config):
    """The nano model with every SIFA block heard: the norms after the blocks start at zero."""
    model = nano_model(**config)
    for name, p in model.named_parameters():
        if "temporal.norm" in name:
            torch.nn.init.normal_(p, 0.5, 0.2, generator=torch.Generator().manual_seed(p.numel()))
    return model


def same_weights(model, **config):
    """A model built with other switches and the same weights, as far as it has them."""
    other = sifa.create_model("sifa_swin_nano_16x64", **config).eval()
    state = model.state_dict()
    other.load_state_dict({name: state[name] for name in other.state_dict()})
    return other


def assert_same(one, other):
    np.testing.assert_allclose(one.logits, other.logits, rtol=1e-5, atol=1e-5)
    assert len(one.trace) == len(other.trace) == 4
    for block, wanted in zip(one.trace, other.trace):
        for values in ("offset", "attention", "saliency"):
            np.testing.assert_allclose(getattr(block, values), getattr(wanted, values), rtol=1e-5, atol=1e-5)


def hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize("switches", [{}, {"weights": "softmax"}, {"placement": "inside", "saliency": "released"}])
@pytest.mark.parametrize(("name", "built"), [("rigid", {"offsets": "zero"}), ("no-gate", {"saliency": "none"})])
def test_a_switch_equals_a_model_built_with_it(clip, name, built, switches):
    model = nano_trained(**switches)
    changed = what_if(model, clip, name)
    assert_same(changed, sifa.predict(same_weights(model, **switches | built), clip))
    assert np.abs(changed.logits - sifa.predict(model, clip).logits).max() > 1e-3
    assert hooks(model) == 0


def evened_by_loops(features, offset, kind):
    """What a block with uniform weights gives: features (B, C, T, H, W) and attention (B, P, 9, H, W), in float64."""
    _, attention = reference.inter_frame_attention(features.numpy(), offset.numpy(), 3, weights=kind)
    out = np.zeros(features.shape)
    for b, t, y, x in np.ndindex(attention.shape[0], attention.shape[1], *attention.shape[3:]):
        mean = sum(attention[b, t, n, y, x] for n in range(9)) / 9
        for n in range(9):
            dy, dx = offset[b, t, n, :, y, x].tolist()
            place = y + n // 3 - 1 + dy, x + n % 3 - 1 + dx
            out[b, :, t, y, x] += mean * reference.bilinear(features[b, :, t + 1].numpy(), *place)
        attention[b, t, :, y, x] = mean
    return out, attention


class Evened(SIFA):
    """A block written by hand whose weights are uniform."""

    def forward(self, features):
        offset = self.offset(features)
        out, attention = evened_by_loops(features, offset, self.weights)
        return SIFAOutput(torch.from_numpy(out).float(), offset, torch.from_numpy(attention).float())


@pytest.mark.parametrize("kind", ["dot", "softmax"])
def test_uniform_weights_equal_nested_loops(kind):
    torch.manual_seed(1)
    block = SIFA(5, weights=kind)
    torch.nn.init.normal_(block.conv_offset.weight, std=0.5)
    features = torch.randn(2, 5, 3, 4, 6)
    with torch.no_grad():
        out = StandIn(block, reweight=mean_over_neighbours)(features)
        wanted, attention = evened_by_loops(features, block.offset(features), kind)
        plain = block(features).attention
    np.testing.assert_allclose(out.attention, attention, rtol=0, atol=1e-5)
    np.testing.assert_allclose(out.features, wanted, rtol=0, atol=1e-5)
    assert np.ptp(plain.numpy(), axis=2).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dot", "softmax"])
def test_uniform_weights_equal_a_model_of_such_blocks(clip, kind):
    model, by_hand = nano_trained(weights=kind), nano_trained(weights=kind)
    for block in by_hand.modules():
        if isinstance(block, SIFA):
            block.__class__ = Evened
    changed = what_if(model, clip, "uniform")
    assert_same(changed, sifa.predict(by_hand, clip))
    assert np.abs(changed.logits - sifa.predict(model, clip).logits).max() > 1e-3


def test_silent_blocks_equal_blocks_that_give_nothing(model, clip):
    changed = what_if(model, clip, "silent")
    nothing = [
        m.register_forward_hook(lambda *call: call[2]._replace(features=torch.zeros_like(call[2].features)))
        for m in model.modules()
        if isinstance(m, SIFA)
    ]
    np.testing.assert_allclose(changed.logits, sifa.predict(model, clip).logits, rtol=0, atol=1e-5)
    for handle in nothing:
        handle.remove()
    assert not any(block.attention.any() for block in changed.trace)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("frozen", [0] * 16),
        ("reversed", [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("shuffled", [4, 5, 10, 11, 6, 7, 14, 15, 0, 1, 8, 9, 2, 3, 12, 13]),
    ],
)
def test_a_changed_clip_equals_the_clip_with_its_frames_in_that_order(model, clip, name, order):
    changed = what_if(model, clip, name)
    np.testing.assert_array_equal(changed.clip.indices, [4 * i for i in order])
    assert_same(changed, sifa.predict(model, replace(clip, frames=clip.frames[order])))


def test_random_weights_are_the_same_numbers_shuffled(model, clip):
    changed = what_if(model, clip, "random")
    by_hand, rng = nano_trained(), torch.Generator().manual_seed(6)
    with torch.no_grad():
        for p in by_hand.parameters():
            p.view(-1)[:] = p.view(-1)[torch.randperm(p.numel(), generator=rng)].clone()
    assert_same(changed, sifa.predict(by_hand, clip))
    assert np.abs(changed.trace[0].offset).max() > 0.1


def test_another_checkpoint_is_a_file_or_a_function(model, clip, tmp_path):
    other = nano_trained(weights="softmax")
    weights.save(other, card_of(other), tmp_path / "soft.safetensors")
    wanted = sifa.predict(other, clip)
    assert_same(what_if(model, clip, other_checkpoint(tmp_path / "soft.safetensors")), wanted)
    assert_same(what_if(model, clip, other_checkpoint(lambda: other)), wanted)
    assert other_checkpoint(tmp_path / "soft.safetensors").explanation == (
        "The same clip through other weights: soft.safetensors."
    )
    with pytest.raises(ValueError, match=r"know 7 classes that are not the model's 24"):
        what_if(model, clip, other_checkpoint(lambda: nano_model(num_classes=7)))


def test_the_trace_holds_what_ran_whoever_began_first(model, clip):
    plain = sifa.predict(model, clip).trace
    for name in BLOCKS:
        with intervene(model, name):
            inside = sifa.predict(model, clip)
        video = sifa.video.preprocess.preprocess(clip.frames, 64)[0]
        with torch.inference_mode(), record(model) as trace, intervene(model, name):
            model(video)
        assert_same(inside, replace(inside, trace=trace))
    assert not any(block.offset.any() for block in what_if(model, clip, "rigid").trace)
    ungated = what_if(model, clip, "no-gate").trace[0]
    assert np.abs(ungated.saliency - plain[0].saliency).max() > 0.01
    with torch.inference_mode(), capture(model) as calls:
        model(video)
    np.testing.assert_allclose(ungated.saliency, calls[0].features[0, :, 1:].square().mean(0).sqrt(), rtol=1e-5)
    spread = [np.ptp(block.attention, axis=1).max() for block in what_if(model, clip, "uniform").trace]
    assert max(spread) == 0


def test_several_changes_hold_together_in_any_order(model, clip):
    with intervene(model, "rigid", "uniform"):
        together = sifa.predict(model, clip)
    for outer, inner in (("rigid", "uniform"), ("uniform", "rigid")):
        with intervene(model, outer), intervene(model, inner):
            assert_same(sifa.predict(model, clip), together)
    assert not together.trace[0].offset.any()
    assert np.ptp(together.trace[0].attention, axis=1).max() == 0
    other = nano_trained(weights="softmax")
    with intervene(other, "rigid"), intervene(model, "uniform"):
        assert_same(sifa.predict(other, clip), what_if(other, clip, "rigid"))
    assert hooks(model) == hooks(other) == 0


def test_threads_that_share_a_model_get_their_own_changes(model, clip):
    torch.set_num_threads(1)
    names = [*BLOCKS, ""] * 8

    def run(name):
        with intervene(model, name) if name else nullcontext():
            return sifa.predict(model, clip)

    alone = {name: run(name) for name in set(names)}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, names))
    for name, prediction in zip(names, together):
        assert np.array_equal(prediction.logits, alone[name].logits)
        for block, wanted in zip(prediction.trace, alone[name].trace):
            assert np.array_equal(block.offset, wanted.offset)
            assert np.array_equal(block.attention, wanted.attention)
    assert hooks(model) == 0


def test_nothing_is_left_after_an_error(model):
    before = {name: p.clone() for name, p in model.state_dict().items()}
    with pytest.raises(ZeroDivisionError), intervene(model, "rigid"):
        raise ZeroDivisionError
    assert hooks(model) == 0
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


def test_what_cannot_be_changed_is_refused_in_words(model, clip):
    with pytest.raises(ValueError, match=r"'rigit'; there are rigid, no-gate, uniform"):
        what_if(model, clip, "rigit")
    with pytest.raises(ValueError, match=r"'frozen' changes the clip or the weights.*call what_if"):
        intervene(model, "frozen")
    plain = nano_model(unshifted="none", shifted="none")
    with pytest.raises(ValueError, match="no SIFA block"):
        what_if(plain, clip, "rigid")


@pytest.mark.parametrize("changed", [dict(labels=tuple("abc")), dict(num_frames=8), dict(config=dict(img_size=224))])
def test_other_weights_are_offered_where_they_can_be_compared(changed):
    assert interventions_for(sifa.load()) == [*INTERVENTIONS]  # which gives two answers
    model = sifa.load(MOTION_STEM)
    assert [each.name for each in interventions_for(model)] == [*(each.name for each in INTERVENTIONS), "other"]
    model.card = replace(model.card, **changed)
    assert interventions_for(model) == [*INTERVENTIONS]
    assert interventions_for(sifa.load(CLASS_ONLY)) == [*INTERVENTIONS]


def test_all_are_tried_and_announced(model, clip):
    said = []
    base = sifa.predict(model, clip)
    explored = add_what_ifs(model, base, progress=lambda what, share: said.append((what, share)))
    assert [each.name for each in explored.what_if] == [each.name for each in INTERVENTIONS]
    assert said[0] == ("what if: rigid grid", 0)
    assert said[-1] == ("what if: random weights", 7 / 8)
    rigid, *_, shuffled, _ = explored.what_if
    assert_same(rigid, what_if(model, clip, "rigid"))
    assert (rigid.order, shuffled.order[:4]) == ((), (4, 5, 10, 11))
    np.testing.assert_allclose(
        rigid.lengths, [np.hypot(*b.displacement.transpose(1, 0, 2, 3)).mean() for b in rigid.trace], rtol=1e-5
    )
    plain = nano_prediction(unshifted="none", shifted="none")
    kept = add_what_ifs(nano_model(unshifted="none", shifted="none"), plain).what_if
    assert [each.name for each in kept] == ["frozen", "reversed", "shuffled", "random"]
