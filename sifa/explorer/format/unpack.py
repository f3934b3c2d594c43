"""Reading a packed trace back as a Prediction."""

import math
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import numpy as np

from sifa.errors import TraceError
from sifa.explorer.format.container import STEPS_PER_CELL, Container, Header, damage, parse, refuse_damage
from sifa.explorer.format.pictures import decode
from sifa.explorer.format.values import (
    SCALES,
    WIDEST,
    as_list,
    as_number,
    as_size,
    as_stride,
    as_text,
    as_whole,
    check_memory,
    neighbours_of,
    shape_of,
)  # fmt: skip
from sifa.tracing.records import BlockTrace, BlockTrust, Deletion, Prediction, Trace, TrueFlow, Trust, WhatIf
from sifa.video.clip import Clip
from sifa.video.cuts import Cut, Kind
from sifa.video.preprocess import Crop
from sifa.weights.card import ModelCard
from sifa.weights.groups import Group, check_answers, read_groups


def unpack(source: bytes | str | Path) -> Prediction:
    """A packed trace, or a file of one, back as a Prediction, with values as the viewer shows them.

    Frames are the packed pictures and the crop is relative to them. Raises TraceError for anything that is not a
    whole trace of a version known here, and for one that would take more than 1 GB of memory.
    """
    packed = parse(source if isinstance(source, bytes) else read_file(Path(source)))
    with refuse_damage():
        check_memory(packed.header)
        return _Reader(packed).prediction()


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises TraceError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise TraceError(f"{path.name} cannot be read ({error.strerror}); check the path") from error


class _Reader:
    """Records from the header's objects, which are checked, and the payload's arrays."""

    def __init__(self, packed: Container) -> None:
        self.packed = packed

    def prediction(self) -> Prediction:
        header = self.packed.header
        _check_counts(header)
        labels = as_list(as_text, header["labels"])
        card = _card(header, labels)
        return Prediction(
            clip=self.clip(header["clip"], header["frames"]),
            crop=_crop(header["crop"]),
            logits=_logits(header["logits"], labels),
            labels=labels,
            trace=Trace([self.block(each) for each in header["blocks"]]),
            card=card,
            withheld=as_text(header.get("withheld", "")),
            what_if=tuple(self.what_if(each, labels, card.groups) for each in header.get("what_if", [])),
            trust=_trust(header["trust"]) if header.get("trust") else None,
            true_flow=tuple(self.true_flow(each) for each in header.get("true_flow", [])),
            best_block=_opening(header),
        )

    def clip(self, clip: Header, frames: Header) -> Clip:
        height, width = as_size(frames["height"]), as_size(frames["width"])
        jpegs = [self.packed.cut(each["at"], each["bytes"]) for each in frames["pictures"]]
        height_before, width_before = as_list(as_whole, clip["source_size"])
        decoded = {jpeg: np.asarray(decode(jpeg, height, width)) for jpeg in set(jpegs)}  # each of them once
        pictures = np.stack([decoded[jpeg] for jpeg in jpegs])
        times, indices = as_list(as_number, clip["times"]), as_list(as_whole, clip["indices"])
        if not len(pictures) == len(times) == len(indices):
            raise damage(f"{len(pictures)} pictures, {len(times)} times and {len(indices)} frame numbers")
        return Clip(
            frames=pictures,
            times=np.array(times, np.float64),
            indices=np.array(indices, np.int64),
            path=as_text(clip["name"]),
            fps=as_number(clip["fps"]),
            source_frames=as_whole(clip["source_frames"]),
            source_size=(height_before, width_before),
            sampling_rate=as_whole(clip["sampling_rate"]),
            padded=as_whole(clip.get("padded", 0)),
            cut=_cut(clip["cut"]) if clip.get("cut") else None,
        )

    def block(self, block: Header) -> BlockTrace:
        taps = np.array([as_list(as_number, tap) for tap in block["taps"]], np.float32) if "taps" in block else None
        neighbours = neighbours_of(block)
        if taps is not None and taps.shape != (neighbours, 2):
            raise damage(f"taps of shape {taps.shape} instead of (N, 2)")
        pairs, height, width = shape_of(block)
        ends = np.array([as_list(as_number, both) for both in block["range"]], np.float64)
        low, high = ends.reshape(pairs, 2, 1, 1, 1).swapaxes(0, 1)
        steps = self.array("u1", block["attention"], (pairs, neighbours, height, width))
        stride = as_stride(block["stride"], pairs, len(self.packed.header["frames"]["pictures"]))
        offset = self.array("<i2", block["offset"], (pairs, neighbours, 2, height, width))
        most = np.float32(as_number(block["saliency_max"]) / 255)
        return BlockTrace(
            name=as_text(block["name"]),
            stage=as_whole(block["stage"]),
            block=as_whole(block["block"]),
            kernel=as_size(block["kernel"], WIDEST),
            dilation=as_size(block["dilation"], WIDEST),
            stride=stride,
            offset=offset.astype(np.float32) / STEPS_PER_CELL,
            attention=(low + steps * ((high - low) / 255)).astype(np.float32),
            saliency=self.array("u1", block["saliency"], (pairs, height, width)) * most,
            normalised=bool(block["normalised"]),
            taps=taps,
            anchored=bool(block.get("anchored", False)),
            meaning=as_text(block.get("meaning", "")),
            operator={as_text(name): as_text(value) for name, value in block.get("operator", {}).items()},
        )

    def what_if(self, each: Header, labels: tuple[str, ...], groups: tuple[Group, ...]) -> WhatIf:
        return WhatIf(
            name=as_text(each["name"]),
            title=as_text(each["title"]),
            explanation=as_text(each["explanation"]),
            logits=_logits(each["logits"], labels),
            lengths=as_list(as_number, each["lengths"]),
            trace=Trace([self.block(block) for block in each["blocks"]]),
            order=as_list(as_whole, each["order"]),
            groups=groups,
        )

    def true_flow(self, each: Header) -> TrueFlow:
        pairs, height, width = shape_of(each)
        flow = self.array("<i2", each["flow"], (pairs, 2, height, width)).astype(np.float32) / STEPS_PER_CELL
        return TrueFlow(flow, self.array("u1", each["visible"], (pairs, height, width)).astype(bool))

    def array(self, dtype: str, at: int, shape: tuple[int, ...]) -> np.ndarray:
        count = math.prod(shape)
        blob = self.packed.cut(as_whole(at), count * np.dtype(dtype).itemsize)
        return np.frombuffer(blob, dtype).reshape(shape)


