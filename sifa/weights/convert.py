"""State dicts of other code in our names: the released training code's, and image Swins and ResNets, inflated.

Nothing is dropped in silence: what a file holds beyond the model is either compared with what it has to be, or named in
`Conversion.left_out` with the reason; what the model has beyond the file is named in `Conversion.fresh`.
"""

import re
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from sifa.errors import WeightsError
from sifa.model.registry import SIFAModel
from sifa.model.resnet import SIFANet
from sifa.model.swin import Block, SIFALayer, SIFATransformer, WindowAttention
from sifa.weights.prefixes import without_prefix

SWIN_STEM, RESNET_STEM = "patch_embed.proj.weight", "conv1.weight"
RELEASED_MARKS = ("def_cor.weight", "tda_norm.weight", "1.conv_offset.weight")


@dataclass
class Conversion:
    """A state dict in the model's names, and the account of what was done to it."""

    kind: str  # "ours", "released", "image"
    state: dict[str, Tensor] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # key of the file -> why the model has no use for it
    fresh: dict[str, str] = field(default_factory=dict)  # key of the model -> what stands there instead
    prefix: str = ""  # what stood before every key of the file and was taken off


def convert(state: dict[str, Tensor], model: SIFAModel) -> Conversion:
    """A state dict of any known naming in the names of `model`, without what wrappers put before every key.

    Raises WeightsError where something that has to hold a known constant holds something else. Keys that are not
    understood are passed on as they are, for the caller to compare.
    """
    prefix, state = without_prefix(state)
    return replace(_convert(state, model), prefix=prefix)


def _convert(state: dict[str, Tensor], model: SIFAModel) -> Conversion:
    wanted = model.state_dict()
    stem = state.get(RESNET_STEM if isinstance(model, SIFANet) else SWIN_STEM)
    of_images = stem is not None and stem.dim() == 4
    released = any(key.endswith(RELEASED_MARKS) for key in state)
    if isinstance(model, SIFANet):
        if of_images:
            return _image_resnet(state, wanted)
        return _released_resnet(state, model) if released else Conversion("ours", dict(state))
    if of_images:
        return _image_swin(state, model, wanted)
    return _released_swin(state, model) if released or "fc.weight" in state else Conversion("ours", dict(state))


def _released_swin(state: dict[str, Tensor], model: SIFATransformer) -> Conversion:
    """`c2d_sifa_swin.py`: every block has all the parts, and uses those that its shift calls for."""
    out, blocks = Conversion("released"), _blocks(model)
    for key, value in state.items():
        prefix, block, rest = _split(key, blocks)
        shifted = block is not None and block.attn.shift > 0
        match rest:
            case "def_cor.weight" if block:
                sifa = getattr(block.temporal, "sifa", None)
                _check_constant(key, value, sifa.kernel_size if sifa else value.shape[-1])
                out.left_out[key] = "the constant 1/C"
            case "conv.weight" if block and not shifted:
                out.left_out[key] = "the released forward pass never uses it"
            case "conv.weight" if block:  # (C, C, 1, 3)
                out.state[f"{prefix}temporal.weight"] = value.squeeze(2)
            case "tda_norm.weight" | "tda_norm.bias" if block and shifted:
                out.left_out[key] = "the released forward pass never uses it"
            case "tda_norm.weight" | "tda_norm.bias" if block:
                if isinstance(block.temporal, SIFALayer) and block.temporal.norm is None:
                    raise WeightsError(
                        f"{key} is the norm of a SIFA branch beside the window attention; create the model with "
                        'reading="released"'
                    )
                out.state[f"{prefix}temporal.norm.{_last(rest)}"] = value
            case "conv_offset.weight":
                out.state[f"{prefix}temporal.sifa.conv_offset.weight"] = value.squeeze(2)
            case "fc.weight" | "fc.bias":
                out.state[f"head.{_last(rest)}"] = value
            case _:
                _keep_swin(key, value, block, rest, out)
    return out


def _released_resnet(state: dict[str, Tensor], model: SIFANet) -> Conversion:
    """`c2d_sifa_resnet.py`: image convolutions with a time axis of length 1."""
    out = Conversion("released")
    for key, value in state.items():
        prefix, _, rest = key.rpartition("def_cor.")
        if prefix:
            block = dict(model.named_modules()).get(prefix.rstrip("."))
            sifa = getattr(block, "sifa", None)
            _check_constant(key, value, sifa.kernel_size if sifa else value.shape[-1])
            out.left_out[key] = "the constant 1/C"
            continue
        name = key.replace(".conv_offset.", ".sifa.conv_offset.")
        out.state[name] = value.squeeze(2) if value.dim() == 5 and key != RESNET_STEM else value
    return out


