"""The real program in a process of its own, on a free port."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sifa.weights.checkpoint import save
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.predictions import nano_model

ROOT = Path(__file__).parents[2]


class Program:
    """The program where it runs: its process and address, where its temporary files lie, and what it says on stderr."""

    def __init__(self, process: subprocess.Popen[str], url: str, temporary: Path, errors: Path) -> None:
        self.process, self.url, self.temporary, self.errors = process, url, temporary, errors
        self.port = int(url.rpartition(":")[2])

    @property
    def folder(self) -> Path:
        """Where it keeps uploads and results."""
        (found,) = self.temporary.glob("sifa-explorer-*")
        return found

    @property
    def said(self) -> str:
        """What it wrote to stderr so far."""
        return self.errors.read_text(encoding="utf-8")

    def stop(self, signal_number: int = signal.SIGTERM) -> tuple[float, int]:
        """Seconds until it has ended, and how."""
        start = time.monotonic()
        self.process.send_signal(signal_number)
        status = self.process.wait(30)
        return time.monotonic() - start, status


def start(
    folder: Path,
    *options: str,
    weights: Path | None = None,
    python: tuple[str, ...] = ("-m", "app"),
    **environment: str,
) -> Program:
    """The program, once it answers, with a small untrained model if no other is given; whatever it writes lies below
    `folder`. `python` are Python's own options."""
    temporary, errors = folder / "temporary", folder / "errors"
    temporary.mkdir()
    command = [sys.executable, *python, "--checkpoint", str(weights or small_weights(folder)), "--device", "cpu"]
    command += ["--port", str(free_port()), *options]
    variables = os.environ | {"TMPDIR": str(temporary)} | environment
    with errors.open("wb") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert process.stdout
    line = process.stdout.readline()
    found = re.match(r"The page is at (http://\S+) ", line)
    assert found, f"the program said {line!r}, {errors.read_text()!r} and ended with {process.poll()}"
    return Program(process, found[1], temporary, errors)


@contextmanager
def program(
    folder: Path, *options: str, weights: Path | None = DEFAULT_CHECKPOINT, python: tuple[str, ...] = ("-m", "app")
) -> Iterator[Program]:
    """The program with its own weights while the body runs."""
    page = start(folder, *options, weights=weights, python=python)
    try:
        yield page
    finally:
        if page.process.poll() is None:
            page.stop()


def small_weights(folder: Path) -> Path:
    """A new file of an untrained model."""
    file, model = folder / "small.safetensors", nano_model()
    save(model, model.card, file)
    return file


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
