"""How far to trust it: figures of a prediction that say when a block's points and weights mean little.

`sifa trust CLIP [--checkpoint F] [--json]` prints them. Each figure is a function here, with its formula; `trust_figures` puts
them together as plain data. Everything random has a fixed seed, so the same clip and weights give the same figures.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sifa.tracing.hooks import replace_blocks
from sifa.tracing.interventions import StandIn, add_what_ifs, intervene, interventions_for, what_if
from sifa.tracing.predict import Progress, predict
from sifa.tracing.records import BlockTrace, Prediction
from sifa.video.preprocess import preprocess

NEAR_UNIFORM = 0.02  # unevenness below which a block's weights are called close to uniform
NEAR_RIGID = 0.1  # mean |offset| in cells below which a block's grid is called close to rigid
DRAWN_TOGETHER = 0.5  # spread below which a block's points are called drawn together
FOLLOWS = 0.3  # rank correlation from which offsets are said to follow the change of the picture
LIKE_RANDOM = 0.3  # agreement with random weights from which it is pointed out
MANY_OUTSIDE = 0.1  # share of points outside the frame from which it is pointed out
NO_EFFECT = 0.01  # change of the probability below which it is called none
REPEATS = 5  # random deletions


def unevenness(block: BlockTrace) -> float:
    """How far the weights are from uniform: 1 - mean entropy / log N = KL(shares, uniform) / log N. 0 = uniform, 1 = one
    neighbour gets everything; shares are |weight| / sum |weight|."""
    return float(1 - block.entropy.mean())


def offset_length(block: BlockTrace) -> float:
    """Mean |offset| over pairs, neighbours and cells, in cells: how far the points are from the regular grid."""
    return float(np.linalg.norm(block.offset, axis=2).mean())


def spread(block: BlockTrace) -> float:
    """How wide the sampled points lie: mean distance of the N points from their mean, over that of the regular grid. 1 = as
    wide as the grid, 0 = all on one place."""
    width = lambda places: np.linalg.norm(places - places.mean(1, keepdims=True), axis=2).mean()  # noqa: E731
    regular = width(block.points - block.offset)
    return float(width(block.points) / regular) if regular > 0 else 1.0


def outside(block: BlockTrace) -> float:
    """Share of the sampled points a whole cell or more outside the frame, where values are 0."""
    height, width = block.attention.shape[2:]
    y, x = block.points[:, :, 0], block.points[:, :, 1]
    return float(1 - ((y > -1) & (y < height) & (x > -1) & (x < width)).mean())


def frame_difference(prediction: Prediction, block: BlockTrace) -> np.ndarray:
    """(P, H, W) mean |f[t+1] - f[t]| inside each cell, of the pictures the model saw in the middle of each time step."""
    pairs, _, height, width = block.attention.shape
    video = preprocess(prediction.clip.frames, prediction.crop.size)[0][0]  # (3, frames, S, S)
    starts = np.rint(np.arange(pairs + 2) * block.stride[0]).astype(int)
    steps = video[:, (starts[:-1] + starts[1:]).clip(0, 2 * video.shape[1] - 1) // 2]
    change = steps.diff(dim=1).abs().mean(0)
    return F.adaptive_avg_pool2d(change, (height, width)).numpy()


def ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value, flattened; equal ones share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse.ravel()]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Spearman's: the correlation of the ranks; None where either is constant."""
    a, b = (r - r.mean() for r in (ranks(a), ranks(b)))
    length = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / length) if length > 0 else None


def follows_change(prediction: Prediction, block: BlockTrace) -> float | None:
    """Rank correlation, over pairs and cells, of |mean offset over the neighbours|^2, the energy with which the grid is moved
    as a whole, and of `frame_difference`; None where either is the same everywhere."""
    energy = (block.offset.mean(1) ** 2).sum(1)
    return rank_correlation(energy, frame_difference(prediction, block))


def agreement(block: BlockTrace, other: BlockTrace) -> float | None:
    """Sum of d . e over sqrt(sum |d|^2 sum |e|^2), over pairs and cells, d and e being the two blocks' displacements: 1 = the
    same field up to its scale, 0 = unrelated; None where either is zero."""
    d, e = block.displacement, other.displacement
    length = np.sqrt(float((d**2).sum()) * float((e**2).sum()))
    return float((d * e).sum() / length) if length > 0 else None


