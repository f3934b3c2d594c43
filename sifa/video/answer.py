"""What the decoding process may say, and nothing else: the file that it reads may have taken it over.

An answer is four bytes of header length, a header as JSON, then the frames as raw bytes.
"""

import json
import math
import struct
from typing import Any, NamedTuple, get_args

from sifa.video.clip import FITTED
from sifa.video.cuts import Kind

Asked = dict[str, Any]  # the child's arguments: those of `_decode.Request`, and "memory_bytes" and "seconds"
Header = dict[str, Any]  # what the child says of its frames, or its "error" and what was "seen"
ERRORS: dict[
    str, int | str
] = {  # what it may say in place of frames, and what it has "seen": so many numbers, or another thing
    "kind": 0,
    "decode": 0,
    "memory": 0,
    "empty": 0,
    "size": 0,
    "frames": 1,
    "start": 1,
    "pixels": 2,
    "late": "seconds",
    "damaged": "text",
}
NOTES = {  # what was done to a clip's frames, or is left out of them
    "fitted": FITTED,
    "square": "The file's pixels are not square; its pictures are shown at their true proportions.",
    "hdr": "The file has a high dynamic range, which was reduced to that of a usual screen.",
    "begins late": "The recording begins within a group of pictures; the first frame is the first that is whole.",
    "cut off": "The file is cut off before its end; the frames up to there are whole.",
    "damaged later": "The file is damaged further on; only the frames before that are counted.",
}
GREY, PICTURE, END = b"g", b"p", b"e"  # in a stream: a frame's grey picture; that and one in colour; the last object
MOST_STREAM_BYTES = 1 << 23  # of a stream's first object
LARGEST = 10**9  # of these numbers
LATEST = 1e7  # second of a video
FASTEST = 10**6  # frames per second: no file has as many


class Answer(NamedTuple):
    """A header, and the frames' bytes; none where the header holds an "error"."""

    header: Header
    pixels: memoryview


def most_bytes(asked: Asked) -> int:
    """The length of the longest answer, in bytes; `asked` are the arguments of the child."""
    frame = 3 * min(asked["max_side"] ** 2, asked["max_pixels"])
    return int(4 + _most_header_bytes(asked) + min(_most_frames(asked) * frame, asked["memory_bytes"]))


def parse(answer: bytearray, asked: Asked) -> Answer:
    """An answer's two parts. Raises ValueError where it is none to what was asked."""
    (length,) = struct.unpack_from("<I", answer)
    if length > min(_most_header_bytes(asked), len(answer) - 4):
        raise ValueError(f"a header of {length} bytes")
    header = _read_object(answer[4 : 4 + length])
    pixels = memoryview(answer)[4 + length :]
    if "error" in header:
        _check_error(header["error"], header.get("seen"), len(pixels))
    else:
        _check_frames(header, len(pixels), asked)
    return Answer(header, pixels)


def parse_stream(text: bytes, asked: Asked) -> Header:
    """The first object of a stream. Raises ValueError where it is none to what was asked."""
    header = _read_object(text)
    if "error" in header:
        _check_error(header["error"], header.get("seen"), 0)
        return header
    numbers: Any = header.get("numbers")
    source, step = header.get("source_frames"), header.get("sampling_rate")
    if not _are_whole([source], 1, 1, asked["max_frames"]) or not _are_whole(
        [step, header.get("parts")], 2, 1, LARGEST
    ):
        raise ValueError("an impossible number of frames")
    count = len(numbers) if isinstance(numbers, list) else 0
    if not count or not _are_whole(numbers, count, 0, header["source_frames"] - 1) or sorted(numbers) != numbers:
        raise ValueError("frames with impossible numbers")
    times: Any = header.get("times")
    if not _are_numbers(times, numbers[-1] - numbers[0] + 1, LATEST) or sorted(times) != times:
        raise ValueError("impossible times")
    if not _are_whole(header.get("shape"), 2, 1, asked["max_side"]):
        raise ValueError("frames of an impossible size")
    _check_source(header, asked)
    return header


def parse_end(text: bytes) -> Header:
    """The last object of a stream: empty, or an error. Raises ValueError where it is neither."""
    end = _read_object(text)
    if end:
        _check_error(end.get("error"), end.get("seen"), 0)
    return end


def _read_object(text: bytes | bytearray) -> Header:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("a header that is no JSON") from None
    if not isinstance(header, dict):
        raise ValueError("a header without names")
    return header


