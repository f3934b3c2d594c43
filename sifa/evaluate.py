"""Measure a checkpoint: `python -m sifa.evaluate` on generated clips and on mp4 files made by other code.

`--data FOLDER` measures on your own clips instead, `--write` stores the figures in the checkpoint's card, and `--table`
prints what the cards of several checkpoints say side by side.
"""

import argparse
import ctypes
import json
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from sifa.card import failures, per_class_table, table, told
from sifa.dataset import DataError, VideoClips, find_clips, read_each
from sifa.figures import plot_confusion
from sifa.motion import CLASSES, MotionBatch, MotionClips, balanced_labels, flow_at, pasted, true_flow
from sifa.preprocess import normalise, preprocess
from sifa.trace import capture
from sifa.video import Clip
from sifa.weights import DEFAULT_CHECKPOINT, Checkpoint, CheckpointError, load, save

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


def accuracy(ranks: Tensor, truth: Tensor, labels: tuple[str, ...]) -> dict:
    """Classes (clips, classes), best first, against the truth (clips,): clips, top1, top5, per_class {name: accuracy},
    and confusion, one row of counts for each true class."""
    hit = ranks[:, 0] == truth
    confusion = torch.zeros(len(labels), len(labels), dtype=torch.long)
    confusion.index_put_((truth, ranks[:, 0]), torch.ones_like(truth), accumulate=True)
    share = lambda right: round(right.float().mean().item(), 4)  # noqa: E731
    return dict(
        clips=len(truth),
        top1=share(hit),
        top5=share((ranks[:, :5] == truth[:, None]).any(1)),
        per_class={name: share(hit[truth == i]) for i, name in enumerate(labels) if (truth == i).any()},
        confusion=confusion.tolist(),
    )


@torch.no_grad()
def ranked(model: nn.Module, videos: Iterable[Tensor]) -> Tensor:
    """The classes of videos (1, 3, T, S, S), each on its own, best first: (videos, classes)."""
    model.eval()
    device = next(model.parameters()).device
    return torch.cat([model(video.to(device)).cpu().argsort(1, descending=True) for video in videos])


def evaluate_held_out(model: nn.Module, data: VideoClips, mean=None, std=None) -> dict:
    """`accuracy` on the held-out ones of the user's clips; empty where none is held out."""
    if not data.held_out:
        return {}
    ranks = ranked(model, (normalise(data.central(video)[None], mean, std) for video, _ in data.held_out))
    return accuracy(ranks, torch.tensor([label for _, label in data.held_out]), data.labels)


def read_files(found: list[tuple[Path, str]], card: Checkpoint) -> tuple[list[tuple[Clip, str]], dict[str, str]]:
    """The clips of (file, class name), read like any upload, and {file: why} of those that could not be read.

    Raises DataError where a class is none of the checkpoint's, or no file can be read.
    """
    strangers = sorted({label for _, label in found} - set(card.labels))
    if strangers:
        raise DataError(
            f"the model does not know {', '.join(strangers[:5])}; it knows {len(card.labels)} classes: "
            f"{', '.join(card.labels[:5])} ..."
        )
    skipped = {}
    files = tqdm(found, desc="reading clips", unit="clip", leave=False)
    clips = list(read_each(files, card.num_frames, card.sampling_rate, skipped))
    if not clips:
        raise DataError(f"none of the {len(found)} clips could be read; the first: {next(iter(skipped.values()), '')}")
    return clips, skipped


def evaluate_files(model: nn.Module, clips: list[tuple[Clip, str]]) -> dict:
    """`accuracy` on clips read from files, (clip, class name)."""
    card = model.checkpoint
    ranks = ranked(model, (preprocess(clip.frames, card.size, card.mean, card.std)[0] for clip, _ in clips))
    return accuracy(ranks, torch.tensor([card.labels.index(label) for _, label in clips]), card.labels)


@cache
def pasted_clips(num_frames: int, sampling_rate: int) -> list[tuple[Clip, str]]:
    """The clips of `sifa.motion.pasted`, made, encoded, and read back."""
    card = Checkpoint("", {}, CLASSES, num_frames=num_frames, sampling_rate=sampling_rate)
    with tempfile.TemporaryDirectory() as folder:
        pasted.make(Path(folder))
        return read_files(find_clips(folder), card)[0]


def measure(model: nn.Module, clips: int, device: str) -> dict:
    """All figures of a card: generated clips clean and `worn`, and the mp4 files that other code made (`pasted`)."""
    card = model.checkpoint
    metrics = evaluate(model, clips, device=device)
    worn = evaluate(model, clips, worn=True, device=device)
    files = evaluate_files(model, pasted_clips(card.num_frames, card.sampling_rate))
    keep = ("clips", "top1", "top5", "per_class")
    return metrics | dict(worn={k: worn[k] for k in keep}, pasted={k: files[k] for k in keep})


def keep_freed_memory() -> None:
    """Tell glibc to keep large buffers instead of returning them after every step: nearly twice as fast on a CPU."""
    try:
        libc = ctypes.CDLL(None)
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            libc.mallopt(option, value)
    except (OSError, AttributeError, TypeError):
        pass  # another C library: slower, nothing else


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sifa.evaluate", description="Measure a checkpoint.")
    parser.add_argument("--checkpoint", type=Path, nargs="+", default=[DEFAULT_CHECKPOINT])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clips", type=int, default=2400, help="generated clips in each of two sets")
    parser.add_argument("--data", type=Path, help="measure on a folder of labelled clips, or a list file, instead")
    parser.add_argument("--labels", type=Path, help="names of the classes, where --data gives numbers")
    parser.add_argument("--write", action="store_true", help="store the figures in the checkpoint's card")
    parser.add_argument("--table", action="store_true", help="print what the cards say, as tables; measures nothing")
    parser.add_argument("--confusion", type=Path, help="write the confusion matrix of the card as a page")
    parser.add_argument("--failures", type=Path, help="write a picture of held-out clips that are taken for others")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    keep_freed_memory()
    if args.table:
        files = args.checkpoint
        if files == [DEFAULT_CHECKPOINT]:
            files = sorted(DEFAULT_CHECKPOINT.parent.rglob("*.safetensors"))
        print(table(files), per_class_table(files), sep="\n\n")
        return
    if args.confusion or args.failures:
        model = load(args.checkpoint[0], args.device)
        if args.confusion:
            plot_confusion(model.checkpoint).write_html(args.confusion)
        if args.failures:
            failures(model).save(args.failures)
        return
    try:
        for file in args.checkpoint:
            model = load(file, args.device)
            if args.data:
                clips, skipped = read_files(find_clips(args.data, args.labels), model.checkpoint)
                metrics = evaluate_files(model, clips)
                for name, why in skipped.items():
                    print(f"skipped {name}: {why}")
            else:
                metrics = measure(model, args.clips, args.device)
            print(f"{file.name}\n{told(metrics)}")
            if args.write:
                save(model, replace(model.checkpoint, metrics=metrics), file)
            if args.json:
                print(json.dumps(metrics))
    except (DataError, CheckpointError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
