"""The row of a whole video, on the server: where a new clip begins, what is told of it, and that nobody reads another's."""

import asyncio
import base64
import csv
import io
import json

import gradio as gr
import numpy as np
import pytest

from app import events, handlers, timeline
from app.disk import Disk
from app.events import Outputs
from app.jobs import Jobs
from app.timeline import STOPPED, Timeline
from app.visitors import Visitors
from sifa.video.clip import Square
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.app.test_events import Asking, no_progress, shown
from tests.clips import write_clip
from tests.video.test_windows import shot


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(timeline, "FIRST_SECONDS", 60)  # the computer may have other things to do
    made = events.Events(DEFAULT_CHECKPOINT, "cpu", Disk(tmp_path, quota=10**9, reserve=0), Visitors(), Jobs())
    with made.visitors.listen("session"):
        yield Timeline(made)


@pytest.fixture
def weights(page):
    return next(iter(page.events.models))


@pytest.fixture
def clip(page):
    """Three seconds that stand still, and three of a wide pan, with a cut between."""
    still = np.repeat(shot(0, 1), 90, 0)
    file = page.events.folder / "0a1b" / "mine.mp4"
    file.parent.mkdir()
    write_clip(file, np.concatenate([still, shot(1, 90)]), fps=30, crf="12")
    return {"path": str(file)}


def opened(page, clip, weights, start=0, choice=None):
    step = page.events.usual_step
    return shown(page.open(clip, start, step, weights, choice, Asking(), no_progress))[-1]


def test_a_new_clip_begins_where_it_moves_most_off_the_cut(page, clip, weights):
    *view, choice, start, step = opened(page, clip, weights)
    assert 3 <= start < 4
    assert choice == dict(clip=clip["path"], start=start, step=step, square=None)
    assert f"{start:.2f}"[:3] in view[2]
    said = handlers.explorer.unpack((page.events.folder / Outputs(*view).trace_file).read_bytes()).clip
    assert said.times[0] == pytest.approx(start, abs=0.001)
    assert said.cut is None


def test_a_start_of_ones_own_is_kept_but_not_for_the_next_clip(page, clip, weights):
    *_, choice, start, _ = opened(page, clip, weights, start=0.5)
    assert (choice["start"], start) == (0.5, 0.5)
    *_, start, _ = opened(page, clip, weights, start=0.5, choice=choice)
    assert start >= 3


def test_a_clip_that_cannot_be_looked_through_soon_begins_at_its_beginning(page, clip, weights, monkeypatch):
    monkeypatch.setattr(timeline, "FIRST_SECONDS", 0)
    *_, choice, start, _ = opened(page, clip, weights)
    assert (choice["start"], start) == (0, 0)
    last = shown(page.survey(clip, weights, Asking()))[-1]
    assert last["best"]["start"] >= 3


def test_a_clip_that_fails_leaves_the_row_as_it_was(page, weights):
    file = page.events.folder / "0a1b" / "notes.mp4"
    file.parent.mkdir()
    file.write_text("not a video\n" * 100)
    *view, choice, start, step = opened(page, {"path": str(file)}, weights)
    assert [choice, start, step] == [gr.skip()] * 3
    assert "could not be read" in view[2]
    (said,) = shown(page.survey({"path": str(file)}, weights, Asking()))
    assert "could not be read" in said["failed"]


def test_a_survey_has_all_that_the_row_shows_and_is_made_once(page, clip, weights):
    opened(page, clip, weights)
    (said,) = shown(page.survey(clip, weights, Asking()))
    assert page.events.jobs.counts() == (0, 0)
    assert (said["clip"], said["share"], said["size"], said["frames"]) == (clip["path"], 1, [96, 160], 16)
    assert said["end"] == pytest.approx(6, abs=0.1)
    assert [kind for _, kind in said["cuts"]] == ["hard"]
    assert said["count"] == len(said["thumbnails"]) == 40
    pictures = [base64.b64decode(source.removeprefix("data:image/jpeg;base64,")) for _, source in said["thumbnails"]]
    assert all(picture.startswith(b"\xff\xd8") for picture in pictures)
    assert len(json.dumps(said)) < 340_000
    assert said["best"]["reason"].startswith("Most motion away from the cuts: ")


def test_surveys_are_told_as_they_come(page, clip, weights, monkeypatch):
    monkeypatch.setattr(timeline, "TELL_SECONDS", 0)
    said = shown(page.survey(clip, weights, Asking()))
    assert said[-1]["share"] == 1
    assert said[0]["share"] < 1
    assert said[0]["best"] is None


