"""Compare: two runs side by side, in a page of one file, in a widget and on the page; by mouse, keys, touch and links."""

import base64
import io
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from app.samples import FIRST_CLIP
from sifa import explorer, load, predict
from sifa.explorer.format.unpack import unpack
from sifa.weights.shipped import DEFAULT_CHECKPOINT, weights
from tests.app.program import start
from tests.browser.drops import drop
from tests.browser.interactions import SAMPLE
from tests.browser.test_viewer import open_page, settle, state, until
from tests.predictions import foreign_prediction, nano_prediction

FRAME, NEXT = ".sifa-query canvas", ".sifa-key canvas"
BESIDE, BESIDE_NEXT = ".sifa-query-b canvas", ".sifa-key-b canvas"
VERDICTS, NAMES = ".sifa-verdict", ".sifa-run > b"
ROLLS = SAMPLE.parent / "04_camera_rolls_clockwise.sifa"
SIZES = {"desk": (1920, 1080, 420), "laptop": (1280, 800, 290), "tablet": (768, 1024, 280), "phone": (390, 844, 170)}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A sample, which holds what-ifs."""
    path = tmp_path_factory.mktemp("compare") / "sample.html"
    path.write_text(explorer.to_html(SAMPLE.read_bytes()))
    return path


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A page of two clips."""
    path = tmp_path_factory.mktemp("compare") / "two.html"
    path.write_text(explorer.to_html(SAMPLE.read_bytes(), ROLLS.read_bytes()))
    return path


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A page of one clip by two models: a grid of 16 x 16 cells, and one of 7 x 11."""
    path = tmp_path_factory.mktemp("compare") / "mixed.html"
    path.write_text(explorer.to_html(explorer.pack(nano_prediction()), explorer.pack(foreign_prediction())))
    return path


def compare(page):
    page.keyboard.press("v")
    until(page, "state.panel === 'compare'")
    settle(page)


def over(page, selector, down, across):
    """Point at a place of the square that the model saw, in shares of it."""
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    y, x = (box[k] + box["width"] * (0.06 + 0.88 * share) for k, share in (("y", down), ("x", across)))
    page.mouse.move(x, y)
    settle(page)
    return x, y


def pixels(page, selector):
    settle(page)
    return page.evaluate("selector => document.querySelector(selector).toDataURL()", selector)


def picture(page, selector):
    """What of a picture the model saw, (side, side, 3), 0 to 255."""
    shown = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")
    edge = round(0.06 * shown.width)
    return np.asarray(shown.crop((edge, edge, shown.width - edge, shown.height - edge))).astype(int)


def outlined(page, selector, height, width):
    """The cell that the query's orange outline lies around."""
    red, green, blue = np.moveaxis(picture(page, selector), 2, 0)
    y, x = np.nonzero((red > 248) & (abs(green - 157) < 12) & (blue < 70))
    side = len(red)
    return int(y.mean() * height / side), int(x.mean() * width / side)


def texts(page, selector):
    return page.locator(f"{selector}:visible").all_inner_texts()


def test_the_clip_and_its_what_if_stand_side_by_side_with_both_answers(viewer):
    viewer.set_viewport_size(dict(width=1280, height=800))
    compare(viewer)
    assert texts(viewer, NAMES) == ["As it is", "What if: Rigid grid"]
    one, other = texts(viewer, VERDICTS)
    assert re.fullmatch(r"Camera still, sure [\d.]+ % Object moves right, sure [\d.]+ %", one)
    assert re.match(r"Camera still, \w+ [\d.]+ % ", other)
    assert one != other
    expect(viewer.locator(BESIDE)).to_be_hidden()  # both have the same frame t
    side, gap = viewer.locator(FRAME).bounding_box(), viewer.locator(BESIDE_NEXT).bounding_box()
    assert side["y"] == gap["y"]
    assert side["width"] == pytest.approx(gap["width"], abs=1)
    viewer.select_option("[data-against]", "what:reversed")
    expect(viewer.locator(BESIDE)).to_be_visible()  # its frames come in another order
    expect(viewer.locator(".sifa-words")).to_contain_text("lie in other pictures")
    viewer.keyboard.press("q")
    assert np.abs(picture(viewer, FRAME) - picture(viewer, BESIDE)).mean() > 3
    expect(viewer.locator(".sifa-how")).to_contain_text("last to first")
    viewer.click(".sifa-compare [data-panel=none]")
    for gone in (".sifa-compare", ".sifa-second", BESIDE_NEXT):
        expect(viewer.locator(gone)).to_be_hidden()
    expect(viewer.locator(".sifa-headlines")).to_contain_text("object moves right", ignore_case=True)


