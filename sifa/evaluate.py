"""Measure a checkpoint: `python -m sifa.evaluate` on generated clips and on mp4 files made by other code.

`--data FOLDER` or `--data LIST` measures on your own videos instead, with `--views 4x3` by the mean over several clips and
crops of each (`sifa.views`); under torchrun the processes share the videos. `--write` stores the figures in the
checkpoint's card, and `--table` prints what the cards of several checkpoints say side by side.
"""

import argparse
import ctypes
import json
import os
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sifa.card import failures, per_class_table, table, told
from sifa.dataset import DataError, VideoClips, find_clips
from sifa.figures import plot_confusion
from sifa.motion import CLASSES, MotionBatch, MotionClips, balanced_labels, flow_at, pasted, true_flow
from sifa.preprocess import normalise
from sifa.run import AMP, RunError, forward_with
from sifa.scores import accuracy, evaluate_videos, leave, processes
from sifa.trace import capture
from sifa.views import Views
from sifa.weights import DEFAULT_CHECKPOINT, CheckpointError, load, save

MOVING, STATIC = 0.25, 0.05  # cells per step: above, a cell counts as moving; below, as static
TEXTURED = 0.04  # deviation of brightness (0..1) in a cell and its eight neighbours: below, no motion can be seen


@torch.no_grad()
def evaluate(
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
        "held-out", config["img_size"], config["num_frames"], seed=seed, textures=150, worn=worn, device=device
    )
    grid = config["img_size"] // config["patch_size"]
    labels, ranks, sums = balanced_labels(clips), [], []
    for index, chosen in enumerate(labels.split(batch)):
        drawn = source.batch(index, chosen)
        with capture(model) as blocks:
            ranks.append(model(normalise(drawn.video, None, None)).cpu().argsort(1, descending=True))
        flow, visible = true_flow(drawn, config["tubelet"], grid)
        seen = visible & textured(drawn, config["tubelet"], grid)
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
    """The files of `sifa.motion.pasted`, made once, and the folder that they lie in as long as it is referred to."""
    folder = tempfile.TemporaryDirectory()
    pasted.make(Path(folder.name))
    return folder, find_clips(folder.name)


def measure(model: nn.Module, clips: int, device: str) -> dict:
    """All figures of a card: generated clips clean and `worn`, and the mp4 files that other code made (`pasted`)."""
    metrics = evaluate(model, clips, device=device)
    worn = evaluate(model, clips, worn=True, device=device)
    files = evaluate_videos(model, pasted_videos()[1])
    keep = ("clips", "top1", "top5", "per_class")
    return metrics | dict(worn={k: worn[k] for k in keep}, pasted={k: files[k] for k in keep})


def measure_videos(model: nn.Module, videos: list[tuple[Path, str]], args: argparse.Namespace) -> dict:
    """`evaluate_videos` as the command line asks for it; says what could not be read and what was padded."""
    forward = forward_with(model, args.device, args.amp, args.channels_last, args.compile)
    metrics = evaluate_videos(
        model, videos, args.views, args.out, forward, args.amp or "float32", args.batch, args.readers
    )
    if metrics:
        unreadable = metrics["unreadable"]
        for name, why in unreadable.items():
            print(f"unreadable {name}: {why}")
        print(
            f"views {metrics['views']}: {len(videos)} videos, {len(unreadable)} unreadable, {metrics['padded']} padded because "
            f"they are shorter than a clip\nof all {len(videos)}, unreadable ones counted as wrong: "
            f"top-1 {metrics['top1_of_all']:.1%}, top-5 {metrics['top5_of_all']:.1%}\nof those read:"
        )
    return metrics


def keep_freed_memory() -> None:
    """Tell glibc to keep large buffers instead of returning them after every step: nearly twice as fast on a CPU."""
    try:
        libc = ctypes.CDLL(None)
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            libc.mallopt(option, value)
    except (OSError, AttributeError, TypeError):
        pass  # another C library: slower, nothing else


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sifa.evaluate", description="Measure a checkpoint.")
    add = parser.add_argument
    add("--checkpoint", nargs="+", default=[DEFAULT_CHECKPOINT], help="files, URLs, or hf-hub:owner/name")
    add("--device", default="cpu", help="cpu or cuda")
    add("--clips", type=int, default=2400, help="generated clips in each of two sets")
    add("--data", type=Path, help="measure on a folder of labelled videos, or a list file, instead")
    add(
        "--labels",
        type=Path,
        help="names of the classes, where --data gives numbers; without it, the model's in their order",
    )
    add("--views", default="1x1", help="of each video of --data: clips in time x crops, as in 4x3")
    add(
        "--out",
        type=Path,
        help="folder that keeps the scores of --data as they come; the same command goes on from them",
    )
    add("--amp", choices=AMP, help="run the model of --data under autocast")
    add("--channels-last", action="store_true", help="lay out weights and videos of --data with the channels innermost")
    add("--compile", action="store_true", help="run the model of --data through torch.compile")
    add("--batch", type=int, default=4, help="views of --data in one forward pass")
    add("--readers", type=int, default=2, help="videos of --data that are decoded ahead")
    add("--write", action="store_true", help="store the figures in the checkpoint's card")
    add("--table", action="store_true", help="print what the cards say, as tables; measures nothing")
    add("--confusion", type=Path, help="write the confusion matrix of the card as a page")
    add("--failures", type=Path, help="write a picture of held-out clips that are taken for others")
    add("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    for name in ("batch", "readers", "clips"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} is {getattr(args, name)}; give at least 1")
    try:
        args.views = Views.parse(args.views)
    except ValueError as error:
        parser.error(str(error))
    if args.write and not all(Path(file).is_file() for file in args.checkpoint):
        parser.error("--write changes a file, but --checkpoint names none on this machine; download it first")
    if args.out and (len(args.checkpoint) > 1 or not args.data):
        parser.error("--out keeps the scores of one checkpoint on --data; give both, and one checkpoint")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not args.data:
        parser.error("processes share the videos of --data, and nothing else can be shared; run it without torchrun")
    if args.device == "cuda":
        args.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    return args


def show(args: argparse.Namespace) -> None:
    """What needs no measuring: tables and pictures of the cards."""
    if args.table:
        files = [Path(file) for file in args.checkpoint]
        if files == [DEFAULT_CHECKPOINT]:
            files = sorted(DEFAULT_CHECKPOINT.parent.rglob("*.safetensors"))
        print(table(files), per_class_table(files), sep="\n\n")
        return
    model = load(args.checkpoint[0], args.device)
    if args.confusion:
        plot_confusion(model.checkpoint).write_html(args.confusion)
    if args.failures:
        failures(model).save(args.failures)


def main() -> None:
    args = arguments()
    keep_freed_memory()
    try:
        if args.table or args.confusion or args.failures:
            show(args)
            return
        videos = find_clips(args.data, args.labels) if args.data else []
        for file in args.checkpoint:
            model = load(file, "cpu" if args.data else args.device)  # else `forward_with` moves it
            metrics = measure_videos(model, videos, args) if args.data else measure(model, args.clips, args.device)
            if processes()[0] > 0:
                continue  # the first process has everybody's scores
            print(f"{model.checkpoint.file}\n{told(metrics)}")
            if args.write:
                save(model, replace(model.checkpoint, metrics=metrics), Path(file))
            if args.json:
                print(json.dumps(metrics))
    except (DataError, CheckpointError, RunError) as error:
        raise SystemExit(str(error)) from None
    finally:
        leave()


if __name__ == "__main__":
    main()
