"""Runs that are stopped, changed, damaged, or have nowhere to write: each goes on to the same weights, or says why not."""

import csv
import hashlib
import io
import logging
import os
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sifa
from sifa.cli import main
from sifa.data.listing import read_listing
from sifa.errors import RunError, SifaError
from sifa.training.clips import read_clips
from sifa.training.folder import claimed
from sifa.training.log import COLUMNS, Log
from sifa.training.loop import train
from sifa.training.pace import Pace
from sifa.training.recipes import Recipe
from sifa.training.state import MAGIC, START, Position, State, unsound
from sifa.weights.card import load_card
from sifa.weights.checkpoint import save
from tests.predictions import nano_model
from tests.training.small import OWN, SMALL, add_clip, tune, weights

ROOT = Path(__file__).parents[2]


def refused(run, *words):
    with pytest.raises(SifaError) as error:
        run()
    for each in words:
        assert re.search(each, str(error.value)), f"{each!r} is not in {error.value}"
    assert len(str(error.value)) < 600
    return str(error.value)


@pytest.mark.slow
def test_clips_that_were_added_are_said_and_never_counted_as_trained_on(clips, tmp_path, start):
    file = tune(clips, tmp_path / "run", start)
    before = file.read_bytes()
    add_clip(clips, "up", 9)
    done = r"has done its 6 steps\. The clips of up: 1 new; 6 now, 5 before\. Choose another --out, or give more --steps and --a"
    refused(lambda: tune(clips, tmp_path / "run", start), done)
    refused(lambda: tune(clips, tmp_path / "run", start, accept_changes=True), done)
    refused(
        lambda: tune(clips, tmp_path / "run", start, replace(OWN, steps=8)), "a run of something else", "from step 6"
    )
    assert file.read_bytes() == before
    longer = tune(clips, tmp_path / "run", start, replace(OWN, steps=8), accept_changes=True)
    card = load_card(longer)
    assert card.trained_on.startswith("11 clips of 2 classes, changed on the way, after ")
    (changed,) = card.recipe["changed"]
    assert changed == "From step 6 on: steps was 6 and is 8 now. The clips of up: 1 new; 6 now, 5 before."
    assert card.recipe["clips"]["count"] == 11
    again = tune(clips, tmp_path / "run", start, replace(OWN, steps=8))  # what was accepted stands in the state
    assert load_card(again).recipe["changed"] == [changed]


def test_every_difference_is_one_sentence(clips, tmp_path, start):
    tune(clips, tmp_path / "run", start)
    (clips / "up/0.mp4").unlink()
    (clips / "down/3.mp4").rename(clips / "down/0a.mp4")  # which changes what is held out
    other = tmp_path / "other.safetensors"
    save(sifa.create_model(SMALL.variant, **SMALL.config), load_card(start), other)
    said = refused(
        lambda: tune(clips, tmp_path / "run", other, replace(OWN, steps=9, lr=2e-3, offset_lr=0.25)),
        r"steps was 6 and is 9 now\.",
        r"lr was 0.001 and is 0.002 now\.",
        r"offset-lr was 0.5 and is 0.25 now\.",
        r"The weights to start from were those with sha256 \w{12}\.\.\. and are those with sha256",
        r"The clips of up: 1 gone; 4 now, 5 before\.",
        r"The clips of down are the same in another order, which decides what is held out\.",
    )
    assert "{" not in said


@pytest.mark.slow
def test_what_the_saved_weights_cannot_take_is_not_accepted(clips, tmp_path, start):
    tune(clips, tmp_path / "run", start)
    add_clip(clips, "left", 1), add_clip(clips, "left", 2)
    shutil.rmtree(clips / "down")
    said = refused(lambda: tune(clips, tmp_path / "run", start, accept_changes=True), "left came and down went")
    assert said.endswith("Choose another --out")
    refused(
        lambda: train(SMALL, tmp_path / "run", measure_clips=0),
        "was trained on clips of your own, and is to go on with gen",
    )
    train(SMALL, tmp_path / "anew", measure_clips=0)
    wider = replace(SMALL, config=SMALL.config | dict(embed_dim=16))
    refused(lambda: train(wider, tmp_path / "anew", measure_clips=0), r"config embed_dim was 8 and is 16 now\. Choose")


