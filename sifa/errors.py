"""Every error that a user can act on. The message says what was wrong, the value seen, the limit, and what to do."""

import unicodedata


def fit_for_screens(text: str) -> bool:
    """Whether a name holds no control character, nor a part of a letter, as file names in other encodings do."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


class SifaError(ValueError):
    """What all errors of this library have in common."""


class VideoError(SifaError):
    """A video that cannot be used; the message says why and what to do."""


class WeightsError(SifaError):
    """Weights that do not fit, or a file that holds none; the message says why and what to do."""


class DataError(SifaError):
    """Clips that cannot be trained on or measured; the message says why and what to do."""


class TraceError(SifaError):
    """Bytes that are no trace this version can read; the message says why and what to do."""


class RunError(SifaError):
    """A way of running the model that does not work here; the message says why and what to do."""
