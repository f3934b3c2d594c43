"""Say what a clip shows: the five most probable classes, and with --out the trace of every SIFA block."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from sifa.cli import options
from sifa.cli.progress import progress_bar

if TYPE_CHECKING:
    from sifa.tracing.records import Prediction
    from sifa.video.clip import Clip
    from sifa.weights.card import ModelCard

EXAMPLES = """examples:
  sifa predict clip.mp4
  sifa predict clip.mp4 --out page.html              the explorer, in one file
  sifa predict clip.mp4 --what-if --out clip.sifa    a packed trace with every what-if
  sifa predict clip.mp4 --start-seconds 3 --json
  sifa predict clip.mp4 --start 90 --sampling-rate 2
  sifa predict video.mp4 --whole --csv strip.csv     the answers over time, of up to two minutes"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clip", help="a video file")
    options.add_checkpoint(parser)
    options.add_device(parser)
    options.add_amp(parser, "bfloat16")
    seconds = parser.add_argument_group("sampling by time, as the weights want it")
    seconds.add_argument(
        "--start-seconds", type=options.number(10**6), metavar="S", help="what is shown then comes first (default: 0)"
    )
    seconds.add_argument(
        "--step-seconds", type=options.number(10**6), metavar="S", help="from one to the next (default: the weights')"
    )
    frames = parser.add_argument_group("sampling by frames, in place of that")
    frames.add_argument("--start", type=options.whole(0), metavar="N", help="first source frame (default: 0)")
    frames.add_argument(
        "--sampling-rate",
        type=options.count,
        metavar="N",
        help="source frames from one frame to the next (default: the weights')",
    )
    parser.add_argument("--what-if", action="store_true", help="also try every what-if, and how far to trust the trace")
    whole = parser.add_argument_group("the whole video, up to two minutes of it, in place of one clip")
    whole.add_argument("--whole", action="store_true", help="print the answers over time, off cuts; --out takes .json")
    whole.add_argument("--csv", type=options.place, metavar="FILE", help="also write them as a table")
    options.add_out(parser, "write a trace (.sifa), a page (.html) or a summary (.json)")
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    out = arguments.out
    if arguments.whole:
        return run_whole(arguments)
    if arguments.csv:
        raise options.Misuse("--csv writes answers over time; give --whole, too")
    if out:
        options.check_suffix("--out", out, ".sifa (trace)", ".html (page)", ".json (summary)")
        options.check_folder(out)

    from sifa.tracing.predict import predict, predict_anywhere, summary
    from sifa.tracing.trust import add_trust
    from sifa.weights.card import card_of

    clip: Clip | None = None

    def attempt(device: str) -> "Prediction":
        nonlocal clip
        model = options.load_model(arguments, device)
        clip = clip or read(arguments, card_of(model))
        prediction = predict(model, clip, progress, amp=arguments.amp is not None)
        return add_trust(model, prediction, progress) if arguments.what_if else prediction

    with progress_bar() as progress:
        prediction = predict_anywhere(arguments.device, attempt)
        if out:
            write(prediction, out)
    print(json.dumps(summary(prediction)) if arguments.json else describe(prediction))
    return 0


def run_whole(arguments: argparse.Namespace) -> int:
    """`run` of the whole video."""
    other = ("--step-seconds", "--start", "--sampling-rate", "--what-if")
    values = {name: getattr(arguments, name.strip("-").replace("-", "_")) for name in other}
    if given := [name for name, value in values.items() if value is not None and value is not False]:
        raise options.Misuse(f"--whole samples as the weights want it and knows no {given[0]}; leave that out")
    if arguments.out:
        options.check_suffix("--out", arguments.out, ".json (spans, table and cuts)")
    for file in filter(None, (arguments.out, arguments.csv)):
        options.check_folder(file)

    from sifa.tracing.whole import WholeVideo

    with progress_bar() as progress:
        model = options.load_model(arguments)
        whole = WholeVideo(
            model,
            arguments.clip,
            arguments.start_seconds or 0.0,
            progress=progress,
            amp=arguments.amp is not None,
        )
        for _ in whole:
            pass
    strip = whole.strip()
    if arguments.out:
        arguments.out.write_text(json.dumps(strip.as_dict(), indent=2) + "\n", encoding="utf-8")
    if arguments.csv:
        arguments.csv.write_text(strip.to_csv(), encoding="utf-8")
    if arguments.json:
        print(json.dumps(strip.as_dict()))
    else:
        print("\n".join([strip.video, *(f"  {line}" for line in strip.words()), *strip.remarks]))
        print(f"weights: {whole.card.trained_on or 'untrained'}")
    return 0


def read(arguments: argparse.Namespace, card: "ModelCard") -> "Clip":
    """The clip, sampled as the options say, or as the weights want it."""
    from sifa.video.read import read_clip, read_seconds

    counted = {"--start": arguments.start, "--sampling-rate": arguments.sampling_rate}
    timed = {"--start-seconds": arguments.start_seconds, "--step-seconds": arguments.step_seconds}
    given = [[name for name, value in group.items() if value is not None] for group in (counted, timed)]
    if all(given):
        raise options.Misuse(f"{given[0][0]} counts frames and {given[1][0]} counts seconds; give one of the two kinds")
    if given[0]:
        rate = arguments.sampling_rate or card.sampling_rate
        return read_clip(arguments.clip, card.num_frames, rate, arguments.start or 0)
    start = arguments.start_seconds or 0.0
    if arguments.step_seconds is None:
        return card.read(arguments.clip, start)
    return read_seconds(arguments.clip, card.num_frames, arguments.step_seconds, start)


def write(prediction: "Prediction", file: Path) -> None:
    """A prediction as a packed trace (.sifa), a page in one file (.html) or its summary (.json), by suffix."""
    from sifa.explorer.format.pack import pack
    from sifa.explorer.page import to_html
    from sifa.tracing.predict import summary

    match file.suffix.lower():
        case ".sifa":
            file.write_bytes(pack(prediction))
        case ".html":
            title = f"{Path(prediction.clip.path).stem}: {prediction.headline}"
            file.write_text(to_html(pack(prediction), title=title), encoding="utf-8")
        case ".json":
            file.write_text(json.dumps(summary(prediction), indent=2) + "\n", encoding="utf-8")


def describe(prediction: "Prediction") -> str:
    """The answer, in lines."""
    clip = prediction.clip
    lines = [f"{Path(clip.path).name}, frames {clip.indices[0]} to {clip.indices[-1]} of {clip.source_frames}"]
    if prediction.withheld:
        return "\n".join([*lines, f"no answer: {prediction.withheld}", *clip.notes, *prediction.notes])
    for group in [group.name for group in prediction.card.groups] or [""]:
        lines += [f"{group}:"] if group else []
        lines += [f"  {p:6.1%}  {label}" for label, p in prediction.top(3 if group else 5, group)]
    lines += [": ".join(filter(None, (answer.group, "unsure"))) for answer in prediction.answers() if not answer.sure]
    lines += [f"  {p:6.1%}  {label}  (what if: {title.lower()})" for title, label, p in prediction.changed_answers()]
    lines += [*clip.notes, *prediction.notes]
    lines.append(f"weights: {prediction.card.trained_on or 'untrained'}")
    return "\n".join(lines)
