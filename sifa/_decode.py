"""The child process of `sifa.video`: decodes one clip under resource limits and writes it to standard output.

    python -P _decode.py PATH REQUEST      REQUEST: JSON of start, step, count, max_side, memory, seconds, pixels, frames

It is run by its path and imports nothing of the package, so that it starts fast. The answer is one line of JSON, either
{"error": sentence} for the video's fault, {"setup": sentence} for the installation's, or the facts of the clip; the
facts are followed by the raw frames.

Three habits of decord decide how frames are read. Only `next()` in order is exact: `get_batch` and `skip_frames` give
shifted frames behind an edit list. Frames that an edit list cuts away keep a negative time and `next()` leaves them out.
A damaged frame is often concealed and returned as if it were good: FFmpeg's error messages are the only sign of it.
"""

import contextlib
import json
import math
import os
import re
import sys

REPAIR = "pip uninstall -y decord decord2 && pip install decord2"
COMMAND = "ffmpeg -i INPUT -c:v libx264 -pix_fmt yuv420p output.mp4"
CONVERT = f"Convert it first: {COMMAND}"
UNKNOWN_TIME = 1e7  # seconds; decord turns a missing time stamp into a huge number
MEMORY = "memory"  # the error whose sentence the parent has
CUT_OFF = re.compile("File ended prematurely")  # harmless: the frames before the cut are whole
OUT_OF_MEMORY = re.compile(r"failed12|\(-12 vs|get_buffer\(\) failed|allocate|MemoryError")
FFMPEG_LINE = re.compile(r"^\[[\w,]+ @ \w+\] (.+)$", re.MULTILINE)


class Refused(Exception):
    """The video cannot be read; the text is a sentence for the user."""


class BrokenSetup(Exception):
    """The decoder library cannot be used; the text is a sentence for the user."""


def import_decord():
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # each thread takes address space
    try:
        import decord
    except Exception as error:
        raise BrokenSetup(f"decord2, which decodes video, does not load ({error}). Install it: {REPAIR}") from error
    version = getattr(decord, "__version__", None)
    if version is None:
        raise BrokenSetup(f"Only remains of decord2, which decodes video, are installed. Repair: {REPAIR}")
    if int(version.split(".")[0]) < 3:
        raise BrokenSetup(f"The old package decord {version} has overwritten decord2 (3.4 or newer). Repair: {REPAIR}")
    return decord


def take_output():
    """Moves standard output out of reach of the decoder, whose messages go to a pipe: (answer file, end of the pipe).

    The pipe does not block: what no longer fits is dropped. Where that is not possible the messages are not seen.
    """
    answer = os.fdopen(os.dup(1), "wb")
    if hasattr(os, "set_blocking"):
        messages, sink = os.pipe()
        os.set_blocking(messages, False)
        os.set_blocking(sink, False)
    else:
        messages, sink = None, os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    return answer, messages


def read_messages(messages):
    """What the decoder has written since the last call."""
    text = b""
    with contextlib.suppress(TypeError, BlockingIOError):
        while part := os.read(messages, 1 << 16):
            text += part
    return text.decode(errors="replace")


def limit_resources(memory, seconds):
    """Limits address space and processor time, and forbids core dumps and written files; does nothing on Windows."""
    try:
        import resource
    except ImportError:
        return
    seconds = math.ceil(seconds)
    limits = {
        resource.RLIMIT_AS: (memory, memory),
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (0, 0),
    }
    for kind, limit in limits.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, limit)


def open_reader(decord, path, height=-1, width=-1):
    """A fresh reader that raises at the first frame which decord knows it has made up."""
    return decord.VideoReader(path, num_threads=1, fault_tol=1e-9, height=height, width=width)


def frame_times(reader):
    """Presentation time of each valid frame (N,) in seconds, and their average rate per second, 0 where unknown."""
    spans = reader.get_frame_timestamp(range(len(reader)))
    unknown = ~(abs(spans[:, 0]) < UNKNOWN_TIME)
    if unknown.any():
        raise Refused(
            f"{unknown.sum()} of its {len(spans)} frames have no time stamp, so frames are not exact. {CONVERT}"
        )
    spans = spans[spans[:, 0] >= 0]
    if not len(spans):
        raise Refused(f"It holds no frame with a time of 0 or later. {CONVERT}")
    times = [round(time, 6) for time in spans[:, 0].tolist()]
    steps, elapsed = (len(times) - 1, times[-1] - times[0]) if len(times) > 1 else (1, spans[0, 1] - times[0])
    return times, round(float(steps / elapsed), 4) if elapsed > 0 else 0.0


