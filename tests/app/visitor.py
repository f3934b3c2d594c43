"""Visitors who speak to the program over HTTP as the page does."""

import http.client
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.app.asking import MULTIPART, form


class Visitor:
    """One session of the page, from an address of its own."""

    def __init__(self, url: str, source: str = "127.0.0.1") -> None:
        self.host, self.source, self.session = urlsplit(url).netloc, source, uuid.uuid4().hex[:11]
        self.functions: dict[str, int] = {}

    def connect(self, timeout: float = 120) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=timeout, source_address=(self.source, 0))

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        """-> (status, text)"""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def find_functions(self) -> None:
        """The indices of the page's functions, in the order of layout.connect and timeline_row.connect."""
        config = json.loads(self.ask("GET", "/config")[1])
        names = (
            "load",
            "sample",
            "run",
            "what_if",
            "weights",
            "again",
            "predict",
            "open",
            "survey",
            "window",
            "whole",
            "stop",
        )
        listed = sorted(each["id"] for each in config["dependencies"] if each["backend_fn"])
        assert len(listed) == len(names)
        self.functions = dict(zip(names, listed, strict=True))
        self.titles = next(
            each["props"]["props"]["titles"]
            for each in config["components"]
            if each["props"].get("elem_id") == "weights"
        )

    def upload(self, file: Path) -> dict[str, Any]:
        """-> the clip as an input"""
        body = form((file.name, file.read_bytes()))
        status, text = self.ask("POST", "/gradio_api/upload", body, **MULTIPART)
        assert status == 200, text
        return {"path": json.loads(text)[0], "meta": {"_type": "gradio.FileData"}}

    def join(self, function: str, data: list[Any], session: str | None = None) -> tuple[int, Any]:
        """Wish for something. -> (status, answer)"""
        if not self.functions:
            self.find_functions()
        body = {"data": data, "fn_index": self.functions[function], "session_hash": session or self.session}
        return self.post("/gradio_api/queue/join", body)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        status, text = self.ask("POST", path, json.dumps(body).encode(), **{"Content-Type": "application/json"})
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def listen(self, session: str | None = None, timeout: float = 120) -> Iterator[dict[str, Any]]:
        """The messages of the session, until all its answers are there."""
        connection = self.connect(timeout)
        try:
            connection.request("GET", f"/gradio_api/queue/data?session_hash={session or self.session}")
            answer = connection.getresponse()
            while line := answer.readline():
                if line.startswith(b"data: "):
                    message = json.loads(line[6:])
                    yield message
                    if message["msg"] == "close_stream":
                        return
        finally:
            connection.close()

    def run(self, clip: Any, start: Any = 0, step: Any = 0.04, weights: Any = None) -> list[Any]:
        """Run a clip and wait: the values of all outputs."""
        if not self.functions:
            self.find_functions()
        status, said = self.join("run", [clip, start, step, weights or self.titles[0], None])
        assert status == 200, said
        return self.answer()

    def answer(self, session: str | None = None) -> list[Any]:
        """The values of what the session waits for."""
        (values,) = [m["output"]["data"] for m in self.listen(session) if m["msg"] == "process_completed"]
        return list(values)


def status_of(values: list[Any]) -> str:
    """The words of the status, of the outputs of an event."""
    return str(values[2])
