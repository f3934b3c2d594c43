"""From the upload of a clip to an explorer that can be hovered: `python -m tests.bench.upload [--json] [--before CHECKOUT]`.

The real program runs with stop-watches at its parts (`timed_app.py`), and a 5 s 720p H.264 clip goes to it over HTTP as the page
sends it, and from the page itself in Chromium if there is one. Cold is the first clip of a fresh process, warm is the median of
several, a few seconds apart. A decoding process's time on the processor counts from its start. With `--before`, another checkout
of this project is measured in turns with this one.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np

from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.app.program import ROOT, Program, start
from tests.app.visitor import Visitor, status_of
from tests.clips import write_clip

SECONDS, FPS, HEIGHT, WIDTH = 5, 30, 720, 1280
PARTS = ("weights", "decode", "forward")
REST, INSIDE = "pack, page, charts and files", ("pack", "page", "charts")  # the first three
HTTP = "HTTP: upload, queue, answer, trace"
WATCHED = ROOT / "tests" / "bench" / "timed_app.py"
REST_SECONDS = 5  # before each warm clip, as people take: the page gets its next decoding process ready
STEP = 4 / FPS  # seconds: as the weights want it
Times = dict[str, list[float]]  # what -> seconds of each run


def camera_pan(count: int = SECONDS * FPS) -> np.ndarray:
    """A camera over a textured ground, with a ball that crosses it and some noise: (count, 720, 1280, 3) uint8."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (60, 110, 3)).astype(np.float32)
    ground = np.kron(small, np.ones((16, 16, 1), np.float32)) * 0.6 + rng.normal(60, 12, (960, 1760, 3))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    frames = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    for t in range(count):
        picture = ground[t : t + HEIGHT, 3 * t : 3 * t + WIDTH].clip(0, 255)
        ball = (y - 360) ** 2 + (x - 100 - 7 * t) ** 2 < 70**2
        picture[ball] = (230, 180, 40)
        frames[t] = picture
    return frames


@contextmanager
def timed_program(folder: Path, checkout: Path) -> Iterator[tuple[Program, Path]]:
    """The program of a checkout, and the file of its times."""
    folder.mkdir()
    times = folder / "times"
    code = f"import runpy, sys; sys.path[0] = {str(checkout)!r}; runpy.run_path({str(WATCHED)!r}, run_name='__main__')"
    weights = checkout / "assets" / DEFAULT_CHECKPOINT.name
    page = start(folder, weights=weights, python=("-c", code, str(times)), PYTHONPATH=str(checkout))
    try:
        yield page, times
    finally:
        page.stop()


def one_run(page: Program, times: Path, clip: Path, number: int) -> dict[str, dict[str, float]]:
    """Seconds by the clock and by the processor of each part; the whole is what a visitor waits for."""
    times.write_text("")
    visitor = Visitor(page.url, f"127.0.1.{1 + number % 100}")
    visitor.find_functions()
    began = time.perf_counter()
    values = visitor.run(visitor.upload(clip), 0, round(STEP, 3))
    assert clip.name in status_of(values), status_of(values)
    (shown,) = [value for value in values if isinstance(value, dict) and "trace" in value]
    with urlopen(f"{page.url}/gradio_api/file={shown['trace']['path']}") as answer:
        answer.read()
    wall, cpu = {"whole": time.perf_counter() - began}, defaultdict(float)
    spent: dict[str, float] = defaultdict(float)
    for line in map(json.loads, times.read_text().splitlines()):
        spent[line["part"]] += line["seconds"]
        cpu[line["part"]] += line["cpu"]
    for each in (spent, cpu):
        each[REST] = each["all of it"] - sum(each[part] for part in PARTS)
    wall |= {part: spent[part] for part in (*PARTS, REST, *INSIDE)} | {HTTP: wall["whole"] - spent["all of it"]}
    return dict(wall=wall, cpu={part: cpu[part] for part in (*PARTS, REST)} | {"whole": cpu["all of it"]})


def in_browser(page: Program, browser: Any, clips: list[Path]) -> Iterator[float]:
    """Seconds from giving each file to the page until its explorer answers a pointer, one after another."""
    view = browser.new_page(viewport=dict(width=1280, height=900), reduced_motion="reduce")
    view.goto(page.url)
    wait_until_shown(view, "")
    for clip in clips:
        clear = view.locator("#upload").get_by_label("Clear")
        if clear.count():
            clear.click()
        time.sleep(REST_SECONDS)
        began = time.perf_counter()
        view.locator("#upload input[type=file]").set_input_files(clip)
        wait_until_shown(view, clip.name)
        view.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        yield time.perf_counter() - began
    view.close()