def _image_swin(state: dict[str, Tensor], model: SIFATransformer, wanted: dict[str, Tensor]) -> Conversion:
    """The names of the official code or of timm, which keeps the merging at the start of the next stage."""
    out, blocks = Conversion("image"), _blocks(model)
    of_timm = "head.fc.weight" in state or not any(key.startswith("layers.0.downsample") for key in state)
    for key, value in state.items():
        name = key.replace("head.fc.", "head.")
        if of_timm:
            name = re.sub(r"^layers\.(\d+)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", name)
        _, block, rest = _split(name, blocks)
        if name == SWIN_STEM:
            out.state[name] = _inflate(value, model.config.tubelet)
        elif name.startswith("patch_embed.norm.") and name not in wanted:
            out.left_out[key] = "the released model has no norm after its tubelets (patch_norm=True keeps it)"
        elif name in ("head.weight", "head.bias"):
            _image_head(key, name, value, wanted, out)
        else:
            _keep_swin(name, value, block, rest, out)
    for name, value in wanted.items():
        if ".temporal." in name and name not in out.state:
            out.state[name] = torch.zeros_like(value)
            out.fresh[name] = "zero"
    return out


def _image_resnet(state: dict[str, Tensor], wanted: dict[str, Tensor]) -> Conversion:
    """torchvision's names; the dual head's last stage starts as a copy of the last stage."""
    out = Conversion("image")
    for key, value in state.items():
        if key == RESNET_STEM:
            out.state[key] = _inflate(value, wanted[key].shape[2])
        elif key in ("fc.weight", "fc.bias"):
            _image_head(key, key, value, wanted, out)
        else:
            out.state[key] = value
        if key.startswith("layer4."):
            out.state[key.replace("layer4.", "layer4_dual.")] = value
    for name, value in wanted.items():
        if name in out.state:
            continue
        if name.endswith((".conv_offset.weight", ".num_batches_tracked")):  # the counter is not in files of before 2018
            out.state[name], out.fresh[name] = torch.zeros_like(value), "zero"
        elif name.startswith("fc_dual.") or re.search(r"\.fc[12]\.", name):
            out.state[name], out.fresh[name] = value, "as created"
    return out


def _blocks(model: SIFATransformer) -> dict[str, Block]:
    """The blocks by the prefix of their keys, "layers.0.blocks.1."."""
    return {f"{name}.": block for name, block in model.named_modules() if isinstance(block, Block)}


def _split(key: str, blocks: dict[str, Block]) -> tuple[str, Block | None, str]:
    """(prefix of the block, the block, the rest of the key); no block outside of blocks, or where there is none."""
    found = re.match(r"layers\.\d+\.blocks\.\d+\.", key)
    if not found or found.group() not in blocks:
        return "", None, key
    return found.group(), blocks[found.group()], key[found.end() :]


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _keep_swin(key: str, value: Tensor, block: Block | None, rest: str, out: Conversion) -> None:
    """Buffers that follow from the window must be what we compute; everything else keeps its name."""
    attention: WindowAttention | None = block.attn if block else None
    if attention is None or rest not in ("attn.relative_position_index", "attn_mask"):
        out.state[key] = value
        return
    ours = attention.index if rest.startswith("attn.") else attention.mask
    if ours is None or value.shape != ours.shape or not torch.equal(value.to(ours), ours):
        raise WeightsError(
            f"{key} is not what follows from the model's window of {attention.window} and shift of {attention.shift}; "
            "create the model with the img_size and window_size of the weights"
        )
    out.left_out[key] = "follows from the window"


def _check_constant(key: str, value: Tensor, kernel: int) -> None:
    """The frozen weights of the released correlation, (C, T, K, K), are 1/C everywhere."""
    if value.dim() != 4 or value.shape[2:] != (kernel, kernel):
        raise WeightsError(
            f"{key} has shape {tuple(value.shape)}, but the model's kernel is {kernel} x {kernel}; create it with that of "
            "the weights"
        )
    if not torch.allclose(value, torch.full_like(value, 1 / value.shape[0])):
        raise WeightsError(f"{key} is not the constant 1/C that the released model keeps there")


def _inflate(weight: Tensor, tubelet: int) -> Tensor:
    """An image filter (O, I, h, w) as one over `tubelet` frames that sees only frame tubelet // 2."""
    filters = weight.new_zeros(*weight.shape[:2], tubelet, *weight.shape[2:])
    filters[:, :, tubelet // 2] = weight
    return filters


def _image_head(key: str, name: str, value: Tensor, wanted: dict[str, Tensor], out: Conversion) -> None:
    """The image classifier is kept only where it has as many classes."""
    if value.shape == wanted[name].shape:
        out.state[name] = value
    else:
        out.left_out[key] = f"classifies {len(value)} image classes"
        out.state[name], out.fresh[name] = wanted[name], "as created"
