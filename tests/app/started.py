"""The real program in a process of its own, on a free port, with a small untrained model, and ways to talk to it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from sifa.weights.checkpoint import save
from tests.predictions import nano_model

ROOT = Path(__file__).parents[2]
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


class Program:
    """A started page: where it is, its process, and the folders of its temporary files and of what it says."""

    def __init__(self, process, url, temporary, errors):
        self.process, self.url, self.temporary, self.errors = process, url, temporary, errors
        self.port = int(url.rstrip("/").rpartition(":")[2])

    def stop(self, signal_number=signal.SIGTERM):
        """Seconds until it has ended, and how."""
        start = time.monotonic()
        self.process.send_signal(signal_number)
        status = self.process.wait(30)
        return time.monotonic() - start, status

    @property
    def said(self):
        """What it wrote to stderr so far."""
        return self.errors.read_text(encoding="utf-8")


def start(folder, *options, **environment):
    """The program, once it answers; whatever it writes lies below `folder`."""
    temporary, checkpoint, errors = folder / "temporary", folder / "small.safetensors", folder / "errors"
    temporary.mkdir()
    model = nano_model()
    save(model, model.card, checkpoint)
    command = [sys.executable, "-m", "app", "--checkpoint", str(checkpoint), "--device", "cpu"]
    command += ["--port", str(free_port()), *options]
    variables = os.environ | {"TMPDIR": str(temporary)} | environment
    with errors.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=stderr, text=True)
    line = process.stdout.readline()
    found = re.match(r"The page is at (http://\S+?)/? ", line)
    assert found, f"the program said {line!r}, {errors.read_text()!r} and ended with {process.poll()}"
    return Program(process, found[1], temporary, errors)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url, method, path, body=None, headers=None):
    """-> (status, headers, text) of one request."""
    request = urllib.request.Request(url + path, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def send_json(url, path, value, **headers):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return ask(url, "POST", path, body, {"Content-Type": "application/json", **headers})


def form(*files, field="files"):
    """A multipart body of (file name, content)."""
    parts = b""
    for name, content in files:
        head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        parts += head.encode() + content + b"\r\n"
    return parts + b"--x--\r\n"


def upload(url, name, content):
    """-> (status, text)"""
    status, _, text = ask(url, "POST", "/gradio_api/upload", form((name, content)), MULTIPART)
    return status, text


def talk(port, data, seconds=5.0, whole=False):
    """-> (status, everything) of bytes as they are, until the first answer is complete or, if `whole`, until the end;
    status 0 where the connection was closed without an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        answer = b""
        try:
            connection.sendall(data)
            while (whole or not is_complete(answer)) and (part := connection.recv(65536)):
                answer += part
        except (TimeoutError, ConnectionError):
            pass
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    return int(found[1]) if found else 0, answer


def is_complete(answer):
    """Whether these bytes hold an answer, as far as its own length says."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and length is not None and len(body) >= int(length[1])
