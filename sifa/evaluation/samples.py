"""Make the sample clips and their packed traces: `sifa make samples` writes assets/samples/.

Each is generated from photographs that were never trained on, at 256 pixels and 30 frames per second, encoded as mp4,
read back through `read_clip` and predicted with the shipped checkpoint like any upload. Their traces also hold every
what-if, the figures of trust, and the true flow, which the generator knows.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from sifa.data.motion.classes import CLASSES
from sifa.data.motion.flow import flow_at, true_flow
from sifa.data.motion.generator import MotionBatch, MotionClips
from sifa.data.motion.scenes import Scene
from sifa.explorer.format.pack import pack
from sifa.tracing.predict import predict
from sifa.tracing.records import Trace, TrueFlow
from sifa.tracing.trust import add_trust
from sifa.video.read import read_clip
from sifa.video.write import write_mp4
from sifa.weights.card import load_card
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


def every_nth(batch: MotionBatch, n: int) -> MotionBatch:
    """Every n-th frame of clips, with their layers."""
    video, labels, scene, owner = batch
    if scene is not None:
        scene = Scene(scene.camera[:, ::n], scene.front[:, ::n], scene.back[:, ::n], scene.present)
    return MotionBatch(video[:, :, ::n], labels, scene, None if owner is None else owner[:, ::n])


def flows(clip: MotionBatch, tubelet: int, trace: Trace) -> tuple[TrueFlow, ...]:
    """True flow of one clip of the frames that the model sees, once for each square grid of the trace's blocks."""
    grids = sorted({block.attention.shape[-1] for block in trace}, reverse=True)
    flow, visible = true_flow(clip, tubelet, grids[0])
    coarser = [flow_at(flow, visible, grid) for grid in grids]
    return tuple(TrueFlow(f[0].cpu().numpy(), v[0].cpu().numpy()) for f, v in coarser)


def make(folder: Path, checkpoint: str | Path = DEFAULT_CHECKPOINT) -> dict[str, list[tuple[str, float]]]:
    """Write every sample's clip and trace, with a progress bar.

    Returns what the model makes of each: its class -> the two most probable labels with their probabilities.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model, card = load(checkpoint), load_card(checkpoint)
    length = (card.num_frames - 1) * card.sampling_rate + 1
    source = MotionClips("held-out", size=256, num_frames=length, seed=11, textures=60)
    answers = {}
    for position, (label, number) in enumerate(tqdm(SAMPLES.items(), desc="samples", unit="clip", leave=False), 1):
        batch = source.batch(number, torch.tensor([CLASSES.index(label)]))
        frames = (batch.video[0].permute(1, 2, 3, 0) * 255).round().byte().numpy()
        file = folder / f"{position:02}_{label.replace(' ', '_')}.mp4"
        write_mp4(frames, file)
        prediction = predict(model, read_clip(file, card.num_frames, card.sampling_rate))
        seen = every_nth(batch, card.sampling_rate)
        flow = flows(seen, model.config.tubelet, prediction.trace)
        file.with_suffix(".sifa").write_bytes(pack(replace(add_trust(model, prediction), true_flow=flow)))
        answers[label] = prediction.top(2)
    return answers


def main(arguments: Sequence[str] | None = None) -> None:
    """The program, with these arguments or those of the command line."""
    parser = argparse.ArgumentParser(prog="sifa make samples", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=DEFAULT_CHECKPOINT.parent / "samples")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    args = parser.parse_args(arguments)
    for label, best in make(args.out, args.checkpoint).items():
        print(f"{label}: {', '.join(f'{name} {p:.2f}' for name, p in best)}")


if __name__ == "__main__":
    main()
