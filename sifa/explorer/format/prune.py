"""Packed traces as single-file pages carry them: deflated, and with less in them where a page would be too large."""

import math
import zlib
from collections.abc import Collection

from PIL import Image

from sifa.explorer.format.container import Container, Header, Payload, parse, refuse_damage, write
from sifa.explorer.format.pictures import decode, encode
from sifa.explorer.format.values import as_number, as_size, as_whole, check_memory, neighbours_of, shape_of

MOST, MOST_LIGHT = 7_350_000, 2_100_000  # bytes once deflated: pages of 10 and 3 MB with base64 and the viewer's script
SIDES, QUALITY = (400, 320, 240, 160), 60  # of a light page's JPEGs, where they must be smaller: pixels, tried in turn
NO_POINTS = " Its points are left out of this page, to keep it small."


def deflate(packed: bytes) -> bytes:
    """A packed trace as zlib data; level 1, since the others take three times as long and gain 2 %."""
    return zlib.compress(packed, 1)


def fit(packed: bytes, most: int = MOST) -> bytes:
    """A packed trace of at most `most` bytes once deflated, if leaving out points of what-ifs can do that, the last ones first;
    by default those of a page of 10 MB.

    Their answers and lengths stay, and each says in its explanation what is missing. Blocks and frames are copied byte
    for byte. Raises TraceError like `unpack`, as far as it reads.
    """
    with refuse_damage():
        header = _checked(packed)
        names = [block["name"] for block in header["blocks"]]
        points_of = [each["name"] for each in header.get("what_if", []) if each["blocks"]]
        result = packed
        while len(deflate(result)) > most and points_of:
            points_of.pop()
            result = _copy(packed, names, points_of)
        return result


def lighten(packed: bytes, most: int = MOST_LIGHT) -> bytes:
    """A packed trace with only one block of each stage and the answers, but no points, of its what-ifs.

    Numbers are copied byte for byte, so that the blocks that stay show the same read-outs; frames too, unless the page
    would be larger than 3 MB, `most` bytes once deflated: then they become smaller, down to 160 pixels. Raises TraceError
    like `unpack`, as far as it reads.
    """
    with refuse_damage():
        names = _first_of_stages(_checked(packed))
        result = _copy(packed, names, ())
        for side in SIDES:
            if len(deflate(result)) <= most:
                break
            result = _copy(packed, names, (), side)
        return result


def _checked(packed: bytes) -> Header:
    header = parse(packed).header
    check_memory(header)
    return header


def _first_of_stages(header: Header) -> list[str]:
    """Names of the first block of each stage; of the stage that the page opens on, the block that it opens on."""
    blocks = header["blocks"]
    order = [*reversed(blocks), *blocks[as_whole(header.get("opens_on", 0)) :][:1]]
    return [block["name"] for block in {block["stage"]: block for block in order}.values()]


def _copy(packed: bytes, names: Collection[str], points_of: Collection[str], side: int | None = None) -> bytes:
    """A packed trace with the named blocks, the points of the named what-ifs, and frames at most `side` pixels long."""
    source, payload = parse(packed), Payload()
    header = source.header
    places = [number for number, block in enumerate(header["blocks"]) if block["name"] in names]
    if "opens_on" in header:
        header["opens_on"] = places.index(as_whole(header["opens_on"]))
    _copy_frames(source, payload, side)
    header["blocks"] = _copy_blocks(header["blocks"], names, source, payload)
    for what_if in header.get("what_if", []):
        if what_if["blocks"] and what_if["name"] not in points_of:
            what_if |= dict(blocks=[], explanation=what_if["explanation"] + NO_POINTS)
        what_if["blocks"] = _copy_blocks(what_if["blocks"], names, source, payload)
        what_if["lengths"] = [length for number, length in enumerate(what_if["lengths"]) if number in places]
    for flow in header.get("true_flow", []):
        cells = math.prod(shape_of(flow))
        flow |= _copy_arrays(flow, dict(flow=4 * cells, visible=cells), source, payload)
    if header.get("trust"):
        header["trust"]["blocks"] = [each for each in header["trust"]["blocks"] if each["name"] in names]
    return write(header, payload)


def _copy_frames(source: Container, payload: Payload, side: int | None) -> None:
    """Copy the pictures, at most `side` pixels long; sizes and crop in the header follow."""
    frames = source.header["frames"]
    height, width = as_size(frames["height"]), as_size(frames["width"])
    longest = max(height, width)
    smaller = side is not None and side < longest
    if side is not None and smaller:
        frames |= dict(height=round(height * side / longest), width=round(width * side / longest))
        source.header["crop"]["scale"] = as_number(source.header["crop"]["scale"]) * longest / side
    size = frames["width"], frames["height"]
    for picture in frames["pictures"]:
        blob = source.cut(picture["at"], picture["bytes"])
        if smaller:
            blob = encode(decode(blob, height, width).resize(size, Image.Resampling.LANCZOS), QUALITY)
        picture |= dict(at=payload.add(blob), bytes=len(blob))


def _copy_blocks(blocks: list[Header], names: Collection[str], source: Container, payload: Payload) -> list[Header]:
    copies = []
    for block in blocks:
        if block["name"] in names:
            cells = math.prod(shape_of(block))
            count = cells * neighbours_of(block)
            sizes = dict(offset=4 * count, attention=count, saliency=cells)
            copies.append(block | _copy_arrays(block, sizes, source, payload))
    return copies


def _copy_arrays(holder: Header, sizes: dict[str, int], source: Container, payload: Payload) -> dict[str, int]:
    """Copy arrays of so many bytes, found under those keys of their holder; where each starts in the new payload."""
    return {key: payload.add(source.cut(holder[key], size)) for key, size in sizes.items()}
