"""Make the files that this project is shipped and measured with."""

import argparse
from pathlib import Path

from sifa.cli import options
from sifa.cli.progress import progress_bar

EXAMPLES = """examples:
  sifa make samples --out samples    the sample clips with their packed traces
  sifa make pasted --out pasted      240 mp4 files of the 24 motions, made by other means than the generator"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("samples", "pasted"))
    options.add_out(parser, "folder to write (default for the samples: where the shipped ones are)")
    samples = parser.add_argument_group("samples")
    options.add_checkpoint(samples)
    options.add_device(samples)


def run(arguments: argparse.Namespace) -> int:
    if arguments.what == "samples":
        make_samples(arguments)
        return 0
    if not arguments.out:
        raise options.Misuse("sifa make pasted needs a folder to write; give --out")

    from sifa.data.motion import pasted

    with progress_bar() as progress:
        pasted.make(arguments.out, progress=progress)
    return 0


def make_samples(arguments: argparse.Namespace) -> None:
    """Write the sample clips and their traces, and say what the weights answer to each."""
    from tqdm import tqdm

    from sifa.evaluation import samples
    from sifa.weights.shipped import ASSETS

    folder: Path = arguments.out or ASSETS / "samples"
    with progress_bar() as progress:
        for label, prediction in samples.make_samples(options.load_model(arguments), folder, progress):
            said = ", ".join(f"{answer.text} {answer.probability:.2f}" for answer in prediction.answers())
            tqdm.write(f"{label}: {said}")
