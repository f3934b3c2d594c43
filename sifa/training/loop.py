"""Train a SIFA-Transformer: `sifa train --out runs/nano`, or fine-tune one: `... --data FOLDER --out runs/mine`.

On generated motion clips the loss is cross-entropy over the motion classes plus, unless the recipe's flow_weight is 0, the
distance between each SIFA block's attention-weighted displacement and the clip's true flow (which the paper does not have).
On a folder of videos it is the cross-entropy alone. A run is deterministic on a CPU for a given number of threads; the
same command after an interruption goes on from the last saved state. Under torchrun the batch is shared by the processes.
"""

import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from sifa.data.motion import CLASSES, MotionClips, join_batches
from sifa.data.user_clips import VideoClips
from sifa.evaluation.generated import evaluate_generated, evaluate_held_out
from sifa.model.initialise import initialise
from sifa.model.registry import create_model
from sifa.training.log import Log
from sifa.training.losses import losses
from sifa.training.optimisers import optimizers
from sifa.training.processes import Processes
from sifa.training.recipes import RECIPES, TITLES, Recipe, drawn_classes, learning_rate
from sifa.weights.card import ModelCard, load_card
from sifa.weights.checkpoint import load, save

MEASURE_EVERY = 1500  # steps
SHARD = 8  # clips made and measured together; a batch is some of these, and each process of torchrun takes as many


