"""Decoding, on real files made here: whatever is decoded is exactly the right frames; anything else is a VideoError."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import av
import numpy as np
import pytest
from PIL import Image

from sifa.errors import VideoError
from sifa.video.clip import DecodeLimits
from sifa.video.read import read_clip
from tests.clips import frame_numbers, numbered_frames, write_clip
from tests.video.matrix import program

FRAMES = numbered_frames(40)
KINDS = {
    "h264.mp4": dict(codec="libx264"),
    "b_frames.mp4": dict(codec="libx264", bf="3", g="12"),
    "long_gop.mp4": dict(codec="libx264", g="250"),
    "hevc.mp4": dict(codec="libx265", **{"x265-params": "log-level=none"}),
    "vp9.webm": dict(codec="libvpx-vp9", deadline="realtime"),
    "av1.webm": dict(codec="libsvtav1", preset="8", crf="12"),
    "h264.mkv": dict(codec="libx264"),
    "mpeg4.avi": dict(codec="mpeg4", qscale="3"),
    "mjpeg.avi": dict(codec="mjpeg", pixels="yuvj420p"),
    "h264.mov": dict(codec="libx264"),
    "h264.3gp": dict(codec="libx264"),
    "sorenson.flv": dict(codec="flv"),
    "h264.flv": dict(codec="libx264", bf="3", g="12"),
    "wmv1.wmv": dict(codec="wmv1", container="asf"),
    "wmv2.wmv": dict(codec="wmv2", container="asf"),
    "msmpeg4.asf": dict(codec="msmpeg4", container="asf"),
    "fragmented.mp4": dict(codec="libx264", container_options={"movflags": "frag_keyframe+empty_moov"}, g="10"),
}


def encode(path, frames=FRAMES, **options):
    if options["codec"] not in av.codecs_available:
        pytest.skip(f"this PyAV has no encoder {options['codec']}")
    return write_clip(path, frames, **options)


def h264(path, frames=FRAMES, **options):
    return write_clip(path, frames, codec="libx264", **options)


def check_exact(file, count=40):
    """Several starts and rates give exactly the frames asked for."""
    for num_frames, rate, start in ((4, 1, 0), (8, 4, 3), (3, 7, count - 20), (5, 1, count - 5)):
        clip = read_clip(file, num_frames, rate, start)
        wanted = [start + i * rate for i in range(num_frames)]
        assert clip.indices.tolist() == wanted
        assert frame_numbers(clip.frames) == wanted
        assert clip.source_frames == count
        assert clip.padded == 0


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_exact(tmp_path, name):
    file = encode(tmp_path / name, **KINDS[name])
    check_exact(file)
    np.testing.assert_allclose(read_clip(file, 5, 4).times, np.arange(5) * 4 / 25, atol=2e-3)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_browsers_recording_whose_header_holds_no_length(tmp_path, codec):
    file = encode(tmp_path / "camera.webm", codec=codec, deadline="realtime", container_options={"live": "1"})
    with av.open(str(file)) as recording:
        assert recording.duration is None
    check_exact(file)
    np.testing.assert_allclose(read_clip(file, 5, 4).times, np.arange(5) * 4 / 25, atol=2e-3)
    assert read_clip(file, 1).fps == pytest.approx(25, abs=1)


def test_gif(tmp_path):
    pictures = [Image.fromarray(f) for f in FRAMES]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=40, loop=0)
    check_exact(tmp_path / "a.gif")


def test_variable_frame_rate_keeps_the_times(tmp_path):
    ticks = np.cumsum([1, 3, 1, 7] * 10)
    file = h264(tmp_path / "v.mp4", ticks=(ticks - ticks[0]).tolist())
    check_exact(file)
    clip = read_clip(file, 10, 3)
    np.testing.assert_allclose(clip.times, (ticks - ticks[0])[clip.indices] / 25, atol=2e-3)


def test_odd_sizes(tmp_path):
    file = h264(tmp_path / "odd.mp4", numbered_frames(40, 99, 175), pixels="yuv444p")
    check_exact(file)
    assert read_clip(file, 1).source_size == (99, 175)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotation_in_the_metadata_is_honoured(tmp_path, turns):
    file = h264(tmp_path / "r.mp4")
    data = bytearray(file.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of the track header
    one, minus = (65536).to_bytes(4, "big"), (-65536).to_bytes(4, "big", signed=True)
    zero = bytes(4)
    a, b, c, d = {1: (zero, one, minus, zero), 2: (minus, zero, zero, minus), 3: (zero, minus, one, zero)}[turns]
    data[matrix : matrix + 36] = a + b + zero + c + d + zero + zero + zero + (1 << 30).to_bytes(4, "big")
    file.write_bytes(data)
    clip = read_clip(file, 8, 4)
    assert clip.source_size == ((64, 48) if turns % 2 else (48, 64))
    assert frame_numbers(np.rot90(clip.frames, turns, (1, 2))) == [0, 4, 8, 12, 16, 20, 24, 28]


def test_a_trim_by_edit_list_shows_what_a_player_shows(tmp_path):
    """Cut without re-encoding: decoders must start before the cut, and random access then returns wrong frames."""
    ffmpeg = program("ffmpeg")
    whole = h264(tmp_path / "whole.mp4", g="30")
    cut = tmp_path / "cut.mp4"
    subprocess.run([ffmpeg, "-loglevel", "error", "-ss", "0.6", "-i", whole, "-c", "copy", cut], check=True)
    with av.open(str(cut)) as container:
        shown = [f.to_ndarray(format="rgb24") for f in container.decode(video=0) if f.pts is not None and f.time >= 0]
    wanted = frame_numbers(np.stack(shown))
    clip = read_clip(cut, len(wanted))
    assert clip.source_frames == len(wanted)
    assert frame_numbers(clip.frames) == wanted
    assert wanted[0] == 15


def test_short_videos_repeat_their_last_frame(tmp_path):
    clip = read_clip(h264(tmp_path / "short.mp4", FRAMES[:10]), 16, 3)
    assert clip.indices.tolist() == [0, 3, 6, 9] + [9] * 12
    assert frame_numbers(clip.frames) == clip.indices.tolist()
    assert clip.padded == 12


def test_large_frames_are_reduced_and_small_ones_kept(tmp_path):
    file = h264(tmp_path / "big.mp4", numbered_frames(4, 270, 480))
    clip = read_clip(file, 3, max_side=160)
    assert clip.frames.shape == (3, 90, 160, 3)
    assert clip.source_size == (270, 480)
    assert frame_numbers(clip.frames) == [0, 1, 2]
    assert read_clip(file, 3).frames.shape == (3, 270, 480, 3)


def test_a_wrong_suffix_of_a_real_video_does_no_harm(tmp_path):
    check_exact(h264(tmp_path / "really_mp4.avi", container="mp4"))


def audio_only(path):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        out.mux(stream.encode(frame))
        out.mux(stream.encode())


def broken(kind, folder):
    path = folder / f"{kind}.mp4"
    match kind:
        case "text":
            path.write_text("this is not a video\n" * 100)
        case "empty":
            path.touch()
        case "picture":
            Image.fromarray(FRAMES[0]).save(path, "JPEG")
        case "random":
            path.write_bytes(np.random.default_rng(0).bytes(5000))
        case "truncated":
            h264(path)
            path.write_bytes(path.read_bytes()[:1500])
        case "audio":
            audio_only(path)
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "there is no file missing.mp4"),
        ("folder", "is a folder"),
        pytest.param(
            "pipe", "is not a regular file", marks=pytest.mark.skipif(os.name == "nt", reason="no pipes here")
        ),
        ("empty", r"is empty \(0 bytes\)"),
        *((kind, "could not be read as a video") for kind in ("text", "picture", "random", "truncated", "audio")),
    ],
)
def test_what_is_no_video_is_refused_in_words(tmp_path, kind, words):
    with pytest.raises(VideoError, match=words) as caught:
        read_clip(broken(kind, tmp_path), 4)
    assert str(tmp_path) not in str(caught.value)


def test_a_gif_of_one_picture_is_refused_and_one_of_two_is_read(tmp_path):
    pictures = [Image.fromarray(frame) for frame in FRAMES[:2]]
    pictures[0].save(tmp_path / "one.gif")
    with pytest.raises(
        VideoError, match=r"one\.gif holds one picture, so nothing in it moves; choose a GIF of several"
    ):
        read_clip(tmp_path / "one.gif", 4)
    pictures[0].save(tmp_path / "two.gif", save_all=True, append_images=pictures[1:], duration=40)
    assert read_clip(tmp_path / "two.gif", 4).indices.tolist() == [0, 1, 1, 1]


STRICTEST = "-err_detect crccheck+bitstream+buffer+careful+compliant+explode -xerror"


def complaints_of_ffmpeg(file, count):
    """What the ffmpeg program at its strictest says of so many frames, but for the order of their times."""
    ffmpeg = program("ffmpeg")
    command = f"{STRICTEST} -i {file.name} -vf setpts=N -frames:v {count} -fps_mode passthrough -f null -".split()
    done = subprocess.run([ffmpeg, "-v", "error", *command], cwd=file.parent, capture_output=True, text=True)
    return done.stderr + "failed" * done.returncode


def reads_right(file):
    """Whether the frames are right; VideoError where they are refused. Wrong ones are of damage that ffmpeg does not notice."""
    clip = read_clip(file, 8, 4)
    with suppress(ValueError):  # a picture without a number
        if frame_numbers(clip.frames) == list(range(0, 32, 4)):
            return True
    assert complaints_of_ffmpeg(file, int(clip.indices[-1]) + 1) == ""
    return False


def test_damage_that_the_decoder_notices_is_an_error(tmp_path):
    whole = h264(tmp_path / "whole.mp4", crf="30", **{"x264-params": "asm=0"}).read_bytes()  # each time the same
    rng = np.random.default_rng(6)
    refused = 0
    for attempt in range(16):
        data = bytearray(whole)
        first, last = (60, len(data)) if attempt % 2 else (60, data.index(b"moov"))
        for at in rng.integers(first, last, 4):
            data[at] ^= 0xFF
        file = tmp_path / f"damaged{attempt}.mp4"
        file.write_bytes(data)
        try:
            reads_right(file)
        except VideoError:
            refused += 1
    assert refused > 8


STREAMS = {
    "mpeg1.mpg": dict(codec="mpeg1video", container="mpeg"),
    "mpeg2.mpg": dict(codec="mpeg2video", container="mpeg", bf="2"),
    "dvd.vob": dict(codec="mpeg2video", container="vob", bf="2"),
    "mpeg2.ts": dict(codec="mpeg2video", container="mpegts"),
    "h264.ts": dict(codec="libx264", container="mpegts", bf="3", g="12"),
    "hevc.ts": dict(codec="libx265", container="mpegts", **{"x265-params": "log-level=none"}),
    "camera.m2ts": dict(codec="libx264", container="mpegts", container_options={"mpegts_m2ts_mode": "1"}),
}


@pytest.mark.parametrize("name", STREAMS)
def test_mpeg_streams_are_exact_by_name_and_by_content(tmp_path, name):
    file = encode(tmp_path / name, **STREAMS[name])
    check_exact(file)
    renamed = file.rename(tmp_path / "renamed.mp4")
    check_exact(renamed)
    np.testing.assert_allclose(read_clip(renamed, 5, 4).times, np.arange(5) * 4 / 25, atol=2e-3)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (dict(pixels=3000), r"64 x 48 pixels.*limit is 0\.0 million"),
        (dict(frames=30), "40 frames; the limit is 30"),
        (dict(seconds=0), "longer than 0 s"),
        (dict(memory_bytes=150 << 20), "memory|stopped"),
    ],
)
def test_limits_name_the_value_and_the_limit(tmp_path, limits, words):
    with pytest.raises(VideoError, match=words):
        read_clip(h264(tmp_path / "clip.mp4"), 4, limits=DecodeLimits(**limits))


def test_bad_requests(tmp_path):
    file = h264(tmp_path / "clip.mp4")
    with pytest.raises(VideoError, match=r"start at frame 40, but clip\.mp4 has 40 frames"):
        read_clip(file, 4, start=40)
    for arguments in (dict(num_frames=0), dict(num_frames=4, sampling_rate=0), dict(num_frames=4, start=-1)):
        with pytest.raises(VideoError, match="must be at least"):
            read_clip(file, **arguments)
    for arguments in (dict(num_frames=4, sampling_rate=10**30), dict(num_frames=10**9)):
        with pytest.raises(VideoError, match="it must be at most 1000000"):
            read_clip(file, **arguments)


def test_threads_read_what_one_reads(tmp_path):
    files = [h264(tmp_path / f"{i}.mp4", FRAMES[i:]) for i in range(4)] * 2
    with ThreadPoolExecutor(8) as pool:
        clips = list(pool.map(lambda f: read_clip(f, 4, 3), files))
    for file, clip in zip(files, clips):
        assert frame_numbers(clip.frames) == [int(file.stem) + 3 * i for i in range(4)]
