"""A whole video in one pass: every frame once, in order, and nothing believed."""

import json
import struct
import time

import numpy as np
import pytest

from sifa.errors import VideoError
from sifa.video import answer, child, stream
from sifa.video.clip import DecodeLimits
from sifa.video.cuts import small_grey
from sifa.video.read import read_seconds
from sifa.video.stream import stream_seconds
from tests.clips import frame_number, numbered_frames, write_clip

STEP = 4 / 30


def numbers_of(frames):
    return [frame.number for frame in frames]


@pytest.mark.parametrize(("fps", "parts", "apart"), [(10, 1, 1), (25, 3, 1), (30, 2, 2), (60, 2, 4)])
def test_every_frame_comes_once_and_those_at_equal_parts_of_a_step_in_colour(tmp_path, fps, parts, apart):
    file = write_clip(tmp_path / "a.mp4", numbered_frames(3 * fps), fps=fps)
    with stream_seconds(file, STEP) as frames:
        footage = frames.footage
        seen = list(frames)
    assert (footage.parts, footage.fps, footage.source_frames, footage.source_size) == (parts, fps, 3 * fps, (48, 64))
    last = numbers_of(seen)[-1]
    assert numbers_of(seen) == list(range(last + 1))
    coloured = [frame for frame in seen if frame.picture is not None]
    assert numbers_of(coloured) == footage.numbers.tolist() == list(range(0, last + 1, apart))
    assert [frame_number(frame.picture) for frame in coloured] == numbers_of(coloured)
    assert frames.ended == footage.left_out == ""
    np.testing.assert_allclose(footage.times, np.arange(last + 1) / fps, atol=1e-4)
    for frame in coloured[::5]:
        grey = small_grey(frame.picture @ np.array([0.299, 0.587, 0.114], np.float32))
        assert abs(np.corrcoef(grey.ravel(), frame.grey.ravel())[0, 1]) > 0.99


def test_it_begins_where_asked_and_ends_after_the_longest_time(tmp_path):
    file = write_clip(tmp_path / "a.mp4", numbered_frames(240), fps=30)
    with stream_seconds(file, STEP, 5.0, longest=1.0) as frames:
        seen = list(frames)
    assert numbers_of(seen) == list(range(150, 179))
    assert frames.footage.left_out == "Only 5 to 6 s were looked at; the video goes on."


def test_frames_of_a_varying_rate_are_those_shown_at_each_moment(tmp_path):
    ticks = np.cumsum([0] + [1, 1, 5, 2] * 20).tolist()
    file = write_clip(tmp_path / "a.mp4", numbered_frames(len(ticks)), fps=30, ticks=ticks)
    with stream_seconds(file, STEP) as frames:
        found = frames.footage.numbers[::2]
        assert numbers_of(frames) == list(range(found[-1] + 1)) or frames.footage.numbers[-1] > found[-1]
    assert found.tolist()[:16] == read_seconds(file, 16, STEP).indices.tolist()


def test_large_pictures_are_reduced_and_nearly_those_of_a_clip(tmp_path):
    file = write_clip(tmp_path / "a.mp4", numbered_frames(12, 540, 960), fps=30)
    clip = read_seconds(file, 3, STEP, max_side=480)
    with stream_seconds(file, STEP) as frames:
        pictures = [frame.picture for frame in frames if frame.number % 4 == 0]
    assert pictures[0].shape == (270, 480, 3)
    assert np.abs(np.stack(pictures).astype(int) - clip.frames).mean() < 4


def test_a_file_that_is_none_is_refused_before_anything_comes(tmp_path):
    file = tmp_path / "a.mp4"
    file.write_bytes(write_clip(tmp_path / "b.mp4", numbered_frames(20)).read_bytes()[:1000])
    with pytest.raises(VideoError, match=r"a\.mp4 could not be read as a video"), stream_seconds(file, STEP):
        pass
    good, few = tmp_path / "b.mp4", DecodeLimits(frames=10)
    with (
        pytest.raises(VideoError, match=r"b\.mp4 has 20 frames; the limit is 10"),
        stream_seconds(good, STEP, limits=few),
    ):
        pass
    long = r"the length is 500 s; it must be above 0 and at most 120 s"
    with pytest.raises(VideoError, match=long), stream_seconds(good, STEP, longest=500):
        pass


def test_of_a_file_that_is_damaged_further_on_the_frames_before_come_and_it_says_so(tmp_path):
    file = write_clip(tmp_path / "a.mp4", numbered_frames(200, 240, 320), fps=30, g="20")
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(range(250)) * 16
    file.write_bytes(data)
    with stream_seconds(file, STEP) as frames:
        seen = numbers_of(frames)
    assert 20 < len(seen) < 190
    assert seen == list(range(len(seen)))
    assert "is damaged" in frames.ended


