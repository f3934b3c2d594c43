"""Writing a prediction as a packed trace. The README of the explorer describes what the header holds."""

import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from sifa.explorer.format.container import STEPS_PER_CELL, VERSION, Header, Payload, write
from sifa.explorer.format.pictures import encode
from sifa.tracing.given import check_prediction
from sifa.tracing.records import BlockTrace, Prediction, TrueFlow, WhatIf

OFFSET_LIMIT = 32767  # steps
FRAME_SIDE, JPEG_QUALITY = 480, 85


def pack(prediction: Prediction) -> bytes:
    """A prediction with its whole trace as bytes that the viewer reads; frames at most 480 pixels long, JPEG.

    What-ifs, figures of trust and true flow go with it where the prediction has them; of a what-if with other frames the
    answer is kept and the blocks are not, since its points belong to other pictures.
    Offsets are rounded to 1/32 cell, weights to within 1/255 of their pair's range. Offsets beyond +-1023.97 cells are
    limited to that, with a warning and a count in the header. Raises ValueError where a number is not finite.
    """
    check_prediction(prediction)
    payload = Payload()
    frames, factor = _shrink(prediction.clip.frames)
    clip, crop, card = prediction.clip, prediction.crop, prediction.card
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
            reach=list(card.reach),
        )
        | (dict(cut=asdict(clip.cut)) if clip.cut else {}),
        crop=dict(scale=crop.scale / factor, top=crop.top, left=crop.left, size=crop.size),
        frames=dict(
            height=frames.shape[1],
            width=frames.shape[2],
            pictures=[_pack_picture(frame, payload) for frame in frames],
        ),
        labels=list(prediction.labels),
        logits=_logits(prediction.logits),
        checkpoint=dict(
            variant=card.variant,
            file=Path(card.file).name,
            sha256=card.sha256,
            trained_on=card.trained_on,
            top1=card.metrics.get("top1"),
        ),
        blocks=[_pack_block(block, payload) for block in prediction.trace],
    )
    if prediction.best_block:
        header["opens_on"] = prediction.best_block
    if prediction.card.groups:
        header["groups"] = [asdict(group) for group in prediction.card.groups]
        header["answers"] = [asdict(answer) for answer in prediction.answers()]
    if prediction.withheld:
        header["withheld"] = prediction.withheld
    if prediction.what_if:
        header["what_if"] = [_pack_what_if(each, prediction, payload) for each in prediction.what_if]
    if prediction.trust:
        header["trust"] = asdict(prediction.trust)
    if prediction.true_flow:
        header["true_flow"] = [_pack_flow(each, payload) for each in prediction.true_flow]
    return write(header, payload)


def _shrink(frames: np.ndarray) -> tuple[np.ndarray, float]:
    height, width = frames.shape[1:3]
    factor = min(1.0, FRAME_SIDE / max(height, width))
    if factor == 1:
        return frames, 1.0
    size = (round(width * factor), round(height * factor))
    return np.stack([np.asarray(Image.fromarray(f).resize(size, Image.Resampling.LANCZOS)) for f in frames]), factor


def _pack_picture(frame: np.ndarray, payload: Payload) -> Header:
    jpeg = encode(Image.fromarray(frame), JPEG_QUALITY)
    return dict(at=payload.add(jpeg), bytes=len(jpeg))


def _logits(logits: np.ndarray) -> list[float]:
    if not np.isfinite(logits).all():
        raise ValueError("the logits hold NaN or infinite values, so there is no prediction to show; check the weights")
    return [round(float(v), 5) for v in logits]


def _pack_what_if(what_if: WhatIf, prediction: Prediction, payload: Payload) -> Header:
    said = prediction.answers_of(what_if.logits) if prediction.card.groups else ()
    optional = dict(answers=[asdict(answer) for answer in said]) if said else {}
    return optional | dict(
        name=what_if.name,
        title=what_if.title,
        explanation=what_if.explanation,
        order=list(what_if.order),
        logits=_logits(what_if.logits),
        lengths=[round(v, 4) for v in what_if.lengths],
        blocks=[] if what_if.order else [_pack_block(block, payload) for block in what_if.trace],
    )


def _pack_flow(true: TrueFlow, payload: Payload) -> Header:
    pairs, _, height, width = true.flow.shape
    steps = np.rint(true.flow * STEPS_PER_CELL).clip(-OFFSET_LIMIT, OFFSET_LIMIT)
    return dict(
        pairs=pairs,
        height=height,
        width=width,
        flow=payload.add(steps.astype("<i2").tobytes()),
        visible=payload.add(true.visible.astype(np.uint8).tobytes()),
    )


def _pack_block(block: BlockTrace, payload: Payload) -> Header:
    if not all(np.isfinite(values).all() for values in (block.offset, block.attention, block.saliency)):
        raise ValueError(f"block {block.name} holds NaN or infinite values, which cannot be shown; check the weights")
    pairs, _, height, width = block.attention.shape
    steps, ranges = _quantise(block.attention)
    offset = np.rint(block.offset * STEPS_PER_CELL)
    limited = int((np.abs(offset) > OFFSET_LIMIT).sum())
    if limited:
        warnings.warn(
            f"block {block.name}: {limited} offsets are larger than {OFFSET_LIMIT / STEPS_PER_CELL:.0f} cells and are "
            "packed as that; the weights have probably diverged",
            stacklevel=3,
        )
    most = max(float(block.saliency.max(initial=0)), 1e-12)
    optional = {} if block.taps is None else dict(taps=block.taps.tolist(), anchored=block.anchored)
    if block.meaning:
        optional |= dict(meaning=block.meaning)
    if block.operator:
        optional |= dict(operator=block.operator)
    return optional | dict(
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


def _quantise(attention: np.ndarray) -> tuple[np.ndarray, list[list[float]]]:
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
