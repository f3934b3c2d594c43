"""An engine of the operator on the device, against the reference in float64 on the CPU: sums, weights and all gradients."""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sifa.model.attention import cosine_features, inter_frame_attention, place_code
from sifa.model.kernels import _torch
from sifa.model.sampling import neighbour_grid
from tests.gpu.report import Report, Setting

Attend = Callable[[Tensor, Tensor, int, int, bool], tuple[Tensor, Tensor]]
FORWARD, GRADIENT = 1e-5, 5e-5  # largest difference by the largest value, of float32
ROUNDED = 1.5e-2  # the same of bfloat16, which has 8 bits; the inputs are rounded on both sides
DOUBLE = 1e-12
EDGE = 0.05  # cells: no point lies nearer than this to a whole number, where the slopes jump


@dataclass(frozen=True)
class Case:
    """The switches of one comparison."""

    shape: tuple[int, int, int, int, int] = (2, 8, 4, 12, 10)  # (B, C, T, H, W)
    kernel: int = 3
    dilation: int = 1
    weights: Literal["dot", "softmax", "cosine"] = "dot"
    position: bool = False
    projected: bool = False
    spread: float = 1.5  # deviation of the offsets, cells
    whole: bool = False  # the points lie on cells, so that only the forward pass has one answer


CASES = {
    "dot, K 3": Case(),
    "dot, K 5": Case(kernel=5),
    "dot, dilation 2": Case(dilation=2),
    "dot, K 5, dilation 2": Case(kernel=5, dilation=2),
    "softmax, K 3": Case(weights="softmax"),
    "softmax, K 5, dilation 2": Case(weights="softmax", kernel=5, dilation=2),
    "cosine": Case(weights="cosine"),
    "cosine, projected, K 5": Case(weights="cosine", projected=True, kernel=5),
    "position code": Case(position=True),
    "cosine, projected, position code": Case(weights="cosine", projected=True, position=True),
    "out of the map": Case(spread=12),
    "out of the map, softmax": Case(spread=12, weights="softmax"),
    "points on cells": Case(whole=True),
    "odd sizes": Case(shape=(3, 5, 3, 7, 11)),
    "one channel, two steps": Case(shape=(1, 1, 2, 5, 4)),
    "a map of one cell": Case(shape=(2, 8, 3, 1, 1)),
    "96 channels": Case(shape=(1, 96, 3, 14, 14)),
    "384 channels, softmax": Case(shape=(1, 384, 3, 7, 7), weights="softmax"),
    "100 channels, K 5": Case(shape=(1, 100, 3, 9, 9), kernel=5),
}
LARGE = {  # of a GPU alone: grids of many blocks
    "nano's finest, 16 clips": Case(shape=(16, 32, 8, 16, 16)),
    "tiny's finest": Case(shape=(1, 96, 8, 56, 56)),
    "base's finest, K 5, softmax": Case(shape=(1, 128, 4, 56, 56), kernel=5, weights="softmax"),
}


def inputs(case: Case) -> dict[str, Tensor]:
    """What goes in, float64 on the CPU; float32 holds these numbers exactly, and bfloat16 does after rounding."""
    rng = torch.Generator().manual_seed(0)
    b, c, t, h, w = case.shape
    draw = lambda *shape: torch.randn(shape, generator=rng, dtype=torch.float64)
    offset = case.spread * draw(b, t - 1, case.kernel**2, 2, h, w)
    inside = offset.floor() + EDGE + (1 - 2 * EDGE) * (offset - offset.floor())
    found = dict(features=draw(*case.shape), offset=offset.round() if case.whole else inside)
    if case.weights == "cosine":
        found["log_scale"] = torch.tensor(10.0, dtype=torch.float64).log()
    if case.projected:
        found["project"] = torch.eye(c, dtype=torch.float64) + 0.2 * draw(c, c)
    if case.position:
        found["place"] = draw(c, 2)
    return {name: value.float().double() for name, value in found.items()}


def outputs(case: Case, given: dict[str, Tensor], attend: Attend | None) -> dict[str, Tensor]:
    """Sums, weights and the gradient in each input; by `attend`, or by the public function where that is None."""
    leaves = {name: value.detach().requires_grad_() for name, value in given.items()}
    values = leaves["features"]
    if "log_scale" in leaves:
        values = cosine_features(values, leaves["log_scale"].exp(), leaves.get("project"))
    offset, place, softmax = leaves["offset"], leaves.get("place"), case.weights != "dot"
    if attend is None:
        words: Literal["softmax", "dot"] = "softmax" if softmax else "dot"
        found = inter_frame_attention(values, offset, case.kernel, case.dilation, words, place)
        sums, weights = found.features, found.attention
    else:
        sums, weights = attend(values, offset, case.kernel, case.dilation, softmax)
        if place is not None:
            sums = sums + place_code(offset, weights, place, case.kernel, case.dilation)
    rng = torch.Generator().manual_seed(1)
    pull = lambda like: torch.randn(like.shape, generator=rng, dtype=torch.float64).to(like)
    loss = (sums * pull(sums)).sum() + (weights * pull(weights)).sum()
    slopes = torch.autograd.grad(loss, list(leaves.values()))
    grads = {f"gradient in {name}": slope for name, slope in zip(leaves, slopes, strict=True)}
    return {"sums": sums.detach(), "weights": weights.detach(), **grads}


