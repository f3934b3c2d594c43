"""What a table is made of, so that a command that goes on with it can say what has changed."""

import json
import logging
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sifa import __version__
from sifa.batch.row import ListedClip, Settings
from sifa.errors import RunError
from sifa.weights.card import ModelCard
from sifa.weights.files import write_whole

Record = dict[str, Any]  # plain data
NAMES = dict(  # what must stay: key -> what it is called
    weights="The sha256 of the weights",
    sampling="The sampling of the clips",
    trust="--trust",
    clips_per_part="--clips-per-part",
)


def record_batch(clips: Sequence[ListedClip], settings: Settings, card: ModelCard) -> Record:
    """All that decides what a table holds; of the clips the files' places and labels, not their bytes."""
    step = f"{card.sampling_rate} frames" if card.step_seconds is None else f"{card.step_seconds:.4g} s"
    return dict(
        weights=settings.sha256,
        sampling=f"{card.num_frames} frames, one every {step}",
        trust=settings.trust,
        clips_per_part=settings.clips_per_part,
        circumstances=dict(
            sifa=__version__,
            python=platform.python_version(),
            torch=torch.__version__,
            device=settings.device.partition(":")[0],
            threads=settings.threads,
        ),
        clips=[[clip.file, clip.label] for clip in clips],
    )


def reserve(out: Path, now: Record) -> None:
    """Make a folder that of one table. Raises RunError, with what has changed, where it is that of another one."""
    file = out / "batch.json"
    if not file.exists():
        if strangers := sorted(out.glob("*.parquet")):
            raise RunError(
                f"{out} holds {strangers[0].name}, but no batch.json, so it is no folder of this command; give another --out"
            )
        write_whole(file, json.dumps(now).encode())
        return
    try:
        before = dict(json.loads(file.read_bytes()))
        changed = changes(before, now)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{file} is damaged ({error}); give another --out, or remove {out}") from error
    if changed:
        raise RunError(
            f"{out} holds the table of another command. {' '.join(changed)} Repeat that command to go on with it, or give "
            "another --out"
        )
    for sentence in circumstances(before, now):
        logging.getLogger(__name__).info(sentence)


def changes(before: Record, now: Record) -> list[str]:
    """What has changed, a sentence each."""
    said = [
        f"{word} was {before[key]} and is {now[key]} now." for key, word in NAMES.items() if before[key] != now[key]
    ]
    old, new = ([tuple(clip) for clip in record["clips"]] for record in (before, now))
    if old != new:
        said.append(_list_words(old, new))
    return said


def circumstances(before: Record, now: Record) -> list[str]:
    """What may change the last digits alone, a sentence each."""
    then = before["circumstances"]
    pairs = [(name, then.get(name), value) for name, value in now["circumstances"].items()]
    return [f"{name} was {old} and is {new} now; last digits may differ." for name, old, new in pairs if old != new]


def _list_words(old: list[tuple[str, str | None]], new: list[tuple[str, str | None]]) -> str:
    files = [dict(clips) for clips in (old, new)]
    came, went = ([file for file in files[a] if file not in files[b]] for a, b in ((1, 0), (0, 1)))
    other = [file for file in files[1] if file in files[0] and files[0][file] != files[1][file]]
    words = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if names[3:] else ''})"
        for names, what in ((came, "came"), (went, "went"), (other, "have another label"))
        if names
    ]
    return f"The list had {len(old)} clips and has {len(new)}: {', '.join(words) or 'they stand in another order'}."
