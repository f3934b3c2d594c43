"""Sampling points of other models as blocks of a trace: deformable convolutions, deformable attention."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from reprlib import repr as shown
from typing import Any, TypeVar

import numpy as np
from PIL import Image
from torch import Tensor, nn

from sifa.explorer.format.values import WIDEST
from sifa.model.config import check_size
from sifa.model.sampling import neighbour_grid
from sifa.tracing.records import BlockTrace, Prediction, Trace, tap_places
from sifa.video.clip import Clip
from sifa.video.preprocess import Crop
from sifa.weights.card import ModelCard

Numbers = np.ndarray | Tensor
T = TypeVar("T")
Reader = Callable[[nn.Module, tuple[Any, ...], Any], T | list[T]]  # (module, arguments, output) -> mostly BlockTraces
UNNAMED = "Weights as recorded"


def foreign_block(
    name: str,
    points: Numbers,
    weights: Numbers,
    *,
    kernel: int | None = None,
    dilation: int = 1,
    taps: Numbers | None = None,
    anchored: bool = False,
    meaning: str = UNNAMED,
) -> BlockTrace:
    """A block from absolute sampling points (P, N, 2, H, W) and weights (P, N, H, W); without P, one pair is meant.

    A point is (y, x) in cells of the key map, (0, 0) the centre of its first cell, for each query cell of a map of the
    same H x W. Offsets are counted from a regular K x K grid where `kernel` K is given, or from `taps` (N, 2): (dy, dx)
    from the query cell, or where `anchored` (y, x) on the map, the same for all queries; with neither, from the query
    cell itself. `meaning` says in the viewer what the weights are. Raises ValueError where shapes do not fit, and for what is
    no number.
    """
    if not isinstance(name, str) or not isinstance(meaning, str):
        raise ValueError(f"name is {shown(name)} and meaning {shown(meaning)}; both are texts")
    for what, value in (("kernel", kernel), ("dilation", dilation)):
        if value is not None:
            check_size(f"{name}: {what}", value, WIDEST)
    points, weights = _array(name, points, 5), _array(name, weights, 4)
    if points.ndim != 5 or not points.size or points.shape[2] != 2 or weights.shape != points[:, :, 0].shape:
        raise ValueError(
            f"{name}: points are {points.shape} and weights {weights.shape}; they must be (P, N, 2, H, W) and "
            "(P, N, H, W), none of them 0"
        )
    pairs, count, _, height, width = points.shape
    if kernel is None:
        places = np.zeros((count, 2), np.float32) if taps is None else _array(name, taps, 2)
    else:
        places = neighbour_grid(kernel, dilation).numpy()
    if places.shape != (count, 2):
        raise ValueError(
            f"{name}: {len(places)} regular places for {count} points; give kernel or taps (N, 2) that fit"
        )
    return BlockTrace(
        name=name,
        stage=0,
        block=0,
        kernel=kernel or ceil(count**0.5),  # of the read-out's table, where there is no grid
        dilation=dilation,
        stride=(1.0, 1.0, 1.0),
        offset=points - tap_places(places, anchored, (height, width)),
        attention=weights,
        saliency=np.zeros((pairs, height, width), np.float32),
        normalised=bool((weights >= 0).all()),
        taps=None if kernel else places,
        anchored=anchored,
        meaning=meaning or UNNAMED,
    )


def _array(name: str, values: Numbers, dimensions: int) -> np.ndarray:
    values = values.detach().cpu() if isinstance(values, Tensor) else values
    try:
        values = np.asarray(values.float() if isinstance(values, Tensor) else values)
        if np.iscomplexobj(values):
            raise TypeError("they are complex")
        values = values.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: what is given are no numbers ({error!s:.100}); give arrays or tensors") from error
    return values[None] if values.ndim == dimensions - 1 else values


def foreign(
    blocks: Sequence[BlockTrace],
    frames: np.ndarray,
    *,
    name: str = "frames",
    fps: float = 1.0,
    model: str = "",
    trained_on: str = "",
) -> Prediction:
    """Blocks of another model and the frames it saw, (T, H, W, 3) or one picture (H, W, 3), uint8 RGB, as a Prediction
    without classes.

    A picture stands for both frames of every pair. Frames are what the maps cover; those that are not square are shown
    stretched to a square. Raises ValueError where frames are missing for some pair, and for blocks that are none.
    """
    if not blocks:
        raise ValueError("there is no block to show; record at least one")
    if strangers := [block for block in blocks if not isinstance(block, BlockTrace)]:
        raise ValueError(f"{shown(strangers[0])} is no block; give those that foreign_block makes")
    if not (isinstance(fps, int | float) and 0 < fps < float("inf")):
        raise ValueError(f"fps is {shown(fps)}; it must be a number above 0")
    frames = np.asarray(frames)
    steps = max(len(block.attention) for block in blocks) + 1
    single = frames.ndim == 3
    if single:
        frames = np.stack([frames] * steps)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) < steps or not frames.size:
        raise ValueError(
            f"frames are {frames.dtype} {frames.shape}; {steps - 1} pairs need uint8 RGB of at least ({steps}, H, W, 3), "
            "or one picture (H, W, 3)"
        )
    side = max(frames.shape[1:3])
    if frames.shape[1] != frames.shape[2]:
        frames = np.stack([np.asarray(Image.fromarray(frame).resize((side, side))) for frame in frames])
    grids = list(dict.fromkeys(block.attention.shape[-2:] for block in blocks))
    blocks = [
        replace(
            block,
            stage=grids.index(block.attention.shape[-2:]),
            block=number,
            stride=(len(frames) / (len(block.attention) + 1), *(side / n for n in block.attention.shape[-2:])),
        )
        for number, block in enumerate(blocks)
    ]
    indices = np.arange(len(frames)) * (not single)
    return Prediction(
        clip=Clip(frames, indices / fps, indices, name, fps, 1 if single else len(frames), frames.shape[1:3]),
        crop=Crop(1.0, 0, 0, side),
        logits=np.zeros(0, np.float32),
        labels=(),
        trace=Trace(blocks),
        card=ModelCard(model or "recorded model", {"img_size": side}, (), trained_on=trained_on),
    )


@contextmanager
def record_modules(model: nn.Module, readers: Mapping[str, Reader[T]]) -> Iterator[list[T]]:
    """Collect reader(module, arguments, output) of each named submodule that runs while the body does: a block, or a
    list of them. The arguments are all that the module was called with, in the order of its `forward`, by name or not.

    `with record_modules(model, {"layer3.0.conv2": read}) as blocks: model(x)`; names are those of `model.named_modules()`.
    Raises ValueError for a name that the model does not have.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules())
    blocks: list[T] = []
    if unknown := sorted(readers.keys() - modules.keys()):
        raise ValueError(f"the model has no submodule {', '.join(unknown)}; choose from model.named_modules()")

    def hook(read: Reader[T]) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]:
        def append(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            found = read(module, in_order(module, arguments, named), output)
            blocks.extend(found if isinstance(found, list) else [found])

        return append

    handles = [modules[name].register_forward_hook(hook(read), with_kwargs=True) for name, read in readers.items()]
    try:
        yield blocks
    finally:
        for handle in handles:
            handle.remove()


def in_order(module: nn.Module, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a module was called with, in the order of its `forward`; where some came by name, with the defaults of the others."""
    if not named:
        return arguments
    bound = inspect.signature(module.forward).bind(*arguments, **named)
    bound.apply_defaults()
    return *bound.args, *bound.kwargs.values()
