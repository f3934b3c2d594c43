"""Links to a view: the codec as pure functions, and links opened in a fresh browser."""

import json

import pytest

from sifa import explorer
from sifa.explorer.format.pack import pack
from tests.browser.test_viewer import (
    CANVAS,
    CLOSE_UP,
    KEY_CANVAS,
    host_page,
    open_host,
    open_page,
    over,
    pixels,
    state,
    until,
)
from tests.predictions import foreign_prediction, nano_prediction

IMPORT = "import(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })))"
CANVASES = CANVAS, KEY_CANVAS, CLOSE_UP


@pytest.fixture(scope="module")
def prediction():
    return nano_prediction()


@pytest.fixture(scope="module")
def file(prediction, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "clip.html"
    path.write_text(explorer.to_html(pack(prediction)))
    return path


@pytest.fixture
def run(page):
    """run(body, value): what a function body says of a value, with the viewer's functions as `viewer`."""

    def run(body, value=None):
        code = f"async ([script, value]) => {{ const viewer = await {IMPORT}; {body} }}"
        return page.evaluate(code, [explorer.script(), value])

    return run


ROUND_TRIP = """const view = { ...viewer.emptyState(), ...value.state };
    const text = viewer.encodeLink(value.link, view);
    return [text, viewer.decodeLink(text)];"""


@pytest.mark.parametrize(
    ("link", "fields", "text"),
    [
        ({}, dict(block=3, pair=5, y=12, x=0, pinned=True), "b=3&t=5&y=12&x=0&p=1"),
        (dict(clip="a clip & more.mp4", id="0" * 16), dict(quiver=False), f"c=a+clip+%26+more.mp4&h={'0' * 16}&q=0"),
        (dict(weights="abcdef01", lock=["time", "cell"], hide=["film"]), {}, "w=abcdef01&lock=time,cell&hide=film"),
    ],
)
def test_a_link_says_what_was_put_in_and_leaves_out_standards(run, link, fields, text):
    written, read = run(ROUND_TRIP, dict(link=link, state=fields | dict(playing=True)))
    assert written == text
    assert read == dict(clip="", id="", weights="", lock=[], hide=[]) | link | dict(fields=fields)


def test_no_link_is_longer_than_512_characters(run):
    link = dict(
        clip="\u52d5\u753b " * 100,
        id="f" * 16,
        weights="12345678",
        lock=["time", "block", "cell", "view"],
        hide=["film"],
    )
    written, read = run(ROUND_TRIP, dict(link=link, state=dict(block=23, pair=14, y=55, x=54, pinned=True)))
    assert 400 < len(written) <= 512
    assert read["id"] == link["id"]
    assert read["fields"] == dict(block=23, pair=14, y=55, x=54, pinned=True)
    assert link["clip"].startswith(read["clip"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#reading",
        "constructor=1&__proto__=2",
        "b=two",
        "b=1e999&y=NaN&x=&p=yes&h=123&lock=doors&hide=A!",
        "%E0%A4%A",
    ],
)
def test_what_is_unknown_or_no_value_is_ignored(run, text):
    assert run("return viewer.decodeLink(value)", text) is None


def test_values_that_a_trace_does_not_have_are_ignored(run):
    body = """const block = n => ({ pairs: 3, height: n, width: n + 1, stride: [1, 1, 1] });
    const trace = { blocks: [block(8), block(4)], what_if: [{ name: 'rigid' }] };
    const start = { ...viewer.emptyState(), pair: 1, y: 2, x: 2 };
    return value.map(text => { const s = viewer.withLink(start, trace, viewer.decodeLink(text));
        return [s.block, s.pair, s.y, s.x, s.quiver, s.whatIf]; });"""
    asked = [
        "b=1&t=2&y=3&x=4",
        "b=2&t=3&y=8&x=9",
        "b=1&y=4&x=0",
        "t=0.5&y=-1&x=3&q=0",
        "whatIf=rigid&unknown=9",
        "whatIf=gone",
    ]
    assert run(body, asked) == [
        [1, 2, 3, 4, True, ""], [0, 1, 2, 2, True, ""], [1, 1, 1, 1, True, ""], [0, 1, 2, 2, False, ""],
        [0, 1, 2, 2, True, "rigid"], [0, 1, 2, 2, True, ""],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lock", "change", "kept"),
    [
        ([], dict(pair=4, y=9), dict(pair=4, y=9)),
        (["time"], dict(pair=4, playing=True, y=9), dict(y=9)),
        (["cell"], dict(y=9, x=9, pinned=True, quiver=False), dict(quiver=False)),
        (["block"], dict(block=1, y=3, x=3), {}),
        (["block"], dict(y=3, x=3), dict(y=3, x=3)),
        (["time"], dict(block=1, pair=2, y=0, x=0), dict(block=1, pair=1, y=0, x=0)),
        (["cell", "time"], dict(block=1, pair=0, y=3, x=3, pinned=True), dict(block=1, pair=1, y=2, x=2)),
        (["cell"], dict(reverse=True, overlay="track"), dict(overlay="track")),
        (["view"], dict(pair=4, quiver=False), dict(pair=4)),
        (["all"], dict(block=1, pair=4, y=9, quiver=False, pinned=True), {}),
    ],
)
def test_what_is_locked_stays(run, lock, change, kept):
    body = """const start = { ...viewer.emptyState(), pair: 1, y: 5, x: 5 };
    const trace = { blocks: [8, 4].map(side => ({ pairs: 5, height: side, width: side, taps: 9 })) };
    return [viewer.held(start, { ...start, ...value.change }, value.lock, trace), { ...start, ...value.kept }];"""
    got, wanted = run(body, dict(lock=lock, change=change, kept=kept))
    assert got == wanted


def test_the_content_id_tells_pictures_apart(run):
    body = "return value.map(parts => viewer.contentId(parts.map(part => Uint8Array.from(part))))"
    ids = run(body, [[[1, 2], [3]], [[1, 2], [3]], [[1], [2, 3]], [[1, 2], [4]], [[2, 1], [3]], []])
    assert ids[0] == ids[1]
    assert len(set(ids)) == 5
    assert all(len(one) == 16 for one in ids)


def all_pixels(page):
    return [pixels(page, canvas) for canvas in CANVASES]


def open_link(page, address):
    page.goto(address)
    page.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")


def fresh(chromium):
    page = chromium.new_context(viewport=dict(width=1280, height=900), offline=True).new_page()
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
    for key in ("ArrowUp", "ArrowLeft", "Enter"):
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
    wanted, seen = state(page), all_pixels(page)
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
    assert reader.locator("[data-do=next]").evaluate("e => e.closest('[inert]') !== null")
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
    assert not page.locator(".sifa-stage .sifa-legend").is_visible()


def test_locked_menus_cannot_say_what_is_not_so(page, file):
    open_link(page, f"{file.as_uri()}#lock=view&drawer=equation")
    for part in (".sifa-menus", ".sifa-arrows", ".sifa-drawer header"):
        assert page.locator(part).first.evaluate("e => e.inert")
    before = state(page)
    for key in ("o", "q", "a", "e", "n", "g"):
        page.keyboard.press(key)
    assert state(page) == before


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
