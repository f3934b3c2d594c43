"""Whole photographs, filmed: the pictures follow the motion that the scene states."""

import pytest
import torch
import torch.nn.functional as F

from sifa.data.motion import true_flow
from sifa.data.motion.shots import SHOTS, film


@pytest.mark.parametrize("title", SHOTS)
def test_each_pixel_goes_where_the_true_motion_says(title):
    clip = film(SHOTS[title], 128, 9)
    assert clip.video.shape == (1, 3, 9, 128, 128)
    assert 0 <= clip.video.min() < 0.2 < 0.8 < clip.video.max() <= 1
    flow, visible = true_flow(clip, 1, 128)
    assert visible.float().mean() > 0.7
    for pair in range(8):
        one, other = clip.video[0, :, pair], clip.video[0, :, pair + 1]
        at = (torch.arange(128) + 0.5) / 128 * 2 - 1
        y, x = torch.meshgrid(at, at, indexing="ij")
        there = torch.stack([x + flow[0, pair, 1] / 64, y + flow[0, pair, 0] / 64], -1)
        moved = F.grid_sample(other[None], there[None], align_corners=False)[0]
        wrong, still = (((each - one).abs().mean(0))[visible[0, pair]].mean() for each in (moved, other))
        assert wrong < 0.5 * still, (pair, wrong, still)


def test_the_labels_are_the_shots_own_and_the_clip_is_the_same_each_time():
    shot = SHOTS["cup slides over a table"]
    one, other = film(shot, 64, 3), film(shot, 64, 3)
    assert torch.equal(one.video, other.video)
    assert one.labels.sum() == 2
    assert set(one.owner.unique().tolist()) == {0, 1}  # the table and the cup
