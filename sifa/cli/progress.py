"""Progress on the terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from tqdm import tqdm

if TYPE_CHECKING:
    from sifa.tracing.records import Progress

FORMAT = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


@contextmanager
def progress_bar(always: bool = False) -> Iterator["Progress"]:
    """A bar on stderr, where that is a terminal, that is gone at the end. `always`: anywhere, as in a notebook; it stays."""
    hidden = False if always else None  # None: tqdm looks for a terminal
    with tqdm(total=1.0, bar_format=FORMAT, leave=always, disable=hidden, dynamic_ncols=True) as bar:

        def show(what: str, share: float) -> None:
            if share < bar.n:  # something else has begun
                bar.reset()
            bar.set_description_str(what, refresh=False)
            bar.update(share - bar.n)

        yield show


class Lines(logging.Handler):
    """Prints what the library logs, without breaking a bar."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(logging.INFO)
        self.file = file

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=self.file)


@contextmanager
def log_lines(file: TextIO) -> Iterator[None]:
    """Print what the library logs meanwhile."""
    logger, handler = logging.getLogger("sifa"), Lines(file)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
