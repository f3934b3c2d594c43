"""This visit's results: kept in the browser, and brought back by a click without running anything."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.drops import drop
from tests.browser.test_app import (  # noqa: F401
    BARS,
    HEADING,
    app,
    files,
    hover,
    opened,
    own_clip,
    ready,
    shipped,
    violations,
)
from tests.browser.test_files import ROLLS
from tests.browser.test_viewer import state, until

RESULTS = "#history li button"
TOP = "() => document.querySelector('.sifa-query canvas').getBoundingClientRect().top + scrollY"


def posts(page) -> list[str]:
    """What is sent from now on."""
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def shown(page):
    """All that the page says of a result, and the viewer's state."""
    page.wait_for_timeout(600)
    words = [page.inner_text(each) for each in ("#explorer", "#status")]
    charts = page.locator("#probabilities .ytick, #probabilities .bartext").all_text_contents()
    return words, charts, page.title(), state(page)


def test_a_result_comes_back_exactly_as_it_was_and_nothing_is_run(opened, files):  # noqa: F811
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    opened.get_by_label("Start, seconds").fill("1")
    opened.get_by_role("button", name="Run").click()
    expect(opened.locator("#status")).to_contain_text("frames 25, 29")
    expect(opened.locator(RESULTS)).to_have_count(3)
    opened.locator("#what-if").click()
    opened.get_by_role("button", name="Silent blocks").click()
    expect(opened.locator(RESULTS)).to_have_count(3)  # the same result, with more
    opened.keyboard.press("]")
    opened.locator(".sifa-time input").fill("2")
    until(opened, "state.block === 1 && state.pair === 2 && state.whatIf")
    opened.mouse.move(0, 0)
    before = shown(opened)
    opened.get_by_role("tab", name="Samples").click()
    opened.get_by_role("button", name="camera pans left", exact=True).click()
    ready(opened, "camera_pans_left")
    expect(opened.locator(RESULTS)).to_have_count(4)
    sent = posts(opened)
    opened.locator(RESULTS).nth(1).click()
    ready(opened, "numbered.mp4")
    until(opened, "state.block === 1 && state.whatIf")
    expect(opened.locator(RESULTS).nth(1)).to_have_attribute("aria-pressed", "true")
    after = shown(opened)
    assert after == before
    assert hover(opened, 0.3, 0.3) != hover(opened, 0.6, 0.7)
    opened.get_by_role("tab", name="Your own clip").click()
    expect(opened.get_by_label("Start, seconds")).to_have_value("1")
    assert sent == []
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save as one page").click()
    assert download.value.suggested_filename == "numbered.html"
    opened.get_by_label("Start, seconds").fill("0.5")
    opened.get_by_role("button", name="Run").click()
    expect(opened.locator("#status")).to_contain_text("0.48 to")


def test_it_comes_back_after_it_has_gone_from_the_server(opened, app, files):  # noqa: F811
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    bars = opened.locator(BARS).all_inner_texts()
    opened.get_by_role("tab", name="Samples").click()
    opened.get_by_role("button", name="nothing moves").click()
    ready(opened, "nothing_moves")
    for each in app.folder.glob("result-*/*.sifa"):
        each.unlink()
    opened.locator(RESULTS).nth(1).click()
    ready(opened, "numbered.mp4")
    assert opened.locator(BARS).all_inner_texts() == bars
    opened.get_by_role("button", name="Save the trace").click()
    expect(opened.locator("#notices .expired")).to_contain_text("This result has expired")
    opened.problems[:] = [each for each in opened.problems if "404" not in each]  # of the question whether it is there


def test_weights_come_back_with_a_result_and_a_trace_of_a_file_does_too(opened):  # noqa: F811
    untrained = opened.text_content(HEADING)
    shipped(opened)
    expect(opened.locator(RESULTS)).to_have_count(2)
    drop(opened, ROLLS)
    expect(opened.locator(RESULTS)).to_have_count(3)
    expect(opened.locator("#status")).to_contain_text("04_camera_rolls_clockwise.mp4")
    chosen = opened.get_by_label("Weights").input_value()
    opened.locator(RESULTS).nth(2).click()
    expect(opened.locator(HEADING)).to_have_text(untrained)
    assert opened.get_by_label("Weights").input_value() != chosen
    expect(opened.locator("#what-if")).to_be_visible()
    expect(opened.locator("#probabilities")).to_be_visible()
    opened.locator(RESULTS).nth(0).click()
    expect(opened.locator("#status")).to_contain_text("nothing was sent or run")
    expect(opened.locator("#probabilities")).to_be_hidden()
    expect(opened.locator("#what-if")).to_be_hidden()


def test_at_most_twelve_are_kept_and_the_pictures_do_not_move(opened):  # noqa: F811
    shipped(opened)
    expect(opened.locator(RESULTS)).to_have_count(2)
    top = opened.evaluate(TOP)
    samples = opened.locator("#samples button")
    for index in range(1, 8):
        samples.nth(index).click()
        expect(opened.locator(RESULTS)).to_have_count(index + 2)
        assert opened.evaluate(TOP) == pytest.approx(top, abs=1)
    for index in (-1, -2, -3, -4):
        picture = opened.locator(f"{RESULTS}[aria-pressed=true] img").get_attribute("src")
        opened.get_by_label("Weights").click()
        opened.locator("#weights [role=option]").nth(index).click()
        opened.wait_for_function(
            "before => document.querySelector('#history [aria-pressed=true] img').src !== before", arg=picture
        )
    expect(opened.locator(RESULTS)).to_have_count(12)
    assert "class" not in opened.locator(RESULTS).last.inner_text()  # the very first one has gone
    assert opened.evaluate("() => document.documentElement.scrollWidth") == 1280


def test_keys_and_screen_readers(opened):  # noqa: F811
    opened.get_by_role("button", name="object moves right", exact=True).click()
    ready(opened, "object_moves_right")
    expect(opened.locator(RESULTS)).to_have_count(2)
    strip = opened.get_by_role("region", name="Results of this visit")
    button = strip.get_by_role("button").nth(1)
    expect(button).to_have_attribute("title", re.compile("01_camera_zooms_in.mp4, "))
    button.focus()
    opened.keyboard.press("Enter")
    ready(opened, "camera_zooms_in")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(opened.locator("#status [aria-live]")).to_contain_text("camera_zooms_in")
    for chart in ("#probabilities", "#blocks"):
        opened.locator(f"{chart} .js-plotly-plot").wait_for()
    assert violations(opened) == {}
