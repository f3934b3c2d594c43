"""What a step of training minimises."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sifa.data.motion.flow import flow_at, true_flow
from sifa.data.motion.generator import MotionBatch
from sifa.tracing.hooks import BlockCall, capture
from sifa.training.recipes import Recipe
from sifa.video.preprocess import normalise
from sifa.weights.card import ModelCard

MOVING, STATIC_SHARE = 0.15, 0.5  # cells; weight of a clip's static cells in the flow loss against its moving ones


def flow_loss(blocks: list[BlockCall], flow: Tensor, visible: Tensor) -> Tensor:
    """|displacement - true flow|, its mean over a clip's moving visible cells plus half that over its static ones,
    averaged over the clips and summed over the blocks."""
    total = flow.new_zeros(())
    for call in blocks:
        target, valid = flow_at(flow, visible, call.output.features.shape[-1])
        error = (call.displacement - target).abs().sum(2)
        moving = target.norm(dim=2) > MOVING
        for cells, share in ((valid & moving, 1.0), (valid & ~moving, STATIC_SHARE)):
            cells = cells.float()
            mean = (error * cells).sum((1, 2, 3)) / cells.sum((1, 2, 3)).clamp_min(1)
            total = total + share * mean.mean()
    return total


def losses(
    model: nn.Module, clips: MotionBatch, shown: Tensor, recipe: Recipe, base: ModelCard | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(cross-entropy over the classes shown so far, flow loss, share of correct clips); shown (classes,) bool."""
    mean, std = (base.mean, base.std) if base else (None, None)
    inner = model.module if isinstance(model, DistributedDataParallel) else model
    with capture(inner) as blocks:
        logits = model(normalise(clips.video.to(shown.device), mean, std))
    hidden = ~shown
    even = (~hidden).float() / (~hidden).sum()
    truth = clips.labels.to(shown.device)
    target = F.one_hot(truth, len(hidden)).float().lerp(even, recipe.label_smoothing)
    likely = logits.masked_fill(hidden, -1e4).log_softmax(1)
    cross_entropy = -(target * likely).sum(1).mean()
    flow = logits.new_zeros(())
    if recipe.flow_weight:
        grid = inner.config.img_size // inner.config.patch_size
        flow = flow_loss(blocks, *true_flow(clips, inner.config.tubelet, grid))
    return cross_entropy, flow, (likely.argmax(1) == truth).float().mean()
