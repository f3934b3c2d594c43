"""Both pictures enlarged, by wheel, fingers, mouse and keys."""

import numpy as np
import pytest

from tests.browser.test_viewer import CANVAS, KEY_CANVAS, open_page, pixels, place, state, until

pytestmark = pytest.mark.slow


def view(page):
    now = state(page)
    return now["zoom"], now["midY"], now["midX"]


def test_the_wheel_enlarges_both_pictures_and_is_the_pages_outwards_from_the_whole(viewer):
    viewer.mouse.move(*place(viewer, 3, 12))
    assert (state(viewer)["y"], state(viewer)["x"]) == (3, 12)
    before = [pixels(viewer, canvas) for canvas in (CANVAS, KEY_CANVAS)]
    top = viewer.evaluate("scrollY")
    viewer.mouse.wheel(0, -300)
    until(viewer, "state.zoom > 1.5")
    assert viewer.evaluate("scrollY") == top
    assert all(pixels(viewer, canvas) != old for canvas, old in zip((CANVAS, KEY_CANVAS), before))
    x, y = place(viewer, 3, 12)
    viewer.mouse.move(x + 1, y)
    assert (state(viewer)["y"], state(viewer)["x"]) == (3, 12)
    viewer.mouse.wheel(0, 3000)
    until(viewer, "state.zoom === 1")
    viewer.mouse.move(*place(viewer, 3, 12))
    assert [pixels(viewer, canvas) for canvas in (CANVAS, KEY_CANVAS)] == before
    viewer.evaluate("() => { document.body.style.height = '3000px'; }")  # as on a page that scrolls
    viewer.mouse.wheel(0, 200)
    viewer.wait_for_function(f"() => scrollY > {top}")
    assert state(viewer)["zoom"] == 1


def test_eight_times_is_the_most_and_a_double_click_shows_the_whole(viewer):
    viewer.mouse.move(*place(viewer, 8, 8))
    for _ in range(12):
        viewer.mouse.wheel(0, -500)
    until(viewer, "state.zoom === 8")
    viewer.mouse.dblclick(*place(viewer, 8, 8))
    until(viewer, "state.zoom === 1")
    assert not state(viewer)["pinned"]  # its two clicks pinned a cell and let it go


def test_a_drag_moves_an_enlarged_picture_and_pins_nothing(viewer):
    viewer.mouse.move(*place(viewer, 8, 8))
    viewer.mouse.wheel(0, -500)
    until(viewer, "state.zoom > 2")
    zoom, y, x = view(viewer)
    viewer.mouse.down()
    across, down = place(viewer, 8, 8)
    viewer.mouse.move(across + 50, down + 30, steps=4)
    viewer.mouse.up()
    side = viewer.locator(CANVAS).bounding_box()["width"]
    np.testing.assert_allclose(view(viewer), (zoom, y - 30 / side / zoom, x - 50 / side / zoom), atol=1e-3)
    assert not state(viewer)["pinned"]
    viewer.mouse.click(across, down)
    until(viewer, "state.pinned")


def test_keys_follow_the_cell(viewer):
    viewer.focus(CANVAS)
    for _ in range(4):
        viewer.keyboard.press("+")
    assert view(viewer)[0] == pytest.approx(1.5**4, abs=0.05)
    for _ in range(15):
        viewer.keyboard.press("Shift+ArrowUp")
    assert state(viewer)["y"] == 0
    assert view(viewer)[1] < 0.2
    viewer.wait_for_function("() => /Enlarged 5\\.\\d times/.test(document.querySelector('.sifa-live').textContent)")
    viewer.keyboard.press("Escape")
    assert view(viewer) == (1, 0.5, 0.5)


def test_two_fingers_enlarge_and_move_the_pictures_and_not_the_page(chromium, file):
    context = chromium.new_context(
        viewport=dict(width=390, height=844), has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    open_page(page, file)
    page.locator(CANVAS).scroll_into_view_if_needed()
    x, y = place(page, 8, 8)
    touch = context.new_cdp_session(page)
    for kind, apart, off in (("touchStart", 20, 0), ("touchMove", 30, 0), ("touchMove", 50, 0), ("touchMove", 50, 25)):
        points = [dict(x=x + off - apart, y=y, id=0), dict(x=x + off + apart, y=y, id=1)]
        touch.send("Input.dispatchTouchEvent", dict(type=kind, touchPoints=points))
    touch.send("Input.dispatchTouchEvent", dict(type="touchEnd", touchPoints=[]))
    until(page, "Math.abs(state.zoom - 2.5) < 0.05 && state.midX < 0.5")
    assert page.evaluate("visualViewport.scale") == 1
    assert not state(page)["pinned"]
    context.close()


def test_full_screen_by_button_and_key_and_words_where_there_is_none(viewer, file):
    side = viewer.locator(CANVAS).bounding_box()["width"]
    viewer.keyboard.press("f")
    viewer.wait_for_function("() => document.fullscreenElement?.className.includes('sifa')")
    assert viewer.locator(CANVAS).bounding_box()["width"] >= side
    viewer.click(".sifa-tools [data-panel=inside]")
    viewer.click("[data-do=full]")
    viewer.wait_for_function("() => !document.fullscreenElement")
    viewer.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject(new Error('no')); }")
    viewer.keyboard.press("f")
    viewer.locator(".sifa-pins p:has-text('does not allow the full screen')").wait_for()
