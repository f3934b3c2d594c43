"""Short trainings on the device: by the command, and clips per second of the recipes."""

import contextlib
import io
import json
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import sifa
from sifa.cli import main
from sifa.training.loop import train
from sifa.training.recipes import RECIPES
from tests.gpu.report import Report, Setting
from tests.predictions import moving_clip

WARM = 5  # steps before the clock starts
RATES = (("full", 16, 40), ("full", 64, 25), ("attention", 64, 25))  # recipe, batch, steps


def check(report: Report, setting: Setting) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with report.case("sifa train"):
            command(report, setting, Path(folder) / "command")
        for number, (name, batch, steps) in enumerate(() if setting.small else RATES):
            if report.has(f"{name}, batches of {batch}", 15):
                with report.case(f"{name}, batches of {batch}"):
                    rate(report, setting, Path(folder) / str(number), name, batch, steps)
    if setting.small:
        report.skip("clips a second", "the recipes' batches are too large for a CPU")


def command(report: Report, setting: Setting, out: Path) -> None:
    """A few steps; what they leave can be loaded on the CPU."""
    steps, batch = ("2", "8") if setting.small else ("60", "16")
    options = ["--device", setting.device, "--steps", steps, "--batch", batch, "--measure", "0", "--json"]
    began, said = time.monotonic(), io.StringIO()
    with contextlib.redirect_stdout(said):
        status = main(["train", "--recipe", "full", "--out", str(out), *options])
    report.figure(f"sifa train, {steps} steps of {batch} clips: seconds", time.monotonic() - began)
    report.holds("sifa train: ends well", status == 0)
    row = (out / "log.csv").read_text().splitlines()[-1].split(",")
    report.holds("sifa train: the loss is a number", math.isfinite(float(row[3])), f"cross-entropy {row[3]}")
    model = sifa.load(json.loads(said.getvalue().splitlines()[-1])["file"])
    report.holds("sifa train: its weights predict", bool(np.isfinite(sifa.predict(model, moving_clip()).logits).all()))


def rate(report: Report, setting: Setting, out: Path, name: str, batch: int, steps: int) -> None:
    """Clips per second after the first steps; each step ends with its loss on the CPU."""
    times: list[float] = []
    recipe = replace(RECIPES[name], batch=batch, steps=steps)
    train(recipe, out, setting.device, measure_clips=0, progress=lambda *_: times.append(time.monotonic()))
    times = times[:steps]  # what comes after are no steps
    report.figure(
        f"{name}, batches of {batch}: clips/s",
        batch * (len(times) - WARM) / (times[-1] - times[WARM - 1]),
        f"{steps} steps",
    )
