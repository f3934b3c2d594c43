"""The one call that the app, the notebooks and the command line make: `predict(model, clip) -> Prediction`."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sifa.attention import SIFA
from sifa.preprocess import Crop, preprocess
from sifa.trace import Trace, listening, record
from sifa.video import Clip
from sifa.weights import Checkpoint

Progress = Callable[[str, float], None]  # (what is being done, share done of the forward pass)


@dataclass(frozen=True)
class WhatIf:
    """What the model says of the same clip once one thing is changed (`sifa.interventions`)."""

    name: str
    title: str
    explanation: str
    logits: np.ndarray  # (classes,) float32, over the same labels
    lengths: tuple[float, ...]  # mean |displacement| of each SIFA block, in cells
    trace: Trace  # blocks of the changed run
    order: tuple[int, ...] = ()  # which of the clip's frames was shown at each place; empty: the clip as it is


@dataclass(frozen=True)
class TrueFlow:
    """Where the surface at each cell's centre really goes from one time step to the next, on one H x W grid."""

    flow: np.ndarray  # (P, 2, H, W) float32, (dy, dx) in cells
    visible: np.ndarray  # (P, H, W) bool, whether one surface owns the cell and is still seen in the next step


@dataclass(frozen=True)
class Prediction:
    """A clip, what the model made of it, and what happened inside."""

    clip: Clip
    crop: Crop
    logits: np.ndarray  # (classes,) float32
    labels: tuple[str, ...]
    trace: Trace
    checkpoint: Checkpoint
    what_if: tuple[WhatIf, ...] = ()
    trust: dict | None = None  # the figures of `sifa.trust.figures`
    true_flow: tuple[TrueFlow, ...] = ()  # of generated clips, one for each grid that the blocks work on

    @property
    def probabilities(self) -> np.ndarray:
        """(classes,) softmax of the logits."""
        return softmax(self.logits)

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The most probable classes, best first, as (label, probability)."""
        p = self.probabilities
        return [(self.labels[i], float(p[i])) for i in np.argsort(-p)[:count]]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (classes,) of logits (classes,)."""
    e = np.exp(logits - logits.max())
    return e / e.sum()


@torch.inference_mode()
def predict(model: nn.Module, clip: Clip, progress: Progress | None = None) -> Prediction:
    """Run the model once on a clip and record every SIFA block; the trace of a model that has none is empty.

    `model` comes from `sifa.load` or `sifa.untrained`. `progress` is told each block's name as it finishes. Raises
    ValueError where the clip has another number of frames than the model reads.
    """
    checkpoint = model.checkpoint
    if len(clip.frames) != checkpoint.num_frames:
        raise ValueError(
            f"the clip has {len(clip.frames)} frames, but {checkpoint.variant} reads {checkpoint.num_frames}; "
            f"call read_clip(path, num_frames={checkpoint.num_frames})"
        )
    video, crop = preprocess(clip.frames, checkpoint.size, checkpoint.mean, checkpoint.std)
    device = next(model.parameters()).device
    blocks = [name for name, m in model.named_modules() if isinstance(m, SIFA)]

    def report(name, module, *_):
        if progress and name in blocks:
            done = blocks.index(name) + 1
            progress(f"block {done} of {len(blocks)}", done / len(blocks))

    recording = record(model) if blocks else nullcontext(Trace())
    with listening(model, [], report), recording as trace:
        logits = model(video.to(device))
    return Prediction(clip, crop, logits[0].float().cpu().numpy(), checkpoint.labels, trace, checkpoint)


def summary(prediction: Prediction) -> dict:
    """The answer in plain data: the five best classes, which frames were used, and what the weights know."""
    clip, checkpoint = prediction.clip, prediction.checkpoint
    return dict(
        clip=Path(clip.path).name,
        top5=[dict(label=label, probability=round(p, 4)) for label, p in prediction.top(5)],
        frames=clip.indices.tolist(),
        times=[round(t, 4) for t in clip.times.tolist()],
        padded=clip.padded,
        checkpoint=checkpoint.file,
        trained_on=checkpoint.trained_on,
    )
