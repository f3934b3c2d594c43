"""Seeing inside: a context manager that listens to the SIFA blocks while the model runs.

The blocks return their evidence (`SIFAOutput`); forward hooks collect it for the calling context only, so that many
threads can share one model. Nothing is left on the model afterwards, and no code path differs when it is watched.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from sifa.model.attention import SIFA, SIFAOutput, displacement, motion_saliency
from sifa.tracing.given import check_modules
from sifa.tracing.records import BlockTrace, Trace

T = TypeVar("T")
OTHER_WEIGHTS = "Changed weights: not those that the block computed"


class Modules(Protocol):
    """Whatever has submodules: any nn.Module."""

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]: ...
    def modules(self) -> Iterator[nn.Module]: ...


class BlockCall(NamedTuple):
    """One SIFA block's call, still in torch and still differentiable."""

    name: str
    block: SIFA
    features: Tensor  # (B, C, T, H, W) what the block was given
    output: SIFAOutput

    @property
    def displacement(self) -> Tensor:
        """(B, P, 2, H, W) where each location's attention went, (dy, dx) in cells."""
        return displacement(self.output.offset, self.output.attention, self.block.kernel_size, self.block.dilation)


_listeners: ContextVar[tuple[list[Any], ...]] = ContextVar("sifa_listeners", default=())
_stand_ins: ContextVar[Mapping[SIFA, SIFA]] = ContextVar("sifa_stand_ins", default=MappingProxyType({}))


@contextmanager
def listen(
    model: Modules,
    calls: list[T],
    handler: Callable[[str, nn.Module, tuple[Any, ...], Any], T],
    kind: type[nn.Module] = SIFA,
) -> Iterator[None]:
    """Append handler(name, module, args, output) to `calls` for each SIFA block (or module of another kind), and for the
    model itself, that runs in this context while the body does."""
    check_modules(model)

    def hook(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def append(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if any(calls is mine for mine in _listeners.get()):
                calls.append(handler(name, module, args, output))

        return append

    modules = [(name, m) for name, m in model.named_modules() if isinstance(m, kind) or m is model]
    handles = [m.register_forward_hook(hook(name)) for name, m in modules]
    token = _listeners.set((*_listeners.get(), calls))
    try:
        yield
    finally:
        _listeners.reset(token)
        for handle in handles:
            handle.remove()


@contextmanager
def replace_blocks(model: Modules, stand_in: Callable[[SIFA], SIFA]) -> Iterator[None]:
    """Let stand_in(block) run in place of each SIFA block of the model, in this context while the body does.

    Whoever listens sees the stand-in and its output, whichever began first. Within another `replace_blocks`, the
    blocks are that one's stand-ins. Raises ValueError where the model has no SIFA block.
    """
    check_modules(model)
    before = _stand_ins.get()
    mine = {block: stand_in(before.get(block, block)) for block in model.modules() if isinstance(block, SIFA)}
    if not mine:
        raise ValueError("this model has no SIFA block, so nothing in it can be replaced; choose a model that has some")

    def run(block: SIFA, args: tuple[Tensor], output: SIFAOutput) -> SIFAOutput | None:
        return mine[block](*args) if _stand_ins.get().get(block) is mine[block] else None

    handles = [block.register_forward_hook(run, prepend=True) for block in mine]
    token = _stand_ins.set({**before, **mine})
    try:
        yield
    finally:
        _stand_ins.reset(token)
        for handle in handles:
            handle.remove()


def _capture(name: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> BlockCall | torch.Size:
    """A block's call, or the size of the video that the model was given."""
    if isinstance(module, SIFA):
        return BlockCall(name, _stand_ins.get().get(module, module), args[0], output)
    size: torch.Size = args[0].shape
    return size


@contextmanager
def capture(model: Modules) -> Iterator[list[BlockCall]]:
    """Collect the blocks' inputs and outputs as they are, for any batch and with gradients."""
    calls: list[BlockCall | torch.Size] = []
    blocks: list[BlockCall] = []
    with listen(model, calls, _capture):
        yield blocks
        blocks += [call for call in calls if isinstance(call, BlockCall)]


@contextmanager
def record(model: Modules) -> Iterator[Trace]:
    """Record what every SIFA block does to one clip: `with record(model) as trace: logits = model(video)`.

    The trace is filled when the body ends, and leaves out blocks that saw a single time step. The logits are bit-identical
    with and without it. Raises RuntimeError where the model is compiled, where nothing was caught, or where more than one
    clip or one forward pass was seen.
    """
    check_modules(model)
    if hasattr(model, "_orig_mod") or any(m._compiled_call_impl is not None for m in model.modules()):
        raise RuntimeError(
            "a compiled model cannot be recorded, since hooks do not fire on it; record the model itself"
        )
    calls: list[BlockCall | torch.Size] = []
    trace = Trace()
    with listen(model, calls, _capture):
        yield trace
    blocks = [call for call in calls if isinstance(call, BlockCall)]
    paired = [call for call in blocks if call.features.shape[2] > 1]  # the others had no next step to look into
    videos = [call for call in calls if not isinstance(call, BlockCall)]
    if not blocks:
        raise RuntimeError(
            "record caught no SIFA block: run the model inside the with statement, and choose a model that has SIFA blocks"
        )
    if len(videos) > 1 or len(blocks[0].features) != 1:
        raise RuntimeError(
            f"record takes one clip and one forward pass; it saw {max(len(videos), 1)} passes over batches of "
            f"{len(blocks[0].features)} clips"
        )
    video = videos[0] if videos else blocks[0].features.shape
    trace.blocks += [_block_trace(call, video) for call in paired]


def _short_name(path: str) -> str:
    """The path of a module up to its last numbered part: "layers.0.blocks.1.temporal.sifa" -> "layers.0.blocks.1"."""
    parts = path.split(".")
    digits = "0123456789"
    numbered = [i for i, part in enumerate(parts) if part[-1:] in digits and not set(part.rstrip(digits)) & set(digits)]
    return ".".join(parts[: numbered[-1] + 1]) if numbered else path


def _block_trace(call: BlockCall, video: torch.Size) -> BlockTrace:
    frames, height, width = video[-3:]
    _, _, t, h, w = call.features.shape
    with torch.no_grad():
        saliency = motion_saliency(call.features.float(), call.block.saliency).square().mean(1).sqrt()[0]
    return BlockTrace(
        name=_short_name(call.name),
        stage=call.block.stage,
        block=call.block.block,
        kernel=call.block.kernel_size,
        dilation=call.block.dilation,
        stride=(frames / t, height / h, width / w),
        offset=_array(call.output.offset[0]),
        attention=_array(call.output.attention[0]),
        saliency=_array(saliency),
        normalised=call.block.weights != "dot",
        meaning=OTHER_WEIGHTS if getattr(call.block, "reweight", None) else "",
        operator=dict(
            offsets="zero" if call.block.conv_offset is None else "learned",
            saliency=call.block.saliency,
            placement=call.block.placement,
            **_beyond_the_paper(call.block),
        ),
    )


def _beyond_the_paper(block: SIFA) -> dict[str, str]:
    """The switches that neither the paper nor the released code has, where they are used."""
    used: dict[str, str] = {}
    if block.log_scale is not None:
        used |= dict(weights="cosine", scale=f"{block.log_scale.exp().item():.4g}")
    if block.project is not None:
        used |= dict(projected="yes")
    if block.place is not None:
        used |= dict(position="relative")
    return used


def _array(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = tensor.detach().float().cpu().numpy()
    return array
