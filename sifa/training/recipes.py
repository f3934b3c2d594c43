"""What a training run does: its sizes, rates and losses, by name, and its course over the steps."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

from sifa.data.motion import CLASSES
from sifa.model.config import check_size

MOST_STEPS, MOST_SEED, MOST_RATE = 10**9, 10**12, 10**6
RATES = "lr", "offset_lr", "weight_decay", "flow_weight", "photometric_weight", "spread_weight"
FAMILIES = "motions", "filmed"  # of generated scenes


@dataclass(frozen=True)
class Recipe:
    """Everything a run depends on, besides the code and the clips.

    Raises ValueError for less than one step, for a seed that no generator takes, and for rates that no number holds.
    """

    variant: str = "sifa_swin_nano_16x64"
    config: dict[str, Any] = field(default_factory=dict)  # arguments of the variant that differ from its own
    steps: int = 9000
    batch: int = 16
    lr: float = 3e-3
    offset_lr: float = 0.5  # relative; the offset convolution diverges at the full rate
    weight_decay: float = 0.05
    flow_weight: float = 2.0
    label_smoothing: float = 0.05
    hard_after: int = 0  # steps after which the hard classes are drawn more often; 0: never
    photometric_weight: float = 0.0  # of what the clip says by itself; 0: none
    spread_weight: float = 0.0  # of the offsets' distance from their mean, which keeps the points of a place together
    family: str = "motions"  # of the generated scenes: "motions" | "filmed"
    together: int = 8  # clips made with one seed, and read together; processes share a batch in such parts
    seed: int = 0

    def __post_init__(self) -> None:
        check_size("steps", self.steps, MOST_STEPS)
        if self.family not in FAMILIES:
            raise ValueError(f"family is {self.family!r}; it must be one of {', '.join(FAMILIES)}")
        check_size("together", self.together, MOST_STEPS)
        if abs(self.seed) > MOST_SEED:
            raise ValueError(f"seed is {self.seed}; it must be from {-MOST_SEED} to {MOST_SEED}")
        for name in RATES:
            if not 0 <= getattr(self, name) <= MOST_RATE:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be from 0 to {MOST_RATE}")


HARD = {  # how many times more often: what is learned last, by how the first runs went
    "one object passes in front of another": 3,
    "object comes closer": 1,
    "object goes away": 1,
    "object turns clockwise": 1,
    "object turns counter-clockwise": 1,
    "object is squashed": 1,
    "object is stretched": 1,
}
TITLES = {  # of the recipes, for lists of weights
    "full": "full: offsets supervised with the true flow",
    "rigid": "rigid: zero offsets, as the released Swin runs",
    "free": "free: offsets learned from the class alone, as in the paper",
    "no-gate": "no saliency gate: offsets read from the next frame alone",
    "softmax": "softmax weights",
    "conv-only": "temporal convolutions only, no SIFA",
    "no-temporal": "no temporal module",
    "attention": "attention alone crosses time",
    "filmed": "attention alone crosses time; two answers, on scenes as people film them",
    "filmed-self": "as filmed, the motion learned from the clips themselves, without the true flow",
    "filmed-class": "as filmed, the motion learned from the answers alone",
}
ATTENTION = dict(  # the stem sees single frames, and every block has SIFA: nothing else crosses time
    stem="frame", shifted="sifa", weights="cosine", position="relative", projected=True, norm_start=1.0,
    kernel_sizes=(5, 3, 3),
)  # fmt: skip
FILMED = Recipe(
    config=ATTENTION | dict(kernel_sizes=(3, 3, 3), dilations=(2, 1, 1)), steps=3100, batch=128, together=128,
    spread_weight=0.02, family="filmed",
)  # fmt: skip
RECIPES = {
    "full": Recipe(),
    "rigid": Recipe(config=dict(offsets="zero"), flow_weight=0.0),
    "free": Recipe(flow_weight=0.0),
    "no-gate": Recipe(config=dict(saliency="none")),
    "softmax": Recipe(config=dict(weights="softmax")),
    "conv-only": Recipe(config=dict(unshifted="conv"), flow_weight=0.0),
    "no-temporal": Recipe(config=dict(unshifted="none", shifted="none"), flow_weight=0.0),
    "attention": Recipe(config=ATTENTION, steps=6200, batch=64, hard_after=2050),
    "filmed": FILMED,
    "filmed-self": replace(FILMED, flow_weight=0.0, photometric_weight=1.0, spread_weight=0.3),
    "filmed-class": replace(FILMED, flow_weight=0.0, spread_weight=0.0, offset_lr=0.05),
}
FINE_TUNING = Recipe(steps=120, batch=16, lr=1e-3, flow_weight=0.0)


def curriculum(share: float) -> list[str]:
    """The classes of this share of a run: four pans, then every camera motion, then moving objects too, then all."""
    pans = [c for c in CLASSES if c.startswith(("camera pans", "camera tilts"))]
    still_objects = [c for c in CLASSES if c.startswith("camera") or c == "nothing moves"]
    moves = [c for c in CLASSES if c.startswith("object moves")]
    for until, classes in ((0.04, pans), (0.08, still_objects), (0.12, still_objects + moves)):
        if share < until:
            return [c for c in CLASSES if c in classes]
    return list(CLASSES)


def class_pool(step: int, recipe: Recipe) -> list[str]:
    """What the classes of a step's clips are drawn from, hard ones several times where the recipe says so."""
    classes = curriculum(step / recipe.steps)
    if not recipe.hard_after or step < recipe.hard_after:
        return classes
    return classes + [name for name, more in HARD.items() if name in classes for _ in range(more)]


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then a cosine down to 2 % of the peak."""
    warm = min(1.0, (step + 1) / max(30, 0.04 * recipe.steps))
    return recipe.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / recipe.steps)))
