"""The container of a packed trace: a JSON header, then one payload of arrays and pictures. The README of the explorer
describes it; `pack`, `unpack` and `prune` write and read it here and nowhere else."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from sifa.errors import TraceError

MAGIC, VERSION = b"SIFATRC\n", 2
START = len(MAGIC) + 8  # of the header: before it come the magic and two numbers of four bytes
STEPS_PER_CELL = 32  # offsets and flow are int16 in steps of 1/32 cell
REMEDY = "copy it again or write it anew"

Header = dict[str, Any]


class Payload:
    """Blobs one after another, each starting at a multiple of 8; the same bytes are stored once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.starts: dict[bytes, int] = {}

    def add(self, blob: bytes) -> int:
        """Store a blob, and say at which byte of the payload it starts."""
        if blob not in self.starts:
            self.starts[blob] = self.size
            self.parts.append(blob + bytes(-len(blob) % 8))
            self.size += len(self.parts[-1])
        return self.starts[blob]


@dataclass(frozen=True)
class Container:
    """A packed trace taken apart."""

    header: Header
    data: bytes  # all of it
    base: int  # where the payload begins

    def cut(self, at: int, size: int) -> bytes:
        """`size` bytes from position `at` of the payload. Raises TraceError where the payload does not hold them."""
        if at < 0 or size < 0:
            raise damage(f"{size} bytes at position {at}")
        start = self.base + at
        if start + size > len(self.data):
            raise _cut_off(self.data)
        return self.data[start : start + size]


def write(header: Header, payload: Payload) -> bytes:
    """Header and payload as one packed trace. Raises ValueError where a number in the header is not finite.

    Bytes of a file's name that are not UTF-8 become question marks.
    """
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode(errors="replace")
    text += b" " * (-len(text) % 8)
    return MAGIC + struct.pack("<II", len(text), 0) + text + b"".join(payload.parts)


def parse(data: bytes) -> Container:
    """A packed trace as header and payload.

    Raises TraceError where the bytes are no trace, end inside the header, hold a header that is no JSON object, or are
    of a version that this program does not read.
    """
    if data[: len(MAGIC)] != MAGIC or len(data) < START:
        raise TraceError("this is not a SIFA trace (it does not start with SIFATRC); choose a .sifa file")
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    base = START + length
    if base > len(data):
        raise _cut_off(data)
    with refuse_damage():
        header = json.loads(data[START:base], parse_constant=_refuse_constant)
        if not isinstance(header, dict) or type(header["version"]) is not int:
            raise damage("its header has no version number")
    if header["version"] > VERSION:
        raise TraceError(
            f"the trace has format version {header['version']}, this program reads up to {VERSION}; update the program"
        )
    return Container(header, data, base)


@contextmanager
def refuse_damage() -> Iterator[None]:
    """Turn whatever the bytes of a damaged or hostile trace make json, numpy or Pillow raise into a TraceError."""
    try:
        yield
    except TraceError:
        raise
    except Exception as error:
        raise damage(f"{type(error).__name__}: {error}") from error


def damage(reason: str) -> TraceError:
    """The error of a trace that holds something else than it should."""
    return TraceError(f"the trace is damaged ({reason[:200]}); {REMEDY}")


def _cut_off(data: bytes) -> TraceError:
    return TraceError(f"the trace is cut off after {len(data)} bytes; {REMEDY}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
