"""The packed trace: a small JSON header, then typed arrays and pictures. README.md in this folder describes it."""

import io
import json
import math
import struct
import warnings
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
OFFSET_LIMIT = 32767  # steps
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

    Offsets are rounded to 1/32 cell, weights to within 1/255 of their pair's range. Offsets beyond +-1023.97 cells are
    limited to that, with a warning and a count in the header. Raises ValueError where a number is not finite.
    """
    payload = _Payload()
    frames, factor = _shrink(prediction.clip.frames)
    clip, crop, checkpoint = prediction.clip, prediction.crop, prediction.checkpoint
    if not np.isfinite(prediction.logits).all():
        raise ValueError("the logits hold NaN or infinite values, so there is no prediction to show; check the weights")
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
            file=Path(checkpoint.file).name,
            sha256=checkpoint.sha256,
            trained_on=checkpoint.trained_on,
            top1=checkpoint.metrics.get("top1"),
        ),
        blocks=[_pack_block(block, payload) for block in prediction.trace],
    )
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
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
    if not all(np.isfinite(values).all() for values in (block.offset, block.attention, block.saliency)):
        raise ValueError(f"block {block.name} holds NaN or infinite values, which cannot be shown; check the weights")
    pairs, _, height, width = block.attention.shape
    steps, ranges = _quantised(block.attention)
    offset = np.rint(block.offset * STEPS_PER_CELL)
    limited = int((np.abs(offset) > OFFSET_LIMIT).sum())
    if limited:
        warnings.warn(
            f"block {block.name}: {limited} offsets are larger than {OFFSET_LIMIT / STEPS_PER_CELL:.0f} cells and are "
            "packed as that; the weights have probably diverged",
            stacklevel=3,
        )
    most = max(float(block.saliency.max(initial=0)), 1e-12)
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
        offset=payload.add(offset.clip(-OFFSET_LIMIT, OFFSET_LIMIT).astype("<i2").tobytes()),
        limited=limited,
        attention=payload.add(steps.tobytes()),
        range=ranges,
        saliency=payload.add(np.rint(block.saliency / most * 255).astype(np.uint8).tobytes()),
        saliency_max=most,
    )


def _quantised(attention: np.ndarray) -> tuple[np.ndarray, list[list[float]]]:
    """Weights (P, N, H, W) in 255 steps over each pair's range: uint8, and [least, greatest] per pair.

    Where weights have both signs the range is widened by less than 1/254 so that 0 is a step of its own: a point
    outside the frame then reads as 0, not nearly 0.
    """
    steps, ranges = np.empty(attention.shape, np.uint8), []
    for pair, weights in enumerate(attention.astype(np.float64)):
        low, high = weights.min(), weights.max()
        step = (high - low) / 255
        if low < 0 < high:
            step = (high - low) / 254
            zero = np.ceil(-low / step)
            low, high = -zero * step, (255 - zero) * step
        steps[pair] = np.rint((weights - low) / (step or 1))
        ranges.append([float(low), float(high)])
    return steps, ranges


def unpack(source: bytes | str | Path) -> Prediction:
    """A packed trace, or a file of one, back as a Prediction, with values as the viewer shows them.

    Frames are the packed pictures and the crop is relative to them. Raises TraceFormatError for anything that is not a
    whole trace of a version known here.
    """
    data = source if isinstance(source, bytes) else _read(Path(source))
    if data[:8] != MAGIC or len(data) < 16:
        raise TraceFormatError("this is not a SIFA trace (it does not start with SIFATRC); choose a .sifa file")
    (length,) = struct.unpack_from("<I", data, 8)
    base = 16 + length
    if base > len(data):
        raise TraceFormatError(_cut_off(len(data)))
    try:
        header = json.loads(data[16:base])
        version = header["version"]
        if version > VERSION:
            raise TraceFormatError(
                f"the trace has format version {version}, this program reads up to {VERSION}; update the program"
            )
        return _prediction(header, data, base)
    except TraceFormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise TraceFormatError(
            f"the trace is damaged ({type(error).__name__}: {error}); copy it again or write it anew"
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TraceFormatError(f"{path.name} cannot be read ({error.strerror}); check the path") from error


def _cut_off(size: int) -> str:
    return f"the trace is cut off after {size} bytes; copy it again or write it anew"


def _prediction(header: dict, data: bytes, base: int) -> Prediction:
    def array(dtype: str, at: int, shape: tuple[int, ...]) -> np.ndarray:
        count = math.prod(shape)
        if base + at + count * np.dtype(dtype).itemsize > len(data):
            raise TraceFormatError(_cut_off(len(data)))
        return np.frombuffer(data, dtype, count, base + at).reshape(shape)

    def picture(at: int, size: int) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(array("u1", at, (size,)).tobytes())).convert("RGB"))

    def block(b: dict) -> BlockTrace:
        pairs, taps, height, width = b["pairs"], b["kernel"] ** 2, b["height"], b["width"]
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
