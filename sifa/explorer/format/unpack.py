"""Reading a packed trace back as a Prediction."""

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sifa.errors import TraceError
from sifa.explorer.format.container import STEPS_PER_CELL, Container, Header, damage, parse, refuse_damage
from sifa.explorer.format.pictures import decode
from sifa.tracing.records import BlockTrace, BlockTrust, Deletion, Prediction, Trace, TrueFlow, Trust, WhatIf
from sifa.video.clip import Clip
from sifa.video.preprocess import Crop
from sifa.weights.card import ModelCard

# bytes of arrays and pictures, so that a small file that names one array often cannot fill a machine
MOST_MEMORY = 1 << 30
LARGEST = float(np.finfo(np.float32).max)
T = TypeVar("T")


def unpack(source: bytes | str | Path) -> Prediction:
    """A packed trace, or a file of one, back as a Prediction, with values as the viewer shows them.

    Frames are the packed pictures and the crop is relative to them. Raises TraceError for anything that is not a
    whole trace of a version known here, and for one that would take more than 1 GB of memory.
    """
    packed = parse(source if isinstance(source, bytes) else _read(Path(source)))
    with refuse_damage():
        if _memory(packed.header) > MOST_MEMORY:
            raise TraceError(
                f"the trace would take more than {MOST_MEMORY >> 20} MB of memory, which is the limit; pack fewer frames, "
                "blocks or what-ifs"
            )
        return _Reader(packed).prediction()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TraceError(f"{path.name} cannot be read ({error.strerror}); check the path") from error


def _memory(header: Header) -> int:
    """Bytes of all pictures and arrays once they are read, each counted as often as it is named."""
    frames, what_ifs = header["frames"], header.get("what_if", [])
    blocks = [*header["blocks"], *(block for each in what_ifs for block in each["blocks"])]
    values = sum(math.prod(_shape(block)) * (3 * _neighbours(block) + 1) for block in blocks)
    values += sum(2 * math.prod(_shape(flow)) for flow in header.get("true_flow", []))
    return 4 * values + 3 * len(frames["pictures"]) * _size(frames["height"]) * _size(frames["width"])


def _shape(grid: Header) -> tuple[int, int, int]:
    """(P, H, W) of a block or a flow."""
    return _size(grid["pairs"]), _size(grid["height"]), _size(grid["width"])


def _neighbours(block: Header) -> int:
    return len(block["taps"]) if "taps" in block else _size(block["kernel"]) ** 2


class _Reader:
    """Records from the header's objects, which are checked, and the payload's arrays."""

    def __init__(self, packed: Container) -> None:
        self.packed = packed

    def prediction(self) -> Prediction:
        header = self.packed.header
        labels = _each(_text, header["labels"])
        return Prediction(
            clip=self.clip(header["clip"], header["frames"]),
            crop=_crop(header["crop"]),
            logits=_logits(header["logits"], labels),
            labels=labels,
            trace=Trace([self.block(each) for each in header["blocks"]]),
            card=_card(header, labels),
            what_if=tuple(self.what_if(each, labels) for each in header.get("what_if", [])),
            trust=_trust(header["trust"]) if header.get("trust") else None,
            true_flow=tuple(self.true_flow(each) for each in header.get("true_flow", [])),
        )

    def clip(self, clip: Header, frames: Header) -> Clip:
        height, width = _size(frames["height"]), _size(frames["width"])
        jpegs = [self.packed.cut(each["at"], each["bytes"]) for each in frames["pictures"]]
        height_before, width_before = _each(_whole, clip["source_size"])
        pictures = np.stack([np.asarray(decode(jpeg, height, width)) for jpeg in jpegs])
        times, indices = _each(_number, clip["times"]), _each(_whole, clip["indices"])
        if not len(pictures) == len(times) == len(indices):
            raise damage(f"{len(pictures)} pictures, {len(times)} times and {len(indices)} frame numbers")
        return Clip(
            frames=pictures,
            times=np.array(times, np.float64),
            indices=np.array(indices, np.int64),
            path=_text(clip["name"]),
            fps=_number(clip["fps"]),
            source_frames=_whole(clip["source_frames"]),
            source_size=(height_before, width_before),
            sampling_rate=_whole(clip["sampling_rate"]),
            padded=_whole(clip.get("padded", 0)),
        )

    def block(self, block: Header) -> BlockTrace:
        taps = np.array([_each(_number, tap) for tap in block["taps"]], np.float32) if "taps" in block else None
        neighbours = _neighbours(block)
        if taps is not None and taps.shape != (neighbours, 2):
            raise damage(f"taps of shape {taps.shape} instead of (N, 2)")
        pairs, height, width = _shape(block)
        ends = np.array([_each(_number, both) for both in block["range"]], np.float64)
        low, high = ends.reshape(pairs, 2, 1, 1, 1).swapaxes(0, 1)
        steps = self.array("u1", block["attention"], (pairs, neighbours, height, width))
        t, y, x = _each(_number, block["stride"])
        offset = self.array("<i2", block["offset"], (pairs, neighbours, 2, height, width))
        most = np.float32(_number(block["saliency_max"]) / 255)
        return BlockTrace(
            name=_text(block["name"]),
            stage=_whole(block["stage"]),
            block=_whole(block["block"]),
            kernel=_size(block["kernel"]),
            dilation=_size(block["dilation"]),
            stride=(t, y, x),
            offset=offset.astype(np.float32) / STEPS_PER_CELL,
            attention=(low + steps * ((high - low) / 255)).astype(np.float32),
            saliency=self.array("u1", block["saliency"], (pairs, height, width)) * most,
            normalised=bool(block["normalised"]),
            taps=taps,
            anchored=bool(block.get("anchored", False)),
            meaning=_text(block.get("meaning", "")),
            operator={_text(name): _text(value) for name, value in block.get("operator", {}).items()},
        )

    def what_if(self, each: Header, labels: tuple[str, ...]) -> WhatIf:
        return WhatIf(
            name=_text(each["name"]),
            title=_text(each["title"]),
            explanation=_text(each["explanation"]),
            logits=_logits(each["logits"], labels),
            lengths=_each(_number, each["lengths"]),
            trace=Trace([self.block(block) for block in each["blocks"]]),
            order=_each(_whole, each["order"]),
        )

    def true_flow(self, each: Header) -> TrueFlow:
        pairs, height, width = _shape(each)
        flow = self.array("<i2", each["flow"], (pairs, 2, height, width)).astype(np.float32) / STEPS_PER_CELL
        return TrueFlow(flow, self.array("u1", each["visible"], (pairs, height, width)).astype(bool))

    def array(self, dtype: str, at: int, shape: tuple[int, ...]) -> np.ndarray:
        count = math.prod(shape)
        blob = self.packed.cut(_whole(at), count * np.dtype(dtype).itemsize)
        return np.frombuffer(blob, dtype).reshape(shape)


