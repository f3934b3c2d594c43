"""Floods of requests that cost little each: how many are answered, and that what never changes is answered from memory."""

import asyncio
import http.client
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from app import guard, kept
from app.asgi import answer
from app.connections import Limits
from app.hosts import Hosts
from tests.app.program import program

SECONDS = 3
PATHS = (
    "/favicon.ico",
    "/nothing",
    "/theme.css",
    "/healthz",
    "/gradio_api/app_id",
    "/gradio_api/queue/data?session_hash=x",
)


def flood(page, source, path, again=True):
    """Ask over 64 connections for some seconds, each time over a new one if not `again`. -> how many answers of each status"""
    end, count = time.monotonic() + SECONDS, Counter()

    def ask():
        connection = None
        while time.monotonic() < end:
            if connection is None or not again:
                connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30, source_address=(source, 0))
            connection.request("GET", path)
            received = connection.getresponse()
            received.read()
            count[received.status] += 1
            if not again:
                connection.close()

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with program(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_an_address_is_answered_at_a_pace(page, path):
    source = f"127.0.4.{PATHS.index(path) + 1}"
    count = flood(page, source, path)
    most = guard.BURST + guard.RATE * (SECONDS + 1.0)  # the last ones come after the end
    assert 64 <= count.total() <= most
    began = time.monotonic()
    other = http.client.HTTPConnection("127.0.0.1", page.port, source_address=("127.0.4.100", 0))
    other.request("GET", "/healthz")
    assert other.getresponse().status == 200
    assert time.monotonic() - began < 1


@pytest.mark.slow
def test_an_address_opens_connections_at_a_pace(page):
    count = flood(page, "127.0.4.50", "/nothing", again=False)
    assert 64 <= count.total() <= Limits.burst + Limits.rate * (SECONDS + 1.0)


@pytest.mark.slow
def test_a_class_of_thirty_behind_one_address_is_answered(page):
    """Each browser asks for 90 files over six connections."""
    count = Counter()

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30, source_address=("127.0.4.60", 0))
        for _ in range(15):
            connection.request("GET", "/theme.css")
            received = connection.getresponse()
            received.read()
            count[received.status] += 1

    began = time.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(180)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == {200: 2700}
    assert time.monotonic() - began < 15


def make(app=None, proxies=0):
    """A guard whose clock stands still."""

    async def nothing(scope, receive, send):
        await answer(send, 200, scope["sifa.address"])

    made = guard.Guard(app or nothing, Path("/nowhere"), Hosts([]), proxies=proxies)
    made.pace.clock = lambda: 100.0
    return made


def ask(application, path="/", client="192.0.2.1", method="GET", **headers):
    """-> (status, headers, text) of a request to an ASGI application"""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    named = [(b"host", b"127.0.0.1:7860")]
    named += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = dict(type="http", method=method, path=path, headers=named, client=(client, 5), query_string=b"")
    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent).decode()


@pytest.fixture
def slept(monkeypatch):
    waited = []

    async def sleep(seconds):
        if seconds > 1e-6:  # less is what rounding leaves
            waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waited


def test_requests_wait_once_an_address_has_made_so_many(slept):
    application = make()
    statuses = [ask(application, path)[0] for path in ["/", "/nothing", "/theme.css", "/favicon.ico"] * 125]
    assert statuses == [200, 404, 200, 200] * 125
    assert slept == []
    assert ask(application)[0] == 200
    assert slept == pytest.approx([1 / 250])
    assert ask(application, client="192.0.2.2")[0] == 200
    assert len(slept) == 1


def test_what_costs_more_counts_more(slept):
    application = make()
    for _ in range(125):
        ask(application, "/gradio_api/file=/x")
    assert slept == []
    ask(application, "/gradio_api/file=/x")
    assert slept == pytest.approx([4 / 250])


