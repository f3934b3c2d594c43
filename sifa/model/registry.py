"""Named models. A variant is a function of a few lines that gives its configuration; `create_model` finds it by name."""

from collections.abc import Callable
from reprlib import repr as shown
from typing import Any, Literal, TypeVar

from sifa.model.config import ModelConfig, ResNetConfig, SwinConfig, check_word
from sifa.model.resnet import SIFANet
from sifa.model.swin import SIFATransformer

Reading = Literal["paper", "released"]
SIFAModel = SIFATransformer | SIFANet
Config = TypeVar("Config", SwinConfig, ResNetConfig)

# the operator's switches as the paper describes it, and as the released code of that family runs it
SWIN_READINGS: dict[Reading, dict[str, str]] = {
    "paper": dict(offsets="learned", saliency="paper", weights="dot", placement="inside"),
    "released": dict(offsets="zero", saliency="released", weights="dot", placement="branch"),
}
RESNET_READINGS: dict[Reading, dict[str, str]] = {
    "paper": dict(offsets="learned", saliency="paper", weights="dot"),
    "released": dict(offsets="learned", saliency="released", weights="dot"),
}

_variants: dict[str, Callable[[], ModelConfig]] = {}


def register(variant: Callable[[], Config]) -> Callable[[], Config]:
    """Make a variant known to `create_model` by the name of its function."""
    _variants[variant.__name__] = variant
    return variant


@register
def sifa_swin() -> SwinConfig:
    """A SIFA-Transformer of any shape."""
    return SwinConfig()


@register
def sifa_swin_nano_16x64() -> SwinConfig:
    """Half a million parameters, made for a CPU and trained by this project: 8 time steps over a 16 x 16 grid."""
    return SwinConfig(
        img_size=64, num_frames=16, num_classes=24, tubelet=2, embed_dim=32, depths=(2, 2, 2), num_heads=(2, 4, 8),
        window_size=4, mlp_ratio=2.0, placement="branch", rectified=True, overlap=True,
    )  # fmt: skip


@register
def sifa_swin_tiny_64x224() -> SwinConfig:
    return SwinConfig(embed_dim=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24), drop_path=0.2)


@register
def sifa_swin_small_64x224() -> SwinConfig:
    return SwinConfig(embed_dim=96, depths=(2, 2, 18, 2), num_heads=(3, 6, 12, 24), drop_path=0.3)


@register
def sifa_swin_base_64x224() -> SwinConfig:
    return SwinConfig(embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32), drop_path=0.5)


@register
def sifa_swin_large_64x224() -> SwinConfig:
    return SwinConfig(embed_dim=192, depths=(2, 2, 18, 2), num_heads=(6, 12, 24, 48), drop_path=0.5)


@register
def sifa_resnet() -> ResNetConfig:
    """A SIFA-Net of any shape."""
    return ResNetConfig()


@register
def sifa_resnet50_16x224() -> ResNetConfig:
    return ResNetConfig(layers=(3, 4, 6, 3), num_frames=16)


@register
def sifa_resnet50_32x224() -> ResNetConfig:
    return ResNetConfig(layers=(3, 4, 6, 3), num_frames=32)


@register
def sifa_resnet50_64x224() -> ResNetConfig:
    return ResNetConfig(layers=(3, 4, 6, 3), num_frames=64)


@register
def sifa_resnet101_16x224() -> ResNetConfig:
    return ResNetConfig(layers=(3, 4, 23, 3), num_frames=16)


@register
def sifa_resnet101_32x224() -> ResNetConfig:
    return ResNetConfig(layers=(3, 4, 23, 3), num_frames=32)


@register
def sifa_resnet101_64x224() -> ResNetConfig:
    return ResNetConfig(layers=(3, 4, 23, 3), num_frames=64)


def list_models() -> list[str]:
    """The names that `create_model` knows."""
    return list(_variants)


def model_config(name: str, /, reading: Reading | None = None, **arguments: Any) -> ModelConfig:
    """The checked arguments of a named variant, without the model. Raises ValueError like `create_model`."""
    if not isinstance(name, str) or name not in _variants:
        raise ValueError(f"no model is called {shown(name)}; there are {', '.join(_variants)}")
    config = _variants[name]()
    if reading is None:
        return config.change(**arguments)
    check_word("reading", reading, Reading)
    readings = SWIN_READINGS if isinstance(config, SwinConfig) else RESNET_READINGS
    return config.change(**readings[reading] | arguments)


def create_model(name: str, /, reading: Reading | None = None, **arguments: Any) -> SIFAModel:
    """A model by name, with random weights, in training mode.

    `reading` "paper" | "released" sets the operator's switches together; further keyword arguments override the variant's
    own: those of `SwinConfig` or `ResNetConfig`. Raises ValueError for an unknown name, reading, argument or word, naming the
    known ones, and for sizes that cannot be.
    """
    config = model_config(name, reading, **arguments)
    model = SIFATransformer(config) if isinstance(config, SwinConfig) else SIFANet(config)
    model.variant = name
    return model
