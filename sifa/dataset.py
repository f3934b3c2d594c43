"""The user's own clips for fine-tuning: a folder with one sub-folder per class, or a list file."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from sifa.frames import PICTURES, read_video
from sifa.motion import MotionBatch
from sifa.motion.seeds import batch_seed
from sifa.preprocess import preprocess
from sifa.video import Clip, VideoError

VIDEOS = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif")
MARGIN = 1.15  # clips are kept this much larger than the model's input, and cut out at random places
HELD_OUT = 5  # every fifth clip of a class is held out
LEAST = 2  # clips of a class


class DataError(ValueError):
    """Clips that cannot be trained on; the message says why and what to do."""


def find_clips(data: str | Path, labels: str | Path | None = None) -> list[tuple[Path, str]]:
    """(file, class name) of every clip that a folder or a list file names.

    A folder: one sub-folder of videos per class. A list file: lines `path class` or `path,class` (Kinetics style, also with
    a header that names the columns), lines `path frames class` of the released code, whose number of frames is not needed,
    or the JSON of Something-Something ("id" with "template" or "label"); paths count from the file's folder. Each path is
    that of a video, with or without its suffix, or of a folder of numbered pictures. Where classes are numbers, `labels`
    gives their names: one name per line, or a JSON object name -> number. Raises DataError for an empty class folder, a list
    that names no clip, and labels that do not match.
    """
    data = Path(data)
    if data.is_dir():
        found = _from_folder(data)
    elif data.is_file():
        found = _from_list(data)
    else:
        raise DataError(f"there is no folder or list file {data}; check the path")
    return _named(found, Path(labels)) if labels else found


def _from_folder(folder: Path) -> list[tuple[Path, str]]:
    classes = sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
    if not classes:
        raise DataError(f"{folder} has no sub-folders; put the clips of each class into a sub-folder named after it")
    found = []
    for sub in classes:
        videos = sorted(f for f in sub.iterdir() if f.suffix.lower() in VIDEOS or _unpacked(f))
        if not videos:
            raise DataError(f"the class folder {sub} holds no video ({', '.join(VIDEOS)}); fill it or remove it")
        found += [(video, sub.name) for video in videos]
    return found


def _from_list(file: Path) -> list[tuple[Path, str]]:
    if file.suffix == ".json":
        rows = [(str(row["id"]), _plain(row.get("template") or row["label"])) for row in json.loads(file.read_text())]
    elif file.suffix == ".csv":
        rows = _from_csv(file)
    else:
        lines = [line.strip() for line in file.read_text().splitlines()]
        rows = [_columns(line, file.parent) for line in lines if line]
    wrong = [row for row in rows if len(row) != 2]
    if wrong or not rows:
        seen = f"line {' '.join(wrong[0])!r}" if wrong else "no line"
        raise DataError(f"{file.name} has {seen}; every line names a clip and its class, as in: folder/clip.mp4 3")
    return [(_video(file.parent / name), label.strip()) for name, label in rows]


def _columns(line: str, folder: Path) -> tuple[str, ...]:
    """Path and class of a line. Two numbers at its end are frames and class, unless the first is part of a clip's name."""
    released = re.fullmatch(r"(?P<path>.+)\s+\d+\s+(?P<label>\d+)", line)
    if released and not _video(folder / line[: released.start("label")].rstrip()).exists():
        return released["path"].rstrip(), released["label"]
    return tuple(re.split(r",|\s(?=\S+$)", line, maxsplit=1))


def _from_csv(file: Path) -> list[tuple[str, ...]]:
    """Rows of path and class; a header may name the columns, as that of Kinetics does (label, youtube_id, ...)."""
    with file.open(newline="") as lines:
        rows = [row for row in csv.reader(lines) if row]
    header = [name.strip().lower() for name in rows[0]] if rows else []
    name = next((header.index(n) for n in ("path", "file", "youtube_id", "id") if n in header), None)
    label = next((header.index(n) for n in ("label", "class", "template") if n in header), None)
    if name is None or label is None:
        return [tuple(row[:2]) for row in rows]
    return [(row[name], row[label]) for row in rows[1:]]


def _plain(template: str) -> str:
    """Something-Something writes "Holding [something]" in its lists and "Holding something" in its labels."""
    return template.replace("[", "").replace("]", "")


def _video(path: Path) -> Path:
    """The path itself, or the video of that name in whatever container (lists often give only an identifier)."""
    if path.suffix.lower() in VIDEOS or path.is_dir():
        return path
    return next((p for suffix in VIDEOS if (p := path.with_name(path.name + suffix)).exists()), path)


def _unpacked(folder: Path) -> bool:
    """Whether a folder holds pictures."""
    return folder.is_dir() and any(f.suffix.lower() in PICTURES for f in folder.iterdir())


