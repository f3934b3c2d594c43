"""What the page answers over HTTP, asked of the real program on a port of its own, and of the framework's list of routes."""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from gradio.routes import App

from app import layout, routes
from app.disk import Disk
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.clips import numbered_frames, write_clip

ROOT = Path(__file__).parents[2]
OPEN = {  # of the framework's routes
    "GET /",
    "HEAD /",
    "GET /config",
    "GET /favicon.ico",
    "GET /manifest.json",
    "GET /robots.txt",
    "GET /theme.css",
    "GET /assets/{path:path}",
    "GET /static/{path:path}",
    "GET /gradio_api/app_id",
    "GET /gradio_api/info",
    "GET /gradio_api/startup-events",
    "GET /gradio_api/upload_progress",
    "GET /gradio_api/heartbeat/{session_hash}",
    "GET /gradio_api/queue/data",
    "GET /gradio_api/call/{api_name}/{event_id}",
    "GET /gradio_api/file={path_or_url:path}",
    "HEAD /gradio_api/file={path_or_url:path}",
    "POST /gradio_api/upload",
    "POST /gradio_api/queue/join",
    "POST /gradio_api/cancel",
    "POST /gradio_api/reset",
    "POST /gradio_api/call/{api_name}",
}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


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
    return re.sub(r"\{path_or_url:path\}", "/tmp/some.file", re.sub(r"\{\w+\}|\{path:path\}", "some", path))


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The program, started as a user would."""
    temporary = tmp_path_factory.mktemp("temporary")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app", "--device", "cpu", "--port", str(port)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        found = re.match(r"The page is at (http://[^ /]+)", line)
        assert found, f"the program said {line!r}"
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def ask(url, method, path, body=None, headers=None):
    """-> (status, headers, text) of one request."""
    request = urllib.request.Request(url + path, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def send_json(url, path, value, **headers):
    return ask(url, "POST", path, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


def test_these_routes_of_the_framework_are_open_and_no_other(framework):
    assert len(framework) > 60
    assert {route for route in framework if routes.is_open(*example(route).split(" ", 1))} == OPEN


def test_no_route_stands_here_that_the_framework_does_not_have(framework):
    examples = [example(route).split(" ", 1) for route in framework]
    for method, patterns in routes.ROUTES.items():
        for pattern in patterns:
            if method != "HEAD":
                assert any(method == m and re.fullmatch(pattern, path) for m, path in examples), pattern


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
    form = b'--x\r\nContent-Disposition: form-data; name="video"; filename="x.m3u8"\r\n\r\n#EXTM3U\r\n--x--\r\n'
    assert ask(url, "POST", path, form, MULTIPART)[0] == 404


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
    for path in ("/", "/config", "/gradio_api/info", "/theme.css", "/manifest.json", "/favicon.ico", "/robots.txt"):
        status, headers, _ = ask(url, "GET", path)
        assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff"), path
    page = ask(url, "GET", "/")[2]
    assets = set(re.findall(r"(?:src|href)=\"(?:\./)?(assets/[^\"]+)", page))
    assert assets
    for asset in assets:
        assert ask(url, "GET", f"/{asset}")[0] == 200


def test_a_program_uploads_and_predicts(url, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(20, 48, 64)).read_bytes()
    form = b'--x\r\nContent-Disposition: form-data; name="files"; filename="clip.mp4"\r\n\r\n' + clip + b"\r\n--x--\r\n"
    status, _, text = ask(url, "POST", "/gradio_api/upload", form, MULTIPART)
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


def test_no_other_protocol_reaches_the_page():
    sent = []

    async def application(*_):
        raise AssertionError

    async def send(message):
        sent.append(message["type"])

    asyncio.run(routes.Guard(application)({"type": "websocket", "path": "/", "headers": []}, None, send))
    assert sent == ["websocket.close"]
