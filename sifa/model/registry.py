"""Named models. A variant is a function of a few lines; `create_model` finds it by name."""

from torch import nn

from sifa.model.resnet import SIFANet
from sifa.model.swin import SIFATransformer

READINGS = {  # the operator as the paper describes it, and as the released code of that family runs it
    "sifa_swin": {
        "paper": dict(offsets="learned", saliency="paper", weights="dot", placement="inside"),
        "released": dict(offsets="zero", saliency="released", weights="dot", placement="branch"),
    },
    "sifa_resnet": {
        "paper": dict(offsets="learned", saliency="paper", weights="dot"),
        "released": dict(offsets="learned", saliency="released", weights="dot"),
    },
}


def sifa_swin(**config) -> SIFATransformer:
    """A SIFA-Transformer of any shape; the arguments are those of `SIFATransformer`."""
    return SIFATransformer(**config)


def sifa_swin_nano_16x64(**config) -> SIFATransformer:
    """Half a million parameters, made for a CPU and trained by this project: 8 time steps over a 16 x 16 grid."""
    shape = dict(
        img_size=64, num_frames=16, num_classes=24, tubelet=2, embed_dim=32, depths=(2, 2, 2), num_heads=(2, 4, 8),
        window_size=4, mlp_ratio=2.0, placement="branch", rectified=True, overlap=True,
    )  # fmt: skip
    return SIFATransformer(**shape | config)


def sifa_swin_tiny_64x224(**config) -> SIFATransformer:
    shape = dict(embed_dim=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24), drop_path=0.2)
    return SIFATransformer(**shape | config)


def sifa_swin_small_64x224(**config) -> SIFATransformer:
    shape = dict(embed_dim=96, depths=(2, 2, 18, 2), num_heads=(3, 6, 12, 24), drop_path=0.3)
    return SIFATransformer(**shape | config)


def sifa_swin_base_64x224(**config) -> SIFATransformer:
    shape = dict(embed_dim=128, depths=(2, 2, 18, 2), num_heads=(4, 8, 16, 32), drop_path=0.5)
    return SIFATransformer(**shape | config)


def sifa_swin_large_64x224(**config) -> SIFATransformer:
    shape = dict(embed_dim=192, depths=(2, 2, 18, 2), num_heads=(6, 12, 24, 48), drop_path=0.5)
    return SIFATransformer(**shape | config)


def sifa_resnet(**config) -> SIFANet:
    """A SIFA-Net of any shape; the arguments are those of `SIFANet`."""
    return SIFANet(**config)


def sifa_resnet50_16x224(**config) -> SIFANet:
    return SIFANet(**dict(layers=(3, 4, 6, 3), num_frames=16) | config)


def sifa_resnet50_32x224(**config) -> SIFANet:
    return SIFANet(**dict(layers=(3, 4, 6, 3), num_frames=32) | config)


def sifa_resnet50_64x224(**config) -> SIFANet:
    return SIFANet(**dict(layers=(3, 4, 6, 3), num_frames=64) | config)


def sifa_resnet101_16x224(**config) -> SIFANet:
    return SIFANet(**dict(layers=(3, 4, 23, 3), num_frames=16) | config)


def sifa_resnet101_32x224(**config) -> SIFANet:
    return SIFANet(**dict(layers=(3, 4, 23, 3), num_frames=32) | config)


def sifa_resnet101_64x224(**config) -> SIFANet:
    return SIFANet(**dict(layers=(3, 4, 23, 3), num_frames=64) | config)


def list_models() -> list[str]:
    """The names that `create_model` knows."""
    return [name for name in globals() if name.startswith("sifa_")]


def create_model(name: str, reading: str | None = None, **config) -> nn.Module:
    """A model by name, with random weights, in training mode.

    `reading` "paper" | "released" sets the operator's switches together; further keyword arguments override the variant's
    own. Raises ValueError for an unknown name or reading, naming the known ones.
    """
    if name not in list_models():
        raise ValueError(f"no model is called {name!r}; there are {', '.join(list_models())}")
    readings = next(known for family, known in READINGS.items() if name.startswith(family))
    if reading is not None and reading not in readings:
        raise ValueError(f'the reading is {reading!r}; use "paper" or "released"')
    return globals()[name](**readings.get(reading, {}) | config)
