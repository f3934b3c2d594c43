import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import sifa
from sifa.cli import main
from sifa.data.motion import CLASSES, MotionClips
from sifa.data.motion.classes import CAMERA, FILMED, THINGS
from sifa.errors import DataError
from sifa.evaluation.filmed import GROUPS
from sifa.evaluation.flow import texture_mask
from sifa.evaluation.generated import evaluate_generated, measure
from sifa.evaluation.metrics import accuracy
from sifa.evaluation.report import answer_table, block_table, failures, mistakes, per_class_table, table
from sifa.evaluation.videos import evaluate_videos
from sifa.tracing.hooks import capture
from sifa.weights.card import card_of
from sifa.weights.checkpoint import save
from sifa.weights.shipped import ASSETS, MOTION_STEM, weights
from tests.clips import numbered_frames, write_clip

SHIPPED = list(weights().values())


def test_accuracy_counts_by_class():
    ranks = torch.tensor([[0, 1, 2], [1, 0, 2], [0, 1, 2], [2, 1, 0]])
    found = accuracy(ranks, torch.tensor([0, 0, 0, 2]), ("a", "b", "c"))
    assert found["top1"] == 0.75
    assert found["per_class"] == {"a": 0.6667, "c": 1.0}
    assert found["confusion"] == [[2, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_flat_cells_are_not_textured():
    clips = MotionClips("held-out", 64, 16, textures=10).batch(0, torch.tensor([15]))
    clips.video[..., :32], clips.video[..., 32:] = 0.5, torch.rand(1, 3, 16, 64, 32)
    seen = texture_mask(clips, 2, 16)
    assert seen.shape == (1, 7, 16, 16)
    assert not seen[..., :7].any()
    assert seen[..., 9:].float().mean() > 0.5


def model_of(labels, variant="sifa_swin_nano_16x64", **changes):
    """Random weights that are said to know these classes."""
    torch.manual_seed(0)
    model = sifa.create_model(variant, num_classes=len(labels), **changes).eval()
    model.card = replace(card_of(model), labels=labels)
    return model


def test_a_model_without_sifa_has_no_flow_figures():
    found = evaluate_generated(model_of(CLASSES, unshifted="none"), clips=24)
    assert found["flow_cosine"] == found["static_displacement"] == []
    assert sum(map(sum, found["confusion"])) == 24


def test_shipped_weights_reproduce_their_card_in_part():
    """A tenth of the card's clips: within sampling error of its figures."""
    model = sifa.load(MOTION_STEM)
    found, card = evaluate_generated(model, clips=240), model.card.metrics
    assert abs(found["top1"] - card["top1"]) < 0.05
    assert abs(found["flow_cosine"][0] - card["flow_cosine"][0]) < 0.05
    assert abs(found["static_displacement"][0] - card["static_displacement"][0]) < 0.05


@pytest.mark.full
def test_shipped_weights_reproduce_their_card():
    model = sifa.load(MOTION_STEM)
    found, card = evaluate_generated(model), model.card.metrics
    assert found["top1"] == pytest.approx(card["top1"], abs=0.002)
    assert found["flow_cosine"] == pytest.approx(card["flow_cosine"], abs=0.002)


def test_a_model_of_other_classes_is_refused(tmp_path, capsys):
    """It was measured as if its classes were the first motions, and --write stored that in its card."""
    file, model = tmp_path / "three.safetensors", model_of(("walk", "run", "jump"))
    save(model, model.card, file)
    before = file.read_bytes()
    for options in (["--write"], ["--failures", str(tmp_path / "failures.png")]):
        assert main(["evaluate", "--clips", "24", "--checkpoint", str(file), *options]) == 1
        said = capsys.readouterr().err
        assert said == (
            "generated clips show the 24 motions; this model knows walk, run, jump: measure it on videos of its own "
            "classes, with --data\n"
        )
    assert file.read_bytes() == before


def test_a_model_of_some_motions_is_measured_on_these():
    """In its own order of the classes, and with the mean and deviation of its card."""
    labels = ("nothing moves", "camera pans right", "camera pans left")
    model = sifa.load(MOTION_STEM)
    numbers = [CLASSES.index(name) for name in labels]
    model.head.weight.data, model.head.bias.data = (
        model.head.weight[numbers].detach(),
        model.head.bias[numbers].detach(),
    )
    model.card = replace(model.card, labels=labels)
    found = evaluate_generated(model, clips=30)
    assert list(found["per_class"]) == list(labels)
    assert [sum(row) for row in found["confusion"]] == [10, 10, 10]
    assert found["top1"] > 0.9
    assert found["flow_cosine"][0] > 0.7
    seen = []
    handle = model.patch_embed.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    model.card = replace(model.card, mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.4))
    evaluate_generated(model, clips=3)
    handle.remove()
    clips = MotionClips("held-out", 64, 16, seed=5, textures=150).batch(0, torch.tensor(numbers))
    for channel, (mean, std) in enumerate(zip(model.card.mean, model.card.std)):
        torch.testing.assert_close(seen[0][:, channel], (clips.video[:, channel] - mean) / std)


def test_a_resnet_is_measured_on_the_grids_of_its_blocks():
    """Its second head sees half as many time steps."""
    model = model_of(CLASSES, "sifa_resnet", layers=(1, 2, 2, 2), width_per_group=8, img_size=64, num_frames=16)
    found = evaluate_generated(model, clips=24, batch=12)
    assert sum(map(sum, found["confusion"])) == 24
    with capture(model) as blocks, torch.no_grad():
        model(torch.rand(1, 3, 16, 64, 64))
    assert {call.output.features.shape[2] for call in blocks} == {2, 4}
    assert len(found["flow_cosine"]) == len(blocks)
    assert all(0 < length < 3 for length in found["flow_epe_ratio"])


def test_grids_that_do_not_divide_one_another_are_refused():
    model = model_of(CLASSES, "sifa_resnet", layers=(1, 2, 2, 2), width_per_group=8, img_size=72, num_frames=16)
    with pytest.raises(DataError, match="block layer3.1.sifa works on 5 x 5 cells, which do not divide 9 x 9 cells"):
        evaluate_generated(model, clips=2)


@pytest.mark.full
def test_all_figures_of_a_model_of_some_motions():
    model = model_of(("camera pans left", "nothing moves"))
    found = measure(model, clips=4)
    assert found["worn"]["clips"] == 4
    assert found["pasted"]["clips"] == 20
    assert set(found["pasted"]["per_class"]) == {"camera pans left", "nothing moves"}


def test_labelled_files_are_measured_like_uploads(tmp_path):
    model = sifa.load(MOTION_STEM)
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


def test_of_two_answers_the_one_that_the_label_belongs_to_counts(tmp_path):
    """A resting clip is right as "camera still" and as "nothing moves", whichever of the two has the larger logit."""
    model, file = sifa.load(), tmp_path / "still.mp4"
    write_clip(file, numbered_frames(1).repeat(61, 0))
    said = {answer.label for answer in sifa.predict(model, model.card.read(file)).answers()}
    assert said == {"camera still", "nothing moves"}
    for label in said:
        assert evaluate_videos(model, [(file, label)])["top1"] == 1
    assert evaluate_videos(model, [(file, "camera zooms in")])["top1"] == 0


def test_the_command_measures_a_folder(tmp_path, capsys):
    (tmp_path / "nothing moves").mkdir()
    write_clip(tmp_path / "nothing moves" / "still.mp4", numbered_frames(1).repeat(61, 0))
    (tmp_path / "nothing moves" / "broken.mp4").write_bytes(b"nothing" * 99)
    assert main(["evaluate", "--data", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 1
    assert main(["evaluate", "--data", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "views 1x1: 2 videos, 1 unreadable, 0 padded" in said
    assert "broken.mp4: broken.mp4 could not be read as a video" in said
    assert "of all 2, unreadable ones counted as wrong: top-1 50.0%" in said


def test_the_command_draws_what_the_card_says(tmp_path, capsys):
    page = tmp_path / "confusion.html"
    assert main(["evaluate", "--confusion", str(page)]) == 0
    assert "camera pans left" in page.read_text()
    assert main(["evaluate", "--table"]) == 0
    parts = answer_table(SHIPPED[0]), block_table(SHIPPED[0]), table(SHIPPED), per_class_table(SHIPPED)
    assert capsys.readouterr().out == "\n\n".join(parts) + "\n"


def test_a_card_without_figures_has_a_row_in_the_tables(tmp_path):
    file, model = tmp_path / "new.safetensors", model_of(("walk", "run"))
    save(model, model.card, file)
    assert table([file]).endswith("| new | - | - | - | - | - | - | - | - | - |")
    assert per_class_table([SHIPPED[0], file]).splitlines()[-1].endswith("| - |")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--data", "x", "--views", "4x9"], "views are '4x9'; give clips x crops with 1 to 3 crops"),
        (["--out", "x"], "--out keeps the scores of one checkpoint on --data"),
        (["--data", "x", "--batch", "0"], "argument --batch: it is 0; give a whole number from 1 to 1000000"),
        (["--checkpoint", "hf-hub:some/one", "--write"], "--write changes a file, but --checkpoint names none"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, why, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["evaluate", *options])
    assert exit.value.code == 2
    assert why in capsys.readouterr().err


def test_processes_share_nothing_but_videos(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit):
        main(["evaluate"])
    assert "run it without torchrun" in capsys.readouterr().err


def test_the_tables_in_the_documentation_are_those_of_the_cards():
    """`sifa evaluate --table` prints what assets/README.md shows."""
    text = (ASSETS / "README.md").read_text(encoding="utf-8")
    assert answer_table(SHIPPED[0]) in text
    assert block_table(SHIPPED[0]) in text
    assert table(SHIPPED) in text
    assert per_class_table(SHIPPED) in text
    assert len(per_class_table(SHIPPED).splitlines()) == 2 + len({*CLASSES, *FILMED})
    assert answer_table(SHIPPED[1]).splitlines()[2:] == ["| top-1 | 96.7% | 95.9% | 97.1% | - |"]


def test_the_shipped_files_are_all_there_and_each_has_a_title_of_its_own():
    assert sorted(SHIPPED) == sorted(ASSETS.rglob("*.safetensors"))
    first, second, *_ = weights()
    assert "default" in first
    assert "motion in the stem" in second


def test_failures_are_shown_with_what_was_taken_for_what(tmp_path):
    shares = []
    picture = failures(model_of(CLASSES), count=2, progress=lambda _, share: shares.append(share))
    assert shares[-1] == 1
    assert picture.mode == "RGB"
    assert picture.height > 2 * 64
    assert np.asarray(picture).std() > 10


def test_a_mistake_is_of_one_answer_of_a_clip_that_has_one():
    model = model_of(FILMED)
    model.card = replace(model.card, groups=GROUPS)
    card, truth = model.card, torch.zeros(26)
    truth[CAMERA.index("camera still")] = truth[9 + THINGS.index("object shakes")] = 1.0
    logits = 10 * truth
    assert mistakes(logits, truth, card) == {}
    logits[9 + THINGS.index("object bounces")] = 20.0
    assert mistakes(logits, truth, card) == {"object shakes": "object shakes, taken for: object bounces (100%)"}
    truth[:2] = 0.5  # a camera that goes to and fro
    truth[CAMERA.index("camera still")] = 0.0
    assert mistakes(logits, truth, card) == {}
    assert failures(model, count=2).height > 2 * 64
