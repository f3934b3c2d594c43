"""Decode one video in a process of its own: `python _decode.py '{"num_frames": ..., ...}' < video`, run by `sifa.video.child`.

The video is standard input: its name and folder are not known here. When all libraries are loaded and before anything is
read, the process limits and shuts off itself (`_sandbox.py`). The answer goes to standard output: four bytes of header
length, a JSON header, then the frames as raw bytes. A fresh reader's frames are taken in order by
`next()`, and only timestamps that are finite and not negative count: random access silently returns wrong frames for
trimmed files. What the decoder complains of goes to standard error, where the parent looks for it.
"""

import io
import json
import os
import runpy
import struct
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

STANDARD_INPUT = "fd:" if os.name == "posix" else ""  # FFmpeg's name for it, by which nothing is opened anew
COPIES = 1  # of its descriptor, which FFmpeg makes


@cache
def beside(name: str) -> dict[str, Any]:
    """What a file of this folder defines; this program runs without the package around it."""
    return runpy.run_path(str(Path(__file__).with_name(name)))


def load() -> None:
    """All that decoding needs of the disk: afterwards nothing can be read from there."""
    import av.subtitles.stream  # noqa: F401, which PyAV loads at the first file otherwise
    import decord
    import numpy as np
    from PIL import Image

    beside("containers.py")
    np.asarray(Image.new("RGB", (1, 1)))  # Pillow reads its last modules at the first use
    decord.logging.set_level(decord.logging.ERROR)  # decoders conceal damage: their complaints are the only sign of it


def open_video(decord: Any, video: BinaryIO, container: str) -> Any:
    """A reader; of a recording whose header holds no length, as browsers make, one of a copy that has one."""
    os.lseek(video.fileno(), 0, os.SEEK_SET)
    try:
        return decord.VideoReader(STANDARD_INPUT or video, ctx=decord.cpu(0), num_threads=1)
    except decord.DECORDError as error:
        if container != "matroska" or "measure duration" not in str(error):
            raise
    return decord.VideoReader(with_length(video), ctx=decord.cpu(0), num_threads=1)


def with_length(video: BinaryIO) -> io.BytesIO:
    """The first picture track's packets, copied undecoded into a matroska file in memory, whose header says how long it is."""
    import av

    copy = io.BytesIO()
    video.seek(0)
    no_protocol = {"protocol_whitelist": "none"}
    with (
        av.open(video, "r", format="matroska", options=no_protocol) as recording,
        av.open(copy, "w", format="matroska") as target,
    ):
        stream = recording.streams.video[0]
        track = target.add_stream_from_template(stream)
        track.codec_context.framerate = Fraction(30)  # nominal: every packet keeps its own time
        for packet in recording.demux(stream):
            if packet.dts is not None:
                packet.stream = track
                target.mux(packet)
    copy.seek(0)
    return copy


def without_padding(frame: Any) -> Any:
    """(H, W, 3): decord takes the padding at the row ends of some turned frames for a fourth channel."""
    height, width = frame.shape[:2]
    return frame.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)


def fit_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Width and height of a picture, reduced where its longer side exceeds max_side; all in pixels."""
    factor = max_side / max(width, height)
    return (max(1, round(width * factor)), max(1, round(height * factor))) if factor < 1 else (width, height)


def decode(
    video: BinaryIO, num_frames: int, sampling_rate: int, start: int, max_side: int, max_pixels: int, max_frames: int
) -> tuple[dict[str, Any], Any]:
    """-> (header, frames): the sampled frames with their numbers and times, or a header with an error."""
    containers = beside("containers.py")
    container = containers["find_container"](video.read(containers["HEAD_BYTES"]))
    video.seek(0)
    if container is None:
        return dict(error="kind"), None

    import decord
    import numpy as np
    from PIL import Image

    reader = open_video(decord, video, container)
    total = len(reader)
    if total > max_frames:
        return dict(error="frames", seen=total), None
    times = np.asarray(reader.get_frame_timestamp(list(range(total))), np.float64).reshape(total, -1)[:, 0]
    times = times[np.isfinite(times) & (times >= 0) & (times < 1e7)]
    count = len(times)
    if count == 0:
        return dict(error="empty"), None
    if start >= count:
        return dict(error="start", seen=count), None

    numbers = np.arange(start, start + num_frames * sampling_rate, sampling_rate)
    numbers = numbers[numbers < count]
    pictures, (height, width) = [], (0, 0)
    for number in range(numbers[-1] + 1):
        frame = reader.next()
        if number == 0:
            height, width = frame.shape[:2]
            if height * width > max_pixels:
                return dict(error="pixels", seen=[width, height]), None
        if number in numbers:
            picture = without_padding(frame.asnumpy())
            if picture.shape[:2] != (height, width):
                return dict(error="size", seen=[*picture.shape[:2], height, width]), None
            size = fit_size(width, height, max_side)
            if size != (width, height):
                reduced = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
                picture = np.asarray(reduced)
            pictures.append(picture)
    frames = np.stack(pictures)
    span = times[-1] - times[0]
    fps = (count - 1) / span if span > 0 else float(reader.get_avg_fps())
    header: dict[str, Any] = dict(
        shape=frames.shape,
        indices=numbers.tolist(),
        times=times[numbers].tolist(),
        source_frames=count,
        source_size=[height, width],
        fps=fps if 0 < fps < 1000 else 0.0,
    )
    return header, np.ascontiguousarray(frames)


def main() -> None:
    arguments = json.loads(sys.argv[1])
    parent = arguments.pop("parent")
    sandbox = beside("_sandbox.py")
    sandbox["follow_parent"](parent)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # decoders may print
    sandbox["limit_resources"](arguments.pop("memory_bytes"), arguments.pop("seconds"))
    frames = None
    try:
        load()
        sandbox["shut_off"](parent, COPIES, arguments.pop("without", ()))
        header, frames = decode(os.fdopen(0, "rb", buffering=0), **arguments)
    except MemoryError:
        header = dict(error="memory")
    except Exception as error:
        starved = any(sign in str(error) for sign in ("failed to map", "bad_alloc", "annot allocate"))
        header = dict(error="memory" if starved else "decode")
    text = json.dumps(header).encode()
    out.write(struct.pack("<I", len(text)) + text)
    if frames is not None:
        out.write(frames.data)
    out.flush()
    os._exit(0)  # decoder threads may not end by themselves


if __name__ == "__main__":
    main()
