"""A whole video of two minutes: `python -m tests.bench.whole [--seconds S] [--video FILE] [--json]`.

A 1080p H.264 video is generated: six shots in which a camera pans over a textured, slightly noisy ground, with hard cuts
between. Then a fresh process with the shipped weights loaded goes through it once: seconds to the first window that can be
explored, packed trace included, and to the whole strip; seconds of the processor, of this process and of the decoding one;
and the most memory of each.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

HEIGHT, WIDTH, FPS, SHOTS = 1080, 1920, 30, 6
MARGIN = 640  # pixels of ground on either side
GOALS = "goals, on two quiet cores: first window 3 s, strip 30 s, 600 MB"


def ground(seed: int) -> np.ndarray:
    """A texture, coarse and fine: (1400, WIDTH + MARGIN, 3) uint8."""
    rng = np.random.default_rng(seed)
    size = (WIDTH + MARGIN, 1400)
    parts = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, 2 * n, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
        )
        for n in (6, 24, 90)
    ]
    return np.asarray(np.mean(parts, 0) + rng.normal(0, 4, (size[1], size[0], 1))).clip(0, 255).astype(np.uint8)


def write_video(path: Path, seconds: int) -> Path:
    """The video; about a minute for two minutes of it."""
    count = seconds * FPS
    each = -(-count // SHOTS)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options=dict(preset="ultrafast", crf="23"))
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        textures = [ground(shot) for shot in range(SHOTS)]
        for i in range(count):
            shot, k = divmod(i, each)
            texture = textures[shot]
            x, y = (k if shot % 2 else each - k) * MARGIN // (each + 1), 160 + round(120 * np.sin(k / 60))
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(texture[y : y + HEIGHT, x : x + WIDTH]), format="rgb24"
            )
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def watch_children(peaks: dict[str, int]) -> None:
    """Notes the most memory, in kB, that each process started from here has had; on Linux."""
    while True:
        for task in Path("/proc/self/task").glob("*/children"):
            with suppress(OSError):
                for child in task.read_text().split():
                    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{child}/status").read_text())
                    peaks[child] = int(found[1]) if found else peaks.get(child, 0)
        time.sleep(0.2)


def measure(path: Path) -> dict[str, Any]:
    """One pass, in this process."""
    import sifa
    from sifa.explorer.format.pack import pack
    from sifa.tracing.whole import WholeVideo

    peaks: dict[str, int] = {}
    threading.Thread(target=watch_children, args=(peaks,), daemon=True).start()
    model = sifa.load()
    sifa.predict(model, sifa.read_clip(next(Path("assets/samples").glob("02_*.mp4")), 16, 4))
    began, cpu = time.perf_counter(), time.process_time()
    whole, first, windows = WholeVideo(model, path), 0.0, 0
    for window in whole:
        windows += 1
        if window.prediction and not first:
            pack(window.prediction)
            first = time.perf_counter() - began
    strip = whole.strip()
    here, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return dict(
        first_seconds=round(first, 2),
        strip_seconds=round(time.perf_counter() - began, 2),
        cpu_seconds=round(time.process_time() - cpu, 2),
        decoding_cpu_seconds=round(child.ru_utime + child.ru_stime, 2),
        memory_mb=here.ru_maxrss // 1024,
        decoding_memory_mb=max(peaks.values(), default=0) // 1024,
        windows=windows,
        cuts=len(strip.cuts),
        ended=strip.ended,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.whole", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seconds", type=int, default=120, help="of video (default: 120)")
    parser.add_argument("--video", type=Path, help="a video of your own")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--pass", dest="only", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        print(json.dumps(measure(chosen.video)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        video = chosen.video or write_video(Path(folder) / "video.mp4", chosen.seconds)
        print(f"{video.stat().st_size / 1e6:.1f} MB; {GOALS}")
        command = [sys.executable, "-m", "tests.bench.whole", "--pass", "--video", str(video)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    for name, value in found.items():
        print(f"{name.replace('_', ' '):24} {value}")
    if chosen.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
