"""The end of the program, whatever is under way: soon, with nothing left behind."""

import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.clips import numbered_frames, write_clip

from .asking import ask, form, send_json, upload
from .program import start

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")]
SECONDS = 2.0


@pytest.fixture
def page(tmp_path):
    page = start(tmp_path)
    yield page
    if page.process.poll() is None:
        page.process.kill()


def children(process):
    """Of a process, on Linux: what it has started and what runs still."""
    found = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        found += map(int, listed.read_text().split())
    return found


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def check_end(page, signal_number):
    seconds, status = page.stop(signal_number)
    assert status == 0
    assert seconds < SECONDS
    assert list(page.temporary.iterdir()) == []
    assert "Traceback" not in page.said
    assert len(page.said) < 300


def test_while_a_job_runs_and_its_events_are_read(page, tmp_path):
    """At Ctrl+C: the clip is large enough to be decoded for a while, in a process of its own."""
    clip = write_clip(tmp_path / "long.mp4", numbered_frames(300, 96, 128).repeat(4, 1).repeat(4, 2)).read_bytes()
    path = json.loads(upload(page.url, "long.mp4", clip)[1])[0]
    body = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, 0, 1]}
    event = json.loads(send_json(page.url, "/gradio_api/call/predict", body)[2])["event_id"]
    listening = threading.Thread(target=lambda: swallow(page.url, f"/gradio_api/call/predict/{event}"))
    listening.start()
    end = time.monotonic() + 20
    while not (decoding := children(page.process.pid)):
        assert time.monotonic() < end
        time.sleep(0.02)
    check_end(page, signal.SIGINT)
    listening.join(5)
    time.sleep(0.1)
    assert [child for child in decoding if is_running(child)] == []


def swallow(url, path):
    with contextlib.suppress(OSError, http.client.HTTPException):
        ask(url, "GET", path)


def test_while_an_upload_is_open_and_a_connection_idle(page):
    head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with (
        socket.create_connection(("127.0.0.1", page.port)) as uploading,
        socket.create_connection(("127.0.0.1", page.port)),
    ):
        uploading.sendall(head + b"Content-Length: 1000000\r\n\r\n" + form(("clip.mp4", b"x" * 10_000))[:-9])
        time.sleep(0.5)
        check_end(page, signal.SIGTERM)


def test_twice_is_at_once(page):
    page.process.send_signal(signal.SIGINT)
    check_end(page, signal.SIGINT)
