"""The numbers of charts as HTML tables, for pages without a kernel and for notebooks that do not know plotly."""

import html
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import numpy as np

from sifa.charts.info import answer_info, block_info, cell_info, track, weight_colours, with_sign
from sifa.tracing.records import BlockTrace, Prediction, Trace

BAR_WIDTH = 5.0  # em, of a cell's greatest weight


def cell_tables(trace: Trace, block: int, pair: int, y: int, x: int) -> str:
    """What one cell read, where its attention leads, and what the blocks do, pair by pair.

    `block` and `pair` count from 0, in the tables from 1, as in the viewer; (y, x) is on the block's grid.
    """
    of_cell = [make(trace[block], pair, y, x) for make in (weight_table, offset_table, track_table)]
    return f"<p>Block {block + 1}, pair {pair + 1}</p>" + _in_a_row(*of_cell, block_tables(trace))


def weight_table(block: BlockTrace, pair: int, y: int, x: int) -> str:
    """The numbers of `plot_weights`, with bars in the same colours."""
    info = cell_info(block, pair, y, x)
    shares = np.abs(info.weights) / max(np.abs(info.weights).max(), 1e-12)
    bars = [_bar(share, colour) for share, colour in zip(shares, weight_colours(block, pair, info.weights))]
    rows = [
        (tap, f"{weight:.3f}", "outside" if lost else bar)
        for tap, weight, lost, bar in zip(info.taps, info.weights, info.outside, bars)
    ]
    return table(f"Weights of cell {y}, {x} (sum {info.weights.sum():.2f})", (info.tap_title, "weight", ""), rows)


def offset_table(block: BlockTrace, pair: int, y: int, x: int) -> str:
    """The numbers of `plot_offset_rose`."""
    info = cell_info(block, pair, y, x)
    rows = [(tap, with_sign(dy, 2), with_sign(dx, 2)) for tap, (dy, dx) in zip(info.taps, info.offsets)]
    return table(f"Offsets of cell {y}, {x}, in cells", (info.tap_title, "dy", "dx"), rows)


def track_table(block: BlockTrace, pair: int, y: int, x: int) -> str:
    """The numbers of `plot_track`."""
    rows = [(step, f"{py:.2f}", f"{px:.2f}") for step, (py, px) in enumerate(track(block, pair, y, x), start=pair + 1)]
    return table(f"Track of cell {y}, {x} from step {pair + 1} on, in cells", ("step", "y", "x"), rows)


def block_tables(trace: Trace) -> str:
    """The numbers of `plot_offset_and_entropy`."""
    infos = block_info(trace)
    head = "frame pair", *(f"block {number}" for number in range(1, len(infos) + 1))
    return _in_a_row(
        table("Mean |offset|, cells", head, _by_pair([each.offset for each in infos], 2)),
        table("Attention entropy, 1 = uniform", head, _by_pair([each.entropy for each in infos], 3)),
    )


def answer_table(predictions: Mapping[str, Prediction], count: int = 4) -> str:
    """Class probabilities of several predictions, by title: the classes that `plot_answers` shows."""
    labels, probabilities = answer_info(predictions, count)
    rows = [
        (html.escape(label), *(f"{p:.1%}" for p in each)) for label, each in zip(labels, zip(*probabilities.values()))
    ]
    return _in_a_row(table("Class probabilities", ("class", *map(html.escape, probabilities)), rows))


def table(caption: str, head: Iterable[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose first column names the rows. All of it is HTML already, and has to be escaped where it may need it."""
    top = "".join(f'<th scope="col">{each}</th>' for each in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{each}</td>" for each in rest)}</tr>' for first, *rest in rows
    )
    return (
        f'<table style="margin: 0"><caption style="text-align: left">{caption}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def _by_pair(values: Iterable[Sequence[float]], digits: int) -> list[tuple[object, ...]]:
    """Rows of pair and value of each block; a block may have fewer pairs than another."""
    texts = [[f"{v:.{digits}f}" for v in block] for block in values]
    return [(pair, *row) for pair, row in enumerate(zip_longest(*texts, fillvalue=""), start=1)]


def _bar(share: float, colour: str) -> str:
    return f'<div style="width: {BAR_WIDTH * share:.1f}em; height: .7em; background: {colour}"></div>'


def _in_a_row(*tables: str) -> str:
    """Side by side where there is room; each is scrolled sideways where it is too wide."""
    boxes = "".join(f'<div style="max-width: 100%; overflow-x: auto">{each}</div>' for each in tables)
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1em 2em; align-items: flex-start">{boxes}</div>'
