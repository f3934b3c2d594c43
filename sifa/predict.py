"""The one call that the app, the notebooks and the command line make: `predict(model, clip) -> Prediction`.

On the command line: `python -m sifa.predict CLIP [--out trace.sifa | page.html | clip.json]`.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sifa.attention import SIFA
from sifa.preprocess import Crop, preprocess
from sifa.trace import Trace, listening, record
from sifa.video import Clip, VideoError, read_clip
from sifa.weights import DEFAULT_CHECKPOINT, Checkpoint, CheckpointError, load

Progress = Callable[[str, float], None]  # (what is being done, share done of the forward pass)


@dataclass(frozen=True)
class Prediction:
    """A clip, what the model made of it, and what happened inside."""

    clip: Clip
    crop: Crop
    logits: np.ndarray  # (classes,) float32
    labels: tuple[str, ...]
    trace: Trace
    checkpoint: Checkpoint

    @property
    def probabilities(self) -> np.ndarray:
        """(classes,) softmax of the logits."""
        e = np.exp(self.logits - self.logits.max())
        return e / e.sum()

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The most probable classes, best first, as (label, probability)."""
        p = self.probabilities
        return [(self.labels[i], float(p[i])) for i in np.argsort(-p)[:count]]


@torch.inference_mode()
def predict(model: nn.Module, clip: Clip, progress: Progress | None = None) -> Prediction:
    """Run the model once on a clip and record every SIFA block.

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

    with listening(model, [], report), record(model) as trace:
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


def write(prediction: Prediction, file: Path) -> None:
    """Write a prediction as a packed trace (.sifa), a single-file page (.html) or its summary (.json), by suffix."""
    from sifa import explorer  # it takes predictions, so it cannot be imported above

    match file.suffix:
        case ".sifa":
            file.write_bytes(explorer.pack(prediction))
        case ".html":
            title = f"{Path(prediction.clip.path).stem}: {prediction.top(1)[0][0]}"
            file.write_text(explorer.to_html(explorer.pack(prediction), title=title), encoding="utf-8")
        case ".json":
            file.write_text(json.dumps(summary(prediction), indent=2) + "\n", encoding="utf-8")
        case suffix:
            raise ValueError(f"--out ends in {suffix!r}; use .sifa (trace), .html (page) or .json (summary)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sifa.predict", description="What does this clip show?")
    parser.add_argument("clip", help="a video file")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--start", type=int, default=0, help="first source frame")
    parser.add_argument("--sampling-rate", type=int, help="source frames from one sampled frame to the next")
    parser.add_argument("--out", type=Path, help="write trace.sifa, page.html or clip.json")
    args = parser.parse_args()
    try:
        model = load(args.checkpoint, args.device)
        rate = args.sampling_rate or model.checkpoint.sampling_rate
        prediction = predict(model, read_clip(args.clip, model.checkpoint.num_frames, rate, args.start))
        if args.out:
            write(prediction, args.out)
    except (VideoError, CheckpointError, ValueError) as error:
        raise SystemExit(str(error)) from None
    clip = prediction.clip
    print(f"{Path(clip.path).name}, frames {clip.indices[0]} to {clip.indices[-1]} of {clip.source_frames}")
    for label, p in prediction.top(5):
        print(f"  {p:6.1%}  {label}")
    print(f"weights: {prediction.checkpoint.trained_on or 'untrained'}")


if __name__ == "__main__":
    main()
