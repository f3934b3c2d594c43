"""What a lecturer shows: the tour as slides, and every link of the lesson plans."""

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from notebooks import lecture
from sifa import explorer
from sifa.weights import shipped
from sifa.weights.download import sha256
from tests.browser.test_viewer import open_page, settle, state, until

pytestmark = pytest.mark.slow

PLANS = (Path(__file__).parents[2] / "notebooks" / "README.md").read_text(encoding="utf-8")
SLIDES = re.findall(r"`slides\.html(#[^`]+)`", PLANS)
ON_THE_PAGE = re.findall(r"`(#[^`]+)`", PLANS)
SHORT = dict(b="block", t="pair", p="pinned", q="quiver")


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    return lecture.write(tmp_path_factory.mktemp("lecture"))[-1]


def opened(page, slides, link):
    page.goto("about:blank")
    page.goto(slides.as_uri() + link)
    page.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")
    settle(page)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_each_slide_fits_its_window(page, slides, width, height):
    page.set_viewport_size(dict(width=width, height=height))
    opened(page, slides, "#tour=0&hide=all")
    for step in range(16):
        until(page, f"state.tour === {step}")
        settle(page)
        assert page.evaluate("() => document.documentElement.scrollHeight") <= height
        shown = page.locator(".sifa canvas:visible, .sifa-drawer:visible, .sifa-chart:visible, .sifa-tour")
        boxes = [box.bounding_box() for box in shown.all()]
        assert len(boxes) == 4  # three pictures, or two and what belongs beside them
        for box in boxes:
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height
            assert box["x"] + box["width"] <= width
        sides = [box.bounding_box() for box in page.locator(".sifa canvas:visible").all()]
        assert all(abs(box["width"] - box["height"]) < 1 and box["width"] >= 280 for box in sides)
        cut = "e => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1"
        assert not any(part.evaluate(cut) for part in page.locator(".sifa-drawer:visible, .sifa-views:visible").all())
        page.keyboard.press("PageDown")
    assert page.problems == []


def test_the_plans_have_links():
    assert len(SLIDES) >= 10
    assert len(ON_THE_PAGE) == 2


@pytest.mark.parametrize("link", SLIDES)
def test_a_link_of_the_plans_shows_what_it_says(page, slides, link):
    opened(page, slides, link)
    asked = {key: values[0] for key, values in parse_qs(link[1:]).items()}
    now = state(page)
    hidden = asked.pop("hide", "").split(",")
    locked = asked.pop("lock", "")
    for key, text in asked.items():
        value = now[SHORT.get(key, key)]
        assert str(int(value) if isinstance(value, bool) else value) == text
    for part in filter(None, hidden):
        if part != "all":
            assert page.locator(f".sifa-{part}").count() > 0
            assert page.locator(f".sifa-{part}:visible").count() == 0
    if locked == "all":
        page.keyboard.press(".")
        page.keyboard.press("o")
        assert state(page) == now
    if "head" in hidden:
        assert "moves right" not in page.inner_text("body")
    assert page.problems == []


@pytest.mark.parametrize("link", ON_THE_PAGE)
def test_a_link_to_other_weights_names_some(link):
    asked = {key: values[0] for key, values in parse_qs(link[1:]).items()}
    assert asked["c"] in [clip.name for clip in shipped.clips().values()]
    name = re.search(rf"\*(\w+)\* `{link}`", PLANS).group(1)
    assert sha256(shipped.ASSETS / "variants" / f"{name}.safetensors")[:8] == asked["w"]


@pytest.fixture
def moves(tmp_path):
    """The page of a sample with everything that can be hidden."""
    file = tmp_path / "moves.html"
    file.write_text(explorer.to_html(shipped.clips()["object moves right"].with_suffix(".sifa").read_bytes()))
    return file


def test_what_a_link_hides_stays_hidden_whatever_happens(page, moves):
    parts = ["whatif", "trust", "drawer", "arrows", "chart", "read", "scale"]
    opened(page, moves, f"#hide={','.join(parts)}")
    for key in ("e", "o", "o", "o", "r", "r", "]", "w", "."):
        page.keyboard.press(key)
    settle(page)
    assert state(page)["drawer"] == "equation"
    assert state(page)["overlay"] == "track"
    for part in parts:
        assert page.locator(f".sifa-{part}").count() == 1
        assert not page.locator(f".sifa-{part}").is_visible()
    page.evaluate("() => { location.hash = '#drawer=equation'; }")
    page.wait_for_function("() => !document.querySelector('.sifa-gone')")
    assert page.locator(".sifa-drawer").is_visible()
    assert not page.locator(".sifa-chart").is_visible()  # there is no track now


def test_the_tour_stops_what_plays(page, moves):
    open_page(page, moves)
    page.keyboard.press(" ")
    until(page, "state.playing")
    page.keyboard.press("g")
    until(page, "state.tour === 0 && !state.playing")
    page.wait_for_timeout(1500)
    assert state(page)["pair"] == 3
