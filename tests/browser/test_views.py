"""The further views and the ways to them; tests/viewer/test_numbers.py holds their numbers against numpy."""

import numpy as np
import pytest

from sifa import explorer
from tests.browser.test_viewer import (
    CANVAS,
    CLOSE_UP,
    KEY_CANVAS,
    cell,
    contrast,
    open_page,
    over,
    pixels,
    place,
    settle,
    state,
    until,
)
from tests.predictions import nano_prediction
from tests.viewer.by_numpy import track_by_numpy

pytestmark = pytest.mark.slow


def over_key(page, y, x):
    """Move over a cell of frame t + 1."""
    left, right = (page.locator(canvas).bounding_box() for canvas in (CANVAS, KEY_CANVAS))
    px, py = place(page, y, x)
    page.mouse.move(px - left["x"] + right["x"], py - left["y"] + right["y"])
    settle(page)
    return px - left["x"] + right["x"], py - left["y"] + right["y"]


def test_hovering_the_next_frame_asks_who_reads_it(viewer):
    over(viewer, 3, 4)
    before = pixels(viewer)
    spot = over_key(viewer, 8, 9)
    assert state(viewer)["reverse"]
    assert cell(viewer) == (8, 9)
    assert pixels(viewer) != before
    assert "Who reads y 8, x 9?" in viewer.inner_text(".sifa-asked")
    assert "Who reads cell y 8, x 9 of frame t + 1" in viewer.inner_text(".sifa-caption")
    assert not viewer.locator(".sifa-read").is_visible()
    viewer.mouse.move(3, 3)
    settle(viewer)
    assert (cell(viewer), state(viewer)["reverse"]) == ((3, 4), False)
    viewer.mouse.click(*spot)
    viewer.mouse.move(3, 3)
    assert (cell(viewer), state(viewer)["reverse"], state(viewer)["pinned"]) == ((8, 9), True, True)
    viewer.wait_for_function("() => / quer(y|ies) reads? it/.test(document.querySelector('[aria-live]').textContent)")
    settle(viewer)
    button = viewer.locator(".sifa-asked button").first
    y, x = int(button.get_attribute("data-y")), int(button.get_attribute("data-x"))
    button.click()
    assert (cell(viewer), state(viewer)["reverse"], state(viewer)["pinned"]) == ((y, x), False, True)


def test_keys_ask_who_reads_a_place(viewer):
    over(viewer, 5, 5)
    viewer.focus(KEY_CANVAS)
    viewer.keyboard.press("Shift+ArrowRight")
    assert (cell(viewer), state(viewer)["reverse"]) == ((5, 5), True)
    viewer.keyboard.press("Shift+ArrowRight")
    viewer.keyboard.press("Shift+ArrowDown")
    assert cell(viewer) == (6, 6)
    viewer.keyboard.press("Enter")
    assert state(viewer)["pinned"]
    viewer.keyboard.press("Escape")
    assert (state(viewer)["pinned"], state(viewer)["reverse"]) == (False, True)
    viewer.keyboard.press("Escape")
    assert not state(viewer)["reverse"]
    viewer.keyboard.press("r")
    assert state(viewer)["reverse"]


@pytest.mark.usefixtures("inside")
def test_arrow_menu_density_and_colours(viewer):
    seen = {pixels(viewer)}
    for value in ("offset", "strongest", "off", "displacement"):
        viewer.select_option("[data-set=arrows]", value)
        seen.add(pixels(viewer))
    assert len(seen) == 4
    assert state(viewer)["quiver"]
    for key in ("a", "-", "c", "+"):
        viewer.focus(CANVAS)
        viewer.keyboard.press(key)
        seen.add(pixels(viewer))
    assert (state(viewer)["arrows"], state(viewer)["density"], state(viewer)["tinted"]) == ("offset", "medium", True)
    viewer.click("[data-do=fewer]")
    assert state(viewer)["density"] == "sparse"
    seen.add(pixels(viewer))
    viewer.click("[data-do=tint]")
    settle(viewer)
    assert viewer.get_attribute("[data-do=tint]", "aria-pressed") == "false"
    assert "mean offset" in viewer.inner_text(".sifa-arrows")
    assert len(seen) >= 6


