"""What the viewer exports, opened by readers that know nothing of it."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from sifa import explorer
from sifa.explorer.format.pack import pack
from sifa.tracing.interventions import add_what_ifs
from sifa.tracing.records import TrueFlow
from tests.browser.test_viewer import CANVAS, CLOSE_UP, KEY_CANVAS, open_page, pixels, settle, state, until
from tests.predictions import foreign_prediction, nano_model, nano_prediction

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
CAPTION = "moving.mp4. Block 2 of 4, stage 2, 8 \u00d7 8 cells (layers.1.blocks.0). Step 3 \u2192 4: source frames"


@pytest.fixture(scope="module")
def packed():
    """With one what-if that has points of its own and one that has none, and a made-up true motion."""
    made = add_what_ifs(nano_model(), nano_prediction(), ["rigid", "frozen"])
    flow = TrueFlow(np.ones((7, 2, 8, 8), np.float32), np.ones((7, 8, 8), bool))
    return pack(replace(made, true_flow=(flow,)))


@pytest.fixture(scope="module")
def prediction(packed):
    return explorer.unpack(packed)


@pytest.fixture(scope="module")
def file(packed, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "clip.html"
    path.write_text(explorer.to_html(packed))
    return path


def look(page, file, view=""):
    """Open a file at block 2, step 3, cell (3, 4), pinned; `view` goes before that in the hash."""
    page.goto("about:blank")
    page.goto(f"{file.as_uri()}#{view}&b=1&t=2&y=3&x=4&p=1")
    page.wait_for_function("() => document.querySelector('.sifa')?.sifa.state.pinned")
    settle(page)


@pytest.fixture
def viewer(page, file):
    open_page(page, file)
    look(page, file)
    yield page
    assert page.problems == []


def export(page, words):
    """Name and bytes of an export, by the two clicks that it takes."""
    if not page.locator(".sifa-share").is_visible():
        page.click("[data-share=menu]")
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=words, exact=True).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_png(viewer, scale):
    side = viewer.evaluate("() => document.querySelector('.sifa-query canvas').clientWidth")
    before = pixels(viewer)
    name, data = export(viewer, f"PNG {scale}\u00d7")
    picture = Image.open(io.BytesIO(data))
    assert name == "moving_block2_step3.png"
    assert picture.text["Description"].startswith(CAPTION)
    said = "Query cell y 3, x 4, pinned. Arrows: displacement. Weights: sifa_swin_nano_16x64."
    assert picture.text["Description"].endswith(said)
    assert picture.width > 2.5 * scale * side
    pixel = np.asarray(picture.convert("RGB")).astype(int)
    orange = np.abs(pixel - [255, 157, 46]).max(-1) < 8
    rows, columns = np.nonzero(orange[:, : round(scale * (side + 12))])
    cell = 0.88 * side / 8 * scale
    assert np.ptp(rows) == pytest.approx(cell, abs=4 * scale)
    caption = pixel[-round(40 * scale) :]
    assert 0 < (caption.min(-1) < 100).mean() < 0.2  # words are drawn below, dark on white
    assert pixels(viewer) == before  # the page is as it was


@pytest.mark.parametrize(
    ("view", "png", "svg"),
    [
        ("", "pinned. Arrows: displacement. Weights", "pinned. Arrows: displacement. Weights"),
        ("q=0", "pinned. Weights", "pinned. Weights"),
        ("q=0&whatIf=rigid", "pinned. Also drawn: dashed: what if: Rigid grid. Weights",
         "pinned. Not drawn: dashed: what if: Rigid grid. Weights"),
        ("q=0&whatIf=frozen", "pinned. Weights", "pinned. Weights"),
        ("q=0&whatIf=rigid&reverse=1", "of frame t + 1, pinned. Weights", "of frame t + 1, pinned. Weights"),
        ("q=0&overlay=track&reverse=1", "of frame t + 1, pinned. Weights", "of frame t + 1, pinned. Weights"),
        ("arrows=offset&overlay=saliency&flow=1", "Arrows: offset. Also drawn: saliency, true motion. Weights",
         "Arrows: offset. Not drawn: saliency, true motion. Weights"),
        ("b=0&q=0&flow=1", "pinned. Weights", "pinned. Weights"),
    ],
)  # fmt: skip
def test_captions_of_pictures_name_the_marks_that_are_there(viewer, file, view, png, svg):
    look(viewer, file, view)
    picture = Image.open(io.BytesIO(export(viewer, "PNG 1\u00d7")[1]))
    assert png in picture.text["Description"]
    root = ET.fromstring(export(viewer, "SVG")[1])
    assert svg in root.find(f"{SVG}title").text
    for words in ("CSV of the cell or pins", "CSV of all cells of this step", "NPZ of all blocks"):
        _, data = export(viewer, words)
        about = str(np.load(io.BytesIO(data))["caption"]) if words.startswith("NPZ") else rows_of(data)[0]
        assert about.startswith(("# moving.mp4. Block", "moving.mp4. Block"))
        assert not re.search("Arrows|drawn|Dashed|dashed", about)
        assert ("cell y 3, x 4" in about) == (words == "CSV of the cell or pins")
        assert "Weights: sifa_swin_nano_16x64." in about


def arrows_of(root):
    """The field's arrows in the left picture, as (colour, [y, x], [dy, dx]) in pixels."""
    query = next(part for part in root.findall(f"{SVG}svg") if part.get("class") == "query")
    for path in query.findall(f"{SVG}path"):
        if path.get("stroke-width") == "1.2":
            for shaft in re.findall(r"M([-\d.]+),([-\d.]+)L([-\d.]+),([-\d.]+)M", path.get("d")):
                x, y, to_x, to_y = map(float, shaft)
                yield path.get("stroke"), (y, x), (to_y - y, to_x - x)


