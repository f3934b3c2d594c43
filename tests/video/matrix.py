"""Containers x codecs x structures, made by the program ffmpeg from pictures that carry their own numbers; ffmpeg's decoder is
the oracle of what a player shows."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.clips import frame_numbers, numbered_frames

COUNT, HEIGHT, WIDTH = 66, 72, 96
B_FRAMES = ("-bf", "3", "-g", "12")
CODECS = {
    "h264": ("-c:v", "libx264", "-pix_fmt", "yuv420p"),
    "h264_b": ("-c:v", "libx264", "-pix_fmt", "yuv420p", *B_FRAMES),
    "h264_open_gop": ("-c:v", "libx264", "-pix_fmt", "yuv420p", *B_FRAMES, "-x264-params", "open-gop=1:scenecut=0"),
    "h264_refresh": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", "intra-refresh=1:keyint=20"),
    "h264_interlaced": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-flags", "+ildct+ilme", "-x264-params", "tff=1"),
    "h264_444": ("-c:v", "libx264", "-pix_fmt", "yuv444p"),
    "h264_10_bit": ("-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
    "hevc": ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none"),
    "hevc_b": ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none:keyint=12:bframes=3"),
    "hevc_10_bit": ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"),
    "mpeg4": ("-c:v", "mpeg4", "-qscale", "3"),
    "mpeg4_b": ("-c:v", "mpeg4", "-qscale", "3", "-bf", "2"),
    "xvid": ("-c:v", "libxvid", "-qscale", "2"),
    "xvid_b": ("-c:v", "mpeg4", "-vtag", "XVID", "-qscale", "3", "-bf", "2"),
    "mpeg2": ("-c:v", "mpeg2video", "-qscale", "3"),
    "mpeg2_b": ("-c:v", "mpeg2video", "-qscale", "3", "-bf", "2"),
    "mpeg1_b": ("-c:v", "mpeg1video", "-qscale", "3", "-bf", "2"),
    "msmpeg4": ("-c:v", "msmpeg4", "-qscale", "3"),
    "wmv2": ("-c:v", "wmv2", "-qscale", "3"),
    "h263": ("-c:v", "h263p", "-qscale", "3"),
    "flv1": ("-c:v", "flv", "-qscale", "3"),
    "mjpeg": ("-c:v", "mjpeg", "-qscale", "3"),
    "prores": ("-c:v", "prores_ks"),
    "png": ("-c:v", "png"),
    "ffv1": ("-c:v", "ffv1"),
    "huffyuv": ("-c:v", "huffyuv"),
    "raw": ("-c:v", "rawvideo", "-pix_fmt", "yuv420p"),
    "vp8": ("-c:v", "libvpx", "-b:v", "2M", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-g", "30"),
    "vp9": ("-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-b:v", "2M", "-g", "30", "-cpu-used", "8"),
    "av1": ("-c:v", "libaom-av1", "-pix_fmt", "yuv420p", "-cpu-used", "8", "-crf", "20", "-g", "30"),
    "theora": ("-c:v", "libtheora", "-qscale", "8"),
    "gif": ("-c:v", "gif"),
}
IN = {  # container: the codecs in it
    "mp4": "h264 h264_b h264_open_gop h264_refresh h264_interlaced h264_444 h264_10_bit hevc hevc_b hevc_10_bit "
    "mpeg4 mpeg4_b mpeg2_b mpeg1_b mjpeg vp9 av1 png",
    "mov": "h264_b hevc_b mpeg4_b prores png mjpeg",
    "mkv": "h264 h264_b h264_open_gop h264_refresh hevc_b mpeg4_b xvid_b mpeg2_b vp8 vp9 av1 ffv1 mjpeg prores theora huffyuv",
    "webm": "vp8 vp9 av1",
    "avi": "h264 h264_b mpeg4 mpeg4_b xvid xvid_b mpeg2 mpeg2_b mjpeg msmpeg4 ffv1 huffyuv raw png vp8 h263",
    "ts": "h264_b h264_open_gop hevc_b mpeg2_b mpeg1_b mpeg4_b",
    "m2ts": "h264_b mpeg2_b",
    "mpg": "mpeg1_b mpeg2_b",
    "vob": "mpeg2_b",
    "3gp": "h264_b mpeg4",
    "flv": "h264_b flv1",
    "wmv": "wmv2 msmpeg4",
    "gif": "gif",
}
UNEVEN = ("-vf", "setpts='(N+floor(N/7)*3)/30/TB'", "-vsync", "vfr")
WRITTEN = {  # name: a codec, and how it is written
    "fragments.mp4": ("h264_b", "-movflags", "frag_keyframe+empty_moov"),
    "fragments_late.mp4": ("h264_b", "-movflags", "frag_keyframe+empty_moov+default_base_moof+delay_moov"),
    "index_first.mp4": ("h264_b", "-movflags", "+faststart"),
    "negative_offsets.mp4": ("h264_b", "-movflags", "negative_cts_offsets"),
    "no_edit_list.mp4": ("h264_b", "-use_editlist", "0"),
    "late_start.mp4": ("h264_b", "-output_ts_offset", "5"),
    "late_start.mkv": ("h264_b", "-output_ts_offset", "5"),
    "without_length.mkv": ("h264_b", "-live", "1"),
    "without_length.webm": ("vp9", "-live", "1"),
    "uneven.mp4": ("h264_b", *UNEVEN),
    "uneven.mkv": ("h264_b", *UNEVEN),
    "uneven.webm": ("vp8", *UNEVEN),
    "60_a_second.mp4": ("h264_b", "-r", "60", "-vf", "setpts=N/60/TB"),
}
CUT = [  # how a file is cut or copied into another, without decoding
    (f"{codec}.{first}", f"{codec}_{cut}.{second}", options)
    for codec in ("h264_b", "h264_open_gop", "hevc_b", "mpeg4_b")
    for first, second, cut, options in (
        ("mp4", "mp4", "without_start", ("-ss", "0.6", "-i", "{}")),
        ("mp4", "mp4", "without_end", ("-i", "{}", "-t", "1.5")),
        ("mp4", "mp4", "without_both", ("-ss", "0.6", "-i", "{}", "-t", "1")),
        ("mp4", "mkv", "without_start", ("-ss", "0.6", "-i", "{}")),
        ("mp4", "mkv", "copied", ("-i", "{}")),
    )
] + [
    ("h264_b.mp4", "copied.avi", ("-i", "{}")),
    ("h264_b.mkv", "copied_back.mp4", ("-i", "{}")),
    ("mpeg4_b.avi", "copied_from_avi.mp4", ("-i", "{}")),
    ("h264_b.ts", "copied_from_stream.mp4", ("-i", "{}")),
    ("h264_b.ts", "copied_from_stream.mkv", ("-i", "{}")),
    ("h264_b.mp4", "piped.mkv", ("-i", "{}", "-f", "matroska", "pipe:1")),
    ("h264_b.mp4", "negative_times.mkv", ("-ss", "0.6", "-i", "{}", "-avoid_negative_ts", "disabled")),
]
NAMES = [
    *(f"{codec}.{container}" for container, codecs in IN.items() for codec in codecs.split()),
    *WRITTEN,
    *(name for _, name, _ in CUT),
]


@cache
def program(name: str) -> str:
    """The path of ffmpeg or ffprobe; skips the test where there is none, or fails it where nothing may be skipped."""
    if path := shutil.which(name):
        return path
    missing = f"there is no program {name} on PATH"
    return pytest.fail(missing) if os.environ.get("SIFA_REQUIRE_BROWSER") == "1" else pytest.skip(missing)


def run(*arguments: str | Path, given: bytes = b"") -> bytes:
    command = [program("ffmpeg"), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    if given:
        command.remove("-nostdin")
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-500:]
    return done.stdout


@cache
def pictures(count: int) -> bytes:
    return numbered_frames(count, HEIGHT, WIDTH).tobytes()


def encode(file: Path, codec: str, *options: str, count: int = COUNT) -> Path:
    """The numbered pictures at 30 a second; a codec of CODECS."""
    before = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "30", "-i", "-")
    more = ("-mpegts_m2ts_mode", "1", "-f", "mpegts") if file.suffix == ".m2ts" else ()
    run(*before, *CODECS[codec], *options, *more, file, given=pictures(count))
    return file


def make(name: str, folder: Path) -> Path:
    """One of NAMES, in a folder that keeps what others are made of."""
    file = folder / name
    if file.exists():
        return file
    if name in WRITTEN:
        return encode(file, *WRITTEN[name])
    for source, target, options in CUT:
        if target == name:
            given = str(make(source, folder))
            filled = [given if option == "{}" else option for option in options]
            at = filled.index(given) + 1
            if "pipe:1" in filled:
                file.write_bytes(run(*filled[:at], "-c", "copy", *filled[at:]))
            else:
                run(*filled[:at], "-c", "copy", *filled[at:], file)
            return file
    return encode(file, name.rpartition(".")[0])


def shown(file: Path) -> tuple[list[int], np.ndarray]:
    """What ffmpeg decodes: the frames' numbers, and their times since the first in seconds; NaN where it knows none."""
    raw = run("-i", file, "-map", "0:v:0", "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    frames = np.frombuffer(raw, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
    return frame_numbers(frames), times_of(file)


def times_of(file: Path) -> np.ndarray:
    entries = ("-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time", "-of", "json")
    done = subprocess.run([program("ffprobe"), "-v", "error", *entries, file], capture_output=True, check=True)
    frames = json.loads(done.stdout)["frames"]
    times = np.array([float(frame.get("best_effort_timestamp_time", "nan")) for frame in frames])
    return times - times[0]


def strict_verdict(file: Path) -> str:
    """What ffmpeg's readers and decoders say of a file at their strictest; empty where they have no complaint."""
    strict = ("-err_detect", "crccheck+bitstream+buffer+careful+compliant+explode", "-xerror")
    command: Sequence[str | Path] = [
        program("ffmpeg"), "-v", "error", "-nostdin", *strict, "-i", file, "-map", "0:v:0", "-vsync", "passthrough",
        "-f", "rawvideo", "-y", os.devnull,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False)
    lines = done.stderr.decode(errors="replace").splitlines()
    said = "\n".join(line for line in lines if "dts to muxer" not in line)  # which the writer says, of times alone
    return said or (f"status {done.returncode}" if done.returncode else "")
