"""The tour: what each step claims is so in the sample that it points at, and each step can be linked to."""

import math
import re

import numpy as np
import pytest
import torch

import sifa
from sifa import explorer
from sifa.model.sampling import sampling_points
from sifa.tracing.hooks import capture, record
from sifa.tracing.interventions import reorder
from sifa.video.preprocess import preprocess
from sifa.weights import shipped
from sifa.weights.card import load_card
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.browser.test_viewer import CANVAS, open_page, pixels, settle, state, until
from tests.model import reference
from tests.viewer.by_numpy import track_by_numpy

pytestmark = pytest.mark.slow

SAMPLE = DEFAULT_CHECKPOINT.parent / "samples" / "02_object_moves_right.sifa"
PAIR, Y, X = 3, 10, 8
MOVING = 0.25  # cells of true motion


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
    block, true = sample.trace[0], sample.true_flow[0]
    field, flow, seen = block.displacement[PAIR], true.flow[PAIR], true.visible[PAIR]
    weights, offsets = block.attention[PAIR, :, Y, X], block.offset[PAIR, :, :, Y, X]
    strongest = block.points[PAIR, np.abs(weights).argmax(), :, Y, X]
    length = np.linalg.norm(field, axis=0)
    moving = np.linalg.norm(flow, axis=0) > MOVING
    mean = [np.linalg.norm(b.displacement, axis=1).mean() for b in sample.trace]
    what_if = {each.name: each for each in sample.what_if}
    percent = lambda p: f"{100 * p:.1f} %"

    def probability(logits):
        e = np.exp(logits - logits.max())
        return float((e / e.sum())[sample.logits.argmax()])

    deletion = sample.trust.deletion
    return {
        "A regular grid": [f"the same {len(weights)} places", f"moved {np.linalg.norm(flow[:, Y, X]):.2f} cells"],
        "Offsets": [words(offsets.mean(0))],
        "Between the cells": ["at y {:.2f}, x {:.2f}".format(*(math.floor(v * 100 + 0.5) / 100 for v in strongest))],
        "Weights": [f"+{weights.min():.2f} to +{weights.max():.2f}", f"sum is +{weights.sum():.2f}"],
        "Where the attention went": [words(field[:, Y, X]), words(flow[:, Y, X])],
        "The whole field": [f"{length[moving & seen].mean():.2f} cells", f"{length[~moving & seen].mean():.2f} cells"],
        "Deeper": [
            "last of 4 blocks", "in 4 × 4 cells", "as 4 × 4 cells of the first block", "are shorter",
            f"{mean[3]:.2f} cells long", f"{mean[0]:.2f} cells in the first",
        ],
        "All of it at once": [f"{sum(len(b.attention) for b in sample.trace)} in all"],
        "What if the grid stayed regular?": [
            "stays “object moves right”",
            f"{percent(probability(sample.logits))} → {percent(probability(what_if['rigid'].logits))}",
        ],
        "What if nothing moved?": [
            "becomes “nothing moves”",
            f"{mean[0]:.2f} cells to {what_if['frozen'].lengths[0]:.2f} cells",
        ],
        "How far to trust it": [
            f"the {deletion.removed} strongest",
            *(percent(getattr(deletion, key)) for key in ("probability", "strongest", "random", "all")),
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
    """(16, 16) bool: the cells of the first block that are on the ball, which is all that moves."""
    return np.linalg.norm(sample.true_flow[0].flow[pair], axis=0) > MOVING


def grown(mask) -> np.ndarray:
    """A mask and the cells beside, above and below it."""
    padded = np.pad(mask, 1)
    return mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]


def test_what_the_tour_says_without_a_number_is_so(sample):
    block, on = sample.trace[0], ball(sample, PAIR)
    assert on[Y, X]  # the cell that asks
    assert (sample.true_flow[0].flow[PAIR, 1][on] > 0.5).all()  # it moves to the right
    strongest = block.points[PAIR, np.abs(block.attention[PAIR, :, Y, X]).argmax(), :, Y, X]
    assert np.abs(strongest - np.rint(strongest)).max() > 0.1  # between the cells
    assert (block.attention < 0).any()  # a bad match can count less than nothing
    assert not np.allclose(block.attention.sum(1), 1)  # no softmax
    assert block.displacement[PAIR, 1][on].mean() > 0.4  # the ball moves to the right, and the arrows with it
    assert load_card(DEFAULT_CHECKPOINT).recipe["flow_weight"] > 0  # told to agree with the true motion
    mean = [np.linalg.norm(b.displacement, axis=1).mean() for b in sample.trace]
    assert mean[-1] == min(mean) < mean[0] / 2  # deeper, arrows are shorter
    what_if = {each.name: each for each in sample.what_if}
    assert what_if["frozen"].lengths[0] < mean[0] / 4  # without motion, they shrink
    assert what_if["rigid"].logits.argmax() == sample.logits.argmax()  # offsets alone do not decide it
    deletion = sample.trust.deletion
    assert deletion.all < deletion.probability - 0.2  # what the blocks read matters
    assert abs(deletion.strongest - deletion.probability) < 0.02  # which counts most hardly does


def test_what_has_changed_is_large_on_the_ball_and_small_on_the_ground(sample):
    on = ball(sample, PAIR)
    from_, to = (sample.clip.frames[2 * step + 1].astype(float) for step in (PAIR, PAIR + 1))
    change = np.abs(to - from_).mean(2).reshape(16, 16, 16, 16).mean((1, 3))
    assert change[on].mean() > 3 * change[~grown(on)].mean()


def test_the_gate_is_what_offsets_are_read_from_and_nothing_else(sample):
    model, clip = sifa.load(), shipped.sample("object moves right")
    call, _ = first_block(model, clip)
    block, seen = call.block, sample.trace[0]
    now, later = call.features[0, :, PAIR], call.features[0, :, PAIR + 1]
    gated = torch.sigmoid(later - now) * later
    strength = gated.square().mean(0).sqrt()
    np.testing.assert_allclose(seen.saliency[PAIR], strength, rtol=0, atol=seen.saliency.max() / 255 + 1e-3)
    assert block.conv_offset.weight.shape == (18, len(now), 3, 3)  # two numbers for each of the nine places
    offset = block.conv_offset(gated[None]).view(9, 2, 16, 16)
    np.testing.assert_allclose(seen.offset[PAIR], offset.detach(), rtol=0, atol=1 / 64 + 1e-3)
    points = sampling_points(call.output.offset, 3)[0, PAIR, :, :, Y, X]
    dots = [reference.bilinear(later.numpy(), *point) @ now[:, Y, X].numpy() for point in points.tolist()]
    atol = np.ptp(seen.attention[PAIR]) / 255 + 1e-3
    np.testing.assert_allclose(seen.attention[PAIR, :, Y, X], np.array(dots) / len(now), rtol=0, atol=atol)
    call, traced = first_block(model, reorder(clip, [0] * len(clip.frames)))
    half = 0.5 * call.features[0, :, PAIR + 1].square().mean(0).sqrt()  # goes through where nothing changes
    np.testing.assert_allclose(traced.saliency[PAIR], half, rtol=1e-4)


def first_block(model, clip):
    """The first block's call on a clip, and its trace."""
    video, _ = preprocess(clip.frames, model.card.size)
    with torch.no_grad(), record(model) as trace, capture(model) as calls:
        model(video)
    return calls[0], trace[0]


def test_the_track_follows_the_ball_and_the_rigid_one_does_not(tour, sample):
    go(tour, titles(tour).index("Through time"))
    prose = tour.inner_text(".sifa-tour > p:last-child")
    now = state(tour)
    place = now["pair"], now["y"], now["x"]
    track, rigid = (track_by_numpy(sample.trace[0], *place, still)[:, :2] for still in (False, True))
    said = re.findall(r"([\d.]+) cells", prose)
    assert said == [f"{abs(path[-1, 1] - path[0, 1]):.1f}" for path in (track, rigid)]
    assert track[-1, 1] - track[0, 1] > 4
    assert abs(rigid[-1, 1] - rigid[0, 1]) < 1
    for pair, (y, x) in enumerate(np.rint(track[:-1]).astype(int)):
        assert ball(sample, pair)[y, x], pair
    y, x = np.rint(rigid[-2]).astype(int)
    assert not ball(sample, 6)[y, x]  # the ball has left where the regular grid looks


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
