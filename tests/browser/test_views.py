"""The further views: their numbers against numpy on the unpacked trace, and the ways to them."""

import base64
from dataclasses import replace

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
from tests.predictions import foreign_prediction, nano_prediction

CLOSE = dict(rtol=1e-4, atol=1e-4)
MADE = {
    "nano": nano_prediction,
    "kernel 5": lambda: foreign_prediction(kernel=5),
    "softmax": lambda: foreign_prediction(normalised=True),
}


@pytest.fixture(scope="module", params=[*MADE])
def packed(request):
    return explorer.pack(MADE[request.param]())


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "clip.html"
    path.write_text(explorer.to_html(explorer.pack(nano_prediction())))
    return path


def import_script(page):
    """The viewer's script as `viewer` on an empty page: its pure functions without its page."""
    page.goto("about:blank")
    page.evaluate(
        """async script => {
        window.viewer = await import(URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))); }""",
        explorer.script(),
    )


@pytest.fixture
def calculated(page, packed):
    """The blocks as Python unpacks them, and a way to call the viewer's pure functions on the same bytes."""
    import_script(page)
    text = base64.b64encode(packed).decode()
    page.evaluate("text => { window.trace = viewer.parseTrace(viewer.toBuffer(text)); }", text)
    call = lambda code: page.evaluate(f"() => {{ const {{ blocks }} = trace; return viewer.{code}; }}")  # noqa: E731
    return explorer.unpack(packed).trace, call


def grid_of(block):
    """(N, 2) places of the neighbours around a query."""
    places = replace(block, offset=np.zeros_like(block.offset)).points[0]
    return (places - np.mgrid[: places.shape[-2], : places.shape[-1]])[:, :, 0, 0]


