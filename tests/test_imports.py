"""How the packages stand on each other: imports only go down, no name hides another, files and functions stay small."""

import ast
import importlib
import inspect
import pkgutil
import pydoc
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

import sifa
from tests.requirements import core

ROOT = Path(__file__).parents[1]
FLOORS = (  # a package imports from the floors below its own; those of one floor do not know each other
    ("errors",),
    ("model", "video"),
    ("weights", "data"),
    ("tracing",),
    ("explorer",),
    ("charts",),
    ("evaluation",),
    ("training",),
    ("batch",),
    ("cli",),
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
NOT_FOR_THE_APP = {"evaluation", "training", "batch"}  # nor for sifa/__init__.py
LINES, FUNCTION_LINES = 300, 60
GENERATED = {"sifa/explorer/viewer/bundle.js"}  # written by `make viewer`
OPTIONAL = {  # what only the extras install, and the modules that import it at their top
    "gradio": ("app/",),
    "plotly": ("app/", "sifa/charts/"),
    "uvicorn": ("app/", "sifa/batch/browse/server"),  # these four come with gradio
    "fastapi": ("app/",),
    "starlette": ("app/", "sifa/batch/browse/server"),
    "python_multipart": ("app/",),
    "numba": ("sifa/model/kernels/",),
    "llvmlite": ("sifa/model/kernels/",),  # comes with numba
    "triton": ("sifa/model/kernels/_triton", "sifa/model/kernels/_tiles"),
    "ipywidgets": ("sifa/charts/panels",),
    "anywidget": ("sifa/explorer/widget",),
    "traitlets": ("sifa/explorer/widget",),  # comes with anywidget
    "cv2": ("sifa/evaluation/classical",),
    "pyarrow": ("sifa/batch/parts", "sifa/batch/browse/table"),
    "duckdb": ("sifa/batch/browse/table",),
}


def sources(*suffixes: str) -> list[Path]:
    """The files of the library and of the page with these suffixes."""
    files = [f for folder in ("sifa", "app") for f in (ROOT / folder).rglob("*") if f.suffix in suffixes]
    return sorted(f for f in files if "node_modules" not in f.parts)


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


class Import(NamedTuple):
    name: str  # in full; `from a import b` counts as a.b, which may be a module
    line: int
    relative: bool

    @property
    def top(self) -> str:
        return self.name.split(".")[0]

    @property
    def room(self) -> str:
        """The part of the library that is imported; empty for the library itself."""
        return (self.name + ".").split(".")[1]


def imports(tree: ast.AST, package: tuple[str, ...]) -> Iterator[Import]:
    """What a file of a package imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *([node.module] if node.module else [])))
            yield from (Import(f"{module}.{alias.name}", node.lineno, node.level > 0) for alias in node.names)


def allowed(room: str, found: Import) -> bool:
    """Whether a room ("app", a package or module of the library, "__init__" for its face) may import this."""
    if found.top == "app":
        return found.relative if room == "app" else room == "cli"  # the cli loads the page: the one exception
    if found.top != "sifa":
        return found.top not in ("tests", "notebooks")
    if room in ("app", "__init__"):
        return found.room not in NOT_FOR_THE_APP and (room == "app" or found.room != "cli")
    if room not in FLOOR:  # sifa/__main__.py
        return True
    if found.room == "app":
        return room == "cli"
    if found.name == "sifa.__version__":
        return True
    return found.room == room or FLOOR.get(found.room, len(FLOORS)) < FLOOR[room]


def violations(file: str, source: str) -> list[str]:
    """The imports of a file that the order does not allow."""
    folder, *inside = Path(file).with_suffix("").parts
    room = "app" if folder == "app" else inside[0]
    found = imports(ast.parse(source), Path(file).parts[:-1])
    return [f"{file}:{one.line} imports {one.name}" for one in found if not allowed(room, one)]


def test_imports_only_go_down():
    assert [v for f in sources(".py") for v in violations(name_of(f), f.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("sifa/model/swin.py", "from sifa.tracing.hooks import record"),
        ("sifa/model/swin.py", "def f():\n    import sifa.video.read"),
        ("sifa/weights/card.py", "from sifa.data import listing"),
        ("sifa/weights/card.py", "from ..data import listing"),
        ("sifa/errors.py", "from sifa.model import swin"),
        ("sifa/charts/plots.py", "import sifa"),
        ("sifa/charts/plots.py", "from app import handlers"),
        ("sifa/training/loop.py", "from sifa.cli import main"),
        ("sifa/__init__.py", "from sifa.training.loop import train"),
        ("app/handlers.py", "from sifa.evaluation.report import failures"),
        ("app/handlers.py", "from app.layout import build"),
    ],
)
def test_an_import_that_goes_up_or_aside_is_found(file, source):
    assert len(violations(file, source)) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("sifa/model/swin.py", "from sifa.errors import SifaError\nfrom . import attention"),
        ("sifa/cli/app.py", "from sifa.app import __main__"),
        ("sifa/cli/train.py", "from sifa.training.loop import train"),
        ("app/handlers.py", "from . import layout\nimport sifa"),
    ],
)
def test_an_import_that_goes_down_is_allowed(file, source):
    assert violations(file, source) == []


def test_every_package_has_its_floor():
    rooms = {f.stem if f.is_file() else f.name for f in (ROOT / "sifa").iterdir() if not f.name.startswith((".", "_"))}
    assert rooms - {"README", "py"} == set(FLOOR)


def test_modules_import_at_their_top_what_the_package_depends_on():
    """So that `import sifa`, predicting and the page in one file work without the extras."""
    distributions = metadata.packages_distributions()
    wrong = []
    for file in sources(".py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        top = ast.Module([node for node in body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        for one in imports(top, file.relative_to(ROOT).parts[:-1]):
            if one.top in sys.stdlib_module_names or one.top in ("sifa", "app"):
                continue
            if not (set(distributions[one.top]) & core() or name_of(file).startswith(OPTIONAL.get(one.top, ("-",)))):
                wrong.append(f"{name_of(file)}:{one.line} imports {one.name}")
    assert wrong == []


@pytest.mark.parametrize("name", sifa.__all__)
def test_no_module_hides_a_public_name(name):
    """`import sifa.predict` would put a module in the place of the function."""
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"sifa.{name}")
    assert not isinstance(getattr(sifa, name), ModuleType)


def test_no_module_hides_a_function_of_its_package():
    packages = [p.name for p in pkgutil.walk_packages(sifa.__path__, "sifa.") if p.ispkg and p.name != "sifa.app"]
    for package in map(importlib.import_module, packages):
        for module in pkgutil.iter_modules(package.__path__):
            kept = getattr(package, module.name, None)
            if inspect.isroutine(kept) or inspect.isclass(kept):
                importlib.import_module(f"{package.__name__}.{module.name}")
                assert getattr(package, module.name) is kept, f"{package.__name__}.{module.name}"


def test_help_says_what_the_package_is_for_and_names_everything_public():
    text = pydoc.plain(pydoc.render_doc(sifa))
    assert re.search(r"NAME\n +sifa - \w+", text)
    described = sifa.__doc__
    for name in sifa.__all__:
        assert re.search(rf"^[\w ]* {name}  +\w+.+$", described, re.MULTILINE), f"no line says what {name} is"
    assert all(f" {name}(" in text or f" {name} = " in text for name in sifa.__all__)


def test_files_are_short():
    lines = {name_of(f): len(f.read_text(encoding="utf-8").splitlines()) for f in sources(".py", ".mjs", ".js", ".css")}
    assert {name: count for name, count in lines.items() if count > LINES and name not in GENERATED} == {}


def test_functions_are_short():
    long = {}
    for file in sources(".py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = node.end_lineno - node.lineno + 1
                if count > FUNCTION_LINES:
                    long[f"{name_of(file)}:{node.lineno} {node.name}"] = count
    assert long == {}