def without(removed: int, order: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A change of weights (B, P, N, H, W): of each cell's neighbours the `removed` first by order(weights) get 0."""

    def reweight(attention: Tensor) -> Tensor:
        first = order(attention).topk(removed, dim=2).indices
        return attention.scatter(2, first, 0.0)

    return reweight


def deletion(model: nn.Module, prediction: Prediction, repeats: int = REPEATS) -> dict:
    """Does what was read decide the answer? Probabilities of the predicted class with weights removed in every SIFA block.

    A third of each cell's neighbours get weight 0: `strongest`, those of largest |weight|; `random`, any, the mean over
    `repeats` draws (`random_each`). `all`: every weight is 0. `probability` is that of the untouched run. (Where the blocks
    are branches, what they read passes a LayerNorm, so that its direction counts and its size does not.)
    """
    best, clip = int(prediction.logits.argmax()), prediction.clip
    neighbours = prediction.trace[0].attention.shape[1]
    removed = max(1, neighbours // 3)

    def probability(reweight: Callable[[Tensor], Tensor]) -> float:
        with replace_blocks(model, lambda block: StandIn(block, reweight=reweight)):
            return float(predict(model, clip).probabilities[best])

    def drawn(seed: int) -> float:
        rng = torch.Generator().manual_seed(seed)
        return probability(without(removed, lambda a: torch.rand(a.shape, generator=rng).to(a.device)))

    each = [drawn(seed) for seed in range(repeats)]
    with intervene(model, "silent"):
        silent = float(predict(model, clip).probabilities[best])
    return dict(
        label=prediction.labels[best], neighbours=neighbours, removed=removed,
        probability=float(prediction.probabilities[best]), strongest=probability(without(removed, torch.abs)),
        random=float(np.mean(each)), random_each=each, all=silent,
    )  # fmt: skip


def block_words(f: dict) -> list[str]:
    """What a block's figures mean, as sentences; none where nothing is remarkable."""
    said = []
    if f["offset"] < NEAR_RIGID:
        said.append("Close to rigid: its points stay near the regular grid.")
    if f["spread"] < DRAWN_TOGETHER:
        said.append("Its points are drawn together, so there is little for the weights to choose between.")
    if f["unevenness"] < NEAR_UNIFORM:
        said.append("Close to uniform: its weights hardly prefer any neighbour.")
    if f["follows_change"] is not None and f["follows_change"] >= FOLLOWS:
        said.append("Its offsets move the grid more where the picture changes.")
    if f["like_random"] is not None and f["like_random"] >= LIKE_RANDOM:
        said.append("Random weights give a similar field.")
    if f["outside"] >= MANY_OUTSIDE:
        said.append("Many of its points lie outside the frame and count 0.")
    return said


def deletion_words(f: dict) -> list[str]:
    """What the deletion test means, as sentences."""
    drop = f["probability"] - f["strongest"]
    at_random = f["probability"] - f["random"]
    if max(abs(drop), abs(at_random)) < NO_EFFECT:
        said = ["Which of the neighbours count hardly matters to this answer."]
    elif drop - at_random >= NO_EFFECT:
        said = ["The strongest neighbours matter more to this answer than others."]
    else:
        said = ["The strongest neighbours matter no more to this answer than others."]
    if abs(f["probability"] - f["all"]) >= NO_EFFECT:
        return [*said, "What the blocks read altogether does matter."]
    return [*said, "Nor does all that the blocks read: it is decided elsewhere in the model."]


def trust_figures(model: nn.Module, prediction: Prediction) -> dict:
    """All figures of a prediction by `model`, as plain data: {blocks: [...], deletion: {...} or None}.

    Each block has `name`, `unevenness`, `offset` (`offset_length`), `spread`, `follows_change`, `like_random` (`agreement` with
    the same block under random weights), `outside`, and `words`. Numbers are rounded to five digits, None where undefined.
    """
    if not len(prediction.trace):
        return dict(blocks=[], deletion=None)
    others = what_if(model, prediction.clip, "random").trace
    blocks = [
        dict(
            name=block.name,
            unevenness=unevenness(block),
            offset=offset_length(block),
            spread=spread(block),
            follows_change=follows_change(prediction, block),
            like_random=agreement(block, other),
            outside=outside(block),
        )
        for block, other in zip(prediction.trace, others)
    ]
    test = deletion(model, prediction)
    return dict(
        blocks=[_rounded(f) | dict(words=block_words(f)) for f in blocks],
        deletion=_rounded(test) | dict(words=deletion_words(test)),
    )


def add_trust(model: nn.Module, prediction: Prediction, progress: Progress | None = None) -> Prediction:
    """The prediction with every what-if and the figures of trust, ready to be packed."""
    tried = add_what_ifs(model, prediction, interventions_for(model), progress)
    if progress:
        progress("how far to trust it", 1.0)
    return replace(tried, trust=trust_figures(model, prediction))


def _rounded(values: dict) -> dict:
    digits = lambda v: [digits(e) for e in v] if isinstance(v, list) else round(v, 5) if isinstance(v, float) else v  # noqa: E731
    return {key: digits(value) for key, value in values.items()}


def describe_figures(found: dict) -> str:
    """The figures as lines of text."""
    number = lambda v: "     -" if v is None else f"{v:6.2f}"  # noqa: E731
    lines = ["block                  uneven  offset  spread follows  random outside"]
    for f in found["blocks"]:
        row = (f["unevenness"], f["offset"], f["spread"], f["follows_change"], f["like_random"], f["outside"])
        lines += [f"{f['name']:22} {'  '.join(map(number, row))}", *(f"    {words}" for words in f["words"])]
    test = found["deletion"]
    lines += [
        f"probability of {test['label']!r}: {test['probability']:.3f}",
        f"in every block, of each cell's {test['neighbours']} neighbours",
        f"    the {test['removed']} strongest removed: {test['strongest']:.3f}",
        f"    {test['removed']} random ones removed: {test['random']:.3f} (mean of {len(test['random_each'])})",
        f"    all removed: {test['all']:.3f}",
        *(f"    {words}" for words in test["words"]),
    ]
    return "\n".join(lines)