def test_arrows_in_three_readings(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        pair, (height, width) = block.offset.shape[0] - 1, block.offset.shape[-2:]
        vectors = block.points[pair] - np.mgrid[:height, :width]
        field = lambda arrows, b=b, pair=pair: call(f"arrowField(blocks[{b}], {pair}, '{arrows}')")  # noqa: E731
        for arrows, wanted in (("offset", block.offset[pair].mean(0)), ("displacement", block.displacement[pair])):
            got = np.array(field(arrows)).reshape(height, width, 2)
            np.testing.assert_allclose(got, wanted.transpose(1, 2, 0), **CLOSE)
        strength = np.abs(block.attention[pair])
        candidates = strength >= strength.max(0) - 1e-6  # packed weights may tie
        distance = np.abs(vectors - np.array(field("strongest")).reshape(height, width, 2).transpose(2, 0, 1)).max(1)
        assert np.where(candidates, distance, np.inf).min(0).max() < 1e-4


def test_readers_of_a_place(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        height, width = block.offset.shape[-2:]
        for pair, y, x in ((0, height // 2, width // 2), (1, 0, width - 1)):
            distance = np.abs(block.points[pair] - np.array([y, x])[:, None, None])
            bilinear = np.maximum(0, 1 - distance).prod(1)
            weight = (np.abs(block.attention[pair]) * bilinear).sum(0)
            got = call(f"readersOf(blocks[{b}], {pair}, {y}, {x})")
            assert [r["weight"] for r in got] == sorted((r["weight"] for r in got), reverse=True)
            found = np.zeros((height, width))
            for reader in got:
                found[reader["y"], reader["x"]] = reader["weight"]
            np.testing.assert_allclose(found, weight, **CLOSE)


def track_by_numpy(block, pair, y, x, rigid):
    """(steps, 4): place and spread per step, each step read at the nearest cell, the later one halfway between two."""
    pairs, _, _, height, width = block.offset.shape
    place, rows = np.array([y, x], float), [(y, x, 0, 0)]
    for p in range(pair, pairs):
        if not (-1 < place[0] < height and -1 < place[1] < width):
            break
        near = np.clip(np.floor(place + 0.5 + 1e-4), 0, [height - 1, width - 1]).astype(int)
        points = block.points[p, :, :, near[0], near[1]] - near
        if rigid:
            points = points - block.offset[p, :, :, near[0], near[1]]
        w = np.abs(block.attention[p, :, near[0], near[1]])
        mean = w @ points / w.sum()
        spread = np.sqrt(w @ (points - mean) ** 2 / w.sum())
        place = place + mean
        rows.append((*place, *spread))
    return np.array(rows)


@pytest.mark.parametrize("rigid", [False, True])
def test_tracks_follow_the_centroid(calculated, rigid):
    blocks, call = calculated
    block = blocks[0]
    height, width = block.offset.shape[-2:]
    for pair, y, x in ((0, height // 2, width // 2), (1, 1, 1), (0, height - 1, 0)):
        got = call(f"attentionTrack(blocks[0], {pair}, {y}, {x}, {'true' if rigid else 'false'})")
        wanted = track_by_numpy(block, pair, y, x, rigid)
        assert [p["step"] for p in got] == list(range(pair, pair + len(wanted)))
        np.testing.assert_allclose([p["place"] + p["spread"] for p in got], wanted, rtol=0, atol=2e-3)


def test_measures_of_the_contact_sheet(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        height, width = block.offset.shape[-2:]
        taps = block.attention.shape[1]
        share = np.abs(block.attention[1]) / np.abs(block.attention[1]).sum(0)
        logs = np.log(share, out=np.zeros_like(share), where=share > 0)
        y, x = block.points[1].transpose(1, 0, 2, 3)
        wanted = dict(
            offset=np.linalg.norm(block.offset[1], axis=1).mean(0),
            entropy=-(share * logs).sum(0) / np.log(taps),
            outside=1 - ((y > -1) & (y < height) & (x > -1) & (x < width)).mean(0),
        )
        for measure, field in wanted.items():
            got = call(f"measureMap(blocks[{b}], 1, '{measure}')")
            np.testing.assert_allclose(got, field.ravel(), rtol=0, atol=1e-3)


def test_saliency_is_the_traces(calculated):
    blocks, call = calculated
    for b, block in enumerate(blocks):
        got = call(f"saliencyMap(blocks[{b}], 1)")
        np.testing.assert_allclose(got, block.saliency[1].ravel(), **CLOSE)


@pytest.mark.parametrize("grid", [(7, 11), (40, 40)])
def test_frame_difference_per_cell(calculated, page, grid):
    """The 40 x 40 cells are smaller than the pictures' pixels inside the crop."""
    rng = np.random.default_rng(0)
    height, width = 30, 50
    one, other = rng.integers(0, 256, (2, height, width, 4))
    top, left, side = 2.0, 10.0, 28.0
    got = page.evaluate(
        """([a, b, height, width, rows, columns]) => Array.from(viewer.differenceMap({ data: a, height, width },
        { data: b, height, width }, { height: rows, width: columns }, { top: 4, left: 20, size: 56, scale: 2 }))""",
        [one.ravel().tolist(), other.ravel().tolist(), height, width, *grid],
    )
    pixel = np.abs(one - other)[..., :3].mean(-1) / 255
    inside = lambda start, count, n, end: (  # noqa: E731
        lambda c: (
            c[(c + 0.5 >= start + n * side / count) & (c + 0.5 < start + (n + 1) * side / count)]
            if ((c + 0.5 >= start + n * side / count) & (c + 0.5 < start + (n + 1) * side / count)).any()
            else np.array([int(start + (n + 0.5) * side / count)])
        )
    )(np.arange(end))
    wanted = [
        pixel[np.ix_(inside(top, grid[0], r, height), inside(left, grid[1], c, width))].mean()
        for r in range(grid[0])
        for c in range(grid[1])
    ]
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


def test_the_terms_of_the_equation_follow_from_the_trace(calculated):
    blocks, call = calculated
    block = blocks[0]
    pair, taps = 1, block.attention.shape[1]
    height, width = block.offset.shape[-2:]
    for y, x in ((height // 2, width // 2), (0, 0), (height - 1, 1)):
        weights = block.attention[pair, :, y, x]
        for tap in range(taps):
            py, px = point = block.points[pair, tap, :, y, x]
            about = f"""{{ read: viewer.readout(blocks[0], {pair}, {y}, {x}), block: blocks[0], tap: {tap},
                saliency: viewer.saliencyMap(blocks[0], {pair})[{y * width + x}], difference: 0.25 }}"""
            values = {name: value for name, _, value, _ in call(f"equationTerms({about})")}
            number = lambda text: [float(v) for v in text.replace("\u2212", "-").strip("()").split(", ")]  # noqa: E731
            np.testing.assert_allclose(number(values["offset"]), block.offset[pair, tap, :, y, x], rtol=0, atol=0.0051)
            np.testing.assert_allclose(number(values["point"]), point, rtol=0, atol=0.0051)
            np.testing.assert_allclose(number(values["tap"]), grid_of(block)[tap])
            assert number(values["weight"])[0] == pytest.approx(weights[tap], abs=6e-5)
            assert float(values["share"][:-2]) == pytest.approx(
                100 * abs(weights[tap]) / np.abs(weights).sum(), abs=0.06
            )
            np.testing.assert_allclose(
                number(values["displacement"]), block.displacement[pair, :, y, x], rtol=0, atol=0.0052
            )
            assert float(values["gate"][4:]) == pytest.approx(block.saliency[pair, y, x], abs=6e-4)
            corners = call(f"bilinearCorners([{py}, {px}], blocks[0])")
            assert sum(c["weight"] for c in corners) == pytest.approx(1)
            assert sum(c["weight"] * c["y"] for c in corners) == pytest.approx(py, abs=1e-5)
            assert sum(c["weight"] * c["x"] for c in corners) == pytest.approx(px, abs=1e-5)
            inside = sum(c["weight"] for c in corners if 0 <= c["y"] < height and 0 <= c["x"] < width)
            assert float(values["value"].split()[0]) == pytest.approx(inside, abs=6e-4)


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
    viewer.keyboard.press("ArrowRight")
    assert (cell(viewer), state(viewer)["reverse"]) == ((5, 5), True)
    viewer.keyboard.press("ArrowRight")
    viewer.keyboard.press("ArrowDown")
    assert cell(viewer) == (6, 6)
    viewer.keyboard.press("Enter")
    assert state(viewer)["pinned"]
    viewer.keyboard.press("Escape")
    assert (state(viewer)["pinned"], state(viewer)["reverse"]) == (False, True)
    viewer.keyboard.press("Escape")
    assert not state(viewer)["reverse"]
    viewer.keyboard.press("r")
    assert state(viewer)["reverse"]


def test_arrow_menu_density_and_colours(viewer):
    seen = {pixels(viewer)}
    for value in ("offset", "strongest", "off", "displacement"):
        viewer.select_option("[data-set=arrows]", value)
        seen.add(pixels(viewer))
    assert len(seen) == 4
    assert state(viewer)["quiver"]
    for key in ("a", "-", "c", "+"):
        viewer.keyboard.press("Escape")
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
    edges = lambda start, n: slice(round(start + n * side / 16), round(start + (n + 1) * side / 16))  # noqa: E731
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


def test_playing_slower_and_faster(viewer):
    viewer.keyboard.press(">")
    viewer.keyboard.press(">")
    assert state(viewer)["speed"] == 4
    pair = state(viewer)["pair"]
    viewer.keyboard.press(" ")
    until(viewer, f"state.pair === {(pair + 3) % 7}")
    viewer.select_option("[data-set=speed]", "0.25")
    now = state(viewer)["pair"]
    viewer.wait_for_timeout(500)
    assert state(viewer)["pair"] == now
    assert state(viewer)["playing"]


def test_a_state_from_elsewhere_is_settled(page):
    import_script(page)
    text = base64.b64encode(explorer.pack(foreign_prediction())).decode()
    odd = page.evaluate(
        """text => { const { emptyState, parseTrace, toBuffer, withTrace } = viewer;
        const odd = { ...emptyState(), overlay: 'nonsense', density: 3, speed: 100, tap: 77, arrows: 'offset' };
        const { overlay, density, speed, tap, arrows } = withTrace(odd, parseTrace(toBuffer(text)), null);
        return { overlay, density, speed, tap, arrows }; }""",
        text,
    )
    assert odd == dict(overlay="none", density="medium", speed=1, tap=-1, arrows="offset")


def test_settings_are_plain_data_within_their_lists(page):
    import_script(page)
    assert (
        page.evaluate(
            """() => { const { SETTINGS, emptyState, withSetting } = viewer;
        const first = emptyState();
        return [
          JSON.stringify(JSON.parse(JSON.stringify(first))) === JSON.stringify(first),
          Object.entries(SETTINGS).every(([name, list]) => list.every(v => withSetting(first, name, v)[name] === v)),
          withSetting(first, 'overlay', 'nonsense') === first, withSetting(first, 'block', 3) === first]; }"""
        )
        == [True] * 4
    )


def test_drawn_layers_stay_bounded(page):
    import_script(page)
    painted = page.evaluate(
        """() => { const store = viewer.layerStore(); let painted = 0;
        const get = key => store.get(key, 1000, () => { painted += 1; });
        for (let i = 0; i < 40; i++) { get(`${i}`); get('0'); }
        return [painted, store.has('0'), store.has('39'), store.has('1'),
          [...Array(40).keys()].filter(i => store.has(`${i}`)).length]; }"""
    )
    assert painted == [40, True, True, False, 16]  # 64 MB of 4 MB each


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_every_view_fits(page, file, width, scheme):
    page.set_viewport_size(dict(width=width, height=844))
    page.emulate_media(color_scheme=scheme)
    open_page(page, file)
    for overlay, drawer in (("track", "equation"), ("saliency", "neighbours"), ("difference", "sheet")):
        page.select_option("[data-set=overlay]", overlay)
        page.select_option("[data-set=drawer]", drawer)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in (".sifa-chart b", ".sifa-wheel-words", ".sifa-heat", ".sifa-tiles th", ".sifa-drawer small"):
        assert contrast(page, selector) >= 4.5
    for select in page.locator(".sifa-menus select").all():
        box = select.bounding_box()
        assert box["height"] >= 36
        assert box["x"] + box["width"] <= width
    rows = {round(select.bounding_box()["y"]) for select in page.locator(".sifa-menus select").all()}
    assert len(rows) == (1 if width > 720 else 2)
    assert page.problems == []


@pytest.mark.parametrize(("focused", "hides"), [("[data-do=fewer]", "q"), ("[data-do=nextTap]", "e")])
def test_keys_go_on_where_the_focused_part_is_hidden(viewer, focused, hides):
    viewer.keyboard.press("e")
    viewer.focus(focused)
    viewer.keyboard.press(hides)
    settle(viewer)
    before = state(viewer)["pair"]
    viewer.keyboard.press(".")
    until(viewer, f"state.pair === {before + 1}")
