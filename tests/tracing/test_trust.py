import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import sifa
from sifa.model.attention import SIFA
from sifa.tracing import trust
from sifa.tracing.interventions import what_if
from sifa.tracing.records import BlockTrust, Deletion, Trust
from sifa.tracing.stand_in import StandIn, remove_first
from sifa.tracing.trust_words import block_words, deletion_words
from sifa.weights import shipped
from tests.predictions import foreign_prediction, moving_clip, nano_model, nano_prediction
from tests.tracing.test_interventions import nano_trained


@pytest.fixture(scope="module")
def block():
    """A made-up block: kernel 3, 3 pairs, 7 x 11 cells, signed weights."""
    return foreign_prediction().trace[0]


@pytest.fixture(scope="module")
def found():
    model = nano_trained()
    return trust.trust_figures(model, sifa.predict(model, moving_clip()))


def test_unevenness_is_the_divergence_from_uniform_in_units_of_log_n(block):
    divergence = []
    for p, y, x in np.ndindex(3, 7, 11):
        weights = np.abs(block.attention[p, :, y, x].astype(np.float64))
        share = weights / weights.sum()
        divergence.append(sum(s * np.log(s * 9) for s in share) / np.log(9))
    assert trust.unevenness(block) == pytest.approx(np.mean(divergence), rel=1e-5)
    assert trust.unevenness(replace(block, attention=np.full_like(block.attention, -0.2))) == pytest.approx(0, abs=1e-6)
    single = np.zeros_like(block.attention)
    single[:, 4] = -1
    assert trust.unevenness(replace(block, attention=single)) == pytest.approx(1, abs=1e-6)


