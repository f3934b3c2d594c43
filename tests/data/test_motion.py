import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sifa.data.motion import (
    CLASSES,
    MIRRORED,
    REVERSED,
    MotionClips,
    balanced_labels,
    flow_at,
    join_batches,
    pasted,
    true_flow,
)
from sifa.data.motion.textures import PHOTOGRAPHS, photographs
from sifa.data.motion.wear import blur, compress, letterbox
from sifa.video.read import read_clip


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


def test_clips_without_a_scene_have_no_true_flow(clips):
    batch = clips.batch(0, balanced_labels(2))
    with pytest.raises(ValueError, match="no scene"):
        true_flow(batch._replace(scene=None, owner=None), tubelet=2, grid=16)
    whole = join_batches([batch, batch])
    assert whole.video.shape[0] == whole.owner.shape[0] == whole.scene.present.shape[0] == 4
    assert join_batches([batch, batch._replace(scene=None, owner=None)]).scene is None


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="no split 'test' of the photographs; choose one of train, held-out"):
        MotionClips("test", size=64, num_frames=2)


def test_balanced_labels_cover_all_classes():
    assert np.bincount(balanced_labels(48)).tolist() == [2] * 24


def test_worn_clips_have_the_faults_of_uploads_and_the_same_motion(clips):
    worn = MotionClips("held-out", size=64, num_frames=16, seed=2, textures=20, worn=True)
    labels = balanced_labels(24)
    clean, faulty = clips.batch(0, labels), worn.batch(0, labels)
    assert torch.equal(clean.scene.camera, faulty.scene.camera)
    changed = (clean.video != faulty.video).flatten(1).any(1)
    assert 0.4 < changed.float().mean() < 1
    assert torch.equal(faulty.video, worn.batch(0, labels).video)
    assert 0 <= faulty.video.min() <= faulty.video.max() <= 1 + 1e-6


def test_letterbox_bars_do_not_move(clips):
    batch = clips.batch(0, label("camera pans left"))
    letterbox(batch.video[0], batch.owner[0], across=True, share=0.25, level=0.0)
    assert batch.video[0, :, :, :16].max() == 0
    flow, visible = true_flow(batch, tubelet=2, grid=16)
    assert flow[0, :, :, :3].abs().max() == 0
    assert visible[0, :, :3].all()
    assert flow[0, :, 1, 6:10].abs().mean() > 0.05


def test_blur_and_compression_take_detail_away():
    torch.manual_seed(0)
    clips = torch.rand(2, 3, 2, 64, 64)
    detail = lambda video: video.diff(dim=-1).abs().mean((1, 2, 3, 4))
    blurred = blur(clips, torch.tensor([1.0, 0.6]))
    assert (detail(blurred) < torch.tensor([0.5, 0.8]) * detail(clips)).all()
    assert detail(blurred)[0] < 0.8 * detail(blurred)[1]
    torch.testing.assert_close(blurred.transpose(-1, -2), blur(clips.transpose(-1, -2), torch.tensor([1.0, 0.6])))
    torch.testing.assert_close(blurred.mean(), clips.mean(), atol=0.01, rtol=0)
    torch.testing.assert_close(compress(clips, torch.tensor([1e-4, 1e-4])), clips, atol=1e-3, rtol=0)
    fine, rough = compress(clips, torch.tensor([1e-4, 0.5]))
    torch.testing.assert_close(fine, clips[0], atol=1e-3, rtol=0)
    assert (detail(rough[None]) < detail(clips[1:])).all()
    assert (rough - clips[1]).abs().mean() > 0.05


def test_a_clip_may_stop_before_its_end_or_show_frames_twice(clips):
    camera = torch.cat([clips.batch(i, label("camera pans left", 40)).scene.camera for i in range(3)])
    still = (camera[:, 1:] == camera[:, :-1]).flatten(2).all(2)  # (clips, steps)
    assert 0 < still[:, -1].float().mean() < 0.3  # stopped
    assert 0 < (still[:, 0] & ~still[:, 1]).float().mean() < 0.3  # frames in pairs


def test_near_things_move_more_with_the_camera_and_followed_ones_not_at_all(clips):
    scene = clips.batch(0, label("camera pans left", 60)).scene
    travelled = lambda layer: (layer[:, -1] - layer[:, 0])[:, 0, 2]
    ratio = travelled(scene.front) / travelled(scene.camera)
    assert (ratio > 1.05).any()
    assert (ratio.abs() < 0.02).any()


def test_pasted_clips_are_real_files_in_folders_of_their_class(tmp_path):
    pasted.make(tmp_path, classes=("object moves up", "nothing moves"))
    files = sorted(tmp_path.rglob("*.mp4"))
    assert len(files) == 20
    frames = read_clip(files[0], 16, 4).frames.astype(float)
    assert files[0].parent.name == "nothing moves"
    assert np.abs(frames[0] - frames[-1]).mean() < 2
    frames = read_clip(files[-1], 16, 4).frames.astype(float)
    assert np.abs(frames[0] - frames[-1]).mean() > 2
