"""Make the sample clips and their packed traces: `sifa make samples` writes assets/samples/.

Each is generated from photographs that were never trained on, at 256 pixels and 30 frames per second, encoded as mp4,
read back through `read_clip` and predicted with the shipped checkpoint like any upload. Their traces also hold every what-if,
the figures of trust, and the true flow, which the generator knows.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from sifa import explorer
from sifa.data.motion import CLASSES, MotionBatch, MotionClips, flow_at, true_flow
from sifa.data.motion.scenes import Scene
from sifa.tracing.predict import predict
from sifa.tracing.records import Trace, TrueFlow
from sifa.tracing.trust import add_trust
from sifa.video.read import read_clip
from sifa.video.write import write_mp4
from sifa.weights.checkpoint import load
from sifa.weights.shipped import DEFAULT_CHECKPOINT

SAMPLES = {  # class -> number of the clip among those the generator makes, chosen by eye
    "camera zooms in": 6,
    "object moves right": 29,
    "camera pans left": 43,
    "camera rolls clockwise": 68,
    "two objects come together": 82,
    "one object passes in front of another": 106,
    "object turns clockwise": 122,
    "nothing moves": 144,
}


def sampled(batch: MotionBatch, rate: int) -> MotionBatch:
    """Every rate-th frame of generated clips, with their layers."""
    layers = (layer[:, ::rate] for layer in (batch.scene.camera, batch.scene.front, batch.scene.back))
    scene = Scene(*layers, batch.scene.present)
    return MotionBatch(batch.video[:, :, ::rate], batch.labels, scene, batch.owner[:, ::rate])


def flows(clip: MotionBatch, tubelet: int, trace: Trace) -> tuple[TrueFlow, ...]:
    """True flow of one clip of the frames that the model sees, once for each square grid of the trace's blocks."""
    grids = sorted({block.attention.shape[-1] for block in trace}, reverse=True)
    flow, visible = true_flow(clip, tubelet, grids[0])
    coarser = [flow_at(flow, visible, grid) for grid in grids]
    return tuple(TrueFlow(f[0].numpy(), v[0].numpy()) for f, v in coarser)


def make(folder: Path, checkpoint: Path = DEFAULT_CHECKPOINT) -> None:
    """Write every sample's clip and trace, and print what the model makes of it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = load(checkpoint)
    card = model.card
    length = (card.num_frames - 1) * card.sampling_rate + 1
    source = MotionClips("held-out", size=256, num_frames=length, seed=11, textures=60)
    for position, (label, number) in enumerate(SAMPLES.items(), 1):
        batch = source.batch(number, torch.tensor([CLASSES.index(label)]))
        frames = (batch.video[0].permute(1, 2, 3, 0) * 255).round().byte().numpy()
        file = folder / f"{position:02}_{label.replace(' ', '_')}.mp4"
        write_mp4(frames, file)
        prediction = predict(model, read_clip(file, card.num_frames, card.sampling_rate))
        prediction = replace(
            add_trust(model, prediction),
            true_flow=flows(sampled(batch, card.sampling_rate), model.config.tubelet, prediction.trace),
        )
        file.with_suffix(".sifa").write_bytes(explorer.pack(prediction))
        print(f"{label}: {', '.join(f'{name} {p:.2f}' for name, p in prediction.top(2))}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="sifa make samples", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DEFAULT_CHECKPOINT.parent / "samples")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    args = parser.parse_args()
    make(args.out, args.checkpoint)
