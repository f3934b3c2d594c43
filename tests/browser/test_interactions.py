"""The same interactions in two of the three shells, the single file and the page; test_jupyter.py has the third."""

import pytest

from sifa import explorer
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.app.program import start
from tests.browser.interactions import INTERACTIONS, SAMPLE, go_through
from tests.browser.test_viewer import open_page


def test_there_are_enough_of_them():
    assert len({each.name for each in INTERACTIONS}) == len(INTERACTIONS) >= 40


def test_in_a_single_file_with_the_network_off(page, tmp_path):
    file = tmp_path / "clip.html"
    file.write_text(explorer.to_html(SAMPLE.read_bytes()))
    open_page(page, file)
    page.requests.clear()
    go_through(page)
    assert page.requests == page.problems == []


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The page with the shipped weights, whose samples hold what-ifs and the tour."""
    app = start(tmp_path_factory.mktemp("app"), weights=DEFAULT_CHECKPOINT)
    yield app
    app.stop()


@pytest.mark.slow
def test_on_the_page(page, app):
    page.set_viewport_size(dict(width=1280, height=1000))
    page.goto(f"{app.url}#c={SAMPLE.with_suffix('.mp4').name}")
    page.wait_for_selector(".sifa[data-ready]")
    page.wait_for_function("() => document.querySelector('.sifa-clip')?.textContent === '02_object_moves_right.mp4'")
    page.wait_for_timeout(500)
    page.requests.clear()
    go_through(page)
    assert page.requests == page.problems == []


@pytest.mark.slow
def test_a_link_into_the_tour_opens_its_sample(page, app):
    page.goto(f"{app.url}#c=02_object_moves_right.mp4&tour=3")
    page.wait_for_selector(".sifa-tour:not([hidden])")
    assert page.inner_text(".sifa-tour h3") == "The gate"
