"""A whole video in one pass: its frames come one after another, small, and none of them is decoded twice or kept.

A process with the limits of `read.py` decodes (`_stream.py`); a thread here takes what it writes, a little in advance.
"""

import queue
import signal
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from sifa.errors import VideoError
from sifa.video import child
from sifa.video.answer import END, GREY, MOST_STREAM_BYTES, NOTES, PICTURE, Asked, Header, parse_end, parse_stream
from sifa.video.clip import DecodeLimits, check_seconds
from sifa.video.cuts import SIDE, Pictures
from sifa.video.read import explain, open_video

LONGEST = 120.0  # seconds of a video
LIMITS = DecodeLimits(seconds=120)  # two minutes of 1080p take 20 to 50 s of a processor
MAX_SIDE = 480  # pixels: what traces hold
AHEAD = 48  # frames that are taken in advance
STALLED = 60  # seconds without a frame


@dataclass(frozen=True)
class Footage:
    """What is known of a video once its first frame is decoded."""

    path: str
    numbers: np.ndarray  # (M,) int64, of the frames in colour: the samples, ascending; one that stays long comes twice
    times: np.ndarray  # (F,) float64 seconds, of all frames from numbers[0] to numbers[-1]
    parts: int  # samples from one step to the next
    sampling_rate: int  # frames of a step, rounded where the rate varies
    fps: float
    source_frames: int
    source_size: tuple[int, int]  # height and width
    notes: tuple[str, ...]

    def time(self, number: int) -> float:
        """When a frame is shown, in seconds."""
        return float(self.times[number - self.numbers[0]])

    @property
    def left_out(self) -> str:
        """That the video goes on, as a sentence; empty where it does not."""
        last = int(self.numbers[-1])
        more = last + self.sampling_rate < self.source_frames
        return f"Only {self.times[0]:.0f} to {self.time(last):.0f} s were looked at; the video goes on." if more else ""


class Frame(NamedTuple):
    """One decoded frame."""

    number: int
    grey: Pictures  # (16, 16), as `sifa.video.cuts` wants it
    picture: np.ndarray | None  # (H, W, 3) uint8 RGB, of samples


class Stream:
    """The frames of a video from its first sample to its last: `for frame in stream`, once."""

    def __init__(self, path: Path, footage: Footage, shape: tuple[int, int], source: "_Source") -> None:
        self.footage, self._path, self._shape, self._source = footage, path, shape, source
        self.ended = ""  # why it ended before the last sample, as a sentence; empty where it did not

    def __iter__(self) -> Iterator[Frame]:
        samples, size = set(self.footage.numbers.tolist()), 3 * self._shape[0] * self._shape[1]
        frames: queue.Queue[Frame | str] = queue.Queue(AHEAD)
        stop = threading.Event()

        def put(value: Frame | str) -> None:
            while not stop.is_set():
                try:
                    return frames.put(value, timeout=0.1)
                except queue.Full:
                    pass

        def take() -> None:
            try:
                for number in range(int(self.footage.numbers[0]), int(self.footage.numbers[-1]) + 1):
                    kind = self._source.read(1)
                    if kind == END:
                        break
                    if kind != (PICTURE if number in samples else GREY):
                        raise ValueError(f"a frame of kind {kind!r}")
                    grey = np.frombuffer(self._source.read(4 * SIDE**2), "<f4").reshape(SIDE, SIDE)
                    if not np.isfinite(grey).all():
                        raise ValueError("a grey picture that is none")
                    picture = None
                    if kind == PICTURE:
                        picture = np.frombuffer(self._source.read(size), np.uint8).reshape(*self._shape, 3)
                    put(Frame(number, np.asarray(grey, np.float32), picture))
                else:
                    kind = self._source.read(1)
                put(self._source.end(kind))
            except (ValueError, EOFError) as error:
                put(self._source.fault(error))

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        try:
            while True:
                try:
                    value = frames.get(timeout=STALLED)
                except queue.Empty:
                    value = f"{self._path.name} took longer than {STALLED} s for one frame"
                if isinstance(value, str):
                    self.ended = value
                    return
                yield value
        finally:
            stop.set()


