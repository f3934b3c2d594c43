"""What a lecture needs beside the notebooks: `python notebooks/lecture.py --out FOLDER` writes figures as SVG and slides.

The figures are drawn from the shipped samples' traces; the page is the tour in one file, which needs no network. Both are under
the project's licence.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from sifa import explorer
from sifa.weights import shipped


class Figure(NamedTuple):
    """One pair of pictures: frame t with the field of arrows, frame t + 1 with the neighbours of a cell."""

    name: str
    clip: str
    block: int | None  # None: the one that follows motion best
    pair: int
    cell: tuple[int, int] | None  # (y, x) on the block's grid


FIGURES = (
    Figure("01_a_moving_object", "object moves right", None, 3, (20, 16)),
    Figure("02_still_ground", "object moves right", None, 3, (6, 6)),
    Figure("03_a_deeper_block", "object moves right", 2, 3, (10, 8)),
    Figure("04_a_zoom", "camera zooms in", None, 3, (6, 24)),
    Figure("05_a_pan", "camera pans left", None, 3, (16, 16)),
    Figure("06_a_roll", "camera rolls clockwise", None, 3, (8, 16)),
    Figure("07_nothing_moves", "nothing moves", None, 3, None),
)
TOUR = "object moves right"
MARKS = (
    "Left, frame t: the orange square is the query cell, and each white arrow shows where the attention of its cell went. "
    "Right, frame t + 1: crosses are the neighbours in the regular grid, white lines their offsets, discs the sampled points, "
    "whose colour and size are their weights; the blue arrow is the weighted mean."
)
LICENCE = "Apache-2.0"


def write(folder: Path) -> list[Path]:
    """Write the figures and slides.html into a folder, which is made if it is missing; returns the files, the page last."""
    folder.mkdir(parents=True, exist_ok=True)
    traces = {title: clip.with_suffix(".sifa") for title, clip in shipped.clips().items()}
    files = []
    for figure in FIGURES:
        prediction = explorer.unpack(traces[figure.clip])
        file = folder / f"{figure.name}.svg"
        block = prediction.best_block if figure.block is None else figure.block
        explorer.export(prediction, file, block=block, pair=figure.pair, cell=figure.cell)
        _add(file, "</title>", f"<desc>{MARKS}</desc><metadata>{LICENCE}</metadata>")
        files.append(file)
    page = folder / "slides.html"
    page.write_text(
        explorer.to_html(traces[TOUR].read_bytes(), title="How a video model follows motion"), encoding="utf-8"
    )
    _add(page, '<meta charset="utf-8">', f'<meta name="license" content="{LICENCE}">')
    return [*files, page]


def _add(file: Path, after: str, text: str) -> None:
    """Put a text into a file, behind the first place where it says `after`."""
    head, mark, rest = file.read_text(encoding="utf-8").partition(after)
    file.write_text(f"{head}{mark}{text}{rest}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python notebooks/lecture.py", description="Figures and a page for slides.")
    parser.add_argument("--out", type=Path, default=Path("runs/lecture"))
    args = parser.parse_args()
    for file in write(args.out):
        print(file)
    print(f"for slides, open {args.out / 'slides.html'}#tour=0&hide=all and press Page down")


if __name__ == "__main__":
    main()
