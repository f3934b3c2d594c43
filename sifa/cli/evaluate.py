"""Measure how good weights are: on generated motion clips, or with --data on labelled videos.

Generated clips measure weights that know the 24 motions, or some of them: accuracy on clean and on worn clips and on mp4
files that other code made, and how well each SIFA block follows the true flow. With --data it is the mean over --views of
each video; under torchrun the processes share the videos. With --real it is how the answers and the arrows compare with what
OpenCV finds in any videos."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sifa.cli import options
from sifa.cli.progress import progress_bar

if TYPE_CHECKING:
    from sifa.evaluation.videos import VideoFigures
    from sifa.model.registry import SIFAModel
    from sifa.tracing.records import Progress

EXAMPLES = """examples:
  sifa evaluate                                                  the shipped weights, on generated clips
  sifa evaluate --checkpoint mine.safetensors --data list.txt --views 4x3 --out runs/val
  torchrun --nproc_per_node 2 -m sifa evaluate --checkpoint mine.safetensors --data videos
  sifa evaluate --causal --clips 480                             accuracy with the attention silent, uniform, rigid, ...
  sifa evaluate --real videos                                    beside OpenCV, on videos without labels
  sifa evaluate --table                                          what the shipped weights' cards say"""

Figures = Mapping[str, Any]
OF_VIDEOS = dict(  # defaults
    labels=None,
    videos=None,
    class_numbers_from=None,
    allow_missing=False,
    amp=None,
    views="1x1",
    channels_last=False,
    compile=False,
    batch=4,
    readers=options.READERS,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_checkpoint(parser, nargs="+", default=[])
    options.add_device(parser)
    options.add_json(parser)
    parser.add_argument("--write", action="store_true", help="store the figures in the checkpoint's card")

    generated = parser.add_argument_group("generated clips")
    add = generated.add_argument
    add(
        "--clips",
        type=options.count,
        default=2400,
        metavar="N",
        help="in each of two sets; the 240 mp4 files come on top (default: 2400)",
    )
    add("--causal", action="store_true", help="measure with the attention changed instead: does it decide the answer?")

    real = parser.add_argument_group("any videos")
    real.add_argument(
        "--real",
        type=options.place,
        metavar="FOLDER",
        help="compare with OpenCV on the videos of a folder and its sub-folders instead; needs the extra [real]",
    )

    videos = parser.add_argument_group("labelled videos")
    options.add_data(videos, "measure on videos instead")
    options.add_out(videos, "folder that keeps the scores of --data as they come; the same command goes on from them")
    options.add_amp(videos, "bfloat16", "float16")
    add = videos.add_argument
    add("--views", default="1x1", metavar="TxC", help="clips in time x crops of each, 1 to 3 (default: 1x1)")
    add("--channels-last", action="store_true", help="lay out weights and videos with the channels innermost")
    options.add_compile(videos)
    add("--batch", type=options.count, default=4, metavar="N", help="views in one forward pass (default: 4)")
    options.add_readers(videos, "videos that are decoded at a time")

    cards = parser.add_argument_group("what the cards say; these measure nothing")
    add = cards.add_argument
    add("--table", action="store_true", help="print the cards as tables")
    add("--confusion", type=options.place, metavar="FILE", help="write the confusion matrix of the card as a page")
    add(
        "--failures",
        type=options.place,
        metavar="FILE",
        help="write a picture of held-out clips that are taken for others",
    )


def run(arguments: argparse.Namespace) -> int:
    check(arguments)

    from sifa.evaluation.memory import keep_freed_memory
    from sifa.evaluation.processes import leave
    from sifa.weights.shipped import DEFAULT_CHECKPOINT

    sources = arguments.checkpoint or [DEFAULT_CHECKPOINT]
    if arguments.table:
        print_tables(arguments.checkpoint)
        return 0
    keep_freed_memory()
    try:
        if arguments.confusion or arguments.failures:
            draw_pictures(sources[0], arguments)
        else:
            measure_all(sources, arguments)
    finally:
        leave()
    return 0


def check(arguments: argparse.Namespace) -> None:
    """Raises Misuse for options that do not go together."""
    sources = arguments.checkpoint
    if arguments.write and not all(Path(source).is_file() for source in sources):
        raise options.Misuse("--write changes a file, but --checkpoint names none on this machine; download it first")
    if arguments.causal and (arguments.data or arguments.write):
        raise options.Misuse("--causal is for generated clips, and its figures are no part of a card")
    if arguments.real and (arguments.data or arguments.causal or arguments.write):
        raise options.Misuse("--real compares with OpenCV, and its figures are no part of a card; give it alone")
    if arguments.out and (len(sources) > 1 or not arguments.data):
        raise options.Misuse("--out keeps the scores of one checkpoint on --data; give both, and one checkpoint")
    strays = [name for name, default in OF_VIDEOS.items() if getattr(arguments, name) != default]
    if strays and not arguments.data:
        words = ", ".join(f"--{name.replace('_', '-')}" for name in strays)
        raise options.Misuse(f"{words} is for labelled videos; give them with --data")
    if arguments.confusion:
        options.check_suffix("--confusion", arguments.confusion, ".html")
    if arguments.failures:
        options.check_suffix("--failures", arguments.failures, ".png", ".jpg", ".webp")
    for file in filter(None, (arguments.confusion, arguments.failures)):
        options.check_folder(file)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1 and not arguments.data:
        raise options.Misuse(
            "processes share the videos of --data, and nothing else can be shared; run it without torchrun"
        )


def print_tables(sources: list[str | Path]) -> None:
    """Of the first checkpoint its answers and blocks, of all of them the figures side by side; of the shipped ones, the default
    first, where none is named."""
    from sifa.evaluation.report import answer_table, block_table, per_class_table, table
    from sifa.weights.shipped import weights

    checkpoints: list[str | Path] = sources or list(weights().values())
    first = [answer_table(checkpoints[0]), block_table(checkpoints[0])]
    print(*first, table(checkpoints), per_class_table(checkpoints), sep="\n\n")


def draw_pictures(source: str | Path, arguments: argparse.Namespace) -> None:
    """Write what --confusion and --failures ask for."""
    from sifa.charts.plots import plot_confusion
    from sifa.evaluation.report import failures
    from sifa.model.run import choose_device
    from sifa.weights.card import load_card
    from sifa.weights.checkpoint import load

    if arguments.confusion:
        plot_confusion(load_card(source)).write_html(arguments.confusion)
    if arguments.failures:
        with progress_bar() as progress:
            picture = failures(load(source, choose_device(arguments.device)), progress=progress)
        picture.save(arguments.failures)


def measure_all(sources: list[str | Path], arguments: argparse.Namespace) -> None:
    """Print the figures of each checkpoint, and store them where that is asked for."""
    from dataclasses import replace

    from sifa.model.run import choose_device
    from sifa.weights.card import card_of
    from sifa.weights.checkpoint import load, save

    device = choose_device(arguments.device)
    measure = choose_measure(arguments, device)
    describe = choose_words(arguments)
    results: dict[str, Figures] = {}
    for source in sources:
        model = load(source, device)
        with progress_bar() as progress:
            figures = measure(model, progress)
        if figures is None:
            continue  # the first process has everybody's scores
        card = card_of(model)
        results[str(source)] = figures
        if not arguments.json:
            print(card.file, *about_videos(figures), describe(figures), sep="\n")
        if arguments.write:
            least = figures.get("unsure_below", {})
            groups = tuple(
                replace(group, unsure_below=least.get(group.name, group.unsure_below)) for group in card.groups
            )
            save(model, replace(card, metrics=dict(figures), groups=groups), Path(source))
    if arguments.json and results:
        print(json.dumps(results if len(sources) > 1 else next(iter(results.values()))))


def choose_words(arguments: argparse.Namespace) -> "Callable[[Any], str]":
    """What says the figures to people."""
    if arguments.real:
        from sifa.evaluation.real_words import describe_real

        return describe_real
    from sifa.evaluation.causal import describe_causes
    from sifa.evaluation.report import describe_metrics

    return describe_causes if arguments.causal else describe_metrics


def choose_measure(arguments: argparse.Namespace, device: str) -> "Callable[[SIFAModel, Progress], Figures | None]":
    """What is measured, as the options say."""
    from sifa.evaluation.causal import causal_figures
    from sifa.evaluation.filmed import gives_two_answers, measure_filmed
    from sifa.evaluation.generated import measure
    from sifa.weights.card import card_of

    if arguments.data:
        return video_measure(arguments, device)
    if arguments.real:
        from sifa.evaluation.agreement import evaluate_real

        return lambda model, progress: evaluate_real(model, arguments.real, progress)
    if arguments.causal:
        return lambda model, progress: causal_figures(model, arguments.clips, progress=progress)
    return lambda model, progress: (measure_filmed if gives_two_answers(card_of(model)) else measure)(
        model, arguments.clips, progress
    )


def video_measure(arguments: argparse.Namespace, device: str) -> "Callable[[SIFAModel, Progress], VideoFigures | None]":
    """What finds the figures of a model on the videos of --data."""
    from sifa.data.listing import name_listing
    from sifa.evaluation.processes import is_first
    from sifa.evaluation.videos import evaluate_videos
    from sifa.evaluation.views import Views
    from sifa.model.run import forward_with
    from sifa.weights.card import card_of

    try:
        views = Views.parse(arguments.views)
    except ValueError as error:
        raise options.Misuse(str(error)) from None
    listing = options.read_listing(arguments)

    def measure(model: "SIFAModel", progress: "Progress") -> "VideoFigures | None":
        named = name_listing(listing, card_of(model).labels, arguments.class_numbers_from)
        if is_first():
            print(named.statement, file=sys.stderr if arguments.json else sys.stdout)
        forward = forward_with(model, device, arguments.amp, arguments.channels_last, arguments.compile)
        precision = arguments.amp or "float32"
        return evaluate_videos(
            model, named.clips, views, arguments.out, forward, precision, arguments.batch, arguments.readers, progress
        )

    return measure


def about_videos(figures: Figures) -> list[str]:
    """What could not be read and what was padded, in lines; none where the clips were generated."""
    if "views" not in figures:
        return []
    unreadable, count = figures["unreadable"], figures["clips"] + len(figures["unreadable"])
    return [
        *(f"unreadable {name}: {why}" for name, why in unreadable.items()),
        f"views {figures['views']}: {count} videos, {len(unreadable)} unreadable, {figures['padded']} padded because "
        "they are shorter than a clip",
        f"of all {count}, unreadable ones counted as wrong: top-1 {figures['top1_of_all']:.1%}, "
        f"top-5 {figures['top5_of_all']:.1%}",
        "of those read:",
    ]
