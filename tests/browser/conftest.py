"""A real Chromium for the tests of this folder: the one on PATH, or Playwright's own."""

import os
import shutil

import pytest
from playwright.sync_api import Error, sync_playwright

from sifa import explorer
from tests.predictions import nano_prediction

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in str(item.path.parent.name):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        except Error as error:
            reason = f"no Chromium: install one (apt-get install chromium, or playwright install chromium). {error}"
            if os.environ.get("SIFA_REQUIRE_BROWSER") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page at 1280 x 900 that keeps what it asked for and what went wrong: page.requests, page.problems. It asks for reduced
    motion, so that nothing plays by itself."""
    context = chromium.new_context(viewport=dict(width=1280, height=900), reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.requests, page.problems = [], []
    page.on("request", lambda r: page.requests.append(r.url))
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    yield page
    context.close()


def settle(page):
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def open_page(page, file):
    page.context.set_offline(True)
    page.goto(file.as_uri())
    page.wait_for_function("() => document.querySelector('.sifa')?.sifa.ready")
    settle(page)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A page of one file; modules that look at another clip have a fixture of this name of their own."""
    path = tmp_path_factory.mktemp("page") / "clip.html"
    path.write_text(explorer.to_html(explorer.pack(nano_prediction())))
    return path


@pytest.fixture
def viewer(page, file):
    """The single-file page that the module's `file` is; whatever a test does, nothing is requested and nothing goes wrong."""
    open_page(page, file)
    page.requests.clear()
    yield page
    assert page.requests == []
    assert page.problems == []


@pytest.fixture
def inside(viewer):
    """With the drawer Inside open."""
    viewer.click(".sifa-tools [data-panel=inside]")
    settle(viewer)


@pytest.fixture
def experiment(viewer):
    """With the drawer Experiment open."""
    viewer.click(".sifa-tools [data-panel=experiment]")
    settle(viewer)
