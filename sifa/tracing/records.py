"""What one forward pass leaves behind, in plain numpy: no hooks, no model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
import torch

from sifa.model.attention import displacement
from sifa.model.sampling import sampling_points
from sifa.video.clip import Clip
from sifa.video.preprocess import Crop
from sifa.weights.card import ModelCard
from sifa.weights.groups import Answer, Group, answers, probabilities

Progress = Callable[[str, float], None]  # (what is being done, share done, 0 to 1)


@dataclass(frozen=True)
class BlockTrace:
    """What one SIFA block did to one clip. P frame pairs, N = kernel * kernel neighbours, H x W cells; (y, x) order.

    A block of another model (`sifa.explorer.foreign_block`) may have any N neighbours, at `taps`. A switch that `operator`
    lacks is that of the shipped weights: offsets "learned", saliency "paper", placement "branch".
    """

    name: str
    stage: int
    block: int
    kernel: int
    dilation: int
    stride: tuple[float, float, float]  # (t, y, x) input steps per cell
    offset: np.ndarray  # (P, N, 2, H, W) float32, (dy, dx) in cells
    attention: np.ndarray  # (P, N, H, W) float32
    saliency: np.ndarray  # (P, H, W) float32, root mean square over channels of what the offsets were read from
    normalised: bool  # True: softmax weights; False: raw dot products, which may be negative
    taps: np.ndarray | None = None  # (N, 2) places (dy, dx) of the neighbours, where they are no K x K grid
    anchored: bool = False  # True: `taps` are places (y, x) on the map, the same for every cell
    meaning: str = ""  # what the weights are, in words, where they are neither of the two above
    # the switches "offsets", "saliency" and "placement" that ran
    operator: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> np.ndarray:
        """(P, N, 2, H, W) sampled places (y, x) in frame t+1, in cells; whatever lies outside counts 0."""
        if self.taps is None:
            points: np.ndarray = sampling_points(torch.from_numpy(self.offset), self.kernel, self.dilation).numpy()
            return points
        height, width = self.offset.shape[-2:]
        points = self.offset + tap_places(self.taps, self.anchored, (height, width))
        return points

    @property
    def outside(self) -> np.ndarray:
        """(P, N, H, W) bool: the point lies a whole cell or more off the map, so that it counts 0."""
        last = np.array(self.offset.shape[-2:]).reshape(2, 1, 1)
        points = self.points
        outside: np.ndarray = np.any((points <= -1) | (points >= last), axis=2)
        return outside

    @property
    def displacement(self) -> np.ndarray:
        """(P, 2, H, W) mean of (sampled place - query place), weighted by |attention|, (dy, dx) in cells."""
        if self.taps is None:
            offset, attention = torch.from_numpy(self.offset), torch.from_numpy(self.attention)
            mean: np.ndarray = displacement(offset, attention, self.kernel, self.dilation).numpy()
            return mean
        moved, share = self.points - np.indices(self.offset.shape[-2:]), np.abs(self.attention)[:, :, None]
        mean = (moved * share).sum(1) / np.maximum(share.sum(1), 1e-12)
        return mean

    @property
    def entropy(self) -> np.ndarray:
        """(P, H, W) entropy of |weight| / sum |weight| over the neighbours, divided by log N: 1 = spread evenly."""
        share = np.abs(self.attention)
        share = share / np.maximum(share.sum(1, keepdims=True), 1e-12)
        entropy: np.ndarray = -(share * np.log(np.maximum(share, 1e-12))).sum(1) / np.log(max(share.shape[1], 2))
        return entropy


def tap_places(taps: np.ndarray, anchored: bool, grid: tuple[int, int]) -> np.ndarray:
    """(N, 2, H, W) float32 places (y, x) of the neighbours of every cell before any offset, from taps (N, 2)."""
    origin = np.zeros((1, 2, *grid)) if anchored else np.indices(grid)
    places: np.ndarray = (origin + taps[:, :, None, None]).astype(np.float32)
    return places


class Trace(Sequence[BlockTrace]):
    """The blocks of one forward pass in the order they ran; `trace[2]` or `trace["layers.0.blocks.0"]`."""

    def __init__(self, blocks: Sequence[BlockTrace] = ()):
        self.blocks = list(blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    @overload
    def __getitem__(self, key: int | str) -> BlockTrace: ...
    @overload
    def __getitem__(self, key: slice) -> list[BlockTrace]: ...
    def __getitem__(self, key: int | str | slice) -> BlockTrace | list[BlockTrace]:
        if not isinstance(key, str):
            return self.blocks[key]
        for block in self.blocks:
            if block.name == key:
                return block
        raise KeyError(f"no block {key!r} in this trace; it has {[b.name for b in self.blocks]}")


def best_block(blocks: Sequence[BlockTrace], card: ModelCard) -> int:
    """Which block shows motion best: of those on the finest grid the one with the largest `flow_cosine` in the card, the first of
    them where the card does not say; 0 where there is no block."""
    cells = [block.saliency[0].size for block in blocks]
    finest = [number for number, count in enumerate(cells) if count == max(cells)]
    cosines = card.metrics.get("flow_cosine") or ()
    if len(cosines) != len(cells):  # figures of other blocks, or none
        cosines = [0.0] * len(cells)
    return max(finest, key=lambda number: float(cosines[number]), default=0)


@dataclass(frozen=True)
class WhatIf:
    """What the model says of the same clip once one thing is changed (`sifa.tracing.interventions`)."""

    name: str
    title: str
    explanation: str
    logits: np.ndarray  # (classes,) float32, over the same labels
    lengths: tuple[float, ...]  # mean |displacement| of each SIFA block, in cells
    trace: Trace  # blocks of the changed run
    order: tuple[int, ...] = ()  # which of the clip's frames was shown at each place; empty: the clip as it is
    groups: tuple[Group, ...] = ()  # of the labels, as in the card

    @property
    def probabilities(self) -> np.ndarray:
        """(classes,) softmax of the logits, in each group of labels."""
        return probabilities(self.logits, self.groups)


@dataclass(frozen=True)
class TrueFlow:
    """Where the surface at each cell's centre really goes from one time step to the next, on one H x W grid."""

    flow: np.ndarray  # (P, 2, H, W) float32, (dy, dx) in cells
    visible: np.ndarray  # (P, H, W) bool, whether one surface owns the cell and is still seen in the next step


