"""What each step of a run is trained on; it follows from recipe, clips and step alone."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import torch

from sifa.data.motion import MotionBatch, MotionClips, join_batches
from sifa.data.user_clips import VideoClips
from sifa.training.course import COURSES
from sifa.training.recipes import Recipe

Batches = Generator[MotionBatch, None, None]


def batches(
    clips: VideoClips | MotionClips,
    steps: range,
    recipe: Recipe,
    shards: range,
    everything: bool,
) -> Batches:
    """This process's shards of each step's batch; with `everything` all labels come from the first step on."""
    if isinstance(clips, VideoClips):
        return own_batches(clips, steps, recipe, shards)
    made = generated_batches(clips, steps, recipe, shards, everything)
    return made if torch.device(clips.device).type == "cpu" else ahead(made)


def ahead(made: Batches) -> Batches:
    """The same batches; each is begun by a thread as soon as the one before is taken, so that a GPU does not wait."""
    with closing(made), ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, made, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, made, None)
            yield batch


def own_batches(clips: VideoClips, steps: range, recipe: Recipe, shards: range) -> Batches:
    """This process's shards of each step's batch of the user's clips, which are shuffled by epoch."""
    together = recipe.together
    of_batch = recipe.batch // together

    def parts() -> Iterator[tuple[int, range]]:
        for step in steps:
            for index in range(step * of_batch + shards.start, step * of_batch + shards.stop):
                yield index, range(index * together, (index + 1) * together)

    with closing(clips.batches(parts, len(shards) * together)) as made:
        for _ in steps:
            yield join_batches([next(made) for _ in shards])


def generated_batches(clips: MotionClips, steps: range, recipe: Recipe, shards: range, everything: bool) -> Batches:
    """This process's shards of each step's batch of generated clips, their labels drawn from the step's wishes."""
    for step in steps:
        rng = torch.Generator().manual_seed(step_seed(step, recipe))
        wishes = COURSES[recipe.family].wishes(step, recipe, everything)
        labels = wishes[torch.randint(len(wishes), (recipe.batch,), generator=rng)].split(recipe.together)
        yield join_batches([clips.batch(step * len(labels) + shard, labels[shard]) for shard in shards])


def step_seed(step: int, recipe: Recipe) -> int:
    """The seed of what is random in a step."""
    return recipe.seed * 1_000_003 + step
