"""Make a checkpoint from other code's weights: the released training code's .pth, or an image Swin or ResNet.

The file made loads everywhere: `sifa.load`, and --checkpoint of every command."""

import argparse
import json
from collections import Counter
from typing import TYPE_CHECKING

from sifa.cli import options

if TYPE_CHECKING:
    from sifa.weights.convert import Conversion

EXAMPLES = """examples:
  sifa convert current.pth --variant sifa_resnet50_16x224 --out mine.safetensors       released training code
  sifa convert swin_base.pth --variant sifa_swin_base_64x224 --out start.safetensors   an image Swin
  sifa convert hf-hub:timm/resnet50.a1_in1k --variant sifa_resnet50_16x224 --out start.safetensors"""


READING = (
    "which switches of the operator the weights were trained with; own: those of the variant, as sifa.create_model makes it "
    "(default: released, as the released training code)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from sifa.model.registry import list_models
    from sifa.weights.labels import SIZES

    parser.add_argument(
        "source", metavar="WEIGHTS", help="a .pth or .safetensors file, a URL, or hf-hub:owner/name[/file]"
    )
    options.add_out(parser, "the .safetensors file to write", required=True)
    options.add_json(parser)
    add = parser.add_argument
    add("--variant", required=True, choices=list_models(), metavar="NAME", help=f"one of {', '.join(list_models())}")
    add("--reading", default="released", choices=["paper", "released", "own"], help=READING)
    add("--dataset", choices=SIZES, help="whose class list it is, where the number of classes does not tell")
    add("--trained-on", default="", metavar="WORDS", help="for the badge on the page")
    add("--sampling-rate", type=options.count, metavar="N", help="source frames from one frame to the next")
    add("--num-frames", type=options.count, metavar="N", help="frames of a clip, where they differ from the variant's")
    add("--num-classes", type=options.count, metavar="N", help="for image weights: classes of the new classifier")


def run(arguments: argparse.Namespace) -> int:
    options.check_folder(arguments.out)

    from sifa.weights.card import card_of
    from sifa.weights.checkpoint import adopt, save

    config = dict(num_frames=arguments.num_frames, num_classes=arguments.num_classes)
    model, conversion = adopt(
        arguments.source,
        arguments.variant,
        None if arguments.reading == "own" else arguments.reading,
        arguments.dataset,
        arguments.trained_on,
        arguments.sampling_rate,
        **{name: value for name, value in config.items() if value},
    )
    save(model, card_of(model), arguments.out)
    if arguments.json:
        parts = {name: getattr(conversion, name) for name in ("kind", "prefix", "left_out", "fresh")}
        print(json.dumps(dict(file=str(arguments.out)) | parts))
    else:
        print(describe(conversion, arguments.reading), f"written: {arguments.out}", sep="\n")
    return 0


def describe(conversion: "Conversion", reading: str) -> str:
    """What was done to the weights, in lines."""
    lines = [f"read as: {conversion.kind}, reading {reading}"]
    if conversion.kind == "ours":
        lines.append(
            "note: keys do not say all that weights were trained with; for a model that sifa.create_model made without a "
            "reading, give --reading own, else the reading that it was made with"
        )
    if conversion.prefix:
        lines.append(f"taken off every key: {conversion.prefix}")
    for title, entries in (("left out", conversion.left_out), ("not in the file", conversion.fresh)):
        for reason, count in Counter(entries.values()).items():
            keys = [key for key, why in entries.items() if why == reason]
            lines.append(f"{title}: {', '.join(keys[:3])}{' ...' if count > 3 else ''} ({count}): {reason}")
    return "\n".join(lines)
