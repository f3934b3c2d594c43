"""What a visitor sees where there are many: their place in the queue, a busy page, an expired result, a full disk."""

import json
import re
import shutil
import threading
import time

import pytest
from playwright.sync_api import expect

from tests.app.asking import ask
from tests.app.program import program, small_weights
from tests.app.visitor import Visitor
from tests.browser.test_app import opening, own_clip, ready, sample, violations
from tests.clips import numbered_frames, write_clip

pytestmark = pytest.mark.slow
LIMITS = """
from app import disk, door, server, visitors
door.PER_ADDRESS, disk.QUOTA_BYTES = {}, {}
visitors.FIRST_SECONDS = 8
raise SystemExit(server.main())
"""
TAKEN = "3 requests from your address are not answered yet; the page takes 3 of them at once. Trying again in "
PLACE = re.compile(r"^(You are next|(\d) clips? (?:is|are) to be run before yours)")
# notes every text in which the place was told
WATCH = """() => {
  window.told = [];
  new MutationObserver(() => {
    const text = document.querySelector("#status .waits")?.innerText;
    if (text && window.told.at(-1) !== text) window.told.push(text);
  }).observe(document.querySelector("#status"), { subtree: true, childList: true, characterData: true });
}"""
EXPIRED = "This result has expired: results are kept for an hour."


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return small_weights(tmp_path_factory.mktemp("weights"))


def start(folder, weights, per_address=48, quota=10**9):
    return program(folder, weights=weights, python=("-c", LIMITS.format(per_address, quota)))


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "mine.mp4", numbered_frames(20, 96, 128))


def run_until(done, visitor, file):
    """One of many others, who wish for something again and again."""
    clip = visitor.upload(file)
    while not done.is_set():
        visitor.run(clip, 0, 8)


def until_others_wait(url, count):
    """Until so many jobs are in the queue."""
    for _ in range(300):
        if json.loads(ask(url, "GET", "/healthz")[2])["waiting"] >= count:
            return
        time.sleep(0.1)
    raise AssertionError("nobody waits")


def test_the_place_in_the_queue_is_shown_until_it_is_ones_turn(page, weights, clip, tmp_path):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    large = write_clip(tmp_path / "large.mp4", numbered_frames(150, 720, 1280))
    with start(tmp_path, weights) as running:
        page.goto(running.url)
        ready(page)
        others = [Visitor(running.url, f"127.0.2.{i}") for i in range(1, 7)]
        done = threading.Event()
        threads = [threading.Thread(target=run_until, args=(done, each, large), daemon=True) for each in others]
        for thread in threads:
            thread.start()
        until_others_wait(running.url, 4)
        page.evaluate(WATCH)
        own_clip(page, clip)
        place = page.locator("#status .waits")
        expect(place).to_have_text(PLACE)
        assert place.evaluate("p => p.closest('[aria-live]').getAttribute('aria-live')") == "polite"
        pictures(page, tmp_path / "waiting")
        assert violations(page) == {}
        ready(page, "mine.mp4")
        expect(place).to_have_count(0)
        told = page.evaluate("window.told")
        assert told
        ahead = [int(PLACE.match(each)[2] or "0") for each in told]
        assert ahead[-1] <= ahead[0], told
        done.set()
        for thread in threads:
            thread.join(60)
    assert page.problems == []


def test_a_busy_page_asks_again_by_itself(page, weights, tmp_path):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    with start(tmp_path, weights, per_address=3) as running:
        silent = Visitor(running.url)
        silent.find_functions()
        assert [silent.join("sample", [0, silent.titles[0]], f"s{i}")[0] for i in range(3)] == [200] * 3
        page.goto(running.url)
        notice = page.locator("#notices .busy")
        expect(notice).to_have_text(TAKEN + "2 s.")
        pictures(page, tmp_path / "busy")
        expect(notice).to_have_text(TAKEN + "4 s.")
        ready(page)
        expect(notice).to_have_count(0)
    assert [each for each in page.problems if "503" not in each] == []


def test_an_expired_result_says_so_and_can_be_run_again(page, weights, clip, tmp_path):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    with start(tmp_path, weights) as running:
        page.goto(running.url)
        ready(page)
        own_clip(page, clip)
        ready(page, "mine.mp4")
        expire(running, "result-*")
        opening(page)
        for button in ("Save as one page", "Save the trace"):
            page.get_by_role("button", name=button).click()
            expect(page.locator("#notices .expired")).to_contain_text(EXPIRED)
        expect(page.get_by_role("button", name="Run again")).to_be_in_viewport()
        pictures(page, tmp_path / "expired")
        assert violations(page) == {}
        page.get_by_role("button", name="Run again").click()
        expect(page.locator("#notices p")).to_have_count(0)
        page.wait_for_function("() => document.querySelector('#status .used')")
        with page.expect_download() as download:
            save_when_there(page, running)
        assert download.value.suggested_filename == "mine.html"
        expire(running, "[!.]*")
        page.get_by_role("button", name="Save the trace").click()
        page.get_by_role("button", name="Run again").click()
        expect(page.locator("#notices .refused")).to_have_text(
            "This clip is no longer here; clips are kept for an hour. Choose it again."
        )


def pictures(page, name):
    """Of the state as it is, on a screen and on a phone, where nothing sticks out at the side; for people to look at."""
    for width in (1280, 390):
        page.set_viewport_size(dict(width=width, height=900))
        page.screenshot(path=name.with_name(f"{name.name}-{width}.png"))
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
    page.set_viewport_size(dict(width=1280, height=900))


def save_when_there(page, running):
    for _ in range(100):
        if list(running.folder.glob("result-*/*.html")):
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(1000)
    opening(page)
    page.get_by_role("button", name="Save as one page").click()


def expire(running, names):
    for each in running.folder.glob(names):
        shutil.rmtree(each)


def test_a_full_disk_is_said(page, weights, clip, tmp_path):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    with start(tmp_path, weights, quota=400_000) as running:
        page.goto(running.url)
        expect(page.locator("#status [role=alert]")).to_contain_text(
            "The result cannot be stored: clips and results take"
        )
        own_clip(page, clip)
        expect(page.locator("#status [role=alert]")).to_contain_text(re.compile(r"take [\d.]+ kB already, of 400 kB"))
        own_clip(page, clip)
        expect(page.locator("#notices .refused")).to_contain_text(
            "Your address has sent 65.5 kB within the last hour, and this"
        )
        pictures(page, tmp_path / "quota")


def test_a_newer_wish_takes_the_place_of_one_that_is_asked_again(page, weights, tmp_path):
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    with start(tmp_path, weights, per_address=3) as running:
        page.goto(running.url)
        ready(page)
        silent = Visitor(running.url)
        silent.find_functions()
        assert [silent.join("sample", [0, silent.titles[0]], f"s{i}")[0] for i in range(3)] == [200] * 3
        sample(page, "camera pans left")
        expect(page.locator("#notices .busy")).to_have_text(TAKEN + "2 s.")
        sample(page, "object moves right")
        ready(page, "object_moves_right")
        page.wait_for_timeout(6000)
        expect(page.locator("#status")).to_contain_text("object_moves_right")
