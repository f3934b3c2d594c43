import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sifa.motion import CLASSES, MIRRORED, REVERSED, MotionClips, balanced_labels, flow_at, true_flow
from sifa.motion.textures import PHOTOGRAPHS, photographs


@pytest.fixture(scope="module")
def clips():
    return MotionClips("held-out", size=64, num_frames=16, seed=2, textures=20)


def label(name, count=6):
    return torch.full((count,), CLASSES.index(name))


def test_the_same_index_gives_the_same_clips_whatever_came_before(clips):
    first = clips.batch(3, balanced_labels(5))
    clips.batch(4, balanced_labels(5))
    again = MotionClips("held-out", size=64, num_frames=16, seed=2, textures=20).batch(3, balanced_labels(5))
    assert torch.equal(first.video, again.video)
    assert not torch.equal(first.video, clips.batch(5, balanced_labels(5)).video)
    assert first.video.shape == (5, 3, 16, 64, 64)
    assert 0 <= first.video.min() <= first.video.max() <= 1


def test_held_out_photographs_are_never_trained_on():
    assert not set(PHOTOGRAPHS["train"]) & set(PHOTOGRAPHS["held-out"])
    assert len(photographs("train")) >= 10
    assert len(photographs("held-out")) >= 4


def test_opposites_are_mutual():
    for swapped in (MIRRORED, REVERSED):
        assert set(swapped) == set(CLASSES)
        assert all(swapped[swapped[name]] == name for name in CLASSES)


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [("camera pans left", 1, 1), ("camera pans right", 1, -1), ("camera tilts up", 0, 1), ("camera tilts down", 0, -1)],
)
def test_when_the_camera_turns_the_picture_moves_the_other_way(clips, name, axis, sign):
    flow, visible = true_flow(clips.batch(0, label(name)), tubelet=2, grid=16)
    along = flow[:, :, axis][visible]
    across = flow[:, :, 1 - axis][visible]
    assert (along * sign > 0).float().mean() > 0.95
    assert along.abs().mean() > 3 * across.abs().mean()


def test_the_flow_carries_the_picture_along(clips):
    """Reading the later frame where the flow points gives the earlier frame better than not moving does."""
    batch = clips.batch(1, label("camera rolls clockwise"))
    flow, visible = true_flow(batch, tubelet=2, grid=64)
    step, later = batch.video[:, :, 5], batch.video[:, :, 7]  # middle frames of steps 2 and 3
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    to = torch.stack([x + flow[:, 2, 1], y + flow[:, 2, 0]], -1)
    warped = F.grid_sample(later, (to + 0.5) / 32 - 1, align_corners=False)
    seen = visible[:, 2, None].expand_as(step)
    assert (warped - step)[seen].abs().mean() < 0.7 * (later - step)[seen].abs().mean()


def test_nothing_moves_but_a_trembling_hand(clips):
    flow, visible = true_flow(clips.batch(2, label("nothing moves")), tubelet=2, grid=16)
    assert flow.norm(dim=2)[visible].max() < 1


def test_covered_cells_are_not_visible(clips):
    _, visible = true_flow(clips.batch(3, label("one object passes in front of another")), tubelet=2, grid=16)
    assert 0.5 < visible.float().mean() < 1


def test_flow_on_a_coarser_grid_is_the_mean_in_its_own_cells():
    flow = torch.zeros(1, 1, 2, 4, 4)
    flow[..., :2, :2] = 2.0
    visible = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    visible[0, 0, 2:, 2:] = False
    coarse, valid = flow_at(flow, visible, 2)
    assert coarse[0, 0, 0].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert valid[0, 0].tolist() == [[True, True], [True, False]]


def test_balanced_labels_cover_all_classes():
    assert np.bincount(balanced_labels(48)).tolist() == [2] * 24
