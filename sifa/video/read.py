"""Reading clips from video files: decoding behind one door, in a child process with limits.

`child.py` runs that process, in which PyAV decodes.
"""

import math
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sifa.errors import VideoError
from sifa.video import child
from sifa.video.answer import NOTES, Header
from sifa.video.clip import LIMITS, Clip, DecodeLimits, check_sampling, check_seconds
from sifa.video.containers import HEAD_BYTES, KINDS, LFS_POINTER, find_container
from sifa.video.cuts import Cut

MOST_BYTES = 4 << 30  # of one clip's frames


def read_clip(
    path: str | Path,
    num_frames: int,
    sampling_rate: int = 1,
    start: int = 0,
    *,
    max_side: int = 640,
    limits: DecodeLimits = LIMITS,
) -> Clip:
    """Frames start, start + sampling_rate, ... of a video, numbered as they are shown.

    A video shorter than the span is padded by repeating its last sampled frame. Frames whose longer side exceeds
    `max_side` pixels are reduced. Raises VideoError for whatever cannot be read within the limits.

    Damage that the decoder notices is an error. A changed bit can also make another valid stream, whose pictures differ
    without any decoder's knowing.
    """
    check_sampling(num_frames, sampling_rate, start)
    return _read(Path(path), num_frames, (sampling_rate, "frames"), (start, "frames"), max_side, limits)


def read_seconds(
    path: str | Path,
    num_frames: int,
    step: float | None,
    start: float = 0.0,
    *,
    sampling_rate: int = 1,
    fit: bool = False,
    max_side: int = 640,
    limits: DecodeLimits = LIMITS,
) -> Clip:
    """The frames that are shown `start`, start + step, ... seconds after the first frame of a video.

    At a constant frame rate the step is the whole number of frames nearest to it, at least one. Without a step it is
    `sampling_rate` frames. With `fit`, the frames of a video that is shorter than that are taken closer together
    (`sifa.video.clip.spread`), and the clip's notes say so. All else is as in `read_clip`.
    """
    check_sampling(num_frames, sampling_rate, 0)
    check_seconds(step, start)
    pace = (sampling_rate, "frames") if step is None else (step, "seconds")
    return _read(Path(path), num_frames, pace, (start, "seconds"), max_side, limits, fit)


def _read(
    path: Path,
    num_frames: int,
    step: tuple[float, str],
    start: tuple[float, str],
    max_side: int,
    limits: DecodeLimits,
    fit: bool = False,
) -> Clip:
    """The clip, its step and start each counted in "frames" or "seconds"."""
    arguments = dict(
        num_frames=num_frames,
        step=step[0],
        start=start[0],
        step_is_seconds=step[1] == "seconds",
        start_is_seconds=start[1] == "seconds",
        max_side=max_side,
        max_pixels=limits.pixels,
        max_frames=limits.frames,
        memory_bytes=limits.memory_bytes,
        seconds=limits.seconds,
        fit=fit,
    )
    with open_video(path) as video:
        header, pixels = child.run(path.name, video, arguments)
    if "error" in header:
        raise VideoError(explain(path.name, header, start[0], limits))
    frame_bytes = math.prod(header["shape"][1:])
    if num_frames * frame_bytes > MOST_BYTES:
        raise VideoError(
            f"{num_frames} frames of {path.name} need {num_frames * frame_bytes / 2**30:.1f} GiB; the limit is "
            f"{MOST_BYTES / 2**30:.0f} GiB. Take fewer, or reduce them by max_side"
        )
    frames = np.frombuffer(pixels, np.uint8).reshape(header["shape"])
    order = np.array(header["order"])[np.minimum(np.arange(num_frames), len(header["order"]) - 1)]
    return Clip(
        frames=frames[order],
        times=np.array(header["times"])[order],
        indices=np.array(header["indices"], np.int64)[order],
        path=str(path),
        fps=header["fps"],
        source_frames=header["source_frames"],
        source_size=tuple(header["source_size"]),
        sampling_rate=header["sampling_rate"],
        padded=num_frames - len(header["order"]),
        notes=tuple(NOTES[note] for note in header["notes"]),
        cut=Cut(*header["cut"]) if header.get("cut") else None,
    )


def open_video(path: Path) -> BinaryIO:
    """The file, at its beginning; VideoError for what is no video at all, or of a kind that is not read."""
    if not path.exists():
        raise VideoError(f"there is no file {path.name}; check the path")
    if path.is_dir():
        raise VideoError(f"{path.name or path} is a folder; choose a video file in it")
    if not path.is_file():
        raise VideoError(f"{path.name} is not a regular file; choose a video file")
    try:
        video = path.open("rb", buffering=0)
    except OSError as error:
        raise VideoError(f"{path.name} could not be opened ({error.strerror}); check its permissions") from None
    try:
        _check_kind(path, video.read(HEAD_BYTES))
    except VideoError:
        video.close()
        raise
    video.seek(0)
    return video


def _check_kind(path: Path, head: bytes) -> None:
    """Raises VideoError where a file that begins so is not decoded: what names other files (playlists, lists, descriptions of
    streams) must never reach the decoder."""
    if not head:
        raise VideoError(f"{path.name} is empty (0 bytes); copy or download it again")
    if head.startswith(LFS_POINTER):
        raise VideoError(
            f"{path.name} is a Git LFS pointer, a text that stands for the video; fetch the video with: git lfs pull"
        )
    if find_container(head) is None:
        raise VideoError(
            f"{path.name} could not be read as a video: it begins with {head[:12]!r}, as no file of the kinds that are read "
            f"does. Choose one of {KINDS}"
        )


def explain(name: str, header: Header, start: float, limits: DecodeLimits) -> str:
    """What a header's error means to who chose the file `name`."""
    seen: Any = header.get("seen")
    match header["error"]:
        case "frames":
            return f"{name} has {seen or 'more'} frames; the limit is {limits.frames}. Cut a shorter piece"
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
        case "late":
            return f"{name} is {seen:.1f} s long, so it cannot start at {start:g} s; start earlier"
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
        case "still":
            return f"{name} holds one picture, so nothing in it moves; choose a GIF of several pictures, or a video"
        case "kind":
            return f"{name} changed while it was being read; try again when it is complete"
        case "crash":
            return f"the decoder stopped on {name} (exit status {seen}); the file is probably damaged. Try another copy"
        case _:
            return (
                f"{name} could not be read as a video: it is damaged, holds no moving picture, or is of a kind that is not "
                f"supported. Try one of {KINDS}"
            )
