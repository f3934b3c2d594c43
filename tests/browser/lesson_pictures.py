"""Make the notebooks' pictures: `python -m tests.browser.lesson_pictures` runs the notebooks and keeps, for every cell with
a name in its metadata (`picture`), what the cell drew, as notebooks/pictures/<number>_<name>.png. In the file stand the
figure's words and numbers, too, so that a test can tell whether the notebook still draws them."""

import argparse
import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import plotly.graph_objects as go
from nbclient import NotebookClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
COLOURS = 256  # of a picture's palette, to keep the files small
FIGURE, JPEG = "application/vnd.plotly.v1+json", "image/jpeg"


def executed(file: Path, *arguments: str, **environment: str) -> nbformat.NotebookNode:
    """A notebook with its outputs, run in its folder on this source; arguments and environment are the kernel's."""
    notebook = nbformat.read(file, as_version=4)
    resources = dict(metadata=dict(path=str(file.parent)))
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources=resources, extra_arguments=list(arguments)
    )
    return client.execute(env=os.environ | dict(PYTHONPATH=str(ROOT)) | environment)


def figures(notebook: nbformat.NotebookNode) -> dict[str, dict | bytes]:
    """What the named cells of a notebook that was run have drawn, by name: plotly's JSON, and the explorer's JPEG."""
    drawn = {}
    for cell in notebook.cells:
        if name := cell.metadata.get("picture"):
            data = next(o.data for o in cell.outputs if {FIGURE, JPEG} & o.get("data", {}).keys())
            drawn[name] = data.get(FIGURE) or base64.b64decode(data[JPEG])
    return drawn


def content(figure: dict) -> tuple[list[str], list[float]]:
    """A figure's words and numbers in order: its titles, and names and values of what it draws, but not the photographs
    beneath arrows. Numbers have five digits."""
    layout = figure["layout"]
    axes = [layout[key].get("title") for key in sorted(layout) if key.startswith(("xaxis", "yaxis"))]
    titles = [each.get("text") for each in (layout.get("title"), *layout.get("annotations", ()), *axes) if each]
    keys = "type", "name", "x", "y", "z", "base"
    drawn = [each[key] for each in figure["data"] if each["type"] != "image" for key in keys if key in each]
    found = list(_leaves([titles, drawn]))
    return [v for v in found if isinstance(v, str)], [float(f"{v:.5g}") for v in found if not isinstance(v, str)]


def _leaves(node: object) -> Iterator[str | float]:
    """The texts and numbers in plotly's JSON, where arrays may be stored as base64; gaps (None) are left out."""
    if isinstance(node, dict):
        yield from np.frombuffer(base64.b64decode(node["bdata"]), node["dtype"]).tolist()
    elif isinstance(node, list):
        for each in node:
            yield from _leaves(each)
    elif node is not None:
        yield node


def photograph(browser: Browser, drawn: dict, file: Path, width: int = 900) -> None:
    """One figure as a PNG file, on white, with its content as the file's text "figure"."""
    figure = go.Figure(drawn["data"], drawn["layout"])
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
    written = PngInfo()
    written.add_text("figure", json.dumps(content(drawn)), zip=True)
    picture = Image.open(file).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(file, optimize=True, pnginfo=written)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.lesson_pictures", description=__doc__.splitlines()[0]
    )
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted(NOTEBOOKS.glob("[0-9]*.ipynb")))
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
