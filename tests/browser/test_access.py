"""For everybody: what axe-core finds, palettes as colour-blind people see them, reduced motion, narrow screens."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from sifa import explorer
from sifa.explorer.html import FOLDER
from sifa.explorer.picture import DIVERGING, SEQUENTIAL
from tests.browser.interactions import SAMPLE, VIEWS, show_view
from tests.browser.test_viewer import open_page, settle, until

# Viénot, Brettel and Mollon 1999, in linear RGB
BLIND = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
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


@pytest.mark.parametrize("kind", list(BLIND))
def test_scales_stay_distinguishable(kind):
    """Neighbouring steps of a scale differ, and so do its two ends from each other and from the middle."""
    for scale in (SEQUENTIAL, DIVERGING):
        steps = seen_by(kind, scale)
        assert np.linalg.norm(np.diff(steps, axis=0), axis=1).min() > 20
    ends = seen_by(kind, [DIVERGING[0], DIVERGING[3], DIVERGING[-1]])
    apart = np.linalg.norm(ends[:, None] - ends[None], axis=2)
    assert apart[np.triu_indices(3, 1)].min() > 60


@pytest.mark.parametrize("kind", list(BLIND))
def test_marks_stay_distinguishable(kind):
    """Of marks that can lie on one picture with the same form; the track has dots of its own."""
    source = (FOLDER / "palette.mjs").read_text(encoding="utf-8")
    colours = [
        bytes.fromhex(re.search(rf"const {name} = '#(\w+)'", source)[1]) for name in ("QUERY", "KEY", "GHOST", "TRUE")
    ]
    seen = seen_by(kind, [list(colour) for colour in colours])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(4, 1)]
    assert apart.min() > 30, apart.round()


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
    page.locator("[data-set=drawer]").select_option(drawer)
    until(page, f"state.drawer === '{drawer}'")
    settle(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
