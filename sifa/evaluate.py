"""Measure a checkpoint on held-out generated clips: `python -m sifa.evaluate [--checkpoint FILE] [--json]`."""

import argparse
import json

import torch
from torch import nn

from sifa.motion import CLASSES, MotionClips, balanced_labels, flow_at, true_flow
from sifa.preprocess import normalise
from sifa.trace import capture
from sifa.weights import DEFAULT_CHECKPOINT, load

MOVING, STATIC = 0.25, 0.05  # cells per step: above, a cell counts as moving; below, as static


@torch.no_grad()
def evaluate(model: nn.Module, clips: int = 2400, batch: int = 48, seed: int = 5, device: str = "cpu") -> dict:
    """Accuracy over all classes, and how well each SIFA block's displacement follows the true flow.

    Returns top1, top5, per_class {name: accuracy}, and per block of the trace: flow_cosine and flow_epe_ratio (end-point
    error divided by that of predicting zero) on moving visible cells, static_displacement (mean length, in cells) on
    static visible cells. Photographs of the held-out split were never trained on.
    """
    model.eval()
    config = model.config
    source = MotionClips("held-out", config["img_size"], config["num_frames"], seed=seed, textures=150, device=device)
    grid = config["img_size"] // config["patch_size"]
    hits, hits5, sums = torch.zeros(len(CLASSES)), 0, []
    labels = balanced_labels(clips)
    for index, chosen in enumerate(labels.split(batch)):
        drawn = source.batch(index, chosen)
        with capture(model) as blocks:
            logits = model(normalise(drawn.video, None, None)).cpu()
        hits += torch.bincount(chosen[logits.argmax(1) == chosen], minlength=len(CLASSES))
        hits5 += (logits.topk(5).indices == chosen[:, None]).sum().item()
        flow, visible = true_flow(drawn, config["tubelet"], grid)
        sums.append([_flow_sums(call, flow, visible) for call in blocks])
    total = torch.tensor(sums).sum(0)  # (blocks, 6)
    ratio = lambda a, b: [round((x / max(y, 1e-9)).item(), 4) for x, y in zip(a, b)]  # noqa: E731
    columns = total.unbind(1) if total.numel() else [total.new_zeros(0)] * 6
    per_class = hits / torch.bincount(labels, minlength=len(CLASSES))
    return dict(
        clips=clips,
        top1=round(hits.sum().item() / clips, 4),
        top5=round(hits5 / clips, 4),
        per_class={name: round(share.item(), 4) for name, share in zip(CLASSES, per_class)},
        flow_cosine=ratio(columns[0], columns[3]),
        flow_epe_ratio=ratio(columns[1], columns[2]),
        static_displacement=ratio(columns[4], columns[5]),
    )


def _flow_sums(call, flow, visible) -> list[float]:
    """[cosine, end-point error, length of the true flow, moving cells, static length, static cells], summed."""
    target, valid = flow_at(flow, visible, call.output.features.shape[-1])
    moved = call.displacement
    length = target.norm(dim=2)
    moving, static = valid & (length > MOVING), valid & (length < STATIC)
    cosine = torch.cosine_similarity(moved, target, dim=2, eps=1e-6)
    error = (moved - target).norm(dim=2)
    columns = (cosine[moving], error[moving], length[moving], moving, moved.norm(dim=2)[static], static)
    return [column.double().sum().item() for column in columns]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m sifa.evaluate", description="Measure a checkpoint on held-out clips."
    )
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clips", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    args = parser.parse_args()
    model = load(args.checkpoint, args.device)
    metrics = evaluate(model, args.clips, seed=args.seed, device=args.device)
    for name, share in metrics["per_class"].items():
        print(f"  {share:6.1%}  {name}")
    print(f"{metrics['clips']} held-out clips: top-1 {metrics['top1']:.1%}, top-5 {metrics['top5']:.1%}")
    for name in ("flow_cosine", "flow_epe_ratio", "static_displacement"):
        print(f"{name.replace('_', ' ')} by block: {metrics[name]}")
    if args.json:
        print(json.dumps(metrics))


if __name__ == "__main__":
    main()
