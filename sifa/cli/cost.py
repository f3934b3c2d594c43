"""Count the parameters and multiply-adds of every variant, beside the paper's numbers; nothing is computed."""

import argparse
import json
from dataclasses import asdict

from sifa.cli import options
from sifa.cli.progress import progress_bar

EXAMPLES = """examples:
  sifa cost
  sifa cost --num-frames 32 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--num-frames",
        type=options.count,
        nargs="+",
        default=[16, 32, 64],
        metavar="N",
        help="frames of a clip, for the Swin variants (default: 16 32 64)",
    )
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sifa.model.cost import costs, table

    with progress_bar() as progress:
        try:
            result = costs(tuple(arguments.num_frames), progress)
        except ValueError as error:
            raise options.Misuse(str(error)) from None
    if arguments.json:
        print(json.dumps({f"{family} {frames}": asdict(cost) for (family, frames), cost in result.items()}))
    else:
        print(table(result))
    return 0
