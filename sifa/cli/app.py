"""Start the page. It is no part of the library: the package `sifa.app` where sifa is installed, the folder app/ in a checkout."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from sifa.errors import RunError

PAGE = "sifa.app"


def run(argv: list[str]) -> int:
    """The page's own command line."""
    return int(find_page().main(argv))


def find_page() -> ModuleType:
    """The page's `__main__`. Raises RunError where there is no page."""
    if PAGE not in sys.modules and importlib.util.find_spec(PAGE) is None:
        _borrow(Path(__file__).parents[2] / "app")
    return importlib.import_module(f"{PAGE}.__main__")


def _borrow(folder: Path) -> None:
    """Import a folder as the page's package."""
    if not (folder / "__init__.py").is_file():
        raise RunError(f"there is no page beside {folder.parent / 'sifa'}; install sifa-explorer with its extra [app]")
    spec = importlib.util.spec_from_file_location(
        PAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise RunError(f"{folder} could not be imported")
    sys.modules[PAGE] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
