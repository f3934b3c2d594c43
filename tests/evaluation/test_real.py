import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import sifa
from sifa.cli import main
from sifa.data.motion import CLASSES, MotionClips, true_flow
from sifa.data.motion.classes import CAMERA, FILMED, THINGS
from sifa.errors import DataError
from sifa.evaluation import classical
from sifa.evaluation.agreement import FARNEBACK, evaluate_real
from sifa.evaluation.real import answers
from sifa.evaluation.real_words import describe_real
from sifa.video.preprocess import Crop
from sifa.video.write import write_mp4
from sifa.weights.groups import Group
from sifa.weights.shipped import MOTION_STEM
from tests.predictions import foreign_prediction, nano_model

SIZE, FRAMES, CELLS = 128, 16, 16
MOVES = [name for name in CAMERA if name != "camera still"]


def made(*names):
    """Held-out clips (clips, T, H, W, 3) of these motions, and the generator's batch."""
    batch = MotionClips("held-out", SIZE, FRAMES, seed=11).batch(
        0, torch.tensor([CLASSES.index(name) for name in names])
    )
    return (batch.video.permute(0, 2, 3, 4, 1) * 255).round().byte().numpy(), batch


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two pans and a clip in which nothing moves, in folders named after them; a damaged file, and two scenes."""
    folder, names = tmp_path_factory.mktemp("real"), ("camera pans left", "camera pans right", "nothing moves")
    clips, _ = made(*names)
    for name, frames in zip(names, clips, strict=True):
        (folder / name.replace(" ", "_")).mkdir()
        write_mp4(frames, folder / name.replace(" ", "_") / "clip.mp4", fps=8)
    (folder / "damaged.mp4").write_bytes(b"no video at all")
    scenes = np.concatenate([clips[0][:8], clips[2][8:]])
    write_mp4(scenes, folder / "scenes.mp4", fps=8)
    return folder


@pytest.fixture(scope="module")
def figures(folder):
    return evaluate_real(sifa.load(MOTION_STEM), folder)


def test_known_motion_is_found_by_the_model_and_by_opencv(figures):
    assert (figures["videos"], figures["windows"]) == (3, 3)
    assert figures["camera"]["by_motion"] == {
        "camera pans left": [1, 1],
        "camera pans right": [1, 1],
        "camera still": [1, 1],
    }
    assert figures["camera"]["agrees"] == figures["camera"]["agrees_still"] == 1
    assert figures["camera"]["second_method_agrees"] == 1
    assert figures["labelled"] == dict(windows=3, camera_right=1.0, opencv_camera_right=1.0)


def test_arrows_follow_the_dense_flow(figures):
    arrows, other = figures["flow"][figures["opens_on"]], figures["flow"][FARNEBACK]
    assert arrows["grid"] == other["grid"] == CELLS
    assert arrows["cells"] == other["cells"] > 1000
    assert arrows["cosine"] > 0.9
    assert other["cosine"] > 0.97
    assert other["error"] < arrows["error"] < 0.6
    assert other["static"] < arrows["static"] < 0.15
    assert set(arrows["length_by_speed"]) == {"0.25-0.5", "0.5-1", "1-2", "2-4"}


def test_what_is_left_out_is_named_with_its_reason(figures):
    assert [(each["video"], each["start"]) for each in figures["refused"]] == [("damaged.mp4", None), ("scenes.mp4", 0)]
    assert "damaged.mp4 could not be read as a video" in figures["refused"][0]["why"]
    assert figures["refused"][1]["why"] == "it crosses a cut"


def test_words_say_agreement_where_nobody_knows_the_truth(figures):
    said = describe_real(figures)
    assert "left out: scenes.mp4, from frame 0: it crosses a cut" in said
    assert "right about the camera: the model 100.0%, OpenCV 100.0%" in said
    assert "accuracy" not in said
    assert f"* {figures['opens_on']}" in said
    unknown = describe_real({**figures, "labelled": None})
    assert "this is agreement with OpenCV, which may be wrong itself, and not accuracy" in unknown
    assert "no camera motion to compare" in describe_real({**figures, "camera": None, "labelled": None})


def test_weights_of_other_classes_are_compared_by_their_arrows_alone(folder):
    model = nano_model()
    model.card = replace(model.card, labels=tuple(f"class {i}" for i in range(24)))
    found = evaluate_real(model, folder)
    assert (found["camera"], found["labelled"]) == (None, None)
    assert found["flow"][found["opens_on"]]["cells"] > 1000


@pytest.mark.parametrize(("name", "why"), [("none", "there is no folder"), (".", "there is no video below")])
def test_a_folder_without_videos_is_refused(name, why, tmp_path):
    with pytest.raises(DataError, match=why):
        evaluate_real(nano_model(), tmp_path / name)


def test_a_folder_without_a_whole_video_is_refused_with_the_first_reason(tmp_path):
    (tmp_path / "damaged.mp4").write_bytes(b"no video at all")
    with pytest.raises(DataError, match=r"none of the 1 videos .* can be measured; the first: damaged\.mp4 could"):
        evaluate_real(nano_model(), tmp_path)


def test_features_and_dense_flow_find_every_camera_motion_of_generated_clips():
    clips, batch = made(*MOVES, "nothing moves")
    flows, visible = true_flow(batch, 2, CELLS)
    sums = np.zeros(2)
    for frames, name, true, seen in zip(clips, (*MOVES, "camera still"), flows.numpy(), visible.numpy(), strict=True):
        pictures = classical.squares(frames, Crop(1.0, 0.0, 0.0, SIZE))
        assert pictures.shape == (FRAMES, SIZE, SIZE)
        there, valid = classical.flow_there_and_back(pictures)
        assert classical.camera_by_features(pictures).label == name
        assert classical.camera_by_flow(there).label == name
        way, good = classical.chained(there[1:3], valid[1:3])
        found = np.moveaxis(classical.on_grid(way, CELLS)[..., ::-1], -1, 0) * CELLS / SIZE
        known = seen[0] & (classical.on_grid(good.astype(np.float32), CELLS) > 0.9)
        assert known.mean() > 0.2
        sums += [np.linalg.norm(each, axis=0)[known].sum() for each in (found - true[0], true[0])]
    assert sums[0] < 0.1 * sums[1]


def test_a_camera_that_goes_to_and_fro_or_in_two_ways_has_no_dominant_motion():
    frames, _ = made("camera pans left", "camera tilts up")
    pan, tilt = (classical.squares(each, Crop(1.0, 0.0, 0.0, SIZE)) for each in frames)
    assert classical.camera_by_features(np.concatenate([pan, pan[::-1]])).dominant is None
    both = [np.roll(each, (2 * t, 2 * t), (0, 1)) for t, each in enumerate([tilt[0]] * 12)]
    assert classical.camera_by_features(np.stack(both)).dominant is None


def test_pictures_without_features_say_nothing_of_the_camera():
    assert classical.camera_by_features(np.full((4, SIZE, SIZE), 90, np.uint8)) is None


# What is said of the camera and of things


def with_groups(*groups):
    """A prediction with the labels of the second family; in each of two halves the first is the likeliest."""
    made = foreign_prediction()
    logits = np.zeros(len(FILMED), np.float32)
    logits[[0, len(CAMERA)]] = 3.0
    return replace(made, labels=FILMED, logits=logits, card=replace(made.card, labels=FILMED, groups=groups))


def test_one_answer_is_both():
    prediction = foreign_prediction()
    assert answers(prediction) == dict.fromkeys(("camera", "things"), prediction.top(1)[0])


def test_two_answers_are_told_apart_by_the_names_of_their_groups_and_a_threshold_makes_one_unsure():
    camera, things = Group("camera", 0, len(CAMERA)), Group("things", len(CAMERA), len(FILMED), 0.9)
    found = answers(with_groups(camera, things))
    assert list(found) == ["camera", "things"]
    assert found["camera"][0] == CAMERA[0]
    assert found["things"][0] == "unsure"
    assert 0.4 < found["things"][1] < 0.9
    found = answers(with_groups(camera, replace(things, unsure_below=0.0)))
    assert found["things"] == (THINGS[0], pytest.approx(np.exp(3) / (np.exp(3) + len(THINGS) - 1)))


def test_other_groups_are_refused():
    groups = Group("verb", 0, 5), Group("noun", 5, len(FILMED))
    with pytest.raises(DataError, match="in the groups verb, noun; .* the groups camera and things"):
        answers(with_groups(*groups))


# The command


def test_the_command_prints_the_figures_as_json(folder, figures, capsys):
    assert main(["evaluate", "--real", str(folder), "--checkpoint", str(MOTION_STEM), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures


def test_without_opencv_the_command_says_what_to_install(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(sys.modules, "sifa.evaluation.classical")
    monkeypatch.delitem(sys.modules, "sifa.evaluation.agreement")
    monkeypatch.delattr("sifa.evaluation.classical")
    assert main(["evaluate", "--real", str(folder)]) == 1
    assert capsys.readouterr().err.endswith(
        "this needs cv2, which is not installed; pip install 'sifa-explorer[real]'\n"
    )
