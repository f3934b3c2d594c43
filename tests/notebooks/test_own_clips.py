"""Notebook 06 with a reader's own clips: what stands under "Only for the generated clips" is left out, the rest runs."""

import hashlib
import os
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.clips import numbered_frames, write_clip

ROOT = Path(__file__).parents[2]
FILE = ROOT / "notebooks" / "06_train_your_own.ipynb"
GENERATED = "## Only for the generated clips"
COUNTS = {"jump": 5, "walk & wave": 2}


@pytest.fixture
def own(tmp_path) -> Path:
    """Two classes of a reader, one with a clip to hold out, one with too few; and a file that is no video."""
    folder = tmp_path / "my clips"
    for label, count in COUNTS.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            write_clip(folder / label / f"{number}.mp4", np.roll(numbered_frames(24, 64, 80), number, axis=2))
    (folder / "walk & wave" / "notes.mp4").write_text("no video")
    return folder


def sections() -> list[list[NotebookNode]]:
    """The notebook's cells, each section from the cell that holds its heading on."""
    found = [[]]
    for cell in nbformat.read(FILE, as_version=4).cells:
        if cell.cell_type == "markdown" and any(line.startswith("## ") for line in cell.source.splitlines()):
            found.append([])
        found[-1].append(cell)
    return found


def for_generated_clips(section: list[NotebookNode]) -> bool:
    return GENERATED in section[0].source


def changed(source: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


def state(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def run(cells: list[NotebookNode], folder: Path, monkeypatch, home: Path) -> NotebookNode:
    """Code cells run in a kernel of their own as a reader would, with `clips` set to the folder and a few steps."""
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("IPYTHONDIR", str(home))
    book = nbformat.v4.new_notebook(cells=[cell for cell in cells if cell.cell_type == "code"])
    (settings,) = (cell for cell in book.cells if "STEPS = " in cell.source)
    own = {"STEPS = 24": "STEPS = 2", "clips = generated": f"clips = Path({str(folder)!r})"}
    settings.source = changed(settings.source, own)
    return NotebookClient(book, timeout=300, resources=dict(metadata=dict(path=str(FILE.parent)))).execute()


@pytest.mark.slow
def test_the_rest_of_the_notebook_runs_on_a_folder_of_other_clips(own, monkeypatch, tmp_path):
    before = state(own)
    cells = [cell for section in sections() if not for_generated_clips(section) for cell in section]
    seen = "print([mine.card.labels, data.count, second[0].parent.name, prediction.labels, clips.exists()])"
    book = run([*cells, nbformat.v4.new_code_cell(seen)], own, monkeypatch, tmp_path)
    labels = tuple(COUNTS)
    assert book.cells[-1].outputs[0].text.strip() == str([labels, 7, "walk & wave", labels, True])
    texts = "".join(out.get("text", "") for cell in book.cells for out in cell.outputs)
    assert "7 clips of 2 classes, 1 of them held out; 1 could not be read" in texts
    assert state(own) == before


@pytest.mark.slow
def test_making_the_generated_clips_leaves_the_own_folder_alone(own, monkeypatch, tmp_path):
    """For a reader who sets `clips` and then runs all cells."""
    before = state(own)
    first, *rest = sections()
    (made,) = (number for number, section in enumerate(rest) if "make them" in section[0].source)
    cells = [*first, *(cell for section in rest[: made + 1] for cell in section)]
    seen = nbformat.v4.new_code_cell("print(sorted(each.name for each in generated.iterdir()))")
    book = run([*cells, seen], own, monkeypatch, tmp_path)
    assert book.cells[-1].outputs[0].text.strip() == "['looks', 'looks and returns', 'looks and stays']"
    assert state(own) == before
