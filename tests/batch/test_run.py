"""Tables that were interrupted, in every way, are those that were not."""

import json
import os
import signal
from dataclasses import replace

import pytest

from sifa.batch.parts import part_file
from sifa.batch.row import row_of
from sifa.batch.run import run_batch
from sifa.cli import main
from sifa.errors import DataError, RunError
from sifa.training.folder import claimed
from sifa.weights.card import card_of, load_card
from sifa.weights.checkpoint import load, save
from tests.batch.many import BROKEN, make_clips
from tests.batch.tables import (
    assert_same,
    children,
    command,
    in_process,
    kill,
    read,
    wait_until,
    words_of,
    workers,
)

MANY = int(os.environ.get("SIFA_CLIPS", "100"))


class Killed(Exception):
    """What stops a run."""


def stop_after(count):
    """An engine that ends after so many rows."""

    def engine(todo, settings):
        for done, clip in enumerate(todo):
            if done == count:
                raise Killed
            yield row_of(clip, settings)

    return engine


def test_each_clip_is_a_row_in_the_order_of_the_list(quick_whole, quick):
    rows = read(quick_whole).to_pylist()
    assert [(row["number"], row["file"], row["label"]) for row in rows] == [(c.number, c.file, c.label) for c in quick]
    assert [row["number"] for row in rows if row["error"]] == [8]
    assert [row["number"] for row in rows if row["trace"] is None] == [8]
    assert all((quick_whole / row["trace"]).is_file() for row in rows if row["trace"])
    assert {row["correct"] for row in rows if row["label"] == "hand waves"} == {None}
    assert any(row["padded"] for row in rows)


def test_a_run_that_was_stopped_goes_on(quick, settings, quick_whole, tmp_path):
    card = load_card(settings.checkpoint)
    said = []
    for count in (2, 7):
        with pytest.raises(Killed):
            run_batch(quick, settings, card, stop_after(count))
    kept = part_file(tmp_path / "table", 0).read_bytes()
    outcome = run_batch(quick, settings, card, stop_after(99), lambda *state: said.append(state))
    assert (outcome.clips, outcome.failed, outcome.kept) == (20, 1, 4)
    assert said[0] == (5, 0, 4)
    assert said[-1] == (20, 1, 4)
    assert part_file(tmp_path / "table", 0).read_bytes() == kept
    assert_same(tmp_path / "table", quick_whole)
    again = run_batch(quick, settings, card, stop_after(0))
    assert (again.clips, again.failed, again.kept) == (20, 1, 20)


@pytest.mark.parametrize("harm", ["torn", "empty", "other rows", "no trace"])
def test_a_part_that_is_not_whole_is_made_anew(harm, quick, settings, quick_whole, tmp_path):
    in_process(quick, settings)
    out, part = tmp_path / "table", part_file(tmp_path / "table", 2)
    match harm:
        case "torn":
            part.write_bytes(part.read_bytes()[:-400])
        case "empty":
            part.write_bytes(b"")
        case "other rows":
            part.write_bytes(part_file(out, 1).read_bytes())
        case "no trace":
            (out / "traces/00002/000010.sifa").rename(out / "traces/00002/000010.sifa.77.part")
    assert in_process(quick, settings).kept == 16
    assert_same(out, quick_whole)


def refusal(run) -> str:
    with pytest.raises(RunError) as error:
        run()
    return str(error.value)


