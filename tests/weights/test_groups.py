"""Models that give several answers: groups of labels in cards, predictions and traces."""

from dataclasses import asdict, replace

import numpy as np
import pytest

import sifa
from sifa.charts.info import probability_info
from sifa.cli.predict import describe
from sifa.errors import WeightsError
from sifa.explorer.format.container import parse
from sifa.explorer.format.pack import pack
from sifa.explorer.format.unpack import unpack
from sifa.tracing.interventions import add_what_ifs
from sifa.tracing.predict import summary
from sifa.tracing.trust import trust_figures
from sifa.video.cuts import Cut
from sifa.weights.card import card_of
from sifa.weights.checkpoint import save
from sifa.weights.groups import Answer, Group, answers, check_answers, probabilities, read_groups
from tests.predictions import moving_clip, nano_model

GROUPS = (Group("camera", 0, 3, 0.5), Group("things", 3, 5, 0.6))
LABELS = ("left", "right", "still", "moves", "rests")


def test_probabilities_sum_to_one_in_each_group():
    logits = np.array([1.0, 2.0, 3.0, -4.0, 900.0], np.float32)
    found = probabilities(logits, GROUPS)
    np.testing.assert_allclose(found[:3], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum(), rtol=1e-6)
    np.testing.assert_allclose(found[3:], [0, 1])
    np.testing.assert_allclose(probabilities(logits[:3], ()), found[:3])


def test_an_answer_is_unsure_below_the_threshold_of_its_group():
    logits = np.log(np.array([0.5, 0.3, 0.2, 0.41, 0.59], np.float32))
    camera, things = answers(logits, LABELS, (Group("camera", 0, 3, 0.49), GROUPS[1]))
    assert camera == Answer("camera", "left", pytest.approx(0.5), True)
    assert (things.label, things.sure, things.text) == ("rests", False, "unsure")
    (one,) = answers(logits, LABELS, ())
    assert (one.group, one.label, one.sure) == ("", "rests", True)


BAD_GROUPS = [
    ("x", "must be a list"),
    ([1], "must be a list"),
    ([dict(name="a", start=0, stop=5)] * 17, "at most 16"),
    ([dict(name="a", start=0, stop=4)], "end at label 4 of 5"),
    ([dict(name="a", start=1, stop=5)], "must begin at 0"),
    ([dict(name="a", start=0, stop=6)], "must begin at 0"),
    ([dict(name="a", start=0, stop=3), dict(name="b", start=2, stop=5)], "must begin at 3"),
    ([dict(name="a", start=0, stop=3), dict(name="a", start=3, stop=5)], "one line of its own"),
    ([dict(name="", start=0, stop=5)], "a name"),
    ([dict(name="a\n", start=0, stop=5)], "a name"),
    ([dict(name="a", start=0.0, stop=5)], "has labels"),
    ([dict(name="a", start=0, stop=5, unsure_below=1.5)], "from 0 to 1"),
    ([dict(name="a", start=0, stop=5, unsure_below="0")], "from 0 to 1"),
]


@pytest.mark.parametrize(("groups", "reason"), BAD_GROUPS)
def test_groups_that_cannot_be_are_refused(groups, reason):
    with pytest.raises(ValueError, match=reason):
        read_groups(groups, 5)


SAID = [
    dict(group="camera", label="left", probability=0.5, sure=True),
    dict(group="things", label="rests", probability=0.59, sure=False),
]
BAD_ANSWERS = [
    (None, "list of 2 objects"),
    ([1, 2], "list of 2 objects"),
    (SAID[:1], "list of 2 objects"),
    (SAID[::-1], "'rests' of group 'things'; it must be a label of 'camera'"),
    ([SAID[0] | dict(label="rests"), SAID[1]], "'rests' of group 'camera'; it must be a label of 'camera'"),
    ([SAID[0], SAID[1] | dict(label=None)], "None of group 'things'; it must be a label of 'things'"),
    ([SAID[0] | dict(probability=1.5), SAID[1]], "probability 1.5 and sure True; they must be a number from 0 to 1"),
    ([SAID[0] | dict(probability="1"), SAID[1]], "probability '1' and sure True"),
    ([SAID[0], SAID[1] | dict(sure=1)], "probability 0.59 and sure 1"),
]


@pytest.mark.parametrize(("values", "reason"), BAD_ANSWERS)
def test_answers_that_cannot_be_are_refused(values, reason):
    check_answers(SAID, LABELS, GROUPS)
    check_answers([], LABELS, ())
    with pytest.raises(ValueError, match=reason):
        check_answers(values, LABELS, GROUPS)
    with pytest.raises(ValueError, match="list of 0 objects"):
        check_answers(SAID, LABELS, ())


