"""Frames of a video file, decoded exactly and safely: `read_clip(path, num_frames, sampling_rate, start) -> Clip`.

A decoder meets files from anywhere: it may need gigabytes, never end, or abort the process. It therefore runs in a child
process (`_decode.py`) with limited memory and time, and every failure comes back as one `VideoError`.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

import numpy as np

from sifa._decode import CONVERT, MEMORY

CHILD = Path(__file__).with_name("_decode.py")
MPEG_SUFFIXES = (".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".vob")
FORMATS = "mp4, mov, mkv, webm, avi, gif, flv or wmv"


class VideoError(ValueError):
    """A video, or a part of it, cannot be read; the message says what was seen and what to do, and can be shown."""


@dataclass(frozen=True)
class DecodeLimits:
    """What decoding one file may cost; more is a `VideoError`."""

    memory_bytes: int = 1 << 30  # address space of the decoder, which takes 250 MiB for itself; not limited on Windows
    seconds: float = 20  # from start to end, and of processor time
    pixels: int = 9_400_000  # of one picture
    frames: int = 20_000  # of the whole video


LIMITS = DecodeLimits()


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames sampled from a video, in order of presentation."""

    frames: np.ndarray  # (T, H, W, 3) uint8 RGB
    times: np.ndarray  # (T,) float64 s, presentation time of each frame
    indices: np.ndarray  # (T,) int64 frame numbers in the source video
    path: str
    fps: float = 0.0  # source frames per second, averaged over the video; 0 where a single picture does not say
    source_frames: int = 0  # frames in the whole video
    source_size: tuple[int, int] = (0, 0)  # (height, width) of the source, after rotation
    sampling_rate: int = 1  # source frames from one frame to the next

    @property
    def padded(self) -> int:
        """How many frames at the end repeat the last one because the video was too short."""
        return int((self.indices == self.indices[-1]).sum()) - 1


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a whole video."""

    frames: int
    fps: float  # frames per second, averaged over the video; 0 where a single picture does not say
    size: tuple[int, int]  # (height, width), after rotation

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the end of the last one; 0 where a single picture does not say."""
        return self.frames / self.fps if self.fps else 0.0


def read_clip(
    path: str | os.PathLike,
    num_frames: int,
    sampling_rate: int = 1,
    start: int = 0,
    *,
    max_side: int = 640,
    limits: DecodeLimits = LIMITS,
) -> Clip:
    """Reads the frames start, start + sampling_rate, ... of a video file, exactly these.

    `start` and `sampling_rate` count source frames. Frames are reduced, with antialiasing, until their longer side is at
    most `max_side` pixels, and never enlarged. A video that ends early is padded with its last sampled frame.

    Raises VideoError where the file or an argument is at fault, ImportError where the decoder is not installed rightly.
    """
    for name, value, least in (
        ("num_frames", num_frames, 1),
        ("sampling_rate", sampling_rate, 1),
        ("start", start, 0),
        ("max_side", max_side, 1),
    ):
        if not isinstance(value, Integral) or value < least:
            raise VideoError(f"{name} is {value}; it must be a whole number of at least {least}.")
    if num_frames > limits.frames:
        raise VideoError(f"num_frames is {num_frames}; it must not exceed the limit of {limits.frames}.")
    facts, pixels = _decode(path, limits, start=start, step=sampling_rate, count=num_frames, max_side=max_side)
    slot = np.minimum(np.arange(num_frames), len(facts["indices"]) - 1)
    return Clip(
        frames=np.frombuffer(pixels, np.uint8).reshape(facts["shape"])[slot],
        times=np.array(facts["times"], np.float64)[slot],
        indices=np.array(facts["indices"], np.int64)[slot],
        path=os.fspath(path),
        fps=facts["fps"],
        source_frames=facts["frames"],
        source_size=tuple(facts["size"]),
        sampling_rate=int(sampling_rate),
    )


def probe(path: str | os.PathLike, *, limits: DecodeLimits = LIMITS) -> VideoInfo:
    """Frame count, rate, size and duration of a video file, at the cost of decoding its first frame.

    Raises VideoError where the file is at fault, ImportError where the decoder is not installed rightly.
    """
    facts, _ = _decode(path, limits, start=0, step=1, count=1, max_side=64)
    return VideoInfo(facts["frames"], facts["fps"], tuple(facts["size"]))


