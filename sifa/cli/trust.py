"""Say how far to trust what a clip's trace shows: figures of every SIFA block, and whether the answer depends on them."""

import argparse
import json
from dataclasses import asdict

from sifa.cli import options
from sifa.cli.progress import progress_bar

EXAMPLES = """examples:
  sifa trust clip.mp4
  sifa trust clip.mp4 --checkpoint runs/mine/checkpoint.safetensors --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clip", help="a video file")
    options.add_checkpoint(parser)
    options.add_device(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sifa.errors import RunError
    from sifa.tracing.predict import predict
    from sifa.tracing.trust import trust_figures
    from sifa.tracing.trust_words import describe_trust
    from sifa.weights.card import card_of

    with progress_bar() as progress:
        model = options.load_model(arguments)
        card = card_of(model)
        prediction = predict(model, card.read(arguments.clip), progress)
        if not len(prediction.trace):
            raise RunError(
                "this model has no SIFA block, so there is nothing to trust or distrust; choose other weights"
            )
        progress("how far to trust it", 0.0)
        trust = trust_figures(model, prediction)
    print(json.dumps(asdict(trust)) if arguments.json else describe_trust(trust))
    return 0
