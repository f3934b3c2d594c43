"""A run on the second family of scenes: two answers, what is drawn when, and a card that names the groups."""

from dataclasses import replace

import pytest
import torch

import sifa
from sifa.data.motion import CLASSES, MotionClips, true_flow
from sifa.data.motion.classes import CAMERA, FILMED, THINGS
from sifa.data.motion.filmed_clips import FilmedClips
from sifa.evaluation.filmed import gives_two_answers, grouped_accuracy, is_clear, thresholds
from sifa.model.attention import SIFA, SIFAOutput
from sifa.model.sampling import neighbour_grid
from sifa.tracing.hooks import BlockCall
from sifa.training.course import COURSES
from sifa.training.loop import train
from sifa.training.losses import losses, spread_loss
from sifa.training.photometric import photometric_loss
from sifa.training.recipes import RECIPES, Recipe
from sifa.training.start import begin
from sifa.weights.card import card_of
from sifa.weights.checkpoint import save
from tests.predictions import moving_clip

SMALL = Recipe(family="filmed", steps=3, batch=8)


def test_a_run_begins_with_pans_and_comes_to_everything():
    course, recipe = COURSES["filmed"], replace(SMALL, steps=100)
    pans, camera, goes, all_ = (course.wishes(step, recipe, False) for step in (0, 5, 10, 50))
    names = lambda wishes: {(CAMERA[c], THINGS[t]) for c, t in wishes.tolist()}
    assert {c for c, _ in names(pans)} == set(CAMERA[:4])
    assert {t for _, t in names(pans)} == {"nothing moves"}
    assert {c for c, _ in names(camera)} == set(CAMERA)
    assert ("camera still", "object moves up") in names(goes)
    assert not any(c != "camera still" and t != "nothing moves" for c, t in names(goes))
    assert len(names(all_)) > 100
    assert torch.equal(course.wishes(0, recipe, True), all_)
    assert [FILMED[i] for i in course.active(pans).nonzero()[:, 0].tolist()] == [*CAMERA[:4], "nothing moves"]
    assert course.active(all_).all()


def test_accuracy_is_that_of_both_answers():
    targets = torch.zeros(4, 26)
    targets[:, 0] = targets[:, 9] = 1
    targets[3, 0] = targets[3, 1] = 0.5
    logits = torch.zeros(4, 26)
    logits[:, 0], logits[:, 9] = 5.0, 5.0
    logits[1, 10] = 9.0
    assert is_clear(targets).tolist() == [True, True, True, False]
    found = grouped_accuracy(logits[:3], targets[:3])
    assert (found["clips"], found["top1"], found["top5"]) == (3, pytest.approx(2 / 3, abs=1e-4), 1.0)
    assert found["per_class"] == {"camera pans left": 1.0, "object moves left": pytest.approx(2 / 3, abs=1e-4)}
    assert sum(map(sum, found["confusion"])) == 6


def test_a_threshold_is_where_nearly_all_answers_are_right():
    logits, targets = torch.zeros(1000, 26), torch.zeros(1000, 26)
    sure = torch.linspace(0, 6, 1000)
    logits[:, 0], logits[:, 9] = sure, sure
    right = sure > 3
    targets[:, 0], targets[:, 1] = right.float(), (~right).float()
    targets[:, 9] = 1.0
    found = thresholds(logits, targets)
    share = lambda z, n: z.exp() / (z.exp() + n - 1)
    assert share(torch.tensor(2.8), 9) < found["camera"] <= share(torch.tensor(3.01), 9) + 0.01
    assert found["things"] == 0.0


def test_classes_of_the_same_name_keep_what_they_knew(tmp_path):
    old = begin(RECIPES["full"], CLASSES)
    save(old, card_of(old), tmp_path / "old.safetensors")
    course = COURSES["filmed"]
    new = begin(replace(SMALL, config={}), course.labels, tmp_path / "old.safetensors", course.groups)
    row = FILMED.index("object shakes")
    assert torch.equal(new.head.weight[row], old.head.weight[CLASSES.index("object shakes")])
    assert not torch.equal(new.head.weight[FILMED.index("camera still")], torch.zeros_like(new.head.weight[0]))
    assert gives_two_answers(card_of(new))
    assert new.config.num_classes == 26


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError, match="family is 'real'; it must be one of motions, filmed"):
        Recipe(family="real")


