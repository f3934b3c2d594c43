"""What an event makes of a result, and of an error."""

import asyncio
import threading
from pathlib import Path

import gradio as gr
import pytest

from app import events, handlers, texts, turns
from app.disk import Disk
from app.handlers import View
from app.jobs import Jobs
from app.visitors import Visitors
from sifa.errors import VideoError


class Asking:
    """A request of a visitor who listens, as Gradio hands it over."""

    session_hash = "session"
    request = None


@pytest.fixture
def page(tmp_path):
    made = events.Events(
        handlers.shipped.DEFAULT_CHECKPOINT, "cpu", Disk(tmp_path, quota=10**9, reserve=0), Visitors(), Jobs()
    )
    with made.visitors.listen("session"):
        yield made


def shown(steps):
    """All that an event shows, one after another."""

    async def collect():
        return [step async for step in steps]

    return asyncio.run(collect())


def upload(page):
    file = page.folder / "0a1b" / "mine.mp4"
    file.parent.mkdir()
    file.touch()
    return {"path": str(file)}


def no_progress(share, desc):
    """Gradio's progress outside a page."""


def test_a_result_fills_every_output():
    view = View(Path("a.sifa"), Path("a.html"), "<p>words</p>")
    shown = events.outputs(3, view)
    assert shown.cards == 3
    assert shown.explorer["trace"]["path"] == "a.sifa"
    assert shown.status == "<p>words</p>"
    assert (shown.trace_file, shown.page_file) == ("a.sifa", "a.html")


def test_an_error_is_said_and_the_earlier_result_stays(page, monkeypatch):
    def fail(*_, **__):
        raise VideoError("No <clip>.")

    monkeypatch.setattr(handlers, "view_clip", fail)
    (said,) = shown(page.run(upload(page), 0, 1, next(iter(page.models)), None, Asking(), no_progress))
    assert "No &lt;clip&gt;." in said.status
    assert [value for value in said if value != gr.skip()] == [said.status]


def test_shares_of_progress_are_for_gradio_first(page, monkeypatch):
    calls = []

    def make(*rest, **_):
        progress = rest[6]
        progress("packing the trace", 0.95)
        raise VideoError("enough")

    monkeypatch.setattr(handlers, "view_clip", make)
    asking = Asking(), lambda share, desc: calls.append((share, desc))
    shown(page.run(upload(page), 0, 1, next(iter(page.models)), None, *asking))
    assert calls == [(0.95, "Packing the trace")]


def test_a_sample_is_shown_as_shipped_by_the_default_weights_only(page, monkeypatch):
    view = View(Path("a.sifa"), Path("a.html"), "")
    asked = []
    monkeypatch.setattr(handlers, "view_sample", lambda sample, folder: asked.append(sample.title) or view)
    monkeypatch.setattr(handlers, "view_clip", lambda clip, *rest, **_: asked.append(Path(clip).name) or view)
    first, *others = page.models
    for weights in (first, others[0]):
        shown(page.run_again(0, None, 1, 2, weights, None, Asking(), no_progress))
    shown(page.run_again(-1, upload(page), 1, 2, first, None, Asking(), no_progress))
    assert asked == [page.samples[0].title, page.samples[0].clip.name, "mine.mp4"]


def test_a_sample_waits_for_nobody(page):
    page.jobs.enter("another", "visitor", lambda: True)
    (said,) = shown(page.show_sample(0, next(iter(page.models)), Asking(), no_progress))
    assert page.samples[0].clip.name in said.status
    again = shown(page.show_sample(0, next(iter(page.models)), Asking(), no_progress))[0]
    assert again.trace_file == said.trace_file  # written once


def test_a_clip_waits_for_its_turn_and_the_place_is_told(page, monkeypatch):
    monkeypatch.setattr("app.turns.LOOK_SECONDS", 0.01)
    view = View(Path("a.sifa"), Path("a.html"), "done")
    monkeypatch.setattr(handlers, "view_clip", lambda *_, **__: view)
    other = page.jobs.enter("another", "visitor", lambda: True)

    async def collect():
        said = []
        async for step in page.run(upload(page), 0, 1, next(iter(page.models)), None, Asking(), no_progress):
            said.append(step.status)
            page.jobs.leave(other)
        return said

    assert asyncio.run(collect()) == [texts.waiting(1, None), "done"]


def test_whoever_leaves_while_waiting_or_running_is_told_as_stopped(monkeypatch):
    outcomes = []
    monkeypatch.setattr(turns, "log_job", lambda kind, seconds, outcome: outcomes.append(outcome))
    monkeypatch.setattr(turns, "LOOK_SECONDS", 0.01)
    jobs = Jobs()
    go_on = threading.Event()
    visit = turns.Visit("address", "session", lambda: True)

    async def leave():
        other = jobs.enter("another", "visitor", lambda: True)
        waits = turns.take_turn(jobs, visit, "clip", lambda pause: None)
        assert (await anext(waits)).ahead == 1
        await waits.aclose()
        jobs.leave(other)
        runs = asyncio.create_task(anext(turns.take_turn(jobs, visit, "clip", lambda pause: go_on.wait(5))))
        await asyncio.sleep(0.1)
        runs.cancel()
        await asyncio.wait([runs])
        go_on.set()
        answered = turns.take_turn(jobs, visit, "clip", lambda pause: "done")
        assert await anext(answered) == "done"
        await answered.aclose()

    asyncio.run(leave())
    assert outcomes == ["stopped", "stopped", "answered"]


def test_an_error_of_a_program_is_a_sentence_of_gradio(page):
    with pytest.raises(gr.Error, match="Upload the clip first"):
        asyncio.run(page.predict({"path": "/etc/passwd"}, Asking()))
