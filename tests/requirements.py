"""What pyproject.toml says that the package needs."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {extra: [*map(Requirement, lines)] for extra, lines in PROJECT["optional-dependencies"].items()}
CORE = [*map(Requirement, PROJECT["dependencies"])]


def core() -> set[str]:
    """The names of the distributions that the package needs without any extra."""
    return {requirement.name for requirement in CORE}


def everything() -> dict[str, Requirement]:
    """Each requirement by name, of the package and of all its extras."""
    return {r.name: r for r in [*CORE, *(r for extra in EXTRAS.values() for r in extra)]}
