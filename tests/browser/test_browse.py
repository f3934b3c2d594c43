"""The page over a table in a real browser: the command starts it, filters narrow it, a query's link and a click open explorers."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import expect

from sifa.batch.row import Settings
from sifa.batch.run import listed_clips
from sifa.data.listing import read_listing
from sifa.weights.card import load_card
from sifa.weights.download import sha256
from tests.batch.many import make_clips, small_weights
from tests.batch.tables import in_process, read

ROOT = Path(__file__).parents[2]
READY = "() => document.querySelector('.sifa')?.sifa.ready"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """130 clips of pictures, some of them broken."""
    folder = tmp_path_factory.mktemp("browse")
    weights = small_weights(folder / "small.safetensors")
    listing = read_listing(make_clips(folder / "clips", 130), classes_needed=False)
    clips = [clip for clip in listed_clips(listing, load_card(weights).labels) if Path(clip.file).is_dir()]
    clips = [type(clip)(i, clip.file, clip.label) for i, clip in enumerate(clips)]
    in_process(clips, Settings(str(weights), sha256(weights), str(folder / "table")))
    return folder / "table"


@pytest.fixture(scope="module")
def url(table):
    words = [sys.executable, "-m", "sifa", "browse", str(table), "--port", "0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield re.search(r"http://\S+/", program.stdout.readline())[0]
        finally:
            program.terminate()


def test_filters_pages_and_the_explorer(page, url, table):
    rows = read(table).to_pylist()
    page.goto(url)
    expect(page.locator(".grid > li")).to_have_count(60)
    page.get_by_role("link", name="Next").first.click()
    expect(page.locator(".grid > li")).to_have_count(len(rows) - 60)
    page.get_by_label("Class in the list").select_option("class 5")
    page.get_by_label("Sorted by").select_option("sure")
    page.get_by_role("button", name="Show").click()
    kept = sorted((row for row in rows if row["label"] == "class 5"), key=lambda row: -(row["probability"] or 0))
    expect(page.locator(".grid > li")).to_have_count(len(kept))
    first = page.locator(".grid a").first
    assert first.text_content() == Path(kept[0]["file"]).name
    page.wait_for_function("() => document.querySelector('.grid img').naturalWidth > 0")
    first.click()
    page.wait_for_function(READY)
    assert page.title() == f"{Path(kept[0]['file']).name}: {kept[0]['answer']}"
    page.go_back()
    page.get_by_role("link", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(len(kept))
    assert page.get_by_label("Class in the list").input_value() == "class 5"
    assert page.problems == []
    assert {request.split("/")[2] for request in page.requests} == {url.split("/")[2]}


def test_the_readmes_query_gives_links_that_open_the_right_clips(page, url, table):
    """As it stands there, but for the folder, the address and the class."""
    (query,) = re.findall(
        r'^duckdb -c "(.+?)"$', (ROOT / "sifa/batch/README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    assert query in (ROOT / "README.md").read_text(encoding="utf-8")
    query = query.replace("runs/table", str(table)).replace("http://127.0.0.1:7870/", url)
    answers = duckdb.sql(query).fetchall()
    assert answers
    rows = {row["file"]: row for row in read(table).to_pylist()}
    for link, file, answer, *_ in answers[:2]:
        page.goto(link)
        page.wait_for_function(READY)
        assert page.title() == f"{Path(file).name}: {answer}"
        assert rows[file]["answer"] == answer
    assert page.problems == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(width, page, url):
    page.set_viewport_size(dict(width=width, height=900))
    for view in ("grid", "table"):
        page.goto(f"{url}?view={view}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_usable_with_a_screen_reader(page, url):
    from axe_playwright_python.sync_playwright import Axe

    for view in ("grid", "table"):
        page.goto(f"{url}?view={view}")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
