"""Every notebook runs with the shipped weights, is committed without outputs, and keeps to small cells; `sifa` has no function
that is there for one notebook alone."""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import resource
from collections import defaultdict
from pathlib import Path
from types import FunctionType, ModuleType

import nbformat
import pytest
from nbclient import NotebookClient

import app
import sifa

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
        definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        defined = [node for node in ast.walk(tree) if isinstance(node, definitions)]
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
        offered = dict(vars(package))  # to import sifa.predict, the program, hides sifa.predict, the function
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for statement in ast.parse(inspect.getsource(module)).body:
                itself = vars(module).get(getattr(statement, "name", None))
                used |= functions_of_ours(statement, vars(module)) - {itself}
        vars(package).update(offered)
    return used


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


def helpers_of_one(sources: dict[str, str], library: set[FunctionType]) -> list[str]:
    return sorted(f.__name__ for f, users in used_by_notebooks(sources).items() if len(users) == 1 and f not in library)


def test_no_function_is_there_for_one_notebook_alone(library):
    sources = {file.stem: "\n".join(cell.source for cell in cells(file)) for file in NOTEBOOKS}
    assert helpers_of_one(sources, library) == []


def test_a_function_for_one_notebook_alone_is_found(library):
    one = "import sifa\nfrom sifa import explorer\nsifa.load(), explorer.foreign_block(), explorer.pack()"
    assert helpers_of_one({"one": one}, library) == ["foreign_block"]
    other = "from sifa.explorer import foreign_block\nfrom sifa.widgets import bench\nfor block in blocks: foreign_block(), bench"
    assert helpers_of_one({"one": one, "other": other}, library) == ["bench"]
