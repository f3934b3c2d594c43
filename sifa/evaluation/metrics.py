"""Accuracy of ranked classes."""

from typing import TypedDict

import torch
from torch import Tensor

FIRST = 5  # classes kept of every video's ranking


class Accuracy(TypedDict):
    """How often the right class comes first, as it stands in a card."""

    clips: int
    top1: float
    top5: float
    per_class: dict[str, float]  # classes without a clip are left out
    confusion: list[list[int]]  # a row of counts for each true class


def accuracy(ranks: Tensor, truth: Tensor, labels: tuple[str, ...]) -> Accuracy:
    """Of classes (clips, 5 or more; all where there are fewer), best first, against the truth (clips,)."""
    hit = ranks[:, 0] == truth
    confusion = torch.zeros(len(labels), len(labels), dtype=torch.long)
    confusion.index_put_((truth, ranks[:, 0]), torch.ones_like(truth), accumulate=True)
    return Accuracy(
        clips=len(truth),
        top1=_share(hit),
        top5=_share((ranks[:, :FIRST] == truth[:, None]).any(1)),
        per_class={name: _share(hit[truth == i]) for i, name in enumerate(labels) if (truth == i).any()},
        confusion=confusion.tolist(),
    )


def _share(right: Tensor) -> float:
    return round(right.float().mean().item(), 4)
