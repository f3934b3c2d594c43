"""Make a table of many clips: a row of figures for each, and its trace, kept in a folder as they come.

LIST is a list of clips with their classes or without (every form that --data of other commands takes, or one path a line), or a
folder of videos. The folder --out gets Parquet files, and a .sifa for each clip. Where the command is stopped or killed, the same
command goes on; a clip that cannot be read is a row that says why. `sifa browse` shows the table."""

import argparse
import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Never

from tqdm import tqdm

from sifa.cli import options
from sifa.cli.progress import log_lines

if TYPE_CHECKING:
    from sifa.batch.run import Engine, Outcome, Report

EXAMPLES = """examples:
  sifa batch videos --out runs/table                                    a folder of videos
  sifa batch list.txt --videos clips --out runs/table --workers 8 --trust
  sifa batch list.txt --out /shared/table --engine ray --ray-address ray://head:10001"""
BAR = "{n_fmt}/{total_fmt} clips|{bar}| {postfix}, {rate_noinv_fmt}, {remaining} left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("data", type=options.place, metavar="LIST", help="a list file, or a folder of videos")
    options.add_out(parser, "the folder of the table", required=True)
    options.add_checkpoint(parser)
    options.add_device(parser)
    options.add_reading(parser, "LIST")
    add("--trust", action="store_true", help="also the figures of trust that take about ten more passes of the model")
    add("--workers", type=options.count, metavar="N", help="processes (default: one for each core, at most 8)")
    add("--clips-per-part", type=options.count, default=128, metavar="N", help="rows of a file (default: 128)")
    add("--engine", default="local", choices=["local", "daft", "ray"], help="who shares out the clips (default: local)")
    add("--ray-address", metavar="URL", help="the Ray cluster of --engine ray (default: as Ray finds it)")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.ray_address and arguments.engine != "ray":
        raise options.Misuse("--ray-address is for --engine ray")

    from sifa.batch.row import Settings
    from sifa.batch.run import listed_clips, run_batch
    from sifa.batch.workers import cores, share_threads
    from sifa.model.run import choose_device
    from sifa.weights.card import load_card
    from sifa.weights.download import fetch, sha256
    from sifa.weights.shipped import DEFAULT_CHECKPOINT

    source = arguments.checkpoint or DEFAULT_CHECKPOINT
    card = load_card(source)
    listing = options.read_listing(arguments, classes_needed=False)
    clips = listed_clips(listing, card.labels, arguments.class_numbers_from)
    print(listing.statement, file=sys.stderr)
    workers = arguments.workers or min(cores(), 8)
    file = fetch(source)
    settings = Settings(
        checkpoint=str(file.absolute()),
        sha256=sha256(file),
        out=str(arguments.out.absolute()),
        device=choose_device(arguments.device),
        trust=arguments.trust,
        clips_per_part=arguments.clips_per_part,
        threads=share_threads(workers),
    )
    began = time.monotonic()
    with (
        log_lines(sys.stderr),
        tqdm(total=len(clips), unit=" clips", bar_format=BAR, disable=None, dynamic_ncols=True) as bar,
    ):
        outcome = run_batch(clips, settings, card, choose_engine(arguments, workers), counter(bar))
    print(describe(outcome, arguments, time.monotonic() - began))
    return 0


def choose_engine(arguments: argparse.Namespace, workers: int) -> "Engine":
    """What shares out the clips."""
    if arguments.engine == "local":
        from sifa.batch.workers import local_rows

        return partial(local_rows, workers=workers)
    from sifa.batch.engines import daft_rows

    return partial(daft_rows, workers=workers, ray=arguments.engine == "ray", address=arguments.ray_address)


def counter(bar: "tqdm[Never]") -> "Report":
    """What counts clips on a bar; those that were done before have no part in its rate."""

    def report(done: int, failed: int, kept: int) -> None:
        if not bar.n:
            bar.n = bar.initial = kept
        bar.set_postfix_str(f"{failed} failed", refresh=False)
        bar.update(done - bar.n)

    bar.set_postfix_str("0 failed", refresh=False)
    return report


def describe(outcome: "Outcome", arguments: argparse.Namespace, seconds: float) -> str:
    """What was done, as text or JSON."""
    made = outcome.clips - outcome.kept
    figures = dict(
        out=str(arguments.out),
        clips=outcome.clips,
        failed=outcome.failed,
        kept=outcome.kept,
        clips_per_second=round(made / max(seconds, 1e-9), 3),
    )
    if arguments.json:
        return json.dumps(figures)
    kept = f"; {outcome.kept} were there already" if outcome.kept else ""
    rate = f", {figures['clips_per_second']:.3g} clips/s" if made else ""
    return (
        f"{arguments.out}: {outcome.clips} clips, {outcome.failed} failed{kept}{rate}\n"
        f"to look through them: sifa browse {arguments.out}"
    )
