"""What a run learns from generated clips: a family of scenes, its labels, and the order in which a run comes to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sifa.data.motion import CLASSES, MotionClips
from sifa.data.motion.classes import CAMERA, FILMED, THINGS
from sifa.data.motion.filmed_clips import FilmedClips, pairs_of_labels
from sifa.evaluation.filmed import GROUPS, evaluate_filmed
from sifa.evaluation.generated import evaluate_generated
from sifa.training.recipes import Recipe, class_pool
from sifa.weights.groups import Group

WISHES = 3 * len(CAMERA) * len(THINGS)  # so that every pair of labels comes


@dataclass(frozen=True)
class Course:
    """A family of scenes as it is taught."""

    labels: tuple[str, ...]
    groups: tuple[Group, ...]
    source: type[MotionClips]
    wishes: Callable[
        [int, Recipe, bool], Tensor
    ]  # what a step's clips are drawn from; with True all from the first step on
    measure: Callable[
        ..., Mapping[str, Any]
    ]  # a model, the number of clips and `progress` -> figures on held-out clips

    def active(self, wishes: Tensor) -> Tensor:
        """(classes,) bool, the labels that the wishes hold."""
        starts = torch.tensor([group.start for group in self.groups] or [0])
        found = torch.zeros(len(self.labels), dtype=torch.bool)
        found[(wishes.view(len(wishes), -1) + starts).unique()] = True
        return found


def motion_wishes(step: int, recipe: Recipe, everything: bool) -> Tensor:
    """(n,) positions in CLASSES: every one, or those that the run has come to, hard ones several times."""
    names = list(CLASSES) if everything else class_pool(step, recipe)
    return torch.tensor([CLASSES.index(name) for name in names])


def filmed_wishes(step: int, recipe: Recipe, everything: bool) -> Tensor:
    """(n, 2) positions in CAMERA and in THINGS: pans, then every camera motion, then also what moves before a still camera,
    then all of them."""
    pairs, share = pairs_of_labels(WISHES), step / recipe.steps
    camera, things = pairs.unbind(1)
    nothing, still = things == THINGS.index("nothing moves"), camera == CAMERA.index("camera still")
    pans = torch.tensor([name.startswith(("camera pans", "camera tilts")) for name in CAMERA])[camera]
    goes = torch.tensor([name.startswith("object moves") for name in THINGS])[things]
    for until, chosen in ((0.04, pans & nothing), (0.08, nothing), (0.14, nothing | (goes & still))):
        if share < until and not everything:
            return pairs[chosen]
    return pairs


COURSES = {
    "motions": Course(CLASSES, (), MotionClips, motion_wishes, evaluate_generated),
    "filmed": Course(FILMED, GROUPS, FilmedClips, filmed_wishes, evaluate_filmed),
}
