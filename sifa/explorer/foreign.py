"""Sampling points of other models as blocks of a trace: deformable convolutions, deformable attention."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from typing import Any, TypeVar

import numpy as np
from PIL import Image
from torch import Tensor, nn

from sifa.model.attention import neighbour_grid
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
    cell itself. `meaning` says in the viewer what the weights are. Raises ValueError where shapes do not fit.
    """
    points, weights = _array(points, 5), _array(weights, 4)
    pairs, count, two, height, width = points.shape
    if two != 2 or weights.shape != (pairs, count, height, width):
        raise ValueError(
            f"{name}: points are {points.shape} and weights {weights.shape}; they must be (P, N, 2, H, W) and "
            "(P, N, H, W)"
        )
    if kernel is None:
        places = np.zeros((count, 2), np.float32) if taps is None else _array(taps, 2)
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


def _array(values: Numbers, dimensions: int) -> np.ndarray:
    values = values.detach().float().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values, np.float32)
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
    stretched to a square. Raises ValueError where frames are missing for some pair.
    """
    if not blocks:
        raise ValueError("there is no block to show; record at least one")
    frames = np.asarray(frames)
    steps = max(len(block.attention) for block in blocks) + 1
    single = frames.ndim == 3
    if single:
        frames = np.stack([frames] * steps)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) < steps:
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
    list of them.

    `with record_modules(model, {"layer3.0.conv2": read}) as blocks: model(x)`; names are those of `model.named_modules()`.
    Raises ValueError for a name that the model does not have.
    """
    modules: dict[str, nn.Module] = dict(model.named_modules())
    blocks: list[T] = []
    if unknown := sorted(readers.keys() - modules.keys()):
        raise ValueError(f"the model has no submodule {', '.join(unknown)}; choose from model.named_modules()")

    def hook(read: Reader[T]) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def append(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            found = read(module, arguments, output)
            blocks.extend(found if isinstance(found, list) else [found])

        return append

    handles = [modules[name].register_forward_hook(hook(read)) for name, read in readers.items()]
    try:
        yield blocks
    finally:
        for handle in handles:
            handle.remove()