def worst(found: dict[str, Tensor], expected: dict[str, Tensor], kind: str = "") -> tuple[float, str]:
    """The largest difference by the largest value, among the outputs whose names begin so, and whose it is."""
    errors = {}
    for name, value in found.items():
        if name.startswith("gradient") == (kind == "gradient"):
            right = expected[name]
            errors[name] = ((value.cpu().double() - right).abs().max() / right.abs().max().clamp_min(1e-30)).item()
    name = max(errors, key=lambda each: (errors[each] != errors[each], errors[each]))
    return errors[name], name


def check(report: Report, setting: Setting) -> None:
    """One engine, which the environment names. Each case is a row: the largest error as a share of what is allowed."""
    engine = os.environ["SIFA_KERNEL"]
    attend: Attend = importlib.import_module(f"sifa.model.kernels._{engine}").attend
    torch.backends.cuda.matmul.allow_tf32 = False  # of the linear map of the values
    for name, case in (CASES if setting.small else CASES | LARGE).items():
        with report.case(name):
            compare(report, setting, name, case, attend)
    with report.case("outside is 0"):
        outside(report, setting, attend)
    with report.case("twice"):
        case = LARGE["tiny's finest"] if setting.gpu else CASES["dot, K 3"]
        given = moved(inputs(case), setting)
        one, two = (outputs(case, given, attend) for _ in range(2))
        report.figure("gradients, twice", worst(two, {k: v.cpu().double() for k, v in one.items()}, "gradient")[0])


def moved(given: dict[str, Tensor], setting: Setting, kind: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """On the device; in bfloat16 the features and offsets alone, as under autocast."""
    low = kind == torch.bfloat16
    return {
        name: value.to(setting.device, torch.float32 if low and name not in ("features", "offset") else kind)
        for name, value in given.items()
    }


def compare(report: Report, setting: Setting, name: str, case: Case, attend: Attend) -> None:
    """float32 by the engine itself; by the public function in float32, float64 and bfloat16, which may be refused each."""
    given = inputs(case)
    expected = outputs(case, given, _torch.attend)
    ways: dict[str, tuple[Attend | None, torch.dtype, float, float]] = {
        "float32": (attend, torch.float32, FORWARD, GRADIENT),
        "as called": (None, torch.float32, FORWARD, GRADIENT),
        "float64": (None, torch.float64, DOUBLE, DOUBLE),
    }
    if case.weights != "cosine":  # whose features are made outside of the operator
        ways["bfloat16"] = (None, torch.bfloat16, ROUNDED, ROUNDED)
    shares, words = [], []
    for way, (function, kind, *limits) in ways.items():
        right = expected
        if kind == torch.bfloat16:
            rounded = {key: value.to(torch.float32) for key, value in moved(given, Setting("cpu", True), kind).items()}
            right = outputs(case, {key: value.double() for key, value in rounded.items()}, _torch.attend)
        found = outputs(case, moved(given, setting, kind), function)
        for side, limit in zip(("", "gradient"), limits, strict=True):
            if side and (
                case.whole or kind == torch.bfloat16
            ):  # where there is no one answer, or it is rounded too often
                continue
            error, where = worst(found, right, side)
            shares.append(error / limit)
            words.append(f"{way} {error:.1e} ({where})" if error > limit else f"{way} {error:.1e}")
    report.most(name, max(shares, key=lambda share: (share != share, share)), 1, "; ".join(words))


def outside(report: Report, setting: Setting, attend: Attend) -> None:
    """Points a cell or more off the map count 0, in the sums, the weights and the slopes."""
    case = Case(shape=(1, 4, 2, 5, 6))
    given = inputs(case)
    taps = neighbour_grid(3, 1).double()[:, :, None, None]
    here = torch.stack(torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij")).double()
    for name, target in (("above", -1.0), ("below", 6.5), ("far", 1e6), ("farther than any number of cells", 3e9)):
        given["offset"] = (target - here - taps).expand(1, 1, 9, 2, 5, 6).contiguous()
        found = outputs(case, moved(given, setting), attend)
        zero = all(bool((value == 0).all()) for key, value in found.items() if key != "gradient in features")
        report.holds(f"outside, {name}: all 0", zero)
