"""Decode one video in a process of its own, which `sifa.video.child` starts with the video as its standard input.

The file's name and folder are not known here. When all libraries are loaded and before anything is read, the process limits and
shuts off itself (`_sandbox.py`). The answer goes to standard output: four bytes of header length, a JSON header, then the frames
as raw bytes.
"""

import json
import os
import struct
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from sifa.video._beside import Beside
from sifa.video._pictures import is_hdr, picture_of, pixel_shape, resized, small_picture, square_size
from sifa.video._sandbox import follow_parent, limit_resources, shut_off
from sifa.video._survey import USUAL_RATE, Complaints, Survey, Track, count, frame_rate, is_constant, survey
from sifa.video.clip import spread
from sifa.video.containers import HEAD_BYTES, find_container
from sifa.video.cuts import SIDE, Pictures, cut_among

MOST_BESIDE = 1 << 21  # pixels of a frame: of larger ones several at a time would need too much memory
EARLY = 1e-3  # seconds: containers round times to a millisecond
STARVED = ("annot allocate", "get_buffer() failed", "failed to map", "bad_alloc")  # what a lack of memory is called


@dataclass(frozen=True)
class Request:
    """Which frames are wanted, and within which limits: by number or by time, each of `start` and `step` for itself."""

    num_frames: int
    step: float  # from one sampled frame to the next
    start: float
    step_is_seconds: bool
    start_is_seconds: bool
    max_side: int
    max_pixels: int
    max_frames: int
    fit: bool = False  # take the frames closer together where the video is shorter than the clip
    longest: float = 0  # seconds of a whole video, which is streamed (`_stream.py`); 0: a clip


class Refused(Exception):
    """A reason that the parent puts into words: one of its `explain`, and what was seen."""


def damaged(complaint: str) -> Refused:
    """What a complaint of the decoder means."""
    if any(sign in complaint for sign in STARVED):
        return Refused("memory")
    return Refused("damaged", "".join(letter for letter in complaint if letter.isprintable())[:120])


class NotAsSurveyed(Exception):
    """The decoder gives other frames than the packets promised, or complains after a jump to a key frame."""


def choose(times: np.ndarray, fps: float, ask: Request) -> tuple[np.ndarray, int]:
    """The numbers of the sampled frames, fewer than asked for where the video ends, and how many frames the step has.

    A time means the frame that is shown then. At a constant rate a step in seconds is a whole number of frames.
    """
    end = times[-1] + 1 / (fps or USUAL_RATE)
    if ask.start >= (end if ask.start_is_seconds else len(times)):
        raise Refused("late", float(end)) if ask.start_is_seconds else Refused("start", len(times))
    start = shown_at(times, ask.start) if ask.start_is_seconds else int(ask.start)
    step = max(1, round(fps * ask.step)) if ask.step_is_seconds else int(ask.step)
    if not ask.step_is_seconds or is_constant(times, fps) or fps == 0:
        numbers = np.arange(start, min(start + ask.num_frames * step, len(times)), step)
        return numbers, step
    begin = ask.start if ask.start_is_seconds else times[start]
    moments = begin + ask.step * np.arange(ask.num_frames)
    return shown_at(times, moments[moments < end]), step


def shown_at(times: np.ndarray, moments: Any) -> Any:
    """The number of the frame that is shown at each moment."""
    early = np.minimum(EARLY, np.diff(times, prepend=-np.inf) / 4)
    return np.maximum(np.searchsorted(times - early, np.asarray(moments), side="right") - 1, 0)


def decode(video: BinaryIO, ask: Request) -> tuple[dict[str, Any], np.ndarray]:
    """The header and the frames (n, H, W, 3) uint8. Raises Refused and what PyAV raises."""
    with Complaints() as complaints:
        found = surveyed(video, ask, complaints)
        while True:
            try:
                return sample(video, found, ask, complaints)
            except NotAsSurveyed:
                survey_again(video, found, ask, complaints)


def surveyed(video: BinaryIO, ask: Request, complaints: Complaints) -> Survey:
    """The survey of a file that may be read. Raises Refused and what PyAV raises."""
    container = find_container(video.read(HEAD_BYTES))
    if container is None:
        raise Refused("kind")
    found = survey(video, container, complaints)
    width, height = square_size(found.width, found.height, pixel_shape(found.pixel))
    if width * height > ask.max_pixels:
        raise Refused("pixels", [width, height])
    if found.complaints:
        raise damaged(found.complaints[0])
    if found.ticks is None:
        count(video, found, complaints, ask.max_frames)
    return found


def survey_again(video: BinaryIO, found: Survey, ask: Request, complaints: Complaints) -> None:
    """After frames that are not as they were surveyed: begin at the beginning, or else count them."""
    if found.keys:
        found.keys = []
    else:
        found.ticks = None
        count(video, found, complaints, ask.max_frames)


def check_times(found: Survey, ask: Request) -> None:
    """Raises Refused where there are no frames, too many, or a single picture."""
    if len(found.times) > ask.max_frames:
        raise Refused("frames", len(found.times) if found.ticks else 0)
    if len(found.times) == 0:
        raise damaged(found.complaints[0]) if found.complaints else Refused("empty")
    if found.container == "gif" and len(found.times) == 1 and not found.complaints:
        raise Refused("still")


