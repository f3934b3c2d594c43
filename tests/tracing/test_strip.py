import csv
import io
import json

import numpy as np
import pytest

from sifa.tracing.strip import HOLDS_A_CUT, Piece, clock, make_strip
from sifa.video.cuts import Cut
from sifa.weights.groups import Group, probabilities

LABELS = ("left", "right", "still", "ball", "none")
GROUPS = (Group("camera", 0, 3, 0.6), Group("thing", 3, 5, 0.9))


def steps(*classes, strength=5.0):
    logits = np.zeros((len(classes), len(LABELS)), np.float32)
    logits[np.arange(len(classes)), classes] = strength
    return logits


def test_a_cell_is_the_mean_of_all_steps_in_it_of_every_window_that_covers_it():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 8, 5)).astype(np.float32)
    strip = make_strip("a.mp4", [Piece(0, 0.0, 2.0, one), Piece(0, 1.0, 3.0, two)], [], LABELS, GROUPS)
    assert [(cell.start, cell.end) for cell in strip.cells] == [(0, 1), (1, 2), (2, 3)]
    for cell, logits in zip(strip.cells, (one[:4], np.concatenate([one[4:], two[:4]]), two[4:])):
        shares = probabilities(logits.mean(0), GROUPS)
        assert [answer.group for answer in cell.answers] == ["camera", "thing"]
        assert [answer.label for answer in cell.answers] == [
            LABELS[shares[:3].argmax()],
            LABELS[3 + shares[3:].argmax()],
        ]
        assert [answer.probability for answer in cell.answers] == pytest.approx(
            [shares[:3].max(), shares[3:].max()], 1e-5
        )


def test_a_window_without_steps_speaks_for_both_its_halves():
    strip = make_strip(
        "a.mp4", [Piece(0, 0.0, 2.0, steps(0)[:, :3]), Piece(0, 1.0, 3.0, steps(1)[:, :3])], [], LABELS[:3], ()
    )
    shares = [cell.answers[0].probability for cell in strip.cells]
    assert [cell.answers[0].label for cell in strip.cells][::2] == ["left", "right"]
    assert shares[1] < 0.5 < shares[0] == shares[2]
    assert [cell.texts for cell in strip.cells] == [("left",), ("unsure",), ("right",)]


def test_neighbours_that_say_the_same_are_one_span_and_each_group_has_its_threshold():
    pieces = [Piece(0, 0.0, 2.0, steps(*[0] * 8)), Piece(0, 1.0, 3.0, steps(*[0] * 4, *[1] * 4))]
    strip = make_strip("a.mp4", pieces, [], LABELS, GROUPS)
    assert [(span.start, span.end, span.texts) for span in strip.spans] == [
        (0, 2, ("left", "unsure")),
        (2, 3, ("right", "unsure")),
    ]
    assert strip.words() == [
        "0:00.0 to 0:02.0  camera: left (99%); thing: unsure, most likely ball (50%)",
        "0:02.0 to 0:03.0  camera: right (99%); thing: unsure, most likely ball (50%)",
    ]


def test_shots_do_not_merge_and_cuts_and_reasons_stand_in_their_places():
    pieces = [
        Piece(0, 0.0, 2.0, steps(*[0] * 8)),
        Piece(1, 2.0, 2.4, np.empty((0, 5)), "This shot is too short."),
        Piece(2, 2.4, 4.4, steps(*[0] * 8)),
    ]
    cuts = [Cut(60, 2.0, "hard"), Cut(72, 2.4, "dissolve")]
    strip = make_strip("a.mp4", pieces, cuts, LABELS[:3] + LABELS[3:], (), "It was stopped.")
    said = strip.words()
    assert said == [
        f"0:00.0 to 0:02.0  left ({strip.cells[0].answers[0].probability:.0%})",
        "0:02.0 cut",
        "0:02.0 to 0:02.4  no answer: This shot is too short.",
        "0:02.4 dissolve",
        f"0:02.4 to 0:04.4  left ({strip.cells[0].answers[0].probability:.0%})",
    ]
    assert strip.remarks == ["It was stopped."]


def test_a_window_in_which_a_cut_is_found_later_counts_nothing():
    pieces = [Piece(0, 0.0, 2.0, steps(*[0] * 8)), Piece(0, 1.0, 3.0, steps(*[1] * 8))]
    strip = make_strip("a.mp4", pieces, [Cut(75, 2.5, "hard")], LABELS, ())
    assert [cell.withheld for cell in strip.cells] == ["", "", HOLDS_A_CUT]
    assert {cell.answers[0].label for cell in strip.cells[:2]} == {"left"}
    at_its_end = make_strip("a.mp4", pieces, [Cut(90, 3.0, "hard")], LABELS, ())
    assert [cell.withheld for cell in at_its_end.cells] == ["", "", ""]


def test_table_and_data_hold_the_same():
    pieces = [Piece(0, 0.0, 2.0, steps(*[0] * 8)), Piece(1, 2.0, 2.4, np.empty((0, 5)), "This shot, it is too short.")]
    strip = make_strip("a.mp4", pieces, [Cut(60, 2.0, "hard")], LABELS, GROUPS)
    rows = list(csv.DictReader(io.StringIO(strip.to_csv())))
    data = json.loads(json.dumps(strip.as_dict()))
    assert len(rows) == len(data["table"]) == 3
    for row, cell in zip(rows, data["table"]):
        assert [float(row["start"]), float(row["end"]), int(row["shot"])] == [cell["start"], cell["end"], cell["shot"]]
        assert row["withheld"] == cell["withheld"]
        for answer in cell["answers"]:
            name = answer["group"]
            assert row[f"{name} answer"] == answer["label"]
            assert float(row[f"{name} probability"]) == answer["probability"]
            assert row[f"{name} sure"] == ("yes" if answer["sure"] else "no")
    assert rows[2]["camera answer"] == ""
    assert data["cuts"] == [dict(frame=60, time=2.0, kind="hard")]
    assert [span["answers"] for span in data["spans"]] == [["left", "unsure"], []]


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00.0"), (65.25, "1:05.2"), (119.96, "1:59.9"), (2.3, "0:02.3")])
def test_the_clock(seconds, said):
    assert clock(seconds) == said
