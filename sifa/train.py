"""Train a SIFA-Transformer: `python -m sifa.train --out runs/nano`, or fine-tune one: `... --data FOLDER --out runs/mine`.

On generated motion clips the loss is cross-entropy over the motion classes plus, unless the recipe's flow_weight is 0, the
distance between each SIFA block's attention-weighted displacement and the clip's true flow (which the paper does not have).
On a folder of videos it is the cross-entropy alone. A run is deterministic on a CPU for a given number of threads; the
same command after an interruption goes on from the last saved state. Under torchrun the batch is shared by the processes.
"""

import argparse
import csv
import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from sifa import models
from sifa.dataset import DataError, VideoClips, find_clips
from sifa.evaluate import evaluate, evaluate_held_out, keep_freed_memory
from sifa.initialise import initialise
from sifa.motion import CLASSES, MotionBatch, MotionClips, flow_at, joined, true_flow
from sifa.preprocess import normalise
from sifa.recipes import FINE_TUNING, RECIPES, TITLES, Recipe, drawn_classes, learning_rate
from sifa.scores import processes
from sifa.trace import Captured, capture
from sifa.weights import DEFAULT_CHECKPOINT, Checkpoint, CheckpointError, load, load_card, save

MOVING, STATIC_SHARE = 0.15, 0.5  # cells; weight of a clip's static cells in the flow loss against its moving ones
MEASURE_EVERY = 1500  # steps
SHARD = 8  # clips made and measured together; a batch is some of these, and each process of torchrun takes as many


def flow_loss(blocks: list[Captured], flow: Tensor, visible: Tensor) -> Tensor:
    """|displacement - true flow|, its mean over a clip's moving visible cells plus half that over its static ones,
    averaged over the clips and summed over the blocks."""
    total = flow.new_zeros(())
    for call in blocks:
        target, valid = flow_at(flow, visible, call.output.features.shape[-1])
        error = (call.displacement - target).abs().sum(2)
        moving = target.norm(dim=2) > MOVING
        for cells, share in ((valid & moving, 1.0), (valid & ~moving, STATIC_SHARE)):
            cells = cells.float()
            mean = (error * cells).sum((1, 2, 3)) / cells.sum((1, 2, 3)).clamp_min(1)
            total = total + share * mean.mean()
    return total


