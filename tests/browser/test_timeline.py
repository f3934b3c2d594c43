"""The row of a whole video in real Chromium: dragged, moved by keys and by touch, read, stopped and saved."""

import csv
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.app.program import start
from tests.browser.test_app import opened, opening, own_clip, ready, sample, violations  # noqa: F401
from tests.browser.test_history import RESULTS
from tests.clips import write_clip
from tests.video.test_windows import shot

WINDOW, SQUARE, WORDS, ITEMS = ".tl-window", ".tl-square", ".tl-said", ".tl-answers li button"
SHOWN = "() => document.querySelector('.tl-row')?.dataset.share === '1' && !document.querySelector('.tl-row').hidden"
PATIENT = "from app import server, timeline; timeline.FIRST_SECONDS = 60; raise SystemExit(server.main())"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The program, which looks through a clip for as long as it takes, since the computer may have other things to do."""
    app = start(tmp_path_factory.mktemp("app"), python=("-c", PATIENT))
    yield app
    if app.process.poll() is None:
        app.stop()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Three seconds that stand still, four of a pan, less than one, too short for a window, and three of a slower pan."""
    parts = [np.repeat(shot(0, 1), 90, 0), shot(1, 120), shot(2, 20), np.repeat(shot(3, 45), 2, 0)]
    file = tmp_path_factory.mktemp("video") / "four.mp4"
    return write_clip(file, np.concatenate(parts), fps=30, crf="12")


@pytest.fixture
def row(opened, video):  # noqa: F811
    """The page with the video open, and its row."""
    own_clip(opened, video)
    ready(opened, "four.mp4")
    opened.wait_for_function(SHOWN)
    opened.locator(".tl-row").scroll_into_view_if_needed()
    return opened


def times(page):
    """When the window begins and ends, as a screen reader is told."""
    found = re.match(r"([\d.]+) to ([\d.]+) s of", page.locator(WINDOW).get_attribute("aria-valuetext"))
    return float(found[1]), float(found[2])


def place(page):
    """The square: side, left and top."""
    found = re.findall(r"\d+", page.locator(SQUARE).get_attribute("aria-valuetext"))
    return tuple(map(int, found[:3]))


def still(page, locator):
    """The box of an element, once what is above it does not change any more."""
    box = None
    while box != (box := page.locator(locator).bounding_box()):
        page.wait_for_timeout(300)
    return box


def drag(page, locator, dx, dy=0, x=0.5, y=0.5):
    """Press at a share of an element, move by pixels, let go."""
    box = still(page, locator)
    at = box["x"] + x * box["width"], box["y"] + y * box["height"]
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + dx / 2, at[1] + dy / 2)
    page.mouse.move(at[0] + dx, at[1] + dy)
    page.mouse.up()


def begins(page, low, high):
    """The result on show begins between these seconds."""
    page.wait_for_function(
        "([low, high]) => { const found = /, ([\\d.]+) to [\\d.]+ s/.exec(document.querySelector('#status').innerText); "
        "return found && low <= +found[1] && +found[1] <= high && document.querySelector('.sifa').dataset.ready === 'yes'; }",
        arg=[low, high],
    )


def test_a_new_clip_shows_its_film_its_cuts_and_where_it_moves_most(row):
    expect(row.locator(".tl-cuts i")).to_have_count(3)
    pictures = row.locator(".tl-frames img")
    assert 4 <= pictures.count() <= 40
    assert all(source.startswith("data:image/jpeg") for source in pictures.evaluate_all("all => all.map(i => i.src)"))
    first, last = times(row)
    assert 3 <= first < 5.1
    assert last - first == pytest.approx(2, abs=0.11)
    expect(row.locator(WORDS)).to_contain_text("Most motion away from the cuts: ")
    expect(row.locator(".tl-best")).to_be_hidden()
    begins(row, first - 0.06, first + 0.06)
    assert float(row.get_by_label("Start, seconds").input_value()) == pytest.approx(first, abs=0.06)


def test_the_window_is_dragged_and_run_when_it_is_let_go(row):
    film = row.locator(".tl-film").bounding_box()
    second = film["width"] / 10.7
    first, _ = times(row)
    drag(row, WINDOW, (0.5 - first) * second)
    assert times(row)[0] == pytest.approx(0.5, abs=0.15)
    begins(row, 0.3, 0.7)
    expect(row.locator(WORDS)).to_contain_text("The model sees 0.")
    assert float(row.get_by_label("Start, seconds").input_value()) == pytest.approx(0.5, abs=0.15)
    drag(row, f"{WINDOW} i:last-child", 1.5 * second)
    begins(row, 0.3, 0.7)
    assert times(row)[1] - times(row)[0] == pytest.approx(3.5, abs=0.2)
    expect(row.locator(WORDS)).to_contain_text("A cut lies in it, at 3.0 s.")
    expect(row.locator("#status")).to_contain_text("s (frame 90)")
    row.locator(".tl-best").click()
    begins(row, 3, 5.1)
    expect(row.locator(WORDS)).to_contain_text("Most motion away from the cuts: ")
    assert times(row)[1] - times(row)[0] == pytest.approx(2, abs=0.11)
    drag(row, ".tl-film", 0, x=0.9)  # beside the window
    begins(row, 8, 9)


