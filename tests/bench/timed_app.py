"""The page with a stop-watch at each part of a clip's way: `python -m tests.bench.timed_app FILE [the page's options]`.

Each part that ends is a line of JSON in FILE: its name, its seconds, and the processor's seconds in this process and in those that
ended meanwhile.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from app import handlers, server
from sifa import explorer
from sifa.weights.card import ModelCard

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

WATCHED: tuple[tuple[Any, str, str], ...] = (
    (handlers, "view_clip", "all of it"),
    (handlers, "load", "weights"),
    (ModelCard, "read", "decode"),
    (handlers, "predict", "forward"),
    (explorer, "pack", "pack"),
    (explorer, "to_html", "page"),
)


def processor_seconds() -> float:
    """Of this process, and of those that it has started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN) if resource else None
    return time.process_time() + (ended.ru_utime + ended.ru_stime if ended else 0)


def watch(owner: Any, name: str, part: str, file: Path) -> None:
    """Put a stop-watch around a function."""
    function: Callable[..., Any] = getattr(owner, name)

    @wraps(function)
    def watched(*args: Any, **options: Any) -> Any:
        began, at = time.perf_counter(), processor_seconds()
        try:
            return function(*args, **options)
        finally:
            line = dict(part=part, seconds=time.perf_counter() - began, cpu=processor_seconds() - at)
            with file.open("a") as out:
                out.write(json.dumps(line) + "\n")

    setattr(owner, name, watched)


if __name__ == "__main__":
    file, *options = sys.argv[1:]
    for owner, name, part in WATCHED:
        watch(owner, name, part, Path(file))
    sys.exit(server.main(options))
