"""A video at a glance: thumbnails over all of it, its cuts, and the window that moves most, in one pass."""

import io

import numpy as np
import pytest
from PIL import Image

from sifa.errors import VideoError
from sifa.video import overview
from sifa.video.liveliest import find_liveliest
from sifa.video.overview import BYTES, LONG_SIDE, MOST, SHORT_SIDE, Overview, thumbnail
from tests.clips import frame_number, numbered_frames, write_clip
from tests.video.test_windows import STEP, shot


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Two shots of 2.5 and 4 seconds."""
    frames = np.concatenate([shot(0, 75), shot(1, 120)])
    return write_clip(tmp_path_factory.mktemp("overview") / "two.mp4", frames, fps=30, crf="12")


def sizes(thumbnails):
    return {Image.open(io.BytesIO(each.picture)).size for each in thumbnails}


def test_thumbnails_cover_the_video_and_cuts_and_motion_are_found_in_the_same_pass(video):
    seen = Overview(video, 16, STEP)
    assert seen.liveliest() is None
    shares = list(seen)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) >= 5
    times = [each.time for each in seen.thumbnails]
    assert len(times) == MOST
    assert times[0] < 0.2
    assert times[-1] > 6.3
    assert np.ptp(np.diff(times)) < 0.14  # samples are 1/15 s apart
    assert sizes(seen.thumbnails) == {(160, 96)}
    assert [cut.frame for cut in seen.cuts] == [75]
    assert seen.liveliest() == find_liveliest(video, 16, STEP)
    assert seen.ended == ""


def test_each_thumbnail_shows_the_frame_of_its_time(tmp_path):
    file = write_clip(tmp_path / "numbered.mp4", numbered_frames(100, 96, 128), fps=25)
    seen = Overview(file, 16, 0.08)
    list(seen)
    for each in seen.thumbnails:
        assert frame_number(np.asarray(Image.open(io.BytesIO(each.picture)))) == round(each.time * 25)


def test_a_video_of_few_frames_has_as_many_thumbnails(tmp_path):
    seen = Overview(write_clip(tmp_path / "short.mp4", shot(0, 5), fps=30), 16, STEP)
    list(seen)
    assert 1 <= len(seen.thumbnails) <= 5
    assert seen.liveliest() is not None


@pytest.mark.parametrize("count", [79, 80, 82, 84, 90, 119])
def test_there_are_as_many_as_there_may_be_whatever_the_length(tmp_path, count):
    """At 41 samples, rounding to even numbers once took each second one twice."""
    seen = Overview(write_clip(tmp_path / "a.mp4", shot(0, count, 48, 64), fps=30), 16, STEP)
    list(seen)
    assert len(seen.thumbnails) == min(MOST, len(set(seen.footage.numbers.tolist())))


def test_it_can_be_stopped_and_what_is_left_out_is_said(video):
    seen = Overview(video, 16, STEP)
    for share in seen:
        if share > 0.4:
            break
    assert 10 < len(seen.thumbnails) < 30
    part = Overview(video, 16, STEP, longest=3)
    list(part)
    assert part.ended == "Only 0 to 3 s were looked at; the video goes on."


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (48, 64), (40, 4000), (3, 5)])
def test_a_thumbnail_is_small_whatever_the_picture_holds(size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    made = thumbnail(noise)
    assert len(made) <= BYTES
    width, height = Image.open(io.BytesIO(made)).size
    assert max(width, height) <= LONG_SIDE
    assert min(width, height) <= SHORT_SIDE
    assert height == pytest.approx(width * size[0] / size[1], abs=0.6)


def test_a_picture_that_does_not_fit_is_made_smaller_still(monkeypatch):
    monkeypatch.setattr(overview, "BYTES", 900)
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), np.uint8)
    made = thumbnail(noise)
    assert len(made) <= 900
    assert Image.open(io.BytesIO(made)).size[0] < 160


def test_what_is_no_video_is_an_error_as_elsewhere(tmp_path):
    (tmp_path / "notes.mp4").write_text("not a video\n" * 100)
    with pytest.raises(VideoError, match="could not be read as a video"):
        list(Overview(tmp_path / "notes.mp4", 16, STEP))
