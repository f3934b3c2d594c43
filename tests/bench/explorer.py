"""How fast the viewer answers, in headless Chromium: `python -m tests.bench.explorer [--json] [--before CHECKOUT]`.

From an event's time stamp to just after the next frame is presented, at the finest grid of a Swin (56 x 56 cells) with
the arrows of the whole field on. An event waits for the next tick of a 60 Hz display, up to 16.7 ms: the same events on
a page that paints four pixels, measured in turns with it, show what no page can go below.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gradio as gr
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
PAIRS = 31
MOVES = 50  # ms at most between two moves of a pointer, drawn at random, since the display's ticks do not wait for it
STEPS = dict(step=150, held=33)  # ms between two steps of a person, and of a key that is held
PER_ROUND = 25  # events; a round steps once through the clip, so that no step shows pictures that were shown before
READY = "() => document.querySelector('.sifa')?.sifa.ready"


FLOOR = """<!doctype html><section class="sifa" tabindex="-1"><div class="sifa-query"><canvas width="460" height="460">
</canvas></div><div class="sifa-bar"><input></div></section><script>
const root = document.querySelector('.sifa'), ctx = document.querySelector('canvas').getContext('2d');
let shade = 0;
const paint = () => { ctx.fillStyle = `hsl(${shade++} 90% 50%)`; ctx.fillRect(0, 0, 2, 2); };
ctx.canvas.addEventListener('pointermove', paint);
root.addEventListener('keydown', paint);
root.sifa = { ready: true, state: { quiver: true } };
</script>"""


def measured(page, act, pauses: list[float]) -> list[float]:
    """Milliseconds from each event to the frame that answers it, with a pause in ms before each; the first five warm up."""
    for i, pause in enumerate(pauses):
        page.wait_for_timeout(pause)
        act(i)
        page.wait_for_function(f"() => window.times.length > {i}")
    return page.evaluate("() => window.times.splice(0)")[5:]


def script_of(checkout: Path) -> str:
    """The viewer's script as another checkout of this project makes it."""
    command = [sys.executable, "-c", "from sifa import explorer; print(explorer.script(), end='')"]
    return subprocess.run(command, cwd=checkout, check=True, capture_output=True, text=True).stdout


def opened(browser, file: Path):
    """A page that shows the file, and how long that took in milliseconds."""
    page = browser.new_page(viewport=dict(width=1280, height=900), reduced_motion="reduce")
    began = time.perf_counter()
    page.goto(file.as_uri(), wait_until="commit")
    page.wait_for_function(READY)
    ready = 1000 * (time.perf_counter() - began)
    page.wait_for_timeout(500)
    page.evaluate(WATCH, ".sifa-query canvas")
    return page, ready


def hovered(page, count: int) -> list[float]:
    box = page.locator(".sifa-query canvas").bounding_box()
    rng = np.random.default_rng(0)
    places = rng.uniform(0.1, 0.9, (count + 5, 2)) * box["width"] + [box["x"], box["y"]]
    return measured(page, lambda i: page.mouse.move(*places[i]), rng.uniform(0, MOVES, count + 5).tolist())


def stepped(page, count: int, pause: int) -> list[float]:
    page.evaluate("() => document.querySelector('.sifa').focus()")
    page.fill(".sifa-bar input", str(PAIRS - 1))
    return measured(page, lambda i: page.keyboard.press("ArrowLeft"), [pause] * (count + 5))


def round_trips(browser, frames: np.ndarray, count: int) -> list[float]:
    """Milliseconds from a key on a Gradio slider to the new frame that its server sends: what stepping would cost without a
    viewer of one's own."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        slider = gr.Slider(0, len(frames) - 1, 0, step=1, elem_id="step")
        image = gr.Image(frames[0], elem_id="shown")
        slider.change(lambda i: frames[int(i)], slider, image, show_progress="hidden")
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True)
    page = browser.new_page(viewport=dict(width=1280, height=900), reduced_motion="reduce")
    page.goto(address)
    page.wait_for_selector("#shown img")
    page.evaluate(
        """() => { window.times = []; let asked = 0;
        document.addEventListener('keydown', event => { asked = event.timeStamp; }, true);
        document.querySelector('#shown').addEventListener('load', () => times.push(performance.now() - asked), true); }"""
    )
    page.focus("#step input[type=range]")
    way = ["ArrowRight", "ArrowLeft"]
    times = measured(page, lambda i: page.keyboard.press(way[i // (len(frames) - 1) % 2]), [0] * (count + 5))
    page.close()
    blocks.close()
    return times


def run(count: int, side: int = 56, before: Path | None = None) -> dict[str, dict]:
    """Figures of this viewer and, in turns within the same run, of the one in the checkout `before` and of the floor."""
    prediction = foreign_prediction(pairs=PAIRS, grid=(side, side), frame_size=(360, 480))
    pages = {"now": explorer.to_html(explorer.pack(prediction)), "floor": FLOOR}
    if before:
        pages["before"] = pages["now"].replace(explorer.script(), script_of(before))
    results = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        measures = {name: dict(hover=[], ready=[], requests=[]) | {pace: [] for pace in STEPS} for name in pages}
        for name in [*pages] * math.ceil(count / PER_ROUND):
            file = Path(folder) / f"{name}.html"
            file.write_text(pages[name], encoding="utf-8")
            page, ready = opened(browser, file)
            measure = measures[name]
            page.on("request", lambda request, seen=measure["requests"]: seen.append(request.url))
            measure["ready"].append(ready)
            measure["hover"] += hovered(page, PER_ROUND)
            for pace, pause in STEPS.items():
                measure[pace] += stepped(page, PER_ROUND, pause)
            assert page.evaluate("() => document.querySelector('.sifa').sifa.state.quiver")
            page.close()
        p50, p95 = (lambda a, q=q: round(float(np.percentile(a, q)), 1) for q in (50, 95))
        for name, measure in measures.items():
            results[name] = dict(
                grid=side, events=len(measure["hover"]), chromium=browser.version,
                hover_median_ms=p50(measure["hover"]), hover_p95_ms=p95(measure["hover"]),
                step_median_ms=p50(measure["step"]), step_p95_ms=p95(measure["step"]),
                held_key_median_ms=p50(measure["held"]), held_key_p95_ms=p95(measure["held"]),
                interactive_median_ms=p50(measure["ready"]), requests_after_load=len(measure["requests"]),
                page_bytes=len(pages[name].encode()),
            )  # fmt: skip
        results["now"]["viewer_bytes"] = len(explorer.script().encode())
        waited = round_trips(browser, prediction.clip.frames, 20)
        results["now"] |= dict(round_trip_median_ms=p50(waited), round_trip_p95_ms=p95(waited))
        browser.close()
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--before", type=Path, help="another checkout, whose viewer is measured in turns with this one")
    arguments = parser.parse_args()
    results = run(arguments.events, before=arguments.before)
    print(" " * 24, *(f"{name:>16}" for name in results))
    for name in results["now"]:
        print(f"{name.replace('_', ' '):24}", *(f"{result.get(name, ''):>16}" for result in results.values()))
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