def check_size(height, width, pixels):
    if height * width > pixels:
        raise Refused(
            f"Its pictures have {width} x {height} = {height * width} pixels, more than the limit of {pixels}."
            " Reduce them first: ffmpeg -i INPUT -vf scale=1280:-2 output.mp4"
        )


def unpadded(frame):
    """(H, W, 3) from a frame in which decord counts the padding at the end of each row as further channels."""
    height, width = frame.shape[:2]
    return frame.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)


def read_frames(reader, wanted):
    """The wanted frames, by reading on from the first one."""
    position = 0
    for index in wanted:
        while position <= index:
            try:
                frame = reader.next()
            except StopIteration:
                raise Refused(damaged(f"the pictures end after {position}, before frame {index}")) from None
            position += 1
        yield unpadded(frame.asnumpy())


def explain(error, complaints):
    """A sentence about an exception of decord, whose own text is long, internal and holds paths."""
    text = f"{error} {complaints}"
    if OUT_OF_MEMORY.search(text):
        return MEMORY
    if "st_nb" in text:
        return "It has no picture track; it may hold only sound. Choose a file with pictures."
    if "Failed to measure duration" in text:
        return f"Its header does not say how long it is, as in recordings made by a browser. {CONVERT}"
    if "(-11 vs. 0)" in text:
        return f"It uses a valid coding (often HEVC with closed groups) which this decoder cannot follow. {CONVERT}"
    return damaged(*FFMPEG_LINE.findall(complaints))


def damaged(*complaints):
    detail = f" ({complaints[0][:120]})" if complaints else ""
    return f"It is damaged, cut off or not a video{detail}. Converting may repair it: {COMMAND}"


def decode(path, request, decord, messages):
    """The facts of a clip, and its distinct frames: fewer than `count` where the video ends before."""
    decord.logging.set_level(decord.logging.ERROR)
    reader = open_reader(decord, path)
    times, fps = frame_times(reader)
    if len(times) > request["frames"]:
        raise Refused(
            f"It has {len(times)} frames, more than the limit of {request['frames']}."
            " Cut out a part: ffmpeg -ss 0 -i INPUT -t 30 -c:v libx264 output.mp4"
        )
    start, step = request["start"], request["step"]
    if start >= len(times):
        raise Refused(f"start is frame {start}, but the video has {len(times)} frames. Choose 0 to {len(times) - 1}.")
    wanted = range(start, min(start + step * request["count"], len(times)), step)

    height, width, _ = next(read_frames(reader, [0])).shape
    check_size(height, width, request["pixels"])
    scale = min(1, request["max_side"] / max(height, width))
    # decord decodes ahead without bound: reducing inside it keeps what waits small, and a reader must be fresh
    del reader
    reader = open_reader(decord, path, *(max(1, round(side * scale)) for side in (height, width)))
    read_messages(messages)
    frames = list(read_frames(reader, wanted))
    complaints = [line for line in FFMPEG_LINE.findall(read_messages(messages)) if not CUT_OFF.match(line)]
    if complaints:
        raise Refused(damaged(*complaints))
    facts = {
        "shape": [len(frames), *frames[0].shape],
        "indices": list(wanted),
        "times": [times[index] for index in wanted],
        "frames": len(times),
        "fps": fps,
        "size": [height, width],
    }
    return facts, frames


def main():
    path, request = sys.argv[1], json.loads(sys.argv[2])
    answer, messages = take_output()
    frames = []
    try:
        decord = import_decord()
        limit_resources(request["memory"], request["seconds"])
        facts, frames = decode(path, request, decord, messages)
    except BrokenSetup as error:
        facts = {"setup": str(error)}
    except Refused as error:
        facts = {"error": str(error)}
    except MemoryError:
        facts = {"error": MEMORY}
    except Exception as error:
        facts = {"error": explain(error, read_messages(messages))}
    answer.write(json.dumps(facts).encode() + b"\n")
    for frame in frames:
        answer.write(frame.tobytes())
    answer.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