def losses(
    model: nn.Module, clips: MotionBatch, shown: Tensor, recipe: Recipe, base: Checkpoint | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(cross-entropy over the classes shown so far, flow loss, share of correct clips); shown (classes,) bool."""
    mean, std = (base.mean, base.std) if base else (None, None)
    inner = model.module if isinstance(model, DistributedDataParallel) else model
    with capture(inner) as blocks:
        logits = model(normalise(clips.video.to(shown.device), mean, std))
    hidden = ~shown
    even = (~hidden).float() / (~hidden).sum()
    truth = clips.labels.to(shown.device)
    target = F.one_hot(truth, len(hidden)).float().lerp(even, recipe.label_smoothing)
    likely = logits.masked_fill(hidden, -1e4).log_softmax(1)
    cross_entropy = -(target * likely).sum(1).mean()
    flow = logits.new_zeros(())
    if recipe.flow_weight:
        grid = inner.config["img_size"] // inner.config["patch_size"]
        flow = flow_loss(blocks, *true_flow(clips, inner.config["tubelet"], grid))
    return cross_entropy, flow, (likely.argmax(1) == truth).float().mean()


def optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for everything else.

    Norms and biases do not decay; the offset convolutions learn more slowly and do not decay either.
    """
    groups = {"matrix": [], "decay": [], "keep": [], "offset": []}
    for name, p in model.named_parameters():
        if "conv_offset" in name:
            groups["offset"].append(p)
        elif p.ndim == 2 and not name.startswith("head") and "bias_table" not in name:
            groups["matrix"].append(p)
        else:
            groups["decay" if p.ndim > 1 else "keep"].append(p)
    decay = recipe.weight_decay
    rest = [
        dict(params=groups["decay"], weight_decay=decay, scale=1.0),
        dict(params=groups["keep"], weight_decay=0.0, scale=1.0),
        dict(params=groups["offset"], weight_decay=0.0, scale=recipe.offset_lr),
    ]
    matrices = [dict(params=groups["matrix"], scale=1.0)]
    return [
        torch.optim.Muon(matrices, lr=recipe.lr, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([g for g in rest if g["params"]], lr=recipe.lr, betas=(0.9, 0.98)),
    ]


class Processes:
    """This process among those that torchrun started; alone without torchrun."""

    def __init__(self, device: str):
        self.rank, self.count = processes("nccl" if device.startswith("cuda") else "gloo")
        self.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if device == "cuda" else device

    def share(self, model: nn.Module) -> nn.Module:
        """The model to call in training; its gradients are averaged over the processes."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def mean(self, values: list[Tensor]) -> list[float]:
        both = torch.stack([v.detach() for v in values])
        if self.count > 1:
            dist.all_reduce(both)
            both /= self.count
        return both.tolist()

    def wait(self) -> None:
        if self.count > 1:
            dist.barrier()


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
        "train", config["img_size"], config["num_frames"], seed=recipe.seed + 1, worn=True, device=processes.device
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
        batch = joined([clips.batch(step * len(chosen) + part, chosen[part]) for part in mine])
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
            metrics = evaluate(model, measured // 5, device=processes.device)
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
        model = models.create(recipe.variant, **recipe.config)
        initialise(model)
        return model
    model = load(start)
    if model.checkpoint.labels != labels:
        model.head = nn.Linear(model.head.in_features, len(labels))
        nn.init.trunc_normal_(model.head.weight, std=0.02)
        nn.init.zeros_(model.head.bias)
        model.config = model.config | {"num_classes": len(labels)}
    return model


@torch.no_grad()
def even_out(model: nn.Module, drawn: list[str]) -> None:
    """Take from the head's bias what it learned from some classes being drawn more often than others."""
    counts = torch.tensor([float(drawn.count(name)) for name in CLASSES], device=model.head.bias.device)
    model.head.bias -= (counts / counts.mean()).log()


def finish(
    model: nn.Module, recipe: Recipe, file: Path, seconds: float, base: Checkpoint | None, data: VideoClips | None,
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
        metrics = evaluate(model, measured, device=next(model.parameters()).device) if measured else {}
    checkpoint = Checkpoint(
        variant=recipe.variant,
        config=model.config,
        labels=tuple(data.labels if data else CLASSES),
        title=title,
        trained_on=trained_on,
        num_frames=model.config["num_frames"],
        sampling_rate=base.sampling_rate if base else 4,
        mean=base.mean if base else None,
        std=base.std if base else None,
        recipe=asdict(recipe) | {"cpu_seconds": round(seconds)},
        metrics=metrics,
    )
    save(model, checkpoint, file)
    print(f"wrote {file}" + (f": held-out top-1 {metrics['top1']:.1%} of {metrics['clips']}" if metrics else ""))


class Log:
    """log.csv: the means of 50 steps to a row."""

    COLUMNS = ("step", "clips", "cpu_seconds", "cross_entropy", "flow_loss", "accuracy", "classes_shown")

    def __init__(self, file: Path, first: int):
        rows = []
        if first:  # a run that was stopped may have logged steps that it will do again
            with file.open(newline="") as lines:
                rows = [row for row in list(csv.reader(lines))[1:] if int(row[0]) <= first]
        self.file = file.open("w", newline="")
        self.write = csv.writer(self.file).writerow
        for row in (self.COLUMNS, *rows):
            self.write(row)
        self.file.flush()
        self.recent = []

    def add(self, step: int, clips: int, seconds: float, told: list[float], shown: int, last: bool) -> None:
        self.recent.append(told)
        if step % 50 and not last:
            return
        mean = [sum(column) / len(self.recent) for column in zip(*self.recent)]
        self.write([step, clips, round(seconds), *(round(m, 4) for m in mean), shown])
        self.file.flush()
        self.recent = []


def read_data(data: Path, labels: Path | None, base: Checkpoint, seed: int) -> VideoClips:
    """The user's clips as a checkpoint's model wants them; says what was skipped. Raises DataError."""
    show = lambda files: tqdm(files, desc="decoding", unit="clip")  # noqa: E731
    clips = VideoClips(find_clips(data, labels), base.size, base.num_frames, base.sampling_rate, seed, show)
    for file, why in clips.skipped.items():
        print(f"skipped {file}: {why}")
    print(
        f"{clips.count} clips of {len(clips.labels)} classes, {len(clips.held_out)} of them held out; "
        f"{len(clips.skipped)} could not be read"
    )
    return clips


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sifa.train", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: state, log, checkpoint")
    parser.add_argument("--recipe", choices=RECIPES, default="full", help="what to train on generated clips")
    parser.add_argument("--data", type=Path, help="folder with one sub-folder of clips per class, or a list file")
    parser.add_argument("--labels", type=Path, help="names of the classes, where --data gives numbers")
    parser.add_argument("--from", dest="start", type=Path, help="checkpoint to go on from; with --data the shipped one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", type=int, default=2400, help="held-out generated clips for the card's accuracy")
    changed = {}
    for name, default in asdict(Recipe()).items():
        kind = json.loads if isinstance(default, dict) else type(default)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    args = parser.parse_args()
    recipe = FINE_TUNING if args.data else RECIPES[args.recipe]
    for name, value in asdict(recipe).items():
        given = getattr(args, name)
        if given is not None:
            changed[name] = value | given if isinstance(value, dict) else given
    recipe = replace(recipe, **changed)
    start, data = args.start or (DEFAULT_CHECKPOINT if args.data else None), None
    try:
        if start:
            base = load_card(start)
            recipe = replace(recipe, variant=base.variant)
        if args.data:
            data = read_data(args.data, args.labels, base, recipe.seed)
    except (DataError, CheckpointError) as error:
        raise SystemExit(str(error)) from None
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    train(recipe, args.out, args.device, start, data, measured=args.measure)


if __name__ == "__main__":
    main()
