"""A smaller copy of a packed trace, for pages that are sent or published."""

import json
import struct

from sifa.explorer.pack import MAGIC, _Payload


def lightened(packed: bytes) -> bytes:
    """A packed trace with only the first block of each stage, here and in its what-ifs; all else is as it was.

    Frames, numbers and quantisation are copied byte for byte, so that the blocks that stay show the same read-outs.
    """
    (length,) = struct.unpack_from("<I", packed, 8)
    base = 16 + length
    header, payload = json.loads(packed[16:base]), _Payload()
    names = [block["name"] for block in _first_of_stages(header["blocks"])]
    kept = [number for number, block in enumerate(header["blocks"]) if block["name"] in names]

    def moved(at: int, size: int) -> int:
        return payload.add(packed[base + at : base + at + size])

    def copied(blocks: list[dict]) -> list[dict]:
        return [_with_arrays(block, moved) for block in blocks if block["name"] in names]

    for picture in header["frames"]["pictures"]:
        picture["at"] = moved(picture["at"], picture["bytes"])
    header["blocks"] = copied(header["blocks"])
    for what_if in header.get("what_if", []):
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


def _first_of_stages(blocks: list[dict]) -> list[dict]:
    return list({block["stage"]: block for block in reversed(blocks)}.values())


def _with_arrays(block: dict, moved) -> dict:
    cells = block["pairs"] * block["height"] * block["width"]
    count = cells * (len(block["taps"]) if block.get("taps") else block["kernel"] ** 2)
    return block | dict(
        offset=moved(block["offset"], 4 * count),
        attention=moved(block["attention"], count),
        saliency=moved(block["saliency"], cells),
    )
