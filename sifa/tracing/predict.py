"""The one call that the app, the notebooks and the command line make: `predict(model, clip) -> Prediction`."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sifa.model.attention import SIFA
from sifa.model.run import run_or_cpu
from sifa.model.steps import MeanOverSteps
from sifa.tracing.given import check_clip, check_model
from sifa.tracing.hooks import listen, record
from sifa.tracing.records import Prediction, Progress, Trace, best_block
from sifa.video.clip import Clip, is_enough
from sifa.video.preprocess import preprocess
from sifa.weights.card import VideoModel, card_of

RAN_ON_CPU = "The graphics card had no memory left for this clip, so it was run on the CPU."


@torch.inference_mode()
def predict(model: VideoModel, clip: Clip, progress: Progress | None = None, amp: bool = False) -> Prediction:
    """Run the model once on a clip and record every SIFA block; the trace of a model that has none is empty.

    `model` comes from `sifa.load` or `sifa.create_model`, and is put into evaluation mode. With `amp`, convolutions and
    products run in bfloat16, and the operator itself does not. `progress` is called as each block finishes.
    `step_logits` are there for the SIFA-Transformer; the SIFA-Net pools over time before its heads, and has none. Raises
    ValueError where the clip has another number of frames than the model reads, TypeError where one of them is neither.
    """
    check_model(model)
    check_clip(clip)
    card = card_of(model)
    if len(clip.frames) != card.num_frames:
        raise ValueError(
            f"the clip has {len(clip.frames)} frames, but {card.variant} reads {card.num_frames}; "
            f"call read_clip(path, num_frames={card.num_frames})"
        )
    if model.training:
        model.eval()
    video, crop = preprocess(clip.frames, card.size, card.mean, card.std)
    device = next(model.parameters()).device
    blocks = [name for name, m in model.named_modules() if isinstance(m, SIFA)]

    def report(name: str, *_: object) -> None:
        if progress and name in blocks:
            done = blocks.index(name) + 1
            progress(f"block {done} of {len(blocks)}", done / len(blocks))

    def keep(name: str, module: object, args: tuple[Any, ...], output: object) -> Tensor | None:
        return args[0][0] if isinstance(module, MeanOverSteps) else None

    over_time: list[Tensor | None] = []
    recorder = record(model) if blocks else nullcontext(Trace())
    precision = torch.autocast(device.type, torch.bfloat16, enabled=amp)
    with listen(model, [], report), listen(model, over_time, keep, MeanOverSteps), recorder as trace, precision:
        logits = model(video.to(device))
    steps = next((_array(each) for each in over_time if each is not None), None)
    notes = (clip.cut.sentence,) if clip.cut else ()
    return Prediction(
        clip,
        crop,
        _array(logits[0]),
        card.labels,
        trace,
        card,
        best_block=best_block(trace, card),
        withheld=too_few(clip),
        notes=notes,
        step_logits=steps,
    )


def too_few(clip: Clip) -> str:
    """Why a clip that repeats its last frame gets no answer, as a sentence; empty where it has frames enough."""
    count = len(clip.frames)
    present = count - clip.padded
    if is_enough(present, count):
        return ""
    return (
        f"The video is too short for an answer: it has {present} of the {count} frames that the model reads, and a still picture "
        f"in place of the others would count as standing still. Give at least {-(-count // 2)}."
    )


def _array(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = tensor.float().cpu().numpy()
    return array


def predict_anywhere(device: str, run: Callable[[str], Prediction]) -> Prediction:
    """`run(device)`, which loads a model there and predicts; where the graphics card has no memory left for either, `run("cpu")`,
    and the prediction's notes say so. Models that are kept on the card stay there."""
    prediction, moved = run_or_cpu(device, run)
    return replace(prediction, notes=(*prediction.notes, RAN_ON_CPU)) if moved else prediction


def summary(prediction: Prediction) -> dict[str, Any]:
    """The answer in plain data: the five best classes, which frames were used, and what the weights know."""
    clip, card = prediction.clip, prediction.card
    answer: dict[str, Any] = dict(
        clip=Path(clip.path).name,
        top5=[dict(label=label, probability=round(p, 4)) for label, p in prediction.top(5)],
        frames=clip.indices.tolist(),
        times=[round(t, 4) for t in clip.times.tolist()],
        padded=clip.padded,
        checkpoint=card.file,
        trained_on=card.trained_on,
    )
    if prediction.withheld:
        answer["withheld"] = prediction.withheld
    if clip.cut:
        answer["cut"] = asdict(clip.cut)
    if prediction.notes:
        answer["notes"] = [*prediction.notes]
    if card.groups:
        answer["answers"] = [
            dict(group=each.group, label=each.label, probability=round(each.probability, 4), sure=each.sure)
            for each in prediction.answers()
        ]
    if prediction.what_if:
        answer["what_if"] = [
            dict(name=name, label=label, probability=round(p, 4)) for name, label, p in prediction.changed_answers()
        ]
    return answer
