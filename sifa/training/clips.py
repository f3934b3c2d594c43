"""The user's clips, read as a checkpoint's model wants them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sifa.data.listing import find_clips
from sifa.data.user_clips import VideoClips
from sifa.tracing.predict import Progress
from sifa.weights.card import ModelCard


def read_clips(
    data: str | Path, card: ModelCard, labels: str | Path | None = None, seed: int = 0, progress: Progress | None = None
) -> VideoClips:
    """The clips of a folder or list file (`find_clips`) at the card's size, length and rate. Raises DataError."""

    def report(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
        for number, (file, label) in enumerate(files):
            if progress:
                progress(f"reading {file.name}", number / len(listing))
            yield file, label

    listing = find_clips(data, labels)
    return VideoClips(listing, card.size, card.num_frames, card.sampling_rate, seed, report)


def describe_clips(clips: VideoClips) -> str:
    """What was skipped, and how much there is to learn from, in lines."""
    skipped = [f"skipped {file}: {why}" for file, why in clips.skipped.items()]
    counts = (
        f"{clips.count} clips of {len(clips.labels)} classes, {len(clips.held_out)} of them held out; "
        f"{len(clips.skipped)} could not be read"
    )
    return "\n".join([*skipped, counts])