def test_nobody_waits_longer_than_ten_seconds(slept):
    application = make()
    statuses = [ask(application)[0] for _ in range(3200)]
    answered = statuses.count(200)
    assert answered in (3000, 3001)
    assert statuses == [200] * answered + [503] * (3200 - answered)
    assert "try again" in ask(application)[2]
    assert max(slept) <= 10.01


def test_who_is_refused_waits_too(slept):
    """Else the refusals would come as fast as the processor makes them."""
    application = make()
    while ask(application)[0] == 200:
        pass
    slept.clear()
    assert [ask(application)[0] for _ in range(3)] == [503] * 3
    assert slept == [guard.REFUSED_SECONDS] * 3


def test_a_health_check_is_answered_whatever_else_its_address_asks_for(slept):
    """A container asks itself, and all that comes through a proxy beside it may seem to have the same address."""
    application = make()
    while ask(application)[0] == 200:
        pass
    slept.clear()
    assert [ask(application, "/healthz")[0] for _ in range(20)] == [200] * 20
    assert slept == []
    for _ in range(1000):
        ask(application, "/healthz", client="192.0.2.2")
    assert slept, "these keep the pace among themselves"


def test_behind_a_proxy_the_visitors_address_counts(slept):
    application = make(proxies=1)
    assert ask(application, client="127.0.0.1", x_forwarded_for="198.51.100.1")[2] == "198.51.100.1"
    for i in range(600):
        ask(application, client="127.0.0.1", x_forwarded_for=f"198.51.100.{i % 2}")
    assert slept == []
    assert ask(make(), client="127.0.0.1", x_forwarded_for="198.51.100.1")[2] == "127.0.0.1"


class Assets:
    """Answers with the path and the compression, and counts how often it was asked."""

    def __init__(self, size=0):
        self.asked, self.size = Counter(), size

    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"])
        assert set(headers) == {b"host", b"accept-encoding"}
        assert scope["query_string"] == b""
        self.asked[scope["path"]] += 1
        status, compression = 404 if "missing" in scope["path"] else 200, headers[b"accept-encoding"]
        text = f"{scope['path']} {compression.decode()}" + "x" * self.size
        told = [(b"etag", b'"1"')] if "etag" in scope["path"] else []
        told += [(b"content-encoding", compression)] if compression != b"identity" else []
        await answer(send, status, text, headers=told)


def test_what_never_changes_is_made_once():
    inner = Assets()
    application = make(inner)
    for _ in range(5):
        assert ask(application, "/theme.css")[2] == "/theme.css identity"
        assert ask(application, "/theme.css", range="bytes=0-1", cookie="a=b")[2] == "/theme.css identity"
        assert ask(application, "/theme.css", accept_encoding="gzip, br")[2] == "/theme.css br"
        assert ask(application, "/theme.css", accept_encoding="gzip;q=0.5, br;q=0")[2] == "/theme.css gzip"
        assert ask(application, "/assets/missing.js")[0] == 404
    assert inner.asked == {"/theme.css": 3, "/assets/missing.js": 5}


def test_who_has_it_already_is_told_so():
    application = make(Assets())
    assert ask(application, "/assets/etag.js")[0] == 200
    status, headers, text = ask(application, "/assets/etag.js", if_none_match='"1"')
    assert (status, headers[b"etag"], text) == (304, b'"1"', "")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert ask(application, "/assets/etag.js", if_none_match='"2"')[0] == 200
    assert ask(application, "/theme.css", if_none_match='"1"')[0] == 200


def test_no_more_is_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(kept, "MAX_BYTES", 10_000)
    inner = Assets(size=4000)
    application = make(inner)
    for _ in range(3):
        for i in range(4):
            assert ask(application, f"/assets/{i}.js")[2].startswith(f"/assets/{i}.js identity")
    assert inner.asked == {"/assets/0.js": 1, "/assets/1.js": 1, "/assets/2.js": 3, "/assets/3.js": 3}
    assert application.kept.size <= 10_000
