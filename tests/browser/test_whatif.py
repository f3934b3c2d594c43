"""What-ifs, true motion and trust in the single-file page, held against the trace they come from."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sifa
from sifa import explorer
from sifa.tracing import trust
from sifa.tracing.interventions import add_what_ifs
from sifa.tracing.records import TrueFlow
from tests.browser.test_viewer import (
    CANVAS,
    CLOSE_UP,
    KEY_CANVAS,
    host_page,
    open_host,
    open_page,
    over,
    pixels,
    settle,
    state,
)
from tests.predictions import foreign_prediction, moving_clip
from tests.tracing.test_interventions import nano_trained

GHOST, TRUE = (255, 95, 176), (255, 228, 92)
V1 = Path(__file__).parents[1] / "golden" / "trace_v1.sifa"


@pytest.fixture(scope="module")
def prediction():
    """Every what-if of a model whose blocks matter, the figures of trust, and a made-up true motion on the first grid."""
    model, rng = nano_trained(), np.random.default_rng(0)
    base = sifa.predict(model, moving_clip())
    flow = TrueFlow(rng.normal(0, 1.5, (7, 2, 16, 16)).astype(np.float32), rng.random((7, 16, 16)) < 0.7)
    return replace(add_what_ifs(model, base), trust=trust.trust_figures(model, base), true_flow=(flow,))


@pytest.fixture(scope="module")
def file(prediction, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "clip.html"
    path.write_text(explorer.to_html(explorer.pack(prediction)))
    return path


def press(page, key):
    page.keyboard.press(key)
    settle(page)


def switch(page, name):
    return page.locator(f".sifa-switches [data-name={name}]")


def choose(page, name):
    """In the drawer Experiment, which may still be closed."""
    if not switch(page, name).is_visible():
        page.click(".sifa-tools [data-panel=experiment]")
    switch(page, name).click()
    settle(page)


def count(page, selector, colour):
    """How many pixels of a canvas are of a colour, nearly."""
    settle(page)
    return page.evaluate(
        """([selector, colour]) => { const c = document.querySelector(selector);
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        let found = 0;
        for (let i = 0; i < data.length; i += 4) found += colour.every((v, k) => Math.abs(v - data[i + k]) < 12);
        return found; }""",
        [selector, colour],
    )


def percent(p):
    return "> 99.9 %" if p >= 0.9995 else f"{100 * p:.1f} %"


def direction(dy, dx):
    return f"{abs(dy):.2f} {'up' if dy < 0 else 'down'}, {abs(dx):.2f} {'left' if dx < 0 else 'right'}"


def told(text):
    """The (dy, dx) in a direction in words."""
    dy, up, dx, left = re.search(r"([\d.]+) (up|down), ([\d.]+) (left|right)", text).groups()
    return float(dy) * (-1 if up == "up" else 1), float(dx) * (-1 if left == "left" else 1)


@pytest.mark.usefixtures("experiment")
def test_each_switch_shows_the_answer_before_and_after(viewer, prediction):
    assert viewer.locator(".sifa-switches button").all_inner_texts() == [
        *(each.title for each in prediction.what_if), "True motion"
    ]  # fmt: skip
    plain = viewer.locator(".sifa-bars li").all_inner_texts()
    for each in prediction.what_if:
        choose(viewer, each.name)
        assert state(viewer)["whatIf"] == each.name
        after = each.probabilities
        order = np.argsort(-prediction.probabilities, kind="stable")[:5].tolist()
        if after.argmax() not in order:
            order[4] = int(after.argmax())
        bars = viewer.locator(".sifa-bars li").all_inner_texts()
        assert [" ".join(bar.split()) for bar in bars] == [
            f"{prediction.labels[i]} {percent(prediction.probabilities[i])} → {percent(after[i])}" for i in order
        ]
        said = viewer.inner_text(".sifa-says")
        assert each.explanation in said
        assert prediction.labels[after.argmax()] in said
        assert f"→ {each.lengths[0]:.2f} cells" in said
        assert ("other pictures" in said) == bool(each.order)
        assert switch(viewer, each.name).get_attribute("aria-pressed") == "true"
        assert viewer.locator(".sifa-switches [aria-pressed=true]").count() == 1
    choose(viewer, prediction.what_if[-1].name)
    assert state(viewer)["whatIf"] == ""
    assert viewer.locator(".sifa-bars li").all_inner_texts() == plain
    assert viewer.inner_text(".sifa-says") == ""


def test_the_other_run_is_drawn_over_the_hovered_cell(viewer, prediction):
    viewer.set_viewport_size(dict(width=1920, height=1080))
    base = {selector: count(viewer, selector, GHOST) for selector in (CANVAS, KEY_CANVAS, CLOSE_UP)}
    viewer.keyboard.press("]")
    choose(viewer, "uniform")
    uniform = prediction.what_if[2].trace[1]
    for cell in ((3, 4), (6, 1)):
        over(viewer, *(2 * v + 0.5 for v in cell))
        assert (state(viewer)["y"], state(viewer)["x"]) == cell
        for selector, least in ((CANVAS, 5), (KEY_CANVAS, 30), (CLOSE_UP, 30)):
            assert count(viewer, selector, GHOST) > base[selector] + least
        before, after = viewer.inner_text(".sifa-whatif .sifa-legend").split("→")
        pair = state(viewer)["pair"]
        np.testing.assert_allclose(told(after), uniform.displacement[pair, :, *cell], rtol=0, atol=0.05)
        np.testing.assert_allclose(told(before), prediction.trace[1].displacement[pair, :, *cell], rtol=0, atol=0.05)
    choose(viewer, "frozen")
    assert count(viewer, KEY_CANVAS, GHOST) == base[KEY_CANVAS]
    assert viewer.inner_text(".sifa-whatif .sifa-legend") == ""


def test_keys_go_through_the_what_ifs_and_back(viewer, prediction):
    names = [each.name for each in prediction.what_if]
    for name in [*names, "", names[0]]:
        press(viewer, "w")
        assert state(viewer)["whatIf"] == name
    for name in ("", names[-1], names[-2]):
        press(viewer, "W")
        assert state(viewer)["whatIf"] == name
    viewer.click(".sifa-tools [data-panel=experiment]")
    switch(viewer, "rigid").focus()
    press(viewer, "Enter")
    assert state(viewer)["whatIf"] == "rigid"
    press(viewer, " ")
    assert state(viewer)["whatIf"] == ""
    assert not state(viewer)["playing"]


def test_true_motion_lies_under_the_arrows_and_is_said(viewer, prediction):
    assert count(viewer, CANVAS, TRUE) < 30
    press(viewer, "m")
    assert state(viewer)["flow"]
    assert switch(viewer, "flow").get_attribute("aria-pressed") == "true"
    assert count(viewer, CANVAS, TRUE) > 500
    (flow,), pair = prediction.true_flow, state(viewer)["pair"]
    for visible in (True, False):
        y, x = np.argwhere(flow.visible[pair] == visible)[40]
        over(viewer, int(y), int(x))
        said = viewer.inner_text(".sifa-whatif .sifa-legend")
        if visible:
            assert (
                f"true motion of this cell: {direction(*np.rint(flow.flow[pair, :, y, x] * 32) / 32)}" == said.strip()
            )
        else:
            assert "hidden in the next step" in said
    viewer.keyboard.press("]")  # a grid whose true motion the trace does not hold
    settle(viewer)
    assert viewer.inner_text(".sifa-whatif .sifa-legend") == ""
    assert count(viewer, CANVAS, TRUE) < 30
    choose(viewer, "flow")
    assert not state(viewer)["flow"]


def test_the_trust_panel_holds_the_figures(viewer, prediction):
    viewer.click(".sifa-tools [data-panel=inside]")
    viewer.focus(".sifa-trust summary")
    press(viewer, " ")
    assert viewer.locator(".sifa-trust table").is_visible()
    assert not state(viewer)["playing"]
    keys = ("unevenness", "offset", "spread", "follows_change", "like_random", "outside")
    rows = viewer.locator(".sifa-trust tbody tr")
    for key, row in zip(keys, rows.all(), strict=True):
        wanted = [f"{getattr(block, key):.2f}".replace("-", "−") for block in prediction.trust.blocks]
        assert row.locator("td").all_inner_texts() == wanted
    for index in (0, 2):
        viewer.select_option(".sifa-bar select", str(index))
        settle(viewer)
        assert rows.first.locator(".sifa-now").inner_text() == f"{prediction.trust.blocks[index].unevenness:.2f}"
        words = " ".join(prediction.trust.blocks[index].words) or "Nothing out of the ordinary."
        assert viewer.inner_text(".sifa-trust table + p") == f"Block {index + 1}: {words}"
    test = prediction.trust.deletion
    shown = viewer.locator(".sifa-trust dd").all_inner_texts()
    assert shown == [percent(getattr(test, key)) for key in ("probability", "strongest", "random", "all")]
    assert " ".join(test.words) in viewer.inner_text(".sifa-trust")


def test_words_of_a_cell_are_left_out_of_the_reverse_question(viewer):
    choose(viewer, "rigid")
    press(viewer, "m")
    said = viewer.locator(".sifa-whatif .sifa-legend")
    assert re.search("this cell’s mean.*true motion of this cell", said.inner_text(), re.DOTALL)
    press(viewer, "r")
    assert said.inner_text() == ""
    assert viewer.inner_text(".sifa-says")
    press(viewer, "r")
    assert "this cell" in said.inner_text()


def test_a_trace_without_them_shows_none_and_keeps_no_choice(page, tmp_path, prediction):
    traces = [explorer.pack(prediction), explorer.pack(foreign_prediction()), V1.read_bytes()]
    open_host(page, host_page(tmp_path, traces))
    page.evaluate("() => put('trace', traces[0])")
    page.focus(CANVAS)
    press(page, "w")
    press(page, "m")
    page.evaluate("() => put('trace', traces[0])")
    settle(page)
    assert (state(page)["whatIf"], state(page)["flow"]) == ("rigid", True)
    for bare in (1, 2):
        page.evaluate(f"() => put('trace', traces[{bare}])")
        settle(page)
        assert state(page)["whatIf"] == ""
        assert page.locator(".sifa-whatif").is_hidden()
        assert page.locator(".sifa-trust").get_attribute("hidden") is not None
        before = pixels(page)
        press(page, "m")
        press(page, "w")
        assert (state(page)["whatIf"], state(page)["flow"]) == ("", False)
        assert pixels(page) == before
    assert page.locator(".sifa-bar select option").count() == 2
    page.evaluate("() => put('trace', traces[0])")
    settle(page)
    assert page.locator(".sifa-trust").get_attribute("hidden") is None
    assert page.problems == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_is_cut_off_sideways(page, file, width, scheme):
    page.set_viewport_size(dict(width=width, height=844))
    page.emulate_media(color_scheme=scheme)
    open_page(page, file)
    for name in ("rigid", "shuffled", "flow"):
        choose(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        switch(page, name).scroll_into_view_if_needed()
        box = switch(page, name).bounding_box()
        assert 0 <= box["x"] <= width - box["width"]
        assert min(box["width"], box["height"]) >= 36
    page.click(".sifa-tools [data-panel=inside]")
    page.click(".sifa-trust summary")
    table = page.locator(".sifa-trust table").bounding_box()
    assert table["x"] + table["width"] <= width
