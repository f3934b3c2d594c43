"""Make the sample clips and their packed traces.

Each is made from photographs that were never trained on, at 256 pixels and 30 frames per second, encoded as mp4, read back
through `read_clip` and predicted like any upload: eight of the generator's own scenes, then the shots that look like videos.
Their traces also hold every what-if, the figures of trust, and the true flow, which the generator knows. The points of as
many what-ifs are kept as a page that opens quickly can hold.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from sifa.data.motion import CLASSES, MotionBatch, MotionClips, flow_at, true_flow
from sifa.data.motion.shots import SHOTS, film
from sifa.explorer.format.pack import pack
from sifa.explorer.format.prune import fit
from sifa.tracing.predict import predict
from sifa.tracing.records import Prediction, Progress, Trace, TrueFlow
from sifa.tracing.trust import add_trust
from sifa.video.write import write_mp4
from sifa.weights.card import VideoModel, card_of

SIZE = 256  # pixels
MOST = 1_200_000  # bytes of a trace once deflated
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
        moments = {name: part[:, ::n] for name, part in scene._asdict().items() if name != "present"}
        scene = scene._replace(**moments)
    return MotionBatch(video[:, :, ::n], labels, scene, None if owner is None else owner[:, ::n])


def flows(clip: MotionBatch, trace: Trace) -> tuple[TrueFlow, ...]:
    """True flow of one clip of the frames that the model sees, once for each square grid of the trace's blocks."""
    grids = sorted({block.attention.shape[-1] for block in trace}, reverse=True)
    if not grids:
        return ()
    flow, visible = true_flow(clip, round(trace[0].stride[0]), grids[0])
    coarser = [flow_at(flow, visible, grid) for grid in grids]
    return tuple(TrueFlow(f[0].cpu().numpy(), v[0].cpu().numpy()) for f, v in coarser)


def make_samples(model: VideoModel, folder: Path, progress: Progress | None = None) -> Iterator[tuple[str, Prediction]]:
    """Write every sample's clip and trace into a folder; yields each one's title and prediction once it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    card = card_of(model)
    length = (card.num_frames - 1) * card.sampling_rate + 1
    for position, (title, batch) in enumerate(scenes(length), 1):
        frames = (batch.video[0].permute(1, 2, 3, 0) * 255).round().byte().numpy()
        file = folder / f"{position:02}_{title.replace(' ', '_')}.mp4"
        if not file.exists():  # one that is there stays: links and traces know it by its pictures
            write_mp4(frames, file)
        prediction = predict(model, card.read(file))
        truth = flows(every_nth(batch, card.sampling_rate), prediction.trace)
        prediction = replace(add_trust(model, prediction, progress), true_flow=truth)
        file.with_suffix(".sifa").write_bytes(fit(pack(prediction), MOST))
        yield title, prediction


def scenes(length: int) -> Iterator[tuple[str, MotionBatch]]:
    """The title of each sample, and its clip of so many frames."""
    source = MotionClips("held-out", size=SIZE, num_frames=length, seed=11, textures=60)
    for label, number in SAMPLES.items():
        yield label, source.batch(number, torch.tensor([CLASSES.index(label)]))
    for title, shot in SHOTS.items():
        yield title, film(shot, SIZE, length)