def dots_of(root):
    """How many cells of the left picture have a dot, since their arrows are shorter than two pixels."""
    query = next(part for part in root.findall(f"{SVG}svg") if part.get("class") == "query")
    return sum(path.get("d").count("M") for path in query.findall(f"{SVG}path") if path.get("fill") == "#fff")


@pytest.mark.parametrize("arrows", ["displacement", "offset", "strongest"])
def test_the_arrows_of_an_svg_are_those_shown(viewer, file, prediction, arrows):
    look(viewer, file, f"arrows={arrows}&tinted=1")
    root = ET.fromstring(export(viewer, "SVG")[1])
    found = list(arrows_of(root))
    block, inner = prediction.trace[1], 480 * 0.88 / 8
    strongest = np.abs(block.attention[2]).argmax(0)[None, None]
    moved = block.points[2] - np.mgrid[:8, :8]
    wanted = {
        "displacement": block.displacement[2], "offset": block.offset[2].mean(0),
        "strongest": np.take_along_axis(moved, strongest, 0)[0],
    }[arrows]  # fmt: skip
    length = np.linalg.norm(wanted, axis=0) * inner
    assert len(found) == (length >= 2).sum() > 32
    assert dots_of(root) == (length < 2).sum()
    for _, place, vector in found:
        y, x = (round((v - 480 * 0.06) / inner - 0.5) for v in place)
        np.testing.assert_allclose(np.array(vector) / inner, wanted[:, y, x], atol=1e-3)
    right = {colour for colour, _, (dy, dx) in found if dx > 8 * abs(dy)}
    left = {colour for colour, _, (dy, dx) in found if -dx > 8 * abs(dy)}
    assert right <= {"rgb(255,196,46)"}
    assert left <= {"rgb(92,150,255)"}
    assert right | left
    assert len({colour for colour, *_ in found}) > 5


