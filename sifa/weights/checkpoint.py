"""Checkpoints: safetensors files that carry their own card, and strict loading of our own and of released weights."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as serialise
from torch import Tensor, nn

from sifa.errors import RunError, WeightsError
from sifa.model.registry import Reading, SIFAModel, create_model, model_config
from sifa.weights.card import IMAGENET_MEAN, IMAGENET_STD, ModelCard, parse_card
from sifa.weights.convert import RESNET_STEM, SWIN_STEM, Conversion, convert
from sifa.weights.download import fetch, sha256
from sifa.weights.files import write_whole
from sifa.weights.kinds import CONVERT, SAFETENSORS, kind_of
from sifa.weights.labels import class_names
from sifa.weights.pickles import read_state, unwrap
from sifa.weights.prefixes import prefix_words, without_prefix
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from sifa.weights.tensors import digest, not_finite, read_safetensors


def save(model: nn.Module, card: ModelCard, file: Path) -> None:
    """Write weights and card to a safetensors file, whole or not at all. Raises RunError where it cannot be written."""
    data = json.dumps({k: v for k, v in asdict(card).items() if k not in ("file", "sha256")})
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    write_whole(file, serialise(tensors, {"sifa": data, "sha256": digest(tensors, data)}))


def load(source: str | Path = DEFAULT_CHECKPOINT, device: str | torch.device = "cpu") -> SIFAModel:
    """A trained model, in evaluation mode, from one of our checkpoints; its card is `model.card`.

    `source` is a path, a URL or a hub id (`sifa.weights.download.fetch`). Raises WeightsError where the file is missing,
    damaged, or not one of ours (`adopt` makes a model of other code's weights), RunError where there is no such device.
    """
    file = fetch(source)
    tensors, data = read_safetensors(file)
    if data is None:
        raise WeightsError(
            f"{file.name} holds weights but not the card that says which model they are for; {CONVERT.format(file.name)}"
        )
    card = parse_card(data, file)
    held, needed = sum(t.numel() for t in tensors.values()), model_config(card.variant, **card.config).numbers()
    if needed > 10 * held + 10**7:  # an estimate; what really fits is seen once the model is there
        raise WeightsError(
            f"{file.name} holds {held / 1e6:.1f} million numbers, but its card describes a model of about "
            f"{needed / 1e6:.0f} million; convert or train it again"
        )
    if prefix := without_prefix(tensors)[0]:
        raise WeightsError(
            f"all {len(tensors)} keys in {file.name} begin with {prefix!r}, which the model's do not; take it off with "
            f"sifa convert {file.name} --variant {card.variant} --out FILE"
        )
    model = create_model(card.variant, **card.config)
    load_weights(model, tensors)
    model.card = replace(card, sha256=sha256(file))
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        first = str(error).partition("\n")[0][:200]
        raise RunError(
            f"the model cannot be put on device {device!r} ({first}); use cpu, or cuda where there is a GPU"
        ) from error


def adopt(
    source: str | Path,
    variant: str,
    reading: Reading | None = "released",
    dataset: str | None = None,
    trained_on: str = "",
    sampling_rate: int | None = None,
    **arguments: Any,
) -> tuple[SIFAModel, Conversion]:
    """A model of a named variant with weights from other code, in evaluation mode, with a card; and what was done to them.

    `reading` None keeps the variant's own switches. `dataset` names the class list (`sifa.weights.labels`), `trained_on` says in
    words what the weights have seen, `sampling_rate` is that of the training clips (default: 2 for Swin
    and 1 for ResNet, as in the released settings); further
    arguments override the variant's, and num_classes is read off a video head. Where the file has a card of ours, only what
    stands before its keys is taken off. Raises WeightsError like `load_weights`.
    """
    file = fetch(source)
    if (card := _card_in(file)) is not None:
        return _unwrapped(file, card, variant)
    _, state = without_prefix(unwrap(read_state(file)))
    head = next((state[key] for key in ("fc.weight", "head.weight") if key in state), None)
    stem = next((state[key] for key in (SWIN_STEM, RESNET_STEM) if key in state), None)
    of_video = stem is not None and stem.dim() == 5
    if of_video and head is not None and head.dim():
        arguments = dict(num_classes=len(head)) | arguments
    try:
        model = create_model(variant, reading, **arguments).eval()
        labels = class_names(model.config.num_classes, dataset)
    except ValueError as error:
        raise WeightsError(str(error)) from error
    try:
        conversion = load_weights(model, read_state(file))
    except WeightsError as error:
        raise WeightsError(_fitting(file, state, variant, reading, arguments) or str(error)) from error
    model.card = ModelCard(
        variant, model.config.as_dict(), labels, file.stem,
        trained_on or (_video_words(file) if of_video else _image_words(file, conversion)), model.config.num_frames,
        sampling_rate or (1 if variant.startswith("sifa_resnet") else 2), IMAGENET_MEAN, IMAGENET_STD,
        file=file.name, sha256=sha256(file),
    )  # fmt: skip
    return model, conversion


def _card_in(file: Path) -> ModelCard | None:
    data = read_safetensors(file, weights=False)[1] if kind_of(file) == SAFETENSORS else None
    return None if data is None else parse_card(data, file)


def _unwrapped(file: Path, card: ModelCard, variant: str) -> tuple[SIFAModel, Conversion]:
    """A checkpoint of ours without what stands before its keys, but with its card."""
    state = read_state(file)
    if not without_prefix(state)[0]:
        raise WeightsError(f"{file.name} is one of ours already: it has a card, and every command loads it as it is")
    if card.variant != variant:
        raise WeightsError(f"the card in {file.name} says {card.variant}, not {variant}; give --variant {card.variant}")
    model = create_model(card.variant, **card.config).eval()
    conversion = load_weights(model, state)
    model.card = replace(card, sha256=sha256(file))
    return model, conversion


def _fitting(
    file: Path, state: dict[str, Tensor], variant: str, tried: Reading | None, arguments: dict[str, Any]
) -> str:
    """A sentence on the reading that the weights do fit; empty where there is none."""
    readings: tuple[Reading | None, ...] = ("paper", "released", None)
    for reading in readings:
        if reading != tried:
            with suppress(WeightsError):
                load_weights(create_model(variant, reading, **arguments), state)
                return (
                    f"{file.name} does not fit the reading {tried or 'own'}, but the reading {reading or 'own'}: give --reading "
                    f"{reading or 'own'}, or in Python reading={reading!r}"
                )
    return ""


def _video_words(file: Path) -> str:
    return f"whatever {file.name} was trained on, which the file does not say"


def _image_words(file: Path, conversion: Conversion) -> str:
    random_head = any(key.startswith(("head", "fc.")) for key in conversion.fresh)
    words = f"images alone ({file.name}, inflated): it has never seen motion"
    return f"{words}, and its classifier is random" if random_head else words


def load_weights(model: SIFAModel, weights: str | Path | Mapping[str, Tensor]) -> Conversion:
    """Load a state dict, or a .safetensors or .pth file, URL or hub id of one, into a model: strictly.

    Knows our own naming, that of the released training code (key `model`), and image Swins (official or timm) and ResNets
    (torchvision), each also with what wrappers put before every key (`module.` and the like). Image weights are inflated like
    the released code does it: the filter on one frame of the tubelet, temporal convolutions and the SIFA branch zero. The
    result says which it was, and names what was left out and what the file did not hold. Raises WeightsError with the keys
    where anything else is missing, left over, or of another shape.
    """
    found = weights if isinstance(weights, Mapping) else read_state(fetch(weights))
    conversion, wanted = convert(unwrap(found), model), model.state_dict()
    state = conversion.state
    missing, surplus = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    shapes = [
        f"{k} {tuple(state[k].shape)} instead of {tuple(wanted[k].shape)}"
        for k in sorted(wanted.keys() & state.keys())
        if state[k].shape != wanted[k].shape
    ]
    types = [
        f"{k} {str(state[k].dtype).removeprefix('torch.')}"
        for k in sorted(wanted.keys() & state.keys())
        if wanted[k].is_floating_point() and not state[k].is_floating_point()
    ]
    faults = {
        "missing": missing,
        "not in this model": surplus,
        "of another shape": shapes,
        "of another type": types,
        "with numbers that are infinite or none": not_finite(state),
    }
    problems = [
        f"{what}: {', '.join(key[:100] for key in keys[:8])}{f' ... ({len(keys)} in all)' if len(keys) > 8 else ''}"
        for what, keys in faults.items()
        if keys
    ]
    if problems:
        wrapped = prefix_words(unwrap(found), wanted)
        raise WeightsError(f"the weights do not fit the model; {wrapped or '; '.join(problems)}")
    model.load_state_dict(state)
    return conversion
