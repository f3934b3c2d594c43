"""The page in real Chromium: the real program in its own process, with a small untrained model."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from gradio_client import Client, handle_file
from playwright.sync_api import expect

from sifa.tracing.interventions import INTERVENTIONS
from sifa.weights.shipped import DEFAULT_CHECKPOINT, title_of
from tests.app.program import start
from tests.browser.test_viewer import drawer
from tests.clips import numbered_frames, write_clip

ROOT = Path(__file__).parents[2]
HEADING, BARS, CANVAS = ".sifa-headlines", ".sifa-bars li", ".sifa-query canvas"
TRY = ".sifa-experiment [data-ask]"  # the button for what-ifs
BROKEN = "notes.mp4 could not be read as a video"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    app = start(tmp_path_factory.mktemp("app"))
    yield app
    if app.process.poll() is None:
        app.stop()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A clip of 80 numbered frames, and a text that calls itself a clip."""
    folder = tmp_path_factory.mktemp("files")
    write_clip(folder / "numbered.mp4", numbered_frames(80, 96, 128))
    (folder / "notes.mp4").write_text("not a video\n" * 100)
    return folder


@pytest.fixture
def opened(page, app):
    """The page with its first sample; whatever a test does, only the program is asked and nothing goes wrong."""
    page.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)
    page.goto(app.url)
    ready(page)
    yield page
    assert [url for url in page.requests if not url.startswith((app.url, "blob:", "data:"))] == []
    assert page.problems == []


def ready(page, name=""):
    """The viewer shows a clip whose file name begins so."""
    page.wait_for_function(
        "name => document.querySelector('.sifa')?.dataset.ready === 'yes' && "
        "document.querySelector('.open-clip .sifa-clip')?.textContent.includes(name) && "
        "document.querySelector('#status').textContent.includes(name)",
        arg=name,
    )


def opening(page):
    """Open what the button Open opens, unless it is open."""
    if not page.locator("#open").is_visible():
        page.click(".open-clip")


def sample(page, name):
    """Choose a sample by its title."""
    opening(page)
    page.locator("#samples").get_by_role("button", name=name, exact=True).click()


def shipped(page):
    """Go over to the weights that the samples' traces were made with."""
    page.get_by_label("Model", exact=True).select_option(title_of(DEFAULT_CHECKPOINT))
    expect(page.locator(HEADING)).not_to_contain_text("class")


def own_clip(page, file):
    page.locator("#upload input[type=file]").set_input_files(file)


def hover(page, x, y):
    """Point at a share of the left picture; returns what the picture then looks like."""
    canvas = page.locator(CANVAS)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return canvas.evaluate("canvas => canvas.toDataURL()")


def test_the_first_sample_can_be_explored_without_a_click(opened):
    expect(opened.locator(HEADING)).to_contain_text(re.compile(r"class \d+"))  # by the weights the program was given
    shipped(opened)
    expect(opened.locator(HEADING)).to_contain_text(re.compile("object moves right", re.IGNORECASE))
    expect(opened.locator(BARS)).to_have_count(6)  # three of each group
    expect(opened.locator("#samples button[aria-pressed=true]")).to_have_text("cup slides over a table")
    opened.wait_for_load_state("networkidle")
    opened.requests.clear()
    assert hover(opened, 0.3, 0.3) != hover(opened, 0.6, 0.7)
    opened.keyboard.press("ArrowRight")
    opened.wait_for_timeout(300)
    assert opened.requests == []


def test_another_sample_is_chosen_by_mouse_or_keyboard(opened):
    shipped(opened)
    sample(opened, "camera pans left")
    ready(opened, "camera_pans_left")
    expect(opened.locator("#open")).to_be_hidden()
    expect(opened.locator(HEADING)).to_contain_text(re.compile("camera: pans left", re.IGNORECASE))
    expect(opened.locator("#samples button[aria-pressed=true]")).to_have_text("camera pans left")
    opening(opened)
    opened.get_by_role("button", name="nothing moves").focus()
    opened.keyboard.press("Enter")
    ready(opened, "nothing_moves")
    expect(opened.locator("#samples button[aria-pressed=true]")).to_have_text("nothing moves")


def test_an_uploaded_clip_is_predicted_run_again_and_saved(opened, files, tmp_path):
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    expect(opened.locator(BARS)).to_have_count(5)
    for bar in opened.locator(BARS).all():
        expect(bar).to_contain_text(re.compile(r"class \d+\s+[\d.]+ %"))
    expect(opened.locator("#status")).to_contain_text("frames 0, 4, 8 … 60 of 80, 0.00 to 2.40 s")
    expect(opened.locator("#status")).to_contain_text("Untrained weights")
    expect(opened.locator("#samples button[aria-pressed=true]")).to_have_count(0)
    assert hover(opened, 0.3, 0.3) != hover(opened, 0.6, 0.7)

    opening(opened)
    opened.get_by_label("Start, seconds").fill("1")
    opened.get_by_label("number input for Seconds from frame to frame").fill("0.08")
    opened.get_by_role("button", name="Run", exact=True).click()
    expect(opened.locator("#status")).to_contain_text("frames 25, 27, 29 … 55 of 80, 1.00 to 2.20 s")

    opening(opened)
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save as one page").click()
    download.value.save_as(tmp_path / "page.html")
    assert download.value.suggested_filename == "numbered.html"
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Save the trace").click()
    download.value.save_as(tmp_path / "trace.sifa")
    assert (tmp_path / "trace.sifa").read_bytes().startswith(b"SIFATRC")


