"""The user's clips, read as a checkpoint's model wants them."""

from importlib.metadata import version
from pathlib import Path

from sifa.data.known import Known
from sifa.data.listing import Listing
from sifa.data.user_clips import MARGIN, MEMORY, Share, VideoClips
from sifa.tracing.records import Progress
from sifa.training.processes import Processes
from sifa.weights.card import ModelCard


def read_clips(
    listing: Listing,
    card: ModelCard,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    readers: int = 0,
    memory: int = MEMORY,
    out: Path | None = None,
    processes: Processes | None = None,
) -> VideoClips:
    """The clips of a folder or list file (`read_listing`) at the card's size, length and step.

    `readers` and `memory` are those of `VideoClips`. In folder `out` stays what was found, so that the next call for the
    same clips need not read them all; `processes` share the first look at them. Raises DataError, and RunError where `out`
    cannot be written.
    """
    share = Share(processes.rank, processes.count, processes.exchange) if processes else Share()
    known = Known(out, _how(card), share.rank) if out else None
    return VideoClips(
        listing.clips, card.size, card.read, seed, progress, readers=readers, memory=memory, known=known, share=share
    )


def _how(card: ModelCard) -> str:
    """How a card's clips are read, in words that change where the pixels would."""
    step = f"{card.sampling_rate} frames" if card.step_seconds is None else f"{card.step_seconds:.9g} s"
    return f"{card.num_frames} frames, a step of {step}, at {card.size} x {MARGIN} pixels, by PyAV {version('av')}"


def describe_clips(clips: VideoClips) -> str:
    """What was skipped, how much there is to learn from, and where it is kept, in lines."""
    skipped = [f"skipped {file}: {why}" for file, why in clips.skipped.items()]
    counts = (
        f"{clips.count} clips of {len(clips.labels)} classes, {len(clips.held_out)} of them held out; "
        f"{len(clips.skipped)} could not be read"
    )
    whole, kept = clips.count * clips.clip_bytes, clips.bytes_kept
    where = (
        f"they take {whole / 2**20:.0f} MiB, and are kept in memory"
        if kept == whole
        else f"they take {whole / 2**20:.0f} MiB, of which {kept / 2**20:.0f} MiB are kept in memory (--memory); the others are "
        "read from the disk each time"
    )
    return "\n".join([*skipped, f"{counts}; {where}"])
