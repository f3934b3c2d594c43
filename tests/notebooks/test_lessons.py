"""The lessons' pattern and exercises: every answer is computed here, by the library, and stands in its notebook."""

import ast
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import sifa
from notebooks.lessons import EXERCISES, check, moving_pattern
from sifa.data.motion.textures import photographs
from sifa.data.user_clips import HELD_OUT
from sifa.tracing.interventions import mean_lengths
from sifa.tracing.records import BlockTrace, Trace
from sifa.video.preprocess import normalise
from sifa.weights.card import ModelCard, load_card
from sifa.weights.shipped import DEFAULT_CHECKPOINT, MOTION_STEM, sample

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
OWN = sorted({exercise[:2] for exercise in EXERCISES})


def cells(number: str, kind: str) -> list[str]:
    notebook = json.loads(next(NOTEBOOKS.glob(f"{number}_*.ipynb")).read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_the_pattern_is_object_or_ground():
    features = moving_pattern([(0, 1), (2, 2), (3, 4)], size=5, side=2, value=3.0)
    assert features.shape == (1, 2, 3, 5, 5)
    assert (features.sum(1) == 3).all()
    assert (features[0, 0] > 0).sum((1, 2)).tolist() == [4, 4, 2]  # the last one is half outside
    assert features[0, 0, 1, 2:4, 2:4].eq(3).all()


def hand_made_block(strength: float) -> sifa.SIFA:
    """The block that notebook 02 writes by hand, made by its own cell with another strength."""
    cell = next(code for code in cells("02", "code") if "block = sifa.SIFA(2)" in code)
    scope = dict(sifa=sifa)
    exec(cell.replace("strength = 0.5", f"strength = {strength}"), scope)
    assert scope["strength"] == strength
    return scope["block"]


@pytest.mark.parametrize("way", [(0, 1), (0, -1), (1, 0), (-1, 0)])
def test_the_hand_made_block_follows_the_object_in_every_direction(way):
    block = hand_made_block(1.0)
    features = moving_pattern([(3, 3), (3 + way[0], 3 + way[1])], size=7).double()
    with sifa.record(block) as trace:
        output = block(features)
    assert output.offset[0, 0, :, :, 3, 3].tolist() == [list(way)] * 9
    assert trace[0].displacement[0, :, 3, 3].tolist() == list(way)
    assert output.features[0, :, 0, 3, 3].tolist() == [4, 0]


def attention_at_the_object(strength: float, weights: str = "dot") -> torch.Tensor:
    features = moving_pattern([(2, 2), (2, 3)]).double()
    offset = hand_made_block(strength).offset(features)
    return sifa.inter_frame_attention(features, offset, 3, weights=weights).attention[0, 0, :, 2, 2]


def trace_of(title: str) -> sifa.Trace:
    return sifa.predict(sifa.load(), sample(title)).trace


def best_block_of(title: str) -> BlockTrace:
    """What the explorer opens on."""
    prediction = sifa.predict(sifa.load(), sample(title))
    return prediction.trace[prediction.best_block]


def way_of_the_arrows(title: str) -> str:
    dx = best_block_of(title).displacement[:, 1]
    assert (np.sign(dx) == np.sign(dx.mean())).mean() > 0.9
    assert abs(dx.mean()) > 2
    return "right" if dx.mean() > 0 else "left"


def greatest_speed_of_a_rigid_grid(kernel: int) -> int:
    found = []
    for speed in range(5):
        features = moving_pattern([(5, 2), (5, 2 + speed)], size=11)
        offset = torch.zeros(1, 1, kernel**2, 2, 11, 11)
        found.append(sifa.inter_frame_attention(features, offset, kernel).features[0, 0, 0, 5, 2].item() > 0)
    return max(speed for speed in range(5) if found[speed])


def gain_in_table_d() -> float:
    """Of the block in res3-5 over none, from the numbers that notebook 03 draws."""
    drawn = next(code for code in cells("03", "code") if code.startswith("stages = "))
    accuracy = ast.literal_eval(drawn.splitlines()[0].removeprefix("stages = "))
    return accuracy["res3-5"] - accuracy["none"]


def displacement_of_a_pan_played_backwards() -> float:
    photo = torch.from_numpy(photographs("held-out")[0].copy()).permute(2, 0, 1) / 255
    clip = torch.stack([photo[:, 60:124, x : x + 64] for x in range(60, 28, -2)], 1)[None]
    with torch.no_grad(), sifa.capture(model := sifa.load(MOTION_STEM)) as blocks:
        model(normalise(clip.flip(2), None, None))
    return blocks[0].displacement[0, :, 1, 2:-2, 2:-2].mean().item()


def variant(choose) -> str:
    """The variant with the least `choose(card)`; None leaves one out."""
    cards = {file.stem: load_card(file) for file in (DEFAULT_CHECKPOINT.parent / "variants").glob("*.safetensors")}
    values = {name: choose(card, cards["full"]) for name, card in cards.items()}
    return min((name for name in values if values[name] is not None), key=values.get)


def distance_from_full(card: ModelCard, full: ModelCard) -> float | None:
    cosine = [c.metrics["flow_cosine"][:1] for c in (card, full)]
    return abs(cosine[0][0] - cosine[1][0]) if card != full and cosine[0] else None


def stillness(card: ModelCard, _) -> float | None:
    return -card.metrics["static_displacement"][0] if card.metrics["static_displacement"] else None


def without_any_module_for_time(card: ModelCard, _) -> int | None:
    return 0 if card.config.get("unshifted") == card.config.get("shifted") == "none" else None


def probability_with_silent_blocks(label: str) -> float:
    return dict(sifa.what_if(sifa.load(MOTION_STEM), sample(label), "silent").top(24))[label]


def furthest_place_of_zero_offsets() -> float:
    """How many cells from the query a block of the released reading reads, at most."""
    model = sifa.create_model("sifa_swin_nano_16x64", reading="released", offsets="zero").eval()
    with torch.no_grad(), sifa.record(model) as trace:
        model(torch.randn(1, 3, 16, 64, 64))
    return max(abs(block.points - np.indices(block.points.shape[3:])).max() for block in trace)


def furthest_of_softmax_weights() -> float:
    """Attention of a rigid grid, all of it on one neighbour: the extreme of every mean of the nine."""
    ways = torch.eye(9)[:, :, None, None]
    return sifa.model.attention.displacement(torch.zeros(9, 9, 2, 1, 1), ways, 3).abs().max().item()


def row_of(y: float) -> float:
    """Where grid_sample reads for a normalised y in -1 .. 1: from two places in a map whose values are its rows."""
    rows = torch.arange(16.0)[None, None, :, None].expand(1, 1, 16, 16)
    at = torch.tensor([[[0.0, -0.5], [0.0, 0.5]]])[None]
    low, high = F.grid_sample(rows, at, align_corners=False)[0, 0, 0].tolist()
    return low + (high - low) * (y + 0.5)


def kind_of_channel(channel: int) -> str:
    block = sifa.SIFA(1)
    with torch.no_grad():
        block.conv_offset.weight[channel] = 1
        moved = block.offset(torch.ones(1, 1, 2, 3, 3)).abs().sum((0, 1, 2, 4, 5))
    return ("dy", "dx")[moved.argmax()]


COMPUTED = {
    "01.1": lambda: way_of_the_arrows("camera pans left"),
    "01.2": lambda: trace_of("object moves right")[-1].attention[0, 0].size,
    "01.3": lambda: "shorter" if mean_lengths(Trace([best_block_of("nothing moves")]))[0] < 0.5 else "longer",
    "02.1": lambda: sifa.model.attention.motion_saliency(moving_pattern([(2, 2), (2, 2)]))[0, 1, 0, 0, 0].item(),
    "02.2": lambda: attention_at_the_object(1.0)[4].item(),
    "02.3": lambda: attention_at_the_object(0.0).argmax().item(),
    "02.4": lambda: attention_at_the_object(0.5, "softmax").max().item(),
    "03.1": lambda: greatest_speed_of_a_rigid_grid(5),
    "03.2": displacement_of_a_pan_played_backwards,
    "03.3": gain_in_table_d,
    "04.1": lambda: variant(stillness),
    "04.2": furthest_of_softmax_weights,
    "04.3": lambda: variant(distance_from_full),
    "05.1": lambda: sifa.what_if(sifa.load(MOTION_STEM), sample("camera pans left"), "reversed").top(1)[0][0],
    "05.2": lambda: probability_with_silent_blocks("object moves right"),
    "05.3": furthest_place_of_zero_offsets,
    "06.1": lambda: len(range(12)[HELD_OUT - 1 :: HELD_OUT]),
    "06.2": lambda: load_card(DEFAULT_CHECKPOINT).sampling_rate * 60 / 30,
    "06.3": lambda: variant(without_any_module_for_time),
    "07.1": lambda: row_of(1.0),
    "07.2": lambda: kind_of_channel(5),
    "07.3": lambda: row_of(2 * 0.5 - 1),
}


def test_no_exercise_is_left_out():
    assert set(COMPUTED) == set(EXERCISES)


@pytest.mark.parametrize("exercise", COMPUTED)
def test_the_library_gives_the_answer(exercise, capsys):
    answer = COMPUTED[exercise]()
    check(exercise, answer)
    assert f"{exercise}: right. {EXERCISES[exercise].why}" in capsys.readouterr().out


@pytest.mark.parametrize("exercise", EXERCISES)
def test_another_answer_is_wrong_and_dots_are_none(exercise, capsys):
    right, _, tolerance = EXERCISES[exercise]
    check(exercise, "something else" if isinstance(right, str) else right + 1.5 * tolerance + 0.01)
    assert "is not it" in capsys.readouterr().out
    check(exercise, ...)
    assert "in place of the dots" in capsys.readouterr().out
    check(exercise, right.upper() if isinstance(right, str) else right)
    assert "right." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("02.2", np.float32(2)),
        ("02.2", torch.tensor([2.0])),
        ("01.2", "64"),
        ("04.2", " 1.0 "),
        ("04.3", "no gate"),
        ("05.1", "Camera  pans right"),
    ],
)
def test_an_answer_written_otherwise_is_right(exercise, answer, capsys):
    check(exercise, answer)
    assert f"{exercise}: right." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("02.1", "one"),
        ("02.1", math.nan),
        ("04.2", True),
        ("04.2", np.True_),
        ("04.2", None),
        ("04.2", torch.ones(2)),
        ("04.2", np.ones(2)),
        ("04.2", [1]),
        ("04.3", "nogate"),
        ("04.3", 1),
    ],
)
def test_an_answer_of_another_kind_is_wrong(exercise, answer, capsys):
    check(exercise, answer)
    assert f"{exercise}: {answer} is not it" in capsys.readouterr().out


