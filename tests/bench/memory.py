"""What the page's memory does while clips come: `python -m tests.bench.memory [--clips N]`. Linux only.

The resident memory of the real program is printed after every 50 clips, each of a session of its own.
"""

import argparse
import tempfile
from pathlib import Path

from tests.app.program import Program, program
from tests.app.visitor import Visitor, status_of
from tests.clips import numbered_frames, write_clip

EVERY = 50


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=300)
    count = parser.parse_args().clips
    with tempfile.TemporaryDirectory() as folder, program(Path(folder)) as page:
        clip, found = write_clip(Path(folder) / "clip.mp4", numbered_frames(20, 48, 64)), []
        for number in range(1, count + 1):
            visitor = Visitor(page.url, f"127.0.1.{1 + number % 8}")
            assert "clip.mp4" in status_of(visitor.run(visitor.upload(clip)))
            if number % EVERY == 0:
                found.append(resident(page))
                print(f"after {number} clips: {found[-1] / 1e6:.0f} MB", flush=True)
        print(f"the last is {found[-1] / found[0]:.3f} times the first")
    return 0


def resident(page: Program) -> int:
    """Bytes of memory that the program holds."""
    lines = Path(f"/proc/{page.process.pid}/status").read_text().splitlines()
    (size,) = [line.split()[1] for line in lines if line.startswith("VmRSS")]
    return 1024 * int(size)


if __name__ == "__main__":
    raise SystemExit(main())
