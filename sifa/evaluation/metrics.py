"""Accuracy of ranked classes."""

import torch
from torch import Tensor

FIRST = 5  # classes kept of every video's ranking


def accuracy(ranks: Tensor, truth: Tensor, labels: tuple[str, ...]) -> dict:
    """Classes (clips, 5 or more), best first, against the truth (clips,): clips, top1, top5, per_class {name: accuracy},
    and confusion, one row of counts for each true class."""
    hit = ranks[:, 0] == truth
    confusion = torch.zeros(len(labels), len(labels), dtype=torch.long)
    confusion.index_put_((truth, ranks[:, 0]), torch.ones_like(truth), accumulate=True)
    share = lambda right: round(right.float().mean().item(), 4)  # noqa: E731
    return dict(
        clips=len(truth),
        top1=share(hit),
        top5=share((ranks[:, :FIRST] == truth[:, None]).any(1)),
        per_class={name: share(hit[truth == i]) for i, name in enumerate(labels) if (truth == i).any()},
        confusion=confusion.tolist(),
    )
