"""What weights are: the card that travels inside a checkpoint; and what a model must have to be used with it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as shown
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from sifa.errors import WeightsError, fit_for_screens
from sifa.model.config import ModelConfig, check_size
from sifa.model.registry import model_config
from sifa.video.clip import LARGEST, Clip
from sifa.video.frames import read_video_seconds
from sifa.weights.download import fetch
from sifa.weights.figures import check_metrics, check_recipe
from sifa.weights.groups import Group, read_groups
from sifa.weights.tensors import read_safetensors

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CARDS_FRAME_RATE = 30  # frames per second that sampling rates are meant for
LARGEST_SAMPLING_RATE = 10_000  # source frames
LEAST_STD = 1e-6


@dataclass(frozen=True)
class ModelCard:
    """What weights are: where they come from, what they were trained on, and what input they expect."""

    variant: str
    config: dict[str, Any]  # arguments of the variant, as they are stored
    labels: tuple[str, ...]
    title: str = ""  # in a few words, for lists of weights; the file's name where there is none
    trained_on: str = ""  # in words, for the badge on the page; empty for random weights
    num_frames: int = 16
    sampling_rate: int = 4  # source frames from one sampled frame to the next, where step_seconds is None
    mean: tuple[float, ...] | None = None  # None: each clip is normalised by its own statistics
    std: tuple[float, ...] | None = None
    step_seconds: float | None = None  # between sampled frames, whatever the frame rate; None: frames are counted
    groups: tuple[Group, ...] = ()  # of the labels, where the model gives several answers; none: one answer
    recipe: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    file: str = ""
    sha256: str = ""

    @property
    def size(self) -> int:
        """Pixels along each side of the picture that the model reads."""
        return int(self.config["img_size"])

    def read(self, path: str | Path, start: float = 0.0) -> Clip:
        """The clip that these weights want of a video file, or a folder of numbered pictures, from `start` seconds on.

        Of a video that is shorter than that, the frames are taken closer together, as in `read_seconds` with `fit`.
        Raises VideoError like `read_seconds`.
        """
        return read_video_seconds(
            path, self.num_frames, self.step_seconds, start, sampling_rate=self.sampling_rate, fit=True
        )

    @property
    def reach(self) -> tuple[int, int]:
        """(before, after): how many sampled frames the stem reads beside those of a time step."""
        long = self.config.get("overlap") and self.config.get("stem") != "frame"
        tubelet = int(self.config["tubelet"]) if long else 0  # then its kernel is twice as long, centred
        return tubelet // 2, tubelet - tubelet // 2


class VideoConfig(Protocol):
    """What is asked of a model's arguments."""

    @property
    def img_size(self) -> int: ...
    @property
    def num_frames(self) -> int: ...
    @property
    def num_classes(self) -> int: ...
    def as_dict(self) -> dict[str, Any]: ...


class VideoModel(Protocol):
    """What a model must have to be predicted, recorded, changed and measured: `create_model` and `load` make such models.

    It takes videos (B, 3, num_frames, img_size, img_size), normalised, and gives logits (B, num_classes).
    """

    card: Any  # the ModelCard of its weights; None: untrained
    variant: str  # its name, for people
    tubelet: int  # frames of a time step
    training: bool

    @property
    def config(self) -> VideoConfig: ...
    def __call__(self, video: Tensor) -> Tensor: ...
    def named_modules(self) -> Iterator[tuple[str, nn.Module]]: ...
    def modules(self) -> Iterator[nn.Module]: ...
    def parameters(self) -> Iterator[nn.Parameter]: ...
    def state_dict(self) -> dict[str, Tensor]: ...
    def eval(self) -> Self: ...
    def to(self, device: str | torch.device) -> Self: ...


def card_of(model: VideoModel) -> ModelCard:
    """The card of a model's weights; for a model that has none, one that says untrained."""
    if model.card is not None:
        card: ModelCard = model.card
        return card
    config = model.config
    labels = tuple(f"class {i}" for i in range(config.num_classes))
    return ModelCard(model.variant, config.as_dict(), labels, num_frames=config.num_frames)


