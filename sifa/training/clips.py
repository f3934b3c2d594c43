"""The user's clips, read as a checkpoint's model wants them."""

from sifa.data.listing import Listing
from sifa.data.user_clips import VideoClips
from sifa.tracing.records import Progress
from sifa.weights.card import ModelCard


def read_clips(listing: Listing, card: ModelCard, seed: int = 0, progress: Progress | None = None) -> VideoClips:
    """The clips of a folder or list file (`read_listing`) at the card's size, length and step. Raises DataError."""
    return VideoClips(listing.clips, card.size, card.read, seed, progress)


def describe_clips(clips: VideoClips) -> str:
    """What was skipped, and how much there is to learn from, in lines."""
    skipped = [f"skipped {file}: {why}" for file, why in clips.skipped.items()]
    counts = (
        f"{clips.count} clips of {len(clips.labels)} classes, {len(clips.held_out)} of them held out; "
        f"{len(clips.skipped)} could not be read"
    )
    return "\n".join([*skipped, counts])