def test_the_same_clip_is_seen_by_other_weights(opened, files):
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    expect(opened.locator("#status")).to_contain_text("Untrained weights")
    shipped(opened)
    expect(opened.locator("#status")).to_contain_text("numbered.mp4")
    expect(opened.locator("#status")).to_contain_text("Trained on generated clips of 26 motions")
    titles = opened.get_by_label("Model", exact=True).locator("option").all_inner_texts()
    opened.get_by_label("Model", exact=True).select_option(
        next(each for each in titles if "no temporal module" in each)
    )
    expect(opened.locator("#explorer")).to_contain_text("This model has no SIFA block")
    expect(opened.locator(BARS)).to_have_count(5)
    expect(opened.locator(CANVAS)).to_be_hidden()
    opened.get_by_label("Model", exact=True).select_option(next(each for each in titles if "rigid" in each))
    expect(opened.locator(CANVAS)).to_be_visible()


def test_the_button_for_what_ifs_goes_where_the_trace_holds_them(opened):
    drawer(opened, "experiment")
    expect(opened.locator(TRY)).to_be_visible()
    shipped(opened)
    expect(opened.locator(TRY)).to_be_hidden()
    expect(opened.locator(".sifa-switches")).to_be_visible()


def test_what_ifs_of_an_uploaded_clip_are_worked_out_on_demand(opened, files):
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    drawer(opened, "experiment")
    expect(opened.locator(".sifa-switches")).to_be_hidden()
    opened.locator(TRY).focus()
    opened.keyboard.press("Enter")
    expect(opened.locator(".sifa-switches button")).to_have_count(len(INTERVENTIONS))
    expect(opened.locator(TRY)).to_be_hidden()
    expect(opened.locator("#status")).to_contain_text("numbered.mp4")
    opened.get_by_role("button", name="Silent blocks").click()
    expect(opened.locator(BARS).first).to_contain_text("→")
    expect(opened.locator(".sifa-says")).to_contain_text("All weights are zero")
    drawer(opened, "inside")
    opened.locator(".sifa-trust summary").click()
    expect(opened.locator(".sifa-trust tbody tr")).to_have_count(6)


def test_a_file_that_is_no_clip_is_explained_and_the_earlier_result_stays(opened, files):
    own_clip(opened, files / "numbered.mp4")
    ready(opened, "numbered.mp4")
    answer = opened.locator(BARS).all_inner_texts()
    own_clip(opened, files / "notes.mp4")
    expect(opened.locator("#status [role=alert]")).to_contain_text(BROKEN)
    assert opened.locator(BARS).all_inner_texts() == answer
    expect(opened.locator("#explorer")).to_contain_text("numbered.mp4")
    assert hover(opened, 0.3, 0.3) != hover(opened, 0.6, 0.7)
    sample(opened, "camera pans left")
    ready(opened, "camera_pans_left")
    expect(opened.locator("#status [role=alert]")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(opened, app, theme):
    opened.set_viewport_size(dict(width=390, height=844))
    opened.emulate_media(color_scheme=theme)
    opened.goto(app.url)
    ready(opened)
    for _ in range(2):
        assert opened.evaluate("() => document.documentElement.scrollWidth") == 390
        assert opened.evaluate("() => document.querySelector('#explorer').getBoundingClientRect().width") == 390
        opening(opened)
    assert opened.evaluate("() => document.body.classList.contains('dark')") == (theme == "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(opened, app, theme):
    """On the page around the viewer: with a sample, the text opened, a clip of one's own to choose, and an error."""
    opened.emulate_media(color_scheme=theme)
    opened.goto(app.url)
    ready(opened)
    found = {"sample": violations(opened)}
    opening(opened)
    opened.get_by_role("button", name="How to read this").click()
    opened.get_by_text("The nine places.").wait_for()
    found["open"] = violations(opened)
    opened.get_by_role("button", name="Run", exact=True).click()
    opened.locator("#status [role=alert]").wait_for()
    found["error"] = violations(opened)
    assert not any(found.values()), found


def violations(page) -> dict[str, list[str]]:
    """What axe-core has to say about the page as it stands: rule -> the elements."""
    found = Axe().run(page).response["violations"]
    return {each["id"]: [node["html"][:120] for node in each["nodes"]][:3] for each in found}


def test_a_program_asks_for_the_answer(app, files):
    client = Client(app.url, verbose=False)
    answer = client.predict(handle_file(str(files / "numbered.mp4")), 1, 0.08, api_name="/predict")
    assert len(answer["top5"]) == 5
    assert answer["frames"] == list(range(25, 57, 2))
    for clip, reason in (
        ({"path": str(files / "numbered.mp4")}, "Upload the clip first|403 Forbidden|400 Bad Request"),
        (handle_file(str(files / "notes.mp4")), BROKEN),
    ):
        with pytest.raises(Exception, match=reason):
            client.predict(clip, api_name="/predict")


def test_nothing_stays_on_disk_when_the_program_ends(app, files):
    folder = app.folder
    assert list(folder.iterdir())
    assert app.stop()[1] == 0
    assert not folder.exists()
