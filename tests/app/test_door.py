"""What passes the door: the middleware with a small application behind it, and the real program asked for nonsense."""

import asyncio
import errno
import json
import math
import time

import pytest

from app import books, door, layout
from app.asgi import answer
from app.disk import Disk
from app.visitors import FIRST_SECONDS, Visitors
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.app.program import program
from tests.app.visitor import Visitor, status_of
from tests.clips import numbered_frames, write_clip

NONSENSE = [
    math.nan,
    math.inf,
    -math.inf,
    1e308,
    -1,
    10**18,
    "x",
    [1],
    None,
    True,
    {"a": {"b": [1]}},
    {"path": "/etc/passwd"},
]


@pytest.fixture
def page(tmp_path):
    return layout.build(DEFAULT_CHECKPOINT, "cpu", Disk(tmp_path, quota=10**9, reserve=0))


def ask(application, path, body=b"", method="POST", client="192.0.2.1"):
    """-> (status, text) of a request to an ASGI application"""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "sifa.address": client,
        "query_string": b"",
    }
    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()


def make(page, tmp_path, application, monkeypatch=None):
    visitors = Visitors()
    return door.Door(application, books.Books(page, visitors), visitors, Disk(tmp_path, quota=10**9, reserve=0))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/config"), ("GET", "/gradio_api/info"), ("POST", "/gradio_api/upload")]
)
def test_what_takes_time_to_make_is_given_at_the_pace_of_an_address(page, tmp_path, monkeypatch, method, path):
    async def made(scope, receive, send):
        await answer(send, 200, "made")

    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    application = make(page, tmp_path, made)
    application.openings.clock = lambda: 100.0
    monkeypatch.setattr(asyncio, "sleep", sleep)
    statuses = [ask(application, path, method=method)[0] for _ in range(100)]
    answered = statuses.count(200)
    assert 82 <= answered <= 83  # 32 at once, and what waits no longer than ten seconds
    assert statuses == [200] * answered + [503] * (100 - answered)
    assert slept[:34] == pytest.approx([0] * 32 + [0.2, 0.4])
    assert "try again" in ask(application, path, method=method)[1]
    assert ask(application, path, method=method, client="192.0.2.2")[0] == 200
    assert ask(application, "/theme.css", method="GET")[0] == 200


def framework(page):
    """Takes every wish, and never answers it."""
    count = iter(range(10**6))

    async def application(scope, receive, send):
        body = json.loads((await receive())["body"])
        event = f"e{next(count)}"
        page._queue.pending_event_ids_session.setdefault(body["session_hash"], set()).add(event)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps({"event_id": event}).encode()})

    return application


def join(guard, session, client="192.0.2.1"):
    body = {"data": [1, "x"], "fn_index": 1, "session_hash": session}
    return ask(guard, "/gradio_api/queue/join", json.dumps(body).encode(), client=client)


def test_answers_that_nobody_fetches_are_counted_by_address(page, tmp_path, monkeypatch):
    monkeypatch.setattr(door, "RETRY_SECONDS", 0)
    monkeypatch.setattr(door, "RATE", 10**6)
    guard = make(page, tmp_path, framework(page))
    assert [join(guard, f"s{i}")[0] for i in range(door.PER_ADDRESS + 2)] == [200] * door.PER_ADDRESS + [503] * 2
    assert json.loads(join(guard, "s")[1]) == {
        "detail": "48 requests from your address are not answered yet; the page takes 48 of them at once."
    }
    assert join(guard, "other", client="192.0.2.2")[0] == 200


def test_answers_are_counted_in_all_and_who_has_none_still_finds_room(page, tmp_path, monkeypatch):
    monkeypatch.setattr(door, "RETRY_SECONDS", 0)
    monkeypatch.setattr(door, "IN_ALL", 3)
    guard = make(page, tmp_path, framework(page))
    assert [join(guard, f"s{i}", f"192.0.2.{i}")[0] for i in range(8)] == [200] * 6 + [503] * 2
    assert join(guard, "s0", "192.0.2.0")[1] == json.dumps(
        {"detail": "The page is busy: 6 requests are not answered yet, and it takes 3 at once."}
    )


def test_answers_that_nobody_fetches_are_forgotten_in_time(page, tmp_path, monkeypatch):
    monkeypatch.setattr(door, "RETRY_SECONDS", 0)
    guard, now = make(page, tmp_path, framework(page)), [time.monotonic()]
    guard.visitors.clock = lambda: now[0]
    for i in range(10):
        join(guard, f"s{i}")
    page._queue.pending_event_ids_session["unknown"] = {"x"}
    with guard.visitors.listen("s3"):
        now[0] += FIRST_SECONDS + 1
        assert guard.books.open() == ["192.0.2.1"]
        assert set(page._queue.pending_event_ids_session) == {"s3"}
    assert set(guard.books._owners) == {"e3"}


