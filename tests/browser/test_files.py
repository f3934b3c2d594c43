"""Files that come to the page: dropped anywhere, chosen, GIFs and traces among them."""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from sifa import explorer
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.browser.drops import drop, hold, leave
from tests.browser.test_app import (  # noqa: F401, fixtures
    BARS,
    HEADING,
    app,
    opened,
    opening,
    own_clip,
    ready,
    sample,
    violations,
)
from tests.clips import numbered_frames, write_clip

SAMPLES = DEFAULT_CHECKPOINT.parent / "samples"
ROLLS = SAMPLES / "04_camera_rolls_clockwise.sifa"
TARGET = ".drop-target"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Clips of numbered frames, 96 x 128: mp4, GIFs of 40 pictures and of one, and a codec that no browser plays."""
    folder = tmp_path_factory.mktemp("files")
    frames = numbered_frames(80, 96, 128)
    write_clip(folder / "numbered.mp4", frames)
    write_clip(folder / "old.avi", frames, codec="mpeg4")
    pictures = [Image.fromarray(frame) for frame in frames[:40]]
    pictures[0].save(folder / "turn.gif", save_all=True, append_images=pictures[1:], duration=[40, 200] * 20, loop=0)
    pictures[0].save(folder / "one.gif")
    return folder


@pytest.mark.parametrize("place", ["#title", ".sifa-query canvas", "#open", ".sifa-top"])
def test_a_clip_dropped_anywhere_is_run(opened, files, place):  # noqa: F811
    hold(opened, files / "numbered.mp4", place=place)
    expect(opened.locator(TARGET)).to_be_visible()
    drop(opened, files / "numbered.mp4", place=place)
    expect(opened.locator(TARGET)).to_be_hidden()
    ready(opened, "numbered.mp4")
    expect(opened.locator("#samples button[aria-pressed=true]")).to_have_count(0)
    expect(opened.locator("#notices p")).to_have_count(0)


def test_files_that_are_taken_away_again_leave_the_page_as_it_was(opened, files):  # noqa: F811
    hold(opened, files / "numbered.mp4")
    expect(opened.locator(TARGET)).to_be_visible()
    assert violations(opened) == {}
    leave(opened)
    expect(opened.locator(TARGET)).to_be_hidden()
    opened.evaluate("""() => { const text = new DataTransfer(); text.setData('text/plain', 'words');
      document.body.dispatchEvent(new DragEvent('dragenter', { dataTransfer: text, bubbles: true })); }""")
    expect(opened.locator(TARGET)).to_be_hidden()
    expect(opened.locator("#status")).to_contain_text("cup_slides")


def test_of_several_files_the_first_is_taken_and_that_is_said(opened, files):  # noqa: F811
    drop(opened, files / "numbered.mp4", files / "turn.gif")
    ready(opened, "numbered.mp4")
    said = opened.locator("#notices p")
    expect(said).to_have_text("2 files came; the first one, numbered.mp4, was taken.")
    opened.locator(".sifa").press("w")  # the page asks for what-ifs, and is answered
    opened.wait_for_load_state("networkidle")
    expect(said).to_have_text("2 files came; the first one, numbered.mp4, was taken.")
    drop(opened, ROLLS, files / "turn.gif")
    expect(said).to_have_text(f"2 files came; the first one, {ROLLS.name}, was taken.")
    sample(opened, "object moves right")
    expect(said).to_have_count(0)


def test_the_times_of_a_gif_are_its_own_and_it_is_seen_beside_the_form(opened, files):  # noqa: F811
    """A picture of 40 ms, one of 200 ms, and so on."""
    drop(opened, files / "turn.gif")
    ready(opened, "turn.gif")
    expect(opened.locator("#status")).to_contain_text("frames 0, 3, 5 … 39 of 40, 0.00 to 4.60 s")
    opening(opened)
    expect(opened.locator("#upload img")).to_be_visible()
    assert opened.locator("#upload img").evaluate("image => image.naturalWidth") == 128
    expect(opened.locator("#upload figure video")).to_be_hidden()


def test_a_gif_of_one_picture_is_refused_in_a_sentence(opened, files):  # noqa: F811
    drop(opened, files / "one.gif")
    expect(opened.locator("#status [role=alert]")).to_have_text(
        "one.gif holds one picture, so nothing in it moves; choose a GIF of several pictures, or a video."
    )
    expect(opened.locator("#explorer")).to_contain_text("cup_slides")


@pytest.mark.parametrize(("name", "seen"), [("turn.gif", "img"), ("numbered.mp4", "figure video"), ("old.avi", "")])
def test_what_the_browser_cannot_play_is_not_said_to_be_broken(opened, files, name, seen):  # noqa: F811
    own_clip(opened, files / name)
    ready(opened, name)
    opening(opened)
    for each in ("img", "figure video"):
        expect(opened.locator(f"#upload {each}")).to_be_visible(visible=each == seen)
    expect(opened.locator("#upload figcaption")).to_have_text(name)
    assert not re.search("not playable|trim", opened.content(), re.IGNORECASE)


@pytest.mark.parametrize(
    ("label", "value", "then"),
    [
        ("Start, seconds", "0.4", "frames 10, 14, 18"),
        ("number input for Seconds from frame to frame", "0.08", "frames 0, 2, 4"),
    ],
)
def test_enter_in_a_field_runs(opened, files, label, value, then):  # noqa: F811
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    opening(opened)
    field = opened.get_by_label(label)
    field.fill("")
    field.press_sequentially(value)
    field.press("Enter")
    expect(opened.locator("#status")).to_contain_text(then)


def test_a_dropped_trace_replaces_all_that_spoke_of_another_clip(opened, files):  # noqa: F811
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    opened.wait_for_load_state("networkidle")
    opened.requests.clear()
    drop(opened, ROLLS)
    expect(opened.locator(HEADING)).to_contain_text(re.compile("camera: rolls clockwise", re.IGNORECASE))
    expect(opened.locator("#status")).to_contain_text("04_camera_rolls_clockwise.mp4 frames 0 to 60 of 61.")
    expect(opened.locator("#status")).to_contain_text("nothing was sent or run")
    assert opened.title() == f"04_camera_rolls_clockwise: {explorer.unpack(ROLLS).headline}"
    opening(opened)
    for gone in (".save", "#upload figure"):
        expect(opened.locator(gone).first).to_be_hidden()
    text = opened.locator("body").inner_text()
    assert "numbered" not in text.replace(opened.inner_text("#history"), "")
    listens = "/queue/data?"  # on a slow machine for what was sent before
    assert [url for url in opened.requests if not url.startswith("blob:") and listens not in url] == []
    sample(opened, "nothing moves")
    ready(opened, "nothing_moves")
    opening(opened)
    expect(opened.locator(".save").first).to_be_visible()


def test_a_trace_that_a_link_asks_for_does_so_too(opened, app):  # noqa: F811
    opened.goto("about:blank")
    opened.goto(f"{app.url}#c=gone.mp4&h={'1' * 16}")
    ready(opened)
    opened.set_input_files(".sifa-ask input", ROLLS)
    expect(opened.locator("#status")).to_contain_text("04_camera_rolls_clockwise.mp4")
    assert opened.title().startswith("04_camera_rolls_clockwise")


def test_a_damaged_trace_is_explained_and_changes_nothing(opened, tmp_path):  # noqa: F811
    bad = tmp_path / "bad.sifa"
    bad.write_bytes(np.random.default_rng(0).bytes(1000))
    said = opened.inner_text("#status")
    drop(opened, bad)
    expect(opened.locator(".sifa-error")).to_be_visible()
    assert opened.inner_text("#status") == said
    expect(opened.locator("#history li")).to_have_count(1)
    assert opened.title() == "See how a video model follows motion"


@pytest.mark.parametrize("hide", ["head", "all"])
def test_a_hidden_answer_is_nowhere_on_the_page(opened, app, hide):  # noqa: F811
    opened.goto("about:blank")
    opened.goto(f"{app.url}#c=04_camera_rolls_clockwise.mp4&hide={hide}")
    opened.wait_for_function("() => document.querySelector('.sifa')?.dataset.ready === 'yes'")
    expect(opened.locator("#history li")).to_have_count(1)
    opened.wait_for_timeout(500)
    answer = opened.evaluate("() => document.querySelector('.sifa-best li').textContent").split()[0]
    text = opened.inner_text("body")
    assert "rolls" not in text
    assert not re.search(rf"{answer} \d", text)
    for gone in (HEADING, BARS):
        expect(opened.locator(gone).first).to_be_hidden()
    assert opened.title() == "SIFA explorer"
    if hide == "head":
        opening(opened)
    else:
        opened.evaluate("() => document.body.classList.add('opening')")  # a slide has no bar
    opened.get_by_role("button", name="Sample 2").click()
    expect(opened.locator("#history li")).to_have_count(2)
    assert opened.title() == "SIFA explorer"


def test_on_a_phone_nothing_sticks_out(opened, files):  # noqa: F811
    opened.set_viewport_size(dict(width=390, height=844))
    own_clip(opened, files / "turn.gif")
    ready(opened, "turn.gif")
    opening(opened)
    for each in ("#upload", "#history"):
        box = opened.locator(each).bounding_box()
        assert box["x"] >= 0, each
        assert 300 < box["width"] <= 390 - box["x"], each
    assert opened.evaluate("() => document.documentElement.scrollWidth") == 390
