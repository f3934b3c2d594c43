"""What a video file holds, read by PyAV inside the decoding process: its picture track, and when each frame is shown.

Headers are not believed: containers state counts, rates and lengths that their frames do not keep. Packets are read one by
one, and where a packet need not be one frame the frames themselves are counted, by decoding.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple, cast

import av
import numpy as np
from av import logging as av_logging

from sifa.video.answer import FASTEST, LATEST
from sifa.video.containers import is_riff_cut_off

# Codecs each of whose packets is one frame, and containers that give each packet the time at which its frame is shown
ONE_TO_ONE = ("h264", "hevc", "vp9", "av1", "gif", "png", "mjpeg", "prores", "ffv1", "huffyuv", "rawvideo", "dnxhd")
NUMBERED = ("mov", "matroska", "gif")
ANYWHERE = ("mpegts", "mpeg")  # recordings of broadcasts, which may begin within a group of pictures
CUT_OFF = ("File ended prematurely", "partial file", "Truncating packet")  # at the end: what came before is whole
STRICT = {"err_detect": "crccheck+bitstream+buffer+careful+compliant+explode"}  # "aggressive" refuses whole Xvid files
NO_PROTOCOL = {"protocol_whitelist": "none"}
ROUNDING = 1.5e-3  # seconds: some containers count in thousandths
GIF_SHORTEST, GIF_USUAL = 0.015, 0.1  # seconds: players show a picture of a gif with less than the one for the other
USUAL_RATE = 30.0  # frames per second, of files that state none
HDR = (16, 18)  # transfer functions of ITU-T H.273: SMPTE ST 2084 (PQ), and ARIB STD-B67 (HLG)
SEEK_FROM = 100  # frames: fewer are decoded from the beginning


@dataclass
class Survey:
    """One file's picture track."""

    container: str
    width: int  # in stored pixels, as the header states it
    height: int
    pixel: Fraction | None  # width of a stored pixel by its height, as the header states it
    times: np.ndarray  # (frames,) float64 seconds since the first shown frame, in the order shown
    ticks: list[int] | None  # when the frames are shown, in units of the track; None where that may not be trusted
    keys: list[int]  # those of the frames at which decoding can begin, in the order of the file
    rate: float  # frames per second that the header states, 0 if none
    begins_late: bool  # frames at its beginning lack what they refer to, and are not shown
    cut_off: bool  # the file ends before its last frame
    by_index: bool  # its index leads to its packets; else it is read from front to back
    slots: list[int]  # decoding times of the packets, as far as they are known
    complaints: list[str]  # of damage: to the container, or in counting to what follows the last frame counted


class Stamp(NamedTuple):
    """What a packet says of itself."""

    pts: int | None
    dts: int | None
    size: int
    key: bool
    discarded: bool  # decoded for the sake of others, but not shown
    corrupt: bool

    @classmethod
    def of(cls, packet: Any) -> "Stamp":
        return cls(packet.pts, packet.dts, packet.size, packet.is_keyframe, packet.is_discard, packet.is_corrupt)


class Complaints:
    """What FFmpeg's libraries say at the level of errors: decoders conceal damage, and this is the only sign of it."""

    def __init__(self) -> None:
        av_logging.set_level(av_logging.ERROR)
        av_logging.set_skip_repeated(False)
        self._capture = av_logging.Capture(local=False)

    def __enter__(self) -> "Complaints":
        self._lines = self._capture.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.__exit__(None, None, None)

    def take(self, source: str = "") -> list[str]:
        """Those since the last call, one line each; with a source, only what that reader or decoder says."""
        lines = [
            text.strip()
            for level, who, text in self._lines
            if level <= av_logging.ERROR and (not source or source in who.split(","))
        ]
        self._lines.clear()
        return lines

    def of_decoders(self, container: str) -> bool:
        """Whether others than the container's reader have complained since the last `take`."""
        return any(level <= av_logging.ERROR and container not in who.split(",") for level, who, _ in self._lines)


class FrontToBack:
    """A file that cannot be sought in, so that its index is not used."""

    def __init__(self, video: BinaryIO) -> None:
        self.read = video.read


