"""How well a model that gives two answers, what the camera does and what things do, knows the second family of scenes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor

from sifa.data.motion.classes import CAMERA, FILMED, THINGS
from sifa.data.motion.filmed_clips import FilmedClips, pairs_of_labels
from sifa.evaluation.flow import FlowFigures, flow_figures, flow_sums
from sifa.evaluation.generated import pasted_videos
from sifa.evaluation.metrics import FIRST, Accuracy
from sifa.tracing.hooks import capture
from sifa.tracing.predict import predict
from sifa.tracing.records import Progress
from sifa.video.preprocess import normalise
from sifa.weights.card import ModelCard, VideoModel, card_of
from sifa.weights.groups import Group

RIGHT = 0.97  # of the answers that are given
CLEAR = 0.9  # share of a label from which a clip has one answer in its group; the others are not counted
GROUPS = (Group("camera", 0, len(CAMERA)), Group("things", len(CAMERA), len(FILMED)))


class Part(TypedDict):
    """Accuracy on a further set of clips."""

    clips: int
    top1: float  # of both answers
    top5: float
    per_class: dict[str, float]
    groups: dict[str, float]


class FilmedFigures(Accuracy, FlowFigures):
    """What `evaluate_filmed` finds; `top1` and `top5` are of both answers together."""

    groups: dict[str, float]  # top-1 of each group
    unsure_below: dict[str, float]  # probability of each group's answer from which on `RIGHT` of the answers are right


def gives_two_answers(card: ModelCard) -> bool:
    """Whether these weights know the second family: its labels, in its groups."""
    return card.labels == FILMED and tuple(replace(group, unsure_below=0.0) for group in card.groups) == GROUPS


def both_labels(motion: str) -> tuple[int, int]:
    """What a clip of one of the 24 motions is labelled in the second family: positions in CAMERA and in THINGS."""
    if motion in CAMERA:
        return CAMERA.index(motion), THINGS.index("nothing moves")
    return CAMERA.index("camera still"), THINGS.index(motion)


@torch.no_grad()
def evaluate_filmed(
    model: VideoModel,
    clips: int = 1836,
    batch: int = 36,
    seed: int = 5,
    worn: bool = False,
    progress: Progress | None = None,
) -> FilmedFigures:
    """Accuracy of both answers on held-out scenes of the second family, and how well each block follows the true flow.

    Clips that have no one answer, such as a camera that goes to and fro, are made and not counted.
    """
    model.eval()
    card, device = card_of(model), next(model.parameters()).device
    source = FilmedClips("held-out", card.size, card.num_frames, seed=seed, textures=150, worn=worn, device=str(device))
    logits, targets, sums = [], [], []
    for index, part in enumerate(pairs_of_labels(clips).split(batch)):
        sample = source.batch(index, part)
        with capture(model) as blocks:
            logits.append(model(normalise(sample.video, card.mean, card.std)).cpu())
        targets.append(sample.labels.cpu())
        sums.append(flow_sums(sample, blocks))
        if progress:
            progress("worn clips" if worn else "generated clips", min(1.0, (index + 1) * batch / clips))
    found, truth = torch.cat(logits), torch.cat(targets)
    clear = is_clear(truth)
    flow = flow_figures(torch.tensor(sums, dtype=torch.float32).sum(0))
    return FilmedFigures(
        **grouped_accuracy(found[clear], truth[clear]),
        **flow,
        groups=by_group(found[clear], truth[clear]),
        unsure_below=thresholds(found, truth),
    )


def measure_filmed(model: VideoModel, clips: int, progress: Progress | None = None) -> dict[str, Any]:
    """All figures of a card: of `evaluate_filmed`, the same with the faults of uploads (`worn`), and the mp4 files of the 24
    motions that other code made (`pasted`)."""
    figures = evaluate_filmed(model, clips, progress=progress)
    worn = evaluate_filmed(model, clips, worn=True, progress=progress)
    return {**figures, "worn": _part(worn, worn["groups"]), "pasted": evaluate_pasted(model, progress)}


def _part(figures: Accuracy, groups: dict[str, float]) -> Part:
    return Part(
        clips=figures["clips"],
        top1=figures["top1"],
        top5=figures["top5"],
        per_class=figures["per_class"],
        groups=groups,
    )


def evaluate_pasted(model: VideoModel, progress: Progress | None = None) -> Part:
    """Accuracy of both answers on mp4 files that other code made of each of the 24 motions."""
    files, card = pasted_videos(progress), card_of(model)
    logits = []
    for done, (file, _) in enumerate(files, 1):
        logits.append(torch.from_numpy(predict(model, card.read(file)).logits))
        if progress:
            progress("mp4 files", done / len(files))
    found, truth = torch.stack(logits), targets_of(files)
    return _part(grouped_accuracy(found, truth), by_group(found, truth))


def is_clear(targets: Tensor) -> Tensor:
    """(clips,) bool, whether targets (clips, 26) have one answer in each group."""
    return torch.stack([targets[:, group.part].amax(1) > CLEAR for group in GROUPS], 1).all(1)


def right(logits: Tensor, targets: Tensor, first: int = 1) -> Tensor:
    """(clips, groups) bool, whether the answer is among the `first` best of each group: logits and targets (clips, 26)."""
    hits = []
    for group in GROUPS:
        best, truth = logits[:, group.part].topk(first, 1).indices, targets[:, group.part].argmax(1, keepdim=True)
        hits.append((best == truth).any(1))
    return torch.stack(hits, 1)


def by_group(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """Top-1 of each group."""
    shares = right(logits, targets).float().mean(0)
    return {group.name: round(share.item(), 4) for group, share in zip(GROUPS, shares, strict=True)}


def thresholds(logits: Tensor, targets: Tensor) -> dict[str, float]:
    """For each group the least probability, in hundredths, at and above which `RIGHT` of the answers are right; an answer to a
    clip that has no one answer counts as wrong."""
    found = {}
    for number, group in enumerate(GROUPS):
        share = logits[:, group.part].softmax(1).amax(1)
        good = right(logits, targets)[:, number] & (targets[:, group.part].amax(1) > CLEAR)
        steps = [step / 100 for step in range(100)]
        fits = [step for step in steps if (kept := share >= step).any() and good[kept].float().mean() >= RIGHT]
        found[group.name] = min(fits, default=0.99)
    return found


def grouped_accuracy(logits: Tensor, targets: Tensor) -> Accuracy:
    """Of both answers together; `per_class` and `confusion` are of each answer in its own group."""
    hits, confusion = right(logits, targets), torch.zeros(len(FILMED), len(FILMED), dtype=torch.long)
    per_class: dict[str, float] = {}
    for number, group in enumerate(GROUPS):
        truth = group.start + targets[:, group.part].argmax(1)
        said = group.start + logits[:, group.part].argmax(1)
        confusion.index_put_((truth, said), torch.ones_like(truth), accumulate=True)
        for label in range(group.start, group.stop):
            if (of_label := truth == label).any():
                per_class[FILMED[label]] = round(hits[of_label, number].float().mean().item(), 4)
    return Accuracy(
        clips=len(logits),
        top1=round(hits.all(1).float().mean().item(), 4),
        top5=round(right(logits, targets, FIRST).all(1).float().mean().item(), 4),
        per_class=per_class,
        confusion=confusion.tolist(),
    )


def targets_of(files: list[tuple[Path, str]]) -> Tensor:
    """(files, 26) the targets of videos of the 24 motions."""
    targets = torch.zeros(len(files), len(FILMED))
    for row, (_, motion) in zip(targets, files, strict=True):
        camera, things = both_labels(motion)
        row[camera] = row[len(CAMERA) + things] = 1.0
    return targets


def describe_groups(figures: Mapping[str, float]) -> str:
    """The accuracy of each group in a line."""
    return ", ".join(f"{name} {share:.1%}" for name, share in figures.items())
