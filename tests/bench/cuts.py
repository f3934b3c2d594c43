"""What the check for cuts finds: `python -m tests.bench.cuts [--clips N] [--split held-out] [--every 1] [--json]`.

It makes N clips without a cut and N with one (`tests.video.cut_clips`), and says of each kind in how many one is seen, and
how long a clip takes (time of the processor, one thread).
With `--every 4` only every fourth frame is looked at, as of folders of pictures.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from sifa.video.cuts import find_cut, small
from tests.video.cut_clips import FRAMES, MadeClip, with_cut, without_cut

RATE = 30


class Figures:
    """How many clips of each kind there are, and in how many a cut is seen."""

    def __init__(self, clips: Iterable[MadeClip], every: int = 1) -> None:
        self.seen, self.count = defaultdict[str, int](int), defaultdict[str, int](int)
        self.wrong: list[str] = []  # kinds and places of clips where the answer is not the right one
        self.seconds = 0.0
        times = np.arange(0, FRAMES, every) / RATE
        for clip in clips:
            pictures = small(clip.frames[::every])
            start = time.process_time()
            found = find_cut(pictures, times)
            self.seconds += time.process_time() - start
            self.count[clip.kind] += 1
            near = found is not None and (not clip.first or clip.last - every <= found[0] * every <= clip.first + every)
            self.seen[clip.kind] += near
            if near != bool(clip.first):
                self.wrong.append(f"{clip.kind}: {clip.last} to {clip.first}, seen {found}")

    @property
    def share(self) -> float:
        """In how many of all a cut is seen; at its place, where there is one."""
        return sum(self.seen.values()) / sum(self.count.values())

    @property
    def milliseconds(self) -> float:
        """For one clip."""
        return 1000 * self.seconds / sum(self.count.values())

    def plain(self) -> dict[str, Any]:
        kinds = {kind: [self.seen[kind], count] for kind, count in self.count.items()}
        return dict(share=round(self.share, 4), milliseconds=round(self.milliseconds, 1), kinds=kinds, wrong=self.wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=320)
    parser.add_argument("--split", default="held-out", choices=("train", "held-out"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    made = {"without a cut": without_cut, "with a cut": with_cut}
    found = {
        name: Figures(make(arguments.split, arguments.clips, arguments.seed), arguments.every)
        for name, make in made.items()
    }
    if arguments.json:
        print(json.dumps({name: figures.plain() for name, figures in found.items()}))
        return
    for name, figures in found.items():
        print(f"{name}: seen in {figures.share:.1%} of {arguments.clips} clips; {figures.milliseconds:.1f} ms a clip")
        for kind, count in figures.count.items():
            print(f"  {figures.seen[kind]:4} of {count:4}  {kind}")


if __name__ == "__main__":
    main()
