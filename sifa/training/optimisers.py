"""Which parameters are trained how."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sifa.training.recipes import Recipe, learning_rate
from sifa.training.start import HEADS


def make_optimisers(model: nn.Module, recipe: Recipe) -> list[Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for everything else.

    Norms and biases do not decay; the offset convolutions learn more slowly and do not decay either.
    """
    groups: dict[str, list[Tensor]] = {"matrix": [], "decay": [], "keep": [], "offset": []}
    for name, p in model.named_parameters():
        if "conv_offset" in name:
            groups["offset"].append(p)
        elif p.ndim == 2 and name.partition(".")[0] not in HEADS and "bias_table" not in name:
            groups["matrix"].append(p)
        else:
            groups["decay" if p.ndim > 1 else "keep"].append(p)
    decay = recipe.weight_decay
    rest = [
        dict(params=groups["decay"], weight_decay=decay, scale=1.0),
        dict(params=groups["keep"], weight_decay=0.0, scale=1.0),
        dict(params=groups["offset"], weight_decay=0.0, scale=recipe.offset_lr),
    ]
    matrices = [dict(params=groups["matrix"], scale=1.0)]
    return [
        torch.optim.Muon(matrices, lr=recipe.lr, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([g for g in rest if g["params"]], lr=recipe.lr, betas=(0.9, 0.98)),
    ]


def set_rates(of: Sequence[Optimizer], step: int, recipe: Recipe) -> None:
    """The step's learning rate, for each group by its scale."""
    for group in (group for optimiser in of for group in optimiser.param_groups):
        group["lr"] = learning_rate(step, recipe) * group["scale"]