def sample(video: BinaryIO, found: Survey, ask: Request, complaints: Complaints) -> tuple[dict[str, Any], np.ndarray]:
    """The frames of a surveyed file."""
    check_times(found, ask)
    times = found.times
    fps = frame_rate(times, found.rate)
    try:
        numbers, step = choose(times, fps, ask)
    except Refused:
        if found.complaints:
            raise damaged(found.complaints[0]) from None
        raise
    if found.complaints and len(numbers) < ask.num_frames:
        raise damaged(found.complaints[0])
    count, closer = len(times) - int(numbers[0]), None
    if ask.fit and (closer := spread(count, ask.num_frames, len(numbers))) is not None:
        numbers, step = numbers[0] + closer, max(1, round((count - 1) / (ask.num_frames - 1)))
    wanted, order = np.unique(numbers, return_inverse=True)
    pictures, size, notes, all_small = read_pictures(video, found, wanted.tolist(), ask, complaints)
    seen = np.arange(wanted[0], wanted[-1] + 1)
    cut = cut_among(all_small, seen, times[seen])
    header = dict(
        shape=[len(pictures), *pictures[0].shape],
        order=order.tolist(),
        indices=wanted.tolist(),
        times=times[wanted].tolist(),
        source_frames=len(times),
        source_size=size,
        fps=float(fps),
        sampling_rate=step,
        cut=astuple(cut) if cut else None,
        notes=notes
        + ["fitted"] * (closer is not None)
        + ["begins late"] * found.begins_late
        + ["cut off"] * found.cut_off
        + ["damaged later"] * bool(found.complaints),
    )
    return header, np.stack(pictures)


def read_pictures(
    video: BinaryIO, found: Survey, wanted: list[int], ask: Request, complaints: Complaints
) -> tuple[list[np.ndarray], tuple[int, int], list[str], Pictures]:
    """The pictures of these frames, their full height and width, what was done to them; and small ones of all frames from
    the first to the last."""
    pixel = pixel_shape(found.pixel)
    notes = ["square"] if pixel != 1 else []
    chosen, all_small, beside = set(wanted), list[Pictures](), Beside()
    for number, frame in frames_of(video, found, wanted, complaints):
        all_small.append(small_picture(frame))
        if number not in chosen:
            continue
        if is_hdr(frame) and "hdr" not in notes:
            notes.append("hdr")
        if frame.width * frame.height > ask.max_pixels:
            raise Refused("pixels", [frame.width, frame.height])
        whole = max(frame.width, frame.height) <= ask.max_side or frame.width * frame.height > MOST_BESIDE
        beside.do(partial(picture_of, frame, pixel, ask.max_side), at_once=whole or is_hdr(frame))
    pairs = beside.results()
    if len({(picture.shape, size) for picture, size in pairs}) > 1:
        raise Refused("size")
    return [picture for picture, _ in pairs], pairs[0][1], notes, np.stack(all_small)


def frames_of(video: BinaryIO, found: Survey, wanted: list[int], complaints: Complaints) -> Iterator[tuple[int, Any]]:
    """All frames from the first to the last of these numbers, with their own, each checked to be shown when the survey says;
    decoded from the last key frame before them on where that saves work."""
    ticks = found.ticks
    with Track(video, found.container, found.by_index) as track:
        key = track.seek(found, wanted[0])
        number = bisect_left(ticks, key) if ticks and key is not None else 0
        for frame, said in track.frames(found, complaints):
            if said:
                raise damaged(said[0]) if key is None else NotAsSurveyed
            if key is not None and frame.pts is not None and frame.pts < key:
                continue  # its references lie before the key frame
            if ticks and (number >= len(ticks) or frame.pts != ticks[number]):
                raise NotAsSurveyed
            if number >= wanted[0]:
                yield number, frame
            if number == wanted[-1]:
                return
            number += 1
    raise NotAsSurveyed if ticks else damaged("the file ends early")


def answer(video: BinaryIO, ask: Request) -> tuple[dict[str, Any], np.ndarray | None]:
    """The header and the frames; in place of frames the header's "error", and what was "seen"."""
    try:
        return decode(video, ask)
    except Exception as error:
        return refusal(error), None


def refusal(error: Exception) -> dict[str, Any]:
    """What an error is to the parent: an "error" of its `explain`, and what was "seen"."""
    if isinstance(error, Refused):
        reason, *seen = error.args
        return dict(error=reason, seen=seen[0] if seen else None)
    starved = isinstance(error, MemoryError) or any(sign in str(error) for sign in STARVED)
    return dict(error="memory" if starved else "decode")


def write(out: BinaryIO, value: dict[str, Any]) -> None:
    """An object as JSON, after the number of its bytes."""
    text = json.dumps(value).encode()
    out.write(struct.pack("<I", len(text)) + text)


def load() -> None:
    """All that decoding needs of the disk: afterwards nothing can be read from there."""
    import av.subtitles.stream  # noqa: F401, which PyAV loads at the first file otherwise

    import sifa.video._stream  # noqa: F401, which imports this module

    resized(np.zeros((2, 2, 3), np.uint8), (1, 1))  # Pillow and numpy read their last modules at the first use
    cut_among(np.random.default_rng(0).random((24, SIDE, SIDE), np.float32), np.arange(24), np.arange(24) / 30)


def main() -> None:
    """Reads the arguments and the video, and writes the answer."""
    arguments = json.loads(sys.argv[1])
    parent, without = arguments.pop("parent"), arguments.pop("without", ())
    follow_parent(parent)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # decoders may print
    limit_resources(arguments.pop("memory_bytes"), arguments.pop("seconds"))
    load()
    shut_off(parent, without)
    video, ask = os.fdopen(0, "rb", buffering=0), Request(**arguments)
    if ask.longest:
        from sifa.video._stream import stream

        stream(video, ask, out)
    else:
        header, frames = answer(video, ask)
        write(out, header)
        if frames is not None:
            out.write(frames.data)
    out.flush()
    os._exit(0)  # decoder threads may not end by themselves
