"""Parameters and multiply-adds of every variant, beside the paper's numbers: `sifa cost`; and which weights make large calls.

Counted on the meta device, so nothing is computed; one clip of 224 x 224 (nano: 64 x 64) with 400 classes (nano: 24).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sifa.model.attention import SIFA
from sifa.model.kernels import LARGE, work
from sifa.model.registry import Reading, create_model, list_models
from sifa.model.swin import Block, SIFALayer, SIFATransformer, WindowAttention

PAPER = {  # GFLOPs of tables 2 and 4
    ("sifa_resnet50", 16): 25, ("sifa_resnet50", 32): 51, ("sifa_resnet50", 64): 112,
    ("sifa_resnet101", 16): 39, ("sifa_resnet101", 32): 78, ("sifa_resnet101", 64): 157,
    ("sifa_swin_base", 64): 270,
}  # fmt: skip
CLOSE = 0.01  # share of the paper's number


@dataclass(frozen=True)
class Cost:
    """What one clip costs."""

    parameters: int
    released_parameters: int  # trainable ones of the released code's model, with those that its forward pass never uses
    convolution_and_linear: int  # multiply-adds
    attention: int  # multiply-adds of the window attention's two products
    sifa: int  # multiply-adds of the operator: K * K * C for each of 2 dots and 2 bilinear readings of 4 corners, per query


def cost(name: str, frames: int, reading: Reading = "released") -> Cost:
    """What a variant costs for one clip of so many frames.

    Norms, activations, softmax and pooling are not counted. Raises ValueError for an unknown name."""
    with torch.device("meta"):
        model = create_model(name, reading, num_frames=frames).eval()
        size = model.config.img_size
        video = torch.empty(1, 3, frames, size, size)
    operator, attention = _counted_calls(model), list[int]()
    for module in model.modules():
        if isinstance(module, WindowAttention):
            module.register_forward_hook(lambda m, args, _: attention.append(2 * args[0].numel() * m.window**2))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(video)
    products = counter.get_total_flops() // 2 - sum(attention)
    parameters = sum(p.numel() for p in model.parameters())
    return Cost(parameters, parameters + _never_used(model), products, sum(attention), 10 * sum(operator))


def has_large_calls(variant: str, arguments: Mapping[str, Any]) -> bool:
    """Whether one clip makes a model call the operator with so much work that compiled code is worth its time
    (`kernels.LARGE`). `variant` and `arguments` are those of a card. Raises ValueError like `create_model`."""
    with torch.device("meta"):
        model = create_model(variant, **arguments).eval()
        size = model.config.img_size
        video = torch.empty(1, 3, model.config.num_frames, size, size)
    calls = _counted_calls(model)
    with torch.no_grad():
        model(video)
    return max(calls, default=0) >= LARGE


def _counted_calls(model: nn.Module) -> list[int]:
    """A list that gets the multiply-adds of each call of the operator, as `kernels.work` counts them, when the model runs."""
    calls: list[int] = []
    for module in model.modules():
        if isinstance(module, SIFA):
            module.register_forward_hook(lambda m, args, _: calls.append(work(args[0], m.kernel_size)))
    return calls


def _never_used(model: nn.Module) -> int:
    """Parameters that the released Swin has beside ours: every block has a temporal convolution and the branch's norm."""
    if not isinstance(model, SIFATransformer):
        return 0
    blocks = [block for block in model.modules() if isinstance(block, Block)]
    sizes = [block.norm1.normalized_shape[0] for block in blocks]
    return sum(3 * c * c if isinstance(block.temporal, SIFALayer) else 2 * c for block, c in zip(blocks, sizes))


def costs(
    frame_counts: Sequence[int] = (16, 32, 64), progress: Callable[[str, float], None] | None = None
) -> dict[tuple[str, int], Cost]:
    """{(family, frames): cost} of all named variants; those whose names state frames have these alone."""
    variants = []
    for name in list_models():
        family, _, shape = name.rpartition("_")
        if "x" not in shape:
            continue
        own = int(shape.partition("x")[0])
        variants += [
            (name, family, n) for n in (frame_counts if family.startswith("sifa_swin") and own == 64 else (own,))
        ]
    result = {}
    for number, (name, family, frames) in enumerate(variants):
        if progress:
            progress(name, number / len(variants))
        result[family, frames] = cost(name, frames)
    return result


def table(of: Mapping[tuple[str, int], Cost] | None = None) -> str:
    """The costs of all named variants, or those given, as a Markdown table."""
    rows = [
        "| variant | frames | parameters, M | released code, M | conv + linear, G | attention, G | SIFA, G | paper, G |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (family, frames), found in (costs() if of is None else of).items():
        paper = PAPER.get((family, frames))
        g = [f"{n / 1e9:.2f}" for n in (found.convolution_and_linear, found.attention, found.sifa)]
        rows.append(
            f"| {family} | {frames} | {found.parameters / 1e6:.2f} | {_released_number(family, found)} | {' | '.join(g)} | "
            f"{_paper_number(paper, found.convolution_and_linear / 1e9)} |"
        )
    return "\n".join(rows)


def _released_number(name: str, found: Cost) -> str:
    """Nano and tiny are not in the released code."""
    return "-" if "nano" in name or "tiny" in name else f"{found.released_parameters / 1e6:.2f}"


def _paper_number(paper: int | None, ours: float) -> str:
    if paper is None:
        return "-"
    return f"{paper}" if abs(ours / paper - 1) <= CLOSE else f"{paper}, which we do not find"