def test_the_arrows_of_an_svg_are_as_dense_as_those_shown(viewer, tmp_path):
    (tmp_path / "a.html").write_text(explorer.to_html(pack(foreign_prediction(grid=(56, 56), frame_size=(96, 96)))))
    counts = []
    for density in ("sparse", "medium"):
        look(viewer, tmp_path / "a.html", f"b=0&density={density}")
        every = int(re.search(r"every (\d+)", viewer.inner_text(".sifa-density >> nth=0")).group(1))
        root = ET.fromstring(export(viewer, "SVG")[1])
        found = list(arrows_of(root))
        counts.append(len(found))
        assert {colour for colour, *_ in found} == {"#fff"}
        assert len(found) + dots_of(root) == len(range(every // 2, 56, every)) ** 2
    assert counts[0] < counts[1]


def readers(block, y, x):
    """(H, W) weight of each query of the third pair in the cell (y, x) of the next frame."""
    far = np.abs(block.points[2] - np.array([y, x])[:, None, None])
    return (np.abs(block.attention[2]) * np.maximum(0, 1 - far).prod(1)).sum(0)


def test_the_reverse_question_is_exported_as_its_readers(viewer, file, prediction):
    look(viewer, file, "reverse=1&q=0")
    wanted = readers(prediction.trace[1], 3, 4)
    name, data = export(viewer, "CSV of the cell or pins")
    caption, rows = rows_of(data)
    assert name == "moving_block2_step3_readers_y3_x4.csv"
    assert "Who reads cell y 3, x 4 of frame t + 1, pinned." in caption
    assert len(rows) == (wanted > 0).sum() > 3
    for row in rows:
        assert row["weight"] == pytest.approx(wanted[int(row["y"]), int(row["x"])], rel=1e-4)
    root = ET.fromstring(export(viewer, "SVG")[1])
    assert "Who reads cell y 3, x 4" in root.find(f"{SVG}title").text
    query, key = root.findall(f"{SVG}svg")
    discs = [disc for disc in query.findall(f"{SVG}circle") if disc.find(f"{SVG}title") is not None]
    assert len(discs) == len(rows)
    for disc, row in zip(discs, reversed(rows)):
        inner = 480 * 0.88 / 8
        place = [480 * 0.06 + (row[axis] + 0.5) * inner for axis in ("x", "y")]
        np.testing.assert_allclose([float(disc.get("cx")), float(disc.get("cy"))], place, atol=0.02)
        radius = max(1.6, 0.46 * inner * (row["weight"] / wanted.max()) ** 0.5)
        assert float(disc.get("r")) == pytest.approx(radius, abs=0.02)
        assert disc.find(f"{SVG}title").text == f"weight {row['weight']:.4f}"
    assert key.findall(f"{SVG}circle") == []
    assert [part.findall(f"{SVG}path")[-1].get("stroke") for part in (query, key)] == ["#3fc9e8"] * 2
    _, rows = rows_of(export(viewer, "CSV of all cells of this step")[1])
    assert len(rows) == 8 * 8 * 9


def test_svg(viewer, prediction, page, tmp_path):
    name, data = export(viewer, "SVG")
    root = ET.fromstring(data)
    block = prediction.trace[1]
    assert root.find(f"{SVG}title").text.startswith(CAPTION)
    key = next(part for part in root.findall(f"{SVG}svg") if part.get("class") == "key")
    discs = [disc for disc in key.findall(f"{SVG}circle") if disc.find(f"{SVG}title") is not None]
    assert len(discs) == 9
    inner = 480 * 0.88 / 8
    order = np.argsort(-np.abs(block.attention[2, :, 3, 4]), kind="stable")  # the largest weight at the bottom
    for disc, (y, x), weight in zip(discs, block.points[2, order, :, 3, 4], block.attention[2, order, 3, 4]):
        wanted = [480 * 0.06 + (v + 0.5) * inner for v in (x, y)]
        np.testing.assert_allclose([float(disc.get("cx")), float(disc.get("cy"))], wanted, atol=0.02)
        assert disc.find(f"{SVG}title").text.startswith(f"weight {weight:.4f}")
    crosses = [path.get("d") for path in key.findall(f"{SVG}path") if path.get("d").count("M") == 18]
    assert len(crosses) == 2  # dark, then light
    (tmp_path / name).write_bytes(data)
    page.goto((tmp_path / name).as_uri())
    assert page.evaluate("() => document.documentElement.viewBox.baseVal.width") == 976
    painted = Image.open(io.BytesIO(page.screenshot(clip=dict(x=0, y=0, width=480, height=480))))
    assert len(np.unique(np.asarray(painted.convert("RGB")).reshape(-1, 3), axis=0)) > 1000  # the frame is in it


def test_gif(viewer, prediction):
    name, data = export(viewer, "GIF")
    film = Image.open(io.BytesIO(data))
    assert name == "moving_block2_step3.gif"
    assert film.n_frames == 7
    assert film.info["comment"].decode().startswith(CAPTION)
    frames = []
    for index in range(film.n_frames):
        film.seek(index)
        assert film.info["duration"] == 600
        frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert all(np.abs(a - b).mean() > 0.3 for a, b in pairwise(frames))
    ground = frames[0][:, -4:].min()
    assert ground > 240
    side = viewer.evaluate("() => document.querySelector('.sifa-query canvas').clientWidth")
    picture = Image.open(io.BytesIO(export(viewer, "PNG 1\u00d7")[1]))
    still = np.asarray(picture.convert("RGB")).astype(int)
    assert title_end(still, 1, side) > 200  # frame numbers and times of the step shown
    for frame in frames:
        assert 40 < title_end(frame, film.width / picture.width, side) < 120  # "Frame t", which is true of every step


def title_end(pixel, scale, side):
    """How far the title of the left picture goes, in CSS pixels."""
    ink = pixel[: round(26 * scale), : round((side + 12) * scale)].min(-1) < 128
    return np.nonzero(ink.any(0))[0].max() / scale


def film_of(data, file):
    """Its pictures, and the times at which they are shown, in seconds."""
    file.write_bytes(data)
    with av.open(str(file)) as film:
        shown = [(frame.to_ndarray(format="rgb24").astype(int), frame.time) for frame in film.decode(video=0)]
    return [picture for picture, _ in shown], [time for _, time in shown]


def test_a_film_has_every_sampled_frame(viewer, tmp_path):
    name, data = export(viewer, "Video")
    assert name == "moving_block2_step3.mp4"
    pictures, times = film_of(data, tmp_path / name)
    assert times == pytest.approx([0.3 * i for i in range(14)])  # seven steps of two frames each
    assert all(np.abs(a - b).mean() > 0.1 for a, b in pairwise(pictures))


WITHOUT_ENCODER = "() => { delete window.VideoEncoder; }"


def test_a_browser_that_cannot_encode_records(viewer, tmp_path):
    viewer.evaluate(WITHOUT_ENCODER)
    name, data = export(viewer, "Video")
    assert name == "moving_block2_step3.webm"
    pictures, _ = film_of(data, tmp_path / name)
    assert len(pictures) >= 4  # recorded as they pass: a busy computer drops some
    assert np.abs(pictures[0] - pictures[-1]).mean() > 0.5


def test_the_view_may_change_while_a_film_is_made(viewer):
    viewer.click("[data-share=menu]")
    with viewer.expect_download() as download:
        viewer.get_by_role("button", name="Video").click()
        viewer.keyboard.press("Escape")
        viewer.keyboard.press("]")
        until(viewer, "state.block === 2")
    assert download.value.suggested_filename == "moving_block2_step3.mp4"
    after = [pixels(viewer, canvas) for canvas in (CANVAS, KEY_CANVAS, CLOSE_UP)]
    viewer.keyboard.press("[")
    assert pixels(viewer) != after[0]
    viewer.keyboard.press("]")
    assert [pixels(viewer, canvas) for canvas in (CANVAS, KEY_CANVAS, CLOSE_UP)] == after


def test_a_browser_that_can_do_neither_says_so(viewer):
    viewer.evaluate(WITHOUT_ENCODER)
    viewer.evaluate("() => { delete window.MediaRecorder; }")
    viewer.click("[data-share=menu]")
    viewer.get_by_role("button", name="Video").click()
    assert "can neither encode nor record" in viewer.inner_text(".sifa-share .sifa-said")


def rows_of(data):
    caption, _, table = data.decode().partition("\n")
    return caption, [{k: float(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(table))]


def test_csv(viewer, prediction):
    block = prediction.trace[1]
    name, data = export(viewer, "CSV of the cell or pins")
    caption, rows = rows_of(data)
    assert name == "moving_block2_step3_y3_x4.csv"
    assert caption.startswith(f"# {CAPTION}")
    assert len(rows) == 9
    for tap, row in enumerate(rows):
        assert (row["y"], row["x"], row["neighbour"]) == (3, 4, tap)
        np.testing.assert_array_equal([row["offset_y"], row["offset_x"]], block.offset[2, tap, :, 3, 4])
        np.testing.assert_array_equal([row["point_y"], row["point_x"]], block.points[2, tap, :, 3, 4])
        assert row["weight"] == pytest.approx(block.attention[2, tap, 3, 4], rel=1e-6)
        y, x = row["point_y"], row["point_x"]
        assert row["outside"] == (not (-1 < y < 8 and -1 < x < 8))
    _, rows = rows_of(export(viewer, "CSV of all cells of this step")[1])
    assert len(rows) == 8 * 8 * 9
    assert 0 < sum(row["outside"] for row in rows) < len(rows)
    weights = np.array([row["weight"] for row in rows]).reshape(8, 8, 9)
    np.testing.assert_allclose(weights, block.attention[2].transpose(1, 2, 0), rtol=1e-6)


def test_npz(viewer, prediction):
    _, data = export(viewer, "NPZ of all blocks")
    arrays = np.load(io.BytesIO(data))
    assert str(arrays["caption"]).startswith(CAPTION)
    for block in prediction.trace:
        np.testing.assert_array_equal(arrays[f"{block.name}.offset"], block.offset)
        np.testing.assert_allclose(arrays[f"{block.name}.attention"], block.attention, rtol=1e-6)
        assert arrays[f"{block.name}.attention"].dtype == np.float32


def test_a_light_page_says_what_it_leaves_out(page, packed, prediction, tmp_path):
    (tmp_path / "light.html").write_text(explorer.to_html(packed, light=True))
    open_page(page, tmp_path / "light.html")
    assert "one block only" in page.inner_text("main > p")
    assert page.locator(".sifa-bar select option").count() == 3
    page.click(".sifa-tools [data-panel=experiment]")
    settle(page)
    plain = pixels(page, KEY_CANVAS)
    for each in prediction.what_if:
        page.click(f".sifa-switches [data-name={each.name}]")
        said = page.inner_text(".sifa-says")
        assert each.explanation in said
        assert ("points are left out of this page" in said) == (each.name == "rigid")
        assert f"\u2192 {each.lengths[0]:.2f} cells" in said
        assert pixels(page, KEY_CANVAS) == plain  # no rings
    assert page.problems == []


def test_a_browser_that_cannot_inflate_says_so(page, file):
    page.add_init_script("delete window.DecompressionStream")
    page.goto(file.as_uri())
    assert "too old" in page.inner_text("#explorer")


def test_the_menu_is_reached_by_key_and_keeps_its_keys(viewer):
    viewer.keyboard.press("x")
    assert viewer.locator(".sifa-share").is_visible()
    before = state(viewer)
    viewer.keyboard.press("ArrowRight")
    viewer.keyboard.press("q")
    assert state(viewer) == before
    viewer.keyboard.press("Escape")
    assert not viewer.locator(".sifa-share").is_visible()
    assert pixels(viewer, CANVAS) != pixels(viewer, KEY_CANVAS)
