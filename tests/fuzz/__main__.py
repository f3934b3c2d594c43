"""Damage many small videos by chance, read each, and compare with what the undamaged one shows.

Each file ends as one of: refused (a VideoError), right (the frames of the undamaged file, perhaps fewer where its end is lost),
right from a later frame on with a note that says so (as recordings of broadcasts are), wrong but said by nobody (ffmpeg at its
strictest has no complaint, either), or silently wrong (ffmpeg complains, we did not).
Needs the programs ffmpeg and ffprobe.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sifa.errors import VideoError
from sifa.video.clip import Clip
from sifa.video.read import NOTES, read_clip
from tests.video import matrix

SOURCES = (
    *("h264.mp4", "h264_b.mp4", "h264_open_gop.mp4", "hevc_b.mp4", "mpeg4_b.mp4", "vp9.mp4", "av1.mp4", "h264_b.mov"),
    *(
        "mjpeg.mov",
        "h264_b.mkv",
        "hevc_b.mkv",
        "vp9.webm",
        "vp8.webm",
        "ffv1.mkv",
        "mpeg4.avi",
        "mpeg4_b.avi",
        "h264_b.avi",
    ),
    *("mjpeg.avi", "msmpeg4.avi", "h264_b.ts", "mpeg2_b.ts", "mpeg2_b.mpg", "h264_b.flv", "wmv2.wmv", "gif.gif"),
    *("fragments.mp4", "index_first.mp4", "without_length.mkv", "piped.mkv", "h264_b_without_end.mp4"),
)
BEGINS_LATE = NOTES["begins late"]
NOISE = 2.0  # mean difference of levels up to which a frame is the same


def damage(data: bytearray, rng: random.Random) -> str:
    """Changes a file in place in one of eight ways, whose name is returned."""
    kind = rng.choice(["bits", "bytes", "zeros", "noise", "cut", "lost", "twice", "start"])
    places = [rng.randrange(len(data)) for _ in range(rng.choice([1, 1, 2, 4, 16]))]
    length = rng.choice([4, 20, 60, 300])
    for at in places:
        match kind:
            case "bits":
                data[at] ^= 1 << rng.randrange(8)
            case "bytes":
                data[at] = rng.randrange(256)
            case "zeros":
                data[at : at + length] = bytes(len(data[at : at + length]))
            case "noise":
                data[at : at + length] = rng.randbytes(len(data[at : at + length]))
            case "start":
                data[at % 600] = rng.randrange(256)
    at = places[0]
    match kind:
        case "cut":
            del data[max(at, 100) :]
        case "lost":
            del data[at : at + length]
        case "twice":
            data[at:at] = data[at : at + length]
    return kind


def is_right(clip: Clip, whole: Clip) -> bool:
    """Whether the frames are those of the undamaged file, from the first one on."""
    count = min(clip.source_frames, len(clip.frames))
    if clip.frames.shape[1:] != whole.frames.shape[1:] or count > len(whole.frames):
        return False
    difference = np.abs(clip.frames[:count].astype(np.int16) - whole.frames[:count]).mean((1, 2, 3))
    return bool(difference.max() <= NOISE)


def verdicts(files: int, seed: int, folder: Path) -> Iterator[tuple[str, str, str]]:
    """(name, kind of damage, verdict) of each damaged file."""
    rng = random.Random(seed)
    wholes: dict[str, Clip] = {}
    for number in range(files):
        name = SOURCES[number % len(SOURCES)]
        source = matrix.make(name, folder)
        if name not in wholes:
            wholes[name] = read_clip(source, matrix.COUNT)
        data = bytearray(source.read_bytes())
        kind = damage(data, rng)
        file = folder / f"damaged_{number}{source.suffix}"
        file.write_bytes(data)
        try:
            clip = read_clip(file, matrix.COUNT)
        except VideoError as error:
            slow = "longer than" in str(error)
            verdict = "took too long" if slow else "refused"
        else:
            if is_right(clip, wholes[name]):
                verdict = "right"
            elif BEGINS_LATE in clip.notes:
                verdict = "later frames, and said"
            else:
                verdict = "SILENTLY WRONG" if matrix.strict_verdict(file) else "wrong, said by nobody"
        yield name, kind, verdict
        if verdict != "SILENTLY WRONG":
            file.unlink()


def main(argv: list[str] | None = None) -> int:
    """0 where no file was silently wrong, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the files that were silently wrong")
    arguments = parser.parse_args(argv)
    counted, since = Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        for number, (name, kind, verdict) in enumerate(verdicts(arguments.files, arguments.seed, folder)):
            counted[verdict] += 1
            if verdict not in ("right", "refused", "later frames, and said"):
                print(f"{number}: {name}, {kind}: {verdict}", flush=True)
    print(
        f"{arguments.files} files in {time.monotonic() - since:.0f} s:",
        ", ".join(f"{n} {v}" for v, n in counted.items()),
    )
    return int(counted["SILENTLY WRONG"] + counted["took too long"] > 0)


if __name__ == "__main__":
    sys.exit(main())
