import numpy as np
import pytest
from PIL import Image

import sifa
from sifa.cli import main
from sifa.video.cuts import Cut, find_cut, small, small_grey
from sifa.video.frames import read_frames
from sifa.video.write import write_mp4
from tests.bench.cuts import Figures
from tests.video.cut_clips import MOVES, Maker, joined, with_cut, without_cut


@pytest.fixture(scope="module")
def maker():
    return Maker("held-out", 5)


def two_shots(maker, length, pace=1):
    """Frames of two photographs that are joined, and the last and first frame of either alone."""
    one, two = (maker.filmed(photo, maker.view(photo), how) for photo, how in zip(maker.photos[:2], ("pan", "zoom")))
    frames, last, first = joined(maker, one, two, length)
    return frames.repeat(4, 1).repeat(4, 2).repeat(pace, 0), pace * last + pace - 1, pace * first


@pytest.mark.slow
def test_nine_of_ten_cuts_are_found_and_one_clip_of_a_hundred_is_taken_for_cut():
    found, false = Figures(with_cut("held-out", 320, 11)), Figures(without_cut("held-out", 320, 11))
    assert found.share >= 0.9, found.wrong
    assert false.share <= 0.01, false.wrong
    for length in ("hard", "dissolve"):
        kinds = [kind for kind in found.count if kind.startswith(length)]
        assert sum(found.seen[kind] for kind in kinds) >= 0.9 * sum(found.count[kind] for kind in kinds)


@pytest.mark.parametrize("length", [0, 2, 6, 10])
def test_a_cut_is_found_at_its_frame(maker, length):
    for _ in range(3):
        frames, last, first = two_shots(maker, length)
        found = find_cut(small(frames), np.arange(len(frames)) / 30)
        assert found is not None
        assert found[0] == first if not length else last <= found[0] <= first


@pytest.mark.parametrize("move", MOVES)
def test_a_moving_camera_is_no_cut(maker, move):
    for photo in maker.photos:
        frames = maker.filmed(photo, maker.view(photo), move)
        assert find_cut(small(frames), np.arange(len(frames)) / 30) is None


def test_every_rate_and_every_length_will_do(maker):
    frames, last, first = two_shots(maker, 0, pace=4)
    times = np.arange(len(frames)) / 120
    assert find_cut(small(frames), times) == (first, "hard")
    many = np.concatenate([frames[:first], *[frames[first:]] * 4])
    assert find_cut(small(many[: first + 1]), times[: first + 1]) is None  # a single frame may be a flash
    assert find_cut(small(many[::4]), np.arange(len(many[::4])) / 30) is not None
    for count in (0, 1, 2, 5):
        assert find_cut(small(frames[:count]), times[:count]) is None
    assert find_cut(small(frames[:61]), np.zeros(61)) is None


def test_a_flash_and_a_cut_to_the_same_picture_are_none(maker):
    frames = maker.camera("pan")
    for length in (1, 2, 3):
        lit = frames.copy()
        lit[30 : 30 + length] = 255
        assert find_cut(small(lit), np.arange(61) / 30) is None
    darker = np.concatenate([frames[:30], frames[30:] // 2])
    assert find_cut(small(darker), np.arange(61) / 30) is None


def test_something_that_comes_into_a_plain_picture_is_no_cut():
    """Where most is plain, what has contrast must not decide alone."""
    rng = np.random.default_rng(1)
    frames = (90 + rng.normal(0, 2, (61, 128, 128, 1))).repeat(3, -1)
    for t in range(30, 61):
        frames[t, 128 - 4 * (t - 29) :, 8:30] = 240
    assert find_cut(small(frames.clip(0, 255).astype(np.uint8)), np.arange(61) / 30) is None


def test_cells_are_means():
    grey = np.random.default_rng(0).random((37, 16 * 5)).astype(np.float32)
    cells = small_grey(grey)
    assert cells.shape == (16, 16)
    assert cells.mean() == pytest.approx(grey.mean(), abs=1e-5)
    assert cells[:, 3].mean() == pytest.approx(grey[:, 15:20].mean(), abs=1e-5)
    assert cells[0, 0] == pytest.approx((grey[:2, :5].sum() + 0.3125 * grey[2, :5].sum()) / 5 / 2.3125, abs=1e-5)


def test_a_video_says_where_it_is_cut(maker, tmp_path, capsys):
    """Between sampled frames, too: a dissolve of a third of a second leaves two of them."""
    file = tmp_path / "dissolve.mp4"
    frames, last, first = two_shots(maker, 9)
    write_mp4(frames, file, fps=30)
    clip = sifa.read_clip(file, 16, 4)
    assert isinstance(clip.cut, Cut)
    assert last <= clip.cut.frame <= first
    assert clip.cut.time == pytest.approx(clip.cut.frame / 30)
    assert clip.cut.kind == "dissolve"
    prediction = sifa.predict(sifa.load(), clip)
    assert f"frame {clip.cut.frame}" in prediction.notes[0]
    assert main(["predict", str(file)]) == 0
    assert clip.cut.sentence in capsys.readouterr().out
    assert sifa.explorer.unpack(sifa.explorer.pack(prediction)).clip.cut == Cut(
        clip.cut.frame, pytest.approx(clip.cut.time, abs=1e-4), "dissolve"
    )
    write_mp4(frames[:last], file, fps=30)
    assert sifa.read_clip(file, 16, 4).cut is None


def test_a_folder_of_pictures_says_it_by_its_sampled_ones(maker, tmp_path):
    frames = np.concatenate([maker.camera("still")[:30], maker.camera("still")[:31]])
    for number, frame in enumerate(frames, 1):
        Image.fromarray(frame).save(tmp_path / f"{number:05d}.jpg")
    cut = read_frames(tmp_path, 16, 4).cut
    assert cut == Cut(32, pytest.approx(32 / 30), "hard")
