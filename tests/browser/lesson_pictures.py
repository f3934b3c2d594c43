"""Make the notebooks' pictures: `python -m tests.browser.lesson_pictures` runs the notebooks and keeps, for every cell with
a name in its metadata (`picture`), what the cell drew, as notebooks/pictures/<number>_<name>.png."""

import argparse
import base64
import os
import shutil
import tempfile
from pathlib import Path

import nbformat
import plotly.graph_objects as go
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
COLOURS = 256  # of a picture's palette, to keep the files small
FIGURE, JPEG = "application/vnd.plotly.v1+json", "image/jpeg"


def executed(file: Path) -> nbformat.NotebookNode:
    """A notebook with its outputs, run in its folder."""
    notebook = nbformat.read(file, as_version=4)
    resources = dict(metadata=dict(path=str(file.parent)))
    return NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()


def figures(notebook: nbformat.NotebookNode) -> dict[str, go.Figure | bytes]:
    """What the named cells of a notebook that was run have drawn, by name: plotly figures, and the explorer's JPEG."""
    drawn = {}
    for cell in notebook.cells:
        if name := cell.metadata.get("picture"):
            data = next(o.data for o in cell.outputs if {FIGURE, JPEG} & o.get("data", {}).keys())
            figure = data.get(FIGURE)
            drawn[name] = go.Figure(figure["data"], figure["layout"]) if figure else base64.b64decode(data[JPEG])
    return drawn


def photograph(browser: Browser, figure: go.Figure, file: Path, width: int = 900) -> None:
    """One figure as a PNG file, on white."""
    height = int(figure.layout.height or 400)
    figure.update_layout(paper_bgcolor="white", font_color="#48525e", width=width)
    with tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder) / "figure.html"
        figure.write_html(page_file)
        page = browser.new_page(viewport=dict(width=width + 16, height=height + 16), device_scale_factor=1.5)
        page.goto(page_file.as_uri())
        page.wait_for_selector(".plot-container")
        page.wait_for_timeout(400)
        page.locator(".plotly-graph-div").screenshot(path=file)
        page.close()
    Image.open(file).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.lesson_pictures", description=__doc__.splitlines()[0]
    )
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted(NOTEBOOKS.glob("[0-9]*.ipynb")))
    os.environ["PYTHONPATH"] = str(ROOT)
    (NOTEBOOKS / "pictures").mkdir(exist_ok=True)
    notebooks = parser.parse_args().notebooks
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for file in notebooks:
            for name, figure in figures(executed(file)).items():
                picture = NOTEBOOKS / "pictures" / f"{file.name[:2]}_{name}"
                if isinstance(figure, bytes):
                    picture.with_suffix(".jpg").write_bytes(figure)
                else:
                    photograph(browser, figure, picture.with_suffix(".png"))
        browser.close()


if __name__ == "__main__":
    main()