def test_names_and_dates_of_clips_do_not_matter(clips, tmp_path, start):
    file = tune(clips, tmp_path / "run", start)
    before = weights(file)
    moved = clips.rename(tmp_path / "moved")
    for video in moved.rglob("*.mp4"):
        os.utime(video, (0, 0))
        video.rename(video.with_name(f"clip {video.name}"))
    assert weights(tune(moved, tmp_path / "run", start)) == before


def test_other_circumstances_are_said_and_gone_on_with(tmp_path, caplog):
    train(SMALL, tmp_path / "run", measure_clips=0)
    torch.set_num_threads(2)
    with caplog.at_level(logging.WARNING, "sifa"):
        train(SMALL, tmp_path / "run", measure_clips=0)
    assert "threads was 1 and is 2 now. The last digits" in caplog.text


KILLED = """
import sys, torch
from dataclasses import replace
from pathlib import Path
from sifa.data.listing import read_listing
from sifa.training.clips import read_clips
from sifa.training.loop import train
from sifa.training.recipes import FINE_TUNING
from sifa.weights.card import load_card
torch.set_num_threads(1)
clips, out, start = sys.argv[1:]
data = read_clips(read_listing(clips), load_card(start))
recipe = replace(FINE_TUNING, variant="sifa_swin", steps=40, batch=8)
train(recipe, Path(out), start=start, data=data, save_every=3, progress=lambda *_: print("step", flush=True))
"""


