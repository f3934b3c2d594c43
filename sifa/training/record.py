"""What a run is trained on, so that one that goes on can say what has changed since it began."""

import hashlib
import json
import platform
from collections import Counter
from dataclasses import asdict, dataclass
from reprlib import repr as shown
from typing import Any

import numpy as np
import torch

from sifa import __version__
from sifa.data.user_clips import VideoClips
from sifa.errors import RunError
from sifa.model.kernels import engine_for
from sifa.model.registry import SIFAModel
from sifa.training.recipes import Recipe
from sifa.weights.card import card_of

Record = dict[str, Any]  # plain data, that JSON and state.pt can hold
Clips = dict[
    str, dict[str, list[str]]
]  # class -> "training" and "held out" -> a digest of each clip's pixels, in order

FIXED = ("variant", "config")  # fields of a recipe that decide which weights there are


@dataclass(frozen=True)
class Computing:
    """How the steps are computed. Raises RunError for another precision: gradients in float16 would have to be scaled."""

    amp: str | None = None  # "bfloat16": under autocast in it
    compile: bool = False

    def __post_init__(self) -> None:
        if self.amp not in (None, "bfloat16"):
            raise RunError(f"amp is {self.amp!r}; training takes bfloat16, or nothing for full precision")


def record_run(
    recipe: Recipe,
    labels: tuple[str, ...],
    model: SIFAModel,
    data: VideoClips | None,
    device: str,
    processes: int,
    computing: Computing = Computing(),  # noqa: B008 - a constant
) -> Record:
    """All that decides what comes out of a run. `model` is that before the first step.

    The user's clips count by the pixels that were read from them: neither a file's name nor its date matters, but any clip that
    was added, removed, changed or put into another place is seen.
    """
    kind = device.partition(":")[0]
    record = dict(
        recipe=asdict(recipe),
        labels=list(labels),
        start=card_of(model).sha256,  # empty: random weights
        clips=_digests(data) if data else None,
        order="shuffled by epoch" if data else None,
        precision=computing.amp or "float32",
        versions=dict(
            sifa=__version__, python=platform.python_version(), torch=torch.__version__, numpy=np.__version__
        ),
        machine=dict(
            device=kind,
            threads=torch.get_num_threads(),
            processes=processes,
            engine=engine_for(kind),
            compile=computing.compile,
        ),
    )
    plain: Record = json.loads(json.dumps(record))  # with lists in place of tuples, however they were given
    return plain


def summary(record: Record) -> Record:
    """The record for a card: of the clips only how many there are, and one digest of all."""
    clips: Clips | None = record["clips"]
    parts = [digest for parts in (clips or {}).values() for part in parts.values() for digest in part]
    known = dict(count=len(parts), sha256=hashlib.sha256("".join(parts).encode()).hexdigest()) if parts else None
    return {key: record[key] for key in ("start", "precision", "versions", "machine")} | dict(clips=known)


def _digests(data: VideoClips) -> Clips:
    found: Clips = {}
    for number, label in enumerate(data.labels):
        held_out = [clip for clip, of in data.held_out if of == number]
        parts = {"training": data.training[number], "held out": held_out}
        found[label] = {part: [data.digests[clip] for clip in clips] for part, clips in parts.items()}
    return found


def impossible(before: Record, now: Record) -> list[str]:
    """What has changed so that the saved weights do not fit any more, a sentence each."""
    said = []
    if (before["clips"] is None) != (now["clips"] is None):
        of = {True: "generated clips", False: "clips of your own"}
        said.append(
            f"It was trained on {of[before['clips'] is None]}, and is to go on with {of[now['clips'] is None]}."
        )
    elif before["labels"] != now["labels"]:
        said.append(_classes(before["labels"], now["labels"]))
    return said + _fields(before["recipe"], now["recipe"], FIXED)


def changes(before: Record, now: Record) -> list[str]:
    """What else has changed of what a run is trained on, a sentence each."""
    said = _fields(before["recipe"], now["recipe"], [name for name in now["recipe"] if name not in FIXED])
    if before["start"] != now["start"]:
        named = [
            f"those with sha256 {each[:12]}..." if each else "random ones" for each in (before["start"], now["start"])
        ]
        said.append(f"The weights to start from were {named[0]} and are {named[1]} now.")
    if (precision := before.get("precision", "float32")) != now["precision"]:
        said.append(f"The precision was {precision} and is {now['precision']} now (--amp).")
    if now["order"] and not before.get("order"):  # of an earlier version
        said.append("The clips were drawn at random and are shuffled by epoch now.")
    for label, parts in (now["clips"] or {}).items():
        said += _clips(label, (before["clips"] or {}).get(label, parts), parts)
    return said


def circumstances(before: Record, now: Record) -> list[str]:
    """What may change the last digits alone: versions, device, threads, processes and the operator's engine, a sentence each."""
    pairs = [
        (name, before[part].get(name), value) for part in ("versions", "machine") for name, value in now[part].items()
    ]
    return [
        f"{name} was {old} and is {new} now." for name, old, new in pairs if old != new and (old, new) != (None, False)
    ]


def _classes(before: list[str], now: list[str]) -> str:
    gone, new = [c for c in before if c not in now], [c for c in now if c not in before]
    words = [
        f"{', '.join(names[:5])}{' ...' if names[5:] else ''} {what}"
        for names, what in ((new, "came"), (gone, "went"))
        if names
    ]
    return f"The classes are others: {' and '.join(words) or 'their order changed'}."


def _fields(before: Record, now: Record, names: Any) -> list[str]:
    """Fields of recipes, by the names that the command line has for them; of nested ones each value by itself."""
    said = []
    for name in names:
        old, new = before.get(name), now[name]
        if isinstance(old, dict) and isinstance(new, dict):
            keys = sorted(old.keys() | new.keys())
            pairs = [(f"{name} {key}", old.get(key), new.get(key)) for key in keys]
        else:
            pairs = [(name.replace("_", "-"), old, new)]
        said += [f"{key} was {_value(a)} and is {_value(b)} now." for key, a, b in pairs if a != b]
    return said


def _value(value: object) -> str:
    return "not given" if value is None else shown(value)


def _clips(label: str, before: dict[str, list[str]], now: dict[str, list[str]]) -> list[str]:
    """What became of a class's clips."""
    if before == now:
        return []
    old, new = ([digest for part in parts.values() for digest in part] for parts in (before, now))
    more, fewer = (Counter(new) - Counter(old)).total(), (Counter(old) - Counter(new)).total()
    if not more and not fewer:
        return [f"The clips of {label} are the same in another order, which decides what is held out."]
    counts = ", ".join(f"{count} {word}" for count, word in ((more, "new"), (fewer, "gone")) if count)
    return [f"The clips of {label}: {counts}; {len(new)} now, {len(old)} before."]
