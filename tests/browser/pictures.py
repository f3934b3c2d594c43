"""Make the documentation's pictures: `python -m tests.browser.pictures` writes assets/explorer.png and equation.png, from the
shipped sample "object moves right", and assets/confusion.png, from the default checkpoint's card."""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from sifa import explorer
from sifa.figures import plot_confusion
from sifa.weights import DEFAULT_CHECKPOINT, load_card
from tests.browser.conftest import ARGUMENTS

ASSETS = DEFAULT_CHECKPOINT.parent
SAMPLE = ASSETS / "samples" / "02_object_moves_right.sifa"
VIEWS = {"explorer": "t=3&y=10&x=8&p=1&flow=1", "equation": "tour=5"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "sample.html"
        file.write_text(explorer.to_html(SAMPLE.read_bytes()), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport=dict(width=1240, height=860))
        for name, view in VIEWS.items():
            page.goto("about:blank")
            page.goto(f"{file.as_uri()}#{view}")
            page.wait_for_selector(".sifa[data-ready]")
            page.wait_for_timeout(300)
            page.screenshot(path=ASSETS / f"{name}.png", full_page=True)
        file = Path(folder) / "confusion.html"
        plot_confusion(load_card(DEFAULT_CHECKPOINT)).write_html(file)
        page.set_viewport_size(dict(width=980, height=790))
        page.goto(file.as_uri())
        page.wait_for_selector(".plot-container")
        page.wait_for_timeout(500)
        page.screenshot(path=ASSETS / "confusion.png")
        browser.close()


if __name__ == "__main__":
    main()
