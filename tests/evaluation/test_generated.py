import json

import numpy as np
import pytest
import torch

import sifa
from sifa.cli.evaluate import main
from sifa.data.motion import CLASSES, MotionClips
from sifa.errors import DataError
from sifa.evaluation.generated import evaluate_generated, textured
from sifa.evaluation.metrics import accuracy
from sifa.evaluation.report import failures, per_class_table, table
from sifa.evaluation.videos import evaluate_videos
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.clips import numbered_frames, write_clip

ASSETS = DEFAULT_CHECKPOINT.parent
SHIPPED = sorted(ASSETS.rglob("*.safetensors"))


def test_accuracy_counts_by_class():
    ranks = torch.tensor([[0, 1, 2], [1, 0, 2], [0, 1, 2], [2, 1, 0]])
    found = accuracy(ranks, torch.tensor([0, 0, 0, 2]), ("a", "b", "c"))
    assert found["top1"] == 0.75
    assert found["per_class"] == {"a": 0.6667, "c": 1.0}
    assert found["confusion"] == [[2, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_flat_cells_are_not_textured():
    clips = MotionClips("held-out", 64, 16, textures=10).batch(0, torch.tensor([15]))
    clips.video[..., :32], clips.video[..., 32:] = 0.5, torch.rand(1, 3, 16, 64, 32)
    seen = textured(clips, 2, 16)
    assert seen.shape == (1, 7, 16, 16)
    assert not seen[..., :7].any()
    assert seen[..., 9:].float().mean() > 0.5


def test_a_model_without_sifa_has_no_flow_figures():
    found = evaluate_generated(sifa.create_model("sifa_swin_nano_16x64", unshifted="none").eval(), clips=24)
    assert found["flow_cosine"] == found["static_displacement"] == []
    assert sum(map(sum, found["confusion"])) == 24


def test_the_shipped_checkpoint_reproduces_its_card_in_part():
    """A tenth of the card's clips: within sampling error of its figures."""
    model = sifa.load()
    told, card = evaluate_generated(model, clips=240), model.card.metrics
    assert abs(told["top1"] - card["top1"]) < 0.05
    assert abs(told["flow_cosine"][0] - card["flow_cosine"][0]) < 0.05
    assert abs(told["static_displacement"][0] - card["static_displacement"][0]) < 0.05


@pytest.mark.slow
def test_the_shipped_checkpoint_reproduces_its_card():
    model = sifa.load()
    told, card = evaluate_generated(model), model.card.metrics
    assert told["top1"] == pytest.approx(card["top1"], abs=0.002)
    assert told["flow_cosine"] == pytest.approx(card["flow_cosine"], abs=0.002)


def test_labelled_files_are_measured_like_uploads(tmp_path):
    model = sifa.load()
    file, broken = tmp_path / "still.mp4", tmp_path / "broken.mp4"
    write_clip(file, numbered_frames(1).repeat(61, 0))
    broken.write_bytes(b"nothing" * 99)
    found = evaluate_videos(model, [(file, "nothing moves"), (broken, "nothing moves")])
    assert list(found["unreadable"]) == [str(broken)]
    assert found["per_class"] == {"nothing moves": 1.0}
    with pytest.raises(DataError, match="does not know juggling; it knows 24 classes"):
        evaluate_videos(model, [(file, "juggling")])
    with pytest.raises(DataError, match="none of the 1 videos could be read"):
        evaluate_videos(model, [(broken, "nothing moves")])


def test_the_command_measures_a_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "nothing moves").mkdir()
    write_clip(tmp_path / "nothing moves" / "still.mp4", numbered_frames(1).repeat(61, 0))
    monkeypatch.setattr("sys.argv", ["evaluate", "--data", str(tmp_path), "--json"])
    main()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["clips"] == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--data", "x", "--views", "4x9"], "views are '4x9'; give clips x crops with 1 to 3 crops"),
        (["--out", "x"], "--out keeps the scores of one checkpoint on --data"),
        (["--data", "x", "--batch", "0"], "--batch is 0; give at least 1"),
        (["--checkpoint", "hf-hub:some/one", "--write"], "--write changes a file, but --checkpoint names none"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, why, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["evaluate", *options])
    with pytest.raises(SystemExit):
        main()
    assert why in capsys.readouterr().err


def test_processes_share_nothing_but_videos(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("sys.argv", ["evaluate"])
    with pytest.raises(SystemExit):
        main()
    assert "run it without torchrun" in capsys.readouterr().err


def test_the_tables_in_the_documentation_are_those_of_the_cards():
    """`sifa evaluate --table` prints what assets/README.md shows."""
    text = (ASSETS / "README.md").read_text(encoding="utf-8")
    assert table(SHIPPED) in text
    assert per_class_table(SHIPPED) in text
    assert len(per_class_table(SHIPPED).splitlines()) == 2 + len(CLASSES)


def test_failures_are_shown_with_what_was_taken_for_what(tmp_path):
    picture = failures(sifa.create_model("sifa_swin_nano_16x64").eval(), count=2)
    assert picture.mode == "RGB"
    assert picture.height > 2 * 64
    assert np.asarray(picture).std() > 10