def test_length_spread_and_share_outside_equal_loops(block):
    lengths, gone, wide = [], [], []
    for p, y, x in np.ndindex(3, 7, 11):
        points = []
        for n in range(9):
            dy, dx = block.offset[p, n, :, y, x].astype(float)
            lengths.append(np.hypot(dy, dx))
            points.append((y + n // 3 - 1 + dy, x + n % 3 - 1 + dx))
            gone.append(not (-1 < points[-1][0] < 7 and -1 < points[-1][1] < 11))
        wide.append(np.mean([np.hypot(*(np.array(point) - np.mean(points, 0))) for point in points]))
    assert trust.offset_length(block) == pytest.approx(np.mean(lengths), rel=1e-5)
    assert trust.outside(block) == pytest.approx(np.mean(gone))
    assert trust.spread(block) == pytest.approx(np.mean(wide) / ((4 + 4 * np.sqrt(2)) / 9), rel=1e-5)
    assert trust.spread(replace(block, offset=np.zeros_like(block.offset))) == pytest.approx(1, rel=1e-6)


def test_rank_correlation_is_spearmans():
    a = np.array([[3.0, 1.0], [1.0, 7.0]])
    np.testing.assert_array_equal(trust.ranks(a), [3, 1.5, 1.5, 4])
    assert trust.rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert trust.rank_correlation(a, -(a**3)) == pytest.approx(-1)
    b = np.array([10.0, 30.0, 20.0, 40.0])  # ranks 1 3 2 4 against 3 1.5 1.5 4
    assert trust.rank_correlation(a, b) == pytest.approx(np.corrcoef([3, 1.5, 1.5, 4], [1, 3, 2, 4])[0, 1])
    assert trust.rank_correlation(a, np.ones(4)) is None


def test_the_change_of_the_picture_lies_where_the_disc_moves():
    prediction = nano_prediction()
    change = trust.frame_difference(prediction, prediction.trace[0])
    assert change.shape == (7, 16, 16)
    crop = prediction.crop
    for pair in range(1, 7):
        first, second = 2 * pair + 1, 2 * pair + 3  # the frames in the middle of the two steps
        cells = [int(crop.to_model(48, 20 + 5 * frame)[1] // 4) for frame in (first - 2, second + 2)]
        inside = [x for x in range(cells[0], cells[1] + 1) if 0 <= x < 16]
        y, x = np.unravel_index(change[pair].argmax(), (16, 16))
        if inside:
            assert abs(y - 8) <= 3
            assert min(inside) - 2 <= x <= max(inside) + 2
    still = replace(prediction, clip=moving_clip(16))
    still = replace(still, clip=replace(still.clip, frames=still.clip.frames[[0] * 16]))
    assert not trust.frame_difference(still, prediction.trace[0]).any()
    assert trust.follows_change(still, prediction.trace[0]) is None


def test_offsets_that_are_the_change_follow_it_and_rigid_ones_do_not():
    prediction = nano_prediction()
    block = prediction.trace[0]
    change = trust.frame_difference(prediction, block)
    moved = np.repeat(np.stack([change, -2 * change], 1)[:, None], 9, 1).astype(np.float32)
    assert trust.follows_change(prediction, replace(block, offset=moved)) == pytest.approx(1)
    assert trust.follows_change(prediction, replace(block, offset=np.zeros_like(moved))) is None


def test_agreement_is_one_for_the_same_field_and_none_for_nothing(block):
    centre = np.zeros_like(block.attention)
    centre[:, 4] = 1  # all attention on the centre: the displacement is its offset
    one = replace(block, attention=centre)
    assert trust.agreement(one, replace(one, offset=3 * block.offset)) == pytest.approx(1, rel=1e-5)
    assert trust.agreement(one, replace(one, offset=-block.offset)) == pytest.approx(-1, rel=1e-5)
    turned = np.stack([-block.offset[:, :, 1], block.offset[:, :, 0]], 2)
    assert trust.agreement(one, replace(one, offset=turned)) == pytest.approx(0, abs=1e-6)
    assert trust.agreement(one, replace(one, offset=np.zeros_like(turned))) is None


def test_only_the_first_by_order_lose_their_weight():
    attention = torch.tensor([0.5, -3.0, 1.0, 2.0]).view(1, 1, 4, 1, 1)
    assert remove_first(2, torch.abs)(attention).flatten().tolist() == [0.5, 0, 1, 0]
    assert remove_first(1, torch.neg)(attention).flatten().tolist() == [0.5, 0, 1, 2]


def test_deletion_equals_blocks_whose_weights_are_removed_by_hand():
    model, clip = nano_trained(), moving_clip()
    base = sifa.predict(model, clip)
    test = trust.deletion(model, base, repeats=2)

    def strongest_removed(block, args, out):
        kept = out.attention.clone()
        for _ in range(3):
            strongest = kept.abs().argmax(2, keepdim=True)
            kept.scatter_(2, strongest, 0.0)
        return StandIn(block, reweight=lambda _: kept)(args[0])

    handles = [m.register_forward_hook(strongest_removed) for m in model.modules() if isinstance(m, SIFA)]
    best = base.logits.argmax()
    assert test.strongest == pytest.approx(sifa.predict(model, clip).probabilities[best], rel=1e-5)
    for handle in handles:
        handle.remove()
    assert test.label == base.labels[best]
    assert test.probability == pytest.approx(base.probabilities[best])
    assert test.all == pytest.approx(what_if(model, clip, "silent").probabilities[best])
    assert len(set(test.random_each)) == 2
    assert test.random == pytest.approx(np.mean(test.random_each))
    assert test == trust.deletion(model, base, repeats=2)


def test_words_come_from_the_figures():
    plain = BlockTrust("a", unevenness=0.3, offset=0.5, spread=0.9, follows_change=0.1, like_random=0.1, outside=0.02)
    assert block_words(plain) == ()
    words = block_words(replace(plain, offset=0.05, unevenness=0.01, follows_change=None, like_random=None))
    assert [each.partition(":")[0] for each in words] == ["Close to rigid", "Close to uniform"]
    words = block_words(replace(plain, spread=0.3, follows_change=0.6, like_random=0.5, outside=0.4))
    assert [each[:12] for each in words] == ["Its points a", "Its offsets ", "Random weigh", "Many of its "]
    test = Deletion("a", 9, 3, probability=0.9, strongest=0.895, random=0.899, random_each=(0.899,), all=0.9)
    assert "hardly matters" in deletion_words(test)[0]
    assert "decided elsewhere" in deletion_words(test)[1]
    assert "matter more" in deletion_words(replace(test, strongest=0.6))[0]
    assert "no more" in deletion_words(replace(test, strongest=0.8, random=0.7))[0]
    assert "does matter" in deletion_words(replace(test, all=0.3))[1]


def test_there_are_figures_of_every_block(found):
    assert [f.name for f in found.blocks] == [
        "layers.0.blocks.0", "layers.1.blocks.0", "layers.2.blocks.0", "layers.2.blocks.1"
    ]  # fmt: skip
    assert found.deletion.words == deletion_words(found.deletion)
    assert all(round(f.spread, 5) == f.spread for f in found.blocks)
    model = nano_trained()
    prediction = sifa.predict(model, moving_clip())
    other = what_if(model, prediction.clip, "random").trace
    for f, block, random in zip(found.blocks, prediction.trace, other):
        assert f.like_random == pytest.approx(trust.agreement(block, random), abs=1e-4)
        assert f.follows_change == pytest.approx(trust.follows_change(prediction, block), abs=1e-4)
    rigid = trust.trust_figures(model, what_if(model, prediction.clip, "rigid")).blocks[0]
    assert (rigid.offset, rigid.follows_change) == (0, None)
    assert rigid.words[0].startswith("Close to rigid")
    plain = nano_model(unshifted="none", shifted="none")
    assert trust.trust_figures(plain, sifa.predict(plain, moving_clip())) == Trust((), None)


@pytest.mark.slow
def test_the_command_prints_the_same_numbers_each_time():
    clip = shipped.clips()["object moves right"]
    command = [sys.executable, "-m", "sifa", "trust", str(clip)]
    run = lambda *more: subprocess.run([*command, *more], capture_output=True, text=True, check=True).stdout
    told = json.loads(run("--json"))
    assert told == json.loads(run("--json"))
    text = run()
    assert "probability of 'camera still, object moves right'" in text
    assert f"3 strongest removed: {told['deletion']['strongest']:.3f}" in text
    for f in told["blocks"]:
        assert f["name"] in text
