"""One call for every file of what the viewer shows: pictures, films and tables of a Prediction. No model is needed."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from sifa.explorer.render.marks import Cell
from sifa.explorer.render.panel import frames_of_step, lines, pair_panels
from sifa.explorer.render.raster import draw
from sifa.explorer.render.svg import to_svg
from sifa.tracing.given import check_prediction
from sifa.tracing.records import BlockTrace, Prediction
from sifa.video.write import write_mp4

STEP_MS = 600  # one step of a film
COLUMNS = ("y", "x", "neighbour", "tap_y", "tap_x", "offset_y", "offset_x", "point_y", "point_x", "weight", "outside")


def export(
    prediction: Prediction,
    file: str | Path,
    *,
    block: int | str = 0,
    pair: int | None = None,
    cell: Cell | None = None,
    scale: float = 2,
) -> Path:
    """Write what the viewer shows to a file, whose suffix says as what: png, svg, gif, mp4, csv or npz.

    png and svg show frames t and t + 1 of a pair (the middle one where None), with the neighbours of a query cell
    (y, x) if one is given; gif and mp4 all pairs of the block, 0.6 s each. csv has one line per neighbour, of the cell
    or of all cells. npz has every block's `<name>.offset` (P, N, 2, H, W) and `<name>.attention` (P, N, H, W) as float32.
    `scale` (1 to 4): pixels of a raster picture for each of the viewer's. Each file carries a caption that names clip,
    block, frames, cell and weights: below the picture, as PNG text, SVG title, first line or array `caption`. Raises
    ValueError for an unknown suffix and for a pair, cell or scale that there is not.
    """
    check_prediction(prediction)
    file = Path(file)
    write = WRITERS.get(file.suffix.lower())
    if write is None:
        raise ValueError(f"{file.name} ends in {file.suffix!r}; choose one of {', '.join(WRITERS)}")
    chosen = prediction.trace[block]
    pairs, _, height, width = chosen.attention.shape
    pair = (pairs - 1) // 2 if pair is None else pair
    if not 0 <= pair < pairs:
        raise ValueError(f"pair is {pair}, but block {chosen.name} has pairs 0 to {pairs - 1}")
    if cell is not None and not (0 <= cell[0] < height and 0 <= cell[1] < width):
        raise ValueError(f"cell is {cell}, but block {chosen.name} has {height} x {width} cells (y, x)")
    if not 1 <= scale <= 4:
        raise ValueError(f"scale is {scale}; choose 1 to 4")
    write(prediction, file, chosen, pair, cell, scale)
    return file


def caption(prediction: Prediction, block: BlockTrace, pair: int | None = None, cell: Cell | None = None) -> str:
    """The line that makes a file complete; without a pair it speaks of all of them."""
    clip, checkpoint = prediction.clip, prediction.card
    number = [each.name for each in prediction.trace].index(block.name) + 1
    height, width = block.attention.shape[-2:]
    parts = [
        f"{Path(clip.path).name}.",
        f"Block {number} of {len(prediction.trace)}, stage {block.stage + 1}, {height} x {width} cells ({block.name}).",
    ]
    if pair is not None:
        steps = [frames_of_step(step, block, len(clip.indices)) for step in (pair, pair + 1)]
        before, after = (f"{clip.indices[first]}-{clip.indices[end - 1]}" for first, end in steps)
        parts.append(f"Step {pair + 1} to {pair + 2}: source frames {before} to {after}.")
    if cell:
        parts.append(f"Query cell y {cell[0]}, x {cell[1]}.")
    sha256 = f" ({checkpoint.sha256[:8]})" if checkpoint.sha256 else ""
    return " ".join([*parts, f"Weights: {Path(checkpoint.file).name or checkpoint.variant}{sha256}."])


def _write_png(
    prediction: Prediction, file: Path, block: BlockTrace, pair: int, cell: Cell | None, scale: float
) -> None:
    text = caption(prediction, block, pair, cell)
    info = PngImagePlugin.PngInfo()
    info.add_text("Description", text)
    draw(pair_panels(prediction, block, pair, cell), text, scale).save(file, pnginfo=info)


def _write_svg(prediction: Prediction, file: Path, block: BlockTrace, pair: int, cell: Cell | None, _: float) -> None:
    text = to_svg(pair_panels(prediction, block, pair, cell), caption(prediction, block, pair, cell))
    file.write_text(text, encoding="utf-8")


def _film(prediction: Prediction, block: BlockTrace, cell: Cell | None, scale: float) -> list[Image.Image]:
    texts = [caption(prediction, block, pair, cell) for pair in range(len(block.attention))]
    rows = max(len(lines(text)) for text in texts)
    return [draw(pair_panels(prediction, block, pair, cell), text, scale, rows) for pair, text in enumerate(texts)]


def _write_gif(prediction: Prediction, file: Path, block: BlockTrace, _: int, cell: Cell | None, scale: float) -> None:
    first, *others = _film(prediction, block, cell, scale)
    comment = caption(prediction, block, None, cell)
    first.save(file, save_all=True, append_images=others, duration=STEP_MS, loop=0, comment=comment)


def _write_mp4(prediction: Prediction, file: Path, block: BlockTrace, _: int, cell: Cell | None, scale: float) -> None:
    fps = 10
    film = np.stack([np.asarray(picture) for picture in _film(prediction, block, cell, scale)])
    write_mp4(np.repeat(film, STEP_MS * fps // 1000, axis=0), file, fps)


def _write_csv(prediction: Prediction, file: Path, block: BlockTrace, pair: int, cell: Cell | None, _: float) -> None:
    cells = [cell] if cell else list(np.ndindex(block.attention.shape[-2:]))
    points, outside = block.points[pair], block.outside[pair]
    with file.open("w", newline="", encoding="utf-8") as out:
        out.write(f"# {caption(prediction, block, pair, cell)}\n")
        table = csv.writer(out, lineterminator="\n")
        table.writerow(COLUMNS)
        for y, x in cells:
            point, offset = points[:, :, y, x], block.offset[pair, :, :, y, x]
            numbers = np.concatenate([point - offset, offset, point, block.attention[pair, :, y, x, None]], 1).tolist()
            for tap, row in enumerate(numbers):
                table.writerow([y, x, tap, *row, int(outside[tap, y, x])])


def _write_npz(prediction: Prediction, file: Path, block: BlockTrace, *_: object) -> None:
    arrays: dict[str, Any] = {"caption": np.array(f"{caption(prediction, block)} Offsets and weights of all blocks.")}
    for each in prediction.trace:
        arrays |= {f"{each.name}.offset": each.offset, f"{each.name}.attention": each.attention}
    np.savez(file, **arrays)


Writer = Callable[[Prediction, Path, BlockTrace, int, Cell | None, float], None]
WRITERS: dict[str, Writer] = {
    ".png": _write_png,
    ".svg": _write_svg,
    ".gif": _write_gif,
    ".mp4": _write_mp4,
    ".csv": _write_csv,
    ".npz": _write_npz,
}
