"""Scores of many videos: shared out to the processes of torchrun, kept in a folder as they come, and summarise up."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from sifa.data.listing import name_classes
from sifa.errors import DataError, VideoError
from sifa.evaluation.metrics import FIRST, accuracy
from sifa.evaluation.processes import _gathered, _wait, processes
from sifa.evaluation.store import _appending, read_rows, reserve
from sifa.evaluation.views import Views, mean_score, read_views
from sifa.weights.card import card_of


def evaluate_videos(
    model: nn.Module,
    videos: list[tuple[Path, str]],
    views: Views = Views(),  # noqa: B008
    out: Path | None = None,
    forward: Callable[[Tensor], Tensor] | None = None,
    precision: str = "float32",
    batch: int = 4,
    readers: int = 2,
) -> dict:
    """`accuracy` on labelled videos (path, class name or number), by the mean of the softmaxes of each one's views.

    Beside the figures of `accuracy`, which count the videos that could be read: views, padded (videos shorter than a clip),
    unreadable {path: why}, and top1_of_all and top5_of_all, where those count as wrong. With `out` every video's scores are
    kept there as they come, and a run that was stopped goes on. Under torchrun the videos are shared out, and every process
    but the first returns {}.

    `forward` is the model's, such as `sifa.model.run.forward_with` gives, and `precision` what it computes in; `batch` is the
    number of views in one pass, `readers` that of videos decoded ahead. Raises DataError where a class is none of the
    model's, where no video can be read, or where `out` holds the scores of another run.
    """
    card, (rank, count) = card_of(model), processes()
    videos = name_classes(videos, card.labels)
    if forward is None:
        device = next(model.parameters()).device
        forward = lambda video: model.eval()(video.to(device)).float()  # noqa: E731
    rows = {}
    if out:
        listed = "\n".join(f"{path.resolve()}\t{label}" for path, label in videos)
        what = dict(
            checkpoint=card.sha256, frames=f"{card.num_frames} x {card.sampling_rate}", views=str(views),
            precision=precision, videos=len(videos), list=hashlib.sha256(listed.encode()).hexdigest(),
        )  # fmt: skip
        reserve(out, what, write=rank == 0)
        rows = read_rows(out, card.labels)
    _wait(count)  # every process has read what was there before any adds to it
    todo = [i for i in range(len(videos)) if "top5" not in rows.get(i, {})][rank::count]
    mine = {}
    with torch.no_grad(), _appending(out / f"scores-{rank}.jsonl" if out else None) as keep:
        read = lambda i: _read(videos[i][0], card, views)  # noqa: E731
        bar = tqdm(total=len(todo), desc="videos", unit="video", disable=rank > 0, leave=False)
        for i, (video, padded) in zip(todo, read_ahead(read, todo, readers)):
            row = dict(index=i, path=str(videos[i][0]), label=videos[i][1])
            if isinstance(video, str):
                mine[i] = keep(row | dict(unreadable=video))
            else:
                score = mean_score(forward, video, batch)
                best = score.argsort(descending=True, stable=True)[:FIRST].tolist()
                top5 = [[card.labels[c], round(score[c].item(), 4)] for c in best]
                keep(row | dict(padded=padded, top5=top5, scores=[float(f"{p:.6g}") for p in score.tolist()]))
                mine[i] = row | dict(padded=padded, top5=top5)
            bar.update()
        bar.close()
    for part in _gathered(mine, rank, count):
        rows |= part
    return summarise(rows, card.labels, views) if rank == 0 else {}


def summarise(rows: dict[int, dict], labels: tuple[str, ...], views: Views) -> dict:
    """The figures of `evaluate_videos` from what is known of each video. Raises DataError where none was read."""
    rows = [rows[i] for i in sorted(rows)]
    unreadable = {row["path"]: row["unreadable"] for row in rows if "unreadable" in row}
    read = [row for row in rows if "top5" in row]
    if not read:
        raise DataError(
            f"none of the {len(rows)} videos could be read; the first: {next(iter(unreadable.values()), 'the list is empty')}"
        )
    number = {name: i for i, name in enumerate(labels)}
    ranks = torch.tensor([[number[name] for name, _ in row["top5"]] for row in read])
    truth = torch.tensor([number[row["label"]] for row in read])
    right = (ranks == truth[:, None]).sum(0).cumsum(0)  # within the first 1, 2, ... classes
    return accuracy(ranks, truth, labels) | dict(
        views=str(views),
        padded=sum(row["padded"] > 0 for row in read),
        unreadable=unreadable,
        top1_of_all=round(right[0].item() / len(rows), 4),
        top5_of_all=round(right[-1].item() / len(rows), 4),
    )


def read_ahead(read: Callable, items: Iterable, workers: int) -> Iterator:
    """read(item) of each item in order, while up to `workers` of the next ones are read in threads."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read(path: Path, card, views: Views) -> tuple[Tensor | str, int]:
    """The views and how many frames were padded, or why they could not be read."""
    try:
        return read_views(path, card, views)
    except VideoError as error:
        return str(error), 0
