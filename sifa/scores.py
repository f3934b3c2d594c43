"""Scores of many videos: shared out to the processes of torchrun, kept in a folder as they come, and summed up."""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from tqdm import tqdm

from sifa.dataset import DataError, named_by
from sifa.video import VideoError
from sifa.views import Views, mean_score, read_views

FIRST = 5  # classes kept of every video's ranking


def accuracy(ranks: Tensor, truth: Tensor, labels: tuple[str, ...]) -> dict:
    """Classes (clips, 5 or more), best first, against the truth (clips,): clips, top1, top5, per_class {name: accuracy},
    and confusion, one row of counts for each true class."""
    hit = ranks[:, 0] == truth
    confusion = torch.zeros(len(labels), len(labels), dtype=torch.long)
    confusion.index_put_((truth, ranks[:, 0]), torch.ones_like(truth), accumulate=True)
    share = lambda right: round(right.float().mean().item(), 4)  # noqa: E731
    return dict(
        clips=len(truth),
        top1=share(hit),
        top5=share((ranks[:, :FIRST] == truth[:, None]).any(1)),
        per_class={name: share(hit[truth == i]) for i, name in enumerate(labels) if (truth == i).any()},
        confusion=confusion.tolist(),
    )


def processes(backend: str = "gloo") -> tuple[int, int]:
    """(number of this process, how many torchrun started), and joins them; scores are exchanged over gloo."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if count > 1 and not dist.is_initialized():
        dist.init_process_group(backend, timeout=timedelta(days=7))
    return rank, count


def leave() -> None:
    """Part from the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


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

    `forward` is the model's, such as `sifa.run.forward_with` gives, and `precision` what it computes in; `batch` is the
    number of views in one pass, `readers` that of videos decoded ahead. Raises DataError where a class is none of the
    model's, where no video can be read, or where `out` holds the scores of another run.
    """
    card, (rank, count) = model.checkpoint, processes()
    videos = named_by(videos, card.labels)
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
        claim(out, what, write=rank == 0)
        rows = kept(out, card.labels)
    _wait(count)  # every process has read what was there before any adds to it
    todo = [i for i in range(len(videos)) if "top5" not in rows.get(i, {})][rank::count]
    mine = {}
    with torch.no_grad(), _appending(out / f"scores-{rank}.jsonl" if out else None) as keep:
        read = lambda i: _read(videos[i][0], card, views)  # noqa: E731
        bar = tqdm(total=len(todo), desc="videos", unit="video", disable=rank > 0, leave=False)
        for i, (video, padded) in zip(todo, ahead(read, todo, readers)):
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
    return summed(rows, card.labels, views) if rank == 0 else {}


def summed(rows: dict[int, dict], labels: tuple[str, ...], views: Views) -> dict:
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


def ahead(read: Callable, items: Iterable, workers: int) -> Iterator:
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


def claim(folder: Path, what: dict, write: bool) -> None:
    """Make a folder that of one run; DataError where it is that of another one."""
    file = folder / "run.json"
    if file.exists():
        before = json.loads(file.read_text())
        other = [f"{k} {v} instead of {what[k]}" for k, v in before.items() if what.get(k) != v]
        if other:
            raise DataError(
                f"{folder} holds the scores of another run ({'; '.join(other)}); repeat that run's command to go on with it, "
                "or give another --out"
            )
    elif write:
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(what, indent=2) + "\n")
        part.replace(file)


def kept(folder: Path, labels: tuple[str, ...]) -> dict[int, dict]:
    """What a folder knows of each video, without the scores; a last line that was cut off does not count."""
    rows = {}
    for file in sorted(folder.glob("scores-*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith("\n"):
                    continue
                try:
                    row = json.loads(line)
                    row.pop("scores", None)
                    if "top5" in row or row["index"] not in rows:
                        rows[row["index"]] = row
                except (ValueError, KeyError, AttributeError) as error:
                    raise DataError(
                        f"line {number} of {file} is damaged ({error}); delete that line, and the video is measured again"
                    ) from error
    return rows


@contextmanager
def _appending(file: Path | None) -> Iterator[Callable[[dict], dict]]:
    """A function that adds a row to a file of JSON lines, if there is one, and returns it; an unfinished line is cut off."""
    if file is None:
        yield lambda row: row
        return
    if file.exists():
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)
    with file.open("a", encoding="utf-8") as lines:

        def keep(row: dict) -> dict:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            lines.flush()
            return row

        yield keep


def _wait(count: int) -> None:
    if count > 1:
        dist.barrier()


def _gathered(rows: dict, rank: int, count: int) -> list[dict]:
    """Every process's rows, in the first process."""
    if count == 1:
        return [rows]
    parts = [None] * count if rank == 0 else None
    dist.gather_object(rows, parts)
    return parts or []
