"""Windows overlap, come in order, hold every part of a shot, and no cut."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from sifa.video.clip import FITTED
from sifa.video.cuts import Cut
from sifa.video.stream import stream_seconds
from sifa.video.windows import Windows
from tests.clips import write_clip

STEP = 4 / 30


def shot(seed, count, height=96, width=160):
    """A camera that pans over a ground of its own."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 24, 3), np.uint8)
    ground = np.asarray(Image.fromarray(small).resize((width + 2 * count, height), Image.Resampling.BICUBIC))
    return np.stack([ground[:, 2 * t : 2 * t + width] for t in range(count)])


def windows_of(folder, *lengths, fps=30):
    file = write_clip(folder / "a.mp4", np.concatenate([shot(i, n) for i, n in enumerate(lengths)]), fps=fps, crf="12")
    with stream_seconds(file, STEP) as stream:
        found = list(Windows(stream, 16))
        assert stream.ended == ""
    return [each for each in found if not isinstance(each, Cut)], [each for each in found if isinstance(each, Cut)]


def test_of_one_shot_they_overlap_by_half_and_the_last_one_ends_with_it(tmp_path):
    windows, cuts = windows_of(tmp_path, 190)
    assert cuts == []
    assert [int(window.clip.indices[0]) for window in windows] == [0, 32, 64, 96, 128]
    for window in windows:
        assert np.diff(window.clip.indices).tolist() == [4] * 15
        assert (window.start, window.clip.sampling_rate, window.clip.padded) == (window.clip.times[0], 4, 0)
    assert windows[-1].clip.indices[-1] >= 190 - 4 - 2


@pytest.mark.parametrize(("lengths", "shots"), [((100, 140), 2), ((70, 70, 70), 3), ((150, 66, 20, 90), 4)])
def test_none_holds_a_cut_and_every_shot_has_its_own(tmp_path, lengths, shots):
    windows, cuts = windows_of(tmp_path, *lengths)
    edges = np.cumsum([0, *lengths])
    assert [cut.frame for cut in cuts] == edges[1:-1].tolist()
    assert sorted({window.shot for window in windows}) == list(range(shots))
    for window in windows:
        first, end = edges[window.shot], edges[window.shot + 1]
        if window.clip is None:
            assert end - first < 32
            assert "of the 16 frames that the model reads; 8 are needed" in window.withheld
        else:
            assert first <= window.clip.indices.min()
            assert window.clip.indices.max() < end
    for number, (first, end) in enumerate(pairwise(edges.tolist())):
        mine = [window.clip.indices for window in windows if window.shot == number and window.clip]
        if mine:
            assert mine[0][0] - first < 4
            assert end - mine[-1][-1] <= 8


def test_of_a_short_shot_the_frames_are_taken_closer_together(tmp_path):
    windows, _ = windows_of(tmp_path, 100, 44, 100)
    (short,) = [window for window in windows if window.shot == 1]
    assert short.clip.notes == (FITTED,)
    assert len(set(short.clip.indices.tolist())) == 16
    assert set(np.diff(short.clip.indices)) <= {2, 4}
    assert all(window.clip.notes == () for window in windows if window.shot != 1)


def test_where_there_are_no_frames_between_the_last_one_is_repeated(tmp_path):
    windows, _ = windows_of(tmp_path, 11, fps=8)
    (only,) = windows
    assert only.clip.padded == 5
    assert only.clip.indices.tolist() == [*range(11), 10, 10, 10, 10, 10]


def test_a_single_picture_is_too_short(tmp_path):
    windows, _ = windows_of(tmp_path, 1)
    (only,) = windows
    assert only.clip is None
    assert only.withheld == "This shot is too short: it has 1 of the 16 frames that the model reads; 8 are needed."
