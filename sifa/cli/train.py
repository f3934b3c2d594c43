"""`sifa train`."""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from tqdm import tqdm

from sifa.data.listing import find_clips
from sifa.data.user_clips import VideoClips
from sifa.errors import DataError, WeightsError
from sifa.evaluation.memory import keep_freed_memory
from sifa.training.loop import train
from sifa.training.recipes import FINE_TUNING, RECIPES, Recipe
from sifa.weights.card import ModelCard, load_card
from sifa.weights.shipped import DEFAULT_CHECKPOINT


def read_data(data: Path, labels: Path | None, base: ModelCard, seed: int) -> VideoClips:
    """The user's clips as a checkpoint's model wants them; says what was skipped. Raises DataError."""
    with tqdm(total=1.0, desc="decoding", bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}") as bar:

        def show(_: str, share: float) -> None:
            bar.update(share - bar.n)

        clips = VideoClips(find_clips(data, labels), base.size, base.num_frames, base.sampling_rate, seed, show)
    for file, why in clips.skipped.items():
        print(f"skipped {file}: {why}")
    print(
        f"{clips.count} clips of {len(clips.labels)} classes, {len(clips.held_out)} of them held out; "
        f"{len(clips.skipped)} could not be read"
    )
    return clips


def main() -> None:
    parser = argparse.ArgumentParser(prog="sifa train", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: state, log, checkpoint")
    parser.add_argument("--recipe", choices=RECIPES, default="full", help="what to train on generated clips")
    parser.add_argument("--data", type=Path, help="folder with one sub-folder of clips per class, or a list file")
    parser.add_argument("--labels", type=Path, help="names of the classes, where --data gives numbers")
    parser.add_argument("--from", dest="start", type=Path, help="checkpoint to go on from; with --data the shipped one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", type=int, default=2400, help="held-out generated clips for the card's accuracy")
    changed = {}
    for name, default in asdict(Recipe()).items():
        kind = json.loads if isinstance(default, dict) else type(default)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    args = parser.parse_args()
    recipe = FINE_TUNING if args.data else RECIPES[args.recipe]
    for name, value in asdict(recipe).items():
        given = getattr(args, name)
        if given is not None:
            changed[name] = value | given if isinstance(value, dict) else given
    recipe = replace(recipe, **changed)
    start, data = args.start or (DEFAULT_CHECKPOINT if args.data else None), None
    try:
        if start:
            base = load_card(start)
            recipe = replace(recipe, variant=base.variant)
        if args.data:
            data = read_data(args.data, args.labels, base, recipe.seed)
    except (DataError, WeightsError) as error:
        raise SystemExit(str(error)) from None
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    train(recipe, args.out, args.device, start, data, measured=args.measure)