def test_another_table_in_the_folder_is_refused_with_what_has_changed(quick, settings, tmp_path):
    with pytest.raises(Killed):
        run_batch(quick, settings, load_card(settings.checkpoint), stop_after(0))
    said = refusal(lambda: in_process(quick[1:], settings))
    assert f"The list had 20 clips and has 19: 1 went ({quick[0].file})." in said
    assert "Repeat that command to go on with it, or give another --out" in said
    said = refusal(lambda: in_process([*quick, replace(quick[0], file="/new.mp4")], settings))
    assert "The list had 20 clips and has 21: 1 came (/new.mp4)." in said
    assert "they stand in another order" in refusal(lambda: in_process(quick[::-1], settings))
    relabelled = [replace(clip, label="other") for clip in quick[:4]] + quick[4:]
    assert "4 have another label (" in refusal(lambda: in_process(relabelled, settings))
    assert "--trust was False and is True now." in refusal(lambda: in_process(quick, replace(settings, trust=True)))
    said = refusal(lambda: in_process(quick, replace(settings, clips_per_part=9)))
    assert "--clips-per-part was 4 and is 9 now." in said
    model = load(settings.checkpoint)
    model.head.bias.data += 1
    save(model, replace(card_of(model), num_frames=8, sampling_rate=2), other := tmp_path / "other.safetensors")
    changed = replace(settings, checkpoint=str(other), sha256=load(other).card.sha256)
    said = refusal(lambda: run_batch(quick, changed, load(other).card, stop_after(0)))
    assert f"The sha256 of the weights was {settings.sha256} and is {changed.sha256} now." in said
    assert "The sampling of the clips was 8 frames, one every 1 frames and is 8 frames, one every 2 frames now." in said


def test_a_folder_of_something_else_is_refused(quick, settings, tmp_path):
    out = tmp_path / "table"
    out.mkdir()
    (out / "strange.parquet").touch()
    assert "strange.parquet, but no batch.json" in refusal(lambda: in_process(quick, settings))
    (out / "strange.parquet").unlink()
    (out / "batch.json").write_text("[1, 2")
    assert "batch.json is damaged" in refusal(lambda: in_process(quick, settings))
    (out / "batch.json").unlink()
    with claimed(out, "writing a table"):
        assert "another process is writing a table into" in refusal(lambda: in_process(quick, settings))
    with pytest.raises(DataError, match="the list has no clip"):
        in_process([], settings)


def test_other_circumstances_are_said(quick, settings, caplog):
    card = load_card(settings.checkpoint)
    for threads in (1, 2):
        with pytest.raises(Killed), caplog.at_level("INFO", "sifa"):
            run_batch(quick, replace(settings, threads=threads), card, stop_after(0))
    assert caplog.messages == ["threads was 1 and is 2 now; last digits may differ."]


def batch(forty, weights, out, *more):
    return command(forty, "--out", out, "--checkpoint", weights, "--clips-per-part", 8, "--workers", 2, *more)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_clip_is_not_lost(forty, weights, whole, tmp_path):
    run = batch(forty, weights, tmp_path / "table", "--json")
    wait_until(lambda: part_file(tmp_path / "table", 0).exists())
    kill(workers(run.pid)[0])
    said, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    figures = json.loads(said)
    assert (figures["clips"], figures["failed"], figures["kept"]) == (40, 2, 0)
    assert_same(tmp_path / "table", whole)


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_command_itself_is_killed_and_goes_on(by, forty, weights, whole, tmp_path):
    run = batch(forty, weights, tmp_path / "table")
    wait_until(lambda: part_file(tmp_path / "table", 0).exists())
    left = workers(run.pid)
    run.send_signal(by)
    run.communicate(timeout=30)
    assert run.returncode == (130 if by == signal.SIGINT else -by)
    wait_until(lambda: not any("spawn_main" in words_of(worker) for worker in left), 30)
    run = batch(forty, weights, tmp_path / "table")
    said, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert "40 clips, 2 failed; " in said
    assert_same(tmp_path / "table", whole)


@pytest.mark.slow
def test_a_clip_that_kills_two_workers_becomes_a_row(weights, tmp_path):
    listing = make_clips(tmp_path / "clips", 8)
    lines = listing.read_text().splitlines()
    listing.write_text("\n".join([lines[0], lines[2], *lines[1::2]]))  # one video, and folders of pictures

    def decoding():
        """The workers that decode a video now."""
        living = [one for one in workers(run.pid) if one not in killed]
        return [one for one in living if any("_decode" in words_of(child) for child in children(one))]

    killed: list[int] = []
    run = command(listing, "--out", tmp_path / "table", "--checkpoint", weights, "--workers", 1, "--json")
    for _ in range(2):
        wait_until(decoding)
        killed += decoding()
        kill(killed[-1])
    assert len(set(killed)) == 2
    said, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert json.loads(said)["failed"] == 1
    rows = read(tmp_path / "table").to_pylist()
    reason = "2 workers ended while they worked on this clip, the last with signal 9, SIGKILL"
    assert [row["error"] for row in rows] == [reason, None, None, None, None]


