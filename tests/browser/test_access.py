"""For everybody: what axe-core finds, palettes as colour-blind people see them, reduced motion, narrow screens."""

import json
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from sifa import explorer
from sifa.explorer.page import FOLDER
from sifa.explorer.render.marks import DIVERGING, SEQUENTIAL
from tests.browser.interactions import SAMPLE, VIEWS, show_view
from tests.browser.test_viewer import open_page, settle, until

pytestmark = pytest.mark.slow

BLIND = {  # in linear RGB
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],  # Viénot, Brettel and Mollon 1999
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    "tritan": [
        [1.25553, -0.07675, -0.17878],
        [-0.07841, 0.93081, 0.14760],
        [0.00473, 0.69137, 0.30390],
    ],  # Machado 2009
    "none": np.eye(3),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("access") / "clip.html"
    path.write_text(explorer.to_html(SAMPLE.read_bytes()))
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, file, scheme):
    page.emulate_media(color_scheme=scheme)
    found = {}
    for name in VIEWS:
        open_page(page, file)
        show_view(page, name)
        for violation in Axe().run(page).response["violations"]:
            found[f"{name}: {violation['id']}"] = [node["html"][:120] for node in violation["nodes"]][:3]
        page.goto("about:blank")
    assert found == {}


def seen_by(kind: str, colours) -> np.ndarray:
    """Colours (n, 3) 0..255 as seen without one kind of cone."""
    linear = (np.asarray(colours) / 255) ** 2.2
    return (np.clip(linear @ np.array(BLIND[kind]).T, 0, 1) ** (1 / 2.2)) * 255


def apart(colours) -> np.ndarray:
    """Distances between each two of (n, 3) colours."""
    return np.linalg.norm(colours[:, None] - colours[None], axis=2)[np.triu_indices(len(colours), 1)]


def palette(name: str) -> list:
    """A colour, or a list of them, of the viewer's palette."""
    source = (FOLDER / "marks" / "palette.mjs").read_text(encoding="utf-8")
    value = re.search(rf"const {name} = ([^;]+);", source)[1]
    return list(bytes.fromhex(value[2:-1])) if value.startswith("'#") else json.loads(value)


@pytest.mark.parametrize("kind", list(BLIND))
def test_scales_stay_distinguishable(kind):
    """Neighbouring steps of a scale differ, and so do its two ends from each other and from the middle; heat maps get
    lighter all along, and no two directions of the wheel look alike."""
    for scale in (SEQUENTIAL, DIVERGING, palette("HEAT")):
        assert np.linalg.norm(np.diff(seen_by(kind, scale), axis=0), axis=1).min() > 20
    assert apart(seen_by(kind, [DIVERGING[0], DIVERGING[3], DIVERGING[-1]])).min() > 60
    assert np.diff(seen_by(kind, palette("HEAT")) @ [0.2126, 0.7152, 0.0722]).min() > 30
    assert apart(seen_by(kind, palette("WINDS"))).min() > 60


@pytest.mark.parametrize("kind", list(BLIND))
def test_marks_stay_distinguishable(kind):
    """All that can lie on one picture, with the white of the field's arrows and of the rigid track."""
    names = ("QUERY", "KEY", "GHOST", "TRUE", "TRACK")
    distances = apart(seen_by(kind, [*map(palette, names), [255, 255, 255]]))
    assert distances.min() > 45, distances.round()


def test_legends_and_charts_have_the_colours_of_the_marks(page, file):
    """Dark, where they need no darker shade to be read."""
    page.emulate_media(color_scheme="dark")
    open_page(page, file)
    page.click(".sifa-tools [data-panel=inside]")
    page.locator("[data-set=overlay]").select_option("track")
    page.click(".sifa-tools [data-panel=experiment]")
    page.locator("[data-name=rigid]").click()
    page.locator("[data-name=flow]").click()
    settle(page)
    marks = {".q": "QUERY", ".k": "KEY", ".g": "GHOST", ".t": "TRUE", ".sifa-path": "TRACK"}
    for selector, name in marks.items():
        colour = page.locator(f"svg {selector}").first.evaluate("e => getComputedStyle(e).stroke")
        assert list(map(int, re.findall(r"\d+", colour))) == palette(name), name


def test_nothing_moves_by_itself_where_motion_is_reduced(page, file):
    page.emulate_media(reduced_motion="reduce")
    open_page(page, file)
    moving = page.evaluate(
        """() => [...document.querySelectorAll('.sifa, .sifa *')].filter(e => {
            const { transitionDuration, animationName } = getComputedStyle(e);
            return animationName !== 'none' || transitionDuration.split(',').some(t => parseFloat(t) > 0);
        }).map(e => e.className)"""
    )
    assert moving == []


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
@pytest.mark.parametrize("drawer", ["none", "equation", "neighbours", "sheet"])
def test_nothing_sticks_out_of_the_page(page, file, width, drawer):
    page.set_viewport_size(dict(width=width, height=800))
    open_page(page, file)
    page.click(".sifa-tools [data-panel=inside]")
    page.locator("[data-set=drawer]").select_option(drawer)
    until(page, f"state.drawer === '{drawer}'")
    settle(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
