"""The shipped samples' traces hold what the shipped weights make of the shipped clips, whoever computes it."""

import numpy as np
import pytest

import sifa
from sifa import explorer
from sifa.data.motion.shots import SHOTS
from sifa.tracing import trust
from sifa.tracing.interventions import interventions_for
from sifa.weights import shipped
from sifa.weights.download import sha256
from sifa.weights.shipped import DEFAULT_CHECKPOINT

CLOSE = 0.02  # of logits and probabilities: other processors and decoders round in other ways
FINE = 0.004  # of the figures of blocks


@pytest.fixture(scope="module")
def model():
    return sifa.load()


@pytest.fixture(scope="module", params=["object moves right", "camera rolls clockwise"])
def title(request):
    return request.param


@pytest.fixture(scope="module")
def packed(title):
    return explorer.unpack(shipped.clips()[title].with_suffix(".sifa"))


@pytest.fixture(scope="module")
def computed(model, title):
    return sifa.predict(model, shipped.sample(title))


def test_the_answer(packed, computed):
    assert packed.card.sha256 == sha256(DEFAULT_CHECKPOINT)
    assert packed.clip.indices.tolist() == computed.clip.indices.tolist()
    np.testing.assert_allclose(packed.logits, computed.logits, rtol=0, atol=CLOSE)
    assert [each.label for each in packed.answers()] == [each.label for each in computed.answers()]


def test_offsets_weights_and_saliency_of_every_block(packed, computed):
    assert len(packed.trace) == len(computed.trace) == 6
    assert packed.best_block == computed.best_block
    assert packed.trace[packed.best_block].attention.shape[-2:] == (32, 32)  # what a page opens on
    for seen, block in zip(packed.trace, computed.trace):
        np.testing.assert_allclose(seen.offset, block.offset, rtol=0, atol=1 / 64 + 0.01)
        span = np.ptp(block.attention, axis=(1, 2, 3), keepdims=True)
        assert (np.abs(seen.attention - block.attention) <= 1.5 * span / 255 + 1e-3).all()
        np.testing.assert_allclose(seen.saliency, block.saliency, rtol=0, atol=block.saliency.max() / 255 + 1e-3)


@pytest.mark.parametrize("name", ["rigid", "reversed", "random"])
def test_what_ifs(model, packed, computed, name):
    seen = next(each for each in packed.what_if if each.name == name)
    again = sifa.what_if(model, computed.clip, next(each for each in interventions_for(model) if each.name == name))
    np.testing.assert_allclose(seen.logits, again.logits, rtol=0, atol=CLOSE)
    lengths = [np.linalg.norm(block.displacement, axis=1).mean() for block in again.trace]
    np.testing.assert_allclose(seen.lengths, lengths, rtol=0, atol=FINE)


@pytest.mark.slow
def test_how_far_to_trust_it(model, packed, computed):
    again = trust.trust_figures(model, computed)
    for seen, block in zip(packed.trust.blocks, again.blocks, strict=True):
        assert (seen.name, seen.words) == (block.name, block.words)
        for key in ("unevenness", "offset", "spread", "follows_change", "like_random", "outside"):
            assert getattr(seen, key) == pytest.approx(getattr(block, key), abs=FINE), key
    seen, test = packed.trust.deletion, again.deletion
    assert (seen.label, seen.removed) == (test.label, test.removed)
    for key in ("probability", "strongest", "random", "all"):
        assert getattr(seen, key) == pytest.approx(getattr(test, key), abs=CLOSE), key


def test_every_answer_of_the_samples_is_right_and_some_are_unsure():
    """As the model card says: of things where the camera moves."""
    unsure = []
    for title, clip in shipped.clips().items():
        found = explorer.unpack(clip.with_suffix(".sifa"))
        camera, things = found.answers()
        of_camera = title.startswith("camera")
        if title in SHOTS:
            right = SHOTS[title].camera, SHOTS[title].things
        else:
            right = (title, "nothing moves") if of_camera else ("camera still", title)
        assert (camera.label, things.label) == right
        assert camera.sure
        unsure += [] if things.sure else [of_camera]
    assert unsure == [True] * 5


def test_the_arrows_of_the_clips_that_look_like_videos_follow_the_true_motion():
    """On the grid that the page opens on, where a cell moves by more than a third of its side."""
    for title in SHOTS:
        found = explorer.unpack(shipped.clips()[title].with_suffix(".sifa"))
        block = found.trace[found.best_block]
        truth = next(one for one in found.true_flow if one.flow.shape[-1] == block.attention.shape[-1])
        moves = truth.visible & (np.linalg.norm(truth.flow, axis=1) > 1 / 3)
        true, arrows = (np.moveaxis(each, 1, -1)[moves] for each in (truth.flow, block.displacement))
        cosine = (true * arrows).sum(-1) / (np.linalg.norm(true, axis=-1) * np.linalg.norm(arrows, axis=-1) + 1e-6)
        assert cosine.mean() > 0.9, title


def test_the_figures_of_trust_say_what_the_documentation_says():
    """In sifa/tracing/README.md; bounds with room."""
    for clip in shipped.clips().values():
        found = explorer.unpack(clip.with_suffix(".sifa")).trust
        test, blocks = found.deletion, found.blocks
        assert test.strongest < 0.1
        assert test.random > test.probability - 0.2
        assert test.all < 0.3
        assert all(0.25 < block.unevenness < 0.75 for block in blocks[:2])
        assert blocks[2].spread < 0.7
        assert blocks[2].unevenness < 0.1
        assert min(block.unevenness for block in blocks[4:]) > 0.9
