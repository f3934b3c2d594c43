"""Checks of what a card says of training and accuracy, as far as any of it is shown or computed with."""

from reprlib import repr as shown
from typing import Any

SHARES = "top1", "top5"
LENGTHS = "steps", "batch"  # of a recipe
BY_BLOCK = "flow_cosine", "flow_epe_ratio", "flow_cosine_all", "flow_epe_ratio_all", "static_displacement"
PARTS = "worn", "pasted"  # figures inside figures
MOST = 10**12


def check_metrics(metrics: dict[str, Any], classes: int) -> None:
    """Raises ValueError where figures of accuracy are none; what is not known here may be anything."""
    for name, value in metrics.items():
        if name in SHARES and not _number(value, 1):
            raise ValueError(f"metrics {name} is {shown(value)}; it must be a number from 0 to 1")
        if name == "clips":
            check_count(f"metrics {name}", value)
        if name == "per_class" and not (isinstance(value, dict) and all(_number(each, 1) for each in value.values())):
            raise ValueError(f"metrics per_class is {shown(value)}; it must be a number from 0 to 1 for each class")
        if name == "confusion" and not _square(value, classes):
            raise ValueError(f"metrics confusion is {shown(value)}; it must be {classes} rows of {classes} counts")
        if name in BY_BLOCK and not (
            value is None or (isinstance(value, list) and all(_number(v, MOST, -MOST) for v in value))
        ):
            raise ValueError(f"metrics {name} is {shown(value)}; it must be a list of numbers, one for each block")
        if name in PARTS:
            if not isinstance(value, dict):
                raise ValueError(f"metrics {name} is {shown(value)}; it must be an object")
            check_metrics({key: each for key, each in value.items() if key not in PARTS}, classes)


def check_recipe(recipe: dict[str, Any]) -> None:
    """Raises ValueError where its counts are none."""
    for name in LENGTHS:
        if name in recipe:
            check_count(f"recipe {name}", recipe[name])


def check_count(name: str, value: object) -> None:
    """Raises ValueError unless it is a whole number of moderate size."""
    if type(value) is not int or not 0 <= value <= MOST:
        raise ValueError(f"{name} is {shown(value)}; it must be a whole number from 0 to {MOST}")


def _number(value: object, most: float, least: float = 0) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and least <= value <= most


def _square(rows: object, side: int) -> bool:
    return (
        isinstance(rows, list)
        and len(rows) == side
        and all(
            isinstance(row, list) and len(row) == side and all(_number(count, MOST) for count in row) for row in rows
        )
    )
