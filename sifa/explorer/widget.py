"""The viewer in a notebook: a widget whose state is shared with Python, and a page for readers without a kernel."""

import base64
import html
import io
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from sifa.explorer.exports import caption
from sifa.explorer.format.pack import pack
from sifa.explorer.page import script, to_html
from sifa.explorer.render.panel import pair_panels
from sifa.explorer.render.raster import draw
from sifa.tracing.records import BlockTrace, Prediction

LETTERS = ("A", "B", "C", "D", "E")  # of pins
FOLLOW_HEIGHT = (
    "new ResizeObserver(() => this.style.height = this.contentDocument.body.offsetHeight + 2 + 'px')"
    ".observe(this.contentDocument.body)"
)


class Explorer(anywidget.AnyWidget):
    """The viewer of one prediction. Its state is in traits that follow the viewer once it has come to rest, and move it.

    `block` and `pair` count from 0; (`y`, `x`) is the query cell on that block's grid, whether `pinned` or only pointed at.
    `pins` are the pinned cells by their letters, `{"A": (10, 8), "B": (3, 4)}`, at most five; (`y`, `x`) is one of them. Set,
    they make the first one the query, unless (`y`, `x`) is one of them.
    `prediction` may be set to another one. `compare` is the prediction that stands beside it, or None; setting one opens Compare,
    with both at the same place and time by their shares of the whole. Setting a block, pair, cell or pin that the trace does not
    have raises TraitError; that of a model without blocks has none.
    """

    _esm = script()
    trace = traitlets.Bytes().tag(sync=True)
    compared = traitlets.Bytes().tag(sync=True)
    block = traitlets.Int(0).tag(sync=True)
    pair = traitlets.Int(0).tag(sync=True)
    y = traitlets.Int(0).tag(sync=True)
    x = traitlets.Int(0).tag(sync=True)
    pinned = traitlets.Bool(False).tag(sync=True)
    pins = traitlets.Dict().tag(sync=True)
    prediction = traitlets.Instance(Prediction)
    compare = traitlets.Instance(Prediction, allow_none=True)

    def __init__(self, prediction: Prediction, compare: Prediction | None = None):
        super().__init__(prediction=prediction, trace=pack(prediction), compare=compare)
        self._open()

    def _open(self) -> None:
        """Go where the viewer opens a first trace: to its best block."""
        if len(self.prediction.trace):
            self.block = self.prediction.best_block
            self._to_the_middle()

    def _to_the_middle(self, stay: bool = False) -> None:
        """Go to the middle of time and there, unless the cell is to stay, to the one whose attention went furthest."""
        block = self.prediction.trace[self.block]
        self.pair = (len(block.attention) - 1) // 2
        if not stay:
            self.y, self.x = start_cell(block, self.pair)

    @property
    def cell(self) -> tuple[int, int, int, int] | None:
        """(block, pair, y, x) as shown; the nearest there is, until the viewer has answered a change of block.

        None where the model has no blocks.
        """
        if not len(self.prediction.trace):
            return None
        shape = self.prediction.trace[self.block].attention.shape
        ends = shape[0], *shape[2:]
        return self.block, *(min(v, end - 1) for v, end in zip((self.pair, self.y, self.x), ends))

    @traitlets.validate("block", "pair", "y", "x")
    def _within(self, proposal: traitlets.Bunch) -> int:
        name, value, trace = proposal.trait.name, int(proposal.value), self.prediction.trace
        if not len(trace):
            raise traitlets.TraitError(
                f"{name} is {value}; this model has no SIFA block, so there is no {name} to show"
            )
        pairs, _, height, width = trace[min(self.block, len(trace) - 1)].attention.shape
        end = dict(block=len(trace), pair=pairs, y=height, x=width)[name]
        if not 0 <= value < end:
            raise traitlets.TraitError(f"{name} is {value}; this block of the trace has {name} from 0 to {end - 1}")
        return value

    @traitlets.validate("pins")
    def _pins_within(self, proposal: traitlets.Bunch) -> dict[str, tuple[int, int]]:
        trace, pins = self.prediction.trace, {}
        for letter, cell in sorted(proposal.value.items(), key=lambda item: str(item[0])):
            if letter not in LETTERS:
                raise traitlets.TraitError(f"a pin has the letter {letter!r}; there are five, {', '.join(LETTERS)}")
            if not len(trace):
                raise traitlets.TraitError(f"pin {letter} is {cell}; this model has no SIFA block, so there is no cell")
            height, width = trace[min(self.block, len(trace) - 1)].attention.shape[2:]
            whole = isinstance(cell, Sequence) and len(cell) == 2 and all(isinstance(v, Integral) for v in cell)
            if not (whole and 0 <= cell[0] < height and 0 <= cell[1] < width):
                raise traitlets.TraitError(
                    f"pin {letter} is {cell!r}; give a cell (y, x) of this block, which has {height} x {width} cells"
                )
            pins[letter] = int(cell[0]), int(cell[1])
        return pins

    @traitlets.observe("pins")
    def _follow_pins(self, change: traitlets.Bunch) -> None:
        if change.new and (self.y, self.x) not in change.new.values():
            self.y, self.x = next(iter(change.new.values()))
        self.pinned = bool(change.new)

    @traitlets.observe("y", "x")
    def _move_pin(self, change: traitlets.Bunch) -> None:
        """The pin at the query cell goes with it, at once: the viewer, which answers later, has then nothing to correct."""
        here = self.y, self.x
        before = (change.old, self.x) if change.name == "y" else (self.y, change.old)
        if here not in self.pins.values():
            self.pins = {letter: here if cell == before else cell for letter, cell in self.pins.items()}

    @traitlets.observe("prediction")
    def _show(self, change: traitlets.Bunch) -> None:
        """As the viewer: the same clip keeps its view; another one keeps what is pinned, and else opens where most moves."""
        old, new = change.old, change.new
        if not isinstance(old, Prediction):
            return
        if len(new.trace) and len(old.trace) and self.cell:
            self.block = min(self.block, len(new.trace) - 1)
            _, self.pair, self.y, self.x = self.cell
            if not same_clip(old, new):
                self._to_the_middle(stay=self.pinned)
        else:
            self._open()
        self.trace = pack(new)

    @traitlets.observe("compare")
    def _set_beside(self, change: traitlets.Bunch) -> None:
        self.compared = pack(change.new) if change.new else b""

    @property
    def page(self) -> str:
        """HTML of the viewer that works by mouse and key where there is no kernel."""
        return frame_page(to_html(self.trace, self.compared or None))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget where there is a kernel; else a page that still works by mouse, and a picture."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        data = dict(data) | {"text/html": self.page}
        if self.cell:
            data["image/jpeg"] = base64.b64encode(self._still(*self.cell)).decode()
        return data, metadata

    def _still(self, number: int, pair: int, y: int, x: int) -> bytes:
        """The pair view of a block's cell as a JPEG."""
        block, out = self.prediction.trace[number], io.BytesIO()
        words = caption(self.prediction, block, pair, (y, x))
        draw(pair_panels(self.prediction, block, pair, (y, x)), words, 1).convert("RGB").save(out, "JPEG", quality=85)
        return out.getvalue()


def same_clip(one: Prediction, other: Prediction) -> bool:
    """Whether two predictions are of the same frames of one file, in any order."""
    first, second = ((Path(each.clip.path).name, sorted(each.clip.indices)) for each in (one, other))
    return first == second


def frame_page(page: str) -> str:
    """HTML that shows a whole page inside another one, as tall as the page is."""
    style = "width: 100%; height: 900px; border: 0"
    return (
        f'<iframe title="SIFA explorer" style="{style}" onload="{FOLLOW_HEIGHT}" srcdoc="{html.escape(page)}"></iframe>'
    )


def start_cell(block: BlockTrace, pair: int) -> tuple[int, int]:
    """The cell (y, x) away from the border whose attention went furthest in a pair, where the viewer opens."""
    height, width = block.attention.shape[2:]
    edge = 2 if min(height, width) >= 8 else 0
    length = np.hypot(*block.displacement[pair])[edge : height - edge, edge : width - edge]
    y, x = np.unravel_index(length.argmax(), length.shape)
    return int(y) + edge, int(x) + edge
