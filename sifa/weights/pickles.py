"""Reading state dicts from files of any origin, without ever running code in them."""

import argparse
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sifa.errors import WeightsError
from sifa.weights.kinds import kind_of
from sifa.weights.tensors import read_safetensors


def read_state(file: Path) -> dict[str, Any]:
    """What a safetensors or PyTorch file holds, whatever its name; the latter only if it is plain data. Raises WeightsError."""
    kind = kind_of(file)
    _refuse_bomb(file)
    if not kind.torch:
        return read_safetensors(file)[0]
    try:
        # a Namespace is where the released code keeps its options; opened, since torch.load goes by names
        with torch.serialization.safe_globals([argparse.Namespace]), file.open("rb") as opened:
            state = torch.load(opened, map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" in str(error) and ("GLOBAL" in str(error) or "Unsupported" in str(error)):
            raise WeightsError(
                f"{file.name} needs Python code to be unpickled, and code in files is never executed. Save the state dict "
                "alone, best with safetensors, and load that"
            ) from error
        raise WeightsError(
            f"{file.name} is cut off or damaged, or no PyTorch file ({type(error).__name__}); copy or download it again"
        ) from error
    if not isinstance(state, dict):
        raise WeightsError(f"{file.name} holds a {type(state).__name__}, not a state dict; save model.state_dict()")
    for key, value in unwrap(state).items():
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise WeightsError(f"{file.name}: {key} {tuple(value.shape)} claims more numbers than the file holds")
    return state


def _refuse_bomb(file: Path) -> None:
    """PyTorch writes its zip files uncompressed, so one that unpacks to more than its own size was made to do harm."""
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise WeightsError(f"{file.name} is a damaged zip file ({error}); copy or download it again") from error
    size = file.stat().st_size
    if unpacked > size:
        raise WeightsError(
            f"{file.name} has {size / 1e6:.1f} MB and would unpack to {unpacked / 1e6:.1f} MB; PyTorch's files are not "
            "compressed, so it is not opened"
        )


def _is_plain(value: object) -> bool:
    """Whether it is a tensor whose numbers lie in memory one after another: neither sparse nor quantised."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized and not value.is_meta


def unwrap(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict inside of what training code saves."""
    for key in ("model", "state_dict", "model_state_dict"):
        if isinstance(state.get(key), dict):
            state = state[key]
    strangers = [str(key) for key, value in state.items() if not (isinstance(key, str) and _is_plain(value))]
    if strangers or not state:
        held = f"also holds {', '.join(strangers[:5])}, which are no named tensors" if strangers else "is empty"
        raise WeightsError(f"this is no state dict: it {held}; save model.state_dict() and load that")
    return dict(state)
