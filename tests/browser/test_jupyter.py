"""The notebooks in a real JupyterLab through Chromium, and the page that nbconvert makes of the first one."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import sifa
from sifa.weights import shipped
from tests.browser.interactions import SAMPLE, go_through

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab on a copy of the notebooks, with a home of its own; its address."""
    home = tmp_path_factory.mktemp("home")
    books = home / "notebooks"
    shutil.copytree(ROOT / "notebooks", books)
    port = free_port()
    folders = dict(
        HOME=home, JUPYTER_CONFIG_DIR=home / "config", JUPYTER_DATA_DIR=home / "data", IPYTHONDIR=home / "ipython"
    )
    folders |= dict(
        JUPYTER_RUNTIME_DIR=home / "runtime", JUPYTERLAB_WORKSPACES_DIR=home / "workspaces", PYTHONPATH=ROOT
    )
    write_settings(home / "settings")
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
        f"--ServerApp.root_dir={books}", "--IdentityProvider.token=", "--ServerApp.password=", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--ServerApp.port_retries=0",
        f"--LabApp.user_settings_dir={home / 'settings'}", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    with (home / "log").open("w") as log:
        environment = os.environ | {name: str(value) for name, value in folders.items()}
        server = subprocess.Popen(command, env=environment, cwd=books, stdout=log, stderr=subprocess.STDOUT)
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, server, home / "log")
            yield address
        finally:
            server.terminate()
            server.wait(20)


def write_settings(folder):
    """No question about news, and every cell kept on the page, so that what is scrolled out of view can be looked at."""
    for name, values in {
        "apputils-extension/notification": dict(fetchNews="false", checkForUpdates=False),
        "notebook-extension/tracker": dict(windowingMode="none"),
    }.items():
        file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))


