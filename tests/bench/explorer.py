"""How fast the viewer answers, in headless Chromium: `python -m tests.bench.explorer [--json]`.

From an event's time stamp to just after the next frame is presented, at the finest grid of a Swin (56 x 56 cells) with
the arrows of the whole field on; one frame of 60 Hz (16.7 ms) is the floor of what can be seen.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from sifa import explorer
from tests.browser.conftest import ARGUMENTS
from tests.predictions import foreign_prediction

WATCH = """selector => {
  window.times = [];
  const channel = new MessageChannel();
  let waiting = [];
  channel.port1.onmessage = () => { for (const t of waiting) window.times.push(performance.now() - t); waiting = []; };
  const seen = event => {
    const stamp = event.timeStamp;
    requestAnimationFrame(() => { waiting.push(stamp); channel.port2.postMessage(0); });
  };
  document.querySelector(selector).addEventListener('pointermove', seen);
  document.querySelector('.sifa').addEventListener('keydown', seen);
}"""
PAIRS = 31  # more than the viewer keeps drawn, so that every step draws its pictures anew
READY = "() => document.querySelector('.sifa')?.sifa.ready"


def measured(page, act, count: int) -> np.ndarray:
    """Milliseconds from each of `count` events to the frame that answers it."""
    for i in range(count + 5):
        act(i)
        page.wait_for_function(f"() => window.times.length > {i}")
    times = np.array(page.evaluate("() => window.times.splice(0)"))
    return times[5:]


def run(count: int, side: int = 56) -> dict:
    prediction = foreign_prediction(pairs=PAIRS, grid=(side, side), frame_size=(360, 480))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "clip.html"
        file.write_text(explorer.to_html(explorer.pack(prediction)), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport=dict(width=1280, height=900))
        ready = []
        for _ in range(5):
            began = time.perf_counter()
            page.goto(file.as_uri(), wait_until="commit")
            page.wait_for_function(READY)
            ready.append(1000 * (time.perf_counter() - began))
        page.wait_for_timeout(500)
        requests = []
        page.on("request", lambda request: requests.append(request.url))
        page.evaluate(WATCH, ".sifa-query canvas")
        box = page.locator(".sifa-query canvas").bounding_box()
        rng = np.random.default_rng(0)
        places = rng.uniform(0.1, 0.9, (count + 5, 2)) * box["width"] + [box["x"], box["y"]]
        hover = measured(page, lambda i: page.mouse.move(*places[i]), count)
        keys = ["ArrowLeft", "ArrowRight"]
        page.evaluate("() => document.querySelector('.sifa').focus()")
        page.fill(".sifa-bar input", str(PAIRS - 1))
        step = measured(page, lambda i: page.keyboard.press(keys[i // (PAIRS - 1) % 2]), count)
        assert page.evaluate("() => document.querySelector('.sifa').sifa.state.quiver")
        version = browser.version
        browser.close()
        size = file.stat().st_size
    p50, p95 = (lambda a, q=q: round(float(np.percentile(a, q)), 1) for q in (50, 95))
    return dict(
        grid=side, events=count, chromium=version,
        hover_median_ms=p50(hover), hover_p95_ms=p95(hover), step_median_ms=p50(step), step_p95_ms=p95(step),
        interactive_median_ms=p50(ready), requests_after_load=len(requests),
        viewer_bytes=len(explorer.script().encode()), page_bytes=size,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    arguments = parser.parse_args()
    result = run(arguments.events)
    for name, value in result.items():
        print(f"{name.replace('_', ' '):24} {value}")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
