"""The viewer and its trace format: pack a prediction, show it in a page, a notebook or a single file."""

from typing import TYPE_CHECKING

from sifa.errors import RunError, TraceError
from sifa.explorer.exports import export
from sifa.explorer.foreign import foreign, foreign_block, record_modules
from sifa.explorer.format.pack import pack
from sifa.explorer.format.unpack import unpack
from sifa.explorer.page import script, to_html
from sifa.explorer.show import Page, show
from sifa.tracing.records import Prediction

if TYPE_CHECKING:
    from sifa.explorer.widget import Explorer

__all__ = [
    "Page",
    "TraceError",
    "explore",
    "export",
    "foreign",
    "foreign_block",
    "pack",
    "record_modules",
    "script",
    "show",
    "to_html",
    "unpack",
]


def explore(prediction: Prediction, compare: Prediction | None = None) -> "Explorer":
    """The viewer as a notebook widget (`sifa.explorer.widget.Explorer`), whose block, pair, cell and pins can be read and set.

    With a second prediction, `compare`, both are shown side by side, at one place and time: two sets of weights on one clip, or
    two clips. Later, `explorer.compare = prediction` does the same, and None ends it.

    Needs anywidget, which nothing else here does, so it is imported at the first call. Raises RunError where it is not installed.
    """
    try:
        from sifa.explorer.widget import Explorer
    except ModuleNotFoundError as error:
        raise RunError(
            f"the explorer in a notebook needs {error.name}, which is not installed; "
            'pip install "sifa-explorer[notebooks]", or write a page with sifa.explorer.to_html'
        ) from error

    return Explorer(prediction, compare)
