"""This visit's results: kept in the browser, and brought back by a click without running anything."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.drops import drop
from tests.browser.test_app import (  # noqa: F401
    BARS,
    HEADING,
    TRY,
    app,
    files,
    hover,
    opened,
    opening,
    own_clip,
    ready,
    sample,
    shipped,
    violations,
)
from tests.browser.test_files import ROLLS
from tests.browser.test_viewer import drawer, state, until

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
    words = [page.inner_text(".sifa"), page.text_content("#status")]
    return words, page.title(), state(page) | dict(led=False)  # a result comes back with its cell chosen


def test_a_result_comes_back_exactly_as_it_was_and_nothing_is_run(opened, files):  # noqa: F811
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    opening(opened)
    opened.get_by_label("Start, seconds").fill("1")
    opened.get_by_role("button", name="Run", exact=True).click()
    expect(opened.locator("#status")).to_contain_text("frames 25, 29")
    expect(opened.locator(RESULTS)).to_have_count(3)
    opened.keyboard.press("Escape")
    drawer(opened, "experiment")
    opened.locator(TRY).click()
    opened.get_by_role("button", name="Silent blocks").click()
    expect(opened.locator(RESULTS)).to_have_count(3)  # the same result, with more
    opened.keyboard.press("]")
    opened.locator(".sifa-time input").fill("2")
    until(opened, "state.block === 1 && state.pair === 2 && state.whatIf")
    opened.mouse.move(0, 0)
    before = shown(opened)
    sample(opened, "camera pans left")
    ready(opened, "camera_pans_left")
    expect(opened.locator(RESULTS)).to_have_count(4)
    sent = posts(opened)
    opening(opened)
    opened.locator(RESULTS).nth(1).click()
    ready(opened, "numbered.mp4")
    until(opened, "state.block === 1 && state.whatIf")
    expect(opened.locator(RESULTS).nth(1)).to_have_attribute("aria-pressed", "true")
    after = shown(opened)
    assert after == before
    assert hover(opened, 0.3, 0.3) != hover(opened, 0.6, 0.7)
    opening(opened)
    expect(opened.get_by_label("Start, seconds")).to_have_value("1")
    assert sent == []
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save as one page").click()
    assert download.value.suggested_filename == "numbered.html"
    opened.get_by_label("Start, seconds").fill("0.5")
    opened.get_by_role("button", name="Run", exact=True).click()
    expect(opened.locator("#status")).to_contain_text("0.48 to")


def test_it_comes_back_after_it_has_gone_from_the_server(opened, app, files):  # noqa: F811
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    bars = opened.locator(BARS).all_inner_texts()
    sample(opened, "nothing moves")
    ready(opened, "nothing_moves")
    opening(opened)
    for each in app.folder.glob("result-*/*.sifa"):
        each.unlink()
    opened.locator(RESULTS).nth(1).click()
    ready(opened, "numbered.mp4")
    assert opened.locator(BARS).all_inner_texts() == bars
    opening(opened)
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
    chosen = opened.get_by_label("Model", exact=True).input_value()
    opening(opened)
    opened.locator(RESULTS).nth(2).click()
    expect(opened.locator(HEADING)).to_have_text(untrained)
    assert opened.get_by_label("Model", exact=True).input_value() != chosen
    drawer(opened, "experiment")
    expect(opened.locator(TRY)).to_be_visible()
    opening(opened)
    opened.locator(RESULTS).nth(0).click()
    expect(opened.locator("#status")).to_contain_text("nothing was sent or run")
    expect(opened.locator(TRY)).to_be_hidden()  # the sample holds them
    opening(opened)
    expect(opened.locator(".save").first).to_be_hidden()


def test_at_most_twelve_are_kept_and_the_pictures_do_not_move(opened):  # noqa: F811
    shipped(opened)
    expect(opened.locator(RESULTS)).to_have_count(2)
    top = opened.evaluate(TOP)
    samples = opened.locator("#samples button")
    for count, index in enumerate(range(7), 3):
        opening(opened)
        samples.nth(index).click()
        expect(opened.locator(RESULTS)).to_have_count(count)
        assert opened.evaluate(TOP) == pytest.approx(top, abs=1)
    for index in (-1, -2, -3, -4):
        picture = opened.locator(f"{RESULTS}[aria-pressed=true] img").get_attribute("src")
        titles = opened.get_by_label("Model", exact=True).locator("option").all_inner_texts()
        opened.get_by_label("Model", exact=True).select_option(titles[index])
        opened.wait_for_function(
            "before => document.querySelector('#history [aria-pressed=true] img').src !== before", arg=picture
        )
    expect(opened.locator(RESULTS)).to_have_count(12)
    assert "class" not in opened.locator(RESULTS).last.inner_text()  # the very first one has gone
    assert opened.evaluate("() => document.documentElement.scrollWidth") == 1280


def test_keys_and_screen_readers(opened):  # noqa: F811
    sample(opened, "camera zooms in")
    ready(opened, "camera_zooms_in")
    expect(opened.locator(RESULTS)).to_have_count(2)
    opening(opened)
    strip = opened.get_by_role("region", name="Results of this visit")
    button = strip.get_by_role("button").nth(1)
    expect(button).to_have_attribute("title", re.compile("09_cup_slides_over_a_table.mp4, "))
    button.focus()
    opened.keyboard.press("Enter")
    ready(opened, "cup_slides")
    expect(opened.locator(".open-clip")).to_be_focused()
    expect(opened.locator("#status [aria-live]")).to_contain_text("cup_slides")
    opening(opened)
    expect(button).to_have_attribute("aria-pressed", "true")
    assert violations(opened) == {}