def test_the_books_of_the_framework_are_called_as_here(page):
    queue = page._queue
    for name in ("pending_event_ids_session", "pending_messages_per_session", "event_ids_to_events"):
        assert len(getattr(queue, name)) == 0
    assert all(isinstance(names, set) for names in page.temp_file_sets)
    assert len(page.temp_file_sets) > 3


def test_names_of_files_that_are_gone_are_forgotten(page, tmp_path):
    (tmp_path / "here").touch()
    page.temp_file_sets[1] |= {str(tmp_path / "here"), str(tmp_path / "gone")}
    books.Books(page, Visitors()).forget_files()
    assert page.temp_file_sets[1] == {str(tmp_path / "here")}


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EIO, 400)])
def test_a_disk_that_is_full_while_a_file_arrives_is_a_sentence(page, tmp_path, number, status):
    async def application(*_):
        raise OSError(number, "no")

    found, text = ask(make(page, tmp_path, application), "/gradio_api/upload", b"x")
    assert found == status
    assert text.startswith("The file could not be stored: ")
    assert ("the disk of the computer that runs this page is full" in text) == (status == 507)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 10**5, b"1" * 10**5, b"null", b"[]", b'"x"', b"\xff", b'{"data": [1e999]}']
)
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/predict"])
def test_what_is_no_request_is_explained_and_goes_no_further(page, tmp_path, body, path):
    async def application(*_):
        raise AssertionError

    if (body, path[-7:]) == (b'{"data": [1e999]}', "predict"):
        pytest.skip("a request as good as any")
    status, text = ask(make(page, tmp_path, application), path, body)
    assert status == 400
    assert json.loads(text)["detail"].startswith("The request ")


@pytest.mark.slow
def test_nonsense_is_answered_by_a_sentence_each_and_no_traceback(tmp_path):
    """Every value of every event of the real program, and of the way in for programs."""
    with program(tmp_path) as page:
        visitor = Visitor(page.url)
        visitor.find_functions()
        clip = visitor.upload(write_clip(tmp_path / "clip.mp4", numbered_frames(20, 48, 64)))
        good = {
            "load": ["#c=x", visitor.titles[0]],
            "sample": [0, visitor.titles[0]],
            "run": [clip, 0, 1, visitor.titles[0]],
            "what_if": [0, clip, 0, 1, visitor.titles[0]],
            "weights": [-1, clip, 0, 1, visitor.titles[0]],
            "again": [0, clip, 0, 1, visitor.titles[0]],
        }
        for name, values in good.items():
            for index in range(len(values)):
                for value in NONSENSE:
                    if name == "weights" and index == 4 and value is None:
                        continue
                    ask_for_nonsense(
                        visitor, name, [*values[:index], value, *values[index + 1 :]], f"{name}{index} {value}"
                    )
        for index in range(3):
            for value in NONSENSE:
                call_with_nonsense(
                    visitor, [*[clip, 0, 1][:index], value, *[clip, 0, 1][index + 1 :]], f"{index} {value}"
                )
        for data in ([], [clip], [clip, 0], [clip, 0, 1, 2], [None] * 1000):
            assert visitor.post("/gradio_api/call/predict", {"data": data})[0] == 400
        for path in (
            "/gradio_api/call/unknown",
            "/gradio_api/call/show_first",
            "/gradio_api/cancel",
            "/gradio_api/reset",
        ):
            for body in ({}, [], None, {"data": []}, {"event_id": [1], "session_hash": {}, "fn_index": "x"}):
                assert visitor.post(path, body)[0] in (400, 404, 422), (path, body)
        assert "clip.mp4" in status_of(visitor.run(clip))
        assert "Traceback" not in page.said


def ask_for_nonsense(visitor, name, data, what):
    status, said = visitor.join(name, data)
    if status != 200:
        assert (status, type(said["detail"])) == (400, str), what
        return
    text = status_of(visitor.answer())
    assert "Something went wrong" not in text, (what, text)
    assert text.startswith("<p"), (what, text)


def call_with_nonsense(visitor, data, what):
    status, said = visitor.post("/gradio_api/call/predict", {"data": data})
    if status != 200:
        assert (status, type(said["detail"])) == (400, str), what
        return
    text = visitor.ask("GET", f"/gradio_api/call/predict/{said['event_id']}")[1]
    assert ("event: complete" in text and "top5" in text) or ("event: error" in text and text.count(" ") > 5), (
        what,
        text,
    )
    assert "Something went wrong" not in text, (what, text)