def test_who_stops_ends_the_process(tmp_path, monkeypatch):
    started = []
    start = child._start
    monkeypatch.setattr(child, "_start", lambda *a: started.append(start(*a)) or started[-1])
    file = write_clip(tmp_path / "a.mp4", numbered_frames(500, 240, 320), fps=30)
    with stream_seconds(file, STEP) as frames:
        for frame in frames:
            if frame.number == 3:
                break
    until = time.monotonic() + 5
    while started[0].poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert started[0].poll() is not None


ASKED = dict(max_frames=100, max_side=64, max_pixels=10**6)
GOOD = dict(numbers=[2, 4, 6], times=[0.1, 0.2, 0.3, 0.4, 0.5], source_frames=9, sampling_rate=4, parts=2, shape=[6, 8])
GOOD |= dict(source_size=[12, 16], fps=25.0, notes=[])
LIES = [
    dict(numbers=[]), dict(numbers=[4, 2]), dict(numbers=[2, 9]), dict(numbers=[2.0, 4, 6]), dict(numbers=None),
    dict(times=[0.1]), dict(times=[0.1, 0.2, 0.2, 0.1, 0.5]), dict(times=[float("nan")] * 5), dict(times=None),
    dict(source_frames=101), dict(sampling_rate=0), dict(parts=0), dict(parts="2"), dict(shape=[6, 65]), dict(shape=[6, 8, 3]),
    dict(source_size=[10**4, 10**4]), dict(fps=float("inf")), dict(notes=["rm"]), dict(error="rm"), dict(error="crash"),
]  # fmt: skip


def test_a_true_first_object_is_believed():
    assert answer.parse_stream(json.dumps(GOOD).encode(), ASKED) == GOOD
    assert answer.parse_stream(b'{"error": "empty"}', ASKED) == dict(error="empty")


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: str(lie)[:40])
def test_a_lie_is_not(lie):
    with pytest.raises(ValueError, match=r"\w"):
        answer.parse_stream(json.dumps(GOOD | lie).encode(), ASKED)


def liar(tmp_path, monkeypatch, written):
    """A program that writes this in the decoder's place."""
    data = tmp_path / "written"
    data.write_bytes(written)
    code = f"import sys; sys.stdout.buffer.write(open({str(data)!r}, 'rb').read())"
    python = child.sys.executable

    def start(program, argument, given):
        pipe = child.subprocess.PIPE
        return child.subprocess.Popen([python, "-c", code], stdin=given, stdout=pipe, stderr=pipe, bufsize=0)

    monkeypatch.setattr(child, "_start", start)


def as_object(value):
    text = json.dumps(value).encode()
    return struct.pack("<I", len(text)) + text


GREY = np.zeros(256, "<f4").tobytes()
PICTURE = bytes(6 * 8 * 3)
FRAMES = b"p" + GREY + PICTURE + b"g" + GREY + b"p" + GREY + PICTURE


@pytest.mark.parametrize(
    ("written", "frames", "said"),
    [
        (FRAMES, 3, "the decoder stopped"),
        (b"g" + GREY, 0, "not to be trusted"),
        (b"p" + np.full(256, np.nan, "<f4").tobytes() + PICTURE, 0, "not to be trusted"),
        (FRAMES + b"e" + as_object(dict(error="memory")), 3, "needs more memory"),
        (FRAMES + b"e" + as_object(dict(error="rm")), 3, "not to be trusted"),
        (FRAMES + b"e" + struct.pack("<I", 2**31), 3, "not to be trusted"),
    ],
)
def test_a_program_that_lies_in_the_middle_ends_the_stream(tmp_path, monkeypatch, written, frames, said):
    file = write_clip(tmp_path / "a.mp4", numbered_frames(20))
    liar(tmp_path, monkeypatch, as_object(GOOD) + written)
    with stream_seconds(file, STEP) as seen:
        assert len(list(seen)) == frames
    assert said in seen.ended


def test_a_header_without_end_is_not_read(tmp_path, monkeypatch):
    file = write_clip(tmp_path / "a.mp4", numbered_frames(20))
    liar(tmp_path, monkeypatch, struct.pack("<I", 2**31) + b"{" * 1000)
    with pytest.raises(VideoError, match="not to be trusted"), stream_seconds(file, STEP):
        pass
    assert stream.MOST_STREAM_BYTES < 2**31