def test_the_what_if_of_experiment_is_not_drawn_over_the_run_that_it_stands_beside(viewer):
    viewer.keyboard.press("w")
    until(viewer, "state.whatIf === 'rigid'")
    compare(viewer)
    over(viewer, FRAME, 0.5, 0.5)
    with_ghost = pixels(viewer, NEXT)
    viewer.keyboard.press("W")
    until(viewer, "state.whatIf === ''")
    assert pixels(viewer, NEXT) == with_ghost


@pytest.mark.parametrize("frame", [FRAME, BESIDE])
def test_one_query_is_linked_by_its_share_of_the_grid(page, mixed, frame):
    open_page(page, mixed)
    assert state(page)["panel"] == "compare"  # two traces: it opens with both
    page.set_viewport_size(dict(width=1280, height=800))
    settle(page)
    before = [pixels(page, each) for each in (FRAME, NEXT, BESIDE, BESIDE_NEXT)]
    over(page, frame, 0.2, 0.8)
    now = state(page)
    assert (now["y"], now["x"]) == (3, 12)  # of 16 x 16
    after = [pixels(page, each) for each in (FRAME, NEXT, BESIDE, BESIDE_NEXT)]
    assert all(one != other for one, other in zip(before, after))
    assert outlined(page, FRAME, 16, 16) == (3, 12)
    assert outlined(page, BESIDE, 7, 11) == (1, 8)


def test_time_and_depth_go_along_and_keys_zoom_and_reverse_do_the_same_to_both(page, two):
    open_page(page, two)
    page.focus(FRAME)
    for keys in (".", "]", "+", "q", "r", "o"):
        before = [pixels(page, each) for each in (FRAME, BESIDE)]
        page.keyboard.press(keys)
        settle(page)
        assert [pixels(page, each) for each in (FRAME, BESIDE)] != before, keys
        assert pixels(page, BESIDE) != before[1], keys
    page.wait_for_timeout(400)
    said = page.locator(".sifa-live").text_content()
    assert "04_camera_rolls_clockwise:" in said
    assert "it." in said
    x, y = over(page, BESIDE_NEXT, 0.4, 0.6)
    until(page, "state.reverse")
    page.mouse.wheel(0, -300)
    until(page, "state.zoom > 2")
    page.mouse.move(x, y - 400)
    page.keyboard.press(" ")
    until(page, "state.playing")
    first = state(page)["pair"]
    until(page, f"state.pair !== {first}")


def test_a_click_on_either_run_pins_for_both_and_pins_have_letters_in_both(page, two):
    open_page(page, two)
    for place in (FRAME, 0.3, 0.3), (BESIDE, 0.6, 0.7):
        page.mouse.click(*over(page, *place))
    until(page, "state.pins.length === 2 && state.active === 1")
    assert page.locator(".sifa-sentence .sifa-letter").inner_text() == "B"
    assert page.locator(".sifa-words .sifa-letter").inner_text() == "B"
    page.keyboard.press("1")
    expect(page.locator(".sifa-words .sifa-letter")).to_have_text("A")
    page.keyboard.press("Escape")
    until(page, "state.panel === 'none' && state.pins.length === 2")
    page.focus("[data-pin='0']")  # which Compare takes away
    page.keyboard.press("v")
    until(page, "state.panel === 'compare'")
    settle(page)
    page.keyboard.press("ArrowLeft")
    until(page, "state.pair === 2")


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("which", ["file", "two"])
def test_both_runs_fit_the_window(page, request, name, which):
    width, height, least = SIZES[name]
    page.set_viewport_size(dict(width=width, height=height))
    open_page(page, request.getfixturevalue(which))
    if which == "file":
        compare(page)
    page.wait_for_timeout(200)
    shown = [
        FRAME,
        NEXT,
        BESIDE_NEXT,
        ".sifa-sentence",
        ".sifa-words",
        ".sifa-bar",
        ".sifa-compare",
        ".sifa-run >> nth=1",
    ]
    boxes = {each: page.locator(each).bounding_box() for each in shown}
    for each, box in boxes.items():
        assert box["x"] >= 0, each
        assert box["y"] >= 0, each
        assert box["x"] + box["width"] <= width + 0.5, each
        assert box["y"] + box["height"] <= height + 0.5, each
    assert boxes[BESIDE_NEXT]["width"] >= least
    assert len({round(boxes[each]["width"]) for each in (FRAME, NEXT, BESIDE_NEXT)}) == 1
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    below = boxes[BESIDE_NEXT]["y"] > boxes[NEXT]["y"] + 100
    assert below == (name in ("tablet", "phone"))
    for each in (".sifa-sentence", ".sifa-words", ".sifa-compare"):
        assert not page.locator(each).evaluate("e => e.scrollHeight > e.clientHeight + 1"), each


