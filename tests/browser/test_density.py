"""How many arrows are drawn: three densities where the grid allows them, and no button that changes nothing."""

from itertools import pairwise

import pytest

from sifa import explorer
from tests.browser.interactions import SAMPLE
from tests.browser.test_viewer import CANVAS, open_page, settle, state
from tests.predictions import foreign_prediction

MADE = {
    "56 cells": lambda: explorer.pack(foreign_prediction(grid=(56, 56))),
    "sample": SAMPLE.read_bytes,
    "one row": lambda: explorer.pack(foreign_prediction(grid=(2, 40))),  # and half of it
}


def arrows(page) -> int:
    """How many pixels the arrows of the field cover."""
    look = """selector => { const c = document.querySelector(selector);
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        const pixels = new Int32Array(data.buffer);
        const before = window.before ?? pixels;
        window.before = pixels;
        return pixels.filter((pixel, i) => pixel !== before[i]).length; }"""
    page.focus(CANVAS)
    for _ in range(2):
        settle(page)
        covered = page.evaluate(look, CANVAS)
        page.keyboard.press("q")
    return covered


def every(page) -> int:
    """The legend: one arrow in how many cells of a row."""
    words = page.locator(".sifa-density").first.text_content()
    return 1 if "each cell" in words else int("".join(filter(str.isdigit, words)))


def disabled(page, name) -> bool:
    return page.get_attribute(f"[data-do={name}]", "aria-disabled") == "true"


@pytest.mark.parametrize(
    ("made", "width", "blocks"),
    [
        ("56 cells", 1280, {0: [6, 3, 2], 1: [4, 2, 1]}),
        ("sample", 1280, {0: [4, 2, 1], 2: [2, 1], 4: [2, 1]}),
        ("sample", 390, {0: [6, 3, 2], 2: [4, 2, 1], 4: [2, 1]}),
        ("one row", 1280, {0: [2, 1], 1: [1]}),
    ],
)
def test_each_density_draws_more_than_the_one_before(page, tmp_path, made, width, blocks):
    page.set_viewport_size(dict(width=width, height=900))
    (tmp_path / "a.html").write_text(explorer.to_html(MADE[made]()))
    open_page(page, tmp_path / "a.html")
    page.click(".sifa-tools [data-panel=inside]")
    for index, steps in blocks.items():
        page.locator(".sifa-bar select").select_option(str(index))
        while not disabled(page, "fewer"):
            page.click("[data-do=fewer]")
            settle(page)
        seen, drawn = [every(page)], [arrows(page)]
        while not disabled(page, "more"):
            page.click("[data-do=more]")
            settle(page)
            seen.append(every(page))
            drawn.append(arrows(page))
        assert seen == steps
        assert all(more > 1.5 * fewer > 0 for fewer, more in pairwise(drawn))
        page.keyboard.press("d")
        assert (every(page), arrows(page)) == (seen[-1], drawn[-1])
    assert page.problems == []


def test_the_first_view_is_of_medium_density(page, tmp_path):
    (tmp_path / "a.html").write_text(explorer.to_html(MADE["56 cells"]()))
    open_page(page, tmp_path / "a.html")
    assert (state(page)["density"], every(page)) == ("medium", 2)
    assert not disabled(page, "fewer")
    assert not disabled(page, "more")
