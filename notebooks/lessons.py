"""What several notebooks share: a small moving pattern, and exercises."""

import math
from typing import NamedTuple, SupportsFloat, cast

import numpy as np
import torch
from torch import Tensor


class Exercise(NamedTuple):
    """The right answer to an exercise, and the words that are folded up below it."""

    answer: float | str
    why: str
    tolerance: float = 0.01  # of an answer that is a number


EXERCISES = {
    "01.1": Exercise(
        "right",
        "right: as the camera turns left, everything in the picture moves right, by more than two cells a step.",
    ),
    "01.2": Exercise(64, "64: it is 8 × 8. Each stage halves both sides: 32 × 32, 16 × 16, 8 × 8."),
    "01.3": Exercise("shorter", "shorter, but not zero, since a trembling hand and noise move what the camera sees."),
    "02.1": Exercise(
        1.0, "1: the difference is 0, the gate σ(0) = 0.5, and 0.5 · 2 = 1. A frozen clip still has offsets."
    ),
    "02.2": Exercise(
        2.0,
        "2: with dx = 1 the middle neighbour reads (2, 3) itself, (2, 0), and (2 · 2 + 0 · 0) / 2 = 2. Alone, it now holds "
        "the whole object.",
    ),
    "02.3": Exercise(
        5, "5, the right-hand one: it reads (2, 3), and its weight is 2. A step of one cell needs no offset."
    ),
    "02.4": Exercise(
        0.27,
        "0.27: two dot products are 2 and seven are 0; exp(2 / √2) = 4.11, and 4.11 / (2 · 4.11 + 7) = 0.27. Nearly half of "
        "the attention stays on the ground.",
    ),
    "03.1": Exercise(
        2, "2: a 5 × 5 grid reaches two cells to each side. To reach further costs more reads; offsets do not."
    ),
    "03.2": Exercise(-1.0, "-1.0: the same speed, the other way.", 0.06),
    "03.3": Exercise(5.4, "5.4: from 72.0 to 77.4 % (the paper's Table 1d)."),
    "04.1": Exercise("free", "free: by more than half a cell, where the other two stay below a quarter."),
    "04.2": Exercise(
        1,
        "1: softmax weights are positive and sum to 1, so the mean of the nine places lies among them, at most one cell away.",
    ),
    "04.3": Exercise("no-gate", "no-gate: 0.90, like full. The gate made no difference in these trainings."),
    "05.1": Exercise(
        "camera pans right",
        "camera pans right: what moved right now moves left. "
        '`what_if(model, sample("camera pans left"), "reversed").top(1)` says so.',
    ),
    "05.2": Exercise(
        0.49, '0.49: see `changed["Silent blocks"]`. The convolutions of the shifted blocks see time, too.'
    ),
    "05.3": Exercise(
        1, "1: the regular 3 × 3 grid is all there is. Offsets are what lets a block follow something faster."
    ),
    "06.1": Exercise(2, "2: every fifth clip is held out, here the fifth and the tenth."),
    "06.2": Exercise(8, "8: the weights know every fourth frame of 30 per second, which is every eighth of 60."),
    "06.3": Exercise(
        "no-temporal",
        "no-temporal: nothing crosses time but the stem's four frames. In conv-only it is the convolutions.",
    ),
    "07.1": Exercise(15.5, "15.5: ((1 + 1) · 16 - 1) / 2, the lower border of the last row, whose centre is row 15."),
    "07.2": Exercise("dx", "dx: channel 2 j is dy and channel 2 j + 1 is dx; 5 = 2 · 2 + 1 is the dx of tap 2."),
    "07.3": Exercise(7.5, "7.5: x · 16 - 0.5, between columns 7 and 8."),
}


def check(exercise: str, answer: object) -> None:
    """Say whether an answer to an exercise such as "02.1" is right.

    Words may be written in any case, with spaces or hyphens; a number may be a string or an array of one element. Dots (`...`)
    stand for no answer yet. Raises KeyError for an exercise that does not exist.
    """
    right, why, tolerance = EXERCISES[exercise]
    if answer is ...:
        print(f"{exercise}: put your answer in place of the dots, then run the cell again")
        return
    same = _words(str(answer)) == _words(str(right))
    correct = same if isinstance(right, str) else abs(_number(answer) - right) <= tolerance
    print(f"{exercise}: right. {why}" if correct else f"{exercise}: {answer} is not it; try again, or open the answer")


def _words(answer: str) -> list[str]:
    return answer.lower().replace("-", " ").split()


def _number(answer: object) -> float:
    """A number, or NaN for what is none: other words, several numbers, True and False."""
    try:
        return math.nan if isinstance(answer, bool | np.bool_) else float(cast(SupportsFloat, answer))
    except (TypeError, ValueError, RuntimeError):
        return math.nan


def moving_pattern(places: list[tuple[int, int]], size: int = 5, side: int = 1, value: float = 2.0) -> Tensor:
    """Features of a square object on a plain ground, at one place (y, x) of its upper left cell per time step.

    `size` is the side of the map, `side` that of the object, in cells. Returns (1, 2, T, size, size) float32: channel 0 is
    `value` on the object, channel 1 is `value` on the ground, else 0.
    """
    features = torch.zeros(1, 2, len(places), size, size)
    features[:, 1] = value
    for step, (y, x) in enumerate(places):
        rows, columns = slice(max(y, 0), max(y + side, 0)), slice(max(x, 0), max(x + side, 0))
        features[:, 0, step, rows, columns] = value
        features[:, 1, step, rows, columns] = 0
    return features