def _check_counts(header: Header) -> None:
    """Figures of trust go by the blocks of the trace, one for one; what-ifs may be of weights with other blocks."""
    trust, blocks = header.get("trust"), len(header["blocks"])
    if trust and trust["blocks"] and len(trust["blocks"]) != blocks:
        raise damage(f"figures of trust for other blocks than the {blocks} that there are")


def _opening(header: Header) -> int:
    number = as_whole(header.get("opens_on", 0))
    if number >= max(1, len(header["blocks"])):
        raise damage(f"it opens on block {number} of {len(header['blocks'])}")
    return number


def _cut(cut: Header) -> Cut:
    if cut["kind"] not in get_args(Kind):
        raise damage(f"a cut of kind {cut['kind']!r:.40}")
    return Cut(as_whole(cut["frame"]), as_number(cut["time"]), cut["kind"])


def _crop(crop: Header) -> Crop:
    scale, top, left = (as_number(crop[name]) for name in ("scale", "top", "left"))
    if not SCALES[0] <= scale <= SCALES[1]:
        raise damage(f"a scale of {scale}")
    return Crop(scale, top, left, as_size(crop["size"]))


def _card(header: Header, labels: tuple[str, ...]) -> ModelCard:
    clip, card = header["clip"], header["checkpoint"]
    before, after = as_list(as_whole, clip.get("reach", [1, 1]))
    stem = dict(tubelet=before + after, overlap=True) if before or after else {}
    return ModelCard(
        variant=as_text(card["variant"]),
        config=dict(img_size=header["crop"]["size"]) | stem,
        labels=labels,
        groups=_groups(header, labels),
        trained_on=as_text(card["trained_on"]),
        num_frames=len(clip["indices"]),
        sampling_rate=clip["sampling_rate"],
        metrics={} if card["top1"] is None else dict(top1=as_number(card["top1"])),
        file=as_text(card["file"]),
        sha256=as_text(card["sha256"]),
    )


def _groups(header: Header, labels: tuple[str, ...]) -> tuple[Group, ...]:
    try:
        groups = read_groups(header.get("groups", []), len(labels))
        for each in (header, *header.get("what_if", [])):
            check_answers(each.get("answers", []), labels, groups)
        return groups
    except ValueError as error:
        raise damage(str(error)) from None


def _trust(trust: Header) -> Trust:
    blocks = tuple(BlockTrust(**_figures(BlockTrust, each)) for each in trust["blocks"])
    return Trust(blocks, Deletion(**_figures(Deletion, trust["deletion"])) if trust["deletion"] else None)


def _figures(record: type[BlockTrust] | type[Deletion], values: Header) -> Header:
    """The values of a record's fields: texts, numbers or None, and tuples of them."""
    found = {field.name: values[field.name] for field in fields(record)}
    return {
        name: as_list(_figure, value) if isinstance(value, list) else _figure(value) for name, value in found.items()
    }


def _figure(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else as_number(value)


def _logits(values: Any, labels: tuple[str, ...]) -> np.ndarray:
    logits = np.array(as_list(as_number, values), np.float32)
    if len(logits) != len(labels):
        raise damage(f"{len(logits)} logits for {len(labels)} labels")
    return logits
