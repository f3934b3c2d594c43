"""The tour: what each step claims is so in the sample that it points at, and each step can be linked to."""

import math
import re

import numpy as np
import pytest
import torch

import sifa
from sifa import explorer
from sifa.tracing.hooks import capture, record
from sifa.tracing.interventions import reorder
from sifa.video.preprocess import preprocess
from sifa.weights import shipped
from sifa.weights.card import load_card
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.browser.test_viewer import CANVAS, open_page, pixels, settle, state, until
from tests.viewer.by_numpy import track_by_numpy

pytestmark = pytest.mark.slow

SAMPLE = DEFAULT_CHECKPOINT.parent / "samples" / "02_object_moves_right.sifa"
PAIR, Y, X = 3, 20, 16
MOVING = 0.5  # cells of true motion, of 32 across the picture


@pytest.fixture(scope="module")
def sample():
    return explorer.unpack(SAMPLE)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("tour") / "tour.html"
    path.write_text(explorer.to_html(SAMPLE.read_bytes()))
    return path


@pytest.fixture
def tour(page, file):
    open_page(page, file)
    page.requests.clear()
    page.click("[data-do=tour]")
    until(page, "state.tour === 0")
    yield page
    assert page.requests == page.problems == []


def go(page, step):
    page.locator(".sifa-tour input").fill(str(step))
    until(page, f"state.tour === {step}")
    settle(page)


def titles(page) -> list[str]:
    """The title of each step, in order."""
    found = []
    for step in range(int(page.get_attribute(".sifa-tour input", "max")) + 1):
        go(page, step)
        found.append(page.inner_text(".sifa-tour h3"))
    return found


def words(direction) -> str:
    dy, dx = direction
    return f"{abs(dy):.2f} {'up' if dy < 0 else 'down'}, {abs(dx):.2f} {'left' if dx < 0 else 'right'}"


def claims(sample) -> dict[str, list[str]]:
    """What the prose of a step must say, by its title, computed here from the trace."""
    block, true = sample.trace[sample.best_block], sample.true_flow[0]
    field, flow, seen = block.displacement[PAIR], true.flow[PAIR], true.visible[PAIR]
    weights, offsets = block.attention[PAIR, :, Y, X], block.offset[PAIR, :, :, Y, X]
    strongest = block.points[PAIR, np.abs(weights).argmax(), :, Y, X]
    length = np.linalg.norm(field, axis=0)
    moving = np.linalg.norm(flow, axis=0) > MOVING
    mean = [np.linalg.norm(b.displacement, axis=1).mean() for b in sample.trace]
    what_if = {each.name: each for each in sample.what_if}
    percent = lambda p: f"{100 * p:.1f} %"
    went = np.array([Y, X]) + flow[:, Y, X]
    beside = np.linalg.norm(2 * np.indices((3, 3)).reshape(2, 9).T - 2 + [Y, X] - went, axis=1).min()
    deletion = sample.trust.deletion
    return {
        "A regular grid": [
            f"the same {len(weights)} places", "every second cell of the 5 × 5",
            f"moved {np.linalg.norm(flow[:, Y, X]):.2f} cells", f"lies {beside:.2f} cells beside",
        ],
        "Offsets": [words(offsets.mean(0))],
        "Between the cells": ["at y {:.2f}, x {:.2f}".format(*(math.floor(v * 100 + 0.5) / 100 for v in strongest))],
        "Weights": [f"{weights.min():.2f} to {weights.max():.2f}", f"an even share were {1 / len(weights):.2f}"],
        "Where the attention went": [words(field[:, Y, X]), words(flow[:, Y, X])],
        "The whole field": [
            f"more than {MOVING:.2f} cells",
            f"{length[moving & seen].mean():.2f} cells", f"{length[~moving & seen].mean():.2f} cells",
        ],
        "Deeper": [
            "last of 6 blocks", "in 8 × 8 cells", "as 4 × 4 cells of the first block", "are shorter",
            f"{mean[-1]:.2f} cells long", f"{mean[0]:.2f} cells in the first",
        ],
        "All of it at once": [f"{sum(len(b.attention) for b in sample.trace)} in all"],
        "What if the grid stayed regular?": [
            f"{percent(before.probability)} → "
            f"{percent(float(what_if['rigid'].probabilities[sample.labels.index(before.label)]))}"
            for before in sample.answers()
        ],
        "What if nothing moved?": [
            "Camera: stays “still”", "Things: the answer flips from “object moves right”", "to “nothing moves”",
            f"{mean[0]:.2f} cells to {what_if['frozen'].lengths[0]:.2f} cells",
        ],
        "How far to trust it": [
            f"the {deletion.removed} strongest",
            *(percent(getattr(deletion, key)) for key in ("probability", "strongest", "random", "all")),
            *deletion.words,
        ],
    }  # fmt: skip


def test_each_claim_is_so(tour, sample):
    known = claims(sample)
    stops = titles(tour)
    assert len(stops) >= 10
    assert set(known) <= set(stops)
    for title, parts in known.items():
        go(tour, stops.index(title))
        prose = tour.inner_text(".sifa-tour > p:last-child")
        assert [part for part in parts if part not in prose] == [], prose


def ball(sample, pair) -> np.ndarray:
    """(32, 32) bool: the cells of the finest grid that are on the ball, which is all that moves so far."""
    return np.linalg.norm(sample.true_flow[0].flow[pair], axis=0) > MOVING


def grown(mask) -> np.ndarray:
    """A mask and the cells beside, above and below it."""
    padded = np.pad(mask, 1)
    return mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]


