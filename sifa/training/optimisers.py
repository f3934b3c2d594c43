"""Which parameters are trained how."""

import torch
from torch import nn

from sifa.training.recipes import Recipe


def optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for everything else.

    Norms and biases do not decay; the offset convolutions learn more slowly and do not decay either.
    """
    groups = {"matrix": [], "decay": [], "keep": [], "offset": []}
    for name, p in model.named_parameters():
        if "conv_offset" in name:
            groups["offset"].append(p)
        elif p.ndim == 2 and not name.startswith("head") and "bias_table" not in name:
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
