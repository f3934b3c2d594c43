"""The numbers of the charts of `sifa.cell_figures` as HTML tables, for pages without a kernel."""

import html
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sifa.cell_figures import answer_info, cell_info, signed, track, weight_colours
from sifa.figures import block_info
from sifa.prediction import Prediction
from sifa.trace import Trace

BAR = 5.0  # em, of a cell's greatest weight


def cell_tables(trace: Trace, block: int, pair: int, y: int, x: int) -> str:
    """What one cell read, where its attention leads, and what the blocks do, pair by pair.

    `block` and `pair` count from 0, and (y, x) is on that block's grid; in the tables both count from 1, as in the viewer.
    """
    read, infos = trace[block], block_info(trace)
    info = cell_info(read, pair, y, x)
    shares = np.abs(info.weights) / max(np.abs(info.weights).max(), 1e-12)
    bars = [_bar(share, colour) for share, colour in zip(shares, weight_colours(read, pair, info.weights))]
    neighbours = [
        (tap, signed(dy, 2), signed(dx, 2), f"{weight:.3f}", "outside" if lost else bar)
        for tap, (dy, dx), weight, lost, bar in zip(info.taps, info.offsets, info.weights, info.outside, bars)
    ]
    places = [(pair + 1 + n, f"{py:.2f}", f"{px:.2f}") for n, (py, px) in enumerate(track(read, pair, y, x))]
    pairs = "frame pair", *max((each.pairs for each in infos), key=len)
    offsets = [(html.escape(each.name), *(f"{v:.2f}" for v in each.offset)) for each in infos]
    entropies = [(html.escape(each.name), *(f"{v:.3f}" for v in each.entropy)) for each in infos]
    where = f"cell {y}, {x} of block {block + 1}, pair {pair + 1}"
    return _in_a_row(
        table(
            f"What {where} read: offsets in cells, weights (sum {info.weights.sum():.2f})",
            ("neighbour dy, dx", "offset dy", "offset dx", "weight", ""),
            neighbours,
        ),
        table(f"Track of {where}, in cells", ("step", "y", "x"), places),
        table("Mean |offset|, cells", pairs, offsets),
        table("Attention entropy, 1 = uniform", pairs, entropies),
    )


def answer_table(predictions: Mapping[str, Prediction], count: int = 4) -> str:
    """Class probabilities of several predictions, by title: the classes that `plot_answers` shows."""
    labels, probabilities = answer_info(predictions, count)
    rows = [
        (html.escape(label), *(f"{p:.1%}" for p in each)) for label, each in zip(labels, zip(*probabilities.values()))
    ]
    return _in_a_row(table("Class probabilities", ("class", *map(html.escape, probabilities)), rows))


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names the rows. All of it is HTML already, and has to be escaped where it may need it."""
    top = "".join(f'<th scope="col">{each}</th>' for each in head)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{each}</td>" for each in rest)}</tr>' for first, *rest in rows
    )
    return (
        f'<table style="margin: 0"><caption style="text-align: left">{caption}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    )


def _bar(share: float, colour: str) -> str:
    return f'<div style="width: {BAR * share:.1f}em; height: .7em; background: {colour}"></div>'


def _in_a_row(*tables: str) -> str:
    """Side by side where there is room; each is scrolled sideways where it is too wide."""
    boxes = "".join(f'<div style="max-width: 100%; overflow-x: auto">{each}</div>' for each in tables)
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1em 2em; align-items: flex-start">{boxes}</div>'