@dataclass(frozen=True)
class BlockTrust:
    """Figures of one block, each a function of `sifa.tracing.trust`, which has its formula; None where it is undefined."""

    name: str
    unevenness: float
    offset: float  # mean |offset| in cells
    spread: float
    follows_change: float | None
    like_random: float | None  # agreement with the same block under random weights
    outside: float
    words: tuple[str, ...] = ()  # what is remarkable about them, as sentences


@dataclass(frozen=True)
class Deletion:
    """What becomes of the predicted class's probability when weights are removed in every SIFA block."""

    label: str  # the predicted class
    neighbours: int  # of each cell
    removed: int  # of them
    probability: float  # of the untouched run
    strongest: float  # with the neighbours of largest |weight| removed
    random: float  # with any removed: the mean of `random_each`
    random_each: tuple[float, ...]
    all: float  # with all removed
    words: tuple[str, ...] = ()  # what that means, as sentences


@dataclass(frozen=True)
class Trust:
    """How far to trust a prediction: figures of every block, and of the blocks together where the model has any."""

    blocks: tuple[BlockTrust, ...]
    deletion: Deletion | None


@dataclass(frozen=True)
class Prediction:
    """A clip, what the model made of it, and what happened inside."""

    clip: Clip
    crop: Crop
    logits: np.ndarray  # (classes,) float32
    labels: tuple[str, ...]
    trace: Trace
    card: ModelCard
    what_if: tuple[WhatIf, ...] = ()
    trust: Trust | None = None
    true_flow: tuple[TrueFlow, ...] = ()  # of generated clips, one for each grid that the blocks work on
    withheld: str = ""  # why the logits are no answer, as a sentence
    notes: tuple[str, ...] = ()  # sentences: what is to be known of how it was run; not packed
    best_block: int = 0  # which block of the trace shows motion best, by `best_block`; a page opens on it
    step_logits: np.ndarray | None = (
        None  # (steps, classes) float32, whose mean the logits are; None: see `predict`; not packed
    )

    @property
    def probabilities(self) -> np.ndarray:
        """(classes,) softmax of the logits, in each group of labels: they sum to 1 in each."""
        return probabilities(self.logits, self.card.groups)

    def answers(self) -> tuple[Answer, ...]:
        """What the model says in each group of its labels, with the card's thresholds; one answer where it has no groups. None is
        sure where the answer is withheld, nor where the clip is cut: two shots have no motion in common."""
        return self.answers_of(self.logits)

    def answers_of(self, logits: np.ndarray) -> tuple[Answer, ...]:
        """What other logits (classes,) over the same labels say, such as those of a what-if, no surer than this clip allows."""
        found = answers(logits, self.labels, self.card.groups)
        return tuple(replace(each, sure=False) for each in found) if self.withheld or self.clip.cut else found

    def step_answers(self) -> tuple[tuple[Answer, ...], ...]:
        """The answers at each time step alone, from `step_logits`; none where the model gives none."""
        steps = () if self.step_logits is None else self.step_logits
        return tuple(answers(logits, self.labels, self.card.groups) for logits in steps)

    @property
    def headline(self) -> str:
        """The answers in a few words."""
        if self.withheld:
            return "no answer"
        return ", ".join(answer.text for answer in self.answers())

    def top(self, count: int = 5, group: str = "") -> list[tuple[str, float]]:
        """The most probable classes, best first, as (label, probability); of one group of labels where it is named.

        Raises KeyError for a group that the card does not name.
        """
        p, numbers = self.probabilities, np.arange(len(self.labels))
        if group:
            numbers = numbers[{each.name: each for each in self.card.groups}[group].part]
        return [(self.labels[i], float(p[i])) for i in numbers[np.argsort(-p[numbers])][:count]]

    def changed_answers(self) -> list[tuple[str, str, float]]:
        """The answers under each what-if, as (title, label, probability): labels of several groups joined by commas, their
        probabilities multiplied."""
        changed = [(each.title, self.answers_of(each.logits)) for each in self.what_if]
        return [
            (title, ", ".join(each.label for each in found), float(np.prod([each.probability for each in found])))
            for title, found in changed
        ]
