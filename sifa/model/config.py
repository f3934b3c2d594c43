"""The arguments of the models: named, typed and checked here, and nowhere else.

Every check runs when a configuration is made, so before a model takes any memory. An unknown word is a ValueError that lists
the known ones; a size that cannot be is one that says the limit.
"""

import math
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from reprlib import repr as shown  # long values are cut, so that messages stay short
from typing import Any, Literal, Self, get_args, get_origin

Offsets = Literal["learned", "zero"]  # "zero": no offset convolution, as the released Swin runs
Saliency = Literal["paper", "released", "none"]  # what offsets are read from: `sifa.model.attention.motion_saliency`
Softness = Literal["dot", "softmax"]  # of the neighbours' weights: `sifa.model.attention.inter_frame_attention`
Weights = Literal["dot", "softmax", "cosine"]  # "cosine": a softmax over `sifa.model.attention.cosine_features`
Position = Literal["none", "relative"]  # "relative": values also say where they were read, from the query
Stem = Literal["tubelet", "frame"]  # "frame": one frame of each tubelet, so that nothing crosses time before the blocks
Placement = Literal["inside", "branch"]
Temporal = Literal["sifa", "conv", "none"]

RESNET_TUBELET = 4  # frames that the stem of a SIFA-Net makes one time step of
RESNET_STAGES = 4
LARGEST = dict(
    img_size=4096, num_frames=4096, num_classes=100_000, tubelet=64, patch_size=256, embed_dim=4096, depths=256,
    num_heads=1024, window_size=256, kernel_size=31, kernel_sizes=31, dilation=64, dilations=64, layers=256,
    width_per_group=1024, stages=8,
)  # fmt: skip
LARGEST_CLIP = 2**28  # pixels: num_frames x img_size x img_size
LARGEST_MODEL = 10**9  # numbers: weights, and what is kept for each window


def check_word(name: str, value: object, kind: Any) -> None:
    """Raise ValueError unless `value` is one of the words of the Literal type `kind`."""
    known = get_args(kind)
    if not isinstance(value, str) or value not in known:
        words = [f'"{word}"' for word in known]
        raise ValueError(f"{name} is {shown(value)}; use {', '.join(words[:-1])} or {words[-1]}")


def check_size(name: str, value: Any, most: int) -> int:
    """`value` as an int. Raises ValueError unless it is a whole number from 1 to `most`."""
    if not _is(Integral, value) or not 1 <= value <= most:
        raise ValueError(f"{name} is {shown(value)}; it must be a whole number from 1 to {most}")
    return int(value)


