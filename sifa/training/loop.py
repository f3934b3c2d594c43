"""Train a SIFA-Transformer, or go on with one.

On generated motion clips the loss is cross-entropy over the motion classes plus, unless the recipe's flow_weight is 0, the
distance between each SIFA block's attention-weighted displacement and the clip's true flow (which the paper does not have).
On a folder of videos it is the cross-entropy alone. A run is deterministic on a CPU for a given number of threads; the
same call after an interruption goes on from the last saved state. Under torchrun the batch is shared by the processes.
"""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sifa.data.motion import CLASSES, MotionBatch, MotionClips, join_batches
from sifa.data.user_clips import VideoClips
from sifa.evaluation.generated import evaluate_generated
from sifa.model.registry import SIFAModel
from sifa.tracing.records import Progress
from sifa.training.log import Log
from sifa.training.losses import losses
from sifa.training.optimisers import make_optimisers, set_rates
from sifa.training.processes import SHARD, Processes
from sifa.training.recipes import Recipe, class_pool
from sifa.training.result import even_out, write_result
from sifa.training.start import begin
from sifa.training.state import State
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
) -> Path:
    """Run the recipe, or what is left of it, in folder `out`; returns the checkpoint written at the end.

    `start` is a checkpoint to go on from; `data` the user's clips in place of generated ones; `measure_clips` how many
    held-out generated clips the accuracy in the card is taken from (0: none), a fifth of that on the way. The files in `out`:
    state.pt (all that a continuation needs), log.csv (a row every 50 steps), checkpoint.safetensors. Raises DataError where
    `out` holds another run, RunError where the batch cannot be shared by the processes or the device is missing, WeightsError
    where `start` cannot be loaded.
    """
    workers = Processes(device)
    shards = workers.shards(recipe.batch)
    out.mkdir(parents=True, exist_ok=True)
    labels = data.labels if data else CLASSES
    torch.manual_seed(recipe.seed)
    model = begin(recipe, labels, start).to(workers.device).train()
    clips = data or generated_clips(model, recipe, workers.device)
    optimisers = make_optimisers(model, recipe)
    state = State(out / "state.pt", recipe, labels, model, optimisers)
    first, spent = state.restore(workers.device)
    replica = workers.share(model)
    log = Log(out / "log.csv", first) if workers.main else None
    began = time.process_time() - spent
    for step in range(first, recipe.steps):
        set_rates(optimisers, step, recipe)
        pool = list(labels) if data or start else class_pool(step, recipe)
        active = torch.tensor([name in pool for name in labels], device=workers.device)
        loss = losses(replica, draw(clips, step, pool, labels, recipe, shards), active, recipe)
        update(model, optimisers, loss.cross_entropy + recipe.flow_weight * loss.flow)
        values, done, last = workers.mean(loss), step + 1, step + 1 == recipe.steps
        if log is None:
            continue
        log.add(done, done * recipe.batch, time.process_time() - began, values, int(active.sum()), last)
        if progress:
            progress(f"loss {values[0]:.3f}, flow {values[1]:.3f}, accuracy {values[2]:.0%}", done / recipe.steps)
        if done % save_every == 0 or last:
            state.save(done, time.process_time() - began)
        if done % MEASURE_EVERY == 0 and not (last or data) and measure_clips:
            look(model, measure_clips // 5)
    workers.wait()
    file = out / "checkpoint.safetensors"
    if workers.main:
        seconds = time.process_time() - began
        if not data:
            even_out(model, list(labels) if start else class_pool(recipe.steps - 1, recipe), labels)
        write_result(model, recipe, file, seconds, data, measure_clips, progress)
    workers.wait()
    return file


def generated_clips(model: SIFAModel, recipe: Recipe, device: str) -> MotionClips:
    """What a model is trained on where the user has no clips."""
    card = card_of(model)
    return MotionClips("train", card.size, card.num_frames, seed=recipe.seed + 1, worn=True, device=device)


def draw(
    clips: MotionClips | VideoClips,
    step: int,
    pool: Sequence[str],
    labels: Sequence[str],
    recipe: Recipe,
    shards: range,
) -> MotionBatch:
    """This process's shards of a step's clips, their classes drawn from the pool."""
    rng = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    numbers = torch.tensor([labels.index(name) for name in pool])
    classes = numbers[torch.randint(len(numbers), (recipe.batch,), generator=rng)].split(SHARD)
    return join_batches([clips.batch(step * len(classes) + shard, classes[shard]) for shard in shards])


def update(model: nn.Module, of: Sequence[Optimizer], loss: Tensor) -> None:
    """One step of the optimisers down the loss."""
    for optimiser in of:
        optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in of:
        optimiser.step()


def look(model: SIFAModel, clips: int) -> None:
    """Measure the model on the way, for the log, and go on training it."""
    metrics = evaluate_generated(model, clips)
    logger.info("held-out top-1 %.3f, flow cosine %s", metrics["top1"], metrics["flow_cosine"])
    model.train()
