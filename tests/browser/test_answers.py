"""Two answers in the viewer: each in its own words, unsure where it is unsure, and what every what-if makes of both."""

import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe

from sifa import explorer
from sifa.explorer.format.pack import pack
from sifa.weights.groups import answers
from tests.browser.conftest import open_page, settle
from tests.browser.test_viewer import host_page, open_host, with_header
from tests.browser.test_whatif import choose, percent
from tests.two_answers import groups, two_answers


@pytest.fixture(scope="module")
def prediction():
    return two_answers()


@pytest.fixture(scope="module")
def file(prediction, tmp_path_factory):
    return written(prediction, tmp_path_factory.mktemp("page"))


def written(prediction, folder):
    path = folder / "clip.html"
    path.write_text(explorer.to_html(pack(prediction)))
    return path


def told(page, selector):
    """What elements say, each in one line."""
    return [" ".join(text.split()) for text in page.locator(selector).all_inner_texts()]


def plain(label):
    return label.removeprefix("camera ")


def heading(answer, least):
    title, words, share = answer.group.capitalize(), plain(answer.label), percent(answer.probability)
    return (
        f"{title}: {words} {share}" if answer.sure else f"{title}: unsure ({share} {words}; sure from {percent(least)})"
    )


def changed(before, after):
    """What a what-if made of an answer."""
    if before.sure and after.sure:
        return "the answer stays" if before.label == after.label else "the answer flips"
    return "is sure now" if after.sure else "becomes unsure" if before.sure else "stays unsure"


def size(page, selector):
    return page.locator(selector).evaluate("e => parseFloat(getComputedStyle(e).fontSize)")


@pytest.mark.usefixtures("experiment")
def test_each_answer_stands_over_its_most_probable_labels(viewer, prediction):
    camera, things = prediction.answers()
    assert (camera.sure, things.sure) == (True, False)
    assert told(viewer, ".sifa-bars h2") == [heading(camera, 0.6), heading(things, 0.6)]
    for number, group in enumerate(("camera", "things")):
        bars = [f"{plain(label)} {percent(p)}" for label, p in prediction.top(3, group)]
        assert told(viewer, f".sifa-bars section:nth-child({number + 1}) li") == bars
    lists = viewer.locator(".sifa-bars ol")
    assert [each.get_attribute("aria-label") for each in lists.all()] == [
        "Camera: three most probable", "Things: three most probable"
    ]  # fmt: skip


def test_the_type_of_a_headline_is_its_certainty(viewer, prediction):
    camera, things = prediction.answers()
    sure, unsure = ".sifa-head h2:not(.sifa-unsure)", ".sifa-head h2.sifa-unsure"
    assert told(viewer, sure)[0].startswith(f"Camera: {plain(camera.label)} ".replace(": p", ": P"))
    assert told(viewer, unsure) == ["Things: Unsure"]
    assert told(viewer, ".sifa-best li") == [f"{plain(label)} {percent(p)}" for label, p in prediction.top(3, "things")]
    assert size(viewer, unsure) < 0.9 * size(viewer, sure)
    weights = [viewer.locator(each).evaluate("e => getComputedStyle(e).fontWeight") for each in (sure, unsure)]
    assert int(weights[0]) > int(weights[1])
    bars = viewer.locator(".sifa-bars section:nth-child(2) .sifa-track span").first
    assert float(bars.evaluate("e => getComputedStyle(e).opacity")) < 0.6


@pytest.mark.parametrize("least", [0.6, 0.3])
def test_each_what_if_says_what_becomes_of_both(page, prediction, tmp_path, least):
    """With the lower threshold the camera's answer flips; with the higher one it becomes unsure."""
    mine = replace(prediction, card=replace(prediction.card, groups=groups(least, 0.6)))
    open_page(page, written(mine, tmp_path))
    kinds = set()
    for each in mine.what_if:
        choose(page, each.name)
        after = answers(each.logits, mine.labels, mine.card.groups)
        wanted = [changed(*both) for both in zip(mine.answers(), after)]
        kinds |= set(wanted)
        lines = told(page, ".sifa-change")
        assert [line.rpartition(", ")[2] for line in lines] == wanted
        said = page.inner_text(".sifa-says")
        for line, answer in zip(lines, after):
            assert plain(answer.label) in line
            assert percent(answer.probability) in line
            shares = [run.probabilities[mine.labels.index(answer.label)] for run in (mine, each)]
            assert f"“{plain(answer.label)}”, {percent(shares[0])} → {percent(shares[1])}" in said
        assert ("the answer flips" in said) == ("the answer flips" in wanted)
        numbers = page.locator(".sifa-bars .sifa-number").all_inner_texts()
        assert len(numbers) == 6
        assert all(re.search(r"% → .*%", each) for each in numbers)
    assert kinds >= ({"becomes unsure", "is sure now"} if least == 0.6 else {"the answer flips", "the answer stays"})
    choose(page, mine.what_if[-1].name)
    assert page.locator(".sifa-change").count() == 0
    assert page.problems == []


def test_the_deletion_test_speaks_of_both(viewer, prediction):
    viewer.click(".sifa-tools [data-panel=inside]")
    viewer.locator(".sifa-trust summary").click()
    said = " ".join(viewer.inner_text(".sifa-trust").split())
    assert f"Probability of “{prediction.trust.deletion.label}”, of all answers together, when" in said


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
@pytest.mark.parametrize("name", ["", "random"])
def test_both_answers_are_whole_at_every_width(page, file, width, name):
    page.set_viewport_size(dict(width=width, height=800))
    open_page(page, file)
    if name:
        choose(page, name)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    cut = "e => e.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"
    assert page.locator(".sifa-head :is(h2, p, li), .sifa-bars .sifa-name").evaluate_all(cut) == []
    assert page.locator(".sifa-headlines > div").count() == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, file, scheme):
    page.emulate_media(color_scheme=scheme)
    for name in ("", "random"):
        open_page(page, file)
        if name:
            choose(page, name)
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == []
        page.goto("about:blank")


def test_a_model_with_one_answer_after_one_with_two(page, prediction, file, tmp_path):
    """One viewer, as a host gives it one trace after the other: nothing of the first stays."""
    one = replace(prediction, card=replace(prediction.card, groups=()), what_if=())
    broken = with_header(pack(prediction), lambda header: header["groups"][1].update(stop=20))
    open_host(page, host_page(tmp_path, [pack(prediction), pack(one), broken]))
    page.evaluate("() => put('trace', traces[0])")
    page.wait_for_selector(".sifa-bars h2", state="attached")
    choose(page, "silent")
    page.evaluate("() => put('trace', traces[1])")
    page.wait_for_selector(".sifa-headlines > :only-child h2")
    settle(page)
    assert len(told(page, ".sifa-head h2")) == 1
    assert told(page, ".sifa-bars li") == [f"{label} {percent(p)}" for label, p in one.top(5)]
    assert page.locator(".sifa-bars ol").get_attribute("aria-label") == "Five most probable classes"
    page.evaluate("() => put('trace', traces[0])")
    page.wait_for_selector(".sifa-bars h2", state="attached")
    assert page.locator(".sifa-head h2").count() == 2
    page.evaluate("() => put('trace', traces[2])")
    page.wait_for_selector(".sifa-error:not([hidden])")
    said = "The trace is damaged (groups end at label 20 of 26; they must share out all labels)."
    assert page.inner_text(".sifa-error") == f"{said} Copy the file again, or run the clip again."
