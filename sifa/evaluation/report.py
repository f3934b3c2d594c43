"""What a model card shows of a checkpoint: tables, and pictures of clips that it gets wrong."""

from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import nn

from sifa.data.motion import CLASSES, MotionClips, balanced_labels
from sifa.video.preprocess import normalise
from sifa.weights.card import load_card

TILE, FRAMES = 96, 8  # pixels; frames of a clip in a row


def table(checkpoints: list[Path]) -> str:
    """The cards of several checkpoints as one Markdown table; flow figures are those of the first SIFA block."""
    first = lambda metrics, name: f"{metrics[name][0]:.2f}" if metrics.get(name) else "-"  # noqa: E731
    rows = [
        "| weights | clips | CPU s | seed | top-1 | worn | mp4 | cosine | error | static |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for file in checkpoints:
        card = load_card(file)
        m, recipe = card.metrics, card.recipe
        part = lambda name, m=m: f"{m[name]['top1']:.1%}" if name in m else "-"  # noqa: E731
        rows.append(
            f"| {file.stem} | {recipe['steps'] * recipe['batch'] // 1000} k | {recipe['cpu_seconds']} | {recipe['seed']} | "
            f"{m['top1']:.1%} | {part('worn')} | {part('pasted')} | {first(m, 'flow_cosine')} | {first(m, 'flow_epe_ratio')} | "
            f"{first(m, 'static_displacement')} |"
        )
    return "\n".join(rows)


def per_class_table(checkpoints: list[Path]) -> str:
    """Top-1 of every class, one column for each checkpoint."""
    cards = [load_card(file) for file in checkpoints]
    rows = ["| class | " + " | ".join(file.stem for file in checkpoints) + " |", "|---" * (len(cards) + 1) + "|"]
    for name in cards[0].metrics["per_class"]:
        rows.append(f"| {name} | " + " | ".join(f"{c.metrics['per_class'][name]:.0%}" for c in cards) + " |")
    return "\n".join(rows)


def describe_metrics(metrics: dict) -> str:
    """The figures in words, weakest class first."""
    lines = [
        f"  {share:6.1%}  {name}" for name, share in sorted(metrics["per_class"].items(), key=lambda item: item[1])
    ]
    lines.append(f"{metrics['clips']} clips: top-1 {metrics['top1']:.1%}, top-5 {metrics['top5']:.1%}")
    for name in ("worn", "pasted"):
        if name in metrics:
            lines.append(f"{name}: {metrics[name]['clips']} clips, top-1 {metrics[name]['top1']:.1%}")
    for name in ("flow_cosine", "flow_epe_ratio", "static_displacement"):
        if metrics.get(name):
            lines.append(f"{name.replace('_', ' ')} by block: {metrics[name]}")
    return "\n".join(lines)


@torch.no_grad()
def failures(model: nn.Module, count: int = 6, seed: int = 5) -> Image.Image:
    """The first held-out clips that the model gets wrong, each of another class: a row of frames, what it is, and what it
    was taken for."""
    model.eval()
    config = model.config
    source = MotionClips("held-out", config.img_size, config.num_frames, seed=seed, textures=150)
    rows, seen = [], set()
    for index in range(100):
        labels = balanced_labels(len(CLASSES))
        clips = source.batch(index, labels)
        probabilities = model(normalise(clips.video, None, None)).softmax(1)
        for video, label, p in zip(clips.video, labels.tolist(), probabilities):
            if p.argmax() != label and label not in seen:
                seen.add(label)
                rows.append((video, f"{CLASSES[label]}, taken for: {CLASSES[p.argmax()]} ({p.max():.0%})"))
        if len(rows) >= count:
            break
    sheet = Image.new("RGB", (TILE * FRAMES, (TILE + 24) * len(rows[:count])), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (video, words) in enumerate(rows[:count]):
        top = number * (TILE + 24)
        draw.text((4, top + 5), words, fill="black", font_size=13)
        for column, t in enumerate(range(0, video.shape[1], video.shape[1] // FRAMES)):
            pixels = (video[:, t].permute(1, 2, 0) * 255).round().byte().numpy()
            sheet.paste(Image.fromarray(pixels).resize((TILE - 2, TILE), Image.BICUBIC), (column * TILE, top + 24))
    return sheet
