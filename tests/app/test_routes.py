"""What the page answers over HTTP, asked of the real program on a port of its own, and of the framework's list of routes."""

import asyncio
import http.client
import json
import re
from urllib.parse import urlsplit

import pytest
from gradio.routes import App

import sifa
from app import guard, layout, routes
from app.disk import Disk
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.clips import numbered_frames, write_clip

from .asking import MULTIPART, ask, form, send_json, upload
from .program import start

OPEN = {  # of the framework's routes
    "GET /",
    "HEAD /",
    "GET /config",
    "GET /favicon.ico",
    "GET /manifest.json",
    "GET /theme.css",
    "GET /assets/{path:path}",
    "GET /static/{path:path}",
    "GET /gradio_api/app_id",
    "GET /gradio_api/info",
    "GET /gradio_api/queue/data",
    "GET /gradio_api/call/{api_name}/{event_id}",
    "GET /gradio_api/file={path_or_url:path}",
    "HEAD /gradio_api/file={path_or_url:path}",
    "POST /gradio_api/upload",
    "POST /gradio_api/queue/join",
    "POST /gradio_api/cancel",
    "POST /gradio_api/call/{api_name}",
}


@pytest.fixture(scope="module")
def framework(tmp_path_factory):
    """The method and path of every route that the framework has for this page."""
    app = App.create_app(layout.build(DEFAULT_CHECKPOINT, "cpu", Disk(tmp_path_factory.mktemp("page"))))
    return {f"{method} {path}" for method, path in walk(app.routes)}


def walk(listed, before=""):
    """Routers inside routers, too."""
    for route in listed:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            context = getattr(route, "include_context", None)
            yield from walk(inner, before + getattr(context, "prefix", getattr(route, "path", "")))
        else:
            for method in getattr(route, "methods", None) or ["GET"]:
                yield method, before + route.path


def example(path):
    """A path that a route's pattern stands for."""
    path = path.replace("{api_name}", "predict").replace("{path_or_url:path}", "/tmp/some.file")
    return re.sub(r"\{\w+\}|\{path:path\}", "some", path)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The program, started as a user would."""
    page = start(tmp_path_factory.mktemp("program"))
    yield page.url
    page.stop()


def test_these_routes_of_the_framework_are_open_and_no_other(framework):
    assert len(framework) > 60
    assert {route for route in framework if routes.is_open(*example(route).split(" ", 1))} == OPEN


def test_no_route_stands_here_that_the_framework_does_not_have(framework):
    examples = [example(route).split(" ", 1) for route in framework]
    for route in routes.ROUTES:
        for method in route.methods:
            assert any(method == m and re.fullmatch(route.path, path) for m, path in examples), (method, route)


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_the_framework_has_no_route_of_the_names_of_our_own(framework, path):
    assert not [route for route in framework if route.endswith(f" {path}")]


def test_closed_routes_are_not_found(url, framework):
    closed = sorted(framework - OPEN)
    assert "POST /gradio_api/process_recording" in closed
    for route in closed:
        method, path = example(route).split(" ", 1)
        status, headers, text = ask(url, method, path, b"{}" if method == "POST" else None)
        assert status == 404, route
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert method == "HEAD" or text.startswith(f"Nothing answers {method} here"), route


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/process_recording",
        "/gradio_api/process_recording/",
        "/gradio_api/%70rocess_recording",
        "//gradio_api/process_recording",
        "/gradio_api/upload/../process_recording",
        "/gradio_api/upload%2f..%2fprocess_recording",
        "/gradio_api/upload%0a/../process_recording",
    ],
)
def test_recordings_are_never_processed(url, path):
    assert ask(url, "POST", path, form(("x.m3u8", b"#EXTM3U"), field="video"), MULTIPART)[0] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/gradio_api/openapi.json"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/api/predict"),
        ("PUT", "/"),
        ("DELETE", "/gradio_api/upload"),
        ("GET", "/gradio_api/file=http://127.0.0.1:9/x"),
        ("GET", "/gradio_api/file=https:/example.org/x"),
        ("GET", "/gradio_api/some_route_of_a_later_version"),
    ],
)
def test_what_the_page_does_not_need_is_not_found(url, method, path):
    assert ask(url, method, path, b"{}" if method in ("POST", "PUT") else None)[0] == 404


def test_the_page_and_its_interface_answer(url):
    for path in ("/", "/config", "/gradio_api/info", "/theme.css", "/manifest.json", "/favicon.ico"):
        status, headers, _ = ask(url, "GET", path)
        assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff"), path
    page = ask(url, "GET", "/")[2]
    assets = set(re.findall(r"(?:src|href)=\"(?:\./)?(assets/[^\"]+)", page))
    assert assets
    for asset in assets:
        assert ask(url, "GET", f"/{asset}")[0] == 200


def test_a_program_uploads_and_predicts(url, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(20, 48, 64)).read_bytes()
    status, text = upload(url, "clip.mp4", clip)
    assert status == 200
    data = [{"path": json.loads(text)[0], "meta": {"_type": "gradio.FileData"}}, 0, 1]
    status, _, text = send_json(url, "/gradio_api/call/predict", {"data": data})
    assert status == 200
    answer = ask(url, "GET", f"/gradio_api/call/predict/{json.loads(text)['event_id']}")[2]
    assert "event: complete" in answer


@pytest.mark.parametrize(
    ("path", "length", "words"),
    [
        (
            "/gradio_api/queue/join",
            1_000_001,
            r"The request has 1000001 bytes; the limit is 1000000\. Upload files first",
        ),
        ("/gradio_api/call/predict", 600 << 20, r"The request has \d+ bytes; the limit is 1000000\."),
        (
            "/gradio_api/upload",
            201 << 20,
            r"The request has 210763776 bytes; the limit is 209815200\. Upload a shorter",
        ),
        ("/gradio_api/upload", int("9" * 18), r"The request has 9{18} bytes; the limit is"),
        ("/gradio_api/queue/join", None, "The request does not say how long it is"),
        ("/gradio_api/upload", None, "The request does not say how long it is"),
    ],
)
def test_large_requests_are_refused_before_they_are_read(url, path, length, words):
    """Nothing of the body is sent: its stated length is enough."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.putrequest("POST", path)
    connection.putheader(*(("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == (411 if length is None else 413)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.match(words, answer.read().decode())
    connection.close()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1:1", 403),
        ("http://[", 403),
        ("{url}.evil.example", 403),
        ("{url}", 200),
        (None, 200),
    ],
)
def test_posts_of_foreign_pages_are_refused(url, origin, status):
    headers = {"Origin": origin.format(url=url)} if origin else {}
    answer = send_json(url, "/gradio_api/call/predict", {"data": [None, 0, 1]}, **headers)
    assert answer[0] == status
    if status == 403:
        assert answer[2].startswith(f"The request comes from a page of {headers['Origin']!r}, but this is ")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("192.0.2.1", 421),
        ("", 421),
    ],
)
def test_the_page_is_known_under_its_own_names_only(url, host, status):
    """A foreign name that leads here would make a foreign page one of the same origin."""
    for path in ("/", "/config", "/gradio_api/info"):
        answer = ask(url, "GET", path, headers={"Host": host, "X-Forwarded-Host": "localhost"})
        assert answer[0] == status
        if status == 421:
            assert answer[2].startswith(f"The request is for {host!r}, under which this page is not known.")
            assert "--allow-host" in answer[2]