def named_by(found: list[tuple[Path, str]], labels: tuple[str, ...]) -> list[tuple[Path, str]]:
    """Classes that are numbers get the names of a model's classes, in their order; the others have to be among them.

    Raises DataError for a class that the model does not know.
    """
    names = {str(number): name for number, name in enumerate(labels)} | {name: name for name in labels}
    strangers = sorted({label for _, label in found if label not in names})
    if strangers:
        raise DataError(
            f"the model does not know {', '.join(strangers[:5])}; it knows {len(labels)} classes: "
            f"{', '.join(labels[:5])} ..."
        )
    return [(file, names[label]) for file, label in found]


def _named(found: list[tuple[Path, str]], labels: Path) -> list[tuple[Path, str]]:
    """Classes that are numbers get their names; the others have to be in the list of names."""
    text = labels.read_text()
    if labels.suffix == ".json":
        names = {str(number): name for name, number in json.loads(text).items()}
    else:
        names = {str(number): name for number, name in enumerate(filter(None, map(str.strip, text.splitlines())))}
    known = set(names.values())
    renamed = [(file, label if label in known else names.get(label)) for file, label in found]
    strangers = sorted({old for (_, old), (_, new) in zip(found, renamed) if new is None})
    if strangers:
        raise DataError(
            f"the clips have classes that {labels.name} does not list: {', '.join(strangers[:5])}"
            f"{' ...' if len(strangers) > 5 else ''}; it lists {len(known)} names: {', '.join(sorted(known)[:5])}"
            f"{' ...' if len(known) > 5 else ''}"
        )
    return renamed


def read_each(
    found: Iterable[tuple[Path, str]], num_frames: int, sampling_rate: int, skipped: dict[str, str]
) -> Iterator[tuple[Clip, str]]:
    """The clips of (file, class name), read like any upload; `skipped` {file: why} gets those that cannot be read."""
    for file, label in found:
        try:
            clip = read_video(file, num_frames, sampling_rate)
        except VideoError as error:
            skipped[str(file)] = str(error)
            continue
        yield clip, label


class VideoClips:
    """The user's clips, decoded once and kept in memory as uint8.

    `batch` gives training clips of given classes like `MotionClips.batch`: a random one of the class, cut out at a random
    place, with random brightness and contrast; never mirrored, since left and right may be what tells classes apart.
    `held_out` are every fifth clip of a class, or none where a class has fewer than five. Unreadable clips are skipped and
    named in `skipped`. Raises DataError where fewer than two clips of a class can be read, or there is only one class.
    """

    def __init__(
        self, clips: Iterable[tuple[Path, str]], size: int, num_frames: int, sampling_rate: int, seed: int = 0,
        progress: Callable[[Iterable], Iterable] = iter,
    ):  # fmt: skip
        self.size, self.seed = size, seed
        clips, self.skipped = list(clips), {}
        by_class = {label: [] for _, label in clips}
        for clip, label in read_each(progress(clips), num_frames, sampling_rate, self.skipped):
            video, _ = preprocess(clip.frames, round(size * MARGIN), (0.0,) * 3, (1.0,) * 3)
            by_class[label].append((video[0] * 255).round().byte())
        self.labels = tuple(sorted(by_class))
        self.count = sum(map(len, by_class.values()))
        few = [f"{label} ({len(by_class[label])})" for label in self.labels if len(by_class[label]) < LEAST]
        if few or len(self.labels) < 2:
            unread = f"; {len(self.skipped)} could not be read" if self.skipped else ""
            raise DataError(
                f"too few clips to learn from: {', '.join(few)}{unread}; every class needs {LEAST}"
                if few
                else f"the clips have {len(self.labels)} class{unread}; telling apart needs at least two"
            )
        self.training, self.held_out = [], []
        for number, label in enumerate(self.labels):
            kept = by_class[label]
            aside = kept[HELD_OUT - 1 :: HELD_OUT]
            self.training.append([v for i, v in enumerate(kept) if (i + 1) % HELD_OUT])
            self.held_out += [(v, number) for v in aside]

    def batch(self, index: int, labels: Tensor) -> MotionBatch:
        """Clips of the given classes, labels (B,): video (B, 3, T, S, S) 0..1; no scene and no owner."""
        rng = torch.Generator().manual_seed(batch_seed(self.seed, index))
        pick = lambda count: int(torch.randint(count, (), generator=rng))  # noqa: E731
        videos = []
        for label in labels.tolist():
            choices = self.training[label]
            video = choices[pick(len(choices))]
            room = video.shape[-1] - self.size + 1
            y, x = pick(room), pick(room)
            cut = video[..., y : y + self.size, x : x + self.size].float() / 255
            gain, bias = torch.rand(2, generator=rng) * torch.tensor([0.4, 0.2]) + torch.tensor([0.8, -0.1])
            videos.append((cut * gain + bias).clamp(0, 1))
        return MotionBatch(torch.stack(videos), labels, None, None)

    def central(self, video: Tensor) -> Tensor:
        """A kept clip (3, T, M, M) uint8 as the model sees it: (3, T, S, S) 0..1."""
        return F.interpolate(video.float() / 255, size=(self.size, self.size), mode="bilinear", antialias=True)
