import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sifa import explorer
from sifa.explorer.foreign import foreign, foreign_block
from tests.predictions import foreign_prediction, nano_prediction

POINTS, WEIGHTS = np.zeros((2, 4, 2, 5, 7)), np.ones((2, 4, 5, 7))
FRAMES = np.zeros((3, 50, 70, 3), np.uint8)


def test_offsets_are_counted_from_the_places_given():
    rng = np.random.default_rng(0)
    points = rng.normal(3, 2, (2, 9, 2, 5, 7)).astype(np.float32)
    weights = rng.random((2, 9, 5, 7))
    taps = rng.normal(size=(9, 2))
    grid = np.array([(y, x) for y in (-2, 0, 2) for x in (-2, 0, 2)])
    query = np.indices((5, 7))
    for change, places in (
        ({}, query),
        (dict(taps=taps), query + taps[:, :, None, None]),
        (dict(taps=torch.tensor(taps), anchored=True), taps[:, :, None, None]),
        (dict(kernel=3, dilation=2), query + grid[:, :, None, None]),
    ):
        block = foreign_block("a", points, torch.tensor(weights), **change)
        np.testing.assert_allclose(block.offset, points - places, atol=1e-5)
        np.testing.assert_allclose(block.points, points, atol=1e-5)
        share = weights / weights.sum(1, keepdims=True)
        wanted = ((points - query) * share[:, :, None]).sum(1)
        np.testing.assert_allclose(block.displacement, wanted, atol=1e-4)
        assert block.normalised


def test_a_foreign_trace_survives_packing():
    block = foreign_block("a", POINTS + 1.5, WEIGHTS, meaning="all ones")
    again = explorer.unpack(explorer.pack(foreign([block], FRAMES, fps=25))).trace[0]
    assert again.meaning == "all ones"
    assert again.stride == (1.0, 70 / 5, 70 / 7)
    np.testing.assert_array_equal(again.points, block.points)
    np.testing.assert_array_equal(again.taps, np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: foreign_block("a", POINTS, WEIGHTS[:, :3]),
            r"a: points are \(2, 4, 2, 5, 7\) and weights \(2, 3, 5, 7\)",
        ),
        (lambda: foreign_block("a", POINTS, WEIGHTS, kernel=3), "a: 9 regular places for 4 points"),
        (lambda: foreign([], FRAMES), "there is no block"),
        (lambda: foreign_block("a", POINTS[:, :0], WEIGHTS[:, :0]), r"points are \(2, 0, 2, 5, 7\).* none of them 0"),
        (lambda: foreign_block("a", POINTS[..., :0, :], WEIGHTS[..., :0, :]), "none of them 0"),
        (lambda: foreign_block("a", POINTS[:0], WEIGHTS[:0]), "none of them 0"),
        (lambda: foreign_block("a", None, WEIGHTS), r"points are \(\) and weights"),
        (lambda: foreign_block("a", "x", WEIGHTS), "a: what is given are no numbers"),
        (lambda: foreign_block("a", POINTS * 1j, WEIGHTS), r"a: what is given are no numbers \(they are complex\)"),
        (lambda: foreign_block(None, POINTS, WEIGHTS), "name is None and meaning"),
        (lambda: foreign_block("a", POINTS, WEIGHTS, kernel=-2), "a: kernel is -2; it must be a whole number from 1"),
        (lambda: foreign_block("a", POINTS, WEIGHTS, kernel="x"), "a: kernel is 'x'; it must be"),
        (lambda: foreign_block("a", POINTS, WEIGHTS, kernel=2, dilation=10**9), "a: dilation is 1000000000"),
        (lambda: foreign([1], FRAMES), "1 is no block; give those that foreign_block makes"),
        (lambda: foreign([foreign_block("a", POINTS, WEIGHTS)], FRAMES, fps=float("nan")), "fps is nan"),
        (lambda: foreign([foreign_block("a", POINTS, WEIGHTS)], FRAMES[:, :0]), "frames are uint8"),
        (lambda: explorer.show("nowhere.sifa", file="a.html"), "nowhere.sifa cannot be read"),
        (lambda: explorer.show(5, file="a.html"), "this is of type int; give a prediction"),
        (lambda: foreign([foreign_block("a", POINTS, WEIGHTS)], FRAMES[:2]), r"uint8 \(2, 50, 70, 3\); 2 pairs need"),
        (lambda: foreign([foreign_block("a", POINTS, WEIGHTS)], FRAMES / 1.0), "frames are float64"),
        (lambda: explorer.show([foreign_block("a", POINTS, WEIGHTS)], file="a.html"), "blocks alone have no pictures"),
    ],
)
def test_what_does_not_fit_is_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        make()


