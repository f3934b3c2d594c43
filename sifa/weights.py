"""Checkpoints: safetensors files that carry their own card, and strict loading of our own and of released weights."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sifa import models

DEFAULT_CHECKPOINT = Path(__file__).parents[1] / "assets" / "sifa_swin_nano_16x64.safetensors"


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """What weights are: where they come from, what they were trained on, and what input they expect."""

    variant: str
    config: dict  # arguments of the variant
    labels: tuple[str, ...]
    title: str = ""  # in a few words, for lists of weights; the file's name where there is none
    trained_on: str = ""  # in words, for the badge on the page; empty for random weights
    num_frames: int = 16
    sampling_rate: int = 4  # source frames from one sampled frame to the next, at about 30 frames per second
    mean: tuple[float, ...] | None = None  # None: each clip is normalised by its own statistics
    std: tuple[float, ...] | None = None
    recipe: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    file: str = ""
    sha256: str = ""

    @property
    def size(self) -> int:
        return self.config["img_size"]


def untrained(variant: str, **config) -> nn.Module:
    """A model with random weights and a card that says so, in evaluation mode."""
    model = models.create(variant, **config).eval()
    labels = tuple(f"class {i}" for i in range(model.config["num_classes"]))
    model.checkpoint = Checkpoint(variant, model.config, labels, num_frames=model.config["num_frames"])
    return model


def save(model: nn.Module, checkpoint: Checkpoint, file: Path) -> None:
    """Write weights and card to a safetensors file."""
    card = {k: v for k, v in asdict(checkpoint).items() if k not in ("file", "sha256")}
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(tensors, file, metadata={"sifa": json.dumps(card)})


def load(file: str | Path = DEFAULT_CHECKPOINT, device: str = "cpu") -> nn.Module:
    """A trained model, in evaluation mode, from one of our checkpoints; its card is `model.checkpoint`.

    Raises CheckpointError where the file is missing, damaged, or not one of ours.
    """
    file = Path(file)
    tensors, card = _read_safetensors(file)
    if card is None:
        raise CheckpointError(
            f"{file.name} holds weights but not the card that says which model they are for; build the model with "
            "sifa.create and load them with sifa.load_weights"
        )
    checkpoint = _checkpoint(card, file)
    model = models.create(checkpoint.variant, **checkpoint.config)
    load_weights(model, tensors)
    model.checkpoint = replace(checkpoint, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    return model.to(device).eval()


def load_card(file: str | Path) -> Checkpoint:
    """The card of one of our checkpoints without its weights. Raises CheckpointError like `load`."""
    file = Path(file)
    _, card = _read_safetensors(file, weights=False)
    if card is None:
        raise CheckpointError(f"{file.name} holds weights but no card")
    return _checkpoint(card, file)


def _checkpoint(card: dict, file: Path) -> Checkpoint:
    known = {k: v for k, v in card.items() if k in Checkpoint.__dataclass_fields__}
    return Checkpoint(
        **_tuples(
            known | {"config": _tuples(card["config"]), "file": file.name, "title": card.get("title") or file.stem}
        )
    )


def _tuples(values: dict) -> dict:
    """JSON's lists as the tuples they were."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def load_weights(model: nn.Module, weights: str | Path | dict[str, Tensor]) -> None:
    """Load a state dict, or a .safetensors or .pth file of one, into a model: strictly.

    Knows our own naming and that of the released training code (key `model`, optional `module.` prefix, `fc`,
    `def_cor.weight`, `tda_norm`, `conv`), leaving out what the released model holds but never uses. Raises
    CheckpointError with the keys where anything else is missing, left over, or of another shape.
    """
    state = weights if isinstance(weights, dict) else _read_file(Path(weights))
    wanted = model.state_dict()
    state = _rename_released(state, wanted)
    missing, surplus = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    shapes = [
        f"{k} {tuple(state[k].shape)} instead of {tuple(wanted[k].shape)}"
        for k in sorted(wanted.keys() & state.keys())
        if state[k].shape != wanted[k].shape
    ]
    problems = [
        f"{what}: {', '.join(keys[:8])}{' ...' if len(keys) > 8 else ''}"
        for what, keys in (("missing", missing), ("not in this model", surplus), ("of another shape", shapes))
        if keys
    ]
    if problems:
        raise CheckpointError(f"the weights do not fit the model; {'; '.join(problems)}")
    model.load_state_dict(state)


def _rename_released(state: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The released naming in ours. The frozen 1/C must be that; buffers we compute and unused parameters are left out."""
    state = {k.removeprefix("module."): v for k, v in state.items()}
    if not any("def_cor" in k for k in state):
        return state
    renamed = {}
    for key, value in state.items():
        block = re.match(r"layers\.\d+\.blocks\.\d+\.", key)
        prefix = block.group() if block else ""
        rest = key[len(prefix) :]
        uses_sifa, uses_conv = f"{prefix}temporal.norm.weight" in wanted, f"{prefix}temporal.weight" in wanted
        match rest:
            case "def_cor.weight":
                if not torch.allclose(value, torch.full_like(value, 1 / value.shape[0])):
                    raise CheckpointError(f"{key} is not the constant 1/C that the released model keeps there")
            case "conv.weight":  # (C, C, 1, 3)
                if uses_conv:
                    renamed[f"{prefix}temporal.weight"] = value.squeeze(2)
            case "tda_norm.weight" | "tda_norm.bias":
                if uses_sifa:
                    renamed[f"{prefix}temporal.norm.{rest.rpartition('.')[2]}"] = value
            case "conv_offset.weight":
                renamed[f"{prefix}temporal.sifa.conv_offset.weight"] = value
            case "attn.relative_position_index" | "attn_mask":
                pass  # functions of the window size, computed here
            case "fc.weight" | "fc.bias":
                renamed[f"head.{rest.rpartition('.')[2]}"] = value
            case _:
                renamed[key] = value
    return renamed


def _read_file(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        return _read_safetensors(file)[0]
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {file.name}; check the path") from None
    except Exception as error:
        raise CheckpointError(
            f"{file.name} is not a plain PyTorch state dict ({type(error).__name__}); files that need Python code to be "
            "unpickled are never executed. Save the state dict with safetensors and load that"
        ) from error
    return state.get("model", state)


def _read_safetensors(file: Path, weights: bool = True) -> tuple[dict[str, Tensor], dict | None]:
    if not file.is_file():
        raise CheckpointError(f"there is no checkpoint {file.name}; check the path")
    try:
        with safe_open(file, framework="pt") as f:
            tensors = {key: f.get_tensor(key) for key in f.keys()} if weights else {}  # noqa: SIM118
            card = (f.metadata() or {}).get("sifa")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{file.name} is not a readable safetensors file ({error}); copy or train it again"
        ) from error
    return tensors, json.loads(card) if card else None