@pytest.mark.usefixtures("inside")
def test_heat_maps_lie_over_frame_t(viewer):
    plain = pixels(viewer)
    viewer.select_option("[data-set=overlay]", "saliency")
    saliency = pixels(viewer)
    assert "in the trace" in viewer.inner_text(".sifa-heat >> nth=0")
    viewer.select_option("[data-set=overlay]", "difference")
    assert len({plain, saliency, pixels(viewer)}) == 3
    assert "of the two pictures shown" in viewer.inner_text(".sifa-heat >> nth=0")
    viewer.focus(CANVAS)
    viewer.keyboard.press("o")
    assert state(viewer)["overlay"] == "track"
    viewer.keyboard.press("o")
    assert state(viewer)["overlay"] == "none"
    assert pixels(viewer) == plain


@pytest.mark.usefixtures("inside")
def test_the_track_is_drawn_and_said(viewer):
    over(viewer, 8, 8)
    viewer.fill(".sifa-bar input", "2")
    plain = pixels(viewer)
    viewer.select_option("[data-set=overlay]", "track")
    assert pixels(viewer) != plain
    block = explorer.unpack(explorer.pack(nano_prediction())).trace[0]
    y, x, *_ = track_by_numpy(block, 2, 8, 8, False)[-1]
    assert f"y {y:.2f}, x {x:.2f}" in viewer.inner_text(".sifa-chart p")
    assert viewer.locator(".sifa-chart svg").count() == 2


def test_the_sheet_goes_where_a_tile_is(viewer):
    viewer.keyboard.press("s")
    settle(viewer)
    assert viewer.locator(".sifa-tiles button").count() == 4 * 7
    assert viewer.locator(".sifa-tiles button[tabindex='0']").count() == 1
    viewer.click(".sifa-tiles tbody tr:nth-child(3) td:nth-of-type(6) button")
    assert (state(viewer)["block"], state(viewer)["pair"]) == (2, 5)
    for key in ("ArrowUp", "ArrowLeft", "Enter"):
        viewer.keyboard.press(key)
    until(viewer, "state.block === 1 && state.pair === 4")
    settle(viewer)
    assert viewer.get_attribute(".sifa-tiles [aria-current]", "aria-label").startswith("Block 2, step 5: mean offset ")
    tiles = viewer.inner_text(".sifa-tiles")
    viewer.select_option("[data-set=measure]", "entropy")
    settle(viewer)
    assert viewer.inner_text(".sifa-tiles") != tiles


def test_terms_and_marks_light_each_other(viewer):
    viewer.mouse.click(*place(viewer, 8, 8))
    viewer.keyboard.press("e")
    settle(viewer)
    viewer.mouse.move(3, 3)
    canvases = CANVAS, KEY_CANVAS, CLOSE_UP
    dark = [pixels(viewer, canvas) for canvas in canvases]
    for term in ("gate", "offset", "tap", "point", "corner0", "corner3", "value", "weight", "displacement"):
        viewer.hover(f"[data-term={term}]")
        assert pixels(viewer, KEY_CANVAS) != dark[1]
        assert viewer.locator(".sifa-lit").get_attribute("data-term") == term
    viewer.mouse.move(3, 3)
    assert [pixels(viewer, canvas) for canvas in canvases] == dark
    viewer.focus("[data-term=query]")
    assert pixels(viewer) != dark[0]


LIT = "() => document.querySelector('.sifa-lit')?.dataset.term ?? ''"


def lit_along(page, canvas, window, places):
    """The term that lights up at each place (y, x) of a canvas: `window` gives its first cell and its cells across."""
    page.locator(canvas).scroll_into_view_if_needed()
    box = page.locator(canvas).bounding_box()
    (top, left), across = window
    found = []
    for y, x in places:
        spot = [
            start + (v - first) * box["width"] / across for start, v, first in ((box["x"], x, left), (box["y"], y, top))
        ]
        page.mouse.move(*spot)
        settle(page)
        found.append(page.evaluate(LIT))
    return found, spot


def whole(cells=16):
    """The window of frames t and t + 1, with its margin."""
    return [-0.5 - 0.06 / 0.88 * cells] * 2, cells / 0.88