def train(
    recipe: Recipe, out: Path, device: str = "cpu", start: Path | None = None, data: VideoClips | None = None,
    save_every: int = 250, measured: int = 2400,
) -> Path:  # fmt: skip
    """Run the recipe, or what is left of it, in folder `out`; returns the checkpoint written at the end.

    `start` is a checkpoint to go on from; `data` the user's clips in place of generated ones; `measured` how many held-out
    generated clips the accuracy in the card is taken from (0: none), a fifth of that on the way. The files in `out`: state.pt
    (all that a continuation needs), log.csv (a row every 50 steps or each at the end), checkpoint.safetensors.
    """
    processes = Processes(device)
    shards, left = divmod(recipe.batch, SHARD * processes.count)
    if left or not shards:
        raise SystemExit(
            f"the batch is {recipe.batch}; {processes.count} processes need a multiple of {SHARD * processes.count}"
        )
    out.mkdir(parents=True, exist_ok=True)
    labels = data.labels if data else CLASSES
    torch.manual_seed(recipe.seed)
    base = load_card(start) if start else None
    model = begin(recipe, labels, start)
    model.to(processes.device).train()
    config = model.config
    clips = data or MotionClips(
        "train", config.img_size, config.num_frames, seed=recipe.seed + 1, worn=True, device=processes.device
    )
    opts = optimizers(model, recipe)

    state_file, first, spent = out / "state.pt", 0, 0.0
    if state_file.exists():
        state = torch.load(state_file, map_location=processes.device, weights_only=True)
        if state["recipe"] != asdict(recipe) or state["labels"] != list(labels):
            raise SystemExit(
                f"{out} holds a run of another recipe or other classes: {state['recipe']}, {state['labels'][:3]} ...; "
                "choose another --out"
            )
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(opts, state["optimizers"]):
            optimizer.load_state_dict(saved)
        first, spent = state["step"], state["cpu_seconds"]
    shared = processes.share(model)
    main = processes.rank == 0
    log = Log(out / "log.csv", first) if main else None
    bar = tqdm(total=recipe.steps, initial=first, unit="step", disable=not main, dynamic_ncols=True)
    began = time.process_time()
    for step in range(first, recipe.steps):
        for group in (g for optimizer in opts for g in optimizer.param_groups):
            group["lr"] = learning_rate(step, recipe) * group["scale"]
        classes = list(labels) if data or start else drawn_classes(step, recipe)
        shown = torch.tensor([name in classes for name in labels], device=processes.device)
        rng = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        drawn = torch.tensor([labels.index(name) for name in classes])
        chosen = drawn[torch.randint(len(drawn), (recipe.batch,), generator=rng)].split(SHARD)
        mine = range(processes.rank * shards, (processes.rank + 1) * shards)
        batch = join_batches([clips.batch(step * len(chosen) + part, chosen[part]) for part in mine])
        cross_entropy, flow, accuracy = losses(shared, batch, shown, recipe, base)
        for optimizer in opts:
            optimizer.zero_grad()
        (cross_entropy + recipe.flow_weight * flow).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in opts:
            optimizer.step()

        told = processes.mean([cross_entropy, flow, accuracy])
        done, seconds = step + 1, spent + time.process_time() - began
        if main:
            log.add(done, done * recipe.batch, seconds, told, int(shown.sum()), last=done == recipe.steps)
            bar.update()
            bar.set_postfix_str(
                f"loss {told[0]:.3f}, flow {told[1]:.3f}, accuracy {told[2]:.0%}, {int(shown.sum())} classes"
            )
        if main and (done % save_every == 0 or done == recipe.steps):
            state = dict(
                recipe=asdict(recipe), labels=list(labels), step=done, cpu_seconds=seconds, model=model.state_dict(),
                optimizers=[optimizer.state_dict() for optimizer in opts],
            )  # fmt: skip
            torch.save(state, state_file.with_suffix(".part"))
            state_file.with_suffix(".part").replace(state_file)
        if main and not data and measured and done % MEASURE_EVERY == 0 and done < recipe.steps:
            metrics = evaluate_generated(model, measured // 5, device=processes.device)
            bar.write(f"held-out top-1 {metrics['top1']:.3f}, flow cosine {metrics['flow_cosine']}")
            model.train()
    bar.close()
    processes.wait()
    file = out / "checkpoint.safetensors"
    if main:
        finish(model, recipe, file, spent + time.process_time() - began, base, data, measured)
    processes.wait()
    return file


def begin(recipe: Recipe, labels: tuple[str, ...], start: Path | None) -> nn.Module:
    """The model before the first step: new, or a checkpoint's with a new head where its classes are others."""
    if start is None:
        model = create_model(recipe.variant, **recipe.config)
        initialise(model)
        return model
    model = load(start)
    if model.card.labels != labels:
        model.head = nn.Linear(model.head.in_features, len(labels))
        nn.init.trunc_normal_(model.head.weight, std=0.02)
        nn.init.zeros_(model.head.bias)
        model.config = model.config.change(num_classes=len(labels))
    return model


@torch.no_grad()
def even_out(model: nn.Module, drawn: list[str]) -> None:
    """Take from the head's bias what it learned from some classes being drawn more often than others."""
    counts = torch.tensor([float(drawn.count(name)) for name in CLASSES], device=model.head.bias.device)
    model.head.bias -= (counts / counts.mean()).log()


def finish(
    model: nn.Module, recipe: Recipe, file: Path, seconds: float, base: ModelCard | None, data: VideoClips | None,
    measured: int,
) -> None:  # fmt: skip
    """Write the checkpoint with its card: recipe, cost, what it knows, and its accuracy on held-out clips."""
    if data:
        title = f"fine-tuned: {', '.join(data.labels[:3])}{' ...' if len(data.labels) > 3 else ''}"
        trained_on = f"{data.count} clips of {len(data.labels)} classes, after {base.trained_on or 'random weights'}"
        metrics = evaluate_held_out(model, data, base.mean, base.std)
    else:
        even_out(model, drawn_classes(recipe.steps - 1, recipe))
        known = {(str(r.config), r.flow_weight): name for name, r in RECIPES.items()}
        title = TITLES.get(known.get((str(recipe.config), recipe.flow_weight)), "a recipe of your own")
        title += f" ({recipe.steps * recipe.batch / 1000:g} k clips)"
        supervised = ", offsets supervised with the true flow" if recipe.flow_weight else ""
        trained_on = f"{recipe.steps * recipe.batch} generated clips of {len(CLASSES)} motions{supervised}"
        metrics = evaluate_generated(model, measured, device=next(model.parameters()).device) if measured else {}
    checkpoint = ModelCard(
        variant=recipe.variant,
        config=model.config.as_dict(),
        labels=tuple(data.labels if data else CLASSES),
        title=title,
        trained_on=trained_on,
        num_frames=model.config.num_frames,
        sampling_rate=base.sampling_rate if base else 4,
        mean=base.mean if base else None,
        std=base.std if base else None,
        recipe=asdict(recipe) | {"cpu_seconds": round(seconds)},
        metrics=metrics,
    )
    save(model, checkpoint, file)
    print(f"wrote {file}" + (f": held-out top-1 {metrics['top1']:.1%} of {metrics['clips']}" if metrics else ""))
