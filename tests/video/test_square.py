"""A square that is cut out of a clip's frames."""

import numpy as np
import pytest

from sifa.errors import VideoError
from sifa.video.clip import Clip, Square


def clip(height, width, source):
    frames = np.zeros((4, height, width, 3), np.uint8)
    frames[:] = np.arange(width, dtype=np.uint8)[:, None]
    frames[..., 1] = np.arange(height, dtype=np.uint8)[:, None]
    return Clip(frames, np.arange(4.0), np.arange(4), "a.mp4", source_size=source)


def test_the_pixels_of_the_square_are_kept_and_where_it_lies_is_told():
    made = clip(60, 100, (60, 100)).cut_out(Square(10, 30, 40))
    assert made.frames.shape == (4, 40, 40, 3)
    assert made.frames[0, 0, 0].tolist() == [30, 10, 30]
    assert made.frames[3, -1, -1].tolist() == [69, 49, 69]
    assert (made.part, made.source_size) == (Square(10, 30, 40), (60, 100))


def test_it_is_in_pixels_of_the_source_though_frames_are_reduced():
    made = clip(60, 100, (600, 1000)).cut_out(Square(100, 305, 400))
    assert made.frames.shape == (4, 40, 40, 3)
    assert made.frames[0, 0, 0, :2].tolist() == [30, 10]
    whole = clip(57, 100, (571, 1003)).cut_out(Square(0, 432, 571))
    assert whole.frames.shape[1] == whole.frames.shape[2]
    assert whole.frames.shape[1] >= 56


@pytest.mark.parametrize("square", [(0, 0, 61), (-1, 0, 20), (0, 81, 20), (41, 0, 20), (0, 0, 15)])
def test_one_that_is_not_in_the_picture_or_too_small_is_refused(square):
    with pytest.raises(VideoError, match=r"at least 16 and lie in the picture of 100 x 60"):
        clip(60, 100, (60, 100)).cut_out(Square(*square))
