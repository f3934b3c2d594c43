"""Packed traces as single-file pages carry them: deflated, and with less in them where a page would be too large."""

import io
import json
import struct
import zlib
from collections.abc import Callable, Collection

from PIL import Image

from sifa.explorer.format.pack import MAGIC, _Payload

MOST, MOST_LIGHT = 7_350_000, 2_100_000  # bytes once deflated: pages of 10 and 3 MB with base64 and the viewer's script
SIDES, QUALITY = (400, 320, 240, 160), 60  # of a light page's JPEGs, where they must be smaller: pixels, tried in turn
NO_POINTS = " Its points are left out of this page, to keep it small."


def deflated(packed: bytes) -> bytes:
    """A packed trace as zlib data; level 1, since the others take three times as long and gain 2 %."""
    return zlib.compress(packed, 1)


def fitted(packed: bytes) -> bytes:
    """A packed trace whose page is at most 10 MB, if leaving out points of what-ifs can do that, the last ones first.

    Their answers and lengths stay, and each says in its explanation what is missing. Blocks and frames are copied byte
    for byte.
    """
    header, _ = _parts(packed)
    names = [block["name"] for block in header["blocks"]]
    pointed = [each["name"] for each in header.get("what_if", []) if each["blocks"]]
    made = packed
    while len(deflated(made)) > MOST and pointed:
        pointed.pop()
        made = _copied(packed, names, pointed)
    return made


def lightened(packed: bytes) -> bytes:
    """A packed trace with only the first block of each stage and the answers, but no points, of its what-ifs.

    Numbers are copied byte for byte, so that the blocks that stay show the same read-outs; frames too, unless the page
    would be larger than 3 MB: then they become smaller, down to 160 pixels.
    """
    header, _ = _parts(packed)
    names = [block["name"] for block in _first_of_stages(header["blocks"])]
    made = _copied(packed, names, ())
    for side in SIDES:
        if len(deflated(made)) <= MOST_LIGHT:
            break
        made = _copied(packed, names, (), side)
    return made


def _parts(packed: bytes) -> tuple[dict, int]:
    """The header of a packed trace, and where the payload begins."""
    (length,) = struct.unpack_from("<I", packed, 8)
    return json.loads(packed[16 : 16 + length]), 16 + length


def _copied(packed: bytes, names: Collection[str], pointed: Collection[str], side: int | None = None) -> bytes:
    """A packed trace with the named blocks, the points of the named what-ifs, and frames at most `side` pixels long."""
    (header, base), payload = _parts(packed), _Payload()
    kept = [number for number, block in enumerate(header["blocks"]) if block["name"] in names]

    def moved(at: int, size: int) -> int:
        return payload.add(packed[base + at : base + at + size])

    def copied(blocks: list[dict]) -> list[dict]:
        return [_with_arrays(block, moved) for block in blocks if block["name"] in names]

    frames = header["frames"]
    height, width = frames["height"], frames["width"]
    smaller = side and side < max(height, width)
    if smaller:
        frames |= dict(height=round(height * side / max(height, width)), width=round(width * side / max(height, width)))
        header["crop"]["scale"] *= max(height, width) / side
    for picture in frames["pictures"]:
        blob = packed[base + picture["at"] : base + picture["at"] + picture["bytes"]]
        if smaller:
            blob = _resized(blob, (frames["width"], frames["height"]))
        picture |= dict(at=payload.add(blob), bytes=len(blob))
    header["blocks"] = copied(header["blocks"])
    for what_if in header.get("what_if", []):
        if what_if["blocks"] and what_if["name"] not in pointed:
            what_if |= dict(blocks=[], explanation=what_if["explanation"] + NO_POINTS)
        what_if["blocks"] = copied(what_if["blocks"])
        what_if["lengths"] = [what_if["lengths"][number] for number in kept]
    for flow in header.get("true_flow", []):
        cells = flow["pairs"] * flow["height"] * flow["width"]
        flow |= dict(flow=moved(flow["flow"], 4 * cells), visible=moved(flow["visible"], cells))
    if header.get("trust"):
        header["trust"]["blocks"] = [each for each in header["trust"]["blocks"] if each["name"] in names]
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return MAGIC + struct.pack("<II", len(text), 0) + text + b"".join(payload.parts)


def _resized(blob: bytes, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(blob)).resize(size, Image.LANCZOS).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _first_of_stages(blocks: list[dict]) -> list[dict]:
    return list({block["stage"]: block for block in reversed(blocks)}.values())


def _with_arrays(block: dict, moved: Callable[[int, int], int]) -> dict:
    cells = block["pairs"] * block["height"] * block["width"]
    count = cells * (len(block["taps"]) if block.get("taps") else block["kernel"] ** 2)
    return block | dict(
        offset=moved(block["offset"], 4 * count),
        attention=moved(block["attention"], count),
        saliency=moved(block["saliency"], cells),
    )
