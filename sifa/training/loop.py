"""Train a SIFA-Transformer, or go on with one.

On generated motion clips the loss is cross-entropy over the motion classes plus, unless the recipe's flow_weight is 0, the
distance between each SIFA block's attention-weighted displacement and the clip's true flow (which the paper does not have).
On a folder of videos it is the cross-entropy alone. A run is deterministic on a CPU for a given number of threads; the
same call after an interruption goes on from the last saved state. On a GPU, float32 matrix products are rounded to TF32. Under
torchrun the batch is shared by the processes.
"""

import logging
import math
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sifa.data.motion import MotionBatch, MotionClips
from sifa.data.user_clips import VideoClips
from sifa.errors import RunError
from sifa.model.registry import SIFAModel
from sifa.model.run import computed_with, fast_products
from sifa.tracing.records import Progress
from sifa.training.batches import batches, step_seed
from sifa.training.course import COURSES, Course
from sifa.training.folder import claimed
from sifa.training.keeper import Keeper
from sifa.training.losses import losses
from sifa.training.optimisers import make_optimisers, set_rates
from sifa.training.pace import Pace
from sifa.training.processes import Processes
from sifa.training.recipes import Recipe
from sifa.training.record import Computing, record_run, summary
from sifa.training.result import even_out, write_result
from sifa.training.start import begin
from sifa.training.state import REMEDY, State
from sifa.weights.card import card_of

MEASURE_EVERY = 1500  # steps

logger = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    out: Path,
    device: str = "cpu",
    start: str | Path | None = None,
    data: VideoClips | None = None,
    save_every: int = 250,
    measure_clips: int = 2400,
    progress: Progress | None = None,
    accept_changes: bool = False,
    computing: Computing = Computing(),  # noqa: B008 - a constant
) -> Path:
    """Run the recipe, or what is left of it, in folder `out`; returns the checkpoint written at the end.

    `start` is a checkpoint to go on from; `data` the user's clips in place of generated ones; `measure_clips` how many
    held-out generated clips the accuracy in the card is taken from (0: none), a fifth of that on the way; `accept_changes`
    goes on with a run although its clips, its first weights or its recipe have changed since, which the card then says;
    `computing` is the precision of the steps, and whether they are compiled. The files in `out`: state.pt (all that a
    continuation needs; every `save_every` steps, and at least once a minute), state.before.pt (the one before), log.csv (a row
    every 50 steps), checkpoint.safetensors. Raises DataError where `out` holds another run or no whole state of one, RunError
    where it cannot be written or is in use, where the batch cannot be shared by the processes or the device is missing,
    WeightsError where `start` cannot be loaded.
    """
    workers = Processes(device)
    shards = workers.shards(recipe.batch, recipe.together)
    with claimed(out) if workers.main else nullcontext():
        course = COURSES[recipe.family]
        labels, groups = (data.labels, ()) if data else (course.labels, course.groups)
        torch.manual_seed(recipe.seed)
        model = begin(recipe, labels, start, groups).to(workers.device).train()
        optimisers = make_optimisers(model, recipe)
        record = record_run(recipe, labels, model, data, workers.device, workers.count, computing)
        state = State(out, record, model, optimisers)
        position = state.restore(workers.device, accept_changes)
        workers.wait()  # until all have read it
        steps, everything = range(position.step, recipe.steps), bool(data or start)
        clips = data or generated_clips(model, recipe, workers.device)
        pace = Pace()
        keeper = Keeper(out, state, position, recipe, save_every, pace) if workers.main else None
        run = Run(recipe, None if data else course, everything, model, optimisers, workers, computing)
        with fast_products(workers.device), closing(batches(clips, steps, recipe, shards, everything)) as drawn:
            for step in steps:
                values, classes = run.take(step, pace.fetch(drawn))
                pace.enter(recipe.batch)
                if keeper:
                    keeper.enter(step + 1, values, classes)
                    show(progress, values, pace, (step + 1) / recipe.steps)
                    if (step + 1) % MEASURE_EVERY == 0 and not (step + 1 == recipe.steps or data) and measure_clips:
                        look(model, course, measure_clips // 5, progress)
        workers.wait()
        file = out / "checkpoint.safetensors"
        if keeper:
            if steps:
                logger.info("%s", pace.whole())
            if not data:
                even_out(model, course, recipe, everything)
            about = summary(record) | dict(changed=position.changed)
            write_result(model, recipe, file, keeper.seconds, data, measure_clips, progress, about)
        workers.wait()
    return file


class Run:
    """What each step of a run changes, and by what."""

    def __init__(
        self,
        recipe: Recipe,
        course: Course | None,
        everything: bool,
        model: SIFAModel,
        optimisers: Sequence[Optimizer],
        workers: Processes,
        computing: Computing,
    ) -> None:
        self.recipe, self.course, self.everything = recipe, course, everything
        self.model, self.optimisers, self.workers = model, optimisers, workers
        self.forward = computed_with(workers.share(model), workers.device, computing.amp, computing.compile)

    def take(self, step: int, batch: MotionBatch) -> tuple[list[float], int]:
        """A step, on this process's part of its batch; of the whole batch the cross-entropy, the sum of the losses of motion, and
        the accuracy; and the number of classes."""
        recipe, device = self.recipe, self.workers.device
        torch.manual_seed(step_seed(step, recipe))  # of dropout, so that nothing of it need be kept
        set_rates(self.optimisers, step, recipe)
        if self.course:
            active = self.course.active(self.course.wishes(step, recipe, self.everything)).to(device)
        else:
            active = torch.ones(self.model.config.num_classes, dtype=torch.bool, device=device)
        loss = losses(self.model, batch, active, recipe, self.forward)
        update(self.model, self.optimisers, loss.total(recipe))
        cross_entropy, flow, accuracy, photometric, spread = self.workers.mean(loss)
        check_loss(cross_entropy + flow + photometric + spread, step + 1)
        return [cross_entropy, flow + photometric, accuracy], int(active.sum())


def show(progress: Progress | None, values: list[float], pace: Pace, share: float) -> None:
    """What a step came to, and how fast."""
    if progress:
        said = f"loss {values[0]:.3f}, flow {values[1]:.3f}, accuracy {values[2]:.0%}, {pace.whole()}"
        progress(said, share)


def generated_clips(model: SIFAModel, recipe: Recipe, device: str) -> MotionClips:
    """What a model is trained on where the user has no clips."""
    card = card_of(model)
    source = COURSES[recipe.family].source
    return source("train", card.size, card.num_frames, seed=recipe.seed + 1, worn=True, device=device)


def update(model: nn.Module, of: Sequence[Optimizer], loss: Tensor) -> None:
    """One step of the optimisers down the loss."""
    for optimiser in of:
        optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in of:
        optimiser.step()


def check_loss(loss: float, step: int) -> None:
    """Raises RunError where the loss of a step is no number any more."""
    if not math.isfinite(loss):
        raise RunError(f"the loss of step {step} is {loss}: the weights have run away. {REMEDY}")


def look(model: SIFAModel, course: Course, clips: int, progress: Progress | None = None) -> None:
    """Measure the model on the way, for the log, and go on training it."""
    metrics = course.measure(model, clips, progress=progress)
    logger.info("held-out top-1 %.3f, flow cosine %s", metrics["top1"], metrics["flow_cosine"])
    model.train()
