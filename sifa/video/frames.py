"""Videos that were unpacked into a folder of numbered pictures, read into the same Clip as video files."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from sifa.errors import VideoError
from sifa.video._pictures import fit_size
from sifa.video.clip import FITTED, LIMITS, Clip, DecodeLimits, check_sampling, check_seconds, spread
from sifa.video.cuts import cut_among, small
from sifa.video.read import read_clip, read_seconds

PICTURES = (".jpg", ".jpeg", ".png")
FRAME_RATE = 30.0  # pictures carry no times


def read_video(path: str | Path, num_frames: int, sampling_rate: int = 1, start: int = 0) -> Clip:
    """`read_clip` of a video file, `read_frames` of a folder. Raises VideoError."""
    read = read_frames if Path(path).is_dir() else read_clip
    return read(path, num_frames, sampling_rate, start)


def read_video_seconds(
    path: str | Path,
    num_frames: int,
    step: float | None,
    start: float = 0.0,
    *,
    sampling_rate: int = 1,
    fit: bool = False,
) -> Clip:
    """`read_seconds` of a video file; of a folder of pictures the same, at FRAME_RATE. Raises VideoError."""
    if not Path(path).is_dir():
        return read_seconds(path, num_frames, step, start, sampling_rate=sampling_rate, fit=fit)
    check_seconds(step, start)
    rate = sampling_rate if step is None else max(1, round(step * FRAME_RATE))
    return read_frames(path, num_frames, rate, int(start * FRAME_RATE + 1e-3), fit=fit)


def read_frames(
    folder: str | Path,
    num_frames: int,
    sampling_rate: int = 1,
    start: int = 0,
    *,
    fps: float = FRAME_RATE,
    fit: bool = False,
    max_side: int = 640,
    limits: DecodeLimits = LIMITS,
) -> Clip:
    """Frames start, start + sampling_rate, ... of a folder of pictures 00001.jpg, 00002.jpg, ... (or png).

    The picture with the lowest number is frame 0. Pictures carry no times, so those of the clip follow from the nominal `fps`.
    A folder shorter than the span is padded by repeating its last sampled frame, and frames whose longer side exceeds
    `max_side` are reduced. `fit` is that of `read_seconds`.

    Raises VideoError where numbers are missing, and for whatever cannot be read within the limits.
    """
    folder = Path(folder)
    check_sampling(num_frames, sampling_rate, start)
    pictures = list_pictures(folder)
    count = len(pictures)
    if count > limits.frames:
        raise VideoError(f"{folder.name} has {count} frames; the limit is {limits.frames}. Leave some out")
    if start >= count:
        raise VideoError(
            f"the clip would start at frame {start}, but {folder.name} has {count} frames (0 to {count - 1}); start earlier"
        )
    indices = np.arange(start, start + num_frames * sampling_rate, sampling_rate)
    padded = int((indices >= count).sum())
    closer = spread(count - start, num_frames, num_frames - padded) if fit else None
    if closer is not None:
        indices, padded = start + closer, 0
        sampling_rate = max(1, round((count - start - 1) / (num_frames - 1)))
    indices = np.minimum(indices, indices[indices < count][-1])
    read = {number: _read(pictures[number], max_side, limits) for number in dict.fromkeys(indices.tolist())}
    frames, sizes = zip(*(read[number] for number in indices.tolist()))
    sampled = num_frames - padded
    if len(set(sizes)) > 1:
        raise VideoError(f"the pictures in {folder.name} have several sizes; scale them to one size first")
    return Clip(
        frames=np.stack(frames),
        times=indices / fps,
        indices=indices,
        path=str(folder),
        fps=fps,
        source_frames=count,
        source_size=sizes[0],
        sampling_rate=sampling_rate,
        padded=padded,
        notes=() if closer is None else (FITTED,),
        cut=cut_among(small(np.stack(frames[:sampled])), indices[:sampled], indices[:sampled] / fps),
    )


def list_pictures(folder: Path) -> list[Path]:
    """The pictures of a folder in the order of the numbers that their names end in; VideoError where one is missing."""
    pictures: dict[int, Path] = {}
    series: dict[str, str] = {}  # what stands before the number -> a file
    for file in folder.iterdir():
        digits = re.search(r"\d+$", file.stem)
        if digits and file.suffix.lower() in PICTURES and not file.name.startswith("."):  # ._00001.jpg is no picture
            number = int(digits.group())
            series.setdefault(file.stem[: digits.start()], file.name)
            if len(series) > 1:
                names = ", ".join(sorted(series.values()))
                raise VideoError(
                    f"{folder.name} holds several series of pictures ({names}); give each a folder of its own"
                )
            if number in pictures:
                raise VideoError(
                    f"{folder.name} has two pictures with number {number}: {file.name} and {pictures[number].name}; keep one"
                )
            pictures[number] = file
    if not pictures:
        raise VideoError(
            f"the folder {folder.name or folder} holds no numbered pictures such as 00001.jpg; check the path"
        )
    order = sorted(pictures)
    gap = next((a + 1 for a, b in pairwise(order) if b > a + 1), None)
    if gap is not None:
        raise VideoError(
            f"{folder.name} has pictures {order[0]} to {order[-1]}, but number {gap} is missing; unpack the video again"
        )
    return [pictures[number] for number in order]


def _read(file: Path, max_side: int, limits: DecodeLimits) -> tuple[np.ndarray, tuple[int, int]]:
    """(H, W, 3) uint8, and the picture's own height and width."""
    name = f"{file.parent.name}/{file.name}"
    try:
        with Image.open(file) as picture:
            width, height = picture.size
            if width * height > limits.pixels:
                raise VideoError(
                    f"{name} is {width} x {height} pixels; the limit is {limits.pixels / 1e6:.1f} million. Scale it down first"
                )
            pixels = picture.convert("RGB")
            size = fit_size(width, height, max_side)
            if size != (width, height):
                pixels = pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
            return np.asarray(pixels), (height, width)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise VideoError(
            f"{name} could not be read ({error}); it is damaged or no picture. Try another copy"
        ) from error
