"""Exact frames of every kind of file, and one clear error for each kind of fault; all files are made here."""

import os
import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from sifa.video import DecodeLimits, VideoError, probe, read_clip
from tests.clips import frame_number, frame_numbers, numbered_frames, rotate_clip, trim_clip, write_clip, write_sound

COUNT = 30
FRAMES = numbered_frames(COUNT)
MIB = 1 << 20

FILES = {
    "h264.mp4": {},
    "b-frames.mp4": {"bf": "3", "g": "12"},
    "fragments.mp4": {"g": "10", "container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "hevc.mp4": {"codec": "libx265", "x265-params": "log-level=none"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "av1.webm": {"codec": "libsvtav1"},
    "av1.mp4": {"codec": "libsvtav1"},
    "h264.mkv": {},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "h264.mov": {},
    "anim.gif": {"codec": "gif", "pixels": "rgb8"},
    "wmv2.wmv": {"codec": "wmv2"},
    "an mp4.avi": {"container": "mp4"},
    "-клип (1).mp4": {},
}


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """make(name) writes the file of that name in FILES once and returns its path."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name):
        path = folder / name
        return path if path.exists() else write_clip(path, FRAMES, **FILES[name])

    return make


@pytest.fixture
def refuse(tmp_path):
    """refuse(path, *words) asserts a VideoError that holds these words, the file's name and no folder."""

    def refuse(path, *words, num_frames=4, **options):
        with pytest.raises(VideoError) as caught:
            read_clip(path, num_frames, **options)
        message = str(caught.value)
        for word in (path.name, *words):
            assert word in message
        assert str(path.parent) not in message
        assert "\n" not in message

    return refuse


def check_clip(path, num_frames, sampling_rate, start, first=0, count=COUNT):
    """Reads a clip of a file that shows the frames first to first + count - 1, and checks everything about it."""
    clip = read_clip(path, num_frames, sampling_rate, start)
    indices = np.arange(num_frames) * sampling_rate + start
    indices = np.where(indices < count, indices, indices[indices < count][-1])
    assert clip.indices.tolist() == indices.tolist()
    assert frame_numbers(clip.frames) == (indices + first).tolist()
    np.testing.assert_allclose(clip.times, indices / 25, atol=1e-5)
    assert clip.padded == (indices[:-1] == indices[1:]).sum()
    assert (clip.frames.dtype, clip.times.dtype, clip.indices.dtype) == (np.uint8, np.float64, np.int64)
    assert (clip.path, clip.sampling_rate, clip.source_frames) == (str(path), sampling_rate, count)
    assert clip.fps == pytest.approx(25, abs=1e-3)
    return clip


@pytest.mark.parametrize("name", FILES)
def test_frames_are_exact(make, name):
    clip = check_clip(make(name), 30, 1, 0)
    assert clip.frames.shape == (30, 48, 64, 3)
    assert clip.source_size == (48, 64)
    check_clip(make(name), 3, 7, 11)
    check_clip(make(name), 5, 9, 4)


def test_padding_repeats_the_last_sampled_frame(make):
    clip = check_clip(make("b-frames.mp4"), 8, 6, 10)
    assert clip.indices.tolist() == [10, 16, 22, 28, 28, 28, 28, 28]
    assert clip.padded == 4
    assert check_clip(make("b-frames.mp4"), 3, 1, 29).padded == 2
    assert check_clip(make("b-frames.mp4"), 1, 1, 29).padded == 0


def test_arrays_are_writable_and_contiguous(make):
    clip = read_clip(make("h264.mp4"), 4)
    assert clip.frames.flags.writeable
    assert clip.frames.flags.c_contiguous


def test_channels_are_red_green_blue(make):
    clip = read_clip(make("h264.mp4"), 1)
    np.testing.assert_allclose(clip.frames[0, 8, 8], FRAMES[0, 8, 8], atol=10)


def test_variable_frame_rate(tmp_path):
    ticks = [i * (i + 1) // 2 for i in range(12)]
    path = write_clip(tmp_path / "vfr.mp4", FRAMES[:12], ticks=ticks)
    clip = read_clip(path, 4, 3, 1)
    assert frame_numbers(clip.frames) == [1, 4, 7, 10]
    np.testing.assert_allclose(clip.times, [ticks[i] / 25 for i in (1, 4, 7, 10)], atol=1e-5)
    assert clip.fps == pytest.approx(11 / (ticks[11] / 25), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "options"), [("odd.mp4", {"pixels": "yuv444p"}), ("odd.webm", {"codec": "libvpx-vp9"})]
)
def test_odd_size(tmp_path, name, options):
    path = write_clip(tmp_path / name, numbered_frames(12, 99, 175), **options)
    clip = read_clip(path, 4, 3, 1)
    assert clip.frames.shape == (4, 99, 175, 3)
    assert frame_numbers(clip.frames) == [1, 4, 7, 10]
    assert frame_numbers(read_clip(path, 4, 3, 1, max_side=77).frames) == [1, 4, 7, 10]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_applied(tmp_path, degrees):
    path = write_clip(tmp_path / "turned.mp4", FRAMES)
    rotate_clip(path, degrees)
    for max_side in (640, 48):
        clip = read_clip(path, 4, 3, 1, max_side=max_side)
        assert [frame_number(np.rot90(frame, degrees // 90)) for frame in clip.frames] == [1, 4, 7, 10]
        assert clip.source_size == ((48, 64) if degrees == 180 else (64, 48))
        assert max(clip.frames.shape[1:3]) == min(max_side, 64)


@pytest.mark.parametrize(
    ("height", "width", "max_side"), [(50, 70, 640), (66, 120, 640), (100, 120, 60), (18, 64, 640)]
)
@pytest.mark.parametrize("degrees", [0, 90])
def test_rows_of_any_width(tmp_path, height, width, max_side, degrees):
    """decord hands over some widths with padding at the end of each row."""
    path = write_clip(tmp_path / "rows.mp4", numbered_frames(8, height, width), crf="10")
    if degrees:
        rotate_clip(path, degrees)
    clip = read_clip(path, 3, 2, 1, max_side=max_side)
    assert clip.frames.shape[3] == 3
    assert [frame_number(np.rot90(frame, degrees // 90)) for frame in clip.frames] == [1, 3, 5]
    if max_side == 640:
        assert (
            abs(np.rot90(clip.frames[0], degrees // 90).astype(int) - numbered_frames(2, height, width)[1]).mean() < 12
        )


def test_a_cut_by_the_ffmpeg_program_shows_what_a_player_shows(make, tmp_path):
    if not (ffmpeg := shutil.which("ffmpeg")):
        pytest.skip("no ffmpeg program on PATH to cut with")
    path = tmp_path / "cut.mp4"
    subprocess.run([ffmpeg, "-v", "error", "-ss", "0.6", "-i", make("h264.mp4"), "-c", "copy", path], check=True)
    check_clip(path, 15, 1, 0, first=15, count=15)


@pytest.mark.parametrize("trimmed", [5, 14])
def test_edit_list_hides_frames(make, tmp_path, trimmed):
    path = trim_clip(make("b-frames.mp4"), tmp_path / "trimmed.mp4", trimmed / 25)
    assert b"elst" in path.read_bytes()
    check_clip(path, 16, 1, 0, first=trimmed, count=COUNT - trimmed)
    check_clip(path, 3, 4, 6, first=trimmed, count=COUNT - trimmed)


def test_max_side_reduces_with_antialiasing_and_never_enlarges(tmp_path):
    board = np.indices((96, 160)).sum(0) % 2 * 255
    path = write_clip(
        tmp_path / "board.mkv",
        np.repeat(board[None, ..., None], 3, -1).repeat(5, 0).astype(np.uint8),
        codec="ffv1",
        pixels="bgr0",
    )
    clip = read_clip(path, 2, max_side=70)
    assert clip.frames.shape == (2, 42, 70, 3)
    assert clip.source_size == (96, 160)
    assert abs(clip.frames.astype(int) - 128).max() < 40
    assert read_clip(path, 2, max_side=160).frames.shape == (2, 96, 160, 3)
    assert (read_clip(path, 2).frames == board[..., None]).all()


def test_probe(make):
    info = probe(make("h264.mov"))
    assert (info.frames, info.size) == (COUNT, (48, 64))
    assert (info.fps, info.duration) == pytest.approx((25, COUNT / 25), abs=1e-3)


def test_threads_read_the_same_as_one(make):
    jobs = [
        (make(name), 5, rate, start) for name in ("b-frames.mp4", "vp9.webm") for rate in (1, 4) for start in (0, 9)
    ]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: read_clip(*job), jobs + jobs))
    for job, clip, again in zip(jobs, together, together[len(jobs) :]):
        assert (clip.frames == read_clip(*job).frames).all()
        assert (clip.frames == again.frames).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_frames": 0}, "num_frames is 0"),
        ({"num_frames": 2.5}, "num_frames is 2.5"),
        ({"num_frames": 30_000}, "20000"),
        ({"sampling_rate": 0}, "sampling_rate is 0"),
        ({"start": -1}, "start is -1"),
        ({"max_side": 0}, "max_side is 0"),
        ({"start": 30}, "Choose 0 to 29"),
    ],
)
def test_bad_arguments(make, options, words):
    with pytest.raises(VideoError, match=words):
        read_clip(make("h264.mp4"), **{"num_frames": 4, **options})


def test_what_is_not_a_video(tmp_path, refuse):
    refuse(tmp_path / "absent.mp4", "no such file")
    (tmp_path / "folder.mp4").mkdir()
    refuse(tmp_path / "folder.mp4", "folder")
    contents = {
        "empty.mp4": (b"", "0 bytes"),
        "text.mp4": (b"#EXTM3U\nfile:///etc/hostname\n", "23 45 58 54"),
        "random.mp4": (random.Random(0).randbytes(5000), "first bytes"),
        "header.mp4": (b"\0\0\0\x18ftypisom" + random.Random(0).randbytes(5000), "damaged"),
    }
    for name, (content, words) in contents.items():
        (tmp_path / name).write_bytes(content)
        refuse(tmp_path / name, words)
    Image.fromarray(FRAMES[0]).save(tmp_path / "photo.jpg")
    (tmp_path / "photo.jpg").rename(tmp_path / "photo.mp4")
    refuse(tmp_path / "photo.mp4", "ff d8 ff e0", "mp4, mov")
    refuse(write_sound(tmp_path / "sound.mp4"), "no picture track")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hang(tmp_path, refuse):
    os.mkfifo(tmp_path / "pipe.mp4")
    refuse(tmp_path / "pipe.mp4", "not an ordinary file")


@pytest.mark.parametrize(
    ("name", "options", "mark"),
    [("a.mpg", {"codec": "mpeg2video"}, "00 00 01 ba"), ("a.ts", {}, "47"), ("a.m2ts", {}, "first bytes")],
)
def test_mpeg_streams_are_refused_by_suffix_and_by_content(tmp_path, refuse, name, options, mark):
    path = write_clip(tmp_path / name, FRAMES, **options)
    refuse(path, f"ends in {path.suffix}", f"ffmpeg -i {name}")
    refuse(path.rename(tmp_path / "renamed.mp4"), "MPEG program or transport stream", mark)
    refuse(write_clip(tmp_path / f"mp4{path.suffix}", FRAMES, container="mp4"), f"ends in {path.suffix}")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("live.webm", {"codec": "libvpx-vp9", "container_options": {"live": "1"}}, "how long it is"),
        ("b-frames.avi", {"codec": "mpeg4", "bf": "2"}, "time stamp"),
        (
            "closed.mp4",
            {"codec": "libx265", "x265-params": "log-level=none:open-gop=0:keyint=12:bframes=3"},
            "valid coding",
        ),
    ],
)
def test_what_the_decoder_cannot_do_is_said(tmp_path, refuse, name, options, words):
    refuse(write_clip(tmp_path / name, FRAMES, **options), words, f"ffmpeg -i {name}", num_frames=30)


def test_cut_off_files(make, tmp_path, refuse):
    data = make("h264.mp4").read_bytes()
    for tenth, words in ((5, "moov atom not found"), (9, "error reading header")):
        (tmp_path / "cut.mp4").write_bytes(data[: len(data) * tenth // 10])
        refuse(tmp_path / "cut.mp4", "damaged, cut off", words)
    data = make("h264.mkv").read_bytes()
    read = set()
    for tenth in (4, 6, 8):
        (tmp_path / "cut.mkv").write_bytes(data[: len(data) * tenth // 10])
        clip = read_clip(tmp_path / "cut.mkv", COUNT)
        assert frame_numbers(clip.frames) == [min(i, clip.source_frames - 1) for i in range(COUNT)]
        read.add(clip.source_frames)
    assert len(read) == 3
    assert max(read) < COUNT


def test_damage_is_never_silent(make, tmp_path, capfd):
    """One flipped bit in the pictures: FFmpeg conceals most of them, so that wrong frames look like good ones."""
    whole = make("h264.mp4").read_bytes()
    pictures = whole.index(b"mdat") + 800, whole.index(b"moov")
    path = tmp_path / "damaged.mp4"
    refused = 0
    for seed in range(16):
        data = bytearray(whole)
        data[random.Random(seed).randrange(*pictures)] ^= 0x10
        path.write_bytes(data)
        try:
            clip = read_clip(path, COUNT)
        except VideoError:
            refused += 1
        else:
            assert frame_numbers(clip.frames) == list(range(COUNT))
    assert refused > 4
    assert capfd.readouterr() == ("", "")


def test_limits_of_pixels_and_frames(make, refuse):
    path = make("h264.mp4")
    refuse(path, "64 x 48 = 3072", "3071", limits=DecodeLimits(pixels=3071))
    refuse(path, "30 frames", "limit of 29", limits=DecodeLimits(frames=29))
    assert read_clip(path, 4, limits=DecodeLimits(pixels=3072, frames=30)).source_frames == 30


@pytest.mark.skipif(os.name == "nt", reason="memory cannot be limited on Windows")
def test_limit_of_memory(tmp_path, refuse):
    path = write_clip(
        tmp_path / "big.mp4",
        np.broadcast_to(FRAMES[0].repeat(15, 0).repeat(20, 1), (150, 720, 1280, 3)),
        preset="ultrafast",
    )
    limits = DecodeLimits(memory_bytes=400 * MIB)
    refuse(path, "400 MiB", num_frames=150, max_side=1280, limits=limits)
    refuse(path, "20 MiB", limits=DecodeLimits(memory_bytes=20 * MIB))
    assert frame_numbers(read_clip(path, 150, max_side=64, limits=limits).frames) == [0] * 150


def test_limit_of_time(make, refuse):
    refuse(make("h264.mp4"), "0.01 s", limits=DecodeLimits(seconds=0.01))


@pytest.fixture
def replace_decord(tmp_path, monkeypatch):
    """replace_decord(source) puts a module of that source in the place of decord, for the child process."""

    def replace_decord(source):
        (tmp_path / "decord").mkdir(exist_ok=True)
        (tmp_path / "decord" / "__init__.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    return replace_decord


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("__version__ = '0.6.0'", "old package decord 0.6.0"),
        ("", "remains"),
        ("raise ImportError('no decord')", "no decord"),
    ],
)
def test_a_broken_installation_is_named(make, replace_decord, source, words):
    replace_decord(source)
    with pytest.raises(ImportError, match=words) as caught:
        read_clip(make("h264.mp4"), 4)
    assert "pip uninstall -y decord decord2 && pip install decord2" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import time; time.sleep(60)", "0.5 s"),
        ("import os; os.abort()", "memory"),
        ("import os; os.kill(os.getpid(), 9)", "memory"),
        ("import os; os.kill(os.getpid(), 11)", "crashed (exit status -11)"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="signals are not Windows'")
def test_a_child_that_hangs_or_dies_leaves_nothing_behind(make, replace_decord, refuse, source, words):
    path = make("h264.mp4")
    replace_decord(source)
    begin = time.monotonic()
    refuse(path, words, limits=DecodeLimits(seconds=0.5))
    assert time.monotonic() - begin < 10
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
