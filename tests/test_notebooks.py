"""Every notebook runs with the shipped weights, is committed without outputs, and keeps to small cells."""

import ast
import os
import re
import resource
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CPU_SECONDS = 60  # of the kernel: at most a minute on one core, however busy the machine is
LINES, PICTURE_BYTES = 6, 150_000

every_notebook = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)


def cells(file, kind="code"):
    return [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == kind]


def spent() -> float:
    """CPU seconds of the processes that were started from here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_there_are_notebooks():
    assert {file.stem for file in NOTEBOOKS} >= {"01_quickstart", "05_inside_the_transformer"}


@pytest.mark.slow
@every_notebook
def test_it_runs(file, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("SIFA_CACHE", str(tmp_path))
    before = spent()
    book = nbformat.read(file, as_version=4)
    NotebookClient(book, timeout=600, resources=dict(metadata=dict(path=str(file.parent)))).execute()
    assert spent() - before < CPU_SECONDS


@every_notebook
def test_it_is_committed_without_outputs(file):
    for cell in cells(file):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "widgets" not in nbformat.read(file, as_version=4).metadata


@every_notebook
def test_its_cells_are_small_and_define_nothing(file):
    for cell in cells(file):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert 1 <= len(lines) <= LINES, cell.source
        tree = ast.parse(re.sub(r"^%", "#", cell.source, flags=re.MULTILINE))
        defined = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)]
        assert defined == [], cell.source


@every_notebook
def test_its_first_screen_shows_a_picture_and_its_end_leads_on(file):
    words = cells(file, "markdown")
    assert re.search(r"!\[[^]]+\]\(", words[0].source)
    assert "tour" in words[-1].source


@every_notebook
def test_its_pictures_and_links_are_there(file):
    for cell in cells(file, "markdown"):
        for target in re.findall(r"\]\(([^):]+)\)", cell.source):
            assert (file.parent / target).exists(), target
            assert "pictures/" not in target or (file.parent / target).stat().st_size < PICTURE_BYTES
