"""A whole video: windows that can be explored, in order; stopped between two; and the command."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import sifa
from sifa import explorer
from sifa.cli import main
from sifa.tracing.whole import WholeVideo
from sifa.weights.shipped import clips
from tests.clips import write_clip
from tests.predictions import nano_model
from tests.video.test_windows import shot


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Three shots, the second of which is too short: 3.3, 0.7 and 4 seconds."""
    frames = np.concatenate([shot(0, 100), shot(1, 20), shot(2, 120)])
    return write_clip(tmp_path_factory.mktemp("whole") / "three.mp4", frames, fps=30, crf="12")


def test_each_window_is_a_prediction_like_any_other(video):
    model, said = nano_model(), []
    whole = WholeVideo(model, video, progress=lambda what, share: said.append((what, share)))
    windows = list(whole)
    assert [window.shot for window in windows] == [0, 0, 1, 2, 2, 2]
    assert [cut.frame for cut in whole.cuts] == [100, 120]
    assert whole.ended == ""
    for window in windows:
        if window.shot == 1:
            assert window.prediction is None
            assert "5 of the 16 frames" in window.withheld
            continue
        prediction = window.prediction
        assert (window.start, prediction.clip.cut) == (prediction.clip.times[0], None)
        again = sifa.predict(model, prediction.clip)
        np.testing.assert_array_equal(again.logits, prediction.logits)
        assert explorer.unpack(explorer.pack(prediction)).clip.indices.tolist() == prediction.clip.indices.tolist()
    shares = [share for _, share in said]
    assert shares == sorted(shares)
    assert 0.9 < shares[-1] <= 1
    assert said[0][0].endswith(" s of 8 s")


def test_the_answers_are_those_of_the_clip_that_the_reader_gives():
    """Windows have smaller pictures than clips, made in another way."""
    model, file = sifa.load(), clips()["camera pans left"]
    whole = WholeVideo(model, file)
    first = next(iter(whole)).prediction
    alone = sifa.predict(model, model.card.read(file))
    assert first.clip.indices.tolist() == alone.clip.indices.tolist()
    np.testing.assert_allclose(first.logits, alone.logits, atol=0.1)
    assert whole.strip().cells[0].answers[0].label == "camera pans left"


def test_it_can_be_stopped_between_windows_and_what_there_is_makes_a_strip(video):
    whole = WholeVideo(nano_model(), video)
    for window in whole:
        if window.start > 0:
            break
    strip = whole.strip()
    assert {cell.shot for cell in strip.cells} == {0}
    assert strip.ended == "It was stopped."
    assert whole.liveliest() is not None
    assert len(list(whole)) == 6
    assert whole.strip().ended == ""


def test_a_start_and_a_length_are_kept_to(video):
    whole = WholeVideo(nano_model(), video, start=4.2, longest=2.6)
    windows = list(whole)
    assert windows[0].start == pytest.approx(4.2, abs=0.05)
    assert windows[-1].end <= 4.2 + 2.6 + 0.05
    assert whole.strip().ended == "Only 4 to 7 s were looked at; the video goes on."


def test_before_the_first_window_there_is_an_empty_strip(video):
    whole = WholeVideo(nano_model(), video)
    assert whole.strip().words() == []
    assert whole.liveliest() is None
    with pytest.raises(TypeError, match="the model is of type"):
        WholeVideo(torch, video)


def test_the_command_prints_the_strip_and_writes_it(video, tmp_path, capsys):
    table, data = tmp_path / "strip.csv", tmp_path / "strip.json"
    assert main(["predict", str(video), "--whole", "--csv", str(table), "--out", str(data)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("three.mp4\n  0:00.0 to 0:0")
    assert "\n  0:03.3 cut\n" in said
    assert "no answer: This shot is too short" in said
    assert "Most motion away from the cuts: " in said
    written = json.loads(data.read_text())
    assert len(table.read_text().splitlines()) == 1 + len(written["table"])
    assert main(["predict", str(video), "--whole", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == written


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--csv", "a.csv"], "--csv writes answers over time; give --whole, too"),
        (["--whole", "--what-if"], "--whole samples as the weights want it and knows no --what-if"),
        (["--whole", "--start", "0"], "knows no --start;"),
        (["--whole", "--out", "a.sifa"], "--out ends in '.sifa'; use .json"),
    ],
)
def test_options_that_do_not_go_together(video, options, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(video), *options])
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(tmp_path):
    """Of 40 seconds at 720p, both processes keep no more than of 8: a frame has 1.4 MB."""
    program = (
        "import sys, resource\nfrom sifa.video.stream import stream_seconds\n"
        "with stream_seconds(sys.argv[1], 4 / 30) as s:\n    assert sum(1 for _ in s) > 200, s.ended\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    used = []
    short = write_clip(tmp_path / "short.mp4", shot(0, 60, 720, 1280), fps=30, preset="ultrafast")
    for seconds in (8, 40):
        file = tmp_path / f"{seconds}.mp4"
        loop = ["-stream_loop", str(seconds // 2 - 1), "-i", str(short)]
        subprocess.run(["ffmpeg", "-v", "error", *loop, "-c", "copy", str(file)], check=True)
        done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True)
        used.append([int(value) / 1024 for value in done.stdout.split()])
    for before, after in zip(*used):
        assert after < before + 60
