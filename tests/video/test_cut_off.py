"""Files that are cut off keep what is whole, and say so; a wrong index of an avi leads nobody astray."""

import random

import numpy as np
import pytest

from sifa.video.read import NOTES, read_clip
from tests.clips import frame_numbers
from tests.video import matrix

CUT_OFF = (NOTES["cut off"],)


@pytest.mark.parametrize("name", ["index_first.mp4", "h264_b.mkv", "mpeg4_b.avi", "mjpeg.avi", "ffv1.avi", "vp8.webm"])
def test_what_lies_before_the_cut_is_read_whole(tmp_path, name):
    """However many frames are asked for: neither the torn packet nor its complaints count."""
    whole = matrix.make(name, tmp_path).read_bytes()
    for share in (0.6, 0.7, 0.8, 0.9):
        file = tmp_path / f"cut_{name}"
        file.write_bytes(whole[: int(len(whole) * share)])
        clip = read_clip(file, 80)
        assert 5 < clip.source_frames < matrix.COUNT
        assert clip.notes == CUT_OFF
        assert frame_numbers(clip.frames[: clip.source_frames]) == list(range(clip.source_frames))
        assert read_clip(file, 3).notes == CUT_OFF


@pytest.mark.parametrize("name", ["mpeg4.avi", "mjpeg.avi"])
def test_an_avi_is_read_from_front_to_back_where_its_index_is_wrong(tmp_path, name):
    file = matrix.make(name, tmp_path)
    data = bytearray(file.read_bytes())
    chance = random.Random(0)
    for entry in range(data.rindex(b"idx1") + 8, len(data) - 15, 16):
        data[entry + 8 : entry + 12] = chance.randrange(1 << 20).to_bytes(4, "little")
    file.write_bytes(data)
    clip = read_clip(file, matrix.COUNT)
    assert clip.source_frames == matrix.COUNT
    assert frame_numbers(clip.frames) == list(range(matrix.COUNT))
    assert clip.notes == ()


@pytest.mark.parametrize("codec", ["h264_b", "mpeg4_b"])
def test_frames_left_out_of_an_avi_keep_their_time(tmp_path, codec):
    """An avi counts frames, of which those left out are empty packets; ffmpeg does not know the times of the first B-frames."""
    file = matrix.encode(tmp_path / "gaps.avi", codec, *matrix.UNEVEN, "-r", "30")
    clip = read_clip(file, matrix.COUNT)
    assert frame_numbers(clip.frames) == list(range(matrix.COUNT))
    assert np.isclose(np.diff(clip.times), 4 / 30).sum() == 9
    assert clip.times[-1] == pytest.approx((matrix.COUNT - 1 + 9 * 3) / 30, abs=0.07)


@pytest.mark.parametrize("share", [0, 0.5])
def test_an_edit_list_that_shows_a_piece_is_no_cut(tmp_path, share):
    """A telephone trims so: the packets are all there, and the list tells which of them are shown."""
    data = bytearray(matrix.make("h264_b.mp4", tmp_path).read_bytes())
    at = data.index(b"elst") + 12
    start = int.from_bytes(data[at + 4 : at + 8], "big") + int(
        share * 15360
    )  # of the ticks that ffmpeg counts at 30 a second
    data[at : at + 8] = (800).to_bytes(4, "big") + start.to_bytes(4, "big")
    file = tmp_path / "trimmed.mp4"
    file.write_bytes(data)
    clip = read_clip(file, 40)
    first = round(30 * share)
    assert clip.source_frames == 24
    assert frame_numbers(clip.frames[:24]) == list(range(first, first + 24))
    assert clip.notes == ()