@pytest.mark.slow
def test_fine_tuning_killed_at_any_moment_ends_with_the_same_weights(clips, tmp_path, start):
    """Real processes, each killed a random moment after a random step, until one comes to the end."""
    rng, killed, ended = random.Random(5), 0, 0

    def begin(out):
        command = [sys.executable, "-c", KILLED, str(clips), str(out), str(start)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    whole = begin(tmp_path / "whole")
    assert whole.communicate(timeout=120)[0].count("step") == 40
    while not ended:
        process = begin(tmp_path / "parts")
        for _ in range(rng.randint(5, 20)):
            process.stdout.readline()  # nothing any more where the process has ended
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        killed, ended = killed + (process.returncode != 0), ended + (process.returncode == 0)
    assert killed >= 3
    assert weights(tmp_path / "parts/checkpoint.safetensors") == weights(tmp_path / "whole/checkpoint.safetensors")
    columns = "step", "clips", "cross_entropy", "flow_loss", "accuracy"
    logs = [list(csv.DictReader((tmp_path / run / "log.csv").open())) for run in ("whole", "parts")]
    one, other = ([[row[name] for name in columns] for row in log] for log in logs)
    assert one == other
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == [
        "checkpoint.safetensors", "log.csv", "state.before.pt", "state.pt",
    ]  # fmt: skip


def stop_after(steps):
    """A progress that stops the run once so many steps are done."""

    def progress(what, share, total=OWN.steps):
        if what.startswith("loss") and round(share * total) == steps:
            raise KeyboardInterrupt

    return progress


@pytest.fixture(scope="module")
def runs(own, tmp_path_factory, start):
    """What a whole run gives, and the folder of one that stopped after 4 of 6 steps, with states of steps 2 and 4."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs")
    data = read_clips(read_listing(own), load_card(start))
    whole = train(OWN, folder / "whole", start=start, data=data)
    with pytest.raises(KeyboardInterrupt):
        train(OWN, folder / "stopped", start=start, data=data, save_every=2, progress=stop_after(4))
    return weights(whole), folder / "stopped", data


@pytest.fixture
def stopped(runs, tmp_path, start):
    """The folder of the run that stopped, and how to go on."""
    out = Path(shutil.copytree(runs[1], tmp_path / "run"))
    return out, lambda: train(OWN, out, start=start, data=runs[2], save_every=2)


@pytest.fixture
def whole(runs):
    return runs[0]


DAMAGE = {
    "empty": (lambda data: b"", "is empty"),
    "cut off": (lambda data: data[: len(data) // 2], "is cut off or damaged"),
    "a bit flipped": (lambda data: data[:-999] + bytes([data[-999] ^ 1]) + data[-998:], "is cut off or damaged"),
    "other bytes": (lambda data: b"hello" * 100, "is damaged"),
    "a head alone": (lambda data: MAGIC, "is cut off or damaged"),
    "missing": (None, "is missing"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_state_is_left_for_the_one_before(stopped, whole, name, caplog):
    (out, go_on), (damage, words) = stopped, DAMAGE[name]
    if damage:
        (out / "state.pt").write_bytes(damage((out / "state.pt").read_bytes()))
    else:
        (out / "state.pt").unlink()
    with caplog.at_level(logging.WARNING, "sifa"):
        assert weights(go_on()) == whole
    assert f"state.pt {words}; the run goes on from the state before it, state.before.pt" in caplog.text
    assert not unsound(out / "state.pt")


def test_where_no_state_is_whole_nothing_is_overwritten(stopped):
    out, go_on = stopped
    for name in ("state.pt", "state.before.pt"):
        (out / name).write_bytes(b"PK\3\4 of an earlier version")
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    refused(
        go_on, r"holds state.pt, state.before.pt, log.csv of a run, but no state to go on from", "of an earlier version"
    )
    for name in ("state.pt", "state.before.pt"):
        (out / name).unlink()
        del before[name]
    refused(go_on, r"holds log.csv of a run.*state.pt is missing.*remove these files to begin anew")
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


@pytest.mark.parametrize(
    "held", [[1], {}, dict(position=dict(later=1)), dict(position={}, record={}, model={}, optimizers=[])], ids=str
)
def test_a_state_of_another_version_is_refused(stopped, held):
    """Whole, as its digest says, but with something else in it."""
    out, go_on = stopped
    content = io.BytesIO()
    torch.save(held, content)
    (out / "state.pt").write_bytes(MAGIC + hashlib.sha256(content.getvalue()).digest() + content.getvalue())
    refused(go_on, "state.pt holds something else than this version of the program writes", "choose another --out")


def test_a_run_of_before_clips_were_shuffled_by_epoch_says_so(stopped):
    out, go_on = stopped
    data = (out / "state.pt").read_bytes()
    saved = torch.load(io.BytesIO(data[START:]), weights_only=True)
    assert saved["record"].pop("order") == "shuffled by epoch"
    assert saved["record"].pop("precision") == "float32"
    assert saved["record"]["machine"].pop("compile") is False
    content = io.BytesIO()
    torch.save(saved, content)
    (out / "state.pt").write_bytes(MAGIC + hashlib.sha256(content.getvalue()).digest() + content.getvalue())
    said = refused(
        go_on, r"something else\. The clips were drawn at random and are shuffled by epoch now\. Choose another"
    )
    assert "precision" not in said


@pytest.mark.slow
def test_weights_do_not_depend_on_where_the_clips_are_kept(own, whole, tmp_path, start):
    """Three of ten in memory, the others read by two processes."""
    memory = 3 * 3 * 4 * 37 * 37
    data = read_clips(read_listing(own), load_card(start), readers=2, memory=memory, out=tmp_path / "found")
    assert data.bytes_kept == memory
    assert weights(train(OWN, tmp_path / "run", start=start, data=data)) == whole


@pytest.mark.parametrize("option", ["--out", "--data", "--videos", "--labels"])
def test_a_place_that_is_empty_is_never_the_folder_one_is_in(option, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--out", "run", "--data", "clips", option, ""])
    assert f"{option}: it is empty; give a file or a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "tear", [lambda text: text[:-9], lambda text: "", lambda text: text + "2,1", lambda text: "\0\xff\n,,\n" + text]
)
def test_a_torn_log_keeps_its_whole_rows(tmp_path, tear):
    log = Log(tmp_path / "log.csv")
    for step in range(1, 151):
        log.add(step, step * 8, 0.0, [1.0, 2.0, 0.5], 24, last=False)
    text = tear((tmp_path / "log.csv").read_text())
    (tmp_path / "log.csv").write_text(text, encoding="latin1")
    log = Log(tmp_path / "log.csv", 150)
    for step in range(151, 201):
        log.add(step, step * 8, 0.0, [3.0, 2.0, 0.5], 24, last=False)
    rows = list(csv.reader((tmp_path / "log.csv").open()))
    assert rows[0] == list(COLUMNS)
    assert [row[0] for row in rows[1:]] == [
        str(step) for step in (50, 100, 150, 200) if step == 200 or f"\n{step},{step * 8},0,1.0,2.0,0.5,24,,\n" in text
    ]


def test_a_log_of_an_earlier_version_goes_on(tmp_path):
    before = "step,clips,cpu_seconds,cross_entropy,flow_loss,accuracy,classes_shown\n50,400,9,1.0,2.0,0.5,24\n"
    (tmp_path / "log.csv").write_text(before)
    log, pace = Log(tmp_path / "log.csv", 50), Pace()
    for step in range(51, 101):
        pace.fetch(iter([time.sleep(0.001)]))
        pace.enter(8)
        log.add(step, step * 8, 0.0, [3.0, 2.0, 0.5], 24, last=False, pace=pace)
    old, new = csv.DictReader((tmp_path / "log.csv").open())
    assert (old["step"], old["classes_shown"], old["clips_per_second"], old["waiting"]) == ("50", "24", "", "")
    assert 0 < float(new["clips_per_second"]) < 8 / 0.0001
    assert 0 <= float(new["waiting"]) < 1


def test_the_pace_of_a_lap_is_its_own():
    pace = Pace()

    def slow():
        for _ in range(4):
            time.sleep(0.05)
            yield

    batches = slow()
    for _ in range(2):
        pace.fetch(batches)
        pace.enter(8)
    first = pace.lap()
    assert first.waiting > 0.8
    assert 16 / 0.5 < first.rate <= 16 / 0.1
    time.sleep(0.05)
    pace.fetch(batches)
    pace.enter(8)
    second = pace.lap()
    assert second.waiting < 0.8
    assert second.rate < 8 / 0.1
    assert str(first).endswith("of the time waiting for data")
    assert min(first.rate, second.rate) <= pace.whole().rate <= max(first.rate, second.rate)


@pytest.fixture
def small_files():
    """No file may grow beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_the_last_good_state_kept(stopped, whole, small_files):
    out, go_on = stopped
    good = {name: (out / name).read_bytes() for name in ("state.pt", "state.before.pt")}
    small_files(len(good["state.pt"]) // 2)
    refused(
        go_on,
        r"state\.new\.pt could not be written \(File too large\).*go on from the last good state, by the same command",
    )
    assert {name: (out / name).read_bytes() for name in good} == good
    assert not list(out.glob("*.part"))
    small_files(resource.RLIM_INFINITY)
    assert weights(go_on()) == whole


def test_a_disk_that_is_full_at_the_end_leaves_the_run_to_be_finished(stopped, whole, small_files):
    out, go_on = stopped
    go_on()
    (out / "checkpoint.safetensors").write_bytes(b"the one before")
    small_files(1000)
    refused(go_on, r"could not be written \(File too large\); what was there before is kept")
    assert (out / "checkpoint.safetensors").read_bytes() == b"the one before"
    small_files(resource.RLIM_INFINITY)
    assert weights(go_on()) == whole


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no folder here that nobody can write into")
@pytest.mark.parametrize("out", ["/sys/kernel", "/sys/kernel/runs"])
def test_a_folder_that_cannot_be_written_into(tmp_path, out, capsys):
    assert main(["train", "--out", out, "--measure", "0"]) == 1
    assert "nothing can be written into /sys/kernel (" in capsys.readouterr().err


def test_an_out_that_is_a_file_or_lies_among_the_clips(clips, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main(["train", "--out", str(tmp_path / "file"), "--data", str(clips)]) == 1
    assert f"{tmp_path}/file is a file, and the --out {tmp_path}/file has to be a folder" in capsys.readouterr().err
    assert main(["train", "--out", str(tmp_path / "file" / "run"), "--measure", "0"]) == 1
    assert f"{tmp_path}/file is a file, and the --out {tmp_path}/file/run has to be a folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(SystemExit):
        main(["train", "--out", str(clips / "run"), "--data", str(clips)])
    assert "lies in --data, where it would be taken for a class" in capsys.readouterr().err


def test_two_processes_do_not_write_into_one_folder(tmp_path):
    code = (
        "import sys; from pathlib import Path; from sifa.training.folder import claimed\n"
        "with claimed(Path(sys.argv[1])): print('mine', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    other = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "mine\n"
    left = tmp_path / "run" / "state.pt.1.part"
    left.write_bytes(b"half")
    refused(
        lambda: train(SMALL, tmp_path / "run", measure_clips=0),
        "another process is training into .*run; wait until it ends",
    )
    assert left.exists()
    other.kill()
    other.wait()
    with claimed(tmp_path / "run"):  # as soon as it is gone, however it went
        assert not left.exists()


def test_files_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        file = train(SMALL, tmp_path / "run", measure_clips=0)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o640}


def test_a_checkpoint_is_written_through_a_link_and_into_a_device(tmp_path):
    model = nano_model()
    (tmp_path / "link.safetensors").symlink_to(tmp_path / "there.safetensors")
    save(model, model.card, tmp_path / "link.safetensors")
    assert (tmp_path / "link.safetensors").is_symlink()
    sifa.load(tmp_path / "there.safetensors")
    save(model, model.card, Path("/dev/null"))
    assert not Path("/dev/null").is_file()
    with pytest.raises(RunError, match="could not be written"):
        save(model, model.card, tmp_path)


@pytest.mark.slow
def test_dropout_is_the_same_after_an_interruption(tmp_path):
    recipe = Recipe(
        "sifa_resnet", dict(layers=(1, 1, 1, 1), width_per_group=8, num_frames=8, img_size=32, num_classes=24), 4, 8
    )
    whole = train(recipe, tmp_path / "whole", measure_clips=0)
    with pytest.raises(KeyboardInterrupt):
        train(
            recipe,
            tmp_path / "parts",
            measure_clips=0,
            save_every=2,
            progress=lambda what, share: stop_after(2)(what, share, 4),
        )
    assert weights(train(recipe, tmp_path / "parts", measure_clips=0)) == weights(whole)


def test_measuring_on_the_way_shows_its_progress(tmp_path, monkeypatch):
    monkeypatch.setattr("sifa.training.loop.MEASURE_EVERY", 2)
    seen = []
    train(SMALL, tmp_path / "run", measure_clips=120, progress=lambda what, share: seen.append(what.split()[0]))
    assert seen == ["loss", "loss", "generated", "loss", "loss", "generated", "generated", "generated"]


def test_a_seed_that_no_generator_takes_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--out", str(tmp_path / "run"), "--seed", "9" * 30])
    assert ended.value.code == 2
    assert "it must be from -1000000000000 to 1000000000000" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--lr", "--offset-lr", "--weight-decay", "--flow-weight"])
def test_rates_that_no_weight_can_take_are_refused(tmp_path, capsys, option):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--out", str(tmp_path / "run"), option, "1e60"])
    assert ended.value.code == 2
    assert f"{option[2:].replace('-', '_')} is 1e+60; it must be from 0 to 1000000" in capsys.readouterr().err


def test_weights_that_run_away_are_said_and_never_saved(clips, tmp_path, start):
    remedy = "Give a smaller --lr and another --out; the last good state is kept"
    out, recipe = tmp_path / "run", replace(OWN, lr=1e6, weight_decay=1e6)
    refused(lambda: tune(clips, out, start, recipe), "the loss of step 2 is nan", remedy)
    assert sorted(file.name for file in out.iterdir()) == ["log.csv", "state.pt"]
    before = (out / "state.pt").read_bytes()
    model = sifa.load(start)
    model.head.bias.data[0] = float("inf")
    state = State(out, {}, model, [])
    refused(lambda: state.save(Position(3)), "after step 3 numbers in head.bias are infinite or none", remedy)
    assert (out / "state.pt").read_bytes() == before
