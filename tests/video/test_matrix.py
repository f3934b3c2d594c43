"""Every container, codec and structure of the matrix: the frames that a player shows, or a refusal in words, never others."""

import numpy as np
import pytest

from sifa.video.read import read_clip, read_seconds
from tests.clips import frame_numbers
from tests.video import matrix

QUICK = {
    "h264_b.mp4",
    "vp9.webm",
    "mpeg4_b.avi",
    "h264_b.avi",
    "piped.mkv",
    "h264_b_without_end.mp4",
    "mpeg2_b.ts",
    "uneven.mp4",
}
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in matrix.NAMES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("matrix")


def test_the_matrix_is_large():
    assert len(set(matrix.NAMES)) == len(matrix.NAMES) >= 100


@pytest.mark.parametrize("name", NAMES)
def test_each_frame_is_the_one_that_is_shown(folder, name):
    file = matrix.make(name, folder)
    wanted, times = matrix.shown(file)
    clip = read_clip(file, len(wanted) + 3)
    assert clip.source_frames == len(wanted)
    assert frame_numbers(clip.frames) == wanted + [wanted[-1]] * 3
    assert clip.padded == 3
    if np.all(np.diff(times) > 0):
        np.testing.assert_allclose(clip.times[:-3], times, atol=2e-3)
    middle = len(wanted) // 3
    assert frame_numbers(read_clip(file, 4, 3, middle).frames) == wanted[middle : middle + 10 : 3]
    moment = (clip.times[middle] + clip.times[middle + 1]) / 2
    assert read_seconds(file, 1, 0.1, moment).indices.tolist() == [middle]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        f"{codec}.{container}"
        for container in ("mp4", "mkv")
        for codec in ("h264_b", "h264_open_gop", "h264_refresh", "hevc_b", "vp9")
    ]
    + ["mpeg4_b.avi", "mpeg2_b.ts", "vp8.webm", "mjpeg.mov"],
)
def test_far_starts_are_exact(tmp_path, name):
    codec = name.partition(".")[0]
    file = matrix.encode(tmp_path / name, codec, count=400)
    for start in (101, 202, 303, 396):
        assert frame_numbers(read_clip(file, 4, 1, start).frames) == [start, start + 1, start + 2, start + 3]


@pytest.mark.parametrize("name", ["h264_b.ts", "h264_open_gop.ts", "mpeg2_b.ts", "mpeg2_b.mpg"])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_recording_that_begins_anywhere_shows_what_a_player_shows(folder, tmp_path, name, share):
    """A broadcast is recorded from the middle of a group of pictures: those whose references are missing are not shown."""
    whole = matrix.make(name, folder).read_bytes()
    packet = 188 if name.endswith(".ts") else 2048
    file = tmp_path / name
    file.write_bytes(whole[int(len(whole) / packet * share) * packet :])
    wanted, _ = matrix.shown(file)
    clip = read_clip(file, len(wanted))
    assert clip.source_frames == len(wanted) > 10
    assert frame_numbers(clip.frames) == wanted