@pytest.mark.slow
def test_a_run_writes_a_card_with_groups_and_thresholds(tmp_path):
    file = train(replace(SMALL, config=RECIPES["filmed"].config), tmp_path / "run", measure_clips=27)
    card = sifa.load(file).card
    assert gives_two_answers(card)
    assert card.metrics["clips"] <= 27
    assert set(card.metrics["groups"]) == {"camera", "things"}
    assert all(group.unsure_below == card.metrics["unsure_below"][group.name] for group in card.groups)
    assert "26 motions" in card.trained_on
    assert "two answers" in card.title
    prediction = sifa.predict(sifa.load(file), moving_clip())
    assert [answer.group for answer in prediction.answers()] == ["camera", "things"]

    larger = replace(SMALL, config=RECIPES["filmed"].config | dict(img_size=128))
    further = sifa.load(train(larger, tmp_path / "further", start=file, measure_clips=0)).card
    assert further.title == card.title.replace("(", "(128 pixels, ")
    clips = f"{SMALL.steps * SMALL.batch} generated clips of 26 motions"
    assert (card.trained_on, further.trained_on) == (
        f"{clips}, offsets supervised with the true flow",
        f"{clips}, offsets supervised with the true flow, after {clips}",
    )
    alone = sifa.load(train(replace(larger, flow_weight=0.0), tmp_path / "alone", start=file, measure_clips=0)).card
    assert alone.trained_on == f"{clips}, after {card.trained_on}"  # whose offsets were supervised before


def test_the_photometric_loss_is_least_where_the_arrows_are_true():
    """It compares pictures, and nobody tells it the flow."""
    clips = MotionClips("train", 64, 16, seed=2, textures=30).batch(0, torch.tensor([15, 16, 17, 18] * 2))
    flow, _ = true_flow(clips, 2, 16)
    block = SIFA(8, weights="softmax")

    def loss(displacement):
        """With all neighbours of a cell read at one place."""
        b, p, _, h, w = displacement.shape
        offset = displacement[:, :, None] - neighbour_grid(3).view(9, 2, 1, 1)
        attention = torch.full((b, p, 9, h, w), 1 / 9)
        output = SIFAOutput(torch.zeros(b, 8, p + 1, h, w), offset, attention)
        call = BlockCall("block", block, torch.zeros(b, 8, p + 1, h, w), output)
        return photometric_loss(clips.video, [call]).item()

    true, none, wrong = loss(flow), loss(torch.zeros_like(flow)), loss(-flow)
    assert true < 0.6 * none
    assert none < wrong


def test_the_spread_is_of_the_points_around_their_mean():
    clips = MotionClips("train", 64, 16, seed=2, textures=30).batch(0, torch.tensor([15]))
    offset = torch.zeros(1, 7, 9, 2, 16, 16)

    def spread(offset):
        output = SIFAOutput(torch.zeros(1, 8, 8, 16, 16), offset, torch.full((1, 7, 9, 16, 16), 1 / 9))
        return spread_loss(clips, [BlockCall("block", SIFA(8), torch.zeros(1, 8, 8, 16, 16), output)] * 2).item()

    assert spread(offset + 3.0) == 0  # all moved together
    offset[:, :, 0] = 9.0  # one of nine moved: its distance from the mean is 8, that of the others 1
    assert spread(offset) == pytest.approx(2 * (64 + 8) / 9)


def test_a_run_can_learn_motion_without_the_true_flow():
    recipe = replace(RECIPES["filmed-self"], steps=3, batch=8, together=8)
    course = COURSES["filmed"]
    model = begin(recipe, course.labels, None, course.groups).train()
    clips = FilmedClips("train", 64, 16, seed=2, textures=20).batch(0, course.wishes(0, recipe, True)[:8])
    found = losses(model, clips, torch.ones(26, dtype=torch.bool), recipe)
    assert found.flow == 0 < found.photometric
    assert found.spread == 0  # offsets begin at zero
    found.photometric.backward()
    convolutions = [module.conv_offset for module in model.modules() if isinstance(module, SIFA)]
    assert len(convolutions) == 6
    assert all(each.weight.grad.abs().sum() > 0 for each in convolutions)
