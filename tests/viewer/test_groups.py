"""Answers in groups of labels: the viewer reads what Python packed, and refuses what cannot be in the same words."""

from dataclasses import replace

import numpy as np
import pytest

from sifa import explorer
from sifa.explorer.format.container import parse
from sifa.video.cuts import Cut
from sifa.weights.groups import check_answers, read_groups
from tests.two_answers import two_answers
from tests.viewer.conftest import NodeError
from tests.weights.test_groups import BAD_ANSWERS, BAD_GROUPS, GROUPS, LABELS


def test_probabilities_and_answers_are_those_of_python(ask, open_trace):
    prediction = two_answers()
    packed = explorer.pack(prediction)
    open_trace(packed)
    header, back = parse(packed).header, explorer.unpack(packed)
    for number, (said, run) in enumerate(zip([header, *header["what_if"]], [back, *back.what_if])):
        found = ask("const run = [trace, ...trace.what_if][value]; return [run.probabilities, run.answers];", number)
        np.testing.assert_allclose(found[0], run.probabilities, atol=1e-6)
        labels = [prediction.labels[each.pop("index")] for each in found[1]]
        assert labels == [each["label"] for each in said["answers"]]
        assert found[1] == said["answers"]


@pytest.mark.parametrize("groups", [True, False])
def test_at_a_cut_the_viewer_is_as_unsure_as_python(ask, open_trace, groups):
    prediction = two_answers()
    if not groups:
        prediction = replace(prediction, card=replace(prediction.card, groups=()))
    prediction = replace(prediction, clip=replace(prediction.clip, cut=Cut(40, 1.3, "hard")))
    open_trace(explorer.pack(prediction))
    runs = ask("return [trace, ...trace.what_if].map(({ answers }) => answers);")
    assert len(runs) > 1
    assert not any(answer["sure"] for answers in runs for answer in answers)
    said = ask("return viewer.headline(trace);")
    assert said == prediction.headline == ", ".join(["unsure"] * len(runs[0]))


def plain(values: object) -> bool:
    """Whether a sentence shows only names, numbers and the like, which both languages write alike."""
    return isinstance(values, list) and all(isinstance(each, dict) for each in values) and len(values) < 3


def whole_numbers(values: list) -> bool:
    """JavaScript has no 0.0 that is another number than 0."""
    return not any(isinstance(each.get("start"), float) for each in values)


def refused(call, *values) -> str:
    with pytest.raises(ValueError, match=".") as caught:
        call(*values)
    return str(caught.value)


@pytest.mark.parametrize("values", [each for each, _ in BAD_GROUPS if plain(each) and whole_numbers(each)])
def test_damaged_groups_are_refused_in_the_same_words(ask, values):
    with pytest.raises(NodeError) as caught:
        ask("viewer.checkGroups(value, 5);", values)
    assert str(caught.value) == refused(read_groups, values, 5)


@pytest.mark.parametrize("values", [each for each, _ in BAD_ANSWERS if plain(each) and len(each) == 2])
def test_damaged_answers_are_refused_in_the_same_words(ask, values):
    groups = [dict(name=each.name, start=each.start, stop=each.stop) for each in GROUPS]
    with pytest.raises(NodeError) as caught:
        ask("viewer.checkAnswers(value[0], value[1], value[2]);", [values, LABELS, groups])
    assert str(caught.value) == refused(check_answers, values, LABELS, GROUPS)


@pytest.mark.parametrize("name", ["x" * 40, "a\tb", "", "it's", 'say "no"', """it's "no\""""])
def test_names_are_shown_alike(ask, name):
    values = [dict(name=name, start=1, stop=5)]
    with pytest.raises(NodeError) as caught:
        ask("viewer.checkGroups(value, 5);", values)
    assert str(caught.value) == refused(read_groups, values, 5)
