"""The table in a folder: Parquet files of a fixed number of clips each, which are whole or not there."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sifa.batch.row import ListedClip, Row, trace_folder
from sifa.weights.files import PART, write_whole

_figure = pa.float64()
_text = pa.string()
_BLOCK = (
    "mean", "median", "p95", "most", "unevenness", "offset", "spread", "outside", "follows_change", "like_random",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("number", pa.int64()),
        ("file", _text),
        ("label", _text),
        ("answer", _text),
        ("correct", pa.bool_()),
        ("probability", _figure),
        ("unsure", pa.bool_()),
        ("top5", pa.list_(pa.struct([("label", _text), ("probability", _figure)]))),
        ("probabilities", pa.list_(pa.float32())),
        ("cut", pa.bool_()),
        ("camera", pa.struct([(name, _figure) for name in ("y", "x", "zoom", "roll", "share")])),
        ("blocks", pa.list_(pa.struct([("name", _text), ("height", pa.int32()), ("width", pa.int32())]
                                      + [(name, _figure) for name in _BLOCK]))),
        ("deletion", pa.struct([(name, _figure) for name in ("strongest", "random", "all")])),
        ("notes", pa.list_(_text)),
        ("padded", pa.int32()),
        ("fps", _figure),
        ("source_frames", pa.int32()),
        ("source_height", pa.int32()),
        ("source_width", pa.int32()),
        ("start", _figure),
        ("end", _figure),
        ("seconds", pa.struct([(name, _figure) for name in ("read", "predict", "trust", "figures", "pack", "write")])),
        ("error", _text),
        ("trace", _text),
        ("page", _text),
        ("thumbnail", pa.binary()),
    ]
)  # fmt: skip

ROW = pa.struct(list(SCHEMA))


def part_file(folder: Path, part: int) -> Path:
    """Where a part lies."""
    return folder / f"part-{part:05d}.parquet"


def write_part(folder: Path, part: int, rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Write a part, its rows in the order of the list, or nothing; the model's classes are noted in it. Raises RunError.

    What killed workers left half written beside its traces is removed.
    """
    for left in (folder / trace_folder(part)).glob(f"*{PART}"):
        left.unlink(missing_ok=True)
    in_order = sorted(rows, key=lambda row: int(row["number"]))
    table = pa.Table.from_pylist(in_order, SCHEMA.with_metadata({"labels": "\n".join(labels)}))
    out = io.BytesIO()
    pq.write_table(table, out)
    write_whole(part_file(folder, part), out.getvalue())


def split(clips: Sequence[ListedClip], clips_per_part: int) -> Iterator[tuple[int, Sequence[ListedClip]]]:
    """(number of the part, its clips), in order."""
    for start in range(0, len(clips), clips_per_part):
        yield start // clips_per_part, clips[start : start + clips_per_part]


def is_whole(folder: Path, part: int, clips: Sequence[ListedClip]) -> bool:
    """Whether a part holds the rows of these clips, and the traces that it names are there."""
    with suppress(OSError, pa.ArrowException):
        table = pq.read_table(part_file(folder, part), columns=["number", "trace"], schema=SCHEMA)
        traces = filter(None, table["trace"].to_pylist())
        numbers = table["number"].to_pylist()
        return numbers == [clip.number for clip in clips] and all((folder / trace).is_file() for trace in traces)
    return False


def failures(folder: Path, parts: Iterable[int]) -> int:
    """How many clips of these parts failed."""
    errors = (pq.read_table(part_file(folder, part), columns=["error"])["error"] for part in parts)
    return sum(len(column) - column.null_count for column in errors)
