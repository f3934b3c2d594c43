"""How far to trust it: figures of a prediction that say when a block's points and weights mean little.

`sifa trust CLIP [--checkpoint F] [--json]` prints them. Each figure is a function here, with its formula; `trust_figures` puts
them together, and `sifa.tracing.trust_words` says what they mean. Everything random has a fixed seed, so the same clip and
weights give the same figures.
"""

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F

from sifa.tracing.interventions import add_what_ifs, intervene, interventions_for, what_if
from sifa.tracing.predict import predict
from sifa.tracing.records import BlockTrace, BlockTrust, Deletion, Prediction, Progress, Trust
from sifa.tracing.stand_in import Change, any_order, change_blocks, remove_third
from sifa.tracing.trust_words import block_words, deletion_words
from sifa.video.preprocess import preprocess
from sifa.weights.card import VideoModel

REPEATS = 5  # random deletions
DIGITS = 5  # of the figures, after the point
Figures = TypeVar("Figures", BlockTrust, Deletion)


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
    regular = _width(block.points - block.offset)
    return float(_width(block.points) / regular) if regular > 0 else 1.0


def _width(places: np.ndarray) -> np.floating:
    """Mean distance of N places (P, N, 2, H, W) from their mean, in cells."""
    width: np.floating = np.linalg.norm(places - places.mean(1, keepdims=True), axis=2).mean()
    return width


def outside(block: BlockTrace) -> float:
    """Share of the sampled points a whole cell or more outside the frame, where values are 0."""
    return float(block.outside.mean())


def frame_difference(prediction: Prediction, block: BlockTrace) -> np.ndarray:
    """(P, H, W) mean |f[t+1] - f[t]| inside each cell, of the pictures the model saw in the middle of each time step."""
    pairs, _, height, width = block.attention.shape
    video = preprocess(prediction.clip.frames, prediction.crop.size)[0][0]  # (3, frames, S, S)
    starts = np.rint(np.arange(pairs + 2) * block.stride[0]).astype(int)
    steps = video[:, (starts[:-1] + starts[1:]).clip(0, 2 * video.shape[1] - 1) // 2]
    change = steps.diff(dim=1).abs().mean(0)
    difference: np.ndarray = F.adaptive_avg_pool2d(change, (height, width)).numpy()
    return difference


def ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value, flattened; equal ones share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks: np.ndarray = np.cumsum(counts) - (counts - 1) / 2
    return mean_ranks[inverse.ravel()]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Spearman's: the correlation of the ranks; None where either is constant."""
    a, b = (r - r.mean() for r in (ranks(a), ranks(b)))
    length = float(np.sqrt((a**2).sum() * (b**2).sum()))
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


def deletion(model: VideoModel, prediction: Prediction, repeats: int = REPEATS) -> Deletion:
    """Does what was read decide the answer? Probabilities of the predicted class with weights removed in every SIFA block; of a
    model with groups of labels, those of its answers together, which is their product.

    A third of each cell's neighbours get weight 0: the strongest, those of largest |weight|, or any, the mean over
    `repeats` draws; last, every weight is 0. (Where the blocks are branches, what they read passes a LayerNorm, so that
    its direction counts and its size does not.)
    """
    said, clip = [answer.label for answer in prediction.answers()], prediction.clip
    best = [prediction.labels.index(label) for label in said]
    neighbours = prediction.trace[0].attention.shape[1]
    removed = max(1, neighbours // 3)

    def probability(reweight: Change) -> float:
        with change_blocks(model, reweight=reweight):
            return float(predict(model, clip).probabilities[best].prod())

    random_each = tuple(probability(remove_third(any_order(seed))) for seed in range(repeats))
    with intervene(model, "silent"):
        silent = float(predict(model, clip).probabilities[best].prod())
    test = Deletion(
        label=", ".join(said),
        neighbours=neighbours,
        removed=removed,
        probability=float(prediction.probabilities[best].prod()),
        strongest=probability(remove_third(torch.abs)),
        random=float(np.mean(random_each)),
        random_each=random_each,
        all=silent,
    )
    return replace(test, words=deletion_words(test))


def trust_figures(model: VideoModel, prediction: Prediction) -> Trust:
    """All figures of a prediction by `model`: those of each block, and of the deletion test.

    Numbers are rounded to five digits. A model without blocks has none.
    """
    if not len(prediction.trace):
        return Trust((), None)
    others = what_if(model, prediction.clip, "random").trace
    blocks = tuple(_block_trust(prediction, block, other) for block, other in zip(prediction.trace, others))
    return Trust(blocks, _round(deletion(model, prediction)))


def _block_trust(prediction: Prediction, block: BlockTrace, other: BlockTrace) -> BlockTrust:
    """Figures of a block; `other` is the same one under random weights."""
    figures = BlockTrust(
        name=block.name,
        unevenness=unevenness(block),
        offset=offset_length(block),
        spread=spread(block),
        follows_change=follows_change(prediction, block),
        like_random=agreement(block, other),
        outside=outside(block),
    )
    return _round(replace(figures, words=block_words(figures)))


def _round(figures: Figures) -> Figures:
    return replace(figures, **{name: _digits(value) for name, value in vars(figures).items()})


def _digits(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_digits, value))
    return round(value, DIGITS) if isinstance(value, float) else value


def add_trust(model: VideoModel, prediction: Prediction, progress: Progress | None = None) -> Prediction:
    """The prediction with every what-if and the figures of trust, ready to be packed."""
    result = add_what_ifs(model, prediction, interventions_for(model), progress)
    if progress:
        progress("how far to trust it", 1.0)
    return replace(result, trust=trust_figures(model, prediction))
