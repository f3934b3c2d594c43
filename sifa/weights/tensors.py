"""Reading safetensors files, which cannot run code; a digest inside ours tells whether all of it is as it was written."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sifa.errors import WeightsError
from sifa.weights.kinds import SAFETENSORS, header_length, kind_of

LONGEST_HEADER = 16 << 20  # bytes


def digest(tensors: Mapping[str, Tensor], card: str) -> str:
    """The sha256 of names, shapes, types and numbers, and of the card's text; in hexadecimal."""
    found = hashlib.sha256(card.encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        found.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of those that hold a number that is infinite or none."""
    return [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]


def read_safetensors(file: Path, weights: bool = True) -> tuple[dict[str, Tensor], Any]:
    """The tensors of a file (none without `weights`), and its card's JSON as plain data, None where it has no card.

    Raises WeightsError where the file is missing, of another kind, damaged, or not as it was written.
    """
    check_kind(file)
    try:
        with safe_open(file, framework="pt") as f:
            names = f.keys() if weights else []
            tensors = {name: f.get_tensor(name) for name in names}
            about = f.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{file.name} is a safetensors file that is cut off or damaged ({error!s:.200}); copy, download or train it again"
        ) from error
    card = about.get("sifa")
    if card is None:
        return tensors, None
    if weights and about.get("sha256", digest(tensors, card)) != digest(tensors, card):
        raise WeightsError(
            f"{file.name} is damaged: its numbers are not those that were written; copy or train it again"
        )
    try:
        return tensors, json.loads(card)
    except (ValueError, RecursionError) as error:
        raise WeightsError(
            f"the card in {file.name} is damaged, no readable JSON; convert or train it again"
        ) from error


def check_kind(file: Path) -> None:
    """Raises WeightsError with what a file is and what to do, where it is no safetensors file."""
    kind = kind_of(file)
    if kind != SAFETENSORS:
        raise WeightsError(f"{file.name or file} {kind.words}; {kind.advice(file)}")
    if header_length(file) > LONGEST_HEADER:
        raise WeightsError(
            f"{file.name} begins with {header_length(file) >> 20} MB about its contents; the limit is {LONGEST_HEADER >> 20} MB"
        )
