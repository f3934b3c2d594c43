"""Predict a clip from the command line: `sifa predict CLIP [--out trace.sifa | page.html | clip.json]`."""

import argparse
import json
from pathlib import Path

from sifa import explorer
from sifa.errors import VideoError, WeightsError
from sifa.tracing.predict import predict, summary
from sifa.tracing.records import Prediction
from sifa.tracing.trust import add_trust
from sifa.video.read import read_clip
from sifa.weights.checkpoint import load
from sifa.weights.shipped import DEFAULT_CHECKPOINT


def write(prediction: Prediction, file: Path) -> None:
    """Write a prediction as a packed trace (.sifa), a single-file page (.html) or its summary (.json), by suffix."""
    match file.suffix:
        case ".sifa":
            file.write_bytes(explorer.pack(prediction))
        case ".html":
            title = f"{Path(prediction.clip.path).stem}: {prediction.top(1)[0][0]}"
            file.write_text(explorer.to_html(explorer.pack(prediction), title=title), encoding="utf-8")
        case ".json":
            file.write_text(json.dumps(summary(prediction), indent=2) + "\n", encoding="utf-8")
        case suffix:
            raise ValueError(f"--out ends in {suffix!r}; use .sifa (trace), .html (page) or .json (summary)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="sifa predict", description="What does this clip show?")
    parser.add_argument("clip", help="a video file")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="a file, a URL, or hf-hub:owner/name")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--amp", action="store_true", help="bfloat16 where it is faster, mostly on a GPU")
    parser.add_argument("--start", type=int, default=0, help="first source frame")
    parser.add_argument("--sampling-rate", type=int, help="source frames from one sampled frame to the next")
    parser.add_argument("--what-if", action="store_true", help="also try every what-if, and how far to trust the trace")
    parser.add_argument("--out", type=Path, help="write trace.sifa, page.html or clip.json")
    args = parser.parse_args()
    try:
        model = load(args.checkpoint, args.device)
        rate = args.sampling_rate or model.card.sampling_rate
        prediction = predict(model, read_clip(args.clip, model.card.num_frames, rate, args.start), amp=args.amp)
        if args.what_if:
            prediction = add_trust(model, prediction)
        if args.out:
            write(prediction, args.out)
    except (VideoError, WeightsError, ValueError) as error:
        raise SystemExit(str(error)) from None
    clip = prediction.clip
    print(f"{Path(clip.path).name}, frames {clip.indices[0]} to {clip.indices[-1]} of {clip.source_frames}")
    for label, p in prediction.top(5):
        print(f"  {p:6.1%}  {label}")
    for title, label, p in prediction.changed_answers():
        print(f"  {p:6.1%}  {label}  (what if: {title.lower()})")
    print(f"weights: {prediction.card.trained_on or 'untrained'}")


if __name__ == "__main__":
    main()