def load_card(source: str | Path) -> ModelCard:
    """The card of one of our checkpoints without its weights. Raises WeightsError like `load`."""
    file = fetch(source)
    _, card = read_safetensors(file, weights=False)
    if card is None:
        raise WeightsError(f"{file.name} holds weights but no card")
    return parse_card(card, file)


def parse_card(data: object, file: Path) -> ModelCard:
    """The card that a checkpoint's metadata holds as JSON. Raises WeightsError where no model can be made of it."""
    if not isinstance(data, dict):
        raise WeightsError(f"the card in {file.name} is {shown(data)}, not a JSON object; convert or train it again")
    if missing := [key for key in ("variant", "config", "labels") if key not in data]:
        raise WeightsError(f"the card in {file.name} lacks {', '.join(missing)}; convert or train it again")
    known = {k: v for k, v in data.items() if k in ModelCard.__dataclass_fields__ and k not in ("file", "sha256")}
    try:
        _check_card(known)
    except ValueError as error:
        raise WeightsError(f"the card in {file.name} describes no model that can be made: {error}") from error
    title = known.get("title") or file.stem
    known["groups"] = read_groups(known.get("groups", []), len(known["labels"]))
    if "step_seconds" not in known:  # cards from before it was written down: frames of clips with 30 a second
        known["step_seconds"] = known.get("sampling_rate", ModelCard.sampling_rate) / CARDS_FRAME_RATE
    return ModelCard(**_tuples(known | dict(config=_tuples(known["config"]), file=file.name, title=title)))


def _check_card(card: dict[str, Any]) -> None:
    kinds = dict(variant=str, config=dict, labels=list, title=str, trained_on=str, recipe=dict, metrics=dict)
    names = {str: "text", dict: "an object", list: "a list"}
    for key, kind in kinds.items():
        if key in card and not isinstance(card[key], kind):
            raise ValueError(f"{key} is {shown(card[key])}; it must be {names[kind]}")
        if kind is str and not fit_for_screens(card.get(key, "")):
            raise ValueError(f"{key} is {shown(card[key])}; it must be one line without control characters")
    config: ModelConfig = model_config(card["variant"], **card["config"])
    if "num_frames" in card:
        config.change(num_frames=card["num_frames"])
    labels = card["labels"]
    if len(labels) != config.num_classes or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"labels has {len(labels)} entries; it must be {config.num_classes} names, one for each class")
    if len(set(labels)) < len(labels):
        raise ValueError(f"labels has {len(labels)} names, and only {len(set(labels))} of them differ; each must")
    if odd := [label for label in labels if not fit_for_screens(label)]:
        raise ValueError(f"labels has {shown(odd[0])}; each must be one line without control characters")
    if "sampling_rate" in card:
        check_size("sampling_rate", card["sampling_rate"], LARGEST_SAMPLING_RATE)
    step = card.get("step_seconds")
    if step is not None and not (type(step) in (int, float) and 0 < step <= LARGEST):
        raise ValueError(f"step_seconds is {shown(step)}; it must be above 0 and at most {LARGEST}, or null")
    read_groups(card.get("groups", []), config.num_classes)
    _check_normalisation(card.get("mean"), card.get("std"))
    check_metrics(card.get("metrics", {}), config.num_classes)
    check_recipe(card.get("recipe", {}))


def _check_normalisation(mean: object, std: object) -> None:
    if mean is None and std is None:
        return
    for name, values in (("mean", mean), ("std", std)):
        numbers = values if isinstance(values, list) and all(type(v) in (int, float) for v in values) else []
        if not len(numbers) == 3 or not all(abs(v) <= LARGEST and (v >= LEAST_STD or name == "mean") for v in numbers):
            raise ValueError(
                f"{name} is {shown(values)}; it must be three numbers up to {LARGEST}, those of std from {LEAST_STD:g} on, "
                "or neither"
            )


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples they were."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
