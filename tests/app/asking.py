"""Requests to the program over HTTP: as they should be, and as bytes."""

import json
import re
import socket
import urllib.error
import urllib.request

MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


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
