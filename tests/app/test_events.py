"""What an event makes of a result, and of an error."""

from pathlib import Path

import gradio as gr
import pytest

from app import events, handlers
from app.handlers import View
from sifa.errors import VideoError


def test_a_result_fills_every_output():
    view = View(Path("a.sifa"), Path("a.html"), "<p>words</p>", "bars", "lines", what_ifs=True)
    shown = events.show(3, lambda progress: view, gr.Progress())
    assert shown.cards == 3
    assert shown.explorer["trace"]["path"] == "a.sifa"
    assert (shown.status, shown.probabilities, shown.blocks) == ("<p>words</p>", "bars", "lines")
    assert (shown.trace_file, shown.page_file) == ("a.sifa", "a.html")
    assert not shown.what_if.visible


def test_an_error_is_said_and_the_earlier_result_stays():
    def fail(progress):
        raise VideoError("No <clip>.")

    with pytest.warns(UserWarning, match="No <clip>"):  # Gradio's way outside a page
        shown = events.show(3, fail, gr.Progress())
    assert "No &lt;clip&gt;." in shown.status
    assert [value for value in shown if value != gr.skip()] == [shown.status]


def test_shares_of_progress_are_for_gradio_first():
    calls = []

    def make(progress):
        progress("packing the trace", 0.95)
        raise VideoError("enough")

    with pytest.warns(UserWarning, match="enough"):
        events.show(-1, make, lambda share, desc: calls.append((share, desc)))
    assert calls == [(0.95, "Packing the trace")]


def test_a_sample_is_shown_as_shipped_by_the_default_weights_only(tmp_path, monkeypatch):
    page = events.Events(handlers.shipped.DEFAULT_CHECKPOINT, "cpu", tmp_path)
    asked = []
    monkeypatch.setattr(handlers, "view_sample", lambda sample, folder: asked.append(sample.title))
    monkeypatch.setattr(handlers, "view_clip", lambda clip, *rest: asked.append(Path(clip).name))
    first, *others = page.models
    for weights in (first, others[0]):
        page._once_more(0, None, 1, 2, weights, False)(handlers.no_progress)
    page._once_more(-1, {"path": "mine.mp4"}, 1, 2, first, False)(handlers.no_progress)
    assert asked == [page.samples[0].title, page.samples[0].clip.name, "mine.mp4"]