@dataclass(frozen=True)
class _Config:
    """What the configurations have in common: the check of each argument by its type, and changing some."""

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _fit_type(field.name, getattr(self, field.name), field.type))

    def as_dict(self) -> dict[str, Any]:
        """The arguments by name, as plain data that JSON can hold."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def change(self, **arguments: Any) -> Self:
        """The same with some arguments changed. Raises ValueError for unknown names and for values that cannot be."""
        known = [field.name for field in fields(self)]
        if strangers := [name for name in arguments if name not in known]:
            what = f"argument{'s' if len(strangers) > 1 else ''} called {', '.join(map(_cut, strangers[:8]))}"
            raise ValueError(f"the model has no {what}; there are {', '.join(known)}")
        return replace(self, **arguments)


@dataclass(frozen=True)
class SwinConfig(_Config):
    """The arguments of `SIFATransformer`. Raises ValueError where they cannot be."""

    img_size: int = 224  # pixels
    num_frames: int = 64
    num_classes: int = 400
    tubelet: int = 4  # frames of a time step
    patch_size: int = 4  # pixels of a cell of the first stage
    embed_dim: int = 96  # channels of the first stage
    depths: tuple[int, ...] = (2, 2, 6, 2)  # blocks of each stage
    num_heads: tuple[int, ...] = (3, 6, 12, 24)
    window_size: int = 7  # cells
    mlp_ratio: float = 4.0  # hidden channels of the MLP over the block's
    kernel_size: int = 3  # K: a location attends to K x K neighbours
    dilation: int = 1
    offsets: Offsets = "learned"
    saliency: Saliency = "paper"
    weights: Weights = "dot"
    placement: Placement = "inside"  # of SIFA in its block: `sifa.model.swin.SIFALayer`
    unshifted: Temporal = "sifa"  # the temporal module of blocks whose windows are not shifted
    shifted: Temporal = "conv"  # and of those whose windows are
    rectified: bool = False  # split the tubelets' response into its positive and its negative part
    overlap: bool = False  # let the tubelets reach into their neighbours
    patch_norm: bool = False  # a LayerNorm after the tubelets, as image Swins have it and the released code does not
    stem: Stem = "tubelet"
    position: Position = "none"
    projected: bool = (
        False  # with weights="cosine": the compared features go through a learned map, at first the identity
    )
    norm_start: float = 0.0  # the weights of the branch's LayerNorm at the start
    kernel_sizes: tuple[int, ...] = ()  # K of each stage; empty: kernel_size in all of them
    dilations: tuple[int, ...] = ()  # cells between neighbours in each stage; empty: dilation in all of them
    drop_path: float = 0.0  # share of the clips that skip the last block's residuals in training; from 0 at the first

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_lengths(depths=self.depths, num_heads=self.num_heads)
        step = self.patch_size * 2 ** (len(self.depths) - 1)
        if self.img_size % step:
            raise ValueError(
                f"img_size is {self.img_size}; it must be a multiple of {step} = patch_size x 2 for each merging"
            )
        if self.num_frames % self.tubelet:
            raise ValueError(f"num_frames is {self.num_frames}; it must be a multiple of {self.tubelet}, the tubelet")
        if self.overlap and self.patch_size % 2:
            raise ValueError(f"patch_size is {self.patch_size}; with overlap=True it must be even")
        for stage, heads in enumerate(self.num_heads):
            self._check_stage(stage, heads)
        _check_share("drop_path", self.drop_path, 1.0, below=True)
        _check_kernel("kernel_size", self.kernel_size)
        self._check_operator()
        _check_total(self.num_frames * self.img_size**2, self.numbers())

    def _check_operator(self) -> None:
        if self.kernel_sizes:
            _check_lengths(depths=self.depths, kernel_sizes=self.kernel_sizes)
        if self.dilations:
            _check_lengths(depths=self.depths, dilations=self.dilations)
        for stage, kernel in enumerate(self.kernel_sizes):
            _check_kernel(f"kernel_sizes[{stage}]", kernel)
        if self.projected and self.weights != "cosine":
            raise ValueError(
                f'projected is True and weights "{self.weights}"; only "cosine" compares projected features'
            )
        if not -10 <= self.norm_start <= 10:
            raise ValueError(f"norm_start is {self.norm_start}; it must be from -10 to 10")

    def kernel(self, stage: int) -> int:
        """K of a stage's SIFA blocks."""
        return self.kernel_sizes[stage] if self.kernel_sizes else self.kernel_size

    def spacing(self, stage: int) -> int:
        """Cells between the neighbours of a stage's SIFA blocks."""
        return self.dilations[stage] if self.dilations else self.dilation

    def channels(self, stage: int) -> int:
        return int(self.embed_dim * 2**stage)

    def resolution(self, stage: int) -> int:
        """Cells along each side of the map."""
        return int(self.img_size // self.patch_size // 2**stage)

    def window(self, stage: int) -> int:
        """Cells along each side of a window, never more than the map has."""
        return min(self.window_size, self.resolution(stage))

    def shift(self, stage: int, block: int) -> int:
        """By how many cells a block's windows are shifted: odd blocks by half a window, where there are several."""
        return self.window(stage) // 2 if block % 2 and self.resolution(stage) > self.window(stage) else 0

    def _check_stage(self, stage: int, heads: int) -> None:
        channels, side = self.channels(stage), self.resolution(stage)
        if channels % heads:
            raise ValueError(
                f"num_heads is {self.num_heads}; {heads} heads cannot share the {channels} channels of stage {stage + 1}"
            )
        if side % self.window(stage):
            raise ValueError(
                f"window_size is {self.window_size}, and such windows do not fill the {side} x {side} cells of stage "
                f"{stage + 1}; choose a window_size that divides {side}, or another img_size"
            )
        if not 0 < self.mlp_ratio <= 64 or channels * self.mlp_ratio < 1:
            raise ValueError(
                f"mlp_ratio is {self.mlp_ratio}; it must leave at least 1 hidden channel, and be at most 64"
            )

    def numbers(self) -> float:
        """About how many numbers the model holds: weights, and two tables for the windows of each block."""
        total: float = self.num_classes * self.channels(len(self.depths) - 1)
        total += 24 * self.tubelet * self.patch_size**2 * self.embed_dim
        for stage, depth in enumerate(self.depths):
            channels, side, window = self.channels(stage), self.resolution(stage), self.window(stage)
            block = (7 + 2 * self.mlp_ratio) * channels**2 + 18 * self.kernel(stage) ** 2 * channels
            total += depth * (block + window**4 + (side * window) ** 2) + 8 * channels**2
        return total


@dataclass(frozen=True)
class ResNetConfig(_Config):
    """The arguments of `SIFANet`. Raises ValueError where they cannot be."""

    layers: tuple[int, ...] = (3, 4, 6, 3)  # blocks of each stage
    width_per_group: int = 64
    kernel_sizes: tuple[int, ...] = (1, 3, 3, 3)  # K of the SIFA blocks of each stage; the first stage has none
    num_frames: int = 16
    num_classes: int = 400
    img_size: int = 224  # pixels of the picture that `predict` feeds; the network takes any
    dilation: int = 1
    offsets: Offsets = "learned"
    saliency: Saliency = "paper"
    weights: Weights = "dot"
    dropout: float = 0.5  # before the two heads

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, each in (("layers", self.layers), ("kernel_sizes", self.kernel_sizes)):
            if len(each) != RESNET_STAGES:
                raise ValueError(f"{name} has {len(each)} numbers; it must have {RESNET_STAGES}, one for each stage")
        for stage, kernel in enumerate(self.kernel_sizes):
            _check_kernel(f"kernel_sizes[{stage}]", kernel)
        if self.num_frames % RESNET_TUBELET or self.num_frames < 2 * RESNET_TUBELET:
            raise ValueError(
                f"num_frames is {self.num_frames}; it must be a multiple of {RESNET_TUBELET}, at least {2 * RESNET_TUBELET}"
            )
        _check_share("dropout", self.dropout, 1.0)
        _check_total(self.num_frames * self.img_size**2, self.numbers())

    def numbers(self) -> float:
        """About how many numbers the model holds; the last stage is there twice."""
        total: float = 2 * 2048 * self.num_classes
        for stage, (depth, kernel) in enumerate(zip(self.layers, self.kernel_sizes)):
            width, outputs = self.width_per_group * 2**stage, 256 * 2**stage
            block = 9 * width**2 + 2 * width * outputs + 18 * kernel**2 * width + outputs**2 // 8
            total += depth * block * (2 if stage == RESNET_STAGES - 1 else 1)
        return total


ModelConfig = SwinConfig | ResNetConfig


def _fit_type(name: str, value: Any, kind: Any) -> Any:
    """The value as its type wants it: lists as tuples, numbers of other libraries as Python's."""
    if get_origin(kind) is Literal:
        check_word(name, value, kind)
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is {shown(value)}; use True or False")
        return value
    if kind is float:
        if not _is(Real, value) or not math.isfinite(value):
            raise ValueError(f"{name} is {shown(value)}; it must be a number")
        return float(value)
    if kind is int:
        return check_size(name, value, LARGEST[name])
    if name in ("kernel_sizes", "dilations") and value in ((), []):
        return ()
    if not isinstance(value, tuple | list) or not value:
        raise ValueError(f"{name} is {shown(value)}; it must be a whole number for each stage, such as (2, 2)")
    if len(value) > LARGEST["stages"]:
        raise ValueError(
            f"{name} has {len(value)} numbers, one for each stage; there can be {LARGEST['stages']} stages"
        )
    return tuple(check_size(f"{name}[{i}]", each, LARGEST[name]) for i, each in enumerate(value))


def _check_lengths(**lists: tuple[int, ...]) -> None:
    (one, first), (other, second) = lists.items()
    if len(first) != len(second):
        raise ValueError(f"{one} has {len(first)} numbers and {other} has {len(second)}; each stage needs one of both")


def _check_kernel(name: str, size: int) -> None:
    if size % 2 == 0:
        raise ValueError(f"{name} is {size}; neighbours lie around a centre, so it must be odd: 1, 3, 5, ...")


def _check_share(name: str, share: float, most: float, below: bool = False) -> None:
    if not 0 <= share <= most or (below and share == most):
        raise ValueError(f"{name} is {share}; it must be at least 0 and {'below' if below else 'at most'} {most:g}")


def _check_total(pixels: int, numbers: float) -> None:
    if pixels > LARGEST_CLIP:
        raise ValueError(
            f"a clip of num_frames x img_size x img_size has {pixels / 1e6:.0f} million pixels; the limit is "
            f"{LARGEST_CLIP / 1e6:.0f} million, so choose fewer or smaller frames"
        )
    if numbers > LARGEST_MODEL:
        raise ValueError(
            f"the model would hold {numbers / 1e6:.0f} million numbers; the limit is {LARGEST_MODEL / 1e6:.0f} million, so "
            "choose fewer blocks, fewer channels or smaller windows"
        )


def _is(kind: type, value: object) -> bool:
    """Whether it is a number of that kind, Python's or numpy's; True and False are none."""
    return isinstance(value, kind) and type(value) is not bool


def _cut(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}..."