def test_words_keep_their_height_and_nothing_moves_while_the_pointer_does(page, two):
    open_page(page, two)
    where = (
        "() => [...document.querySelectorAll('figure, .sifa-bar')].map(e => JSON.stringify(e.getBoundingClientRect()))"
    )
    before = page.evaluate(where)
    for share in (0.1, 0.35, 0.6, 0.9):
        over(page, FRAME, share, 1 - share)
        assert page.evaluate(where) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(page, two, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(dict(width=width, height=800))
    open_page(page, two)
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:100]) for each in found] == []


def test_touch_asks_and_pins_on_the_second_run(chromium, two):
    context = chromium.new_context(viewport=dict(width=390, height=844), has_touch=True, reduced_motion="reduce")
    page = context.new_page()
    open_page(page, two)
    box = page.locator(BESIDE).bounding_box()
    page.touchscreen.tap(box["x"] + 0.5 * box["width"], box["y"] + 0.3 * box["height"])
    until(page, "state.pinned && !state.reverse && [8, 9].includes(state.y) && state.x === 16")
    context.close()


def reopened(page, file, hash):
    page.goto("about:blank")
    page.goto(file.as_uri() + hash)
    page.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")
    page.wait_for_timeout(500)


def test_a_link_opens_compare_with_a_what_if_and_with_the_second_trace_of_a_page(page, file, two, tmp_path):
    open_page(page, file)
    compare(page)
    page.select_option("[data-against]", "what:frozen")
    page.wait_for_function("() => location.hash.includes('against=frozen')")
    assert "panel=compare" in page.url
    reopened(page, file, "#" + page.url.partition("#")[2])
    assert texts(page, NAMES) == ["As it is", "What if: Frozen clip"]

    open_page(page, two)
    page.wait_for_function("() => location.hash.includes('panel=compare')")  # this page holds the second trace, too
    link = page.url.partition("#")[2]
    reopened(page, two, "#" + link)
    assert texts(page, NAMES) == ["02_object_moves_right", "04_camera_rolls_clockwise"]
    reopened(page, two, "#b=1&t=2")  # a link that says nothing of Compare
    assert state(page)["panel"] == "none"

    page.keyboard.press("v")
    page.set_input_files(".sifa-file input", SAMPLE.parent / "08_nothing_moves.sifa")
    expect(page.locator(NAMES).last).to_have_text("08_nothing_moves")
    page.wait_for_function("() => !location.hash.includes('panel')")  # what was opened here is in no link


def test_links_hide_the_answers_and_what_names_would_say_of_them_and_lock_the_view(page, two, file):
    reopened(page, two, "#panel=compare&hide=head")
    assert texts(page, VERDICTS) == []
    seen = page.evaluate(
        "() => document.querySelector('.sifa').innerText + document.querySelector('.sifa-live').textContent"
    )
    assert "rolls" not in seen
    assert "moves right" not in seen
    assert texts(page, NAMES) == ["The first run", "The second run"]
    reopened(page, two, "#panel=compare&lock=view")
    for gone in ("[data-against]", ".sifa-file", ".sifa-compare [data-panel]"):
        expect(page.locator(gone)).to_be_hidden()
    page.keyboard.press("v")
    page.keyboard.press("Escape")
    settle(page)
    assert state(page)["panel"] == "compare"
    reopened(page, two, "#panel=compare&lock=cell,time&y=2&x=3&t=1")
    over(page, BESIDE, 0.9, 0.9)
    page.keyboard.press(".")
    settle(page)
    assert [state(page)[key] for key in ("y", "x", "pair")] == [2, 3, 1]
    reopened(page, file, "#panel=compare&against=rigid&hide=all")
    page.wait_for_timeout(300)
    assert page.locator(BESIDE_NEXT).bounding_box()["width"] > 350
    expect(page.locator(".sifa-compare")).to_be_hidden()


