"""Scores of many videos: shared out to the processes of torchrun, kept in a folder as they come, and summed up."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from sifa.data.listing import name_classes
from sifa.errors import DataError, VideoError
from sifa.evaluation.metrics import FIRST, Accuracy, accuracy
from sifa.evaluation.processes import gather, join, wait
from sifa.evaluation.store import Row, read_rows, reserve, writer
from sifa.evaluation.views import ONE, VideoViews, Views, mean_score
from sifa.tracing.records import Progress
from sifa.weights.card import ModelCard, VideoModel, card_of

Forward = Callable[[Tensor], Tensor]  # videos (B, 3, T, S, S) -> logits (B, classes) float32
Part = tuple[Tensor | None, int]  # what `VideoViews.clip` gives
Item = TypeVar("Item")
Value = TypeVar("Value")


class VideoFigures(Accuracy):
    """What `evaluate_videos` finds; the figures of `Accuracy` count the videos that could be read."""

    views: str
    padded: int  # videos that are shorter than a clip
    unreadable: dict[str, str]  # path -> why
    top1_of_all: float  # unreadable ones count as wrong
    top5_of_all: float


def evaluate_videos(
    model: VideoModel,
    videos: list[tuple[Path, str]],
    views: Views = ONE,
    out: Path | None = None,
    forward: Forward | None = None,
    precision: str = "float32",
    batch: int = 4,
    readers: int = 2,
    progress: Progress | None = None,
) -> VideoFigures | None:
    """The figures of labelled videos (path, class name or number), by the mean of the softmaxes of each one's views. Of
    weights that give several answers, the one of whose classes the label is.

    With `out` every video's scores are kept there as they come, and a run that was stopped goes on. Under torchrun the videos
    are shared out, and every process but the first returns None.

    `forward` is the model's, such as `sifa.model.run.forward_with` gives, and `precision` what it computes in; `batch` is the
    number of views in one pass, `readers` that of clips decoded ahead: more views than these are never in memory. Raises
    DataError where a class is none of the model's, where no video can be read, or where `out` holds the scores of another run.
    """
    card, (rank, count) = card_of(model), join()
    forward = forward or plain_forward(model)
    videos = name_classes(videos, card.labels)
    answers = [group.part for group in card.groups] or [slice(None)]
    rows = _begin(out, card, videos, views, precision, write=rank == 0) if out else {}
    wait(count)  # every process has read what was there before any adds to it
    waiting = [i for i in range(len(videos)) if "top5" not in rows.get(i, {})][rank::count]
    mine: dict[int, Row] = {}
    with torch.no_grad(), writer(out / f"scores-{rank}.jsonl" if out else None) as write:
        each = (VideoViews(videos[i][0], card, views) for i in waiting)
        parts = read_ahead(_read, ((video, number) for video in each for number in range(views.clips)), readers)
        for done, i in enumerate(waiting, 1):
            row: Row = dict(index=i, path=str(videos[i][0]), label=videos[i][1])
            try:
                score, padded = _score(forward, parts, views.clips, batch, answers)
            except VideoError as error:
                mine[i] = row | dict(unreadable=str(error))
                write(mine[i])
            else:
                mine[i] = row | dict(padded=padded, top5=best_classes(score, card.labels, answers, videos[i][1]))
                write(mine[i] | dict(scores=[float(f"{p:.6g}") for p in score.tolist()]))
            if progress and rank == 0:
                progress("videos", done / len(waiting))
    rows |= gather(mine, rank, count)
    return summary(rows, card.labels, views) if rank == 0 else None


def _begin(
    out: Path, card: ModelCard, videos: list[tuple[Path, str]], views: Views, precision: str, write: bool
) -> dict[int, Row]:
    """What a folder knows already of these videos; it is this run's from now on. Raises DataError where it is another's."""
    text = "\n".join(f"{path.resolve()}\t{label}" for path, label in videos)
    settings = dict(
        checkpoint=card.sha256,
        frames=f"{card.num_frames} x {card.sampling_rate}",
        views=str(views),
        precision=precision,
        videos=len(videos),
        list=hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(),
    )
    reserve(out, settings, write)
    return read_rows(out)


def plain_forward(model: VideoModel) -> Forward:
    """The model in evaluation mode, where it is, in full precision."""
    device = next(model.parameters()).device
    model.eval()
    return lambda video: model(video.to(device)).float()


def best_classes(score: Tensor, labels: tuple[str, ...], answers: list[slice], label: str) -> list[tuple[str, float]]:
    """The five most probable classes of a score (classes,), best first: of several answers that of which `label` is one."""
    mine = next(part for part in answers if label in labels[part])
    first, best = mine.start or 0, score[mine].argsort(descending=True, stable=True)[:FIRST].tolist()
    return [(labels[first + c], round(score[first + c].item(), 4)) for c in best]


def summary(rows: dict[int, Row], labels: tuple[str, ...], views: Views) -> VideoFigures:
    """The figures of `evaluate_videos` from what is known of each video. Raises DataError where none was read."""
    in_order = [rows[i] for i in sorted(rows)]
    unreadable = {row["path"]: row["unreadable"] for row in in_order if "unreadable" in row}
    read = [row for row in in_order if "top5" in row]
    if not read:
        raise DataError(
            f"none of the {len(rows)} videos could be read; the first: {next(iter(unreadable.values()), 'the list is empty')}"
        )
    number = {name: i for i, name in enumerate(labels)}
    ranks = torch.tensor([[number[name] for name, _ in row["top5"]] for row in read])
    truth = torch.tensor([number[row["label"]] for row in read])
    right = (ranks == truth[:, None]).sum(0).cumsum(0)  # within the first 1, 2, ... classes
    return VideoFigures(
        **accuracy(ranks, truth, labels),
        views=str(views),
        padded=sum(row["padded"] > 0 for row in read),
        unreadable=unreadable,
        top1_of_all=round(right[0].item() / len(rows), 4),
        top5_of_all=round(right[-1].item() / len(rows), 4),
    )


def read_ahead(read: Callable[[Item], Value], items: Iterable[Item], workers: int) -> Iterator[Value]:
    """read(item) of each item in order, while up to `workers` of the next ones are read in threads."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Value]] = deque()
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(part: tuple[VideoViews, int]) -> Part | VideoError:
    """The views of a video's clip, or why it could not be read."""
    video, number = part
    try:
        return video.clip(number)
    except VideoError as error:
        return error


def _score(
    forward: Forward, parts: Iterator[Part | VideoError], clips: int, batch: int, answers: list[slice]
) -> tuple[Tensor, int]:
    """The score of the video that the next parts are of, as many as it has clips, and how many frames of each were padded.
    Raises VideoError where one of them could not be read."""
    mine = (next(parts) for _ in range(clips))
    found = 0

    def views() -> Iterator[Tensor]:
        nonlocal found
        before: Tensor | None = None
        for part in mine:
            if isinstance(part, VideoError):
                raise part
            before, found = part[0] if part[0] is not None else before, part[1]
            if before is not None:
                yield before

    try:
        return mean_score(forward, views(), batch, answers), found
    except VideoError:
        deque(mine, maxlen=0)  # leave out what comes after
        raise
