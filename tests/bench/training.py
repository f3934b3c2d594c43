"""Clips per CPU second of training with each engine of the operator: `python -m tests.bench.training [--recipe NAME] [--json]`.

Whole steps of the recipe (clips made, forward, backward, optimisers) on one thread, the engines in turns on the same clips; the
minimum over the rounds, of each part.
"""

import argparse
import json
import os
import time

import torch

from sifa.data.motion import CLASSES
from sifa.model.kernels import problem
from sifa.training.batches import generated_batches
from sifa.training.loop import generated_clips, update
from sifa.training.losses import losses
from sifa.training.optimisers import make_optimisers, set_rates
from sifa.training.recipes import RECIPES
from sifa.training.start import begin


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.bench.training", description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="full")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    recipe, seconds = (
        RECIPES[args.recipe],
        {name: [] for name in ("torch", "numba") if name == "torch" or not problem(name)},
    )
    torch.manual_seed(0)
    model = begin(recipe, CLASSES, None).train()
    optimisers, clips = make_optimisers(model, recipe), generated_clips(model, recipe, "cpu")
    active = torch.ones(len(CLASSES), dtype=torch.bool)
    for round_ in range(args.rounds + 1):
        for name in seconds:
            os.environ["SIFA_KERNEL"] = name
            start = time.process_time()
            set_rates(optimisers, round_, recipe)
            step, shards = range(round_, round_ + 1), range(recipe.batch // recipe.together)
            (batch,) = generated_batches(clips, step, recipe, shards, everything=True)
            made = time.process_time()
            loss = losses(model, batch, active, recipe)
            update(model, optimisers, loss.total(recipe))
            if round_:  # the first compiles
                seconds[name].append((made - start, time.process_time() - made))
    result = {}
    for name, rows in seconds.items():
        making, learning = (min(part) for part in zip(*rows))
        result[name] = recipe.batch / (making + learning)
        print(f"{name}: {result[name]:.1f} clips/s; a step {learning:.2f} s and {making:.2f} s for its clips")
    for name in list(result)[1:]:
        print(f"{name} / torch: {result[name] / result['torch']:.2f} (goal: 1.3)")
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
