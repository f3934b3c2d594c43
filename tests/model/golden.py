"""The golden files of the released kernels, run through the operator."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import sifa

FILES = sorted((Path(__file__).parents[1] / "golden").glob("op_*.npz"))


class Result(NamedTuple):
    """One array of a golden file."""

    got: Any  # what the operator gives
    wanted: np.ndarray
    error: float  # of the released kernel against float64, at most
    size: float  # its largest number


def results(file: Path) -> dict[str, Result]:
    """Sums, weights and the gradients of features and offsets, by their names in the file."""
    z = np.load(file)
    meta = json.loads(str(z["meta"]))
    n, t, h, w, k = (meta[key] for key in "NTHWK")
    features = torch.from_numpy(z["x"]).requires_grad_()
    offset = torch.from_numpy(z["offset"]).view(n, k * k, 2, t, h, w).permute(0, 3, 1, 2, 4, 5)[:, 1:]
    offset = offset.contiguous().requires_grad_()
    out = sifa.inter_frame_attention(features, offset, k, dilation=meta["dilation"])
    out.features.backward(torch.from_numpy(z["grad_out"]))
    pairs = dict(
        sifa_out=(out.features.detach(), z["sifa_out"]),
        corr=(out.attention.detach().transpose(1, 2), z["corr"][:, :, 1:]),
        sifa_gx=(features.grad, z["sifa_gx"]),
        sifa_goffset=(
            offset.grad.permute(0, 2, 3, 1, 4, 5).reshape(n, 2 * k * k, t - 1, h, w),
            z["sifa_goffset"][:, :, 1:],
        ),
    )
    error, size = meta["max_abs_err_vs_f64"], meta["max_abs"]
    return {name: Result(*pair, error[name], size[name]) for name, pair in pairs.items()}
