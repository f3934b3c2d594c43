"""Engines of the operator: the same sums and weights, and gradients, by different means.

Each engine is a module with one function `attend`, which takes and gives what `attend` here does.
"""

from torch import Tensor

from sifa.model.kernels import _torch
from sifa.model.kernels._precision import full_precision as full_precision


def attend(features: Tensor, offset: Tensor, kernel_size: int, dilation: int, softmax: bool) -> tuple[Tensor, Tensor]:
    """Attention of every location of steps 0 .. T-2 over its sampled neighbours in the next step.

    features (B, C, T, H, W) and offset (B, T-1, K*K, 2, H, W), both float32 or float64 -> sums (B, C, T, H, W), of which the
    last step is 0, and weights (B, T-1, K*K, H, W): dot products / C, or with `softmax` the softmax of dot products /
    sqrt(C). Differentiable once, in both inputs.
    """
    return _torch.attend(features, offset, kernel_size, dilation, softmax)
