"""`sifa trust`."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from sifa.errors import VideoError, WeightsError
from sifa.tracing.predict import predict
from sifa.tracing.trust import trust_figures
from sifa.tracing.trust_words import describe_trust
from sifa.video.read import read_clip
from sifa.weights.checkpoint import load
from sifa.weights.shipped import DEFAULT_CHECKPOINT


def main() -> None:
    parser = argparse.ArgumentParser(prog="sifa trust", description="How far to trust what a clip's trace shows.")
    parser.add_argument("clip", help="a video file")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    try:
        model = load(args.checkpoint)
        card = model.card
        prediction = predict(model, read_clip(args.clip, card.num_frames, card.sampling_rate))
    except (VideoError, WeightsError) as error:
        raise SystemExit(str(error)) from None
    if not len(prediction.trace):
        raise SystemExit("this model has no SIFA block, so there is nothing to trust or distrust; choose other weights")
    trust = trust_figures(model, prediction)
    print(json.dumps(asdict(trust)) if args.json else describe_trust(trust))