def wait_for(address, server, log, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not answer in {seconds} s: {log.read_text()}")


@pytest.fixture
def notebook(page, lab, request):
    """A notebook opened in JupyterLab, every cell run; its name is the test's parameter."""
    page.set_default_timeout(120_000)
    page.set_viewport_size(dict(width=1280, height=1000))
    page.goto(f"{lab}/lab/tree/{request.param}?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
    run(page, "pass")  # once the kernel answers
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function("() => [...document.querySelectorAll('.sifa')].some(e => e.sifa?.ready)")
    page.wait_for_function("() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'")
    yield page
    outside = [url for url in page.requests if not url.startswith((lab, lab.replace("http", "ws"), "blob:", "data:"))]
    assert outside == []
    assert page.problems == []


def run(page, code):
    """Run code in the notebook's kernel, beside the notebook, and give what it printed."""
    return page.evaluate(
        """async code => {
            const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
            const future = kernel.requestExecute({ code, store_history: false });
            let text = '';
            future.onIOPub = ({ content }) => { text += content.text ?? content.traceback?.join('\\n') ?? ''; };
            await future.done;
            return text.trim();
        }""",
        code,
    )


def viewer(page):
    return page.evaluate("() => [...document.querySelectorAll('.sifa')].find(e => e.sifa?.ready).sifa.state")


def until(page, condition):
    """Wait until a condition on the first viewer's `state` holds."""
    page.wait_for_function(
        "() => { const { state } = [...document.querySelectorAll('.sifa')].find(e => e.sifa?.ready).sifa;"
        f"return {condition}; }}"
    )


def place(page, y, x, cells):
    """The middle of a cell of the first viewer's frame t, on the page."""
    canvas = page.locator(".sifa-query canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    inner = 0.88 * box["width"]
    return tuple(box[k] + 0.06 * box["width"] + (v + 0.5) * inner / cells for k, v in (("x", x), ("y", y)))


def python_sees(page, expression, wanted):
    """Wait until the kernel prints what is wanted: the viewer tells it once it has come to rest."""
    deadline = time.monotonic() + 10
    while (seen := run(page, f"print({expression})")) != wanted and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert seen == wanted


def choice(panel, label):
    return panel.locator(f".widget-dropdown:has(label:text-is('{label}')) select")


def errors(page):
    return page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").all_inner_texts()


def furthest():
    """The third block of the first notebook's clip, and the cell whose attention went furthest in its fourth pair."""
    block = sifa.predict(sifa.load(), shipped.sample("object moves right")).trace[2]
    return block, *divmod(int(np.hypot(*block.displacement[3]).argmax()), 16)


@pytest.mark.parametrize("notebook", ["01_quickstart.ipynb"], indirect=True)
def test_the_first_notebook_in_jupyterlab(notebook):
    page = notebook
    assert errors(page) == []
    # the notebook's cells set block and cell, and then another clip, before the viewer had read the first one
    _, y, x = furthest()
    until(page, f"state.block === 2 && state.pair === 3 && state.y === {y} && state.x === {x} && state.pinned")
    page.wait_for_timeout(500)
    python_sees(page, "explorer.cell, explorer.pinned", f"(2, 3, {y}, {x}) True")
    assert (
        "pans left" in page.locator(".sifa-headlines").last.text_content().lower()
    )  # a clip of its own, in another explorer
    run(page, "explorer.pinned = False")
    until(page, "state.block === 2 && !state.pinned")
    page.mouse.move(*place(page, 4, 9, 16))
    until(page, "state.y === 4 && state.x === 9")
    python_sees(page, "explorer.cell[2:], explorer.pinned", "(4, 9) False")
    page.mouse.click(*place(page, 11, 9, 16))
    python_sees(page, "explorer.cell[2:], explorer.pinned", "(11, 9) True")
    pair = viewer(page)["pair"]
    page.keyboard.press(".")
    python_sees(page, "explorer.pair", str(pair + 1))
    page.keyboard.press("]")
    python_sees(page, "explorer.block, explorer.cell[2:]", "3 (11, 9)")
    run(page, "with explorer.hold_sync(): explorer.y, explorer.x, explorer.block = 3, 2, 4")  # a cell of block 4
    until(page, "state.block === 4 && state.y === 3 && state.x === 2 && state.pinned")
    run(page, "explorer.pair = 0")
    until(page, "state.pair === 0")
    assert "Block 5 of 6" in page.locator(".sifa-caption").first.inner_text()
    run(page, "explorer.block = 2")
    until(page, "state.block === 2")
    page.wait_for_timeout(500)
    run(page, "explorer.pins = {'A': (1, 2), 'C': (12, 9)}")
    until(page, "state.pins.length === 3 && state.y === 1 && state.x === 2")
    page.mouse.click(*place(page, 5, 6, 16))
    python_sees(page, "explorer.pins, explorer.cell[2:]", "{'A': (1, 2), 'B': (5, 6), 'C': (12, 9)} (5, 6)")
    run(page, "explorer.pinned = False")
    until(page, "!state.pinned && state.pins.length === 0")
    python_sees(page, "explorer.pins", "{}")


@pytest.mark.parametrize("notebook", ["01_quickstart.ipynb"], indirect=True)
def test_the_charts_follow_the_cell(notebook):
    page = notebook
    run(page, "explorer.prediction = prediction; explorer.block = 0")
    page.wait_for_selector(".js-plotly-plot")
    until(page, "state.block === 0")
    now = viewer(page)
    python_sees(
        page, "explorer.cell[2:]", f"({now['y']}, {now['x']})"
    )  # the viewer has said where the place is on this grid
    run(page, "explorer.y, explorer.x = 7, 3")
    title = page.locator(".gtitle:has-text('Weights of cell 7, 3')")
    expect(title).to_have_count(1, timeout=60_000)  # while a chart is drawn anew, both are there
    wanted = run(page, "print(f'{prediction.trace[0].attention[explorer.pair, :, 7, 3].sum():.2f}')")
    assert f"(sum {wanted})" in title.text_content()
    assert page.locator(".gtitle:has-text('Track of cell 7, 3')").count() == 1
    page.wait_for_function("() => document.querySelectorAll('.widget-output .js-plotly-plot').length === 4")
    assert page.locator(".widget-output table").count() == 0  # those are for front ends that do not know plotly
    page.wait_for_timeout(500)
    until(page, "state.y === 7 && state.x === 3")
    page.set_viewport_size(dict(width=390, height=900))
    page.wait_for_function(
        """() => [...document.querySelectorAll('.widget-output')].every(chart => {
            const [inner, outer] = [chart.querySelector('.main-svg'), chart.closest('.jp-OutputArea-output')];
            return inner.getBoundingClientRect().right <= outer.getBoundingClientRect().right;
        })"""
    )

    run(page, "from sifa.weights.shipped import weights; explorer.block = 2")
    run(page, "plain = next(file for title, file in weights().items() if title.startswith('no temporal'))")
    run(page, "explorer.prediction = sifa.predict(sifa.load(plain), prediction.clip)")
    page.locator(".sifa-empty:has-text('no SIFA block')").wait_for()
    page.wait_for_function("() => !document.querySelector('.js-plotly-plot')")
    run(page, "explorer.prediction = prediction")
    wanted = (
        "from sifa.explorer.widget import start_cell; print(*start_cell(prediction.trace[prediction.best_block], 3))"
    )
    y, x = run(page, wanted).split()
    best = run(page, "print(prediction.best_block)")
    until(page, f"state.block === {best} && state.pair === 3 && state.y === {y} && state.x === {x}")
    python_sees(page, "explorer.cell", f"({best}, 3, {y}, {x})")
    assert page.locator(".js-plotly-plot").count() == 4


@pytest.mark.parametrize("notebook", ["05_inside_the_transformer.ipynb"], indirect=True)
def test_the_fifth_notebook_in_jupyterlab(notebook):
    page = notebook
    assert errors(page) == []
    until(page, "state.block === 0 && state.y === 8 && state.x === 11 && state.pinned")
    page.locator(".sifa-query canvas").first.focus()
    page.keyboard.press("Escape")
    page.mouse.move(*place(page, 3, 4, 16))
    until(page, "state.y === 3 && state.x === 4 && !state.pinned")
    page.mouse.click(*place(page, 5, 6, 16))
    page.keyboard.press(".")
    python_sees(page, "explorer.cell, explorer.pinned", "(0, 1, 5, 6) True")

    bench = page.locator(".jp-OutputArea-output", has=page.locator(".widget-dropdown")).last
    choice(bench, "What if").select_option(label="Reversed clip")
    bench.locator(".sifa h2:has-text('zooms out')").first.wait_for()
    python_sees(page, "list(panel.predictions)", "['as it is', 'Reversed clip']")
    choice(bench, "What if").select_option(label="as it is")
    python_sees(page, "list(panel.predictions)", "['as it is']")
    page.wait_for_timeout(500)
    assert choice(bench, "What if").input_value() == "as it is"
    choice(bench, "Block").select_option(label="3: 16 × 16 cells")
    bench.locator(".sifa-caption:has-text('Block 3 of 6')").wait_for(state="attached")
    python_sees(page, "panel.explorer.block", "2")
    bench.locator("button:has-text('5 × 5')").click()
    bench.locator(".sifa-read td >> nth=24").wait_for()
    python_sees(page, "panel.explorer.prediction.trace[0].kernel", "5")
    bench.locator(".sifa-bar select").select_option("1")
    python_sees(page, "panel.controls['block'].label", "2: 32 × 32 cells")
    choice(bench, "Weights").select_option(label="no temporal module (16 k clips)")
    bench.locator("[role=alert]:has-text('no SIFA block')").wait_for()


def open_converted(page, folder, name):
    """Open the HTML page that nbconvert makes of a notebook, run, with no network."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--config", "nbconvert.json"]
    command += ["--output-dir", str(folder), f"{name}.ipynb"]
    environment = os.environ | dict(PYTHONPATH=str(ROOT), IPYTHONDIR=str(folder), HOME=str(folder))
    subprocess.run(command, cwd=ROOT / "notebooks", env=environment, check=True, timeout=120, capture_output=True)
    page.context.set_offline(True)
    page.goto((folder / f"{name}.html").as_uri(), wait_until="domcontentloaded")


def table(page, caption):
    """The rows of a table of the page, by their first cell."""
    rows = page.locator(f"table:has(caption:has-text('{caption}')) tbody tr").all()
    texts = [row.locator("th, td").all_inner_texts() for row in rows]
    return {first: rest for first, *rest in texts}


def try_explorer(page, number=0):
    """The explorer of a converted page answers a click, and its frame is as tall as it is."""
    frame = page.frame_locator("iframe[title='SIFA explorer']").nth(number)
    frame.locator(".sifa[data-ready]").wait_for()
    canvas = frame.locator(".sifa-query canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "pinned" in frame.locator(".sifa-read").inner_text()
    tall = (
        page.locator("iframe[title='SIFA explorer']")
        .nth(number)
        .evaluate("frame => [frame.clientHeight, frame.contentDocument.documentElement.scrollHeight]")
    )
    assert tall[0] >= tall[1] - 1


def test_the_page_of_nbconvert_explores_without_a_network(page, tmp_path):
    open_converted(page, tmp_path, "01_quickstart")
    try_explorer(page)
    block, y, x = furthest()
    assert page.locator("p:text-is('Block 3, pair 4')").count() == 1
    weight, _ = table(page, f"Weights of cell {y}, {x}")["0, 0"]
    assert float(weight) == pytest.approx(block.attention[3, 4, y, x], abs=0.001)
    assert list(table(page, "Mean |offset|")) == [str(pair) for pair in range(1, 8)]
    assert "Panel(" not in page.locator("body").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_the_bench_of_a_converted_page_is_an_explorer_and_its_answers(page, tmp_path):
    page.set_viewport_size(dict(width=390, height=900))
    open_converted(page, tmp_path, "05_inside_the_transformer")
    try_explorer(page, 1)
    camera, _ = sifa.predict(sifa.load(), shipped.sample("camera zooms in")).answers()
    assert next(iter(table(page, "Class probabilities").items())) == (camera.label, [f"{camera.probability:.1%}"])
    assert page.locator("p:has-text('camera zooms in, the default')").inner_text().endswith("run this cell in Jupyter.")
    assert "Panel(" not in page.locator("body").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("notebook", ["01_quickstart.ipynb"], indirect=True)
def test_every_interaction_in_jupyterlab(notebook, lab):
    page = notebook
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length >= 1")
    code = f"from sifa.explorer import unpack; explorer.prediction = unpack({str(SAMPLE)!r}); explorer.pinned = False"
    run(page, code)
    page.locator(".sifa-clip:has-text('02_object_moves_right.mp4')").first.wait_for()
    run(page, "explorer.block = 0; explorer.pair = 3")
    until(page, "state.block === 0 && state.pair === 3 && !state.pinned")
    before = len(page.requests)
    go_through(page)
    its_own = (f"{lab}/api/", f"{lab}/lab/api/", f"{lab}/static/favicons/", "blob:", "data:")  # its kernel and icon
    assert [url for url in page.requests[before:] if not url.startswith(its_own)] == []