class Track:
    """The best picture track of an open file (the default one, else the largest), at its beginning; to be used in a `with`."""

    def __init__(self, video: BinaryIO, container: str, by_index: bool = True) -> None:
        video.seek(0)
        self.container = container
        source = video if by_index else FrontToBack(video)
        self.file = av.open(source, "r", format=container, options=NO_PROTOCOL | STRICT)

    def __enter__(self) -> "Track":
        stream = self.file.streams.best("video")
        if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
            raise ValueError("no picture track")
        self.stream: Any = stream
        stream.codec_context.thread_count = 1
        stream.codec_context.options = STRICT
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def packets(self) -> Iterator[Any]:
        """In the order of the file, the last one empty: it makes the decoder give what it still holds."""
        return self.file.demux(self.stream)

    def seek(self, found: Survey, number: int) -> int | None:
        """Go to the last key frame at or before a frame, and return when that is shown; None where it begins at the beginning."""
        if found.ticks is None or number < SEEK_FROM:
            return None
        key = max((key for key in found.keys if key <= found.ticks[number]), default=found.ticks[0])
        if key <= found.ticks[0]:
            return None
        self.file.seek(key, stream=self.stream)
        return key

    def frames(self, found: Survey, complaints: Complaints) -> Iterator[tuple[Any, list[str]]]:
        """Each frame as it comes out, with what was complained of since the one before; at the end, None with the rest.

        A stream that begins within a group of pictures has frames whose references are missing. What the decoder says of those
        counts only if it delivers them. A file that is cut off ends with its last whole packet.
        """
        complaints.take()
        ended, first_key = False, cast(int | None, None)
        said, leading = list[str](), list[str]()
        for packet in self.packets():
            ended |= found.cut_off and packet.is_corrupt
            if ended and packet.size:
                complaints.take()
                continue
            if found.cut_off and not packet.size:
                break  # what the decoder still holds may belong behind frames that are lost
            if packet.is_keyframe and first_key is None:
                first_key = packet.pts
            is_leading = (first_key is None and self.container in ANYWHERE) or (
                first_key is not None and packet.size > 0 and packet.pts is not None and packet.pts < first_key
            )
            frames = decoded(packet)
            lines = [line for line in complaints.take() if not (found.cut_off and is_cut_off(line))]
            (leading if is_leading else said).extend(lines)
            for frame in frames:
                if first_key is None or (frame.pts is not None and frame.pts < first_key):
                    said, leading = leading + said, []
                yield frame, [*said, *["a frame is incomplete"] * frame.is_corrupt]
                said = []
        if rest := said + (leading if first_key is None else []):
            yield None, rest


def decoded(packet: Any) -> list[Any]:
    """The frames that come out after a packet; what the decoder cannot use at all it complains of."""
    try:
        frames: list[Any] = packet.decode()
    except av.error.InvalidDataError as error:
        av_logging.log(av_logging.ERROR, "decoder", f"a packet cannot be decoded ({error.strerror})")
        return []
    if packet.is_corrupt:
        av_logging.log(av_logging.ERROR, "decoder", "a packet is incomplete")
    return frames


def survey(video: BinaryIO, container: str, complaints: Complaints) -> Survey:
    """The file's frames by its packets; where packets do not tell, `ticks` is None and `times` is empty, and `count` finds them.

    Raises av.error.FFmpegError and ValueError for what is no video.
    """
    found, stated = survey_packets(video, container, complaints)
    if container != "avi":
        return found
    if found.slots and stated > found.slots[-1] + 1:  # the index is wrong, or the file ends early
        forward, _ = survey_packets(video, container, complaints, by_index=False)
        if len(forward.slots) > len(found.slots):
            found = forward
    found.cut_off = is_riff_cut_off(video)
    return found


