"""Make the documentation's pictures: `python -m tests.browser.pictures` writes assets/explorer.png and equation.png, from the
shipped sample "object moves right", and assets/confusion.png, from the default checkpoint's card.

`--views FOLDER` writes every view of the explorer instead, on screens of four widths, light and dark, to be looked at.
"""

import argparse
import shutil
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from sifa import explorer
from sifa.charts.plots import plot_confusion
from sifa.weights.card import load_card
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.browser.conftest import ARGUMENTS
from tests.browser.interactions import SAMPLE, VIEWS, show_view

ASSETS = DEFAULT_CHECKPOINT.parent
SHOWN = {"explorer": "t=3&y=10&x=8&p=1&flow=1", "equation": "tour=5"}
READY = ".sifa[data-ready]"


def documentation(browser: Browser, sample: Path) -> None:
    page = browser.new_page(viewport=dict(width=1280, height=800), reduced_motion="reduce")
    for name, view in SHOWN.items():
        page.goto("about:blank")
        page.goto(f"{sample.as_uri()}#{view}")
        page.wait_for_selector(READY)
        page.wait_for_timeout(300)
        page.screenshot(path=ASSETS / f"{name}.png", full_page=True)
    file = sample.with_name("confusion.html")
    plot_confusion(load_card(DEFAULT_CHECKPOINT)).write_html(file)
    page.set_viewport_size(dict(width=980, height=790))
    page.goto(file.as_uri())
    page.wait_for_selector(".plot-container")
    page.wait_for_timeout(500)
    page.screenshot(path=ASSETS / "confusion.png")


def views(browser: Browser, sample: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for width, scheme in product((1920, 1280, 768, 390), ("light", "dark")):
        page = browser.new_page(viewport=dict(width=width, height=900), color_scheme=scheme, reduced_motion="reduce")
        for name in VIEWS:
            page.goto("about:blank")
            page.goto(f"{sample.as_uri()}#t=3&y=8&x=9&p=1")
            page.wait_for_selector(READY)
            show_view(page, name)
            page.screenshot(path=folder / f"{name}_{width}_{scheme}.png", full_page=True)
        page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--views", type=Path, metavar="FOLDER")
    folder = parser.parse_args().views
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        sample = Path(temporary) / "sample.html"
        sample.write_text(explorer.to_html(SAMPLE.read_bytes()), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        if folder:
            views(browser, sample, folder)
        else:
            documentation(browser, sample)
        browser.close()


if __name__ == "__main__":
    main()
