"""A table of many clips, made in parts: what is done is kept, and the same command goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sifa.batch.parts import failures, is_whole, split, write_part
from sifa.batch.record import record_batch, reserve
from sifa.batch.row import ListedClip, Row, Settings
from sifa.data.listing import Listing, name_listing
from sifa.errors import DataError
from sifa.training.folder import claimed
from sifa.weights.card import ModelCard

Engine = Callable[[Sequence[ListedClip], Settings], Iterator[Row]]  # the rows of clips, in any order
Report = Callable[[int, int, int], None]  # clips that are done, how many of these failed, and how many were done before


@dataclass(frozen=True)
class Outcome:
    """What a table holds in the end."""

    clips: int
    failed: int
    kept: int  # clips that were done before


def run_batch(
    clips: Sequence[ListedClip], settings: Settings, card: ModelCard, engine: Engine, report: Report | None = None
) -> Outcome:
    """Make the table of these clips in `settings.out`, or go on with it: parts that are whole are kept, others made anew.

    Raises DataError without clips, and RunError where the folder holds the table of another command, where another
    process is writing into it or nothing can be written, and whatever the engine raises.
    """
    if not clips:
        raise DataError("the list has no clip")
    out = Path(settings.out)
    with claimed(out, "writing a table"):
        reserve(out, record_batch(clips, settings, card))
        parts = dict(split(clips, settings.clips_per_part))
        whole = [part for part in parts if is_whole(out, part, parts[part])]
        kept, failed = sum(len(parts.pop(part)) for part in whole), failures(out, whole)
        done = kept
        for row in _written(engine, parts, settings, card):
            done, failed = done + 1, failed + (row.get("error") is not None)
            if report:
                report(done, failed, kept)
        return Outcome(len(clips), failed, kept)


def _written(
    engine: Engine, parts: Mapping[int, Sequence[ListedClip]], settings: Settings, card: ModelCard
) -> Iterator[Row]:
    """The rows of these parts, each of which is written as soon as its last row is there."""
    begun: dict[int, list[Row]] = {}
    todo = [clip for part in parts.values() for clip in part]
    for row in engine(todo, settings) if todo else ():
        part = row["number"] // settings.clips_per_part
        begun.setdefault(part, []).append(row)
        if len(begun[part]) == len(parts[part]):
            write_part(Path(settings.out), part, begun.pop(part), card.labels)
        yield row


def listed_clips(listing: Listing, labels: tuple[str, ...], first_number: int | None = None) -> list[ListedClip]:
    """The clips of a list, with absolute paths; classes that are numbers of a model's classes get their names.

    Classes that the model does not know stay as they are. Raises DataError where numbers may count from 0 or from 1.
    """
    classes = {label for _, label in listing.clips if label}
    numbers = [int(label) for label in classes if label.isdecimal()]
    if len(numbers) == len(classes) and numbers and max(numbers) <= len(labels):
        listing = name_listing(listing, labels, first_number)
    return [ListedClip(i, str(file.absolute()), label or None) for i, (file, label) in enumerate(listing.clips)]