def test_what_the_tour_says_without_a_number_is_so(sample):
    block, on = sample.trace[sample.best_block], ball(sample, PAIR)
    assert on[Y, X]  # the cell that asks
    assert (sample.true_flow[0].flow[PAIR, 1][on] > 1).all()  # it moves to the right
    strongest = block.points[PAIR, np.abs(block.attention[PAIR, :, Y, X]).argmax(), :, Y, X]
    assert np.abs(strongest - np.rint(strongest)).max() > 0.1  # between the cells
    assert block.normalised  # a softmax: the nine of a cell add up to one, to what a byte of each holds
    np.testing.assert_allclose(block.attention.sum(1), 1, atol=9 / 255)
    assert block.displacement[PAIR, 1][on].mean() > 0.8  # the ball moves to the right, and the arrows with it
    assert load_card(DEFAULT_CHECKPOINT).recipe["flow_weight"] > 0  # told to agree with the true motion
    mean = [np.linalg.norm(b.displacement, axis=1).mean() for b in sample.trace]
    assert mean[-1] < mean[0] / 2  # deeper, arrows are shorter
    what_if = {each.name: each for each in sample.what_if}
    assert what_if["frozen"].lengths[0] < mean[0] / 4  # without motion, they shrink
    deletion = sample.trust.deletion
    assert deletion.all < deletion.probability - 0.2  # what the blocks read matters
    assert deletion.strongest < deletion.random - 0.2  # and so does which of it counts most


def test_what_has_changed_is_large_on_the_ball_and_small_on_the_ground(sample):
    on = ball(sample, PAIR)
    from_, to = (sample.clip.frames[2 * step + 1].astype(float) for step in (PAIR, PAIR + 1))
    change = np.abs(to - from_).mean(2).reshape(32, 8, 32, 8).mean((1, 3))
    assert change[on].mean() > 3 * change[~grown(on)].mean()


def test_the_gate_is_what_offsets_are_read_from_and_nothing_else(sample):
    model, clip = sifa.load(), shipped.sample("object moves right")
    call, _ = shown_block(model, clip, sample.best_block)
    block, seen = call.block, sample.trace[sample.best_block]
    now, later = call.features[0, :, PAIR], call.features[0, :, PAIR + 1]
    gated = torch.sigmoid(later - now) * later
    strength = gated.square().mean(0).sqrt()
    np.testing.assert_allclose(seen.saliency[PAIR], strength, rtol=0, atol=seen.saliency.max() / 255 + 1e-3)
    assert block.conv_offset.weight.shape == (18, len(now), 3, 3)  # two numbers for each of the nine places
    offset = block.conv_offset(gated[None]).view(9, 2, 32, 32)
    np.testing.assert_allclose(seen.offset[PAIR], offset.detach(), rtol=0, atol=1 / 64 + 1e-3)
    call, traced = shown_block(model, reorder(clip, [0] * len(clip.frames)), sample.best_block)
    half = 0.5 * call.features[0, :, PAIR + 1].square().mean(0).sqrt()  # goes through where nothing changes
    np.testing.assert_allclose(traced.saliency[PAIR], half, rtol=1e-4)


def shown_block(model, clip, number):
    """A block's call on a clip, and its trace."""
    video, _ = preprocess(clip.frames, model.card.size)
    with torch.no_grad(), record(model) as trace, capture(model) as calls:
        model(video)
    return calls[number], trace[number]


def test_the_track_follows_the_ball_and_the_rigid_one_does_not(tour, sample):
    go(tour, titles(tour).index("Through time"))
    prose = tour.inner_text(".sifa-tour > p:last-child")
    now = state(tour)
    place = now["pair"], now["y"], now["x"]
    block = sample.trace[sample.best_block]
    track, rigid = (track_by_numpy(block, *place, still)[:, :2] for still in (False, True))
    said = re.findall(r"([\d.]+) cells", prose)
    assert said == [f"{abs(path[-1, 1] - path[0, 1]):.1f}" for path in (track, rigid)]
    assert track[-1, 1] - track[0, 1] > 8
    assert abs(rigid[-1, 1] - rigid[0, 1]) < (track[-1, 1] - track[0, 1]) / 2
    for pair, (y, x) in enumerate(np.rint(track[:-1]).astype(int)):
        assert ball(sample, pair)[y, x], pair


def test_steps_by_buttons_and_keys_and_the_end(tour):
    tour.click("[data-tour='1']")
    until(tour, "state.tour === 1")
    tour.keyboard.press("PageDown")
    until(tour, "state.tour === 2 && state.overlay === 'difference'")
    tour.keyboard.press("PageUp")
    until(tour, "state.tour === 1 && state.overlay === 'none'")
    tour.click("[data-tour=end]")
    until(tour, "state.tour === -1")
    assert tour.is_hidden(".sifa-tour")
    tour.keyboard.press("g")
    until(tour, "state.tour === 0")


@pytest.mark.parametrize("short", [True, False])
def test_a_step_can_be_linked_to(tour, chromium, file, short):
    go(tour, 5)
    tour.wait_for_function("() => location.hash.includes('tour=5')")
    link = f"{file.as_uri()}#tour=5" if short else tour.url
    context = chromium.new_context(viewport=dict(width=1280, height=900), offline=True, reduced_motion="reduce")
    other = context.new_page()
    other.goto(link)
    other.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")
    settle(other)
    assert state(other) == state(tour)
    assert pixels(other, CANVAS) == pixels(tour, CANVAS)
    context.close()


def test_other_clips_have_no_tour(page, tmp_path):
    other = SAMPLE.with_name("08_nothing_moves.sifa")
    (tmp_path / "a.html").write_text(explorer.to_html(other.read_bytes()))
    open_page(page, tmp_path / "a.html")
    assert page.is_hidden("[data-do=tour]")
    page.keyboard.press("g")
    settle(page)
    assert state(page)["tour"] == -1
