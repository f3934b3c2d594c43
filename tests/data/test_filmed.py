"""The second family of scenes: its labels are what the matrices do, and its clips show the matrices."""

import math

import pytest
import torch

from sifa.data.motion import CLASSES, join_batches, true_flow
from sifa.data.motion.classes import CAMERA, FILMED, THINGS
from sifa.data.motion.filmed import (
    DIRECTIONS,
    FIRST,
    GROUND,
    LIMB_BEFORE,
    LIMB_BEHIND,
    SECOND,
    SEEN,
    STILL,
    draw_filmed,
)
from sifa.data.motion.filmed_clips import BARS, FilmedClips, pairs_of_labels
from sifa.evaluation.filmed import both_labels

COUNT, FRAMES = 200, 16


def scenes(camera, things, seed=0, count=COUNT):
    labels = torch.full((count,), CAMERA.index(camera)), torch.full((count,), THINGS.index(things))
    return draw_filmed(*labels, FRAMES, torch.Generator().manual_seed(seed))


def travelled(matrices, still=()):
    """(B, places, 2) how far places of the picture's middle go from the first to the last frame, in sides; matrices
    (B, T, 3, 3) of a layer, in the coordinates of the layers `still` where those are given."""
    relative = matrices if isinstance(still, tuple) else torch.linalg.inv(still) @ matrices
    at = torch.linspace(-0.7, 0.7, 5)
    y, x = torch.meshgrid(at, at, indexing="ij")
    places = torch.stack([x.flatten(), y.flatten(), torch.ones(25)], 1)
    first, last = (torch.einsum("bij,pj->bpi", relative[:, t], places)[..., :2] for t in (0, -1))
    return (last - first) / 2


def test_the_labels_are_two_groups():
    assert len(CAMERA) == 9
    assert len(THINGS) == 17
    assert (*CAMERA, *THINGS) == FILMED
    assert set(FILMED) == set(CLASSES) | {"camera still", "several motions"}
    assert both_labels("camera pans left") == (0, THINGS.index("nothing moves"))
    assert both_labels("object shakes") == (CAMERA.index("camera still"), THINGS.index("object shakes"))
    assert both_labels("nothing moves") == (CAMERA.index("camera still"), THINGS.index("nothing moves"))


def test_all_pairs_of_labels_come_and_a_third_are_of_the_camera_alone():
    pairs = pairs_of_labels(3 * 9 * 17)
    alone = pairs[:, 1] == THINGS.index("nothing moves")
    assert set(pairs[:, 0].tolist()) == set(range(9))
    assert set(pairs[:, 1].tolist()) == set(range(17))
    assert 1 / 3 <= alone.float().mean() <= 0.4


@pytest.mark.parametrize(("camera", "axis", "sign"), [("camera pans left", 0, 1), ("camera pans right", 0, -1),
                                                      ("camera tilts up", 1, 1), ("camera tilts down", 1, -1)])  # fmt: skip
def test_what_a_panning_camera_sees_goes_the_other_way(camera, axis, sign):
    made, targets = scenes(camera, "nothing moves")
    clear = targets[:, CAMERA.index(camera)] > 0.9
    moved = travelled(made.layers[:, :, GROUND])[clear].mean(1)
    assert (sign * moved[:, axis] > SEEN / 2).all()
    assert (moved[:, 1 - axis].abs() < 0.75 * moved[:, axis].abs()).float().mean() > 0.9


def test_a_still_camera_moves_less_than_its_limit():
    made, targets = scenes("camera still", "nothing moves")
    assert (targets[:, CAMERA.index("camera still")] == 1).all()
    assert travelled(made.layers[:, :, GROUND]).norm(dim=-1).mean(1).max() < 2.5 * STILL


@pytest.mark.parametrize(("camera", "sign"), [("camera zooms in", 1), ("camera zooms out", -1)])
def test_zooms_change_the_size_of_the_ground(camera, sign):
    made, targets = scenes(camera, "nothing moves")
    clear = targets[:, CAMERA.index(camera)] > 0.9
    size = made.layers[:, :, GROUND, :2, :2].det().sqrt()
    assert (sign * (size[:, -1] / size[:, 0]).log()[clear] > 0.1).all()


@pytest.mark.parametrize(("camera", "sign"), [("camera rolls clockwise", -1), ("camera rolls counter-clockwise", 1)])
def test_rolls_turn_the_ground_the_other_way(camera, sign):
    made, targets = scenes(camera, "nothing moves")
    clear = targets[:, CAMERA.index(camera)] > 0.9
    turn = torch.atan2(made.layers[:, :, GROUND, 1, 0], made.layers[:, :, GROUND, 0, 0])
    change = (turn[:, -1] - turn[:, 0] + math.pi) % (2 * math.pi) - math.pi
    assert (
        sign * change[clear] > 0
    ).float().mean() > 0.97  # a turn by more than half a circle may look like the other one


