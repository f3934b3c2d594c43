"""What wrappers put before every key of a state dict: DataParallel `module.`, torch.compile `_orig_mod.`, and others any word."""

import os
from collections import Counter
from collections.abc import Collection, Mapping

from torch import Tensor


def without_prefix(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """What stands before all keys, and the state without it; "" where they share nothing, as those of no model here do."""
    prefix = _shared(state)
    return prefix, {key.removeprefix(prefix): value for key, value in state.items()}


def prefix_words(keys: Collection[str], wanted: Collection[str]) -> str:
    """A sentence on what stands before most of the keys, but not before all; "" where it is a part of those that are wanted."""
    own = {_first(key) for key in wanted}
    counts = Counter(_first(key) for key in keys)
    prefix, count = counts.most_common(1)[0]
    if not prefix or prefix in own or not len(keys) / 2 < count < len(keys):
        return ""
    inside = _shared([key for key in keys if key.startswith(prefix)])
    others = [key for key in keys if not key.startswith(prefix)]
    return (
        f"{count} of the {len(keys)} keys begin with {inside!r}, but not {', '.join(others[:3])}{' ...' if others[3:] else ''}: "
        "save those of the model alone, without what stands before them"
    )


def _first(key: str) -> str:
    """The first part of a key, with its dot; "" where it has none."""
    return key[: key.find(".") + 1]


def _shared(keys: Collection[str]) -> str:
    """The parts that all keys begin with, with their dots."""
    common = os.path.commonprefix(list(keys))
    return common[: common.rfind(".") + 1]
