"""Links to a view, opened in a fresh browser; tests/viewer/link.test.mjs holds the codec."""

import json

import pytest
from playwright.sync_api import expect

from sifa import explorer
from sifa.explorer.format.pack import pack
from sifa.tracing.trust import add_trust
from tests.browser.test_viewer import (
    CANVAS,
    CLOSE_UP,
    KEY_CANVAS,
    host_page,
    open_host,
    open_page,
    over,
    pixels,
    place,
    state,
    until,
)
from tests.predictions import foreign_prediction, nano_model, nano_prediction

CANVASES = CANVAS, KEY_CANVAS, CLOSE_UP


@pytest.fixture(scope="module")
def prediction():
    return nano_prediction()


@pytest.fixture(scope="module")
def file(prediction, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "clip.html"
    path.write_text(explorer.to_html(pack(prediction)))
    return path


def all_pixels(page):
    return [pixels(page, canvas) for canvas in CANVASES]


def open_link(page, address):
    page.goto(address)
    page.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")


def fresh(chromium):
    page = chromium.new_context(viewport=dict(width=1280, height=900), offline=True, reduced_motion="reduce").new_page()
    page.set_default_timeout(10_000)
    return page


def test_a_copied_link_opens_the_same_view_in_a_fresh_browser(page, chromium, file):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, file)
    before = all_pixels(page)
    page.keyboard.press("]")
    page.fill(".sifa-bar input", "5")
    page.keyboard.press("q")
    page.focus(CANVAS)
    for key in ("Shift+ArrowUp", "Shift+ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.mouse.move(0, 0)
    wanted, seen = state(page), all_pixels(page)
    assert wanted["pinned"]
    assert seen[0] != before[0]
    page.keyboard.press("l")
    page.wait_for_function("() => document.querySelector('.sifa-said').textContent === 'The link is copied.'")
    link = page.evaluate("() => navigator.clipboard.readText()")
    until(page, "location.hash.includes('b=1') && location.hash.includes('t=5')")
    assert page.evaluate("() => location.href") == link
    other = fresh(chromium)
    open_link(other, link)
    assert all_pixels(other) == seen
    assert state(other) == wanted
    other.context.close()
    assert page.problems == []


def test_a_link_followed_in_place_moves_the_view(page, file):
    open_page(page, file)
    page.evaluate("() => { location.hash = 'b=2&t=1&y=3&x=0&p=1'; }")
    until(page, "state.block === 2 && state.pair === 1 && state.y === 3 && state.x === 0 && state.pinned")


def test_a_link_to_another_clip_asks_for_it_and_then_follows(page, chromium, file, tmp_path):
    other = foreign_prediction()
    (tmp_path / "other.html").write_text(explorer.to_html(pack(other)))
    (tmp_path / "other.sifa").write_bytes(pack(other))
    open_page(page, tmp_path / "other.html")
    page.keyboard.press(".")
    page.keyboard.press("]")
    until(page, "location.hash.includes('t=2') && location.hash.includes('b=1')")
    hash_ = page.evaluate("() => location.hash")
    wanted, seen = state(page) | dict(led=False), all_pixels(page)  # a link names the cell
    reader = fresh(chromium)
    open_link(reader, file.as_uri() + hash_)
    asked = reader.inner_text(".sifa-ask")
    assert "moving.mp4" in asked
    assert hash_.partition("h=")[2][:16] in asked
    reader.wait_for_timeout(400)
    assert reader.evaluate("() => location.hash") == hash_  # it still waits
    reader.set_input_files(".sifa-ask input", tmp_path / "other.sifa")
    until(reader, "state.block === 1 && state.pair === 2")
    assert not reader.locator(".sifa-ask").is_visible()
    assert reader.title() == "moving: " + other.headline if other.headline else "moving"
    assert state(reader) == wanted
    assert all_pixels(reader) == seen
    reader.context.close()


def test_one_may_stay_with_the_clip_at_hand(page, file):
    open_page(page, file)
    page.evaluate(f"() => {{ location.hash = 'c=gone.mp4&h={'1' * 16}&b=1'; }}")
    page.locator(".sifa-ask").wait_for()
    assert state(page)["block"] == 0
    page.get_by_role("button", name="Stay with this clip").click()
    assert not page.locator(".sifa-ask").is_visible()
    assert "c=moving.mp4" in page.evaluate("() => location.hash")


def test_a_teacher_locks_and_hides(page, chromium, file):
    open_page(page, file)
    page.keyboard.press("x")
    for name in ("time", "block"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("checkbox", name="filmstrip").check()
    link = page.input_value(".sifa-link input")
    assert "&lock=time,block&hide=film&" in link
    reader = fresh(chromium)
    open_link(reader, link)
    assert not reader.locator(".sifa-film").is_visible()
    assert reader.locator(".sifa-panel").is_visible()
    before = state(reader)
    for key in (".", ",", "]", " "):
        reader.keyboard.press(key)
    assert state(reader) == before
    assert not reader.locator("[data-do=next]").is_visible()
    expect(reader.locator(".sifa-step")).to_be_visible()
    over(reader, 3, 4)
    assert (state(reader)["y"], state(reader)["x"]) == (3, 4)
    reader.wait_for_timeout(400)
    assert "lock=time,block&hide=film" in reader.evaluate("() => location.hash")
    reader.context.close()


def test_nothing_can_hide_an_error(page, file):
    open_link(page, f"{file.as_uri()}#hide=error,live,legend,body")
    shown = "e => getComputedStyle(e).display !== 'none'"
    assert page.locator(".sifa-live").evaluate(shown)
    assert page.locator(".sifa-body").is_visible()
    assert page.locator(".sifa-body").get_attribute("class") == "sifa-body"
    assert not page.locator(".sifa-inside .sifa-legend").is_visible()


def test_locked_menus_cannot_say_what_is_not_so(page, file):
    open_link(page, f"{file.as_uri()}#lock=view&drawer=equation")
    for part in (".sifa-menus", ".sifa-arrows button", ".sifa-drawer header button", "[data-do=tour]"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.locator(".sifa-equation")).to_be_visible()
    before = state(page)
    for key in ("o", "q", "a", "e", "n", "g"):
        page.keyboard.press(key)
    assert state(page) == before


CONTROLS = """() => [...document.querySelectorAll('.sifa :is(button, select, input)')].filter(each => each.checkVisibility()
  && !each.closest('dialog, [inert]') && !each.matches('[data-do=help], [data-do=full], [data-share], [data-term]'))
  .map(each => each.outerHTML)"""


@pytest.mark.parametrize("view", ["", "&drawer=equation", "&drawer=sheet", "&reverse=1", "&tour=5"])
def test_where_all_is_locked_there_is_no_control_that_does_nothing(page, file, view):
    """Help, the full screen, sharing and terms, which light up, are all that is left."""
    open_link(page, f"{file.as_uri()}#lock=all{view}")
    expect(page.locator(".sifa-sentence")).to_be_visible()
    assert page.evaluate(CONTROLS) == []
    page.evaluate("() => { location.hash = 'b=1'; }")
    until(page, "state.block === 1")
    assert len(page.evaluate(CONTROLS)) >= 5


@pytest.mark.parametrize(
    ("lock", "gone", "there"),
    [
        ("time", "[data-do=play]", ".sifa-depth select"),
        ("block", ".sifa-depth select", "[data-do=play]"),
        ("cell", "", "[data-do=play]"),
        ("view", ".sifa-tools [data-panel=inside]", "[data-do=play]"),
    ],
)
def test_only_what_is_locked_is_taken_away(page, file, lock, gone, there):
    open_link(page, f"{file.as_uri()}#lock={lock}")
    expect(page.locator(there)).to_be_visible()
    if gone:
        expect(page.locator(gone)).to_be_hidden()


@pytest.mark.parametrize("hide", ["head", "all", "legend,head"])
def test_a_hidden_answer_is_in_no_title_and_no_sentence(page, prediction, tmp_path, hide):
    changed = pack(add_trust(nano_model(), prediction))
    label = prediction.top(1)[0][0]
    (tmp_path / "clip.html").write_text(explorer.to_html(changed, title=f"moving: {label}"))
    address = (tmp_path / "clip.html").as_uri()
    open_link(page, address)
    page.keyboard.press("w")
    page.click(".sifa-tools [data-panel=inside]")
    page.locator(".sifa-trust summary").click()
    assert label in page.title()
    assert label in page.inner_text(".sifa-says")
    assert label in page.inner_text(".sifa-trust")
    page.goto("about:blank")
    open_link(page, f"{address}#hide={hide}")
    page.locator(".sifa").focus()
    page.keyboard.press("w")
    page.wait_for_timeout(300)
    if hide != "all":
        page.click(".sifa-tools [data-panel=inside]")
        page.locator(".sifa-trust summary").click()
    assert label not in page.inner_text("body")
    assert page.title() == "SIFA explorer"
    page.evaluate("() => { location.hash = 'b=1'; }")
    until(page, "state.block === 1")
    assert page.title() == f"moving: {label}"


def test_enter_in_the_field_of_the_link_copies_it(page, file):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, file)
    page.keyboard.press("x")
    page.press(".sifa-link input", "Enter")
    expect(page.locator(".sifa-share .sifa-said")).to_have_text("The link is copied.")
    assert page.evaluate("() => navigator.clipboard.readText()") == page.input_value(".sifa-link input")


def test_a_viewer_within_another_page_leaves_its_address_alone(page, tmp_path, prediction):
    trace = json.dumps(explorer.to_html(pack(prediction)))
    host = host_page(tmp_path, [])
    open_host(page, host)
    page.evaluate(
        f"() => {{ const f = document.createElement('iframe'); f.sandbox = 'allow-scripts'; f.srcdoc = {trace};"
        " f.style.cssText = 'width: 1200px; height: 800px'; document.body.append(f); }"
    )
    frame = page.frames[-1]
    frame.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")
    frame.click("[data-share=menu]")
    assert "has no address of its own" in frame.input_value(".sifa-link input")
    page.wait_for_timeout(400)
    assert page.evaluate("() => location.hash") == ""
    assert page.problems == []


def test_a_link_opens_its_pins_and_says_what_it_leaves_out(page, chromium, file):
    open_page(page, file)
    for y, x in ((8, 8), (3, 12)):
        page.mouse.click(*place(page, y, x))
    page.mouse.move(0, 0)
    until(page, "location.hash.includes('&p=1&pins=8,8;3,12')")
    wanted, seen = state(page), all_pixels(page)
    reader = fresh(chromium)
    open_link(reader, page.url)
    assert state(reader) == wanted
    assert all_pixels(reader) == seen
    reader.evaluate("() => { location.hash = 'pins=1,1;2,2;3,3;4,4;5,5;6,6;x,y'; }")
    until(reader, "state.pins.length === 5 && state.y === 1")
    assert "The link pins 7 places, of which 5 can be shown" in reader.locator(".sifa-said").first.inner_text()
    reader.context.close()
