"""Say how far to trust what a clip's trace shows: figures of every SIFA block, and whether the answer depends on them."""

import argparse
import json
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from sifa.cli import options
from sifa.cli.progress import progress_bar

if TYPE_CHECKING:
    from sifa.tracing.records import Prediction
    from sifa.video.clip import Clip

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
    from sifa.tracing.predict import predict, predict_anywhere
    from sifa.tracing.trust import trust_figures
    from sifa.tracing.trust_words import describe_trust
    from sifa.weights.card import card_of

    clip: Clip | None = None

    def attempt(device: str) -> "Prediction":
        nonlocal clip
        model = options.load_model(arguments, device)
        clip = clip or card_of(model).read(arguments.clip)
        prediction = predict(model, clip, progress)
        if not len(prediction.trace):
            raise RunError(
                "this model has no SIFA block, so there is nothing to trust or distrust; choose other weights"
            )
        progress("how far to trust it", 0.0)
        return replace(prediction, trust=trust_figures(model, prediction))

    with progress_bar() as progress:
        prediction = predict_anywhere(arguments.device, attempt)
    assert prediction.trust
    print(json.dumps(asdict(prediction.trust)) if arguments.json else describe_trust(prediction.trust))
    for note in prediction.notes:
        print(note, file=sys.stderr)
    return 0
