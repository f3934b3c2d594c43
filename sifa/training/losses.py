"""What a step of training minimises."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sifa.data.motion import MotionBatch, flow_at, true_flow
from sifa.evaluation.flow import finest_grids, with_pairs
from sifa.model.registry import SIFAModel
from sifa.tracing.hooks import BlockCall, capture
from sifa.training.photometric import photometric_loss
from sifa.training.recipes import Recipe
from sifa.video.preprocess import normalise
from sifa.weights.card import card_of

MOVING, STATIC_SHARE = 0.15, 0.5  # cells; weight of a clip's static cells in the flow loss against its moving ones


class Losses(NamedTuple):
    """Of one batch, each a number."""

    cross_entropy: Tensor
    flow: Tensor
    accuracy: Tensor  # share of clips of which every answer is right; not minimised
    photometric: Tensor
    spread: Tensor

    def total(self, recipe: Recipe) -> Tensor:
        """What is minimised."""
        motion = recipe.flow_weight * self.flow + recipe.photometric_weight * self.photometric
        return self.cross_entropy + motion + recipe.spread_weight * self.spread


def flow_loss(clips: MotionBatch, blocks: Iterable[BlockCall]) -> Tensor:
    """|displacement - true flow|, its mean over a clip's moving visible cells plus half that over its static ones,
    averaged over the clips and summed over the blocks."""
    blocks = with_pairs(blocks)
    frames, size = clips.video.shape[2], clips.video.shape[-1]
    grids = finest_grids(blocks, size)
    truths = {steps: true_flow(clips, frames // steps, grid) for steps, grid in grids.items()}
    total = clips.video.new_zeros(())
    for call in blocks:
        target, valid = flow_at(*truths[call.output.features.shape[2]], call.output.features.shape[-1])
        error = (call.displacement - target).abs().sum(2)
        moving = target.norm(dim=2) > MOVING
        for part, share in ((valid & moving, 1.0), (valid & ~moving, STATIC_SHARE)):
            cells = part.float()
            mean = (error * cells).sum((1, 2, 3)) / cells.sum((1, 2, 3)).clamp_min(1)
            total = total + share * mean.mean()
    return total


def spread_loss(clips: MotionBatch, blocks: Iterable[BlockCall]) -> Tensor:
    """The offsets' mean squared distance, in cells, from their mean over the neighbours, summed over the blocks: without it,
    points to which hardly any weight goes drift far away."""
    total = clips.video.new_zeros(())
    for call in with_pairs(blocks):
        offset = call.output.offset
        total = total + (offset - offset.mean(2, keepdim=True)).square().mean()
    return total


def losses(
    model: SIFAModel,
    clips: MotionBatch,
    active: Tensor,
    recipe: Recipe,
    forward: Callable[[Tensor], Tensor] | None = None,
) -> Losses:
    """Of a model on a batch; `active` (classes,) bool are the classes that the run has come to so far.

    The others cannot be answered: their logits take no part in the softmax. `forward` runs the model, shared by processes, in
    another precision or compiled, from videos to logits float32.
    """
    card = card_of(model)
    video = normalise(clips.video.to(active.device), card.mean, card.std)
    looks = recipe.flow_weight or recipe.photometric_weight or recipe.spread_weight
    with capture(model) if looks else nullcontext(list[BlockCall]()) as blocks:
        logits = (forward or model)(video)
    truth = clips.labels.to(active.device)
    shares = truth if truth.is_floating_point() else F.one_hot(truth, len(active)).float()
    cross_entropy, right = logits.new_zeros(()), torch.ones(len(logits), dtype=torch.bool, device=logits.device)
    for part in [group.part for group in card.groups] or [slice(None)]:
        even = active[part].float() / active[part].sum()
        target = shares[:, part].lerp(even, recipe.label_smoothing)
        log_shares = logits[:, part].masked_fill(~active[part], -1e4).log_softmax(1)
        cross_entropy = cross_entropy - (target * log_shares).sum(1).mean()
        right = right & (log_shares.argmax(1) == shares[:, part].argmax(1))
    flow = flow_loss(clips, blocks) if recipe.flow_weight else logits.new_zeros(())
    photometric = photometric_loss(video, blocks) if recipe.photometric_weight else logits.new_zeros(())
    spread = spread_loss(clips, blocks) if recipe.spread_weight else logits.new_zeros(())
    return Losses(cross_entropy, flow, right.float().mean(), photometric, spread)
