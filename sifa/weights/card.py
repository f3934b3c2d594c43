"""What weights are: the card that travels inside a checkpoint."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sifa.errors import WeightsError
from sifa.weights.download import fetch
from sifa.weights.pickles import read_safetensors

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ModelCard:
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


def load_card(source: str | Path) -> ModelCard:
    """The card of one of our checkpoints without its weights. Raises WeightsError like `load`."""
    file = fetch(source)
    _, card = read_safetensors(file, weights=False)
    if card is None:
        raise WeightsError(f"{file.name} holds weights but no card")
    return parse_card(card, file)


def parse_card(card: dict, file: Path) -> ModelCard:
    """The card that a checkpoint's metadata holds as JSON."""
    known = {k: v for k, v in card.items() if k in ModelCard.__dataclass_fields__}
    return ModelCard(
        **_tuples(
            known | {"config": _tuples(card["config"]), "file": file.name, "title": card.get("title") or file.stem}
        )
    )


def card_of(model: Any) -> ModelCard:
    """SHIM until the branches that write it are merged."""
    if getattr(model, "card", None) is not None:
        return model.card
    c = model.config
    return ModelCard("sifa_swin_nano_16x64", c, tuple(f"class {i}" for i in range(c["num_classes"])), num_frames=c["num_frames"])


class VideoModel(Protocol):
    """SHIM until the branches that write it are merged."""

    config: Any
    card: Any

    def __call__(self, video: Any) -> Any: ...
    def named_modules(self) -> Any: ...
    def modules(self) -> Any: ...
    def parameters(self) -> Any: ...
    def eval(self) -> Any: ...
    def to(self, device: Any) -> Any: ...


def _tuples(values: dict) -> dict:
    """JSON's lists as the tuples they were."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
