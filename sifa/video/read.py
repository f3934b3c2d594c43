"""Reading clips from video files: decoding behind one door, in a child process with limits.

decord2 (the maintained continuation of decord, same module name) does the decoding; `sifa/_decode.py` is the child.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from sifa.errors import VideoError

COMPLAINT = re.compile(rb"^\[[\w,]+ @ \w+\] (.{1,120})", re.MULTILINE)  # a line of the decoder at error level


@dataclass(frozen=True)
class Clip:
    """Frames sampled from a video, and where they come from."""

    frames: np.ndarray  # (T, H, W, 3) uint8 RGB
    times: np.ndarray  # (T,) float64, presentation time in seconds
    indices: np.ndarray  # (T,) int64, frame numbers in the source
    path: str
    fps: float = 0.0  # average of the source
    source_frames: int = 0
    source_size: tuple[int, int] = (0, 0)  # height and width of the source, after rotation
    sampling_rate: int = 1  # source frames from one sampled frame to the next

    @property
    def padded(self) -> int:
        """How many frames at the end repeat the last one, because the video is shorter than the span."""
        return int((self.indices == self.indices[-1]).sum()) - 1


@dataclass(frozen=True)
class DecodeLimits:
    memory_bytes: int = 1 << 30  # address space of the decoding process
    seconds: int = 20
    pixels: int = 9_400_000  # per frame
    frames: int = 20_000


def read_clip(
    path: str | Path,
    num_frames: int,
    sampling_rate: int = 1,
    start: int = 0,
    *,
    max_side: int = 640,
    limits: DecodeLimits = DecodeLimits(),  # noqa: B008
) -> Clip:
    """Frames start, start + sampling_rate, ... of a video, numbered as in the source.

    Damage that the decoder notices is an error. A changed bit can also make another valid stream, whose pictures differ
    without any decoder's knowing.

    A video shorter than the span is padded by repeating its last sampled frame. Frames whose longer side exceeds
    `max_side` are reduced. Raises VideoError for whatever cannot be read within the limits.
    """
    path = Path(path)
    for name, value, least in (("num_frames", num_frames, 1), ("sampling_rate", sampling_rate, 1), ("start", start, 0)):
        if value < least:
            raise VideoError(f"{name} is {value}; it must be at least {least}")
    _refuse_early(path)
    _check_decord()
    header, pixels = _run_child(
        path,
        limits,
        dict(
            path=str(path), num_frames=num_frames, sampling_rate=sampling_rate, start=start, max_side=max_side,
            max_pixels=limits.pixels, max_frames=limits.frames, memory_bytes=limits.memory_bytes, seconds=limits.seconds,
        ),
    )  # fmt: skip
    if "error" in header:
        raise VideoError(_explain(path.name, header, start, limits))
    frames = np.frombuffer(pixels, np.uint8).reshape(header["shape"])
    keep = np.minimum(np.arange(num_frames), len(frames) - 1)
    return Clip(
        frames=frames[keep],
        times=np.array(header["times"])[keep],
        indices=np.array(header["indices"], np.int64)[keep],
        path=str(path),
        fps=header["fps"],
        source_frames=header["source_frames"],
        source_size=tuple(header["source_size"]),
        sampling_rate=sampling_rate,
    )


def _refuse_early(path: Path) -> None:
    """Files that are no video at all, and streams in which frames cannot be numbered exactly."""
    if not path.exists():
        raise VideoError(f"there is no file {path.name}; check the path")
    if path.is_dir():
        raise VideoError(f"{path.name} is a folder; choose a video file in it")
    if not path.is_file():
        raise VideoError(f"{path.name} is not a regular file; choose a video file")
    with path.open("rb") as file:
        head = file.read(768)
    if not head:
        raise VideoError(f"{path.name} is empty (0 bytes); copy or download it again")
    program_stream = head.startswith(b"\x00\x00\x01\xba")
    transport_stream = any(
        len(head) > first + 376 and all(head[first + 188 * i] == 0x47 for i in range(3)) for first in (0, 4)
    )
    stream_suffix = path.suffix.lower() in (".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".vob")
    if program_stream or transport_stream or stream_suffix:
        raise VideoError(
            f"{path.name} is an MPEG stream, in which frames cannot be counted exactly; convert it first: "
            f"ffmpeg -i {path.name} {path.stem}.mp4"
        )


@cache
def _check_decord() -> None:
    """The old package `decord` installs a module of the same name and may have replaced decord2's."""
    installed = {name.lower() for name in importlib.metadata.packages_distributions().get("decord", [])}
    if "decord" in installed or importlib.util.find_spec("decord") is None or not installed:
        raise VideoError(
            "decord2 is not installed, or the old package decord has replaced it; repair it with: "
            "pip uninstall -y decord decord2 && pip install decord2"
        )


def _run_child(path: Path, limits: DecodeLimits, arguments: dict) -> tuple[dict, memoryview]:
    child = Path(__file__).with_name("_decode.py")
    command = [sys.executable, "-I", str(child), json.dumps(arguments)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=limits.seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise VideoError(
            f"{path.name} took longer than {limits.seconds} s to decode; cut a shorter piece or reduce its size"
        ) from None
    if len(done.stdout) < 4:
        if b"bad_alloc" in done.stderr or b"memory" in done.stderr.lower():
            return dict(error="memory"), memoryview(b"")
        return dict(error="crash", seen=done.returncode), memoryview(b"")
    (length,) = struct.unpack_from("<I", done.stdout)
    header = json.loads(done.stdout[4 : 4 + length])
    if "error" not in header and (complaint := COMPLAINT.search(done.stderr)):
        return dict(error="damaged", seen=complaint.group(1).decode(errors="replace")), memoryview(b"")
    return header, memoryview(done.stdout)[4 + length :]


def _explain(name: str, header: dict, start: int, limits: DecodeLimits) -> str:
    seen = header.get("seen")
    match header["error"]:
        case "frames":
            return f"{name} has {seen} frames; the limit is {limits.frames}. Cut a shorter piece"
        case "pixels":
            width, height = seen
            return (
                f"{name} is {width} x {height} pixels ({width * height / 1e6:.1f} million per frame); the limit is "
                f"{limits.pixels / 1e6:.1f} million. Scale it down first"
            )
        case "start":
            return (
                f"the clip would start at frame {start}, but {name} has {seen} frames (0 to {seen - 1}); start earlier"
            )
        case "memory":
            return (
                f"decoding {name} needs more memory than the limit of {limits.memory_bytes / 2**20:.0f} MiB; "
                "scale it down or cut a shorter piece"
            )
        case "damaged":
            return (
                f"{name} is damaged ({seen}), and frames after the damage cannot be trusted; try another copy, or cut a "
                "piece before it"
            )
        case "size":
            return f"{name} changes its picture size along the way; convert it to one size first"
        case "crash":
            return f"the decoder stopped on {name} (exit status {seen}); the file is probably damaged. Try another copy"
        case _:
            return (
                f"{name} could not be read as a video: it is damaged, holds no picture, or is of a kind that is not "
                "supported. Try mp4, webm, mkv, mov, avi or gif"
            )
