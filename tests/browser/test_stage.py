"""The first screen: both frames, answer, sentence and scrubber within the window, at the sizes that a visitor may have."""

import pytest
from playwright.sync_api import expect

from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.app.program import start
from tests.browser.interactions import SAMPLE
from tests.browser.test_viewer import settle, state, until
from tests.clips import numbered_frames, write_clip

SIZES = {
    "laptop": (1280, 800, 480),
    "desk": (1920, 1080, 720),
    "phone": (390, 844, 200),
}  # and the least side of a frame
FRAMES = [".sifa-query canvas", ".sifa-key canvas"]
SHOWN = [*FRAMES, ".sifa-head", ".sifa-sentence", ".sifa-bar", "[data-do=play]", ".sifa-top button", ".sifa-time input"]
SEEN = """() => { const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const clipped = each => each && (getComputedStyle(each).clipPath !== 'none' || clipped(each.parentElement));
  let seen = '';
  while (walk.nextNode()) {
    const { parentElement, data } = walk.currentNode;
    if (parentElement.checkVisibility() && !clipped(parentElement)) seen += ' ' + data;
  }
  return seen; }"""
CONTROLS = """() => [...document.querySelectorAll('button, select, input, textarea, a[href], summary, [role=button]')]
  .filter(each => each.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && each.offsetWidth > 2)
  .map(each => each.ariaLabel || each.textContent.trim() || each.tagName)"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = start(tmp_path_factory.mktemp("app"), weights=DEFAULT_CHECKPOINT)
    yield app
    app.stop()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    file = tmp_path_factory.mktemp("clip") / "numbered.mp4"
    write_clip(file, numbered_frames(80, 96, 128))
    return file


@pytest.fixture
def opened(page, app):
    page.set_default_timeout(30_000)
    page.goto(app.url)
    page.wait_for_selector(".sifa[data-ready] .open-clip")
    page.wait_for_function("() => document.querySelector('.sifa-query canvas').width > 100")
    return page


def upload(page, clip):
    page.set_input_files("#upload input", clip)
    expect(page.locator(".sifa-clip")).to_have_text("numbered.mp4", timeout=30_000)
    settle(page)


def boxes(page, selectors=SHOWN):
    return {each: page.locator(each).first.bounding_box() for each in selectors}


def outside(page, found):
    size = page.viewport_size
    return [
        each
        for each, box in found.items()
        if box["x"] < 0
        or box["y"] < 0
        or box["x"] + box["width"] > size["width"] + 0.5
        or box["y"] + box["height"] > size["height"] + 0.5
    ]


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("whose", ["sample", "upload"])
def test_all_that_matters_is_in_the_window(opened, clip, name, whose):
    width, height, least = SIZES[name]
    opened.set_viewport_size(dict(width=width, height=height))
    if whose == "upload":
        upload(opened, clip)
    settle(opened)
    found = boxes(opened)
    assert outside(opened, found) == []
    for each in FRAMES:
        assert found[each]["width"] >= least
        assert found[each]["width"] == pytest.approx(found[each]["height"], abs=1)
    wide, high = opened.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert wide == width
    row = opened.locator(".tl-row").bounding_box() if (whose, name) == ("upload", "phone") else None
    assert high == (pytest.approx(row["y"] + row["height"], abs=40) if row else height)  # a phone has it below
    cut = "e => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1"
    assert not any(opened.locator(each).evaluate(cut) for each in (".sifa-head", ".sifa-sentence", ".sifa-bar"))
    assert len(opened.evaluate(CONTROLS)) <= 12, opened.evaluate(CONTROLS)


def test_each_fact_stands_once(opened, clip):
    upload(opened, clip)
    text = opened.evaluate(SEEN)
    assert text.count("numbered.mp4") == 1
    assert text.count("held-out clips") == 1
    share = opened.locator(".sifa-head span").first.inner_text().replace("sure ", "").replace("likely ", "")
    assert text.count(share) == 1


def test_pictures_grow_with_the_window_and_shrink_beside_a_drawer_without_being_covered(opened):
    sides = []
    for width, height in ((1280, 800), (1440, 900), (1920, 1080), (2560, 1300)):
        opened.set_viewport_size(dict(width=width, height=height))
        settle(opened)
        sides.append(opened.locator(FRAMES[0]).bounding_box()["width"])
    assert sides == sorted(set(sides))
    opened.set_viewport_size(dict(width=1280, height=800))
    for name in ("experiment", "inside"):
        opened.click(f".sifa-tools [data-panel={name}]")
        settle(opened)
        found = boxes(opened)
        drawer = opened.locator(f".sifa-{name}").bounding_box()
        assert outside(opened, found) == []
        assert found[FRAMES[1]]["x"] + found[FRAMES[1]]["width"] <= drawer["x"]
        assert found[FRAMES[0]]["width"] >= 380


def test_a_new_row_at_the_bottom_takes_its_room_from_what_is_left(opened):
    opened.set_viewport_size(dict(width=1280, height=800))
    settle(opened)
    before = opened.locator(FRAMES[0]).bounding_box()
    assert opened.locator(".timeline").bounding_box()["height"] == 0
    opened.evaluate("() => { document.querySelector('.timeline').innerHTML = '<div style=height:78px></div>'; }")
    settle(opened)
    assert opened.locator(FRAMES[0]).bounding_box() == before
    assert outside(opened, boxes(opened, [*SHOWN, ".timeline"])) == []


@pytest.mark.parametrize("name", ["laptop", "phone"])
def test_the_tour_begins_on_the_landing_page_and_keeps_the_pictures_in_view(opened, name):
    width, height, _ = SIZES[name]
    opened.set_viewport_size(dict(width=width, height=height))
    opened.click(".open-clip")
    opened.get_by_role("button", name="camera pans left", exact=True).click()
    expect(opened.locator(".sifa-clip")).to_contain_text("pans_left")
    opened.click("[data-do=tour]")
    until(opened, "state.tour === 0")
    expect(opened.locator(".sifa-clip")).to_have_text(SAMPLE.with_suffix(".mp4").name)
    for step in range(16):
        until(opened, f"state.tour === {step}")
        settle(opened)
        assert outside(opened, boxes(opened, [*FRAMES, ".sifa-sentence", ".sifa-bar", ".sifa-tour h3"])) == [], step
        opened.keyboard.press("PageDown")


def test_it_opens_playing_on_what_moves_and_so_does_every_new_clip(chromium, app, clip):
    context = chromium.new_context(viewport=dict(width=1280, height=800))
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(app.url)
    page.wait_for_selector(".sifa[data-ready]")
    until(page, "state.playing && state.led && !state.pinned")
    pair = page.evaluate("() => document.querySelector('.sifa').sifa.state.pair")
    until(page, f"state.pair !== {pair}")
    page.keyboard.press(" ")
    until(page, "!state.playing")
    page.click(".sifa-tools [data-panel=experiment]")
    page.click("[data-name=rigid]")
    until(page, "state.whatIf === 'rigid'")
    upload(page, clip)
    until(page, "state.playing && state.whatIf === ''")
    page.keyboard.press("Shift+ArrowDown")
    until(page, "!state.led")
    page.keyboard.press("ArrowRight")
    until(page, "!state.playing")
    context.close()


def test_escape_closes_what_is_open_and_returns_to_the_button(opened):
    opened.click(".open-clip")
    expect(opened.locator("#open")).to_be_visible()
    opened.keyboard.press("Escape")
    expect(opened.locator("#open")).to_be_hidden()
    expect(opened.locator(".open-clip")).to_be_focused()
    opened.click(".sifa-tools [data-panel=inside]")
    expect(opened.locator(".sifa-inside")).to_be_visible()
    opened.keyboard.press("Escape")
    expect(opened.locator(".sifa-inside")).to_be_hidden()


def test_arrow_keys_do_the_same_wherever_the_keyboard_is(opened):
    for place in (".sifa-query canvas", ".sifa-key canvas", "[data-do=help]", ".sifa"):
        opened.locator(place).focus()
        before = [state(opened)[key] for key in ("pair", "y", "x")]
        opened.keyboard.press("ArrowRight")
        until(opened, f"state.pair === {before[0] + 1} && state.y === {before[1]} && state.x === {before[2]}")
        opened.keyboard.press("ArrowLeft")
        until(opened, f"state.pair === {before[0]}")
    opened.locator("[data-do=help]").focus()
    opened.keyboard.press("Shift+ArrowLeft")
    until(opened, f"state.x === {before[2] - 1} && state.pair === {before[0]}")


def test_the_strip_of_blocks_says_where_one_is_and_goes_there(opened):
    opened.click(".sifa-tools [data-panel=inside]")
    strip = opened.locator(".sifa-way button")
    expect(strip).to_have_count(6)
    expect(opened.locator(".sifa-way [aria-current]")).to_have_text("2")
    strip.nth(2).click()
    until(opened, "state.block === 2")
    expect(opened.locator(".sifa-way [aria-current]")).to_have_text("3")