def test_the_window_and_the_square_are_moved_by_keys(row):
    box = row.get_by_role("slider", name="The time that the model sees")
    box.focus()
    row.keyboard.press("Home")
    assert times(row)[0] == 0
    begins(row, 0, 0)
    row.keyboard.press("ArrowRight")
    row.keyboard.press("ArrowRight")
    row.keyboard.press("Shift+ArrowLeft")
    row.keyboard.press("Enter")
    begins(row, 0.2, 0.3)
    assert times(row)[1] - times(row)[0] < 1.6
    row.keyboard.press("End")
    begins(row, 8, 10)
    expect(box).to_be_focused()
    square = row.get_by_role("slider", name="The part of the picture that the model sees")
    square.focus()
    assert place(row) == (96, 32, 0)
    row.keyboard.press("ArrowLeft")
    row.keyboard.press("-")
    assert place(row)[0] == 90
    expect(row.locator("#status")).to_contain_text("a square of 90 pixels")
    assert (
        row.evaluate("() => document.querySelector('.sifa').sifa.state.pair") is not None
    )  # arrows did not leave the row


def again(page, number):
    """Go back to a result of this visit."""
    opening(page)
    page.locator(RESULTS).nth(number).click()


def test_the_square_is_dragged_and_sized_and_comes_back_with_its_result(row):
    picture = row.locator(".tl-picture").bounding_box()
    pixel = picture["width"] / 160
    drag(row, SQUARE, 30 * pixel)
    assert place(row) == (96, 62, 0)
    expect(row.locator("#status")).to_contain_text("a square of 96 pixels, 62 from the left and 0 from the top")
    drag(row, f"{SQUARE} i", -40 * pixel, -40 * pixel)
    side, left, top = place(row)
    assert (side, left, top) == (pytest.approx(56, abs=2), 62, 0)
    expect(row.locator("#status")).to_contain_text(f"a square of {side} pixels")
    expect(row.locator(RESULTS)).to_have_count(4)
    again(row, 2)
    expect(row.locator("#status")).not_to_contain_text("a square of")
    again(row, 0)
    expect(row.locator("#status")).to_contain_text(f"a square of {side} pixels")
    assert place(row)[0] == side
    sample(row, "nothing moves")
    ready(row, "nothing_moves")
    expect(row.locator(".tl-row")).to_be_hidden()
    again(row, 1)
    expect(row.locator(".tl-row")).to_be_visible()


def test_the_whole_is_read_each_answer_opens_its_window_and_the_table_is_saved(row, tmp_path):
    row.get_by_role("button", name="Read the whole video").click()
    expect(row.locator(".tl-csv")).to_be_visible()
    expect(row.locator(".tl-progress")).to_contain_text("Read by the weights")
    texts = row.locator(ITEMS).evaluate_all("all => all.map(each => each.title)")
    assert any("No answer. This shot is too short" in text for text in texts)
    starts = [re.match(r"0:(\d\d\.\d) to 0:(\d\d\.\d): ", text)[1] for text in texts]
    assert starts == sorted(starts)
    assert row.locator(ITEMS).evaluate_all("all => all.map(each => each.dataset.sure)").count("unsure") > 0
    with row.expect_download() as download:
        row.locator(".tl-csv").click()
    assert download.value.suggested_filename == "four.csv"
    download.value.save_as(tmp_path / "four.csv")
    table = list(csv.DictReader((tmp_path / "four.csv").open()))
    assert float(table[0]["start"]) == 0
    assert {line["shot"] for line in table} == {"0", "1", "2", "3"}
    row.locator(ITEMS).last.click()
    begins(row, 7.6, 9)
    row.locator(ITEMS).first.focus()
    row.keyboard.press("Enter")
    begins(row, 0, 1.2)
    expect(row.get_by_role("button", name="Read again")).to_be_visible()
    assert violations(row) == {}


def test_it_works_by_touch_on_a_phone_and_nothing_runs_over(chromium, app, video):
    context = chromium.new_context(viewport=dict(width=390, height=844), has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(app.url)
    ready(page)
    own_clip(page, video)
    ready(page, "four.mp4")
    page.wait_for_function(SHOWN)
    page.locator(".tl-row").scroll_into_view_if_needed()
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    box = still(page, WINDOW)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    for kind, at in (("touchStart", x), ("touchMove", x - 40), ("touchMove", x - 90), ("touchEnd", None)):
        points = [] if at is None else [dict(x=at, y=y)]
        touch.send("Input.dispatchTouchEvent", dict(type=kind, touchPoints=points))
    begins(page, 0.5, 2.6)
    context.close()


@pytest.fixture
def long(tmp_path):
    return write_clip(tmp_path / "long.mp4", np.tile(shot(5, 150), (6, 1, 1, 1)), fps=30)


def test_a_reading_is_stopped_and_a_window_is_opened_while_it_goes_on(page, long, tmp_path):
    running = start(tmp_path)
    try:
        page.set_default_timeout(30_000)
        expect.set_options(timeout=30_000)
        page.goto(running.url)
        ready(page)
        own_clip(page, long)
        ready(page, "long.mp4")
        page.wait_for_function(SHOWN)
        page.get_by_role("button", name="Read the whole video").click()
        expect(page.locator(ITEMS).first).to_be_visible()
        page.locator(ITEMS).first.click()
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".tl-csv")).to_be_visible()
        expect(page.locator(".tl-progress")).to_contain_text("It was stopped.")
        begins(page, 0, 3.1)
        assert 0 <= page.locator(ITEMS).last.evaluate("b => parseFloat(b.parentElement.style.left)") < 95
        assert [url for url in page.requests if not url.startswith((running.url, "blob:", "data:"))] == []
        assert page.problems == []
    finally:
        running.stop()
