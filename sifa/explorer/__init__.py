"""The viewer and its trace format: pack a prediction, show it in a page, a notebook or a single file."""

from sifa.explorer.html import script, to_html
from sifa.explorer.pack import pack
from sifa.explorer.unpack import TraceFormatError, unpack
