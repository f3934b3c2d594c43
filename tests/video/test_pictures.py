"""What is done to a frame before it is shown: square pixels, turning, and the light of HDR."""

from fractions import Fraction

import numpy as np
import pytest

from sifa.video import _pictures
from sifa.video.read import NOTES, read_clip
from tests.clips import frame_numbers, numbered_frames, write_clip
from tests.video import matrix

SQUARE, HDR = NOTES["square"], NOTES["hdr"]


def stretched(file, ratio, source="h264_b"):
    """A copy in whose header pixels have another shape."""
    return matrix.encode(file, source, "-vf", f"setsar={ratio}")


@pytest.mark.parametrize(
    ("ratio", "size", "reduced"),
    [("2/1", (72, 192), (72, 192)), ("1/2", (144, 96), (144, 96)), ("12/1", (72, 1152), (40, 640))],
)
def test_pixels_become_square(tmp_path, ratio, size, reduced):
    clip = read_clip(stretched(tmp_path / "s.mp4", ratio), 3, 20)
    assert clip.source_size == size
    assert clip.frames.shape[1:3] == reduced
    assert frame_numbers(clip.frames) == [0, 20, 40]
    assert clip.notes == (SQUARE,)


@pytest.mark.parametrize("ratio", ["1/1", "100/101", "300/1", "1/300"])
def test_no_shape_and_a_senseless_one_change_nothing(tmp_path, ratio):
    clip = read_clip(stretched(tmp_path / "s.mp4", ratio), 2)
    assert clip.source_size == (72, 96)
    assert clip.notes == ()


def turn(file, matrix_words):
    """Writes another display matrix into an mp4; nine words of 32 bits."""
    data = bytearray(file.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of the track header
    data[at : at + 36] = b"".join(word.to_bytes(4, "big", signed=True) for word in matrix_words)
    file.write_bytes(data)
    return file


ONE = 65536
MATRICES = {  # the words a, b, c, d of the display matrix, and what a player does to the picture
    "quarter": ((0, ONE, -ONE, 0), lambda f: np.rot90(f, -1, (1, 2))),
    "half": ((-ONE, 0, 0, -ONE), lambda f: np.rot90(f, 2, (1, 2))),
    "three_quarters": ((0, -ONE, ONE, 0), lambda f: np.rot90(f, 1, (1, 2))),
    "mirrored": ((-ONE, 0, 0, ONE), lambda f: f[:, :, ::-1]),
    "upside_down": ((ONE, 0, 0, -ONE), lambda f: f[:, ::-1]),
}


@pytest.mark.parametrize("pixel", ["1/1", "2/1"])
@pytest.mark.parametrize("name", MATRICES)
def test_pictures_are_turned_as_a_player_turns_them(tmp_path, name, pixel):
    (a, b, c, d), change = MATRICES[name]
    upright = read_clip(stretched(tmp_path / "upright.mp4", pixel), 4, 9)
    file = turn(stretched(tmp_path / "turned.mp4", pixel), (a, b, 0, c, d, 0, 0, 0, 1 << 30))
    clip = read_clip(file, 4, 9)
    wanted = change(upright.frames)
    assert clip.source_size == wanted.shape[1:3]
    difference = np.abs(clip.frames.astype(int) - wanted)
    assert difference.mean() < 1
    if "mirrored" in name or "upside" in name or pixel != "1/1":
        return
    raw = matrix.run("-i", file, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    np.testing.assert_allclose(np.frombuffer(raw, np.uint8).reshape(wanted[0].shape), clip.frames[0], atol=2)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_reduced_and_said(tmp_path, transfer):
    tags = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", transfer)
    clip = read_clip(matrix.encode(tmp_path / "hdr.mp4", "hevc_10_bit", *tags), 4, 10)
    assert clip.notes == (HDR,)
    assert clip.frames.std() > 40
    assert frame_numbers(np.where(clip.frames > 96, 255, 0)) == [0, 10, 20, 30]


def test_the_light_of_hdr_is_that_of_the_standards():
    """SMPTE ST 2084: signal 0.5 is 92.25 candela per square metre, 0.58 about 203; ITU-R BT.2408: HLG's 75 % is 203."""
    assert _pictures.pq_nits(np.array([0.0, 0.5, 0.5807, 1.0])) == pytest.approx([0, 92.25, 203, 10_000], rel=2e-3)
    grey = _pictures.hlg_nits(np.array([[0.75] * 3, [1.0] * 3, [0.0] * 3]))[:, 0]
    assert grey == pytest.approx([203, 1000, 0], rel=5e-3, abs=1e-3)


def test_shapes_of_pixels():
    assert _pictures.pixel_shape(None) == _pictures.pixel_shape(Fraction(0, 1)) == 1
    assert _pictures.square_size(720, 480, Fraction(8, 9)) == (720, 540)
    assert _pictures.square_size(720, 576, Fraction(16, 11)) == (1047, 576)


def test_a_file_that_is_cut_off_keeps_what_is_whole_and_says_so(tmp_path):
    file = write_clip(
        tmp_path / "c.webm",
        numbered_frames(40),
        codec="libvpx-vp9",
        deadline="realtime",
        container_options={"live": "1"},
    )
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 7 // 10 + 3])
    clip = read_clip(file, 40)
    assert 15 < clip.source_frames < 35
    assert frame_numbers(clip.frames[: clip.source_frames]) == list(range(clip.source_frames))
    assert clip.padded == 40 - clip.source_frames
