"""Every notebook runs with the shipped weights and without a network, draws what its committed pictures show, is committed
without outputs, and keeps to small cells; `sifa` has no function that is there for one notebook alone."""

import ast
import importlib
import inspect
import io
import json
import pkgutil
import re
import resource
import socket
from collections import defaultdict
from pathlib import Path
from types import FunctionType, ModuleType

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError
from PIL import Image

import app
import sifa
from tests.browser.lesson_pictures import content, executed, figures

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CPU_SECONDS = 120  # of the kernel, on one core: busy machines do half as much in a CPU second as quiet ones
LINES, PICTURE_BYTES = 6, 150_000
PICTURES = ROOT / "notebooks" / "pictures"
OFFLINE = "--IPKernelApp.exec_lines=import tests.offline"
CLOSED = dict.fromkeys(
    ("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"
)  # for programs the kernel starts
PAGE = "http://127.0.0.1:7860/"
TOUR = (ROOT / "sifa" / "explorer" / "viewer" / "state" / "tour.mjs").read_text(encoding="utf-8")
STEPS, CLIP = re.findall(r"^  \{ title: '(.+?)', view", TOUR, re.MULTILINE), re.search(r"CLIP = '(.+)';", TOUR)[1]

every_notebook = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)


def cells(file, kind="code"):
    return [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == kind]