def test_a_dropped_file_becomes_the_second_and_damage_is_said(viewer, tmp_path):
    compare(viewer)
    drop(viewer, ROLLS, place=".sifa-key canvas")
    expect(viewer.locator(NAMES).last).to_have_text("04_camera_rolls_clockwise")
    (tmp_path / "broken.sifa").write_bytes(ROLLS.read_bytes()[:5000])
    viewer.set_input_files(".sifa-file input", tmp_path / "broken.sifa")
    expect(viewer.locator(".sifa-error")).to_be_visible()
    assert texts(viewer, NAMES) == ["02_object_moves_right", "04_camera_rolls_clockwise"]
    viewer.select_option("[data-against]", "what:rigid")
    expect(viewer.locator(NAMES).last).to_have_text("What if: Rigid grid")
    viewer.select_option("[data-against]", "second")
    expect(viewer.locator(NAMES).last).to_have_text("04_camera_rolls_clockwise")


def test_without_anything_to_compare_with_it_says_what_to_do(page, tmp_path):
    file = tmp_path / "bare.html"
    file.write_text(explorer.to_html(explorer.pack(nano_prediction())))
    open_page(page, file)
    compare(page)
    expect(page.locator(".sifa-words")).to_contain_text("Nothing to compare with yet")
    over(page, FRAME, 0.5, 0.5)
    page.set_input_files(".sifa-file input", ROLLS)
    expect(page.locator(NAMES).last).to_contain_text("04_camera_rolls_clockwise")
    assert page.problems == []


def test_a_picture_that_is_saved_holds_both_runs_and_says_so(page, two):
    open_page(page, two)
    page.keyboard.press("x")
    with page.expect_download() as download:
        page.click("[data-export=png1]")
    with Image.open(download.value.path()) as picture:
        width, said = picture.width, picture.text["Description"]
    assert "Side by side, at the same place: 02_object_moves_right; 04_camera_rolls_clockwise." in said
    sides = page.evaluate(
        "() => [...document.querySelectorAll('figure canvas')].map(e => e.clientWidth).filter(Boolean)"
    )
    assert len(sides) == 4
    assert width == pytest.approx(sum(sides) + 5 * 12, abs=2)


def test_a_model_without_blocks_stands_there_with_its_frames_and_its_answer(page, tmp_path):
    clip = unpack(SAMPLE.read_bytes()).clip
    plain = next(file for title, file in weights().items() if title.startswith("no temporal"))
    (tmp_path / "plain.html").write_text(
        explorer.to_html(SAMPLE.read_bytes(), explorer.pack(predict(load(plain), clip)))
    )
    open_page(page, tmp_path / "plain.html")
    expect(page.locator(".sifa-words")).to_contain_text("no SIFA block")
    assert texts(page, NAMES) == ["weights: sifa_swin_nano_16x128", "weights: no-temporal"]
    assert len(texts(page, VERDICTS)) == 2
    over(page, FRAME, 0.3, 0.3)
    assert page.problems == []


def test_nothing_is_worked_out_for_the_second_while_it_is_closed(page, two):
    open_page(page, two)
    page.keyboard.press("Escape")
    until(page, "state.panel === 'none'")
    page.evaluate("() => { document.querySelector('.sifa-words').innerHTML = 'untouched'; }")
    for share in (0.2, 0.5, 0.8):
        over(page, FRAME, share, share)
    assert page.locator(".sifa-words").text_content() == "untouched"
    assert page.locator(BESIDE_NEXT).evaluate("e => e.clientWidth") == 0
    compare(page)
    assert page.locator(".sifa-words").inner_text() != "untouched"


HOST = """
<!doctype html><meta charset="utf-8"><body><div id="root" style="width: 900px"></div><script type="module">
{script}
const told = {{}};
const bytes = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
window.values = {{ trace: bytes('{trace}'), compared: bytes(''), block: 0, pair: 3, y: 2, x: 3, pinned: false, pins: {{}} }};
window.set = (key, text) => {{ values[key] = bytes(text); told[`change:${{key}}`](); }};
const model = {{ get: key => values[key], set(key, value) {{ values[key] = value; }}, save_changes() {{}},
  on: (event, call) => {{ told[event] = call; }} }};
explorer.render({{ model, el: document.getElementById('root') }});
</script>"""