def test_of_many_clips_the_latest_surveys_are_remembered(page, clip, weights, monkeypatch):
    monkeypatch.setattr(timeline, "MOST_SURVEYS", 1)
    shown(page.survey(clip, weights, Asking()))
    shown(page.survey(clip, next(name for name in page.events.models if name != weights), Asking()))
    assert len(page._surveys) == 1


def test_a_chosen_window_and_square_are_run(page, clip, weights):
    choice = dict(clip=clip["path"], start=2.0, step=0.067, square=[10, 20, 64])
    said = shown(page.window(clip, choice, weights, Asking(), no_progress))[-1]
    assert "a square of 64 pixels, 20 from the left and 10 from the top" in said.status
    made = handlers.explorer.unpack((page.events.folder / said.trace_file).read_bytes()).clip
    assert made.times[0] == pytest.approx(2)
    assert made.frames.shape[1:3] == (64, 64)
    other = dict(choice, clip="/another/clip.mp4")
    assert "the middle square of the" in shown(page.window(clip, other, weights, Asking(), no_progress))[-1].status


@pytest.mark.parametrize("square", ["x", [1, 2], [0, 0, 97], [0, -1, 20], [None, {}, []], [1e9, 0, 20], [0, 0, 1]])
def test_a_square_that_is_none_is_refused_in_a_sentence(page, clip, weights, square):
    choice = dict(clip=clip["path"], start=0, step=0.133, square=square)
    said = shown(page.window(clip, choice, weights, Asking(), no_progress))[-1]
    assert "square" in said.status
    assert "square" in shown(page.whole(clip, choice, weights, Asking()))[-1]["failed"]


def test_the_answers_come_earliest_first_and_make_a_table(page, clip, weights):
    said = shown(page.whole(clip, None, weights, Asking()))
    counts = [len(each["cells"]) for each in said]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    *before, last = said
    assert not any(each["done"] for each in before)
    assert (last["done"], last["ended"], last["weights"], last["clip"]) == (True, "", weights, clip["path"])
    rows = list(csv.DictReader(io.StringIO(last["csv"])))
    assert [float(row["start"]) for row in rows] == pytest.approx([cell["start"] for cell in last["cells"]], abs=1e-3)
    said = [rows[-1][f"{name} answer"] for name in ("camera", "things")]
    assert said == [answer["label"] for answer in last["cells"][-1]["answers"]]


def test_a_reading_can_be_stopped_by_its_visitor_alone_and_what_there_is_stays(page, clip, weights, monkeypatch):
    monkeypatch.setattr(timeline, "TELL_SECONDS", 0)  # or a fast computer has read all by the second time

    class Stranger(Asking):
        session_hash = "stranger"

    async def collect():
        said = []
        async for each in page.whole(clip, None, weights, Asking()):
            said.append(each)
            await page.stop(Stranger() if len(said) == 1 else Asking())
        return said

    said = asyncio.run(collect())
    assert len(said) >= 2
    assert (said[-1]["done"], said[-1]["ended"]) == (True, STOPPED)
    assert said[-1]["csv"].count("\n") == 1 + len(said[-1]["cells"])
    assert said[-1]["cells"][-1]["end"] < 5.5  # of six seconds
    assert page.events.jobs.counts() == (0, 0)


def test_a_reading_that_waits_can_be_stopped_too(page, clip, weights, monkeypatch):
    monkeypatch.setattr("app.turns.LOOK_SECONDS", 0.01)
    page.events.jobs.enter("another", "visitor", lambda: True)

    async def collect():
        said = []
        async for each in page.whole(clip, None, weights, Asking()):
            said.append(each)
            await page.stop(Asking())
        return said

    first, last = asyncio.run(collect())
    assert first["waits"].startswith("You are next")
    assert last == dict(clip=clip["path"], failed=STOPPED)


def test_clips_elsewhere_are_not_looked_through(page, weights, tmp_path):
    for clip in ({"path": "/etc/passwd"}, None, 5, {"path": 5}):
        for steps in (page.survey(clip, weights, Asking()), page.whole(clip, None, weights, Asking())):
            (said,) = shown(steps)
            assert "Upload the clip first" in said["failed"] or "Choose a clip" in said["failed"]


def test_a_square_is_cut_out_of_what_the_whole_is_read_of(page, clip, weights):
    choice = dict(clip=clip["path"], square=[0, 0, 48])
    corner = shown(page.whole(clip, choice, weights, Asking()))[-1]
    middle = shown(page.whole(clip, None, weights, Asking()))[-1]
    assert corner["csv"] != middle["csv"]
    assert Square(0, 0, 48) != Square(0, 32, 96)
