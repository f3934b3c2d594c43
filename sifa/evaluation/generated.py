"""Measure a checkpoint: `sifa evaluate` on generated clips and on mp4 files made by other code.

`--data FOLDER` or `--data LIST` measures on your own videos instead, with `--views 4x3` by the mean over several clips and
crops of each (`sifa.evaluation.views`); under torchrun the processes share the videos. `--write` stores the figures in the
checkpoint's card, and `--table` prints what the cards of several checkpoints say side by side.
"""

import tempfile
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sifa.data.listing import find_clips
from sifa.data.motion import CLASSES, MotionBatch, MotionClips, balanced_labels, flow_at, pasted, true_flow
from sifa.data.user_clips import VideoClips
from sifa.evaluation.metrics import accuracy
from sifa.evaluation.videos import evaluate_videos
from sifa.tracing.hooks import capture
from sifa.video.preprocess import normalise

MOVING, STATIC = 0.25, 0.05  # cells per step: above, a cell counts as moving; below, as static
TEXTURED = 0.04  # deviation of brightness (0..1) in a cell and its eight neighbours: below, no motion can be seen


@torch.no_grad()
def evaluate_generated(
    model: nn.Module, clips: int = 2400, batch: int = 48, seed: int = 5, worn: bool = False, device: str = "cpu"
) -> dict:
    """Accuracy over all classes, and how well each SIFA block's displacement follows the true flow.

    Returns the figures of `accuracy`, and per block of the trace: flow_cosine and flow_epe_ratio (end-point error divided
    by that of predicting zero) on moving, textured, visible cells, the same with _all on every moving visible cell, and
    static_displacement (mean length, in cells) on static visible cells. Photographs of the held-out split were never
    trained on; `worn` adds the faults of uploads.
    """
    model.eval()
    config = model.config
    source = MotionClips(
        "held-out", config.img_size, config.num_frames, seed=seed, textures=150, worn=worn, device=device
    )
    grid = config.img_size // config.patch_size
    labels, ranks, sums = balanced_labels(clips), [], []
    for index, chosen in enumerate(labels.split(batch)):
        drawn = source.batch(index, chosen)
        with capture(model) as blocks:
            ranks.append(model(normalise(drawn.video, None, None)).cpu().argsort(1, descending=True))
        flow, visible = true_flow(drawn, config.tubelet, grid)
        seen = visible & textured(drawn, config.tubelet, grid)
        sums.append([_flow_sums(call, flow, visible, seen) for call in blocks])
    total = torch.tensor(sums).sum(0)  # (blocks, 10)
    columns = total.unbind(1) if total.numel() else [total.new_zeros(0)] * 10
    ratio = lambda a, b: [round((x / max(y, 1e-9)).item(), 4) for x, y in zip(columns[a], columns[b])]  # noqa: E731
    return accuracy(torch.cat(ranks), labels, CLASSES) | dict(
        flow_cosine=ratio(0, 3),
        flow_epe_ratio=ratio(1, 2),
        flow_cosine_all=ratio(4, 7),
        flow_epe_ratio_all=ratio(5, 6),
        static_displacement=ratio(8, 9),
    )


def textured(clips: MotionBatch, tubelet: int, grid: int) -> Tensor:
    """(B, P, grid, grid) whether a cell and its neighbours hold enough contrast for motion to be seen."""
    grey = clips.video[:, :, tubelet // 2 :: tubelet].mean(1)[:, :-1]
    cell = grey.shape[-1] // grid
    mean = lambda x: F.avg_pool2d(x, 3 * cell, cell, padding=cell, count_include_pad=False)  # noqa: E731
    return (mean(grey**2) - mean(grey) ** 2).clamp_min(0).sqrt() > TEXTURED


def _flow_sums(call, flow: Tensor, visible: Tensor, seen: Tensor) -> list[float]:
    """[cosine, end-point error, length of the true flow, cells] of the moving textured cells, the same of all moving
    ones, then [length of the displacement, cells] of the static ones: sums."""
    moved, sums = call.displacement, []
    for cells in (seen, visible):
        target, valid = flow_at(flow, cells, call.output.features.shape[-1])
        length = target.norm(dim=2)
        moving = valid & (length > MOVING)
        cosine = torch.cosine_similarity(moved, target, dim=2, eps=1e-6)
        error = (moved - target).norm(dim=2)
        sums += [cosine[moving], error[moving], length[moving], moving]
    static = valid & (length < STATIC)
    return [column.double().sum().item() for column in (*sums, moved.norm(dim=2)[static], static)]


@torch.no_grad()
def evaluate_held_out(model: nn.Module, data: VideoClips, mean=None, std=None) -> dict:
    """`accuracy` on the held-out ones of the user's clips; empty where none is held out."""
    if not data.held_out:
        return {}
    model.eval()
    device = next(model.parameters()).device
    videos = (normalise(data.central(video)[None], mean, std) for video, _ in data.held_out)
    ranks = torch.cat([model(video.to(device)).cpu().argsort(1, descending=True) for video in videos])
    return accuracy(ranks, torch.tensor([label for _, label in data.held_out]), data.labels)


@cache
def pasted_videos() -> tuple[tempfile.TemporaryDirectory, list[tuple[Path, str]]]:
    """The files of `sifa.data.motion.pasted`, made once, and the folder that they lie in as long as it is referred to."""
    folder = tempfile.TemporaryDirectory()
    pasted.make(Path(folder.name))
    return folder, find_clips(folder.name)


def measure(model: nn.Module, clips: int, device: str) -> dict:
    """All figures of a card: generated clips clean and `worn`, and the mp4 files that other code made (`pasted`)."""
    metrics = evaluate_generated(model, clips, device=device)
    worn = evaluate_generated(model, clips, worn=True, device=device)
    files = evaluate_videos(model, pasted_videos()[1])
    keep = ("clips", "top1", "top5", "per_class")
    return metrics | dict(worn={k: worn[k] for k in keep}, pasted={k: files[k] for k in keep})