def test_recording_leaves_nothing_behind():
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU())
    with pytest.raises(RuntimeError, match="stop"), explorer.record_modules(model, {"0": lambda *_: 1}) as seen:
        model(torch.zeros(1, 1, 2, 2))
        model(torch.zeros(1, 1, 2, 2))
        raise RuntimeError("stop")
    assert seen == [1, 1]
    model(torch.zeros(1, 1, 2, 2))
    assert len(seen) == 2
    with pytest.raises(ValueError, match="no submodule body"), explorer.record_modules(model, {"body": print}):
        pass


def test_a_reader_may_give_several_blocks():
    two = [foreign_block(name, POINTS, WEIGHTS) for name in "ab"]
    model = nn.Sequential(nn.Conv2d(1, 4, 1))
    with explorer.record_modules(model, {"0": lambda *_: two}) as seen:
        model(torch.zeros(1, 1, 2, 2))
    assert seen == two
    assert len(explorer.unpack(explorer.pack(foreign(seen, FRAMES))).trace) == 2


def test_weights_always_have_a_name():
    assert foreign_block("a", POINTS, WEIGHTS, meaning="").meaning == "Weights as recorded"


def test_show_takes_every_form_of_a_trace(tmp_path):
    prediction = nano_prediction()
    packed = explorer.pack(prediction)
    (tmp_path / "a.sifa").write_bytes(packed)
    pages = [explorer.show(form, file=tmp_path / "a.html").html for form in (prediction, packed, tmp_path / "a.sifa")]
    assert pages == [explorer.to_html(packed)] * 3
    assert (tmp_path / "a.html").read_text() == pages[0]
    assert len(explorer.show(packed, file=tmp_path / "b.html", light=True).html) < len(pages[0])
    assert len(explorer.show(foreign_prediction().trace[0], FRAMES[[0] * 8], file=tmp_path / "c.html").html) > 80_000


def test_outside_a_notebook_show_opens_a_browser(tmp_path):
    """With a shell command in the browser's place, in a process of its own."""
    code = f"from sifa import explorer; explorer.show({str(tmp_path / 'a.sifa')!r})"
    (tmp_path / "a.sifa").write_bytes(explorer.pack(nano_prediction()))
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    environment = os.environ | {"BROWSER": f"{browser} %s", "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    opened = (tmp_path / "opened").read_text().strip()
    assert opened.startswith("file://")
    assert "explorer.html" in opened


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch):
    readme = Path(explorer.__file__).with_name("README.md").read_text()
    code = re.search(r"```python\n(.*?)```", readme.partition("## Sampling points of any model")[2], re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(code, scope)
    (block,) = scope["blocks"]
    assert block.attention.shape == (1, 9, 12, 12)
    assert (tmp_path / "points.html").read_text().startswith("<!doctype html>")


class ByName(nn.Module):
    def forward(self, x, offset=None, mask=None, *, stride=1):
        return x


class Caller(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = ByName()

    def forward(self, x, **named):
        return self.inner(x, **named)


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        (dict(), ("x",)),
        (dict(offset="o", mask="m"), ("x", "o", "m", 1)),
        (dict(mask="m", offset="o"), ("x", "o", "m", 1)),
        (dict(mask="m"), ("x", None, "m", 1)),
        (dict(offset="o", stride=2), ("x", "o", None, 2)),
    ],
)
def test_arguments_given_by_name_are_seen_too(named, seen):
    model = Caller()
    with explorer.record_modules(model, {"inner": lambda _, arguments, __: arguments}) as found:
        model("x", **named)
    assert found == [seen]