def grouped(tmp_path):
    """A small model whose labels are in two groups, saved and loaded."""
    model = nano_model()
    card = card_of(model)
    half = len(card.labels) // 2
    groups = (Group("camera", 0, half, 0.2), Group("things", half, len(card.labels), 0.99))
    model.card = replace(card, groups=groups)
    save(model, model.card, tmp_path / "two.safetensors")
    return sifa.load(tmp_path / "two.safetensors"), groups


def test_a_card_keeps_its_groups(tmp_path):
    model, groups = grouped(tmp_path)
    assert model.card.groups == groups
    prediction = sifa.predict(model, moving_clip())
    half = groups[0].stop
    assert prediction.probabilities[:half].sum() == pytest.approx(1, abs=1e-5)
    assert prediction.probabilities[half:].sum() == pytest.approx(1, abs=1e-5)
    camera, things = prediction.answers()
    assert camera.label == prediction.top(1, "camera")[0][0] in prediction.labels[:half]
    assert things.label == prediction.top(1, "things")[0][0] in prediction.labels[half:]
    assert prediction.headline == f"{camera.text}, unsure"
    with pytest.raises(KeyError):
        prediction.top(1, "sound")


def test_a_trace_keeps_groups_and_answers(tmp_path):
    model, groups = grouped(tmp_path)
    prediction = add_what_ifs(model, sifa.predict(model, moving_clip()), ["silent"])
    packed = pack(prediction)
    header = parse(packed).header
    for said, logits in ((header, prediction.logits), (header["what_if"][0], prediction.what_if[0].logits)):
        assert said["answers"] == [asdict(each) for each in answers(logits, prediction.labels, groups)]
    back = unpack(packed)
    assert back.card.groups == groups
    assert [each.label for each in back.answers()] == [each.label for each in prediction.answers()]
    assert back.what_if[0].groups == groups


def test_no_answer_is_sure_where_the_clip_is_cut(tmp_path):
    """Neither of weights that state thresholds, nor of others; nor under a what-if; and the same in a trace and its page."""
    cut = replace(moving_clip(), cut=Cut(40, 1.3, "hard"))
    for model in (grouped(tmp_path)[0], nano_model()):
        model.card = replace(
            card_of(model), groups=tuple(replace(each, unsure_below=0.0) for each in card_of(model).groups)
        )
        whole = sifa.predict(model, moving_clip())
        assert all(answer.sure for answer in whole.answers())
        prediction = add_what_ifs(model, sifa.predict(model, cut), ["silent"])
        for found in (prediction, unpack(pack(prediction))):
            assert not any(answer.sure for answer in found.answers())
            assert [(a.label, a.probability) for a in found.answers()] == [
                (a.label, pytest.approx(a.probability, abs=1e-4)) for a in whole.answers()
            ]
            assert set(found.headline.split(", ")) == {"unsure"}
        header = parse(pack(prediction)).header
        for said in (header, *header["what_if"]):
            assert not any(answer["sure"] for answer in said.get("answers", ()))
        assert "unsure" in describe(prediction)
        assert "unsure" not in describe(whole)


def test_a_card_with_damaged_groups_is_refused(tmp_path):
    model = nano_model()
    model.card = replace(card_of(model), groups=(Group("camera", 0, 2),))
    save(model, model.card, tmp_path / "bad.safetensors")
    with pytest.raises(WeightsError, match="share out all labels"):
        sifa.load(tmp_path / "bad.safetensors")


def test_the_deletion_test_speaks_of_all_answers(tmp_path):
    model, _ = grouped(tmp_path)
    prediction = sifa.predict(model, moving_clip())
    trust = trust_figures(model, prediction)
    camera, things = prediction.answers()
    assert trust.deletion.label == f"{camera.label}, {things.label}"
    assert trust.deletion.probability == pytest.approx(camera.probability * things.probability, abs=1e-4)


def test_words_and_charts_speak_of_each_group(tmp_path):
    model, groups = grouped(tmp_path)
    prediction = sifa.predict(model, moving_clip())
    lines = describe(prediction).splitlines()
    assert [line for line in lines if line.endswith(":")] == ["camera:", "things:"]
    assert "things: unsure" in lines
    assert len([line for line in lines if "%" in line]) == 6
    told = summary(prediction)["answers"]
    assert [(each["group"], each["sure"]) for each in told] == [
        ("camera", told[0]["probability"] >= 0.2),
        ("things", False),
    ]
    bars = probability_info(prediction, 6)
    assert bars.labels[:3] == [label for label, _ in prediction.top(3, "camera")]
    assert bars.labels[3:] == [label for label, _ in prediction.top(3, "things")]
    assert "answers" not in summary(sifa.predict(nano_model(), moving_clip()))
