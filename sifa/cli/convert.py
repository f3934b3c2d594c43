"""Make one of our checkpoints from other code's weights: `sifa convert SOURCE --variant NAME --out FILE`.

SOURCE is the released training code's .pth, an image Swin (official or timm) or ResNet (torchvision), as a path, a URL or
a hub id. The file made loads everywhere: `sifa.load`, `--checkpoint` of the page and of every command.
"""

import argparse
from collections import Counter
from pathlib import Path

from sifa.errors import WeightsError
from sifa.model.registry import list_models
from sifa.weights.checkpoint import adopt, save
from sifa.weights.convert import Converted
from sifa.weights.labels import SIZES


def account(converted: Converted) -> str:
    """What was done to the weights, in lines."""
    lines = [f"read as: {converted.kind}"]
    for title, entries in (("left out", converted.left_out), ("not in the file", converted.fresh)):
        for reason, count in Counter(entries.values()).items():
            keys = [key for key, why in entries.items() if why == reason]
            lines.append(f"{title}: {', '.join(keys[:3])}{' ...' if count > 3 else ''} ({count}): {reason}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="sifa convert", description="Other code's weights as one of our files.")
    parser.add_argument("source", help="a .pth or .safetensors file, a URL, or hf-hub:owner/name[/file]")
    parser.add_argument("--variant", required=True, choices=list_models())
    parser.add_argument("--reading", default="released", choices=["paper", "released"])
    parser.add_argument("--labels", choices=SIZES, help="class list, where the number of classes does not tell")
    parser.add_argument("--trained-on", default="", help="in words, for the badge on the page")
    parser.add_argument("--sampling-rate", type=int, help="source frames from one frame to the next")
    parser.add_argument("--num-frames", type=int, help="frames of a clip, where they differ from the variant's")
    parser.add_argument("--num-classes", type=int, help="for image weights: classes of the new classifier")
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")
    args = parser.parse_args()
    config = {k: v for k, v in (("num_frames", args.num_frames), ("num_classes", args.num_classes)) if v}
    try:
        model, converted = adopt(
            args.source, args.variant, args.reading, args.labels, args.trained_on, args.sampling_rate, **config
        )
        save(model, model.card, args.out)
    except (WeightsError, OSError) as error:
        raise SystemExit(str(error)) from None
    print(account(converted), f"written: {args.out}", sep="\n")


if __name__ == "__main__":
    main()