def _check_error(error: object, seen: Any, size: int) -> None:
    form = ERRORS.get(error) if isinstance(error, str) else None
    if form == "seconds":
        right = _are_numbers([seen], 1, LATEST)
    elif form == "text":
        right = isinstance(seen, str) and seen.isprintable()
    elif isinstance(form, int) and form > 0:
        right = _are_whole([seen] if form == 1 else seen, form, 0, LARGEST)
    else:
        right = form == 0 and seen is None
    if size or not right:
        raise ValueError("an error that does not exist")


def _check_frames(header: Header, size: int, asked: Asked) -> None:
    shape: Any = header.get("shape")
    if not _are_whole(shape, 4, 1, LARGEST) or shape[3] != 3 or max(shape[1:3]) > asked["max_side"]:
        raise ValueError("frames of an impossible size")
    count = shape[0]
    if count > _most_frames(asked) or math.prod(shape) != size:
        raise ValueError(f"{size} bytes of frames, where there should be {math.prod(shape)}")
    if not _are_numbers(header.get("times"), count, LATEST):
        raise ValueError("impossible times")
    _check_numbers(header, count, asked)
    _check_cut(header.get("cut"), header["indices"])
    _check_source(header, asked)


def _check_source(header: Header, asked: Asked) -> None:
    """What is said of the file as a whole."""
    source: Any = header.get("source_size")
    if not _are_whole(source, 2, 1, LARGEST) or math.prod(source) > asked["max_pixels"]:
        raise ValueError("a source of an impossible size")
    if not _are_numbers([header.get("fps")], 1, FASTEST):
        raise ValueError("an impossible number of frames per second")
    notes: Any = header.get("notes")
    if not isinstance(notes, list) or any(not isinstance(note, str) or note not in NOTES for note in notes):
        raise ValueError("notes that do not exist")


def _check_cut(cut: Any, numbers: list[int]) -> None:
    """Whether it is none, or a frame's number, a time and a kind."""
    if cut is None:
        return
    if not isinstance(cut, list) or len(cut) != 3 or not _are_whole(cut[:1], 1, numbers[0], numbers[-1]):
        raise ValueError("a cut outside the clip")
    if not _are_numbers(cut[1:2], 1, LATEST) or cut[2] not in get_args(Kind):
        raise ValueError("a cut that does not exist")


def _check_numbers(header: Header, count: int, asked: Asked) -> None:
    """Which frames they are: those asked for, where they were asked for by number, and in any case each frame once, in order."""
    numbers: Any = header.get("indices")
    order: Any = header.get("order")
    step: Any = header.get("sampling_rate")
    if not _are_whole([header.get("source_frames")], 1, 1, asked["max_frames"]):
        raise ValueError("an impossible number of frames")
    if not _are_whole(numbers, count, 0, header["source_frames"] - 1) or sorted(set(numbers)) != numbers:
        raise ValueError("frames with impossible numbers")
    samples = len(order) if isinstance(order, list) else 0
    if not 0 < samples <= asked["num_frames"] or not _are_whole(order, samples, 0, count - 1) or sorted(order) != order:
        raise ValueError("frames in an impossible order")
    if not _are_whole([step], 1, 1, LARGEST):
        raise ValueError("an impossible step")
    first = numbers[0] if asked["start_is_seconds"] else asked["start"]
    counted = (
        list(range(first, first + count * asked["step"], asked["step"])) if not asked["step_is_seconds"] else numbers
    )
    if numbers != counted and not asked.get("fit"):
        raise ValueError("other frames than those asked for")


def _are_whole(values: Any, count: int, least: int, most: int) -> bool:
    """Whether this is a list of so many whole numbers within bounds."""
    right = isinstance(values, list) and len(values) == count
    return right and all(type(value) is int and least <= value <= most for value in values)


def _are_numbers(values: Any, count: int, end: float) -> bool:
    """Whether this is a list of so many numbers from 0 up to an end that they do not reach; NaN is none."""
    right = isinstance(values, list) and len(values) == count
    return right and all(type(value) in (int, float) and 0 <= value < end for value in values)


def _most_frames(asked: Asked) -> int:
    return int(min(asked["num_frames"], asked["max_frames"]))


def _most_header_bytes(asked: Asked) -> int:
    return (
        1000 + 64 * _most_frames(asked) + 8 * int(asked["num_frames"])
    )  # a number and a time for each frame, and the order
