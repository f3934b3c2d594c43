"""The rows of many clips by an engine for many machines: Daft, on this machine or on a Ray cluster."""

import importlib.util
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

import torch

from sifa.batch.parts import ROW
from sifa.batch.row import ListedClip, Row, Settings, row_of
from sifa.errors import RunError

KEPT = "what is done is kept, and the same command goes on with it"
DONE_SECONDS = 10  # that Daft may take to end by itself
QUIET = {"DO_NOT_TRACK": "true", "DAFT_PROGRESS_BAR": "0"}  # Daft would tell its makers that it was imported


def daft_rows(
    clips: Sequence[ListedClip], settings: Settings, workers: int, ray: bool = False, address: str | None = None
) -> Iterator[Row]:
    """The rows in the order in which Daft gives them, by so many processes of `settings.threads` threads each.

    With `ray` they run on the cluster at `address`, where every machine needs this library, the weights, the clips and the
    table's folder at the same paths. Daft gets a process of its own, since it may take it down where a worker of it is killed.
    Raises RunError where an engine is not installed, and where it or `row_of` fails.
    """
    for package in ["daft", *(["ray"] if ray else [])]:
        if importlib.util.find_spec(package) is None:
            raise RunError(
                f"--engine {'ray' if ray else 'daft'} needs {package}, which is not installed; pip install {package}"
            )
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, clips, settings, workers, ray, address), name="sifa batch")
    process.start()
    theirs.close()
    try:
        for _ in clips:
            found: Row | str = pipe.recv()
            if isinstance(found, str):
                raise RunError(f"the engine failed ({found}); {KEPT}")
            yield found
        process.join(DONE_SECONDS)
    except EOFError:
        process.join()
        raise RunError(f"the engine ended (exit status {process.exitcode}); {KEPT}") from None
    finally:
        process.terminate()
        process.join()


def _run(
    pipe: Connection, clips: Sequence[ListedClip], settings: Settings, workers: int, ray: bool, address: str | None
) -> None:
    """The life of Daft's process: it sends each row, and at a failure what it was."""
    with suppress(OSError, KeyboardInterrupt):
        try:
            for row in _daft(clips, settings, workers, ray, address):
                pipe.send(row)
        except Exception as error:
            pipe.send(" ".join(str(error).split())[:500])


def _daft(
    clips: Sequence[ListedClip], settings: Settings, workers: int, ray: bool, address: str | None
) -> Iterator[Row]:
    os.environ.update(QUIET)
    import daft

    class Rows:
        """What Daft makes once in each of its processes."""

        def __init__(self) -> None:
            torch.set_num_threads(settings.threads)

        @daft.method.batch(return_dtype=daft.DataType.from_arrow_type(ROW), batch_size=1)
        def rows(self, *columns: daft.Series) -> list[Row]:
            """The rows of a few clips, whose numbers, files and labels are the columns."""
            listed = (ListedClip(*values) for values in zip(*(column.to_pylist() for column in columns)))
            return [row_of(clip, settings) for clip in listed]

    if ray:
        daft.set_runner_ray(address)
    names = ("number", "file", "label")
    frame = daft.from_pydict({name: [getattr(clip, name) for clip in clips] for name in names})
    made = daft.cls(Rows, use_process=None if ray else True, max_concurrency=workers)()
    for found in frame.select(made.rows(*(frame[name] for name in names)).alias("row")).iter_rows():
        yield found["row"]