def spent() -> float:
    """CPU seconds of the processes that were started from here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_there_are_notebooks():
    assert {file.stem for file in NOTEBOOKS} >= {"01_quickstart", "05_inside_the_transformer"}


def run(file, folder):
    """The notebook with its outputs, run without a network, and with caches of its own."""
    return executed(file, OFFLINE, IPYTHONDIR=str(folder), SIFA_CACHE=str(folder), **CLOSED)


def differs(name: str, figure: dict | bytes) -> bool:
    """Whether a committed picture shows something else than the figure that the notebook draws now."""
    if isinstance(figure, bytes):
        now, then = (np.asarray(Image.open(file), int) for file in (io.BytesIO(figure), PICTURES / f"{name}.jpg"))
        return now.shape != then.shape or (np.abs(now - then).max(2) > 60).mean() > 0.001
    (words, numbers), (words_then, then) = (
        content(figure),
        json.loads(Image.open(PICTURES / f"{name}.png").text["figure"]),
    )
    learned = name.startswith("06")  # what weights learn there, in per cent, depends on the number of threads
    same = len(numbers) == len(then) and np.allclose(numbers, then, rtol=0.02, atol=40 if learned else 0.01)
    return words != words_then or not same


@pytest.mark.slow
@every_notebook
def test_it_runs_without_a_network_and_draws_what_its_pictures_show(file, tmp_path):
    before = spent()
    drawn = figures(run(file, tmp_path))
    assert spent() - before < CPU_SECONDS
    assert [name for name, figure in drawn.items() if differs(f"{file.stem[:2]}_{name}", figure)] == []


ELSEWHERE = "import urllib.request; urllib.request.urlopen('http://example.invalid', timeout=5)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("socket.create_connection(('192.0.2.1', 80), 5)", "kept from the network: '192.0.2.1'"),
        ("socket.getaddrinfo('example.invalid', 80)", "kept from the network: 'example.invalid'"),
        (f"raise OSError(subprocess.run([sys.executable, '-c', {ELSEWHERE!r}], stderr=-1).stderr)", "refused"),
    ],
)
def test_a_notebook_that_asks_the_network_is_found(code, says, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = f"import socket, subprocess, sys; socket.create_connection({server.getsockname()}, 5).close()"
        made = [nbformat.v4.new_code_cell(source) for source in (here, code)]
        nbformat.write(nbformat.v4.new_notebook(cells=made), tmp_path / "asks.ipynb")
        with pytest.raises(CellExecutionError, match=says) as error:
            run(tmp_path / "asks.ipynb", tmp_path)
    assert code in str(error.value)


@every_notebook
def test_it_is_committed_without_outputs(file):
    for cell in cells(file):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "widgets" not in nbformat.read(file, as_version=4).metadata


@every_notebook
def test_its_cells_are_small_and_define_nothing(file):
    for cell in cells(file):
        assert cell.source.strip()
        assert len(cell.source.splitlines()) <= LINES, cell.source
        tree = ast.parse(re.sub(r"^%", "#", cell.source, flags=re.MULTILINE))
        definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        defined = [node for node in ast.walk(tree) if isinstance(node, definitions)]
        assert defined == [], cell.source


@every_notebook
def test_its_first_screen_shows_a_picture(file):
    assert re.search(r"!\[[^]]+\]\(pictures/", cells(file, "markdown")[0].source)


@every_notebook
def test_its_end_leads_to_the_step_of_the_tour_that_it_names(file):
    end = " ".join(cells(file, "markdown")[-1].source.split())
    ((words, clip, step),) = re.findall(rf"\[([^]]+)\]\({PAGE}#c=(.+?)&tour=(\d+)\)", end)
    assert clip == CLIP
    assert STEPS[int(step)] in words


def test_the_steps_of_the_tour_are_read_from_the_viewer():
    assert len(STEPS) == TOUR.count("{ title: '") == 16
    assert (STEPS[0], STEPS[-1]) == ("A question", "Your turn")


@every_notebook
def test_its_links_lead_somewhere(file):
    for cell in cells(file, "markdown"):
        for target in re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", cell.source):
            assert target[0].startswith(PAGE) or (file.parent / "".join(target)).exists(), target


@every_notebook
def test_what_is_folded_up_is_folded_in_converted_pages_too(file):
    words = "\n".join(cell.source for cell in cells(file, "markdown"))
    folded = re.findall(r"<details>.*?</details>", words, re.DOTALL)
    assert len(folded) == words.count("<summary>") >= 3
    assert [each for each in folded if "\n\n" in each] == []  # nbconvert takes a blank line for the end


@every_notebook
def test_its_pictures_are_small_shown_and_of_its_cells(file):
    made = [f"{file.stem[:2]}_{cell.metadata.picture}" for cell in cells(file) if "picture" in cell.metadata]
    words = "\n".join(cell.source for cell in cells(file, "markdown"))
    there = {picture.name for picture in PICTURES.glob(f"{file.stem[:2]}_*")}
    assert sorted(made) == sorted(Path(name).stem for name in there)
    assert set(re.findall(r"(?:\]\(|src=\")pictures/([^)\"]+)", words)) == there
    assert all((PICTURES / name).stat().st_size < PICTURE_BYTES for name in there)


def named(node: ast.AST, scope: dict):
    """What a name, or a name in a module such as `explorer.show`, stands for; None where that is only known at run time."""
    if isinstance(node, ast.Name):
        return scope.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(module := named(node.value, scope), ModuleType):
        return getattr(module, node.attr, None)


def functions_of_ours(tree: ast.AST, scope: dict) -> set[FunctionType]:
    """The functions of `sifa` that a piece of code names, with what its names stand for in `scope`."""
    found = [named(node, scope) for node in ast.walk(tree)]
    return {each for each in found if inspect.isfunction(each) and each.__module__.startswith("sifa")}


def used_by_the_library() -> set[FunctionType]:
    """The functions that `sifa` and the page use somewhere outside themselves, and those that `import sifa` offers."""
    used = {each for each in vars(sifa).values() if inspect.isfunction(each)}
    for package in (sifa, app):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for statement in ast.parse(inspect.getsource(module)).body:
                itself = vars(module).get(getattr(statement, "name", None))
                used |= functions_of_ours(statement, vars(module) | imported_inside(statement)) - {itself}
    return used


def imported_inside(statement: ast.AST) -> dict:
    """What functions of ours import when they are called, as the commands do, by name."""
    imports = [node for node in ast.walk(statement) if isinstance(node, ast.ImportFrom) and not node.level]
    pairs = [(node.module, name) for node in imports if node.module.startswith("sifa.") for name in node.names]
    return {
        name.asname or name.name: getattr(importlib.import_module(module), name.name, None) for module, name in pairs
    }


def used_by_notebooks(sources: dict[str, str]) -> dict[FunctionType, set[str]]:
    """Functions of `sifa`, and the notebooks, by name, whose code (`sources`) names them."""
    users = defaultdict(set)
    for name, source in sources.items():
        tree, scope = ast.parse(source), {}
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), name, "exec"), scope)
        for each in functions_of_ours(tree, scope):
            users[each].add(name)
    return users


@pytest.fixture(scope="module")
def library():
    return used_by_the_library()


@pytest.fixture
def in_the_notebooks_folder(monkeypatch):
    """Imports find what lies beside the notebooks, as they do in a kernel."""
    monkeypatch.syspath_prepend(ROOT / "notebooks")


def helpers_of_one(sources: dict[str, str], library: set[FunctionType]) -> list[str]:
    return sorted(f.__name__ for f, users in used_by_notebooks(sources).items() if len(users) == 1 and f not in library)


@pytest.mark.usefixtures("in_the_notebooks_folder")
def test_no_function_is_there_for_one_notebook_alone(library):
    sources = {file.stem: "\n".join(cell.source for cell in cells(file)) for file in NOTEBOOKS}
    assert helpers_of_one(sources, library) == []


def test_a_function_for_one_notebook_alone_is_found(library):
    one = "import sifa\nfrom sifa import explorer\nsifa.load(), explorer.foreign_block(), explorer.pack()"
    assert helpers_of_one({"one": one}, library) == ["foreign_block"]
    imports = "from sifa.explorer import foreign_block\nfrom sifa.charts.plots import plot_bars\n"
    other = imports + "for block in blocks: foreign_block(), plot_bars"
    assert helpers_of_one({"one": one, "other": other}, library) == ["plot_bars"]