def test_a_camera_that_does_two_things_has_two_labels():
    shares = torch.cat([scenes(camera, "nothing moves", seed)[1] for seed, camera in enumerate(CAMERA[:8])])[:, :9]
    assert torch.allclose(shares.sum(1), torch.ones(len(shares)))
    two = (shares == 0.5).sum(1) == 2
    assert 0.05 < two.float().mean() < 0.2
    opposite = two & ((shares[:, 0:8:2] == 0.5) & (shares[:, 1:8:2] == 0.5)).any(1)
    assert 0.01 < opposite.float().mean() < 0.1, "to and fro"


@pytest.mark.parametrize(("pan", "way"), DIRECTIONS.items())
def test_a_followed_subject_moves_in_the_world_and_hardly_in_the_picture(pan, way):
    made, targets = scenes(pan, way)
    ground, subject = made.layers[:, :, GROUND], made.layers[:, :, FIRST]
    clear = targets[:, CAMERA.index(pan)] > 0.9
    in_picture = (subject[:, -1, :2, 2] - subject[:, 0, :2, 2])[clear]
    place = torch.linalg.inv(ground) @ subject
    in_world = (place[:, -1, :2, 2] - place[:, 0, :2, 2])[clear]
    axis = 0 if "pans" in pan else 1
    sign = -1 if way.endswith(("left", "up")) else 1
    assert (sign * in_world[:, axis] > 0).float().mean() > 0.97
    followed = in_picture.norm(dim=1) < 0.35 * in_world.norm(dim=1)
    assert 0.4 < followed.float().mean() < 0.9


def test_limbs_hang_on_their_body():
    made, _ = scenes("camera still", "object moves right")
    there = made.present[:, LIMB_BEFORE]
    assert torch.equal(there, made.present[:, LIMB_BEHIND])
    assert 0.15 < there.float().mean() < 0.45
    assert made.present[:, FIRST].all()
    inside = torch.linalg.inv(made.layers[:, :, FIRST]) @ made.layers[:, :, LIMB_BEFORE]
    hip = torch.einsum("btij,j->bti", inside, torch.tensor([0.0, -0.8, 1.0]))[..., :2]
    assert torch.allclose(hip, torch.tensor([0.0, 0.45]).expand_as(hip), atol=1e-4)


def test_several_motions_are_several():
    made, _ = scenes("camera still", "several motions")
    limbs, second = made.present[:, LIMB_BEFORE], made.present[:, SECOND]
    assert (limbs | second).all()
    one, other = (travelled(made.layers[:, :, layer]) for layer in (FIRST, SECOND))
    assert (limbs | ((one - other).norm(dim=-1).mean(1) > 0.05)).float().mean() > 0.9


def test_the_same_seed_gives_the_same_clips():
    source = FilmedClips("train", 32, 8, seed=3, textures=20, worn=True)
    labels = pairs_of_labels(12)
    one, other = source.batch(5, labels), FilmedClips("train", 32, 8, seed=3, textures=20, worn=True).batch(5, labels)
    assert torch.equal(one.video, other.video)
    assert torch.equal(one.owner, other.owner)
    assert not torch.equal(one.video, source.batch(6, labels).video)
    assert one.video.shape == (12, 3, 8, 32, 32)
    assert 0 <= one.video.min() < one.video.max() <= 1
    assert one.owner.max() <= BARS
    assert torch.equal(one.labels[:, len(CAMERA) :].argmax(1), labels[:, 1])
    whole = join_batches([one, source.batch(6, labels)])
    assert whole.scene.layers.shape == (24, 8, BARS, 3, 3)
    assert whole.labels.shape == (24, 26)


def test_the_true_flow_is_that_of_the_layer_that_is_seen():
    """Where it says that a place goes to, the next picture looks like this one."""
    clips = FilmedClips("train", 64, 16, seed=4, textures=40).batch(0, pairs_of_labels(27))
    flow, visible = true_flow(clips, tubelet=1, grid=32)
    video = clips.video.mean(1)
    cells = video.unflatten(2, (32, 2)).unflatten(4, (32, 2)).mean((3, 5))  # (B, T, 32, 32)
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    at = torch.stack([x, y], -1) + flow.flip(2).permute(0, 1, 3, 4, 2)
    grid = ((at + 0.5) / 16 - 1).flatten(0, 1)
    shown = torch.nn.functional.grid_sample(cells[:, 1:].flatten(0, 1)[:, None], grid, align_corners=False)[:, 0]
    shown = shown.view(27, 15, 32, 32)
    followed = (shown - cells[:, :-1]).abs()[visible].mean()
    stayed = (cells[:, 1:] - cells[:, :-1]).abs()[visible].mean()
    assert followed < 0.6 * stayed
    assert visible.float().mean() > 0.6
