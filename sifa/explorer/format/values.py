"""Values of a packed trace's header, checked as they are taken: anything else is damage, and raises a TraceError."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from sifa.errors import TraceError
from sifa.explorer.format.container import Header, damage

# bytes of arrays and pictures, so that a small file that names one array often cannot fill a machine
MOST_MEMORY = 1 << 30
WIDEST = 1024  # kernel and dilation
SCALES = 1e-4, 1e4  # of a crop
LARGEST = float(np.finfo(np.float32).max)
T = TypeVar("T")


def check_memory(header: Header) -> None:
    """Raises TraceError where the trace would take more than 1 GB of memory."""
    if memory_of(header) > MOST_MEMORY:
        raise TraceError(
            f"the trace would take more than {MOST_MEMORY >> 20} MB of memory, which is the limit; pack fewer frames, "
            "blocks or what-ifs"
        )


def memory_of(header: Header) -> int:
    """Bytes of all pictures and arrays once they are read, each counted as often as it is named."""
    frames, what_ifs = header["frames"], header.get("what_if", [])
    blocks = [*header["blocks"], *(block for each in what_ifs for block in each["blocks"])]
    values = sum(math.prod(shape_of(block)) * (3 * neighbours_of(block) + 1) for block in blocks)
    values += sum(2 * math.prod(shape_of(flow)) for flow in header.get("true_flow", []))
    return 4 * values + 3 * len(frames["pictures"]) * as_size(frames["height"]) * as_size(frames["width"])


def shape_of(grid: Header) -> tuple[int, int, int]:
    """(P, H, W) of a block or a flow."""
    return as_size(grid["pairs"]), as_size(grid["height"]), as_size(grid["width"])


def neighbours_of(block: Header) -> int:
    """How many neighbours each query of a block has."""
    return len(block["taps"]) if "taps" in block else as_size(block["kernel"]) ** 2


def as_list(check: Callable[[Any], T], values: Any) -> tuple[T, ...]:
    """A list, each of its values checked."""
    if not isinstance(values, list):
        raise damage(f"{values!r:.40} instead of a list")
    return tuple(check(value) for value in values)


def as_text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise damage(f"{value!r:.40} instead of a text")
    return value


def as_number(value: Any) -> Any:
    """A number that float32 can hold."""
    if type(value) not in (int, float) or not abs(value) <= LARGEST:
        raise damage(f"{value!r:.40} instead of a number")
    return value


def as_whole(value: Any) -> int:
    """A whole number from 0 on, exact in JSON."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
        raise damage(f"{value!r:.40} instead of a whole number from 0 on")
    return value


def as_size(value: Any, most: int = 1 << 53) -> int:
    """A whole number from 1 to `most`."""
    size = as_whole(value)
    if not 0 < size <= most:
        raise damage(f"a size of {size}")
    return size


def as_stride(values: Any, pairs: int, frames: int) -> tuple[float, float, float]:
    """Input steps per cell, time first: every time step has a frame of its own."""
    t, y, x = as_list(as_number, values)
    if not (t >= 1 and y > 0 and x > 0 and pairs * t <= frames - 1):
        raise damage(f"a stride of {t} x {y} x {x} for {pairs} pairs of {frames} frames")
    return t, y, x
