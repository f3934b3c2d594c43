"""The rows of many clips by an engine for many machines: Daft, on this machine or on a Ray cluster."""

import os
from collections.abc import Iterator, Sequence

import pyarrow as pa
import torch

from sifa.batch.parts import SCHEMA
from sifa.batch.row import ListedClip, Row, Settings, row_of
from sifa.errors import RunError, SifaError


def daft_rows(
    clips: Sequence[ListedClip], settings: Settings, workers: int, ray: bool = False, address: str | None = None
) -> Iterator[Row]:
    """The rows in the order in which Daft gives them, by so many processes of `settings.threads` threads each.

    With `ray` they run on the cluster at `address`, where every machine needs this library, the weights, the clips and the
    table's folder at the same paths. Raises RunError where the engine fails, such as when a worker is killed.
    """
    os.environ.setdefault("DO_NOT_TRACK", "true")  # Daft would tell its makers that it was imported
    os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
    import daft
    from daft import DataType

    if ray:
        daft.set_runner_ray(address)
    names = ("number", "file", "label")
    frame = daft.from_pydict({name: [getattr(clip, name) for clip in clips] for name in names})
    kind = DataType.from_arrow_type(pa.struct(list(SCHEMA)))
    rows = daft.udf(return_dtype=kind, batch_size=1, concurrency=workers, use_process=None if ray else True)(_Rows)
    rows = rows.with_init_args(settings)
    frame = frame.select(rows(*(frame[name] for name in names)).alias("row"))
    try:
        for found in frame.iter_rows():
            yield found["row"]
    except SifaError:
        raise
    except Exception as error:
        raise RunError(
            f"the engine failed ({' '.join(str(error).split())[:300]}); what is done is kept, and the same command goes on with it"
        ) from error


class _Rows:
    """What the engine makes once in each of its processes."""

    def __init__(self, settings: Settings) -> None:
        torch.set_num_threads(settings.threads)
        self.settings = settings

    def __call__(self, *columns: object) -> pa.Array:
        """The rows of a few clips, whose numbers, files and labels are the columns."""
        clips = [ListedClip(*values) for values in zip(*(column.to_pylist() for column in columns))]
        return pa.array([row_of(clip, self.settings) for clip in clips], pa.struct(list(SCHEMA)))