def survey_packets(
    video: BinaryIO, container: str, complaints: Complaints, by_index: bool = True
) -> tuple[Survey, int]:
    """The survey, and the number of frames that the header states."""
    complaints.take()
    size = video.seek(0, os.SEEK_END)
    with Track(video, container, by_index) as track:
        stream, context = track.stream, track.stream.codec_context
        numbered = container in NUMBERED and context.name in ONE_TO_ONE
        unready = complaints.of_decoders(container)
        packets = [p for p in map(Stamp.of, track.packets()) if p.size]
        said = complaints.take(container)  # what decoders said when the file was opened comes again
        found = Survey(
            container=container,
            width=context.width,
            height=context.height,
            pixel=stream.sample_aspect_ratio,
            times=np.empty(0),
            ticks=None,
            keys=[p.pts for p in packets if p.key and p.pts is not None],
            rate=float(stream.average_rate or stream.guessed_rate or 0),
            complaints=[line for line in said if not is_cut_off(line)],
            cut_off=any(map(is_cut_off, said)) or (container == "mov" and stored_end(stream) > size),
            begins_late=container in ANYWHERE and unready,
            by_index=by_index,
            slots=[p.dts for p in packets if p.dts is not None],
        )
        if numbered and not said and not found.cut_off and (ticks := shown_ticks(packets, found.keys)):
            found.ticks = ticks
            found.times = (np.array(ticks, np.float64) - ticks[0]) * float(stream.time_base)
            if container == "gif":
                gaps = np.diff(found.times)
                found.times[1:] = np.cumsum(np.where(gaps < GIF_SHORTEST, GIF_USUAL, gaps))
        return found, stream.frames


def stored_end(stream: Any) -> int:
    """The byte at which the last of the packets that the index names ends."""
    return max((entry.pos + entry.size for entry in stream.index_entries), default=0)


def shown_ticks(packets: list[Stamp], keys: list[int]) -> list[int] | None:
    """When the packets' frames are shown, in that order; None where a packet may not be one frame, or where the first ones begin
    within a group of pictures."""
    if any(p.pts is None or p.corrupt for p in packets):
        return None
    ticks = sorted(p.pts for p in packets if p.pts is not None and not p.discarded)
    distinct = len(set(ticks)) == len(ticks)
    return ticks if ticks and distinct and keys and ticks[0] >= min(keys) else None


def is_cut_off(line: str) -> bool:
    """Whether a complaint says only that the file ends early."""
    return any(sign in line for sign in CUT_OFF)


def count(video: BinaryIO, found: Survey, complaints: Complaints, most: int) -> None:
    """Decode all frames (most + 1 at the most) to learn their number and their times, up to the first damage."""
    seen: list[float | None] = []
    with Track(video, found.container, found.by_index) as track:
        for frame, said in track.frames(found, complaints):
            found.complaints = said
            if found.complaints or frame is None or len(seen) > most:
                break
            seen.append(None if frame.pts is None else float(frame.pts * track.stream.time_base))
        slots = [float(dts * track.stream.time_base) for dts in found.slots]
    found.times = steady(seen, slots if found.container == "avi" else [], found.rate)


def steady(seen: list[float | None], slots: list[float], rate: float) -> np.ndarray:
    """Times since the first frame, seconds: those that came with the frames, where all are known and increase; else the packets'
    slots, where there is one for each frame; else evenly spaced by the rate, or the usual one."""
    for known in (seen, slots):
        if seen and len(known) == len(seen) and None not in known:
            times = np.array(known, np.float64)
            if np.all(np.diff(times) > 0) and times[-1] - times[0] < LATEST:
                return np.asarray(times - times[0])
    return np.asarray(np.arange(len(seen)) / (rate if 0 < rate < FASTEST else USUAL_RATE))


def frame_rate(times: np.ndarray, stated: float) -> float:
    """Frames per second: the stated rate where the times keep it, else that of the times; 0 if unknown."""
    span = times[-1] - times[0]
    if 0 < stated < FASTEST and np.abs(times - np.arange(len(times)) / stated).max() < ROUNDING:
        return stated
    fps = (len(times) - 1) / span if span > 0 else stated
    return fps if 0 < fps < FASTEST else 0.0


def is_constant(times: np.ndarray, fps: float) -> bool:
    """Whether each frame stands within a quarter of a frame of its place at a constant rate."""
    return bool(fps > 0 and np.abs(times - np.arange(len(times)) / fps).max() < 0.25 / fps)