def test_an_unknown_exercise_is_an_error():
    with pytest.raises(KeyError):
        check("99.1", 1)


@pytest.mark.parametrize("number", OWN)
def test_each_exercise_is_asked_and_its_answer_folded_up_in_the_notebook(number):
    asked = [exercise for exercise in EXERCISES if exercise.startswith(number)]
    words, code = "\n".join(cells(number, "markdown")), cells(number, "code")
    assert 3 <= len(asked) <= 4
    for exercise in asked:
        assert f'check("{exercise}", ...)' in code
        assert f"<details><summary>Answer</summary>{EXERCISES[exercise].why}</details>" in words


def test_the_grids_that_answer_01_2_names():
    assert EXERCISES["01.2"].why.endswith("32 × 32, 16 × 16, 8 × 8.")
    sides = [block.attention.shape[2:] for block in trace_of("object moves right")]
    assert sides == [(side, side) for side in (32, 32, 16, 16, 8, 8)]


def test_the_softmax_of_the_worked_example_in_steps():
    """The numbers that the answer to 02.4 goes through."""
    assert "exp(2 / √2) = 4.11" in EXERCISES["02.4"].why
    assert round(math.exp(2 / math.sqrt(2)), 2) == 4.11
    weights = attention_at_the_object(0.5, "softmax").flatten().sort().values
    assert weights[-2:].tolist() == pytest.approx([4.11 / (2 * 4.11 + 7)] * 2, abs=1e-3)
    assert 0.4 < weights[:7].sum() < 0.5  # nearly half stays on the ground
