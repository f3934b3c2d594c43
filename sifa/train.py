"""Train a SIFA-Transformer on generated motion clips: `python -m sifa.train --out runs/nano`.

The loss is cross-entropy over the motion classes plus, unless --flow-weight is 0, the distance between each SIFA block's
attention-weighted displacement and the clip's true flow (which the paper does not have). A run is deterministic on a CPU
for a given number of threads; run the same command again after an interruption and it goes on from its last state.
"""

import argparse
import csv
import ctypes
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sifa import models
from sifa.evaluate import evaluate
from sifa.initialise import initialise
from sifa.motion import CLASSES, MotionBatch, MotionClips, flow_at, true_flow
from sifa.preprocess import normalise
from sifa.trace import Captured, capture
from sifa.weights import Checkpoint, save

MOVING, STATIC_SHARE = 0.15, 0.3  # cells; weight of static cells in the flow loss against moving ones


@dataclass(frozen=True)
class Recipe:
    """Everything a run depends on, besides the code."""

    variant: str = "sifa_swin_nano_16x64"
    steps: int = 6000
    batch: int = 16
    lr: float = 3e-3
    offset_lr: float = 0.5  # relative; the offset convolution diverges at the full rate
    weight_decay: float = 0.05
    flow_weight: float = 1.0
    seed: int = 0


