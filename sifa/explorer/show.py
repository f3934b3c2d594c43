"""One call to look at a trace, in a notebook or out of it."""

import html
import sys
import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sifa.explorer.foreign import foreign
from sifa.explorer.format.pack import pack
from sifa.explorer.format.unpack import read_file
from sifa.explorer.page import to_html
from sifa.tracing.records import BlockTrace, Prediction

HEIGHT = 900  # pixels of the viewer in a notebook
Form = Prediction | bytes | str | Path | BlockTrace | Sequence[BlockTrace]  # a trace as people have it


@dataclass(frozen=True)
class Page:
    """The single-file page; a notebook shows it in a frame of its own that can reach nothing outside."""

    html: str

    def save(self, file: str | Path) -> Path:
        """Write the page to a file that opens in any browser."""
        file = Path(file)
        file.write_text(self.html, encoding="utf-8")
        return file

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts allow-downloads" srcdoc="{html.escape(self.html)}" title="SIFA explorer" '
            f'style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
        )


def show(
    trace: Form,
    frames: np.ndarray | None = None,
    *,
    file: str | Path | None = None,
    title: str = "SIFA explorer",
    model: str = "",
    trained_on: str = "",
    light: bool = False,
) -> Page:
    """Look at a prediction, a packed trace (bytes or a .sifa file), or blocks of any model with the frames it saw.

    `frames` (T, H, W, 3) or one picture (H, W, 3), uint8 RGB, go with blocks, as do `model`, its name, and
    `trained_on`, what its weights know (`foreign_block`, `foreign`). With `file` the page is written there; without, a
    notebook shows it as a cell's value, and elsewhere it is written to a temporary file and opened in the browser.
    """
    page = Page(to_html(_pack(trace, frames, model, trained_on), title=title, light=light))
    if file is not None:
        page.save(file)
    elif not _in_notebook():
        folder = Path(tempfile.mkdtemp(prefix="sifa-explorer-"))
        webbrowser.open(page.save(folder / "explorer.html").as_uri())
    return page


def _pack(trace: Form, frames: np.ndarray | None, model: str, trained_on: str) -> bytes:
    if isinstance(trace, bytes):
        return trace
    if isinstance(trace, str | Path):
        return read_file(Path(trace))
    if isinstance(trace, Prediction):
        return pack(trace)
    if not hasattr(trace, "__iter__") and not isinstance(trace, BlockTrace):
        raise ValueError(
            f"this is of type {type(trace).__name__}; give a prediction, a packed trace, or blocks with frames"
        )
    if frames is None:
        raise ValueError("blocks alone have no pictures; pass the frames that the model saw: show(blocks, frames)")
    blocks = [trace] if isinstance(trace, BlockTrace) else list(trace)
    return pack(foreign(blocks, frames, model=model, trained_on=trained_on))


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return hasattr(shell, "kernel")
