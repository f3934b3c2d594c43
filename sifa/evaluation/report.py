"""What a model card shows of a checkpoint: tables, and pictures of clips that it gets wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from sifa.data.motion import MotionClips
from sifa.data.motion.classes import CAMERA, THINGS
from sifa.data.motion.filmed_clips import FilmedClips, pairs_of_labels
from sifa.evaluation.filmed import CLEAR, describe_groups, gives_two_answers
from sifa.evaluation.generated import motions
from sifa.tracing.records import Progress
from sifa.video.preprocess import normalise
from sifa.weights.card import ModelCard, VideoModel, card_of, load_card
from sifa.weights.figures import BY_BLOCK, PARTS

TILE, FRAMES = 96, 8  # pixels; frames of a clip in a row
HEADING = 24  # pixels above a row


def table(checkpoints: Sequence[str | Path]) -> str:
    """The cards of several checkpoints as one Markdown table; flow figures are those of the first SIFA block."""
    rows = [
        "| weights | clips | CPU s | seed | top-1 | worn | mp4 | cosine | error | static |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for source in checkpoints:
        card = load_card(source)
        recipe, figures = card.recipe, card.metrics
        clips = f"{recipe['steps'] * recipe['batch'] // 1000} k" if "steps" in recipe else "-"
        accuracies = [_per_cent(figures), _per_cent(figures.get("worn", {})), _per_cent(figures.get("pasted", {}))]
        flows = [_first(figures.get(name)) for name in ("flow_cosine", "flow_epe_ratio", "static_displacement")]
        cells = [
            Path(card.file).stem,
            clips,
            recipe.get("cpu_seconds", "-"),
            recipe.get("seed", "-"),
            *accuracies,
            *flows,
        ]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows)


def per_class_table(checkpoints: Sequence[str | Path]) -> str:
    """Top-1 of every class, one column for each checkpoint."""
    cards = [load_card(source) for source in checkpoints]
    shares: list[dict[str, float]] = [card.metrics.get("per_class", {}) for card in cards]
    names = dict.fromkeys(name for each in shares for name in each)
    rows = ["| class | " + " | ".join(Path(card.file).stem for card in cards) + " |", "|---" * (len(cards) + 1) + "|"]
    for name in names:
        rows.append(f"| {name} | " + " | ".join(f"{each[name]:.0%}" if name in each else "-" for each in shares) + " |")
    return "\n".join(rows)


def answer_table(source: str | Path) -> str:
    """How often each answer of a checkpoint is right on each set of clips, and below which probability it is unsure."""
    card = load_card(source)
    sets = [card.metrics.get(name, {}) if name else card.metrics for name in ("", *PARTS)]
    rows = ["| answer | held-out | worn | mp4 | unsure below |", "|---|---|---|---|---|"]
    rows.append(f"| {'all' if card.groups else 'top-1'} | {' | '.join(_per_cent(each) for each in sets)} | - |")
    for group in card.groups:
        shares = [_per_cent(dict(top1=each["groups"][group.name]) if "groups" in each else {}) for each in sets]
        rows.append(f"| {group.name} | {' | '.join(shares)} | {group.unsure_below:.0%} |")
    return "\n".join(rows)


def block_table(source: str | Path) -> str:
    """How well each block's attention follows the true flow, by a checkpoint's card; moving cells are visible ones."""
    figures = load_card(source).metrics
    columns = [figures.get(name) or [] for name in BY_BLOCK]
    rows = [
        "| block | cosine | error | cosine, flat ground too | error, flat ground too | length on static cells |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for number, values in enumerate(zip(*columns), 1):
        rows.append(f"| {number} | {' | '.join(f'{value:.2f}' for value in values)} |")
    return "\n".join(rows)


def _per_cent(figures: Mapping[str, Any]) -> str:
    return f"{figures['top1']:.1%}" if "top1" in figures else "-"


def _first(values: Sequence[float] | None) -> str:
    return f"{values[0]:.2f}" if values else "-"


def _groups(metrics: Mapping[str, Any]) -> str:
    """The accuracy of each of several answers, where there are any."""
    return f" ({describe_groups(metrics['groups'])})" if "groups" in metrics else ""


def describe_metrics(metrics: Mapping[str, Any]) -> str:
    """The figures in words, weakest class first."""
    lines = [
        f"  {share:6.1%}  {name}" for name, share in sorted(metrics["per_class"].items(), key=lambda item: item[1])
    ]
    lines.append(
        f"{metrics['clips']} clips: top-1 {metrics['top1']:.1%}, top-5 {metrics['top5']:.1%}{_groups(metrics)}"
    )
    for name in ("worn", "pasted"):
        if name in metrics:
            part = metrics[name]
            lines.append(f"{name}: {part['clips']} clips, top-1 {part['top1']:.1%}{_groups(part)}")
    for name in ("flow_cosine", "flow_epe_ratio", "static_displacement"):
        if metrics.get(name):
            lines.append(f"{name.replace('_', ' ')} by block: {metrics[name]}")
    return "\n".join(lines)


@torch.no_grad()
def failures(model: VideoModel, count: int = 6, seed: int = 5, progress: Progress | None = None) -> Image.Image:
    """The first held-out clips that the model gets wrong, each of another class: a row of frames, what it is, and what it
    was taken for. Of a model with two answers, clips of the second family, each wrong in one answer at least. Raises
    DataError where a class of the model is none of the 24 motions."""
    model.eval()
    card = card_of(model)
    two = gives_two_answers(card)
    family, wanted = (FilmedClips, _pairs()) if two else (MotionClips, [motions(card)])
    device = str(next(model.parameters()).device)
    source = family("held-out", card.size, card.num_frames, seed=seed, textures=150, device=device)
    rows: dict[str, tuple[Tensor, str]] = {}
    for index in range(100):
        clips = source.batch(index, wanted[index % len(wanted)])
        logits = model(normalise(clips.video, card.mean, card.std)).cpu()
        truths = clips.labels.cpu() if two else torch.eye(len(card.labels))
        for video, truth, found in zip(clips.video, truths, logits, strict=True):
            for name, words in mistakes(found, truth, card).items():
                rows.setdefault(name, (video, words))
        if progress:
            progress("looking for mistakes", min(1.0, len(rows) / count))
        if len(rows) >= count:
            break
    return sheet(list(rows.values())[:count])


def _pairs() -> list[Tensor]:
    """Labels of the second family, some at a time, in a mixed order."""
    pairs = pairs_of_labels(3 * len(CAMERA) * len(THINGS))
    mixed = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))
    return list(torch.split(pairs[mixed], 24))


def mistakes(logits: Tensor, truth: Tensor, card: ModelCard) -> dict[str, str]:
    """The wrong answers to a clip that has one in each group: the class that it is, and that with what it was taken for. Logits
    and truth (classes,)."""
    parts = [group.part for group in card.groups] or [slice(None)]
    if any(truth[part].max() <= CLEAR for part in parts):
        return {}
    said = {}
    for part in parts:
        labels, best, right = card.labels[part], logits[part].softmax(0), int(truth[part].argmax())
        if (guess := int(best.argmax())) != right:
            said[labels[right]] = f"{labels[right]}, taken for: {labels[guess]} ({best.max():.0%})"
    return said


def sheet(rows: Sequence[tuple[Tensor, str]]) -> Image.Image:
    """Videos (3, T, S, S) 0..1, each as a row of frames under its words."""
    picture = Image.new("RGB", (TILE * FRAMES, (TILE + HEADING) * len(rows)), "white")
    draw = ImageDraw.Draw(picture)
    for number, (video, words) in enumerate(rows):
        top = number * (TILE + HEADING)
        draw.text((4, top + 5), words, fill="black", font_size=13)
        for column, t in enumerate(range(0, video.shape[1], max(1, video.shape[1] // FRAMES))):
            pixels = (video[:, t].permute(1, 2, 0) * 255).round().byte().cpu().numpy()
            tile = Image.fromarray(pixels).resize((TILE - 2, TILE), Image.Resampling.BICUBIC)
            picture.paste(tile, (column * TILE, top + HEADING))
    return picture
