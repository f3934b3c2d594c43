"""How `sifa app` finds the page: as sifa.app where it is installed, as the folder app/ in a checkout."""

import subprocess
import sys
from pathlib import Path

import pytest

from sifa.cli import app
from sifa.errors import RunError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def no_page(monkeypatch):
    """As if no page had been imported, during the test."""
    before = {name: module for name, module in sys.modules.items() if name.startswith("sifa.app")}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.startswith("sifa.app")]:
        del sys.modules[name]
    sys.modules.update(before)


def page(folder: Path, main: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "server.py").write_text(main)
    (folder / "__main__.py").write_text("from .server import main\n")
    return folder


MAIN = "def main(argv):\n    print(__name__, *argv)\n    return 7\n"


def test_a_page_in_the_package_is_taken(no_page, tmp_path, monkeypatch, capsys):
    import sifa

    page(tmp_path / "app", MAIN)
    monkeypatch.setattr(sifa, "__path__", [*sifa.__path__, str(tmp_path)])
    assert app.run(["--port", "1", "-h"]) == 7
    assert capsys.readouterr().out == "sifa.app.server --port 1 -h\n"


def test_a_page_beside_the_package_is_borrowed(no_page, tmp_path, monkeypatch, capsys):
    page(tmp_path / "app", MAIN)
    monkeypatch.setattr(app, "__file__", str(tmp_path / "sifa" / "cli" / "app.py"))
    assert app.run([]) == 7
    assert capsys.readouterr().out == "sifa.app.server\n"


def test_a_page_that_is_missing_is_said(no_page, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "__file__", str(tmp_path / "sifa" / "cli" / "app.py"))
    with pytest.raises(RunError, match="there is no page beside .*install sifa-explorer with its extra"):
        app.find_page()


def test_the_page_of_this_checkout_says_what_it_takes():
    done = subprocess.run(
        [sys.executable, "-m", "sifa", "app", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "--port" in done.stdout
