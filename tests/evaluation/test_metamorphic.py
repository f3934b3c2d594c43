import json
from dataclasses import replace

import numpy as np
import pytest

import sifa
from sifa.cli import main
from sifa.data.motion import pasted
from sifa.errors import DataError
from sifa.evaluation.metamorphic import Window, check_folder, check_window, windows
from sifa.video.write import write_mp4
from sifa.weights.card import load_card
from sifa.weights.shipped import DEFAULT_CHECKPOINT, MOTION_STEM
from tests.clips import numbered_frames

CARD = load_card(DEFAULT_CHECKPOINT)


@pytest.fixture(scope="module")
def panned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panned")
    pasted.make(folder, classes=("camera pans left",))
    return folder


def window(**changes):
    expected = dict(reversed="camera pans right", mirrored="camera pans right", frozen="nothing moves")
    return Window("clip.mp4", 0, "camera pans left", 0.9, **expected | changes)


def test_what_must_follow_from_a_pan_to_the_left():
    assert window().failures == []
    assert window(reversed="camera pans left").failures == ["reversed"]
    assert window(mirrored="camera tilts up", frozen="object shakes").failures == ["mirrored", "frozen"]


def test_what_must_follow_from_two_answers():
    two = Window(
        "clip.mp4", 0, "camera pans left, several motions", 0.9, "camera pans right, several motions",
        "camera pans right, several motions", "camera still, nothing moves",
    )  # fmt: skip
    assert two.failures == []
    assert replace(two, frozen="nothing moves", mirrored=two.label).failures == ["mirrored", "frozen"]
    still = replace(two, label="camera still, object moves up", reversed="camera still, object moves down")
    assert replace(still, mirrored=still.label).failures == []


def test_a_real_pan_holds_in_every_way(panned):
    found = check_window(sifa.load(MOTION_STEM), sifa.read_clip(panned / "camera pans left/0_1.0.mp4", 16, 4))
    assert found.label == "camera pans left"
    assert found.probability > 0.8
    assert found.failures == []


def test_long_videos_are_cut_into_windows_and_short_ones_slowed(tmp_path):
    frames = numbered_frames(200)
    write_mp4(frames, tmp_path / "long.mp4")
    write_mp4(frames[:40], tmp_path / "short.mp4")
    assert [int(c.indices[0]) for c in windows(tmp_path / "long.mp4", CARD, 8)] == [0, 61, 122]
    assert len(list(windows(tmp_path / "long.mp4", CARD, 2))) == 2
    (short,) = windows(tmp_path / "short.mp4", CARD, 8)
    assert short.sampling_rate == 2
    assert short.padded == 0


def test_windows_with_a_cut_are_left_out(panned, tmp_path):
    first, second = sorted(panned.rglob("*.mp4"))[:2]
    shots = [sifa.read_clip(file, 30).frames for file in (first, second)]
    write_mp4(np.concatenate([shots[0], shots[1][:, ::-1, ::-1], shots[1][-1:]]), tmp_path / "cut.mp4")
    check = check_folder(sifa.load(), tmp_path)
    assert (check.cuts, check.windows) == (1, [])


def test_the_command_names_what_it_could_not_read(panned, capsys):
    (panned / "broken.mp4").write_bytes(b"nothing" * 99)
    assert main(["metamorphic", str(panned), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["windows"]) == 10
    assert found["hold"] <= found["sure"] <= 10
    assert "broken.mp4" in found["unreadable"]
    assert main(["metamorphic", str(panned)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.endswith("  holds") for line in lines) == found["hold"]
    assert lines[-1].startswith("left out: 0 windows that cross a cut, 1 files")


def test_folders_and_models_that_cannot_be_checked_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no video below"):
        check_folder(sifa.load(), tmp_path)
    with pytest.raises(DataError, match="the check needs the 24 motions; this model knows class 0"):
        check_folder(sifa.create_model("sifa_swin_nano_16x64"), tmp_path)
