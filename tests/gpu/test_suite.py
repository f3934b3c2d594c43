"""The program that runs on a GPU machine: what fails in it is told and stops nothing; and all of it that a CPU can run."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gpu.parts import Part, engines, parts
from tests.gpu.report import FAILED, MEASURED, PASSED, SKIPPED, Report, Setting, rows_of
from tests.gpu.runner import run_all, summary, table

CPU = Setting("cpu", small=True)


def works(report, setting):
    report.most("an error", 1e-7, 1e-5)
    report.figure("a speed", 3.0, goal=">= 20")
    with report.case("a case"):
        raise ValueError("what is wrong\nand more")
    report.most("no number", float("nan"), 1)
    report.holds("a fact", True)


def raises(report, setting):
    report.holds("before it", True)
    raise RuntimeError("the part is broken")


def hangs(report, setting):
    report.holds("before it", True)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    report.figure("child", str(child.pid))
    time.sleep(60)


def dies(report, setting):
    print("last words", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def leaves(report, setting):
    os._exit(3)


def is_silent(report, setting):
    return None


def meets(report, setting):
    """Passes where another one works at the same time."""
    place = Path(os.environ["MEETING"])
    (place / report.part).touch()
    until = time.monotonic() + 15
    while len(list(place.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    report.holds("both are here", len(list(place.iterdir())) == 2)


def part(function, seconds=20, **changes):
    return Part(function.__name__, f"tests.gpu.test_suite:{function.__name__}", seconds, **changes)


def alive(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_whatever_fails_is_a_line_and_the_next_part_runs():
    nowhere = Part("nowhere", "tests.gpu.no_such_module:check", 20)
    gpu = part(works, without="it needs a GPU")
    faulty = [part(f) for f in (raises, dies, leaves, is_silent)]
    found = run_all(
        [*faulty, part(hangs, 2), nowhere, Part("left out", gpu.function, 9, without=gpu.without), part(works)], CPU, 90
    )
    ends = {name: each["rows"][-1] for name, each in found.items()}
    assert ends["raises"].note == "RuntimeError: the part is broken"
    assert ends["dies"].note == "killed by SIGKILL"
    assert ends["leaves"].note == "ended with status 3"
    assert ends["is_silent"].note == "it found nothing"
    assert ends["hangs"].note == "stopped after its 10 s"
    assert ends["nowhere"].note.startswith("ModuleNotFoundError: No module named 'tests.gpu.no_such_module'")
    assert all(ends[name].result == FAILED for name in ("raises", "dies", "leaves", "is_silent", "hangs", "nowhere"))
    assert (ends["left out"].result, ends["left out"].note) == (SKIPPED, "it needs a GPU")
    assert [row.result for row in found["raises"]["rows"]] == [PASSED, FAILED]
    assert "last words" in found["dies"]["log"]
    child = next(row.value for row in found["hangs"]["rows"] if row.name == "child")
    assert not alive(int(child))
    rows = {row.name: row for row in found["works"]["rows"]}
    assert [row.result for row in rows.values()] == [PASSED, MEASURED, FAILED, FAILED, PASSED]
    assert rows["a case"].note == "ValueError: what is wrong"
    told = summary(found, CPU)
    assert not told["ok"]
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    text = table(found)
    for words in ("an error", "<= 1e-05", ">= 20", "killed by SIGKILL", "it needs a GPU", "ValueError: what is wrong"):
        assert words in text


@pytest.mark.parametrize(("device", "together"), [("cuda", True), ("cpu", False)])
def test_parts_that_only_check_run_together_on_a_gpu_machine(tmp_path, monkeypatch, device, together):
    monkeypatch.setenv("MEETING", str(tmp_path))
    one = Part("one", "tests.gpu.test_suite:meets", 3 if device == "cpu" else 20, together=True)
    found = run_all([one, replace(one, name="other"), part(works)], Setting(device, small=False), 90)
    assert (found["one"]["rows"][0].result == PASSED) == together
    assert list(found) == ["one", "other", "works"]
    assert found["works"]["rows"][0].result == PASSED


def test_the_scan_of_tunings_names_the_best_in_all_shapes(tmp_path):
    triton = pytest.importorskip("sifa.model.kernels._triton", exc_type=ImportError)
    if not triton.INTERPRETED:
        pytest.skip("`python -m tests.gpu` does it on the card")
    from tests.gpu.tuning import CHOICES, scan, words

    scan(Report("tuning", tmp_path / "rows", 60), CPU)
    rows = {row.name: row for row in rows_of(tmp_path / "rows")}
    for name in ("forward", "backward"):
        assert rows[f"{name}: best in all shapes"].value in [words(tuning) for tuning in CHOICES[:2]]
        assert rows[f"nano, K 3, {name}: times the copy"].value > 1
    assert all(row.result == MEASURED for row in rows.values())


def test_a_part_for_which_no_time_is_left_fails():
    found = run_all([part(works)], CPU, 3)
    assert [(row.result, row.note) for row in found["works"]["rows"]] == [(FAILED, "no time was left for it")]


def test_what_takes_longer_than_is_left_is_skipped(tmp_path):
    report = Report("part", tmp_path / "rows", 5)
    assert report.has("short", 1)
    assert not report.has("long", 60)
    assert json.loads((tmp_path / "rows").read_text())["result"] == SKIPPED


def test_every_engine_is_found_without_importing_it(tmp_path):
    assert engines()[0] == "torch"
    (tmp_path / "_other.py").write_text(
        "import something_that_is_not_there\n\n\ndef attend(features, offset):\n    pass\n"
    )
    (tmp_path / "_precision.py").write_text("def full_precision():\n    pass\n")
    (tmp_path / "__init__.py").write_text("def attend():\n    pass\n")
    assert engines(tmp_path) == ["other"]
    assert {f"operator, {name}" for name in engines()} <= {part.name for part in parts()}


def test_the_limits_of_the_parts_leave_room():
    """A part that hangs must not take all the time."""
    assert all(part.seconds <= 120 for part in parts())


@pytest.mark.slow
def test_what_makes_sense_without_a_gpu_passes_on_a_cpu(tmp_path):
    out = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "tests.gpu", "--device", "cpu", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == json.loads(out.read_text())
    assert told["ok"]
    assert told["counts"]["passed"] > 40
    assert told["system"]["torch"]
    assert list(told["parts"]) == [part.name for part in parts()]
    for name in ("memory", "compiled"):
        assert [row["result"] for row in told["parts"][name]["rows"]] == [SKIPPED]
    assert "passed" in done.stdout
