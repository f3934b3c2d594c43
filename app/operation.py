"""How the page does: one line of JSON for each request and each job, and the same as counters. No name of a file, no
address and no content is ever among them."""

import json
import logging
import re
import secrets
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from typing import Any

import sifa

NAME = "sifa.app.operation"
log = logging.getLogger(NAME)
UNTOLD = re.compile(r"[^-\w ]")  # in a label
STARTED = time.monotonic()


class Counts:
    """What was counted since the start; `queue` says how many jobs wait and how many run, where somebody has set it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: dict[str, float] = defaultdict(float)
        self.queue: Callable[[], tuple[int, int]] | None = None

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to the counter with this name and these labels."""
        told = ",".join(f'{key}="{UNTOLD.sub("_", value)}"' for key, value in labels.items())
        with self.lock:
            self.values[f"sifa_{name}{{{told}}}" if told else f"sifa_{name}"] += amount


COUNTS = Counts()


def log_request(kind: str, seconds: float, status: int, received: int, sent: int) -> None:
    """Note a request: the name of its route, and the bytes of both bodies; status 0 is one that got no answer."""
    _write(kind, seconds, status=status, received=received, sent=sent)
    COUNTS.add("requests_total", kind=kind, status=f"{status // 100}xx")
    COUNTS.add("request_seconds_total", seconds, kind=kind)
    COUNTS.add("received_bytes_total", received)
    COUNTS.add("sent_bytes_total", sent)
    if kind == "upload" and status == 200:
        COUNTS.add("uploads_total")


def log_job(kind: str, seconds: float, outcome: str) -> None:
    """Note a job: what was asked for, how long it took, and how it ended, each in a word."""
    _write("job", seconds, job=kind, outcome=outcome)
    COUNTS.add("jobs_total", kind=kind, outcome=outcome)
    COUNTS.add("job_seconds_total", seconds, kind=kind)


def _write(kind: str, seconds: float, **rest: Any) -> None:
    if log.isEnabledFor(logging.INFO):
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = dict(time=now, id=secrets.token_hex(4), kind=kind, seconds=round(seconds, 4), **rest)
        log.info(json.dumps(line))


def log_to(target: str | None) -> None:
    """Send the lines to a file, to stderr where it is `-`, or nowhere. Raises OSError."""
    log.propagate = False
    log.setLevel(logging.INFO if target else logging.CRITICAL)
    if target:
        file = target != "-"
        log.addHandler(WatchedFileHandler(target, encoding="utf-8") if file else logging.StreamHandler(sys.stderr))


def health() -> dict[str, Any]:
    """That the page is up, in a few words."""
    told: dict[str, Any] = dict(status="ok", version=sifa.__version__, seconds=round(time.monotonic() - STARTED, 1))
    if COUNTS.queue is not None:
        told["waiting"], told["running"] = COUNTS.queue()
    return told


def metrics() -> str:
    """All counters, in the text format that Prometheus reads."""
    with COUNTS.lock:
        values = dict(COUNTS.values)
    kinds = dict.fromkeys(sorted({name.partition("{")[0] for name in values}), "counter")
    values["sifa_up_seconds"] = time.monotonic() - STARTED
    if COUNTS.queue is not None:
        values["sifa_jobs_waiting"], values["sifa_jobs_running"] = COUNTS.queue()
    lines = []
    for name in dict.fromkeys([*kinds, *(name.partition("{")[0] for name in values)]):
        lines.append(f"# TYPE {name} {kinds.get(name, 'gauge')}")
        lines += [f"{key} {value:.15g}" for key, value in values.items() if key.partition("{")[0] == name]
    return "\n".join(lines) + "\n"