@contextmanager
def stream_seconds(
    path: str | Path,
    step: float | None,
    start: float = 0.0,
    *,
    sampling_rate: int = 1,
    longest: float = LONGEST,
    limits: DecodeLimits = LIMITS,
) -> Iterator[Stream]:
    """The frames from `start` seconds on, for at most `longest` seconds; samples are `step` seconds apart, and where that is
    several frames, also between, in equal parts. Without a step it is `sampling_rate` frames.

    Frames whose longer side exceeds 480 pixels are reduced, faster than `read_clip` does and so with slightly other pixels. Raises
    VideoError where not even the first frame can be read; what fails later is in `Stream.ended`.
    """
    path = Path(path)
    check_seconds(step, start)
    if not 0 < longest <= LONGEST:
        raise VideoError(f"the length is {longest:g} s; it must be above 0 and at most {LONGEST:g} s")
    asked = dict(
        num_frames=1,
        step=sampling_rate if step is None else step,
        start=start,
        step_is_seconds=step is not None,
        start_is_seconds=True,
        longest=longest,
        max_side=MAX_SIDE,
        max_pixels=limits.pixels,
        max_frames=limits.frames,
        memory_bytes=limits.memory_bytes,
        seconds=limits.seconds,
    )
    with open_video(path) as video, child.running(video, asked) as (process, complaints):
        source = _Source(path.name, process, complaints, limits)
        header = source.begin(asked, start)
        footage = Footage(
            path=str(path),
            numbers=np.array(header["numbers"], np.int64),
            times=np.array(header["times"], np.float64),
            parts=header["parts"],
            sampling_rate=header["sampling_rate"],
            fps=header["fps"],
            source_frames=header["source_frames"],
            source_size=tuple(header["source_size"]),
            notes=tuple(NOTES[note] for note in header["notes"]),
        )
        yield Stream(path, footage, tuple(header["shape"]), source)


class _Source:
    """The bytes that the decoding process writes."""

    def __init__(
        self, name: str, process: "subprocess.Popen[bytes]", complaints: bytearray, limits: DecodeLimits
    ) -> None:
        self.name, self._process, self._complaints, self._limits = name, process, complaints, limits
        assert process.stdout
        self._pipe: BinaryIO = process.stdout  # type: ignore[assignment]

    def read(self, count: int) -> bytes:
        """So many bytes. Raises EOFError where there are fewer."""
        data = bytearray()
        while len(data) < count:
            piece = self._pipe.read(count - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _object(self, most: int) -> bytes:
        (length,) = struct.unpack("<I", self.read(4))
        if length > most:
            raise ValueError(f"a header of {length} bytes")
        return self.read(length)

    def begin(self, asked: Asked, start: float) -> Header:
        """The header. Raises VideoError."""
        timer = threading.Timer(child.BUSY * self._limits.seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            header = parse_stream(self._object(MOST_STREAM_BYTES), asked)
        except (ValueError, EOFError) as error:
            raise VideoError(self.fault(error)) from None
        finally:
            timer.cancel()
        if "error" in header:
            raise VideoError(explain(self.name, header, start, self._limits))
        return header

    def end(self, kind: bytes) -> str:
        """Why the stream ended early; empty where it did not. Raises ValueError and EOFError."""
        if kind != END:
            raise ValueError(f"an end of kind {kind!r}")
        end = parse_end(self._object(1000))
        return explain(self.name, end, 0, self._limits) if end else self._complaint()

    def fault(self, error: Exception) -> str:
        """What is said where the process stops, or writes what it should not."""
        if not isinstance(error, EOFError):
            self._process.kill()
            return (
                f"the decoder's answer on {self.name} is not to be trusted ({error}): the file is damaged, or made to mislead. "
                "Try another copy"
            )
        status = self._process.wait()
        if status in (-getattr(signal, "SIGXCPU", 0), -signal.SIGKILL):
            return f"{self.name} took longer than {self._limits.seconds} s to decode; cut a shorter piece or reduce its size"
        return self._complaint() or explain(self.name, dict(error="crash", seen=status), 0, self._limits)

    def _complaint(self) -> str:
        said = child.COMPLAINT.search(self._complaints)
        damage = dict(error="damaged", seen=said[1].decode(errors="replace") if said else "")
        return explain(self.name, damage, 0, self._limits) if said else ""