def shown_classes(progress: float) -> list[str]:
    """The curriculum: four pans, then every camera motion, then moving objects too, then all."""
    pans = [c for c in CLASSES if c.startswith(("camera pans", "camera tilts"))]
    still_objects = [c for c in CLASSES if c.startswith("camera") or c == "nothing moves"]
    moves = [c for c in CLASSES if c.startswith("object moves")]
    for until, shown in ((0.08, pans), (0.20, still_objects), (0.32, still_objects + moves)):
        if progress < until:
            return shown
    return list(CLASSES)


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then a cosine down to 2 % of the peak."""
    warm = min(1.0, (step + 1) / max(30, 0.04 * recipe.steps))
    return recipe.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / recipe.steps)))


def flow_loss(blocks: list[Captured], flow: Tensor, visible: Tensor) -> Tensor:
    """Mean |displacement - true flow| over visible cells, summed over the blocks."""
    total = flow.new_zeros(())
    for call in blocks:
        target, valid = flow_at(flow, visible, call.output.features.shape[-1])
        weight = valid * (STATIC_SHARE + (1 - STATIC_SHARE) * (target.norm(dim=2) > MOVING))
        total = total + ((call.displacement - target).abs().sum(2) * weight).sum() / weight.sum().clamp_min(1)
    return total


def losses(model: nn.Module, batch: MotionBatch, shown: list[str], recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
    """(cross-entropy over the classes shown so far, flow loss, share of correct clips)."""
    hidden = torch.tensor([c not in shown for c in CLASSES], device=batch.video.device)
    video = normalise(batch.video, None, None)
    with capture(model) as blocks:
        logits = model(video).masked_fill(hidden, -1e4)
    cross_entropy = F.cross_entropy(logits, batch.labels)
    config = model.config
    flow = logits.new_zeros(())
    if recipe.flow_weight:
        grid = config["img_size"] // config["patch_size"]
        flow = flow_loss(blocks, *true_flow(batch, config["tubelet"], grid))
    return cross_entropy, flow, (logits.argmax(1) == batch.labels).float().mean()


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict]:
    """Matrices decay; norms and biases do not; the offset convolutions learn more slowly and do not decay."""
    groups = {"decay": [], "keep": [], "offset": []}
    for name, p in model.named_parameters():
        groups["offset" if "conv_offset" in name else "decay" if p.ndim > 1 else "keep"].append(p)
    return [
        dict(params=groups["decay"], weight_decay=recipe.weight_decay, scale=1.0),
        dict(params=groups["keep"], weight_decay=0.0, scale=1.0),
        dict(params=groups["offset"], weight_decay=0.0, scale=recipe.offset_lr),
    ]


def keep_freed_memory() -> None:
    """Tell glibc to keep large buffers instead of returning them after every step: nearly twice as fast on a CPU."""
    try:
        libc = ctypes.CDLL(None)
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            libc.mallopt(option, value)
    except (OSError, AttributeError, TypeError):
        pass  # another C library: slower, nothing else


def train(recipe: Recipe, out: Path, device: str = "cpu", save_every: int = 250, evaluate_every: int = 1500) -> Path:
    """Run the recipe, or what is left of it, in folder `out`; returns the checkpoint written at the end."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    model = models.create(recipe.variant)
    initialise(model)
    model.to(device).train()
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe), lr=recipe.lr, betas=(0.9, 0.98))
    config = model.config
    clips = MotionClips("train", config["img_size"], config["num_frames"], seed=recipe.seed + 1, device=device)

    state_file, first, spent = out / "state.pt", 0, 0.0
    if state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        if state["recipe"] != asdict(recipe):
            raise SystemExit(f"{out} holds a run of another recipe: {state['recipe']}; choose another --out")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, spent = state["step"], state["cpu_seconds"]

    log = (out / "log.csv").open("a", newline="")
    write = csv.writer(log).writerow
    if not first:
        write(["step", "clips", "cpu_seconds", "cross_entropy", "flow_loss", "accuracy", "classes_shown"])
    began, recent = time.process_time(), []
    for step in range(first, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe) * group["scale"]
        shown = shown_classes(step / recipe.steps)
        rng = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        labels = torch.tensor([CLASSES.index(c) for c in shown])[
            torch.randint(len(shown), (recipe.batch,), generator=rng)
        ]
        cross_entropy, flow, accuracy = losses(model, clips.batch(step, labels), shown, recipe)
        optimizer.zero_grad()
        (cross_entropy + recipe.flow_weight * flow).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

        recent.append([cross_entropy.item(), flow.item(), accuracy.item()])
        done = step + 1
        if done % 50 == 0:
            mean = [sum(column) / len(recent) for column in zip(*recent)]
            seconds = spent + time.process_time() - began
            write([done, done * recipe.batch, round(seconds), *(round(m, 4) for m in mean), len(shown)])
            log.flush()
            print(
                f"\rstep {done}/{recipe.steps}  loss {mean[0]:.3f}  flow {mean[1]:.3f}  accuracy {mean[2]:.2f}  "
                f"{len(shown)} classes  {done * recipe.batch / max(seconds, 1e-9):.1f} clips per CPU second",
                end="", flush=True,
            )  # fmt: skip
            recent = []
        if done % save_every == 0 or done == recipe.steps:
            state = dict(
                recipe=asdict(recipe), step=done, cpu_seconds=spent + time.process_time() - began,
                model=model.state_dict(), optimizer=optimizer.state_dict(),
            )  # fmt: skip
            torch.save(state, state_file.with_suffix(".part"))
            state_file.with_suffix(".part").replace(state_file)
        if done % evaluate_every == 0 and done < recipe.steps:  # `finish` measures the last step, on more clips
            metrics = evaluate(model, clips=480, device=device)
            print(f"\nheld-out top-1 {metrics['top1']:.3f}, flow cosine {metrics['flow_cosine']}", flush=True)
            model.train()
    return finish(model, recipe, out)


def finish(model: nn.Module, recipe: Recipe, out: Path) -> Path:
    """Write the checkpoint with its card: recipe, what it knows, and its measured quality."""
    checkpoint = Checkpoint(
        variant=recipe.variant,
        config=model.config,
        trained_on=(
            f"{recipe.steps * recipe.batch} generated clips of {len(CLASSES)} motions"
            + (", offsets supervised with the true flow" if recipe.flow_weight else "")
        ),
        labels=CLASSES,
        num_frames=model.config["num_frames"],
        sampling_rate=4,
        recipe=asdict(recipe),
        metrics=evaluate(model, clips=2400, device=next(model.parameters()).device.type),
    )
    file = out / "checkpoint.safetensors"
    save(model, checkpoint, file)
    print(f"wrote {file}: held-out top-1 {checkpoint.metrics['top1']:.3f}")
    return file


def main():
    parser = argparse.ArgumentParser(prog="python -m sifa.train", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the run: state, log, checkpoint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    for name, default in asdict(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    args = vars(parser.parse_args())
    out, device = args.pop("out"), args.pop("device")
    torch.set_num_threads(args.pop("threads"))
    keep_freed_memory()
    train(Recipe(**args), out, device)


if __name__ == "__main__":
    main()