def test_marks_light_their_terms(viewer):
    viewer.mouse.click(*place(viewer, 8, 8))
    viewer.keyboard.press("e")
    viewer.click(".sifa-read td:nth-child(1)")
    y, x = cell(viewer)
    read = viewer.evaluate(f"() => document.querySelector('.sifa').sifa.readout(0, {state(viewer)['pair']}, {y}, {x})")
    point, tap = np.array(read["points"][0]), np.array(read["taps"][0])
    end = np.add(read["displacement"], [y, x])
    for canvas, window in ((KEY_CANVAS, whole()), (CLOSE_UP, ((y - 3.5, x - 3.5), 7))):
        found, _ = lit_along(viewer, canvas, window, [point, tap, (point + tap) / 2, end])
        assert found == ["point", "tap", "offset", "displacement"]
    found, _ = lit_along(viewer, CANVAS, whole(), [end, 2 * np.array([y, x]) - end, (0, 0)])
    assert found == ["displacement", "query", ""]
    corners = np.floor(point) + np.indices((2, 2)).reshape(2, 4).T
    seen = {}
    for dy, dx in np.mgrid[-0.4:0.5:0.2, -0.4:0.5:0.2].reshape(2, -1).T:
        found, spot = lit_along(viewer, CLOSE_UP, ((y - 3.5, x - 3.5), 7), np.add(corners, [dy, dx]))
        for number, term in enumerate(found):
            if term.startswith("corner"):
                assert term == f"corner{number}"
                seen[number] = spot
    assert {*seen} == {0, 1, 2, 3}
    lit_along(viewer, CLOSE_UP, ((y - 3.5, x - 3.5), 7), [np.array(read["points"][7])])
    viewer.mouse.down()
    viewer.mouse.up()
    assert state(viewer)["tap"] == 7


def test_frames_light_nothing_while_the_query_follows_the_pointer(viewer):
    viewer.keyboard.press("e")
    over(viewer, 8, 8)
    assert viewer.evaluate(LIT) == ""


@pytest.mark.parametrize(("key", "drawer"), [("e", "equation"), ("t", "neighbours")])
def test_what_is_of_a_query_gives_way_to_the_reverse_question(viewer, key, drawer):
    viewer.keyboard.press(key)
    settle(viewer)
    part, sentence = viewer.locator(f"[data-drawer={drawer}]"), viewer.locator(".sifa-drawer > p")
    assert (part.is_visible(), sentence.is_visible()) == (True, False)
    viewer.keyboard.press("r")
    settle(viewer)
    assert (part.is_visible(), sentence.is_visible()) == (False, True)
    assert sentence.inner_text() == "Equation and table are of a query: choose a cell of frame t."
    viewer.keyboard.press("s")
    settle(viewer)
    assert (viewer.locator(".sifa-tiles").is_visible(), sentence.is_visible()) == (True, False)
    viewer.keyboard.press(key)
    viewer.mouse.click(*place(viewer, 4, 5))
    settle(viewer)
    assert (part.is_visible(), sentence.is_visible()) == (True, False)
    assert ("(4, 5)" if key == "e" else "y 4, x 5") in part.inner_text()


def test_the_difference_is_that_of_the_shown_pictures(viewer):
    """Step 3 shows frame 5, step 4 frame 7; the disc has left the cell between them."""
    viewer.mouse.click(*place(viewer, 8, 3))
    viewer.fill(".sifa-bar input", "2")
    viewer.keyboard.press("e")
    settle(viewer)
    prediction = explorer.unpack(explorer.pack(nano_prediction()))
    top, left, side = prediction.crop.source_box
    edges = lambda start, n: slice(round(start + n * side / 16), round(start + (n + 1) * side / 16))
    one, other = prediction.clip.frames[[5, 7], edges(top, 8), edges(left, 3)].astype(float)
    wanted = np.abs(one - other).mean() / 255
    assert wanted > 0.2
    said = viewer.inner_text("[data-term=difference] b")
    assert float(said.split()[1]) == pytest.approx(wanted, abs=0.01)  # two decoders of the same JPEG


def test_the_neighbour_of_the_equation_is_chosen(viewer):
    viewer.mouse.click(*place(viewer, 8, 8))
    viewer.keyboard.press("e")
    viewer.click(".sifa-read td:nth-child(3)")
    assert state(viewer)["tap"] == 2
    viewer.keyboard.press("n")
    viewer.keyboard.press("n")
    viewer.keyboard.press("N")
    settle(viewer)
    assert state(viewer)["tap"] == 3
    assert "neighbour 4 of 9" in viewer.inner_text(".sifa-tap")
    assert viewer.locator(".sifa-chosen").count() == 1
    viewer.click("[data-do=nextTap]")
    assert state(viewer)["tap"] == 4


