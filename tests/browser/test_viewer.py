"""The single-file page in real Chromium, from file:// with the network off."""

import base64
import json

import numpy as np
import pytest

from sifa import explorer
from tests.browser.conftest import open_page, settle
from tests.predictions import foreign_prediction, nano_prediction
from tests.viewer.test_numbers import HEADERS, complete, with_header

CANVAS, KEY_CANVAS, CLOSE_UP = ".sifa-query canvas", ".sifa-key canvas", ".sifa-close canvas"
MARGIN = 0.06  # of the picture, around the model's square


@pytest.fixture(scope="module")
def prediction():
    return nano_prediction()


@pytest.fixture(scope="module")
def file(prediction, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "clip.html"
    path.write_text(explorer.to_html(explorer.pack(prediction)))
    return path


def state(page):
    return page.evaluate("() => document.querySelector('.sifa').sifa.state")


def cell(page):
    now = state(page)
    return now["y"], now["x"]


def drawer(page, name):
    """Open one of the drawers, experiment or inside; '' closes what is open."""
    if name:
        page.click(f".sifa-tools [data-panel={name}]")
    else:
        page.click("[data-panel=none]:visible")
    settle(page)


def until(page, condition):
    """Wait until a condition on `state` holds; the test fails where it never does."""
    page.wait_for_function(f"() => {{ const {{ state }} = document.querySelector('.sifa').sifa; return {condition}; }}")


def pixels(page, selector=CANVAS):
    settle(page)
    return page.evaluate("selector => document.querySelector(selector).toDataURL()", selector)


def place(page, y, x, cells=16):
    """The middle of a cell of frame t, on the page."""
    box = page.locator(CANVAS).bounding_box()
    inner = (1 - 2 * MARGIN) * box["width"]
    return tuple(box[k] + MARGIN * box["width"] + (v + 0.5) * inner / cells for k, v in (("x", x), ("y", y)))


def over(page, y, x):
    page.mouse.move(*place(page, y, x))
    settle(page)


def test_the_header_says_what_and_by_whom(viewer, prediction):
    label, p = prediction.top(1)[0]
    share = f"{100 * p:.1f} %"
    assert viewer.inner_text(".sifa-answer h2") == "Unsure"  # below half: nobody's answer
    assert " ".join(viewer.locator(".sifa-best li").first.inner_text().split()) == f"{label} {share}"
    assert viewer.locator(".sifa-best li").count() == 3
    assert viewer.locator(".sifa-bars li").count() == 5
    assert viewer.locator(".sifa-bars .sifa-name").all_inner_texts() == [name for name, _ in prediction.top(5)]
    assert viewer.locator(".sifa-bars .sifa-number").first.inner_text() == share
    assert viewer.inner_text(".sifa-badge") == "Untrained weights: random numbers, nothing learned"
    assert viewer.inner_text(".sifa-clip") == "moving.mp4"


def test_hover_previews_and_click_pins(viewer):
    canvases = CANVAS, KEY_CANVAS, CLOSE_UP
    before = [pixels(viewer, canvas) for canvas in canvases]
    over(viewer, 3, 4)
    assert cell(viewer) == (3, 4)
    assert all(pixels(viewer, canvas) != old for canvas, old in zip(canvases, before))
    assert "Cell y 3, x 4" in viewer.inner_text(".sifa-read")
    viewer.mouse.click(*place(viewer, 5, 6))
    over(viewer, 9, 9)
    assert cell(viewer) == (5, 6)
    assert state(viewer)["pinned"]
    assert "pinned" in viewer.inner_text(".sifa-read")
    viewer.mouse.click(*place(viewer, 9, 9))
    assert cell(viewer) == (9, 9)
    assert state(viewer)["pinned"]
    viewer.keyboard.press("Escape")
    assert cell(viewer) == (5, 6)
    viewer.keyboard.press("Escape")
    assert not state(viewer)["pinned"]
    over(viewer, 1, 1)
    assert cell(viewer) == (1, 1)
    viewer.mouse.click(*place(viewer, 2, 2))
    viewer.mouse.click(*place(viewer, 2, 2))
    assert not state(viewer)["pinned"]


def test_the_margin_belongs_to_the_nearest_cell(viewer):
    box = viewer.locator(CANVAS).bounding_box()
    viewer.mouse.move(box["x"] + 3, box["y"] + box["height"] - 3)
    assert cell(viewer) == (15, 0)


def test_the_table_holds_the_neighbours(viewer, prediction):
    over(viewer, 8, 8)
    pair, block = state(viewer)["pair"], prediction.trace[0]
    cells = viewer.locator(".sifa-read td").all_inner_texts()
    assert len(cells) == 9
    for tap, text in enumerate(cells):
        weight, dy, dx = (float(number.replace("\u2212", "-")) for number in text.split())
        assert abs(weight - block.attention[pair, tap, 8, 8]) <= np.ptp(block.attention[pair]) / 255 + 0.005
        np.testing.assert_allclose([dy, dx], block.offset[pair, tap, :, 8, 8], rtol=0, atol=1 / 64 + 0.006)


def test_points_outside_are_marked_and_said(viewer):
    over(viewer, 0, 0)
    outside = viewer.evaluate("() => { const s = document.querySelector('.sifa').sifa;"
                              "return s.readout(0, s.state.pair, 0, 0).outside; }")  # fmt: skip
    assert 0 < sum(outside) < 9
    assert viewer.locator(".sifa-read .sifa-lost").count() == sum(outside)
    assert "outside the frame: counts 0" in viewer.inner_text(".sifa-inside .sifa-legend")


def test_the_query_is_outlined_in_its_colour(viewer):
    viewer.mouse.click(*place(viewer, 5, 6))
    settle(viewer)
    x, y = place(viewer, 5, 6)
    box = viewer.locator(CANVAS).bounding_box()
    half = (1 - 2 * MARGIN) * box["width"] / 32
    colour = viewer.evaluate(
        "([x, y]) => [...document.querySelector('.sifa-query canvas').getContext('2d').getImageData(x, y, 1, 1).data]",
        [round(x - box["x"] - half), round(y - box["y"] + half / 2)],
    )
    np.testing.assert_allclose(colour[:3], [255, 157, 46], rtol=0, atol=40)


def test_the_scale_fits_the_weights(viewer, tmp_path):
    assert "may be negative" in viewer.inner_text(".sifa-scale")
    low, zero, high = viewer.locator(".sifa-ends span").all_inner_texts()
    assert zero == "0"
    assert low.strip("\u2212") == high.strip("+")
    (tmp_path / "soft.html").write_text(explorer.to_html(explorer.pack(foreign_prediction(normalised=True))))
    open_page(viewer, tmp_path / "soft.html")
    viewer.requests.clear()
    assert "sum 1" in viewer.inner_text(".sifa-scale")
    assert viewer.locator(".sifa-ends span").first.inner_text() == "0.00"
    assert float(viewer.locator(".sifa-read dd").first.inner_text()) == pytest.approx(1, abs=0.03)


def test_keys_do_all_that_the_mouse_does(viewer):
    viewer.mouse.click(*place(viewer, 5, 5))
    viewer.keyboard.press("Escape")
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowDown", "ArrowRight"):
        viewer.keyboard.press(f"Shift+{key}")
    assert cell(viewer) == (6, 4)
    viewer.keyboard.press("Enter")
    assert state(viewer)["pinned"]
    pair = state(viewer)["pair"]
    viewer.keyboard.press(".")
    assert state(viewer)["pair"] == pair + 1
    viewer.keyboard.press(",")
    assert state(viewer)["pair"] == pair
    viewer.keyboard.press("]")
    assert state(viewer)["block"] == 1
    assert cell(viewer) == (3, 2)
    viewer.keyboard.press("[")
    viewer.keyboard.press("[")
    assert state(viewer)["block"] == 0
    viewer.keyboard.press("q")
    assert not state(viewer)["quiver"]
    viewer.focus("[data-do=help]")
    viewer.keyboard.press("ArrowRight")
    assert state(viewer)["pair"] == pair + 1
    viewer.keyboard.press("ArrowLeft")
    assert state(viewer)["pair"] == pair


def test_keys_work_at_once(viewer):
    pair = state(viewer)["pair"]
    viewer.keyboard.press("ArrowRight")
    assert state(viewer)["pair"] == pair + 1


def test_help_opens_and_closes(viewer):
    for opening, closing in (("?", "Escape"), ("?", "?")):
        viewer.keyboard.press(opening)
        assert viewer.locator(".sifa-help").is_visible()
        pair = state(viewer)["pair"]
        viewer.keyboard.press(".")
        assert state(viewer)["pair"] == pair
        viewer.keyboard.press(closing)
        assert not viewer.locator(".sifa-help").is_visible()
    viewer.click("[data-do=help]")
    viewer.click(".sifa-help button")
    assert not viewer.locator(".sifa-help").is_visible()


def test_play_and_pause(viewer):
    pair = state(viewer)["pair"]
    viewer.keyboard.press(" ")
    assert state(viewer)["playing"]
    until(viewer, f"state.pair !== {pair}")
    assert viewer.get_attribute("[data-do=play]", "aria-label") == "Pause"
    viewer.click("[data-do=play]")
    stopped = state(viewer)
    assert not stopped["playing"]
    viewer.wait_for_timeout(800)
    assert state(viewer)["pair"] == stopped["pair"]
    viewer.fill(".sifa-bar input", "6")
    viewer.click("[data-do=play]")
    until(viewer, "state.pair === 0")


def test_nothing_plays_by_itself(page, file):
    page.emulate_media(reduced_motion="reduce")
    open_page(page, file)
    before = state(page)
    page.wait_for_timeout(800)
    assert state(page) == before
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.getAnimations().length") == 0


def test_buttons_slider_list_and_filmstrip(viewer):
    drawer(viewer, "inside")
    viewer.click("[data-do=previous]")
    first = state(viewer)["pair"]
    before = pixels(viewer)
    viewer.click("[data-do=next]")
    assert state(viewer)["pair"] == first + 1
    assert pixels(viewer) != before
    viewer.fill(".sifa-bar input", "0")
    assert state(viewer)["pair"] == 0
    viewer.click("[data-do=deeper]")
    assert state(viewer)["block"] == 1
    viewer.click("[data-do=shallower]")
    assert state(viewer)["block"] == 0
    viewer.select_option(".sifa-bar select", "2")
    assert state(viewer)["block"] == 2
    viewer.click(".sifa-film button:nth-child(5)")
    settle(viewer)
    assert state(viewer)["pair"] == 4
    assert "Block 3 of 4, stage 3, 4 \u00d7 4 cells" in viewer.inner_text(".sifa-caption")
    assert "Step 5 \u2192 6: source frames 32\u201336 \u2192 40\u201344" in viewer.inner_text(".sifa-caption")
    assert viewer.inner_text(".sifa-film .sifa-from .sifa-film-frames").split() == ["32", "36"]
    assert viewer.inner_text(".sifa-film .sifa-to .sifa-film-frames").split() == ["40", "44"]
    assert "1.07\u20131.20 s" in viewer.inner_text(".sifa-query figcaption")
    assert viewer.get_attribute(".sifa-query figcaption span", "title") == "source frames 32\u201336"
    assert viewer.inner_text(".sifa-step") == "step 5 of 7"
    with_arrows = pixels(viewer)
    viewer.select_option("[data-set=arrows]", "off")
    assert pixels(viewer) != with_arrows
    assert not state(viewer)["quiver"]


def test_what_has_the_focus_keeps_its_keys_from_jupyter(viewer):
    drawer(viewer, "inside")
    for selector in (".sifa-query canvas", "[data-do=play]", ".sifa-film button"):
        viewer.focus(selector)
        assert viewer.evaluate("() => 'lmSuppressShortcuts' in document.activeElement.dataset")


def test_the_next_step_is_drawn_ahead(viewer):
    """A step draws no layer of its own, if there was time before it."""
    viewer.evaluate(
        """() => { window.drawn = 0;
        window.OffscreenCanvas = class extends OffscreenCanvas { constructor(...size) { super(...size); drawn += 1; } }; }"""
    )
    step = """async () => { const before = drawn;
        document.querySelector('.sifa').dispatchEvent(new KeyboardEvent('keydown', { key: '.' }));
        await new Promise(requestAnimationFrame);
        return drawn - before; }"""
    assert viewer.evaluate(step) <= 2
    viewer.wait_for_timeout(1000)
    assert viewer.evaluate("drawn") > 2
    assert viewer.evaluate(step) == 0
    assert state(viewer)["pair"] == 5


def test_every_frame_is_in_the_film_once(viewer, prediction):
    drawer(viewer, "inside")
    numbers = " ".join(viewer.locator(".sifa-film-frames").all_inner_texts()).split()
    assert numbers == [str(n) for n in prediction.clip.indices]
    left, middle, shape = viewer.evaluate(
        """() => { const image = document.querySelector('.sifa-film img');
        const ctx = document.createElement('canvas').getContext('2d');
        const { naturalWidth: width, naturalHeight: height } = image;
        ctx.drawImage(image, 0, 0);
        const mean = (x, w) => { const d = ctx.getImageData(x, 0, w, height).data;
            return d.reduce((a, b) => a + b, 0) / d.length; };
        return [mean(0, 8), mean(width / 2 - 4, 8), width / height]; }"""
    )
    assert shape == pytest.approx(128 / 96, abs=0.02)
    assert left < 0.8 * middle  # dimmed outside the square that the model sees


def test_the_last_step_has_no_successor_and_says_so(viewer):
    drawer(viewer, "inside")
    viewer.click(".sifa-film button:last-child")
    settle(viewer)
    assert state(viewer)["pair"] == 6
    assert viewer.inner_text(".sifa-film .sifa-to .sifa-film-frames").split() == ["56", "60"]
    assert viewer.get_attribute("[data-do=next]", "aria-disabled") == "true"
    viewer.click("[data-do=next]", force=True)
    viewer.keyboard.press(".")
    assert state(viewer)["pair"] == 6
    assert "The last step has no next frame" in viewer.inner_text(".sifa-note")


def test_the_selected_cell_is_read_out(viewer):
    viewer.mouse.click(*place(viewer, 4, 7))
    viewer.keyboard.press("Shift+ArrowDown")
    viewer.wait_for_function(
        "() => document.querySelector('[aria-live=polite]').textContent.includes('Query cell row 5, column 7')"
    )
    assert "Sum of weights" in viewer.text_content("[aria-live=polite]")


def test_focus_is_visible(viewer):
    viewer.keyboard.press("Tab")
    assert viewer.evaluate("() => document.activeElement.tagName") == "BUTTON"
    assert viewer.evaluate("() => getComputedStyle(document.activeElement).outlineWidth") == "3px"


def host_page(tmp_path, traces, start=""):
    """A page whose script hands the viewer what it wants (put) and sees what the viewer shares (model.shared)."""
    texts = json.dumps([base64.b64encode(trace).decode() for trace in traces])
    file = tmp_path / "host.html"
    file.write_text(
        f"""<!doctype html><body><main></main><script type="module">{explorer.script()}
        const calls = {{}};
        window.traces = {texts};
        window.model = {{
          shared: {{ {start} }}, saves: 0, save_changes() {{ model.saves += 1; }},
          get: key => model.shared[key], set(key, value) {{ model.shared[key] = value; }},
          on(event, f) {{ calls[event] = f; }},
        }};
        window.put = (key, value) => {{ model.shared[key] = value; return calls['change:' + key](); }};
        window.leave = await explorer.render({{ model, el: document.querySelector('main') }});
        document.body.dataset.started = 'yes';</script>"""
    )
    return file


def open_host(page, file):
    page.goto(file.as_uri())
    page.wait_for_selector("[data-started]")
    settle(page)


def test_the_host_keeps_the_query_while_the_question_is_reversed(page, tmp_path, prediction):
    open_host(page, host_page(tmp_path, [explorer.pack(prediction)]))
    page.evaluate("() => put('trace', traces[0])")
    page.mouse.click(*place(page, 9, 6))
    until(page, "state.pinned")
    page.wait_for_function("() => model.shared.pinned")
    shared = "() => ['block', 'pair', 'y', 'x', 'pinned'].map(key => model.shared[key])"
    asked = page.evaluate(shared)
    assert asked[2:] == [9, 6, True]
    box = page.locator(KEY_CANVAS).bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    until(page, "state.reverse && state.pinned")
    page.wait_for_timeout(400)
    assert (state(page)["y"], state(page)["x"]) != (9, 6)
    assert page.evaluate(shared) == asked


def test_leaving_the_next_frame_returns_to_the_same_place_of_another_block(page, file):
    open_page(page, file)
    over(page, 13, 13)
    box = page.locator(KEY_CANVAS).bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    until(page, "state.reverse")
    page.keyboard.press("]")
    until(page, "state.block === 1")
    page.mouse.move(2, 2)
    until(page, "!state.reverse")
    assert cell(page) == (6, 6)


def test_a_new_trace_replaces_and_a_damaged_one_does_not(page, tmp_path, prediction):
    open_host(page, host_page(tmp_path, [explorer.pack(p) for p in (prediction, foreign_prediction())]))
    assert page.locator(".sifa-empty").is_visible()
    assert not page.locator(".sifa-body").is_visible()
    page.evaluate("() => put('trace', traces[0])")
    page.locator(".sifa").focus()
    page.keyboard.press("]")
    page.fill(".sifa-bar input", "6")
    settle(page)
    page.evaluate("() => put('trace', traces[1])")
    settle(page)
    assert (state(page)["block"], state(page)["pair"]) == (1, 1)  # in the middle of the other clip's three pairs
    assert page.locator(".sifa-bar select option").count() == 2
    for damaged, words in (
        ("btoa('nothing at all here')", "not a SIFA trace"),
        ("traces[0].slice(0, 40000)", "cut off"),
        ("'no base64!'", "damaged"),
        (r"btoa(atob(traces[0]).replaceAll('\xff\xd8\xff', 'abc'))", "damaged"),
        ("""btoa(atob(traces[0]).replace('"version":2', '"version":7'))""", "version 7"),
    ):
        page.evaluate(f"() => put('trace', {damaged})")
        assert words in page.inner_text(".sifa-error")
        before = pixels(page, KEY_CANVAS)
        page.focus(CANVAS)
        page.keyboard.press("Shift+ArrowUp" if state(page)["y"] else "Shift+ArrowDown")
        assert pixels(page, KEY_CANVAS) != before
    page.evaluate("() => put('trace', traces[0])")
    assert not page.locator(".sifa-error").is_visible()
    assert page.locator(".sifa-bar select option").count() == 4
    assert page.problems == []


@pytest.fixture(scope="module")
def whole_trace(prediction):
    """A trace with every part that one may have."""
    return complete(prediction)


def test_a_damaged_header_is_refused_in_words(page, tmp_path, whole_trace):
    """Two of the headers that tests/viewer/test_numbers.py refuses, on a page."""
    changes = [HEADERS["a text as stage"], HEADERS["a text as neighbours"]]
    open_host(page, host_page(tmp_path, [whole_trace, *(with_header(whole_trace, change) for change in changes)]))
    for number in range(1, len(changes) + 1):
        page.evaluate("() => put('trace', traces[0])")
        assert not page.locator(".sifa-error").is_visible()
        page.evaluate(f"() => put('trace', traces[{number}])")
        settle(page)
        said = page.inner_text(".sifa-error")
        assert said == "The trace is damaged. Copy the file again, or run the clip again."
    page.wait_for_timeout(100)
    assert page.evaluate("() => window.broken") is None
    assert page.problems == []


def test_text_of_a_trace_stays_text(page, tmp_path, whole_trace):
    """Markup in every text of the header is shown as it stands, in every view."""
    markup = "<img src=x onerror=window.broken=1>"

    def everywhere(value, key=""):
        if isinstance(value, dict):
            return {name: everywhere(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [everywhere(each, key) for each in value]
        return markup if isinstance(value, str) and key != "format" else value

    def change(header):
        header["blocks"][0] |= dict(meaning="a", operator=dict(offsets="a", saliency="a", placement="a"))
        return everywhere(header)

    open_host(page, host_page(tmp_path, [with_header(whole_trace, change)]))
    page.evaluate("() => put('trace', traces[0])")
    drawer(page, "inside")
    page.click(".sifa-trust summary")
    for key in ("e", "]", "t", "s", "w", "f", "o", "o", "o"):
        page.focus(CANVAS)
        page.keyboard.press(key)
        settle(page)
    assert markup in page.inner_text(".sifa-answer")
    assert markup in page.inner_text(".sifa-says")
    assert page.locator(".sifa img[src=x]").count() == 0
    page.wait_for_timeout(100)
    assert page.evaluate("() => window.broken") is None
    assert page.problems == []


@pytest.mark.parametrize("overlap", [True, False])
def test_the_note_says_what_a_step_reads_besides(page, tmp_path, overlap):
    file = tmp_path / "a.html"
    file.write_text(explorer.to_html(explorer.pack(nano_prediction(overlap=overlap))))
    open_page(page, file)
    said = "in 8 steps; each also reads sampled frames around it: 1 before, 1 after."
    assert (said in page.inner_text(".sifa-note")) == overlap
    assert ("in 8 steps." in page.inner_text(".sifa-note")) != overlap


@pytest.mark.parametrize(
    "form",
    [
        "bytes.buffer",
        "new DataView(new Uint8Array([0, 0, 0, ...bytes]).buffer, 3)",
        "{ url: URL.createObjectURL(new Blob([bytes])) }",
    ],
)
def test_bytes_in_every_form_are_taken(page, tmp_path, prediction, form):
    open_host(page, host_page(tmp_path, [explorer.pack(prediction)]))
    bytes_of = "const bytes = Uint8Array.from(atob(traces[0]), c => c.charCodeAt(0));"
    page.evaluate(f"() => {{ {bytes_of} return put('trace', {form}); }}")
    assert page.evaluate("() => document.querySelector('.sifa').sifa.ready")
    assert page.problems == []


def test_a_trace_that_cannot_be_fetched_is_said(page, tmp_path):
    open_host(page, host_page(tmp_path, []))
    page.evaluate("() => put('trace', { url: 'blob:null/gone' })")
    assert "could not be fetched" in page.inner_text(".sifa-error")
    assert page.locator(".sifa-empty").is_visible()


def test_the_later_of_two_traces_wins(page, tmp_path, prediction):
    open_host(page, host_page(tmp_path, [explorer.pack(p) for p in (prediction, foreign_prediction())]))
    page.evaluate("() => Promise.all([put('trace', traces[0]), put('trace', traces[1])])")
    assert page.locator(".sifa-bar select option").count() == 2


def test_the_host_shares_the_state(page, tmp_path, prediction):
    start = "block: 1, pair: 3, y: 2, x: 5"
    trace = base64.b64encode(explorer.pack(prediction)).decode()
    open_host(page, host_page(tmp_path, [], f"trace: '{trace}', {start}"))
    wanted = dict(block=1, pair=3, y=2, x=5)
    assert {key: state(page)[key] for key in wanted} == wanted
    page.evaluate("() => put('pair', 5)")
    page.evaluate("() => put('x', 99)")
    assert (state(page)["pair"], state(page)["x"]) == (5, 7)
    page.focus(CANVAS)
    page.wait_for_timeout(300)
    saves = page.evaluate("() => model.saves")
    for key in ("Shift+ArrowUp", "Shift+ArrowUp", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("() => model.shared.pinned === true")
    assert page.evaluate("() => ['block', 'pair', 'y', 'x'].map(key => model.shared[key])") == [1, 5, 0, 7]
    assert page.evaluate("() => model.saves") - saves <= 2
    page.evaluate("() => leave()")
    assert page.locator(".sifa").count() == 0


def contrast(page, selector):
    """Contrast of an element's text with the page's ground."""
    colours = page.evaluate(
        """selector => { const c = document.createElement('canvas').getContext('2d');
        const rgb = (e, key) => { c.fillStyle = getComputedStyle(e)[key]; c.fillRect(0, 0, 1, 1);
            return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3); };
        return [rgb(document.querySelector(selector), 'color'), rgb(document.body, 'backgroundColor')]; }""",
        selector,
    )
    share = np.array(colours) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    light = linear @ [0.2126, 0.7152, 0.0722]
    return (light.max() + 0.05) / (light.min() + 0.05)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (390, "dark"), (768, "light"), (1280, "dark")])
def test_every_width_and_theme(page, file, width, scheme):
    page.set_viewport_size(dict(width=width, height=844))
    page.emulate_media(color_scheme=scheme)
    open_page(page, file)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.sifa').classList.contains('sifa-dark')") == (scheme == "dark")
    assert page.locator(CANVAS).bounding_box()["width"] > (180 if width < 500 else 320)
    drawer(page, "inside")
    for selector in (".sifa-note", ".sifa-caption", ".sifa-query b", ".sifa-key b", ".sifa-clip", ".sifa-sentence"):
        assert contrast(page, selector) >= 4.5
    for name in ("previous", "play", "next", "shallower", "deeper", "fewer", "more", "tint", "help"):
        button = page.locator(f"[data-do={name}]")
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert 0 <= box["x"] <= width - box["width"]
        assert min(box["width"], box["height"]) >= 36


@pytest.mark.parametrize("host", ["documentElement", "body"])
def test_a_dark_host_makes_a_dark_viewer(viewer, host):
    dark = "() => document.querySelector('.sifa').classList.contains('sifa-dark')"
    assert not viewer.evaluate(dark)
    viewer.evaluate(f"() => document.{host}.classList.add('dark')")
    assert viewer.evaluate(dark)
    viewer.evaluate(f"() => document.{host}.classList.remove('dark')")
    assert not viewer.evaluate(dark)


def test_touch_drags_and_pins(chromium, file):
    context = chromium.new_context(
        viewport=dict(width=390, height=844), has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    open_page(page, file)
    pair = state(page)["pair"]
    page.tap(".sifa-tools [data-panel=inside]")
    page.tap("[data-do=next]")
    page.tap(".sifa-tools [data-panel=inside]")
    until(page, f"state.pair === {pair + 1}")
    page.locator(CANVAS).scroll_into_view_if_needed()
    page.touchscreen.tap(*place(page, 8, 8))
    until(page, "state.pinned && state.y === 8 && state.x === 8")
    page.touchscreen.tap(*place(page, 8, 8))
    until(page, "!state.pinned")
    touch = context.new_cdp_session(page)
    for kind, x in (("touchStart", 3), ("touchMove", 6), ("touchMove", 11)):
        px, py = place(page, 5, x)
        touch.send("Input.dispatchTouchEvent", dict(type=kind, touchPoints=[dict(x=px, y=py)]))
    until(page, "state.y === 5 && state.x === 11")
    touch.send("Input.dispatchTouchEvent", dict(type="touchEnd", touchPoints=[]))
    context.close()


def test_sharp_on_dense_screens(chromium, file):
    context = chromium.new_context(
        viewport=dict(width=1280, height=900), device_scale_factor=2, reduced_motion="reduce"
    )
    page = context.new_page()
    open_page(page, file)
    drawn, shown = page.evaluate(
        "() => { const c = document.querySelector('.sifa-key canvas'); return [c.width, c.clientWidth]; }"
    )
    assert drawn == 2 * shown
    context.close()


def test_a_touch_pins_several_and_its_chips_let_them_go(chromium, file):
    context = chromium.new_context(
        viewport=dict(width=390, height=844), has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    page = context.new_page()
    open_page(page, file)
    page.locator(CANVAS).scroll_into_view_if_needed()
    for y, x in ((8, 8), (3, 12), (12, 4)):
        page.touchscreen.tap(*place(page, y, x))
    until(page, "state.pins.length === 3 && state.active === 2")
    for box in (chip.bounding_box() for chip in page.locator(".sifa-chip button").all()):
        assert min(box["width"], box["height"]) >= 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.touchscreen.tap(*place(page, 8, 8))
    until(page, "state.active === 0 && state.y === 8")
    page.tap("[data-unpin='0']")
    until(page, "state.pins[0] === null && state.active === 1 && state.y === 3")
    context.close()


def test_the_keyboard_stays_on_a_chip(viewer):
    for y, x in ((8, 8), (3, 12), (12, 4)):
        viewer.mouse.click(*place(viewer, y, x))
    viewer.focus("[data-pin='0']")
    viewer.keyboard.press("Enter")
    until(viewer, "state.active === 0")
    assert viewer.evaluate("() => document.activeElement.dataset.pin") == "0"
    assert viewer.get_attribute("[data-pin='0']", "aria-label").startswith("Pin A: row 8, column 8, moved ")
    viewer.keyboard.press("Tab")
    viewer.keyboard.press("Enter")
    until(viewer, "state.pins[0] === null && state.active === 1")
    assert viewer.evaluate("() => document.activeElement.dataset.pin") == "1"


def test_a_host_pins_several_and_hears_of_them(page, tmp_path, prediction):
    open_host(page, host_page(tmp_path, [explorer.pack(prediction)]))
    page.evaluate("() => put('trace', traces[0])")
    page.wait_for_function("() => document.querySelector('.sifa').sifa.ready")
    page.evaluate("() => put('pins', { A: [10, 8], C: [3, 4] })")
    until(page, "state.pins.length === 3 && state.y === 10 && state.x === 8 && state.pinned")
    page.mouse.click(*place(page, 9, 6))
    page.wait_for_function("() => model.shared.pins?.B?.join() === '9,6' && model.shared.y === 9")
    assert page.evaluate("() => model.shared.pins") == dict(A=[10, 8], B=[9, 6], C=[3, 4])
    page.keyboard.press("]")
    page.wait_for_function("() => model.shared.block === 1 && model.shared.pins.A.join() === '5,4'")
    page.evaluate("() => put('pins', {})")
    until(page, "!state.pinned && state.pins.length === 0")
