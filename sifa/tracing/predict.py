"""The one call that the app, the notebooks and the command line make: `predict(model, clip) -> Prediction`."""

from contextlib import nullcontext
from pathlib import Path

import torch

from sifa.model.attention import SIFA
from sifa.tracing.hooks import listen, record
from sifa.tracing.records import Prediction, Progress, Trace
from sifa.video.clip import Clip
from sifa.video.preprocess import preprocess
from sifa.weights.card import VideoModel, card_of


@torch.inference_mode()
def predict(model: VideoModel, clip: Clip, progress: Progress | None = None, amp: bool = False) -> Prediction:
    """Run the model once on a clip and record every SIFA block; the trace of a model that has none is empty.

    `model` comes from `sifa.load` or `sifa.create_model`, and is put into evaluation mode. With `amp`, convolutions and
    products run in bfloat16, and the operator itself does not. `progress` is told each block's name as it
    finishes. Raises ValueError where the clip has another number of frames than the model reads.
    """
    checkpoint = card_of(model)
    if len(clip.frames) != checkpoint.num_frames:
        raise ValueError(
            f"the clip has {len(clip.frames)} frames, but {checkpoint.variant} reads {checkpoint.num_frames}; "
            f"call read_clip(path, num_frames={checkpoint.num_frames})"
        )
    if model.training:
        model.eval()
    video, crop = preprocess(clip.frames, checkpoint.size, checkpoint.mean, checkpoint.std)
    device = next(model.parameters()).device
    blocks = [name for name, m in model.named_modules() if isinstance(m, SIFA)]

    def report(name, module, *_):
        if progress and name in blocks:
            done = blocks.index(name) + 1
            progress(f"block {done} of {len(blocks)}", done / len(blocks))

    recording = record(model) if blocks else nullcontext(Trace())
    reduced = torch.autocast(device.type, torch.bfloat16, enabled=amp)
    with listen(model, [], report), recording as trace, reduced:
        logits = model(video.to(device))
    return Prediction(clip, crop, logits[0].float().cpu().numpy(), checkpoint.labels, trace, checkpoint)


def summary(prediction: Prediction) -> dict:
    """The answer in plain data: the five best classes, which frames were used, and what the weights know."""
    clip, checkpoint = prediction.clip, prediction.card
    told = dict(
        clip=Path(clip.path).name,
        top5=[dict(label=label, probability=round(p, 4)) for label, p in prediction.top(5)],
        frames=clip.indices.tolist(),
        times=[round(t, 4) for t in clip.times.tolist()],
        padded=clip.padded,
        checkpoint=checkpoint.file,
        trained_on=checkpoint.trained_on,
    )
    if prediction.what_if:
        told["what_if"] = [
            dict(name=name, label=label, probability=round(p, 4)) for name, label, p in prediction.changed_answers()
        ]
    return told
