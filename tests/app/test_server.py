"""The page as a program: in the repository it is `app`, in the wheel `sifa.app`."""

import ast
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from app import server

from .asking import ask
from .program import start

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
    for option in (
        "--checkpoint",
        "--device auto|cpu|cuda|cuda:N",
        "--port",
        "--share",
        "--host",
        "--allow-host",
        "--log-file",
        "--metrics",
    ):
        assert option in text


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6")
def test_two_colons_are_all_addresses_of_both_kinds():
    with server.listen("::", 0) as listening:
        for place in ("127.0.0.1", "::1"):
            socket.create_connection((place, listening.getsockname()[1]), timeout=5).close()


def test_without_a_temporary_folder_the_reason_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert server.main([]) == 1
    assert capsys.readouterr().err.startswith("there is no room for the page's files (No such file or directory")


@pytest.mark.slow
@pytest.mark.parametrize("python", [["-m", "app"], ["-c", IN_THE_WHEEL]], ids=["app", "sifa.app"])
def test_a_busy_port_is_one_sentence(tmp_path, python):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, *python, "--port", str(port), "--device", "cpu"]
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
def test_weights_may_be_a_url(monkeypatch, capsys, tmp_path):
    asked, url = [], "https://weights.example/some/model.safetensors"

    def refuse(url, **_):
        asked.append(url)
        raise OSError("no network in this test")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setenv("SIFA_CACHE", str(tmp_path))
    assert server.main(["--checkpoint", url]) == 1
    assert asked == [url]
    assert capsys.readouterr().err.startswith(f"{url} could not be downloaded")


@pytest.mark.usefixtures("outside")
def test_a_missing_device_is_one_sentence(capsys):
    assert server.main(["--device", "cuda:99"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("the device is 'cuda:99', but PyTorch finds ")
    assert said.endswith("; use --device cpu\n")


@pytest.mark.usefixtures("outside")
def test_without_gradio_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("layout", "events"):
        monkeypatch.delitem(sys.modules, f"app.{name}", raising=False)
        monkeypatch.delattr(f"app.{name}", raising=False)
    assert server.main([]) == 1
    assert capsys.readouterr().err == "the page needs gradio; install it with: pip install 'sifa-explorer[app]'\n"


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("host", ["192.0.2.77", "no.such.host.invalid", "[2001:db8::77]"])
def test_an_address_of_another_computer_is_one_sentence(host, capsys):
    assert server.main(["--host", host, "--device", "cpu"]) == 1
    assert capsys.readouterr().err == f"{host!r} is no address of this computer; choose another with --host\n"


@pytest.mark.usefixtures("outside")
def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    assert server.main(["--log-file", str(tmp_path / "no" / "log")]) == 1
    assert "log cannot be written (No such file or directory); choose another --log-file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "http://x.example", "x.example:80", "a b", "*x.example", "x.*", "*.", "**"])
def test_names_of_hosts_are_looked_at_first(name, capsys):
    with pytest.raises(SystemExit):
        server.parser("sifa app").parse_args(["--allow-host", name])
    assert f"{name!r} is no name of a host; use one like clips.example.org, without a port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::", "http://[::1]:7860"),
        ("::1", "http://[::1]:7860"),
        ("[::1]", "http://[::1]:7860"),
        ("clips.example.org", "http://clips.example.org:7860"),
    ],
)
def test_the_address_can_be_opened(host, shown):
    assert server.address(host, 7860) == shown


@pytest.mark.parametrize(
    ("options", "space", "known", "unknown"),
    [
        ([], None, ["localhost"], ["192.0.2.1", "evil.example"]),
        (["--host", "192.0.2.1"], None, ["192.0.2.1:7860", "localhost"], ["192.0.2.2"]),
        (["--host", "2001:db8::1"], None, ["[2001:db8::1]:7860"], ["[2001:db8::2]"]),
        (["--host", "0.0.0.0"], None, ["192.0.2.1", "[2001:db8::1]"], ["evil.example"]),
        (
            ["--allow-host", "a.example", "--allow-host", "*.b.example"],
            None,
            ["a.example", "x.b.example"],
            ["b.example"],
        ),
        (["--host", "0.0.0.0"], "me-page.hf.space", ["me-page.hf.space", "10.0.0.1", "what.ever"], [""]),
    ],
)
def test_under_which_names_the_page_is_known(options, space, known, unknown, monkeypatch):
    monkeypatch.delenv(server.SPACE, raising=False)
    if space:
        monkeypatch.setenv(server.SPACE, space)
    hosts = server.known_as(server.parser("sifa app").parse_args(options))
    assert [name for name in known if not hosts.allows(name)] == []
    assert [name for name in unknown if hosts.allows(name)] == []


def test_notes_say_what_is_missing_and_what_is_open(monkeypatch):
    monkeypatch.delenv(server.SPACE, raising=False)
    quiet, loud = (server.parser("sifa app").parse_args(options) for options in ([], ["--host", "::", "--metrics"]))
    assert server.notes(quiet, samples=True) == []
    samples, reached, counters = server.notes(loud, samples=False)
    assert "there are no samples" in samples
    assert "--allow-host" in reached
    assert "/metrics" in counters


@pytest.mark.slow
@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv6_address_stands_in_brackets(tmp_path):
    page = start(tmp_path, "--host", "::1")
    try:
        assert page.url.startswith("http://[::1]:")
        assert ask(page.url, "GET", "/healthz")[0] == 200
        assert all(line.startswith("note: ") for line in page.said.splitlines())
    finally:
        assert page.stop()[1] == 0
