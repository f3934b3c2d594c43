"""What `sifa train` and `sifa evaluate` say of the lists that they are given."""

import json

import pytest

from sifa.cli import main
from sifa.data.motion import CLASSES
from sifa.weights.shipped import MOTION_STEM
from tests.clips import numbered_frames, write_clip


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A folder with a video in which nothing moves."""
    folder = tmp_path_factory.mktemp("still")
    write_clip(folder / "still.mp4", numbered_frames(1).repeat(61, 0))
    return folder


def evaluate(*words):
    return main(["evaluate", "--checkpoint", str(MOTION_STEM), "--data", *map(str, words)])


def test_evaluate_counts_classes_from_where_they_begin(still, capsys):
    """The last of the model's classes has a number that there is only where they count from 1."""
    assert CLASSES[-1] == "nothing moves"
    write_clip(still / "other.mp4", numbered_frames(61))
    (still / "lists").mkdir(exist_ok=True)
    file = still / "lists" / "list.txt"
    file.write_text(f"still.mp4 {CLASSES.index('nothing moves') + 1}\nother.mp4 1\n")
    assert evaluate(file, "--videos", still, "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["clips"] == 2
    assert json.loads(said.out)["per_class"]["nothing moves"] == 1.0
    assert said.err.startswith(
        "list.txt: 2 lines; spaces between: column 1 = path, column 2 = class: numbers without names"
    )
    first = f"numbers from 1 (the model lists {len(CLASSES)} names in order; 1 = {CLASSES[0]})\n"
    assert said.err.splitlines(keepends=True)[0].endswith(first)


def test_evaluate_asks_where_two_ways_of_counting_fit(still, capsys):
    file = still / "list.txt"
    file.write_text("still.mp4 5\n")
    assert evaluate(file) == 1
    assert "say which with --class-numbers-from 0 or 1" in capsys.readouterr().err
    number = CLASSES.index("nothing moves")
    file.write_text(f"still.mp4 {number}\nmissing.mp4 1\n")
    assert evaluate(file, "--class-numbers-from", "0") == 1
    assert "1 of 2 files that list.txt names are missing: 'missing.mp4'" in capsys.readouterr().err
    assert evaluate(file, "--class-numbers-from", "0", "--allow-missing") == 0
    said = capsys.readouterr().out
    assert "1 missing, which count as unreadable" in said.splitlines()[0]
    assert "views 1x1: 2 videos, 1 unreadable" in said
    assert "of all 2, unreadable ones counted as wrong: top-1 50.0%" in said


def test_train_says_what_it_read_before_it_reads_the_clips(still, tmp_path, capsys):
    (still / "list.csv").write_text("still.mp4;1\n")
    (still / "names.txt").write_text("1 rest\n2 move\n")
    words = ["train", "--data", still / "list.csv", "--labels", still / "names.txt", "--out", tmp_path / "run"]
    assert main([str(word) for word in words]) == 1
    said = capsys.readouterr()
    assert "numbers from 1 (names.txt lists 1 to 2; 1 = rest); 1 file found" in said.out
    assert "too few clips to learn from: rest (1)" in said.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ["evaluate", "--class-numbers-from", "1"],
            "--class-numbers-from is for labelled videos; give them with --data",
        ),
        (["evaluate", "--videos", "x", "--allow-missing"], "--videos, --allow-missing is for labelled videos"),
        (["evaluate", "--data", "x", "--class-numbers-from", "2"], "argument --class-numbers-from: invalid choice: 2"),
        (["train", "--out", "run", "--allow-missing"], "--videos and --allow-missing are for a list of --data"),
        (
            ["train", "--out", "run", "--data", "x", "--class-numbers-from", "0"],
            "counts the names of --labels; give both",
        ),
    ],
)
def test_options_of_lists_need_a_list(words, why, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert why in capsys.readouterr().err
