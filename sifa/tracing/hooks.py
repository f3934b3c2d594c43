"""Seeing inside: a context manager that listens to the SIFA blocks while the model runs.

The blocks return their evidence (`SIFAOutput`); forward hooks collect it for the calling context only, so that many
threads can share one model. Nothing is left on the model afterwards, and no code path differs when it is watched.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sifa.model.attention import SIFA, SIFAOutput, displacement, motion_saliency
from sifa.tracing.records import BlockTrace, Trace

REWEIGHTED = "Changed weights: not those that the block computed"


class Captured(NamedTuple):
    """One SIFA block's call, still in torch and still differentiable."""

    name: str
    block: SIFA
    features: Tensor  # (B, C, T, H, W) what the block was given
    output: SIFAOutput

    @property
    def displacement(self) -> Tensor:
        """(B, P, 2, H, W) where each location's attention went, (dy, dx) in cells."""
        return displacement(self.output.offset, self.output.attention, self.block.kernel_size, self.block.dilation)


_listeners: ContextVar[tuple[list, ...]] = ContextVar("sifa_listeners", default=())
_stand_ins: ContextVar[Mapping[SIFA, SIFA]] = ContextVar("sifa_stand_ins", default={})  # noqa: B039, never changed


@contextmanager
def listen(model: nn.Module, calls: list, handler) -> Iterator[None]:
    """Append handler(name, module, args, output) to `calls` for each SIFA block, and for the model itself, that runs in
    this context while the body does."""

    def hook(name):
        def listen(module, args, output):
            if any(calls is mine for mine in _listeners.get()):
                calls.append(handler(name, module, args, output))

        return listen

    watched = [(name, m) for name, m in model.named_modules() if isinstance(m, SIFA) or m is model]
    handles = [m.register_forward_hook(hook(name)) for name, m in watched]
    token = _listeners.set((*_listeners.get(), calls))
    try:
        yield
    finally:
        _listeners.reset(token)
        for handle in handles:
            handle.remove()


@contextmanager
def replace_blocks(model: nn.Module, stand_in: Callable[[SIFA], SIFA]) -> Iterator[None]:
    """Let stand_in(block) run in place of each SIFA block of the model, in this context while the body does.

    Whoever listens sees the stand-in and its output, whichever began first. Within another `replaced`, the blocks are
    that one's stand-ins. Raises ValueError where the model has no SIFA block.
    """
    before = _stand_ins.get()
    mine = {block: stand_in(before.get(block, block)) for block in model.modules() if isinstance(block, SIFA)}
    if not mine:
        raise ValueError("this model has no SIFA block, so nothing in it can be replaced; choose a model that has some")

    def run(module, args, output):
        if _stand_ins.get().get(module) is mine[module]:
            return mine[module](*args)

    handles = [block.register_forward_hook(run, prepend=True) for block in mine]
    token = _stand_ins.set({**before, **mine})
    try:
        yield
    finally:
        _stand_ins.reset(token)
        for handle in handles:
            handle.remove()


def _capture(name, module, args, output):
    if not isinstance(module, SIFA):
        return args[0].shape
    return Captured(name, _stand_ins.get().get(module, module), args[0], output)


@contextmanager
def capture(model: nn.Module) -> Iterator[list[Captured]]:
    """Collect the blocks' inputs and outputs as they are, for any batch and with gradients."""
    calls, blocks = [], []
    with listen(model, calls, _capture):
        yield blocks
        blocks += [call for call in calls if isinstance(call, Captured)]


@contextmanager
def record(model: nn.Module) -> Iterator[Trace]:
    """Record what every SIFA block does to one clip: `with record(model) as trace: logits = model(video)`.

    The trace is filled when the body ends, and leaves out blocks that saw a single time step. The logits are bit-identical
    with and without it. Raises RuntimeError where the model is compiled, where nothing was caught, or where more than one
    clip or one forward pass was seen.
    """
    if hasattr(model, "_orig_mod") or any(m._compiled_call_impl is not None for m in model.modules()):
        raise RuntimeError(
            "a compiled model cannot be recorded, since hooks do not fire on it; record the model itself"
        )
    calls, trace = [], Trace()
    with listen(model, calls, _capture):
        yield trace
    blocks = [call for call in calls if isinstance(call, Captured)]
    paired = [call for call in blocks if call.features.shape[2] > 1]  # the others had no next step to look into
    videos = [call for call in calls if not isinstance(call, Captured)]
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


def _block_trace(call: Captured, video: torch.Size) -> BlockTrace:
    frames, height, width = video[-3:]
    _, _, t, h, w = call.features.shape
    with torch.no_grad():
        saliency = motion_saliency(call.features.float(), call.block.saliency).square().mean(1).sqrt()[0]
    array = lambda tensor: tensor.detach().float().cpu().numpy()  # noqa: E731
    return BlockTrace(
        name=_short_name(call.name),
        stage=call.block.stage,
        block=call.block.block,
        kernel=call.block.kernel_size,
        dilation=call.block.dilation,
        stride=(frames / t, height / h, width / w),
        offset=array(call.output.offset[0]),
        attention=array(call.output.attention[0]),
        saliency=array(saliency),
        normalised=call.block.weights == "softmax",
        meaning=REWEIGHTED if getattr(call.block, "reweight", None) else "",
        operator=dict(
            offsets="zero" if call.block.conv_offset is None else "learned",
            saliency=call.block.saliency,
            placement=call.block.placement,
        ),
    )
