"""The documentation says what is so: its Python runs, its commands, links and names exist."""

import contextlib
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sifa.cli import main
from tests.requirements import everything

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    file
    for pattern in ("*.md", ".ci/*.md", "app/*.md", "assets/*.md", "notebooks/*.md", "sifa/**/*.md", "tests/*.md")
    for file in ROOT.glob(pattern)
    if "node_modules" not in file.parts
)
SAMPLE = ROOT / "assets" / "samples" / "02_object_moves_right.mp4"
COMMAND = re.compile(r"(?:^|`|\.venv/bin/|-m )sifa ([a-z]+)((?: [^#`\n]*)?)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> list:
    """The pages' code in this language, each as a parameter named after its page."""
    found = [
        (page, code)
        for page in PAGES
        for code in re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)
    ]
    return [pytest.param(code, id=f"{page.relative_to(ROOT)}-{i}") for i, (page, code) in enumerate(found)]


every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize("code", blocks("python"))
def test_its_python_runs_in_a_folder_with_a_clip(code, tmp_path):
    shutil.copy(SAMPLE, tmp_path / "clip.mp4")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code = f"import tests.offline\n{code}"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def help_of(command: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    return out.getvalue()


@every_page
def test_its_commands_and_their_options_exist(page):
    for command, rest in COMMAND.findall(text_of(page)):
        known = help_of(command)
        for option in re.findall(r"--[a-z][a-z-]*", rest):
            assert re.search(rf"{option}\b(?!-)", known), f"sifa {command} {option}"


@every_page
def test_its_make_targets_and_modules_exist(page):
    targets = re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text_of(page))) <= set(targets)
    for module in re.findall(r"python -m ((?:app|sifa|tests)[\w.]*)", text_of(page)):
        if page.name != "CHANGELOG.md":  # which also names those that are gone
            assert importlib.util.find_spec(module), module


@every_page
def test_its_links_lead_somewhere(page):
    prose = re.sub(r"```.*?```|`[^`]*`", "", text_of(page), flags=re.DOTALL)
    for path, heading in LINK.findall(prose):
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {path}"
        if heading and there.suffix == ".md":
            titles = re.findall(r"^#+ (.+)$", text_of(there), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_each_dependency_has_its_line():
    table = text_of(ROOT / "CONTRIBUTING.md").partition("## What each dependency is for")[2]
    assert re.findall(r"^\| ([\w-]+) \|", table, re.MULTILINE)[1:] == [*everything()]


def test_the_first_screen_says_shows_and_starts():
    """One sentence, a picture, the command, before the first 30 lines are over."""
    says, _, shows = "\n".join(text_of(ROOT / "README.md").splitlines()[1:30]).partition("![")
    sentence = says.strip()
    assert sentence.endswith(".")
    assert not re.search(r"[.!?:;]\s", sentence)
    assert "make app" in shows


def test_new_names_in_the_changelog_exist():
    """Each row of its tables: the new names are there, and the old ones are gone."""
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert len(rows) > 20
    for _, new in rows:
        for name in re.findall(r"`(sifa\.[\w.]+)`", new):
            package, _, last = name.rpartition(".")
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                assert hasattr(importlib.import_module(package), last), name


def test_the_packages_have_their_row_in_the_map():
    rooms = re.findall(r"^\| `(\w+)/?` \|", text_of(ROOT / "sifa" / "README.md"), re.MULTILINE)
    there = {f.stem for f in (ROOT / "sifa").iterdir() if not f.name.startswith(("_", ".")) and f.suffix in ("", ".py")}
    assert set(rooms) == there


def test_the_files_in_the_table_of_the_tests_exist():
    first = re.findall(r"^\| (.+?) \|", text_of(ROOT / "tests" / "README.md"), re.MULTILINE)
    named = [name for cell in first for name in cell.split(", ") if "test_" in name]
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "tests" / f"{name}.py").is_file()] == []
