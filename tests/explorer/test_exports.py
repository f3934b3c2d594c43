"""Exported files, opened by readers that know nothing of them."""

import csv
import xml.etree.ElementTree as ET
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from sifa.explorer import export
from sifa.explorer.render.marks import colour
from tests.predictions import foreign_prediction, nano_prediction

SVG = "{http://www.w3.org/2000/svg}"
VIEW = dict(block=1, pair=2, cell=(3, 4))
CAPTION = (
    "moving.mp4. Block 2 of 4, stage 2, 8 x 8 cells (layers.1.blocks.0). Step 3 to 4: source frames 16-20 to 24-28. "
    "Query cell y 3, x 4. Weights: sifa_swin_nano_16x64."
)


@pytest.fixture(scope="module")
def prediction():
    return nano_prediction()


@pytest.mark.parametrize("scale", [1, 2.5, 3, 4])
def test_png(prediction, tmp_path, scale):
    picture = Image.open(export(prediction, tmp_path / "a.png", **VIEW, scale=scale))
    assert picture.text["Description"] == CAPTION
    assert picture.width == pytest.approx(976 * scale, abs=2)
    pixel = np.asarray(picture.convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(pixel[:, : round(480 * scale)] - [255, 157, 46]).max(-1) < 8)
    cell = 0.88 * 480 / 8
    assert np.ptp(rows) / scale == pytest.approx(cell, abs=4)
    assert (rows.max() + rows.min()) / 2 / scale == pytest.approx(0.06 * 480 + 3.5 * cell, abs=3)
    assert (columns.max() + columns.min()) / 2 / scale == pytest.approx(0.06 * 480 + 4.5 * cell, abs=3)
    words = pixel[round(484 * scale) :].min(-1) < 100
    assert 0.005 < words.mean() < 0.2


def test_svg(prediction, tmp_path):
    root = ET.parse(export(prediction, tmp_path / "a.svg", **VIEW)).getroot()
    block = prediction.trace[1]
    assert root.find(f"{SVG}title").text == CAPTION
    query, key = root.findall(f"{SVG}svg")
    assert len(query.findall(f"{SVG}polyline")) == 2 * (8 * 8 + 2)  # the field, the cell and its arrow, each cased
    for panel in (query, key):
        (arrow,) = (line for line in panel.findall(f"{SVG}polyline") if line.get("stroke") == "#3fc9e8")
        start, end = (np.array(point.split(","), float) for point in arrow.get("points").split()[:2])
        displacement = (end - start)[::-1] / (480 * 0.88 / 8)
        np.testing.assert_allclose(displacement, block.displacement[2, :, 3, 4], atol=1e-3)
    discs = [disc for disc in key.findall(f"{SVG}circle") if disc.find(f"{SVG}title") is not None]
    inner = 480 * 0.88 / 8
    assert len(discs) == 9
    for tap, disc in enumerate(discs):
        y, x = block.points[2, tap, :, 3, 4]
        wanted = [480 * 0.06 + (v + 0.5) * inner for v in (x, y)]
        np.testing.assert_allclose([float(disc.get("cx")), float(disc.get("cy"))], wanted, atol=0.01)
        weight, most = block.attention[2, tap, 3, 4], np.abs(block.attention[2]).max()
        assert disc.find(f"{SVG}title").text.startswith(f"weight {weight:.4f}")
        outside = not (-1 < y < 8 and -1 < x < 8)
        assert disc.get("fill") == ("none" if outside else colour(weight / most, False))


def test_films(prediction, tmp_path):
    film = Image.open(export(prediction, tmp_path / "a.gif", **VIEW, scale=1))
    assert film.n_frames == 7
    assert film.info["comment"].decode().startswith("moving.mp4. Block 2 of 4")
    assert "Step" not in film.info["comment"].decode()
    with av.open(str(export(prediction, tmp_path / "a.mp4", **VIEW, scale=1))) as film_file:
        assert film_file.streams.video[0].average_rate == 10
        shown = [frame.to_ndarray(format="rgb24") for frame in film_file.decode(video=0)]
    assert len(shown) == 7 * 6
    frames = np.stack(shown[::6]).astype(int)
    assert frames.shape[1:] == (film.height, film.width, 3)
    assert all(np.abs(a - b).mean() > 0.2 for a, b in pairwise(frames))
    for index in (0, 6):
        film.seek(index)
        assert np.abs(np.asarray(film.convert("RGB")) - frames[index]).mean() < 6


@pytest.mark.parametrize("cell", [(3, 4), None])
def test_csv(prediction, tmp_path, cell):
    file = export(prediction, tmp_path / "a.csv", **VIEW | dict(cell=cell))
    with file.open(newline="") as lines:
        assert next(lines).startswith("# moving.mp4. Block 2 of 4")
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
    block = prediction.trace[1]
    assert len(rows) == (9 if cell else 9 * 64)
    for row in rows:
        y, x, tap = int(row["y"]), int(row["x"]), int(row["neighbour"])
        np.testing.assert_array_equal([row["offset_y"], row["offset_x"]], block.offset[2, tap, :, y, x].astype(float))
        np.testing.assert_allclose([row["tap_y"], row["tap_x"]], [y + tap // 3 - 1, x + tap % 3 - 1], atol=1e-6)
        np.testing.assert_allclose([row["point_y"], row["point_x"]], block.points[2, tap, :, y, x])
        assert row["weight"] == pytest.approx(block.attention[2, tap, y, x])
        assert row["outside"] == (not (-1 < row["point_y"] < 8 and -1 < row["point_x"] < 8))


def test_npz(prediction, tmp_path):
    arrays = np.load(export(prediction, tmp_path / "a.npz"))
    assert str(arrays["caption"]).startswith("moving.mp4. Block 1 of 4")
    assert len(arrays.files) == 9
    for block in prediction.trace:
        np.testing.assert_array_equal(arrays[f"{block.name}.offset"], block.offset)
        np.testing.assert_array_equal(arrays[f"{block.name}.attention"], block.attention)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".csv"])
def test_any_kernel_grid_and_weights(tmp_path, suffix):
    foreign = foreign_prediction(kernel=5, normalised=True)
    assert export(foreign, tmp_path / f"a{suffix}", block="blocks.1", pair=0, cell=(2, 4)).stat().st_size > 1000


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (dict(file="a.bmp"), r"a\.bmp ends in '\.bmp'; choose one of \.png, \.svg"),
        (dict(pair=7), "pair is 7, but block layers.1.blocks.0 has pairs 0 to 6"),
        (dict(cell=(8, 0)), r"cell is \(8, 0\), but block layers.1.blocks.0 has 8 x 8 cells"),
        (dict(scale=9), "scale is 9; choose 1 to 4"),
    ],
)
def test_what_there_is_not_is_refused(prediction, tmp_path, change, reason):
    asked = dict(file="a.png") | VIEW | change
    with pytest.raises(ValueError, match=reason):
        export(prediction, tmp_path / asked.pop("file"), **asked)
    assert list(tmp_path.iterdir()) == []


def test_colours_are_those_of_the_viewer():
    assert [colour(s, True) for s in (0, 0.5, 1, 2)] == ["#f7faf0", "#6cbe78", "#004822", "#004822"]
    assert [colour(s, False) for s in (-1, 0, 1)] == ["#480860", "#f7f7f7", "#005228"]