def _decode(path: str | os.PathLike, limits: DecodeLimits, **request: int) -> tuple[dict, memoryview]:
    """Runs the child process: the facts of the clip and its distinct frames as raw bytes."""
    name = os.path.basename(os.fspath(path))
    _check_file(path, name)
    request = {key: int(value) for key, value in request.items()}
    request |= {"memory": limits.memory_bytes, "seconds": limits.seconds}
    request |= {"pixels": limits.pixels, "frames": limits.frames}
    command = [sys.executable, "-P", str(CHILD), os.path.abspath(path), json.dumps(request)]
    try:
        child = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        raise _error(name, _too_slow(limits)) from None
    if child.returncode != 0:
        raise _error(name, _stopped(limits, child.returncode))
    end = child.stdout.index(b"\n")
    facts = json.loads(child.stdout[:end])
    if "setup" in facts:
        raise ImportError(facts["setup"])
    if "error" in facts:
        raise _error(name, _too_big(limits) if facts["error"] == MEMORY else facts["error"])
    return facts, memoryview(child.stdout)[end + 1 :]


def _error(name: str, sentence: str) -> VideoError:
    return VideoError(f"{name}: {sentence.replace('INPUT', shlex.quote(name))}")


def _check_file(path: str | os.PathLike, name: str) -> None:
    """Refuses what need not reach the decoder, among it text: a playlist could name other files to read."""
    if os.path.isdir(path):
        raise _error(name, "This is a folder. Choose one video file.")
    if not os.path.exists(path):
        raise _error(name, "There is no such file. Check the name.")
    if not os.path.isfile(path):
        raise _error(name, "This is not an ordinary file. Choose one video file.")
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise _error(name, f"It cannot be opened ({error.strerror}). Check its permissions.") from error
    if not head:
        raise _error(name, "The file is empty (0 bytes). Its upload may have been cut off; try again.")
    suffix = Path(name).suffix.lower()
    if suffix in MPEG_SUFFIXES or _is_mpeg_stream(head):
        seen = f"name ends in {suffix}" if suffix in MPEG_SUFFIXES else f"first bytes are {head[:4].hex(' ')}"
        raise _error(
            name,
            f"Its {seen}, the mark of an MPEG program or transport stream, of which single frames cannot be read exactly."
            f" {CONVERT}",
        )
    if not _is_container(head):
        seen = head[:8].hex(" ")
        raise _error(name, f"This is not a video: its first bytes are {seen}. Choose a file of type {FORMATS}.")


def _is_container(head: bytes) -> bool:
    return (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # mp4, mov
        or head.startswith(
            (b"\x1aE\xdf\xa3", b"GIF8", b"FLV\x01", b"0&\xb2u\x8ef\xcf\x11")
        )  # mkv and webm, gif, flv, wmv
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
    )


def _is_mpeg_stream(head: bytes) -> bool:
    """Whether a program stream's pack header, or a transport stream's sync byte in each of four packets, is there."""
    if _is_container(head):
        return False
    packets = [head[first : first + 4 * size : size] for first, size in ((0, 188), (4, 192), (0, 204))]
    return head.startswith(b"\x00\x00\x01\xba") or b"GGGG" in packets


def _too_slow(limits: DecodeLimits) -> str:
    return (
        f"Reading it took longer than the limit of {limits.seconds:g} s."
        " Choose an earlier start or a lower sampling rate, or a shorter or smaller video."
    )


def _too_big(limits: DecodeLimits) -> str:
    return (
        f"Reading it needs more memory than the limit of {limits.memory_bytes / 2**20:g} MiB."
        " Choose fewer frames or a video with smaller pictures."
    )


def _stopped(limits: DecodeLimits, returncode: int) -> str:
    """About a child that died: decord aborts the process when it gets no memory."""
    if returncode == -getattr(signal, "SIGXCPU", 0):
        return _too_slow(limits)
    if returncode in (-signal.SIGABRT, -getattr(signal, "SIGKILL", 0)):
        return _too_big(limits)
    return (
        f"The decoder crashed (exit status {returncode}). The file may be damaged, or need more memory than the limit of"
        f" {limits.memory_bytes / 2**20:g} MiB. {CONVERT}"
    )