@pytest.mark.slow
def test_where_every_worker_is_killed_the_command_ends_with_a_sentence(forty, weights, whole, tmp_path):
    run, killed = batch(forty, weights, tmp_path / "table"), set()
    while run.poll() is None:
        for worker in set(workers(run.pid)) - killed:
            killed.add(worker)
            kill(worker)
    said, errors = run.communicate()
    assert run.returncode == 1
    last = errors.splitlines()[-1]
    assert last.startswith("9 workers ended one after another, the last with signal 9, SIGKILL; where memory is short")
    assert batch(forty, weights, tmp_path / "table").wait(120) == 0
    assert_same(tmp_path / "table", whole)


@pytest.mark.slow
def test_where_traces_cannot_be_written_the_command_ends_with_a_sentence(forty, weights, tmp_path):
    """It is no fault of a clip."""
    out = tmp_path / "table"
    out.mkdir()
    (out / "traces").write_text("a file where a folder should be")
    run = batch(forty, weights, out)
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "traces" in errors.splitlines()[-1]
    assert "Traceback" not in errors


@pytest.mark.slow
def test_daft_makes_the_same_table_also_after_a_worker_of_it_was_killed(forty, weights, whole, tmp_path):
    run = batch(forty, weights, tmp_path / "table", "--engine", "daft")
    wait_until(lambda: part_file(tmp_path / "table", 0).exists())
    kill(workers(run.pid, "udf_worker")[0])
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 1
    assert errors.splitlines()[-1].startswith("the engine failed (")
    assert errors.splitlines()[-1].endswith("what is done is kept, and the same command goes on with it")
    run = batch(forty, weights, tmp_path / "table", "--engine", "daft", "--json")
    said, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert json.loads(said)["kept"] >= 8
    assert_same(tmp_path / "table", whole)


def test_what_an_engine_needs_is_said(forty, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ray" else object())
    words = ["batch", str(forty), "--out", str(tmp_path / "t"), "--checkpoint", str(weights), "--engine", "ray"]
    assert main(words) == 1
    assert capsys.readouterr().err.endswith("--engine ray needs ray, which is not installed; pip install ray\n")


@pytest.mark.full
def test_many_clips_with_one_of_two_workers_killed_are_those_of_a_run_without_by_every_engine(weights, tmp_path):
    listing = make_clips(tmp_path / "clips", MANY)
    for name in ("killed", "undisturbed"):
        words = (
            listing,
            "--out",
            tmp_path / name,
            "--checkpoint",
            weights,
            "--clips-per-part",
            MANY // 10,
            "--workers",
            2,
            "--json",
        )
        run = command(*words)
        if name == "killed":
            wait_until(lambda: part_file(tmp_path / "killed", 1).exists(), 300)
            kill(workers(run.pid)[1])
        said, errors = run.communicate(timeout=600)
        assert run.returncode == 0, errors
        figures = json.loads(said)
        assert (figures["clips"], figures["failed"]) == (MANY, MANY // BROKEN)
    assert_same(tmp_path / "killed", tmp_path / "undisturbed")
    assert read(tmp_path / "killed").num_rows == MANY
    words = (
        listing,
        "--out",
        tmp_path / "daft",
        "--checkpoint",
        weights,
        "--clips-per-part",
        MANY // 10,
        "--workers",
        2,
    )
    run = command(*words, "--engine", "daft")
    wait_until(lambda: part_file(tmp_path / "daft", 1).exists(), 300)
    kill(workers(run.pid, "udf_worker")[1])
    run.communicate(timeout=600)
    assert run.returncode == 1
    run = command(*words, "--engine", "daft")
    _, errors = run.communicate(timeout=600)
    assert run.returncode == 0, errors
    assert_same(tmp_path / "daft", tmp_path / "undisturbed")
