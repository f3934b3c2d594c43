"""Seeing inside: a context manager that listens to the SIFA blocks while the model runs.

The blocks return their evidence (`SIFAOutput`); forward hooks collect it for the calling context only, so that many
threads can share one model. Nothing is left on the model afterwards, and no code path differs when it is watched.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sifa.attention import SIFA, SIFAOutput, displacement, motion_saliency, sampling_points
from sifa.resnet import Bottleneck
from sifa.swin import SIFALayer

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


@dataclass(frozen=True)
class BlockTrace:
    """What one SIFA block did to one clip. P frame pairs, N = kernel * kernel neighbours, H x W cells; (y, x) order.

    A block of another model (`sifa.explorer.foreign_block`) may have any N neighbours, at `taps`. A switch that `operator`
    lacks is that of the shipped weights: offsets "learned", saliency "paper", placement "branch".
    """

    name: str
    stage: int
    block: int
    kernel: int
    dilation: int
    stride: tuple[float, float, float]  # (t, y, x) input steps per cell
    offset: np.ndarray  # (P, N, 2, H, W) float32, (dy, dx) in cells
    attention: np.ndarray  # (P, N, H, W) float32
    saliency: np.ndarray  # (P, H, W) float32, root mean square over channels of what the offsets were read from
    normalised: bool  # True: softmax weights; False: raw dot products, which may be negative
    taps: np.ndarray | None = None  # (N, 2) places (dy, dx) of the neighbours, where they are no K x K grid
    anchored: bool = False  # True: `taps` are places (y, x) on the map, the same for every cell
    meaning: str = ""  # what the weights are, in words, where they are neither of the two above
    # the switches "offsets", "saliency" and "placement" that ran
    operator: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> np.ndarray:
        """(P, N, 2, H, W) sampled places (y, x) in frame t+1, in cells; whatever lies outside counts 0."""
        if self.taps is not None:
            return self.offset + tap_places(self.taps, self.anchored, self.offset.shape[-2:])
        return sampling_points(torch.from_numpy(self.offset), self.kernel, self.dilation).numpy()

    @property
    def outside(self) -> np.ndarray:
        """(P, N, H, W) bool: the point lies a whole cell or more off the map, so that it counts 0."""
        last = np.array(self.offset.shape[-2:]).reshape(2, 1, 1)
        return ((self.points <= -1) | (self.points >= last)).any(2)

    @property
    def displacement(self) -> np.ndarray:
        """(P, 2, H, W) mean of (sampled place - query place), weighted by |attention|, (dy, dx) in cells."""
        if self.taps is not None:
            moved, share = self.points - np.indices(self.offset.shape[-2:]), np.abs(self.attention)[:, :, None]
            return (moved * share).sum(1) / np.maximum(share.sum(1), 1e-12)
        offset, attention = torch.from_numpy(self.offset), torch.from_numpy(self.attention)
        return displacement(offset, attention, self.kernel, self.dilation).numpy()

    @property
    def entropy(self) -> np.ndarray:
        """(P, H, W) entropy of |weight| / sum |weight| over the neighbours, divided by log N: 1 = spread evenly."""
        share = np.abs(self.attention)
        share = share / np.maximum(share.sum(1, keepdims=True), 1e-12)
        return -(share * np.log(np.maximum(share, 1e-12))).sum(1) / np.log(max(share.shape[1], 2))


def tap_places(taps: np.ndarray, anchored: bool, grid: tuple[int, int]) -> np.ndarray:
    """(N, 2, H, W) float32 places (y, x) of the neighbours of every cell before any offset, from taps (N, 2)."""
    places = np.zeros((1, 2, *grid)) if anchored else np.indices(grid)
    return (places + taps[:, :, None, None]).astype(np.float32)


class Trace(Sequence):
    """The blocks of one forward pass in the order they ran; `trace[2]` or `trace["layers.0.blocks.0"]`."""

    def __init__(self, blocks: Sequence[BlockTrace] = ()):
        self.blocks = list(blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | str) -> BlockTrace:
        if not isinstance(key, str):
            return self.blocks[key]
        for block in self.blocks:
            if block.name == key:
                return block
        raise KeyError(f"no block {key!r} in this trace; it has {[b.name for b in self.blocks]}")


_listeners: ContextVar[tuple[list, ...]] = ContextVar("sifa_listeners", default=())
_stand_ins: ContextVar[Mapping[SIFA, SIFA]] = ContextVar("sifa_stand_ins", default={})  # noqa: B039, never changed


@contextmanager
def listening(model: nn.Module, calls: list, handler) -> Iterator[None]:
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
def replaced(model: nn.Module, stand_in: Callable[[SIFA], SIFA]) -> Iterator[None]:
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
    with listening(model, calls, _capture):
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
    with listening(model, calls, _capture):
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
    trace.blocks += [_block_trace(call, video, _placement(model, call.name)) for call in paired]


def _placement(model: nn.Module, name: str) -> str:
    """What becomes of a block's sum: "inside" adds it to its input, "branch" its LayerNorm; "unknown" in other modules."""
    match model.get_submodule(name.rpartition(".")[0]):
        case Bottleneck() | SIFALayer(norm=None):
            return "inside"
        case SIFALayer():
            return "branch"
        case _:
            return "unknown"


def _block_trace(call: Captured, video: torch.Size, placement: str) -> BlockTrace:
    numbers = [int(n) for n in re.findall(r"\d+", call.name)]
    name = re.match(r"(?:.*\.)?\D*\d+(?=\.|$)", call.name)
    frames, height, width = video[-3:]
    _, _, t, h, w = call.features.shape
    with torch.no_grad():
        saliency = motion_saliency(call.features.float(), call.block.saliency).square().mean(1).sqrt()[0]
    array = lambda tensor: tensor.detach().float().cpu().numpy()  # noqa: E731
    return BlockTrace(
        name=name.group() if name else call.name,
        stage=numbers[0] if numbers else 0,
        block=numbers[1] if len(numbers) > 1 else 0,
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
            placement=placement,
        ),
    )