def _crop(crop: Header) -> Crop:
    scale, top, left = (_number(crop[name]) for name in ("scale", "top", "left"))
    if scale <= 0:
        raise damage(f"a scale of {scale}")
    return Crop(scale, top, left, _size(crop["size"]))


def _card(header: Header, labels: tuple[str, ...]) -> ModelCard:
    clip, card = header["clip"], header["checkpoint"]
    before, after = _each(_whole, clip.get("reach", [1, 1]))
    stem = dict(tubelet=before + after, overlap=True) if before or after else {}
    return ModelCard(
        variant=_text(card["variant"]),
        config=dict(img_size=header["crop"]["size"]) | stem,
        labels=labels,
        trained_on=_text(card["trained_on"]),
        num_frames=len(clip["indices"]),
        sampling_rate=clip["sampling_rate"],
        metrics={} if card["top1"] is None else dict(top1=_number(card["top1"])),
        file=_text(card["file"]),
        sha256=_text(card["sha256"]),
    )


def _trust(trust: Header) -> Trust:
    blocks = tuple(BlockTrust(**_figures(BlockTrust, each)) for each in trust["blocks"])
    return Trust(blocks, Deletion(**_figures(Deletion, trust["deletion"])) if trust["deletion"] else None)


def _figures(record: type[BlockTrust] | type[Deletion], values: Header) -> Header:
    """The values of a record's fields: texts, numbers or None, and tuples of them."""
    found = {field.name: values[field.name] for field in fields(record)}
    return {name: _each(_figure, value) if isinstance(value, list) else _figure(value) for name, value in found.items()}


def _figure(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else _number(value)


def _logits(values: Any, labels: tuple[str, ...]) -> np.ndarray:
    logits = np.array(_each(_number, values), np.float32)
    if len(logits) != len(labels):
        raise damage(f"{len(logits)} logits for {len(labels)} labels")
    return logits


def _each(check: Callable[[Any], T], values: Any) -> tuple[T, ...]:
    if not isinstance(values, list):
        raise damage(f"{values!r:.40} instead of a list")
    return tuple(check(value) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise damage(f"{value!r:.40} instead of a text")
    return value


def _number(value: Any) -> Any:
    if type(value) not in (int, float) or not abs(value) <= LARGEST:
        raise damage(f"{value!r:.40} instead of a number")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
        raise damage(f"{value!r:.40} instead of a whole number from 0 on")
    return value


def _size(value: Any) -> int:
    size = _whole(value)
    if size == 0:
        raise damage("a size of 0")
    return size
