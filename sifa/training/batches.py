"""What each step of a run is trained on; it follows from recipe, clips and step alone."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

import torch

from sifa.data.motion import MotionBatch, MotionClips, join_batches
from sifa.data.user_clips import VideoClips
from sifa.training.processes import SHARD
from sifa.training.recipes import Recipe, class_pool

Batches = Generator[MotionBatch, None, None]


def batches(
    clips: VideoClips | MotionClips,
    steps: range,
    recipe: Recipe,
    shards: range,
    labels: Sequence[str],
    every_class: bool,
) -> Batches:
    """This process's shards of each step's batch."""
    if isinstance(clips, VideoClips):
        return own_batches(clips, steps, recipe, shards)
    return generated_batches(clips, steps, recipe, shards, labels, every_class)


def own_batches(clips: VideoClips, steps: range, recipe: Recipe, shards: range) -> Batches:
    """This process's shards of each step's batch of the user's clips, which are shuffled by epoch."""
    of_batch = recipe.batch // SHARD

    def parts() -> Iterator[tuple[int, range]]:
        for step in steps:
            for index in range(step * of_batch + shards.start, step * of_batch + shards.stop):
                yield index, range(index * SHARD, (index + 1) * SHARD)

    with closing(clips.batches(parts, len(shards) * SHARD)) as made:
        for _ in steps:
            yield join_batches([next(made) for _ in shards])


def generated_batches(
    clips: MotionClips, steps: range, recipe: Recipe, shards: range, labels: Sequence[str], every_class: bool
) -> Batches:
    """This process's shards of each step's batch of generated clips, their classes drawn from the step's pool."""
    for step in steps:
        rng = torch.Generator().manual_seed(step_seed(step, recipe))
        numbers = torch.tensor([labels.index(name) for name in pool(step, recipe, labels, every_class)])
        classes = numbers[torch.randint(len(numbers), (recipe.batch,), generator=rng)].split(SHARD)
        yield join_batches([clips.batch(step * len(classes) + shard, classes[shard]) for shard in shards])


def pool(step: int, recipe: Recipe, labels: Sequence[str], every_class: bool) -> list[str]:
    """The classes of a step: every one, or those that the run has come to, hard ones several times."""
    return list(labels) if every_class else class_pool(step, recipe)


def step_seed(step: int, recipe: Recipe) -> int:
    """The seed of what is random in a step."""
    return recipe.seed * 1_000_003 + step
