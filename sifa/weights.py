"""Checkpoints: safetensors files that carry their own card, and strict loading of our own and of released weights."""

import argparse
import json
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sifa import models
from sifa.download import fetch, sha256
from sifa.formats import RESNET_STEM, SWIN_STEM, CheckpointError, Converted, convert
from sifa.labels import class_names

DEFAULT_CHECKPOINT = Path(__file__).parents[1] / "assets" / "sifa_swin_nano_16x64.safetensors"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


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


def load(source: str | Path = DEFAULT_CHECKPOINT, device: str = "cpu") -> nn.Module:
    """A trained model, in evaluation mode, from one of our checkpoints; its card is `model.checkpoint`.

    `source` is a path, a URL or a hub id (`sifa.download.fetch`). Raises CheckpointError where the file is missing, damaged, or
    not one of ours; `adopt` makes a model of other code's weights.
    """
    file = fetch(source)
    tensors, card = _read_safetensors(file)
    if card is None:
        raise CheckpointError(
            f"{file.name} holds weights but not the card that says which model they are for; make one of ours from it with "
            f"python -m sifa.convert {file.name} --variant NAME --out FILE, or in Python with sifa.adopt"
        )
    checkpoint = _checkpoint(card, file)
    model = models.create(checkpoint.variant, **checkpoint.config)
    load_weights(model, tensors)
    model.checkpoint = replace(checkpoint, sha256=sha256(file))
    return model.to(device).eval()


def adopt(
    source: str | Path,
    variant: str,
    reading: str = "released",
    dataset: str | None = None,
    trained_on: str = "",
    sampling_rate: int | None = None,
    **config,
) -> tuple[nn.Module, Converted]:
    """A model of a named variant with weights from other code, in evaluation mode, with a card; and what was done to them.

    `dataset` names the class list (`sifa.labels`), `trained_on` says in words what the weights have seen, `sampling_rate` is
    that of the training clips (default: 2 for Swin and 1 for ResNet, as in the released settings); `config` overrides the
    variant's arguments, and num_classes is read off a video head. Raises CheckpointError like `load_weights`.
    """
    file = fetch(source)
    state = _unwrapped(read_state(file))
    head = next((state[key] for key in ("fc.weight", "head.weight") if key in state), None)
    stem = next((state[key] for key in (SWIN_STEM, RESNET_STEM) if key in state), None)
    of_video = stem is not None and stem.dim() == 5
    if of_video and head is not None:
        config = dict(num_classes=len(head)) | config
    try:
        model = models.create(variant, reading, **config).eval()
        labels = class_names(model.config["num_classes"], dataset)
    except (TypeError, ValueError) as error:
        raise CheckpointError(str(error)) from error
    converted = load_weights(model, state)
    if not trained_on:
        trained_on = (
            f"whatever {file.name} was trained on, which the file does not say"
            if of_video
            else f"images alone ({file.name}, inflated): it has never seen motion"
            + (
                ", and its classifier is random"
                if any(key.startswith(("head", "fc.")) for key in converted.fresh)
                else ""
            )
        )
    model.checkpoint = Checkpoint(
        variant, model.config, labels, file.stem, trained_on, model.config["num_frames"],
        sampling_rate or (1 if variant.startswith("sifa_resnet") else 2), IMAGENET_MEAN, IMAGENET_STD,
        file=file.name, sha256=sha256(file),
    )  # fmt: skip
    return model, converted


def load_card(source: str | Path) -> Checkpoint:
    """The card of one of our checkpoints without its weights. Raises CheckpointError like `load`."""
    file = fetch(source)
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


def load_weights(model: nn.Module, weights: str | Path | dict[str, Tensor]) -> Converted:
    """Load a state dict, or a .safetensors or .pth file, URL or hub id of one, into a model: strictly.

    Knows our own naming, that of the released training code (key `model`, optional `module.` prefix), and image Swins (official
    or timm) and ResNets (torchvision), which are inflated like the released code does it: the filter on one frame of the
    tubelet, temporal convolutions and the SIFA branch zero. The result says which it was, and names what was left out and what
    the file did not hold. Raises CheckpointError with the keys where anything else is missing, left over, or of another
    shape.
    """
    state = weights if isinstance(weights, dict) else read_state(fetch(weights))
    converted, wanted = convert(_unwrapped(state), model), model.state_dict()
    state = converted.state
    missing, surplus = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    shapes = [
        f"{k} {tuple(state[k].shape)} instead of {tuple(wanted[k].shape)}"
        for k in sorted(wanted.keys() & state.keys())
        if state[k].shape != wanted[k].shape
    ]
    problems = [
        f"{what}: {', '.join(keys[:8])}{f' ... ({len(keys)} in all)' if len(keys) > 8 else ''}"
        for what, keys in (("missing", missing), ("not in this model", surplus), ("of another shape", shapes))
        if keys
    ]
    if problems:
        raise CheckpointError(f"the weights do not fit the model; {'; '.join(problems)}")
    model.load_state_dict(state)
    return converted


def _unwrapped(state: dict) -> dict[str, Tensor]:
    """The state dict inside of what training code saves, without the prefix that parallel training adds."""
    for key in ("model", "state_dict"):
        if isinstance(state.get(key), dict):
            state = state[key]
    strangers = [str(key) for key, value in state.items() if not isinstance(value, Tensor)]
    if strangers or not state:
        held = f"also holds {', '.join(strangers[:5])}, which are no tensors" if strangers else "is empty"
        raise CheckpointError(f"this is no state dict: it {held}; save model.state_dict() and load that")
    return {key.removeprefix("module."): value for key, value in state.items()}


def read_state(file: Path) -> dict:
    """What a .safetensors or .pth file holds; a .pth only if it is plain data. Raises CheckpointError."""
    if file.suffix == ".safetensors":
        return _read_safetensors(file)[0]
    if not file.is_file():
        raise CheckpointError(f"there is no file {file.name}; check the path")
    _refuse_bomb(file)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # where the released code keeps its options
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" in str(error) and ("GLOBAL" in str(error) or "Unsupported" in str(error)):
            raise CheckpointError(
                f"{file.name} needs Python code to be unpickled, and code in files is never executed. Save the state dict "
                "alone, best with safetensors, and load that"
            ) from error
        raise CheckpointError(
            f"{file.name} is cut off, damaged, or no PyTorch file ({type(error).__name__}); copy or download it again"
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{file.name} holds a {type(state).__name__}, not a state dict; save model.state_dict()")
    for key, value in _unwrapped(state).items():
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CheckpointError(f"{file.name}: {key} {tuple(value.shape)} claims more numbers than the file holds")
    return state


def _refuse_bomb(file: Path) -> None:
    """PyTorch writes its zip files uncompressed, so one that unpacks to more than its own size was made to do harm."""
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise CheckpointError(f"{file.name} is a damaged zip file ({error}); copy or download it again") from error
    size = file.stat().st_size
    if unpacked > size:
        raise CheckpointError(
            f"{file.name} has {size / 1e6:.1f} MB and would unpack to {unpacked / 1e6:.1f} MB; PyTorch's files are not "
            "compressed, so it is not opened"
        )


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
