"""What the public calls are given: a TypeError says what was given in its place, and what to call."""

from reprlib import repr as shown
from typing import Any

from sifa.tracing.records import Prediction
from sifa.video.clip import Clip

MODEL = "give the model that sifa.load() or sifa.create_model(name) returns"
CLIP = "give the clip that sifa.read_clip(path, num_frames, sampling_rate) returns, or a sifa.Clip of your own frames"
PREDICTION = "give the prediction that sifa.predict(model, clip) returns"


def check_model(model: Any) -> None:
    """Raises TypeError unless it can be predicted with."""
    if not (hasattr(model, "card") and hasattr(model, "config") and hasattr(model, "named_modules")):
        raise TypeError(f"the model is {_named(model)}; {MODEL}")


def check_modules(model: Any) -> None:
    """Raises TypeError unless it has submodules, as any nn.Module has."""
    if not hasattr(model, "named_modules"):
        raise TypeError(f"the model is {_named(model)}; {MODEL}")


def check_clip(clip: Any) -> None:
    """Raises TypeError unless it is a clip."""
    if not isinstance(clip, Clip):
        raise TypeError(f"the clip is {_named(clip)}; {CLIP}")


def check_prediction(prediction: Any) -> None:
    """Raises TypeError unless it is a prediction."""
    if not isinstance(prediction, Prediction):
        raise TypeError(f"the prediction is {_named(prediction)}; {PREDICTION}")


def _named(value: object) -> str:
    kind = f"of type {type(value).__name__}"
    return f"{shown(value)}, {kind}" if isinstance(value, str | bytes | int | float) else kind