def test_the_neighbours_as_a_table(viewer):
    over(viewer, 8, 8)
    viewer.keyboard.press("t")
    settle(viewer)
    assert viewer.locator(".sifa-table tbody tr").count() == 9
    block = explorer.unpack(explorer.pack(nano_prediction())).trace[0]
    pair = state(viewer)["pair"]
    for tap, row in enumerate(viewer.locator(".sifa-table tbody tr").all()):
        dy, dx, y, x, weight = (float(t.replace("\u2212", "-")) for t in row.locator("td").all_inner_texts()[:5])
        np.testing.assert_allclose([dy, dx], block.offset[pair, tap, :, 8, 8], rtol=0, atol=0.0051)
        np.testing.assert_allclose([y, x], block.points[pair, tap, :, 8, 8], rtol=0, atol=0.0051)
        assert weight == pytest.approx(block.attention[pair, tap, 8, 8], abs=6e-5)


@pytest.mark.usefixtures("inside")
def test_playing_slower_and_faster(viewer):
    viewer.keyboard.press(">")
    viewer.keyboard.press(">")
    assert state(viewer)["speed"] == 4
    pair = state(viewer)["pair"]
    viewer.click("[data-do=play]")
    until(viewer, f"state.pair === {(pair + 3) % 7}")
    viewer.select_option("[data-set=speed]", "0.25")
    now = state(viewer)["pair"]
    viewer.wait_for_timeout(500)
    assert state(viewer)["pair"] == now
    assert state(viewer)["playing"]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_every_view_fits(page, file, width, scheme):
    page.set_viewport_size(dict(width=width, height=844))
    page.emulate_media(color_scheme=scheme)
    open_page(page, file)
    page.click(".sifa-tools [data-panel=inside]")
    for overlay, drawer in (("track", "equation"), ("saliency", "neighbours"), ("difference", "sheet")):
        page.select_option("[data-set=overlay]", overlay)
        page.select_option("[data-set=drawer]", drawer)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in (".sifa-chart b", ".sifa-wheel-words", ".sifa-heat", ".sifa-tiles th", ".sifa-drawer small"):
        assert contrast(page, selector) >= 4.5
    for select in page.locator(".sifa-menus select").all():
        select.scroll_into_view_if_needed()
        box = select.bounding_box()
        assert box["height"] >= 36
        assert box["x"] + box["width"] <= width
    rows = {round(select.bounding_box()["y"]) for select in page.locator(".sifa-menus select").all()}
    assert len(rows) == 2
    assert page.problems == []


@pytest.mark.parametrize(
    ("focused", "hides"), [("[data-do=fewer]", "q"), ("[data-do=nextTap]", "e"), ("[data-do=full]", "i")]
)
def test_keys_go_on_where_the_focused_part_is_hidden(viewer, focused, hides):
    viewer.keyboard.press("i" if hides == "i" else "e")
    viewer.focus(focused)
    viewer.keyboard.press(hides)
    settle(viewer)
    before = state(viewer)["pair"]
    viewer.keyboard.press(".")
    until(viewer, f"state.pair === {before + 1}")


def test_a_disc_and_its_cells_in_the_tables_light_each_other_up(viewer):
    viewer.mouse.click(*place(viewer, 8, 8))
    viewer.keyboard.press("t")
    viewer.mouse.move(2, 2)
    dark = [pixels(viewer, canvas) for canvas in (CANVAS, KEY_CANVAS, CLOSE_UP)]
    lit = []
    for selector in (".sifa-read td", "[data-drawer=neighbours] tr[data-tap]"):
        viewer.locator(selector).nth(4).hover()
        lit.append([pixels(viewer, canvas) for canvas in (CANVAS, KEY_CANVAS, CLOSE_UP)])
        assert viewer.locator(".sifa-read td.sifa-chosen").get_attribute("data-tap") == "4"
        assert viewer.locator("tr.sifa-lit").get_attribute("data-tap") == "4"
    assert lit[0] == lit[1]
    assert [one == other for one, other in zip(dark, lit[0])] == [True, False, False]
    viewer.mouse.move(2, 2)
    assert [pixels(viewer, canvas) for canvas in (CANVAS, KEY_CANVAS, CLOSE_UP)] == dark
    viewer.locator(CLOSE_UP).scroll_into_view_if_needed()
    box = viewer.locator(CLOSE_UP).bounding_box()
    found = set()
    for step in range(400):
        across, down = 0.2 + 0.03 * (step % 20), 0.2 + 0.03 * (step // 20)
        viewer.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        found |= set(
            viewer.locator(".sifa-read td.sifa-chosen").evaluate_all("cells => cells.map(cell => cell.dataset.tap)")
        )
    assert len(found) >= 7
