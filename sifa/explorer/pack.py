"""The packed trace: a small JSON header, then typed arrays and pictures. README.md in this folder is its description."""

import io
import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from sifa.prediction import Prediction
from sifa.preprocess import Crop
from sifa.trace import BlockTrace, Trace
from sifa.video import Clip
from sifa.weights import Checkpoint

MAGIC, VERSION = b"SIFATRC\n", 1
STEPS_PER_CELL = 32  # offsets are int16 in steps of 1/32 cell
FRAME_SIDE, JPEG_QUALITY = 480, 85


class TraceFormatError(ValueError):
    """Bytes that are no trace this version can read; the message says why and what to do."""


class _Payload:
    """Blobs one after another, each starting at a multiple of 8."""

    def __init__(self):
        self.parts, self.size = [], 0

    def add(self, blob: bytes) -> int:
        start = self.size
        padded = blob + bytes(-len(blob) % 8)
        self.parts.append(padded)
        self.size += len(padded)
        return start


def pack(prediction: Prediction) -> bytes:
    """A prediction with its whole trace as bytes that the viewer reads; frames at most 480 pixels long, JPEG.

    Offsets are rounded to 1/32 cell and limited to +-1023 cells, weights to 1/255 of each pair's range.
    """
    payload = _Payload()
    frames, factor = _shrink(prediction.clip.frames)
    clip, crop, checkpoint = prediction.clip, prediction.crop, prediction.checkpoint
    header = dict(
        format="sifa-trace",
        version=VERSION,
        clip=dict(
            name=Path(clip.path).name,
            indices=clip.indices.tolist(),
            times=[round(t, 4) for t in clip.times.tolist()],
            fps=clip.fps,
            source_frames=clip.source_frames,
            source_size=list(clip.source_size),
            sampling_rate=clip.sampling_rate,
            padded=clip.padded,
        ),
        crop=dict(scale=crop.scale / factor, top=crop.top, left=crop.left, size=crop.size),
        frames=dict(
            height=frames.shape[1],
            width=frames.shape[2],
            pictures=[dict(at=payload.add(blob), bytes=len(blob)) for blob in map(_jpeg, frames)],
        ),
        labels=list(prediction.labels),
        logits=[round(float(v), 5) for v in prediction.logits],
        checkpoint=dict(
            variant=checkpoint.variant,
            file=checkpoint.file,
            sha256=checkpoint.sha256,
            trained_on=checkpoint.trained_on,
            top1=checkpoint.metrics.get("top1"),
        ),
        blocks=[_pack_block(block, payload) for block in prediction.trace],
    )
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return MAGIC + struct.pack("<II", len(text), 0) + text + b"".join(payload.parts)


def _shrink(frames: np.ndarray) -> tuple[np.ndarray, float]:
    height, width = frames.shape[1:3]
    factor = min(1.0, FRAME_SIDE / max(height, width))
    if factor == 1:
        return frames, 1.0
    size = (round(width * factor), round(height * factor))
    return np.stack([np.asarray(Image.fromarray(f).resize(size, Image.LANCZOS)) for f in frames]), factor


def _jpeg(frame: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _pack_block(block: BlockTrace, payload: _Payload) -> dict:
    if not (np.isfinite(block.offset).all() and np.isfinite(block.attention).all()):
        raise ValueError(f"block {block.name} holds NaN or infinite values, which cannot be shown")
    pairs, taps, height, width = block.attention.shape
    low, high = block.attention.min((1, 2, 3)), block.attention.max((1, 2, 3))
    span = np.where(high > low, high - low, 1)[:, None, None, None]
    steps = np.rint((block.attention - low[:, None, None, None]) / span * 255).astype(np.uint8)
    offset = np.rint(block.offset * STEPS_PER_CELL).clip(-32736, 32736).astype("<i2")
    most = max(float(block.saliency.max()), 1e-12)
    return dict(
        name=block.name,
        stage=block.stage,
        block=block.block,
        kernel=block.kernel,
        dilation=block.dilation,
        stride=list(block.stride),
        normalised=block.normalised,
        pairs=pairs,
        height=height,
        width=width,
        offset=payload.add(offset.tobytes()),
        attention=payload.add(steps.tobytes()),
        range=[[float(a), float(b)] for a, b in zip(low, high)],
        saliency=payload.add(np.rint(block.saliency / most * 255).astype(np.uint8).tobytes()),
        saliency_max=most,
    )


def unpack(source: bytes | str | Path) -> Prediction:
    """A packed trace, or a file of one, back as a Prediction, with values as the viewer shows them.

    Raises TraceFormatError for anything that is not a whole trace of a version known here.
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    if data[:8] != MAGIC or len(data) < 16:
        raise TraceFormatError("this is not a SIFA trace (it does not start with SIFATRC); choose a .sifa file")
    (length, _) = struct.unpack_from("<II", data, 8)
    try:
        header = json.loads(data[16 : 16 + length])
    except ValueError:
        raise TraceFormatError("the trace's header is damaged; write the trace again") from None
    if header["version"] > VERSION:
        raise TraceFormatError(
            f"the trace has version {header['version']}, this program reads up to {VERSION}; update the program"
        )
    base = 16 + length

    def array(dtype: str, at: int, shape: tuple[int, ...]) -> np.ndarray:
        count = int(np.prod(shape))
        if base + at + count * np.dtype(dtype).itemsize > len(data):
            raise TraceFormatError("the trace is cut off; copy or write it again")
        return np.frombuffer(data, dtype, count, base + at).reshape(shape)

    def picture(at: int, size: int) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(array("u1", at, (size,)).tobytes())).convert("RGB"))

    def block(b: dict) -> BlockTrace:
        pairs, taps, height, width = b["pairs"], b["kernel"] ** 2, b["height"], b["width"]
        ranges = np.array(b["range"], np.float32)
        low, span = ranges[:, 0], ranges[:, 1] - ranges[:, 0]
        steps = array("u1", b["attention"], (pairs, taps, height, width))
        return BlockTrace(
            name=b["name"],
            stage=b["stage"],
            block=b["block"],
            kernel=b["kernel"],
            dilation=b["dilation"],
            stride=tuple(b["stride"]),
            offset=array("<i2", b["offset"], (pairs, taps, 2, height, width)).astype(np.float32) / STEPS_PER_CELL,
            attention=low[:, None, None, None] + steps * (span / 255)[:, None, None, None],
            saliency=array("u1", b["saliency"], (pairs, height, width)) * np.float32(b["saliency_max"] / 255),
            normalised=b["normalised"],
        )

    clip, card = header["clip"], header["checkpoint"]
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
        checkpoint=Checkpoint(
            variant=card["variant"],
            config=dict(img_size=header["crop"]["size"]),
            labels=tuple(header["labels"]),
            trained_on=card["trained_on"],
            num_frames=len(clip["indices"]),
            sampling_rate=clip["sampling_rate"],
            metrics={} if card["top1"] is None else dict(top1=card["top1"]),
            file=card["file"],
            sha256=card["sha256"],
        ),
    )
