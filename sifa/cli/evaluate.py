"""`sifa evaluate`."""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

from torch import nn

from sifa.charts.plots import plot_confusion
from sifa.charts.tables import table
from sifa.data.listing import find_clips
from sifa.errors import DataError, RunError, WeightsError
from sifa.evaluation.generated import measure
from sifa.evaluation.memory import keep_freed_memory
from sifa.evaluation.processes import leave, processes
from sifa.evaluation.report import describe_metrics, failures, per_class_table
from sifa.evaluation.videos import evaluate_videos
from sifa.evaluation.views import Views
from sifa.model.run import AMP, forward_with
from sifa.weights.checkpoint import load, save
from sifa.weights.shipped import DEFAULT_CHECKPOINT


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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sifa evaluate", description="Measure a checkpoint.")
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
        plot_confusion(model.card).write_html(args.confusion)
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
            print(f"{model.card.file}\n{describe_metrics(metrics)}")
            if args.write:
                save(model, replace(model.card, metrics=metrics), Path(file))
            if args.json:
                print(json.dumps(metrics))
    except (DataError, WeightsError, RunError) as error:
        raise SystemExit(str(error)) from None
    finally:
        leave()