def wait_until_shown(view: Any, name: str) -> None:
    view.wait_for_function(
        "name => document.querySelector('.sifa')?.dataset.ready === 'yes' && "
        "document.querySelector('#explorer').innerText.includes(name)",
        arg=name,
        timeout=60_000,
    )


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, or None where there is none."""
    try:
        from playwright.sync_api import Error, sync_playwright

        from tests.browser.conftest import ARGUMENTS
    except ImportError:
        yield None
        return
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        except Error:
            browser = None
        yield browser


def measure(checkouts: dict[str, Path], cold: int, warm: int) -> dict[str, Any]:
    """Every checkout in turns: its cold and its warm runs."""
    walls: dict[str, Times] = defaultdict(lambda: defaultdict(list))
    cpus: dict[str, Times] = defaultdict(lambda: defaultdict(list))
    browsers: Times = defaultdict(list)

    def note(key: str, found: dict[str, dict[str, float]]) -> None:
        for part, seconds in found["wall"].items():
            walls[key][part].append(seconds)
        for part, seconds in found["cpu"].items():
            cpus[key][part].append(seconds)

    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        folder = Path(place)
        clip = write_clip(folder / "clip.mp4", camera_pan(), fps=FPS)
        size = clip.stat().st_size
        copies = [Path(shutil.copy(clip, folder / f"seen-{number}.mp4")) for number in range(warm)]
        for number in range(cold):
            with ExitStack() as stack:
                pages = {}
                for name, checkout in checkouts.items():
                    pages[name] = stack.enter_context(timed_program(folder / f"{name}-{number}", checkout))
                    note(f"cold, {name}", one_run(*pages[name], clip, 0))
                for again in range(max(1, warm // cold)):
                    for name, (page, times) in pages.items():
                        time.sleep(REST_SECONDS)
                        note(f"warm, {name}", one_run(page, times, clip, 1 + again))
                if browser:
                    seen = [in_browser(page, browser, copies) for page, _ in pages.values()]
                    for found in list(zip(*seen, strict=True))[1:]:
                        for name, seconds in zip(pages, found, strict=True):
                            browsers[f"warm, {name}"].append(seconds)
    middle = lambda times: {part: round(statistics.median(seconds), 3) for part, seconds in times.items()}
    return dict(
        clip_bytes=size, runs={key: len(found["whole"]) for key, found in walls.items()},
        seconds={key: middle(found) for key, found in walls.items()},
        cpu_seconds={key: middle(found) for key, found in cpus.items()},
        browser_seconds=middle(browsers),
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upload", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--cold", type=int, default=3, help="fresh processes (default: 3)")
    parser.add_argument("--warm", type=int, default=9, help="further clips in all (default: 9)")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--before", type=Path, help="another checkout, which is measured in turns with this one")
    chosen = parser.parse_args()
    checkouts = dict(now=ROOT) | (dict(before=chosen.before.resolve()) if chosen.before else {})
    found = measure(checkouts, chosen.cold, max(chosen.warm, chosen.cold))
    print(
        f"a clip of {SECONDS} s, {WIDTH} x {HEIGHT}, {found['clip_bytes'] / 1e6:.1f} MB; seconds by the clock / the processor"
    )
    keys = list(found["seconds"])
    print(f"{'':38}", *(f"{key:>16}" for key in keys))
    for part in (*PARTS, REST, *INSIDE, HTTP, "whole"):
        cells = [(found["seconds"][key][part], found["cpu_seconds"][key].get(part)) for key in keys]
        print(
            f"{'  of that, ' * (part in INSIDE) + part:38}",
            *(f"{wall:>8.3f}{'' if cpu is None else f' / {cpu:.3f}':>8}" for wall, cpu in cells),
        )
    for key, seconds in found["browser_seconds"].items():
        print(f"in Chromium, from the file to an explorer that can be hovered, {key}: {seconds:.3f}")
    if not found["browser_seconds"]:
        print("no Chromium here, so the page itself was not measured")
    if chosen.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
