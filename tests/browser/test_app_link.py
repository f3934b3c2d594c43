"""Links to the page: a sample's link shows that sample in the same view; that of an uploaded clip asks for the clip."""

import shutil

import pytest

from sifa.explorer import to_html
from sifa.weights.shipped import DEFAULT_CHECKPOINT, title_of
from tests.browser.test_app import app, files, own_clip, ready  # noqa: F401, fixtures
from tests.browser.test_link import all_pixels
from tests.browser.test_viewer import state, until

pytestmark = pytest.mark.slow

SAMPLE = DEFAULT_CHECKPOINT.parent / "samples" / "04_camera_rolls_clockwise"
VIEW = "t=2&b=2&y=3&x=5&p=1&q=0"


@pytest.fixture
def visitor(chromium):
    """visitor(): a page in a browser of its own."""
    contexts = []

    def visitor():
        contexts.append(chromium.new_context(viewport=dict(width=1280, height=900), reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        return page

    yield visitor
    for context in contexts:
        context.close()


def test_a_link_to_a_sample_opens_it_pixel_for_pixel_in_both_shells(app, visitor, tmp_path):  # noqa: F811
    single = visitor()
    (tmp_path / "sample.html").write_text(to_html(SAMPLE.with_suffix(".sifa").read_bytes()))
    single.goto(f"{(tmp_path / 'sample.html').as_uri()}#{VIEW}")
    until(single, "state.block === 2 && location.hash.includes('w=')")
    link = single.evaluate("() => location.hash")
    assert "c=04_camera_rolls_clockwise.mp4" in link

    first, second = visitor(), visitor()
    for page in (first, second):
        page.goto(app.url + link)
        ready(page, SAMPLE.name)
        until(page, "state.block === 2 && state.pinned")
        page.wait_for_timeout(500)  # the charts and the fonts
    assert first.get_by_label("Model", exact=True).input_value() == title_of(DEFAULT_CHECKPOINT)
    assert state(first) == state(second) == state(single)
    assert all_pixels(first) == all_pixels(second)
    assert all_pixels(single) == all_pixels(first)


def test_a_link_to_an_uploaded_clip_asks_for_it(app, files, visitor, tmp_path):  # noqa: F811
    page = visitor()
    page.goto(app.url)
    ready(page)
    own_clip(page, files / "numbered.mp4")
    ready(page, "numbered.mp4")
    page.locator(".sifa-time input").fill("1")
    until(page, "location.hash.includes('c=numbered.mp4') && location.hash.includes('t=1')")
    link, seen = page.evaluate("() => location.href"), state(page)

    reader = visitor()
    reader.goto(link)
    ready(reader)
    assert "This link shows numbered.mp4 (pictures " in reader.inner_text(".sifa-ask")
    shutil.copy(files / "numbered.mp4", tmp_path / "renamed.mp4")
    own_clip(reader, tmp_path / "renamed.mp4")
    ready(reader, "renamed.mp4")
    until(reader, "state.pair === 1")
    assert state(reader) == seen | dict(led=False)  # a link's cell is chosen
    assert not reader.locator(".sifa-ask").is_visible()