def test_what_a_header_says_of_the_host_is_not_believed(url):
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Gradio-Server": "http://evil.example",
        "Origin": "http://evil.example",
    }
    for path in ("/", "/config"):
        assert "evil.example" not in ask(url, "GET", path, headers=headers)[2]


def test_health_is_told_under_every_name(url):
    """Whoever watches over the page may reach it by a name of its own."""
    status, headers, text = ask(url, "GET", "/healthz", headers={"Host": "10.0.0.7:7860"})
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(text)["status"] == "ok"
    assert json.loads(text)["version"] == sifa.__version__
    assert 0 < json.loads(text)["seconds"] < 600
    assert {"waiting", "running"} <= set(json.loads(text))
    assert ask(url, "HEAD", "/healthz")[::2] == (200, "")
    assert ask(url, "POST", "/healthz", b"{}")[0] == 404


def test_counters_are_off_by_default(url):
    assert ask(url, "GET", "/metrics")[::2] == (404, "The counters are off; start the page with --metrics.\n")


@pytest.mark.slow
def test_counters_and_lines_where_they_are_asked_for(tmp_path):
    page = start(tmp_path, "--metrics", "--log-file", str(tmp_path / "log"), "--allow-host", "clips.example.org")
    try:
        assert ask(page.url, "GET", "/theme.css", headers={"Host": "clips.example.org"})[0] == 200
        assert upload(page.url, "secret name.mp4", b"x")[0] == 200
        assert ask(page.url, "GET", "/secret")[0] == 404
        own = {"Origin": "https://clips.example.org", "Content-Type": "application/json"}
        assert ask(page.url, "POST", "/gradio_api/cancel", b"{}", own)[0] == 400, "the proxy has changed Host"
        called = json.loads(send_json(page.url, "/gradio_api/call/predict", {"data": [None, 0, 1]})[2])["event_id"]
        assert "event: error" in ask(page.url, "GET", f"/gradio_api/call/predict/{called}")[2]
        text = ask(page.url, "GET", "/metrics")[2]
    finally:
        page.stop()
    for line in (
        'sifa_requests_total{kind="asset",status="2xx"} 1',
        'sifa_requests_total{kind="closed",status="4xx"} 1',
        "sifa_uploads_total 1",
        'sifa_jobs_total{kind="predict",outcome="failed"} 1',
        "sifa_jobs_waiting 0",
        "sifa_jobs_running 0",
    ):
        assert line in text.splitlines()
    said = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["kind"] for line in lines] == [
        "asset",
        "upload",
        "closed",
        "cancel",
        "call",
        "job",
        "events",
        "metrics",
    ]
    assert [line.get("status") for line in lines] == [200, 200, 404, 400, 200, None, 200, 200]
    assert lines[1]["received"] == len(form(("secret name.mp4", b"x")))
    assert len({line["id"] for line in lines}) == 8
    assert called not in said
    assert "secret" not in said
    assert "127.0.0.1" not in said
    assert "example" not in said
    notes = page.said.splitlines()
    assert notes[-1] == "note: whoever reaches the page can read /metrics"
    assert all(note.startswith("note: ") for note in notes)


def test_no_other_protocol_reaches_the_page():
    sent = []

    async def application(*_):
        raise AssertionError

    async def send(message):
        sent.append(message["type"])

    asyncio.run(guard.Guard(application, None, None)({"type": "websocket", "path": "/", "headers": []}, None, send))
    assert sent == ["websocket.close"]
