"""Every named variant, with random weights, predicts a real clip and opens in the viewer with a badge that says so."""

import pytest

import sifa
from sifa import explorer
from tests.browser.test_viewer import cell, open_page, place, until
from tests.clips import numbered_frames, write_clip

NAMES = [name for name in sifa.list_models() if "x" in name.rpartition("_")[2]]
QUICK = ("sifa_swin_nano_16x64", "sifa_swin_tiny_64x224")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    file = tmp_path_factory.mktemp("clips") / "numbers.mp4"
    write_clip(file, numbered_frames(70, 96, 128))
    return file


def chosen() -> list:
    """The quick ones in both readings; the others in one, marked slow."""
    quick = [(name, reading) for name in QUICK for reading in ("paper", "released")]
    return quick + [pytest.param(name, "released", marks=pytest.mark.full) for name in NAMES if name not in QUICK]


@pytest.mark.parametrize(("name", "reading"), chosen())
def test_a_variant_predicts_and_opens(page, clip, tmp_path, name, reading):
    model = sifa.create_model(name, reading=reading).eval()
    prediction = sifa.predict(model, sifa.read_clip(clip, model.config.num_frames))
    assert len(prediction.trace) > 0
    file = tmp_path / "clip.html"
    file.write_text(explorer.to_html(explorer.pack(prediction)))
    open_page(page, file)
    assert "Untrained weights" in page.inner_text(".sifa")
    page.mouse.click(*place(page, 2, 3, prediction.trace[0].offset.shape[-1]))
    until(page, "state.pinned")
    assert cell(page) == (2, 3)
    for number in range(1, len(prediction.trace)):
        page.keyboard.press("]")
        until(page, f"state.block === {number}")
    assert page.problems == []
