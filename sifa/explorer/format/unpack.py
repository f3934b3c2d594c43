"""Reading a packed trace back as a Prediction."""

import io
import json
import math
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from sifa.errors import TraceError
from sifa.explorer.format.pack import MAGIC, STEPS_PER_CELL, VERSION
from sifa.tracing.records import BlockTrace, Prediction, Trace, TrueFlow, WhatIf
from sifa.video.clip import Clip
from sifa.video.preprocess import Crop
from sifa.weights.card import ModelCard


def unpack(source: bytes | str | Path) -> Prediction:
    """A packed trace, or a file of one, back as a Prediction, with values as the viewer shows them.

    Frames are the packed pictures and the crop is relative to them. Raises TraceError for anything that is not a
    whole trace of a version known here.
    """
    data = source if isinstance(source, bytes) else _read(Path(source))
    if data[:8] != MAGIC or len(data) < 16:
        raise TraceError("this is not a SIFA trace (it does not start with SIFATRC); choose a .sifa file")
    (length,) = struct.unpack_from("<I", data, 8)
    base = 16 + length
    if base > len(data):
        raise TraceError(_cut_off(len(data)))
    try:
        header = json.loads(data[16:base])
        version = header["version"]
        if version > VERSION:
            raise TraceError(
                f"the trace has format version {version}, this program reads up to {VERSION}; update the program"
            )
        return _prediction(header, data, base)
    except TraceError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise TraceError(
            f"the trace is damaged ({type(error).__name__}: {error}); copy it again or write it anew"
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TraceError(f"{path.name} cannot be read ({error.strerror}); check the path") from error


def _cut_off(size: int) -> str:
    return f"the trace is cut off after {size} bytes; copy it again or write it anew"


def _prediction(header: dict, data: bytes, base: int) -> Prediction:
    def array(dtype: str, at: int, shape: tuple[int, ...]) -> np.ndarray:
        count = math.prod(shape)
        if base + at + count * np.dtype(dtype).itemsize > len(data):
            raise TraceError(_cut_off(len(data)))
        return np.frombuffer(data, dtype, count, base + at).reshape(shape)

    def picture(at: int, size: int) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(array("u1", at, (size,)).tobytes())).convert("RGB"))

    def block(b: dict) -> BlockTrace:
        places = np.array(b["taps"], np.float32) if "taps" in b else None
        taps = b["kernel"] ** 2 if places is None else len(places)
        pairs, height, width = b["pairs"], b["height"], b["width"]
        low, high = np.array(b["range"], np.float64).reshape(pairs, 2, 1, 1, 1).swapaxes(0, 1)
        steps = array("u1", b["attention"], (pairs, taps, height, width))
        return BlockTrace(
            name=b["name"],
            stage=b["stage"],
            block=b["block"],
            kernel=b["kernel"],
            dilation=b["dilation"],
            stride=tuple(b["stride"]),
            offset=array("<i2", b["offset"], (pairs, taps, 2, height, width)).astype(np.float32) / STEPS_PER_CELL,
            attention=(low + steps * ((high - low) / 255)).astype(np.float32),
            saliency=array("u1", b["saliency"], (pairs, height, width)) * np.float32(b["saliency_max"] / 255),
            normalised=b["normalised"],
            taps=places,
            anchored=b.get("anchored", False),
            meaning=b.get("meaning", ""),
            operator=b.get("operator", {}),
        )

    def what_if(each: dict) -> WhatIf:
        return WhatIf(
            each["name"],
            each["title"],
            each["explanation"],
            np.array(each["logits"], np.float32),
            tuple(each["lengths"]),
            Trace([block(b) for b in each["blocks"]]),
            tuple(each["order"]),
        )

    def true_flow(each: dict) -> TrueFlow:
        pairs, height, width = each["pairs"], each["height"], each["width"]
        flow = array("<i2", each["flow"], (pairs, 2, height, width)).astype(np.float32) / STEPS_PER_CELL
        return TrueFlow(flow, array("u1", each["visible"], (pairs, height, width)).astype(bool))

    clip, card = header["clip"], header["checkpoint"]
    reach = clip.get("reach", [1, 1])
    return Prediction(
        clip=Clip(
            frames=np.stack([picture(p["at"], p["bytes"]) for p in header["frames"]["pictures"]]),
            times=np.array(clip["times"]),
            indices=np.array(clip["indices"], np.int64),
            path=clip["name"],
            fps=clip["fps"],
            source_frames=clip["source_frames"],
            source_size=tuple(clip["source_size"]),
            sampling_rate=clip["sampling_rate"],
        ),
        crop=Crop(**header["crop"]),
        logits=np.array(header["logits"], np.float32),
        labels=tuple(header["labels"]),
        trace=Trace([block(b) for b in header["blocks"]]),
        card=ModelCard(
            variant=card["variant"],
            config=dict(img_size=header["crop"]["size"])
            | (dict(tubelet=sum(reach), overlap=True) if any(reach) else {}),
            labels=tuple(header["labels"]),
            trained_on=card["trained_on"],
            num_frames=len(clip["indices"]),
            sampling_rate=clip["sampling_rate"],
            metrics={} if card["top1"] is None else dict(top1=card["top1"]),
            file=card["file"],
            sha256=card["sha256"],
        ),
        what_if=tuple(what_if(each) for each in header.get("what_if", [])),
        trust=header.get("trust"),
        true_flow=tuple(true_flow(each) for each in header.get("true_flow", [])),
    )
