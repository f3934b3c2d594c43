"""Train a model on generated motion clips, or with --data fine-tune one on clips of your own.

A run that was stopped goes on by the same command. On a CPU the same command gives the same weights for the same number of
threads; under torchrun the processes share each batch."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sifa.cli import options
from sifa.cli.progress import log_lines, progress_bar

if TYPE_CHECKING:
    from sifa.data.user_clips import VideoClips
    from sifa.tracing.records import Progress
    from sifa.training.recipes import Recipe

EXAMPLES = """examples:
  sifa train --data clips --out runs/mine                       fine-tune the shipped weights
  sifa train --data list.csv --checkpoint other.safetensors --steps 350 --out runs/mine
  sifa train --recipe full --out runs/full                      from the start, on generated clips
  sifa train --data train.csv --memory 4096 --readers 8 --device cuda --amp bfloat16 --out runs/large
  torchrun --nproc_per_node 2 -m sifa train --out runs/full     several processes"""

MEMORY = 512  # MiB
CHANGES: dict[str, tuple[Callable[[str], Any], str, str]] = {  # of a recipe's fields: type, metavar and help
    "variant": (str, "NAME", "a name that sifa.list_models gives, for a new model"),
    "config": (
        options.json_object,
        "JSON",
        'arguments of the variant, such as {"offsets": "zero"}; the weights of a --checkpoint must still fit',
    ),
    "steps": (options.count, "N", "batches to train on"),
    "batch": (options.count, "N", "clips in a batch, a multiple of --together"),
    "together": (options.count, "N", "clips made at once, from one seed; more of them for a GPU"),
    "lr": (options.number(), "X", "the highest learning rate"),
    "offset_lr": (options.number(), "X", "that of the offset convolutions, as a multiple of --lr"),
    "weight_decay": (options.number(), "X", "of the weights"),
    "flow_weight": (options.number(), "X", "of the true flow in the loss, on generated clips; 0: none"),
    "photometric_weight": (options.number(), "X", "of the loss that needs no true flow, on generated clips; 0: none"),
    "spread_weight": (options.number(), "X", "of the offsets' distance from their mean in the loss; 0: none"),
    "label_smoothing": (options.number(1), "X", "share of the label that goes to the other classes"),
    "hard_after": (options.whole(0), "N", "steps after which hard motions are drawn more often; 0: never"),
    "family": (str, "NAME", "of the generated scenes: motions, or filmed, which has two answers a clip"),
    "seed": (int, "N", "of all random numbers"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from dataclasses import asdict

    from sifa.training.recipes import RECIPES, Recipe

    options.add_out(parser, "folder of the run: state, log, checkpoint", required=True)
    options.add_data(parser, "train on clips of your own")
    options.add_checkpoint(parser, "with --data the shipped ones, else a new model")
    options.add_device(parser)
    options.add_json(parser)
    options.add_amp(parser, "bfloat16")
    options.add_compile(parser)
    options.add_readers(parser, "processes that read clips of --data ahead")
    add = parser.add_argument
    add("--recipe", choices=RECIPES, help="what to train on generated clips (default: full)")
    add("--threads", type=options.whole(1, 1024), default=1, metavar="N", help="of the CPU (default: 1)")
    add(
        "--memory",
        type=options.whole(0, 10**7),
        default=MEMORY,
        metavar="MIB",
        help=f"of the clips of --data that each process keeps; the others are read from the disk each time (default: {MEMORY})",
    )
    add(
        "--measure",
        type=options.whole(0),
        default=2400,
        metavar="N",
        help="generated clips that the result is measured on; 0: none (default: 2400)",
    )
    add(
        "--accept-changes",
        action="store_true",
        help="go on with a run although its clips, first weights or recipe have changed since",
    )
    changes = parser.add_argument_group("changes to the recipe")
    for name in asdict(Recipe()):
        kind, metavar, what = CHANGES[name]
        changes.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=what)


def check(arguments: argparse.Namespace) -> None:
    """Raises Misuse for options that do not go together."""
    if arguments.labels and not arguments.data:
        raise options.Misuse("--labels names the classes of --data; give both")
    if (arguments.videos or arguments.allow_missing) and not arguments.data:
        raise options.Misuse("--videos and --allow-missing are for a list of --data; give it, too")
    if arguments.class_numbers_from is not None and not arguments.labels:
        raise options.Misuse("--class-numbers-from counts the names of --labels; give both")
    if arguments.recipe and arguments.data:
        raise options.Misuse("--recipe is for generated clips; leave it out where --data gives your own")
    if arguments.data and arguments.out.resolve().is_relative_to(arguments.data.resolve()):
        raise options.Misuse(
            f"--out {arguments.out} lies in --data, where it would be taken for a class; give another one"
        )
    if (arguments.readers, arguments.memory) != (options.READERS, MEMORY) and not arguments.data:
        raise options.Misuse("--readers and --memory are for the clips of --data; give it, too")
    for name, given in (("variant", "data"), ("config", "data"), ("variant", "checkpoint")):
        if getattr(arguments, name) and getattr(arguments, given):
            raise options.Misuse(
                f"--{name} cannot change with --{given}: the model is that of the checkpoint; leave it out"
            )


def run(arguments: argparse.Namespace) -> int:
    check(arguments)

    import torch

    from sifa.data.reading import deaths_said
    from sifa.evaluation.memory import keep_freed_memory
    from sifa.evaluation.processes import is_first, leave
    from sifa.training.folder import check_place
    from sifa.training.loop import train
    from sifa.training.record import Computing
    from sifa.training.result import describe_result
    from sifa.weights.card import load_card
    from sifa.weights.shipped import DEFAULT_CHECKPOINT

    start = arguments.checkpoint or (DEFAULT_CHECKPOINT if arguments.data else None)
    recipe = choose_recipe(arguments, start)
    check_place(arguments.out)  # before the clips are read, which may take long
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    with progress_bar() as progress, log_lines(sys.stderr if arguments.json else sys.stdout), deaths_said():
        try:
            data = read_data(arguments, start, recipe.seed, progress) if start and arguments.data else None
            file = train(
                recipe,
                arguments.out,
                arguments.device,
                start,
                data,
                measure_clips=arguments.measure,
                progress=progress,
                accept_changes=arguments.accept_changes,
                computing=Computing(arguments.amp, arguments.compile),
            )
        finally:
            leave()
    card = load_card(file)
    if is_first() and arguments.json:
        print(json.dumps(dict(file=str(file), trained_on=card.trained_on, metrics=card.metrics)))
    elif is_first():
        print(": ".join(filter(None, (f"wrote {file}", describe_result(card)))))
    return 0


def read_data(arguments: argparse.Namespace, start: str | Path, seed: int, progress: "Progress") -> "VideoClips":
    """The clips of --data; says what it was read as, which could not be read, and how many there are."""
    from sifa.evaluation.processes import is_first
    from sifa.training.clips import describe_clips, read_clips
    from sifa.training.processes import Processes
    from sifa.weights.card import load_card

    listing = options.read_listing(arguments)
    if is_first():
        logging.getLogger(__name__).info(listing.statement)
    clips = read_clips(
        listing,
        load_card(start),
        seed,
        progress if is_first() else None,
        readers=arguments.readers,
        memory=arguments.memory << 20,
        out=arguments.out,
        processes=Processes(arguments.device),
    )
    if is_first():
        logging.getLogger(__name__).info(describe_clips(clips))
    return clips


def choose_recipe(arguments: argparse.Namespace, start: str | Path | None) -> "Recipe":
    """The named recipe with what the command line changes of it; its variant is that of a checkpoint to go on from.

    Raises Misuse where the recipe cannot be."""
    from dataclasses import asdict, replace

    from sifa.model.registry import model_config
    from sifa.training.recipes import FINE_TUNING, RECIPES
    from sifa.weights.card import load_card

    recipe = FINE_TUNING if arguments.data else RECIPES[arguments.recipe or "full"]
    changes = {}
    for name, value in asdict(recipe).items():
        change = getattr(arguments, name)
        if change is not None:
            changes[name] = value | change if isinstance(value, dict) else change
    config: dict[str, Any] = {}
    if start:
        card = load_card(start)
        changes["variant"], config = card.variant, card.config
    try:
        recipe = replace(recipe, **changes)
        model_config(recipe.variant, **config | recipe.config)
    except ValueError as error:
        raise options.Misuse(str(error)) from None
    return recipe
