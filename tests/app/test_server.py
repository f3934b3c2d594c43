"""The page as a program: in the repository it is `app`, in the wheel `sifa.app`."""

import ast
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app import server

ROOT = Path(__file__).parents[2]
IN_THE_WHEEL = f"""
import importlib.util, sys
import sifa
spec = importlib.util.spec_from_file_location("sifa.app", {str(ROOT / "app" / "__init__.py")!r})
sys.modules["sifa.app"] = sifa.app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sifa.app)
from sifa.app.server import main
status = main(sys.argv[1:])
assert not [name for name in sys.modules if name.partition(".")[0] == "app"]
sys.exit(status)
"""


def test_the_folder_names_its_own_modules_relatively_only():
    for file in (ROOT / "app").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert "app" not in [name.partition(".")[0] for name in names], file


@pytest.mark.parametrize(
    ("options", "prog"), [({}, "sifa app"), ({"prog": "python -m app"}, "python -m app")], ids=["command", "module"]
)
def test_help_names_the_command_and_every_option(options, prog, capsys):
    with pytest.raises(SystemExit) as stopped:
        server.main(["--help"], **options)
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {prog} ")
    for option in ("--checkpoint", "--device auto|cpu|cuda|cuda:N", "--port", "--share"):
        assert option in text


@pytest.mark.slow
@pytest.mark.parametrize("start", [["-m", "app"], ["-c", IN_THE_WHEEL]], ids=["app", "sifa.app"])
def test_a_busy_port_is_one_sentence(tmp_path, start):
    """The page is built whole before the port is asked for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, *start, "--port", str(port), "--device", "cpu"]
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, cwd=ROOT, check=False
        )
    assert done.returncode == 1
    assert done.stderr.strip() == f"port {port} is in use or not allowed; choose another with --port"
    assert [file for file in tmp_path.iterdir() if file.name.startswith("sifa-")] == []


@pytest.fixture
def outside(monkeypatch):
    """Undoes what the program sets in its process."""
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(signal, "signal", lambda *_: None)


@pytest.mark.usefixtures("outside")
def test_missing_weights_are_one_sentence(tmp_path, capsys):
    assert server.main(["--checkpoint", str(tmp_path / "lost.safetensors"), "--device", "cpu"]) == 1
    assert capsys.readouterr().err == "there is no checkpoint lost.safetensors; check the path\n"


@pytest.mark.usefixtures("outside")
def test_without_gradio_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("layout", "events"):
        monkeypatch.delitem(sys.modules, f"app.{name}", raising=False)
        monkeypatch.delattr(f"app.{name}", raising=False)
    assert server.main([]) == 1
    assert capsys.readouterr().err == "the page needs gradio; install it with: pip install 'sifa-explorer[app]'\n"