def test_a_widget_takes_a_second_trace_and_lets_it_go(page, tmp_path):
    text = {name: base64.b64encode(each.read_bytes()).decode() for name, each in (("a", SAMPLE), ("b", ROLLS))}
    file = tmp_path / "host.html"
    file.write_text(HOST.format(script=explorer.script(), trace=text["a"]))
    open_page(page, file)
    assert state(page)["panel"] == "none"
    page.evaluate("text => set('compared', text)", text["b"])
    expect(page.locator(NAMES).last).to_have_text("04_camera_rolls_clockwise")
    over(page, BESIDE, 0.5, 0.5)
    page.wait_for_timeout(400)
    assert page.evaluate("() => [values.y, values.x]") == [16, 16]  # the host's cell is one of the first trace
    page.evaluate("() => set('compared', '')")
    until(page, "state.panel === 'none'")
    page.focus(FRAME)
    compare(page)
    assert texts(page, NAMES)[1] == "What if: Rigid grid"
    assert page.problems == []


def test_explore_takes_two_predictions():
    one, other = nano_prediction(), explorer.unpack(ROLLS.read_bytes())
    shown = explorer.explore(one, other)
    assert shown.compare is other
    assert shown.compared == explorer.pack(other)
    assert "id=&quot;compared&quot;" in shown.page
    shown.compare = None
    assert shown.compared == b""
    shown.compare = one
    assert shown.compared == explorer.pack(one)
    assert "id=&quot;compared&quot;" not in explorer.explore(one).page


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = start(tmp_path_factory.mktemp("app"), weights=DEFAULT_CHECKPOINT)
    yield app
    app.stop()


@pytest.fixture
def opened(page, app):
    page.set_default_timeout(40_000)
    expect.set_options(timeout=40_000)
    page.goto(app.url)
    page.wait_for_selector(".sifa[data-ready] .open-clip")
    page.wait_for_function("() => document.querySelector('.sifa-query canvas').width > 100")
    yield page
    assert page.problems == []


def offered(page):
    """What there is to compare with: group, title and value of each."""
    return page.evaluate(
        """() => [...document.querySelectorAll('[data-against] option')]
            .map(e => [e.parentElement.label, e.textContent, e.value])"""
    )


def test_on_the_page_other_weights_are_run_and_this_visits_results_stand_beside(opened):
    compare(opened)
    free = next(value for group, title, value in offered(opened) if title.startswith("free"))
    opened.select_option("[data-against]", free)
    expect(opened.locator(NAMES).first).to_have_text("weights: free")
    expect(opened.locator(NAMES).last).to_have_text("weights: sifa_swin_nano_16x128")
    expect(opened.locator(VERDICTS).first).to_contain_text("object moves right")
    expect(opened.locator(".weights select")).to_have_value(
        next(title for title in weights() if title.startswith("free"))
    )
    assert "seems" not in opened.locator(".sifa-sentence").inner_text()  # the truth is the clip's: both are held to it
    opened.wait_for_function("() => !location.hash.includes('panel')")
    opened.click(".open-clip")
    opened.locator("#samples").get_by_role("button", name="camera pans left", exact=True).click()
    expect(opened.locator(NAMES).first).to_contain_text("camera_pans_left")
    visits = [(title, value) for group, title, value in offered(opened) if group == "This visit"]
    assert [title.split(", ")[:2] for title, _ in visits] == [
        ["09_cup_slides_over_a_table.mp4", "free"],
        ["09_cup_slides_over_a_table.mp4", "sifa_swin_nano_16x128"],
    ]
    posts = []
    opened.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    opened.select_option("[data-against]", visits[1][1])
    expect(opened.locator(NAMES).last).to_have_text("09_cup_slides_over_a_table, weights: sifa_swin_nano_16x128")
    assert posts == []
    found = Axe().run(opened, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert [each["id"] for each in found] == []


def test_on_the_page_a_dropped_trace_becomes_the_second_while_compare_is_open(opened):
    compare(opened)
    drop(opened, ROLLS)
    expect(opened.locator(NAMES).last).to_have_text("04_camera_rolls_clockwise")
    expect(opened.locator(".sifa-clip")).to_have_text(FIRST_CLIP)
    opened.keyboard.press("Escape")
    drop(opened, ROLLS)
    expect(opened.locator(".sifa-clip")).to_have_text(ROLLS.with_suffix(".mp4").name)
