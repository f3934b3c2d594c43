"""The class lists of the datasets that the paper reports on, names in label order."""

from pathlib import Path

FOLDER = Path(__file__).parent
SIZES = {"kinetics400": 400, "something_v1": 174, "something_v2": 174}


def class_names(num_classes: int, dataset: str | None = None) -> tuple[str, ...]:
    """The names of a head's classes: those of `dataset`, or of the one dataset that has as many classes.

    Two versions of Something-Something have 174 classes in different orders, so there the dataset must be named. A head of
    any other size gets "class 0", "class 1", ... Raises ValueError for an unknown dataset or one of another size.
    """
    if dataset is None:
        fitting = [name for name, size in SIZES.items() if size == num_classes]
        if len(fitting) > 1:
            raise ValueError(
                f"a head of {num_classes} classes fits {' and '.join(fitting)}, whose orders differ; say which"
            )
        if not fitting:
            return tuple(f"class {i}" for i in range(num_classes))
        dataset = fitting[0]
    if dataset not in SIZES:
        raise ValueError(f"no class list is called {dataset!r}; there are {', '.join(SIZES)}")
    if SIZES[dataset] != num_classes:
        raise ValueError(f"{dataset} has {SIZES[dataset]} classes, but the head has {num_classes}")
    return tuple((FOLDER / f"{dataset}.txt").read_text(encoding="utf-8").splitlines())
