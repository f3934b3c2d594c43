"""What wrappers put before every key of a state dict."""

from collections.abc import Iterable, Mapping

from torch import Tensor

# by DataParallel, Lightning, mmaction, torch.compile and others; one may stand inside another
PREFIXES = ("module.", "model.", "backbone.", "encoder.", "_orig_mod.", "net.", "network.", "student.", "teacher.")


def without_prefix(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Tensor]]:
    """What stands before all keys, and the state without it; "" where they share nothing of what is known here."""
    prefix = _longest(state)
    return prefix, {key.removeprefix(prefix): value for key, value in state.items()}


def prefix_words(keys: Iterable[str]) -> str:
    """A sentence on what stands before most of the keys, but not before all; "" where nothing of what is known here does."""
    keys = list(keys)
    counts = {prefix: sum(key.startswith(prefix) for key in keys) for prefix in PREFIXES}
    prefix, count = max(counts.items(), key=lambda pair: pair[1])
    if not len(keys) / 2 < count < len(keys):
        return ""
    inside = prefix + _longest(key.removeprefix(prefix) for key in keys if key.startswith(prefix))
    others = [key for key in keys if not key.startswith(prefix)]
    return (
        f"{count} of the {len(keys)} keys begin with {inside!r}, and {', '.join(others[:3])}{' ...' if others[3:] else ''} "
        "do not: save those of the model alone, without what stands before them"
    )


def _longest(keys: Iterable[str]) -> str:
    """All of the known prefixes, one in another, that every key begins with."""
    keys, prefix = list(keys), ""
    while found := next((each for each in PREFIXES if keys and all(key.startswith(prefix + each) for key in keys)), ""):
        prefix += found
    return prefix
