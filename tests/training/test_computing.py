"""Runs in reduced precision, compiled, and shared by processes."""

import csv
import logging
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sifa.data.listing import read_listing
from sifa.errors import DataError, RunError
from sifa.training.clips import read_clips
from sifa.training.folder import claimed
from sifa.training.loop import train
from sifa.training.record import Computing
from sifa.weights.card import load_card
from tests.training.small import OWN, SMALL, weights

ROOT = Path(__file__).parents[2]


def losses_of(run):
    """The cross-entropy of each step."""
    seen = []
    run(lambda what, share: seen.append(float(re.match(r"loss ([\d.]+),", what)[1])))
    return torch.tensor(seen)


@pytest.fixture(scope="module")
def data(own, start):
    return read_clips(read_listing(own), load_card(start))


def test_reduced_precision_learns_as_full_precision_does(data, tmp_path, start):
    recipe = replace(OWN, steps=100, lr=5e-3)

    def run(amp):
        options = dict(start=start, data=data, computing=Computing(amp))
        return losses_of(lambda progress: train(recipe, tmp_path / f"{amp}", progress=progress, **options))

    full, reduced = run(None), run("bfloat16")
    assert not torch.equal(full, reduced)
    assert (full[0] - reduced[0]).abs() < 0.02
    assert (full - reduced)[-10:].mean().abs() < 0.05
    for losses in (full, reduced):
        assert losses[-10:].mean() < losses[:10].mean() - 0.05
    cards = [load_card(tmp_path / run / "checkpoint.safetensors") for run in ("None", "bfloat16")]
    assert [card.recipe["precision"] for card in cards] == ["float32", "bfloat16"]
    held = load_file(tmp_path / "bfloat16/checkpoint.safetensors")
    assert {value.dtype for value in held.values() if value.is_floating_point()} == {torch.float32}


def test_reduced_precision_goes_on_to_the_same_weights_and_never_unsaid_to_another(data, tmp_path, start):
    half = Computing("bfloat16")
    whole = train(OWN, tmp_path / "whole", start=start, data=data, computing=half)

    def stop(what, share):
        if round(share * OWN.steps) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(OWN, tmp_path / "parts", start=start, data=data, computing=half, save_every=2, progress=stop)
    said = r"The precision was bfloat16 and is float32 now \(--amp\)\. Choose another --out, or add --accept-changes"
    with pytest.raises(DataError, match=said):
        train(OWN, tmp_path / "parts", start=start, data=data)
    assert weights(train(OWN, tmp_path / "parts", start=start, data=data, computing=half)) == weights(whole)


def test_a_precision_that_needs_scaled_gradients_is_refused():
    with pytest.raises(RunError, match="amp is 'float16'; training takes bfloat16"):
        Computing("float16")


@pytest.mark.full
def test_a_compiled_run_is_near_one_that_is_not(data, tmp_path, start, caplog):
    def run(compiled):
        options = dict(computing=Computing(compile=compiled))
        return losses_of(
            lambda progress: train(OWN, tmp_path / f"{compiled}", start=start, data=data, progress=progress, **options)
        )

    torch.testing.assert_close(run(False), run(True), atol=2e-3, rtol=1e-3)
    with caplog.at_level(logging.WARNING, "sifa"):
        train(OWN, tmp_path / "True", start=start, data=data)
    assert "compile was True and is False now. The last digits" in caplog.text


@pytest.mark.full
def test_a_compiled_run_follows_the_flow_too(tmp_path):
    def run(compiled):
        options = dict(measure_clips=0, computing=Computing(compile=compiled))
        return losses_of(lambda progress: train(SMALL, tmp_path / f"{compiled}", progress=progress, **options))

    torch.testing.assert_close(run(False), run(True), atol=2e-3, rtol=1e-3)


def command(clips, out, start, *options, processes=1, steps=40):
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    given = ["--data", clips, "--out", out, "--checkpoint", start, "--steps", steps, "--batch", 16, *options]
    return [sys.executable, *(torchrun if processes > 1 else []), "-m", "sifa", "train", *map(str, given)]


def run(*arguments, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command(*arguments, **options),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def near(one, other):
    """Weights after some steps: sums in another order, nothing else."""
    one, other = load_file(one / "checkpoint.safetensors"), load_file(other / "checkpoint.safetensors")
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], atol=2e-3, rtol=2e-3, msg=lambda text, of=name: f"{of}: {text}")


@pytest.mark.full
def test_two_processes_give_the_weights_of_one_and_go_on_after_kill_9(clips, tmp_path, start):
    said = run(clips, tmp_path / "one", start)
    assert re.search(r"clips/s, \d+% of the time waiting for data", said)
    said = run(clips, tmp_path / "two", start, processes=2)
    assert said.count("10 clips of 2 classes, 2 of them held out; 0 could not be read") == 1
    assert [len(file.read_text().split("\n\n")) for file in (tmp_path / "two").glob("clips-*.jsonl")] == [1, 1]
    near(tmp_path / "one", tmp_path / "two")
    rows = [list(csv.DictReader((tmp_path / out / "log.csv").open())) for out in ("one", "two")]
    for one, two in zip(*rows):
        assert float(one["cross_entropy"]) == pytest.approx(float(two["cross_entropy"]), rel=2e-3)
        assert float(two["clips_per_second"]) > 0
        assert 0 <= float(two["waiting"]) <= 1

    kill_on_the_way(clips, tmp_path / "killed", start)
    run(clips, tmp_path / "killed", start, processes=2)
    assert weights(tmp_path / "killed/checkpoint.safetensors") == weights(tmp_path / "two/checkpoint.safetensors")
    kill_on_the_way(clips, tmp_path / "alone", start)
    assert "processes was 2 and is 1 now. The last digits" in run(clips, tmp_path / "alone", start)
    near(tmp_path / "one", tmp_path / "alone")


@pytest.mark.full
def test_two_processes_that_read_from_the_disk_give_the_weights_of_one_that_keeps_its_clips(clips, tmp_path, start):
    run(clips, tmp_path / "one", start, steps=4)
    assert "the others are read from the disk each time" in run(
        clips, tmp_path / "two", start, "--memory", 0, processes=2, steps=4
    )
    near(tmp_path / "one", tmp_path / "two")


def kill_on_the_way(clips, out, start):
    """Two processes, killed as soon as there is a state of some step."""
    started = subprocess.Popen(
        command(clips, out, start, processes=2, steps=40),
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 200
    while not (out / "state.before.pt").exists() and time.monotonic() < until and started.poll() is None:
        time.sleep(0.01)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    assert not (out / "checkpoint.safetensors").exists()


@pytest.mark.slow
def test_a_fault_of_one_process_ends_all_with_a_sentence(clips, tmp_path, start):
    """The folder is another's, which the first process alone looks at, while the second waits for it."""
    with claimed(tmp_path / "run"):
        done = subprocess.run(
            command(clips, tmp_path / "run", start, processes=2),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    assert done.returncode != 0
    assert f"another process is training into {tmp_path}/run; wait until it ends" in done.stderr
