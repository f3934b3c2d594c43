"""Groups of labels: a model may give several answers at once, each a choice among labels of its own.

Labels and logits stay one list; a group is a part of it. A model without groups has one answer, a choice among all labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sifa.errors import fit_for_screens

MOST = 16  # groups


@dataclass(frozen=True)
class Group:
    """Labels `start` to `stop`, the last one not among them; below `unsure_below` the best of them is no answer."""

    name: str
    start: int
    stop: int
    unsure_below: float = 0.0

    @property
    def part(self) -> slice:
        """Its labels in lists of all of them."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Answer:
    """What a model says in one group."""

    group: str  # its name; empty where the model has no groups
    label: str
    probability: float
    sure: bool  # at least as probable as the group asks for

    @property
    def text(self) -> str:
        """The label, or "unsure"."""
        return self.label if self.sure else "unsure"


def probabilities(logits: NDArray[np.float32], groups: Sequence[Group]) -> NDArray[np.float32]:
    """(classes,) softmax of the logits (classes,) inside each group; over all of them where there are no groups."""
    shares: NDArray[np.float32] = np.empty_like(logits)
    for part in [group.part for group in groups] or [slice(None)]:
        powers = np.exp(logits[part] - logits[part].max())
        shares[part] = powers / powers.sum()
    return shares


def answers(logits: NDArray[np.float32], labels: Sequence[str], groups: Sequence[Group]) -> tuple[Answer, ...]:
    """The best label of each group, in the order of the groups; one answer where there are none."""
    shares = probabilities(logits, groups)
    found: list[Answer] = []
    for group in groups or (Group("", 0, len(labels)),):
        best = group.start + int(shares[group.part].argmax())
        share = float(shares[best])
        found.append(Answer(group.name, labels[best], share, share >= group.unsure_below))
    return tuple(found)


def read_groups(values: Any, classes: int) -> tuple[Group, ...]:
    """Groups as they stand in a card, a list of objects. Raises ValueError unless they share out all labels in order."""
    if not isinstance(values, list) or len(values) > MOST or not all(isinstance(each, dict) for each in values):
        raise ValueError(f"groups is {shown(values)}; it must be a list of at most {MOST} objects")
    found: list[Group] = []
    at = 0
    for each in values:
        name, start, stop, least = (each.get(key) for key in ("name", "start", "stop", "unsure_below"))
        if (
            not isinstance(name, str)
            or not name
            or not fit_for_screens(name)
            or name in [group.name for group in found]
        ):
            raise ValueError(f"groups has a name {shown(name)}; each must have one line of its own")
        if type(start) is not int or type(stop) is not int or not at == start < stop <= classes:
            raise ValueError(f"group {shown(name)} has labels {shown(start)} to {shown(stop)}; it must begin at {at}")
        least = 0.0 if least is None else least
        if type(least) not in (int, float) or not 0 <= least <= 1:
            raise ValueError(f"group {shown(name)} is unsure below {shown(least)}; it must be a number from 0 to 1")
        found.append(Group(name, start, stop, float(least)))
        at = stop
    if found and at != classes:
        raise ValueError(f"groups end at label {at} of {classes}; they must share out all labels")
    return tuple(found)


def check_answers(values: Any, labels: Sequence[str], groups: Sequence[Group]) -> None:
    """Raises ValueError unless `values`, as they stand in a packed trace, are one answer of each group, in their order."""
    if not isinstance(values, list) or len(values) != len(groups) or not all(isinstance(each, dict) for each in values):
        raise ValueError(f"answers is {shown(values)}; it must be a list of {len(groups)} objects, one for each group")
    for each, group in zip(values, groups):
        name, label, share, sure = (each.get(key) for key in ("group", "label", "probability", "sure"))
        if name != group.name or label not in labels[group.part]:
            raise ValueError(
                f"an answer is {shown(label)} of group {shown(name)}; it must be a label of {shown(group.name)}"
            )
        if type(share) not in (int, float) or not 0 <= share <= 1 or type(sure) is not bool:
            raise ValueError(
                f"the answer of group {shown(group.name)} has probability {shown(share)} and sure {shown(sure)}; "
                "they must be a number from 0 to 1, and true or false"
            )
