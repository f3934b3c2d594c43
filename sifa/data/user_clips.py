"""The user's own clips, for fine-tuning."""

import logging
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sifa.data.known import Known
from sifa.data.motion.generator import MotionBatch
from sifa.data.motion.seeds import batch_seed
from sifa.data.reading import DecodedClips, Fact, FirstLook, in_order, room
from sifa.errors import DataError
from sifa.video.clip import Clip

MARGIN = 1.15  # clips are read this much larger than the model's input, and cut out at random places
HELD_OUT = 5  # every fifth clip of a class is held out
LEAST = 2  # clips of a class
MEMORY = 512 << 20  # bytes of clips that are kept

logger = logging.getLogger(__name__)


class Share(NamedTuple):
    """A process's part of the first look at the clips, where several share it."""

    rank: int = 0
    processes: int = 1
    exchange: Callable[[dict[int, Any]], dict[int, Any]] = lambda mine: mine  # everybody's findings together


class VideoClips:
    """The user's clips: the first that fit into `memory` bytes are kept there, the others are read each time anew.

    `clips` are (file, class name); `size` is the side of the model's input in pixels; `read` samples a file's frames, like
    `ModelCard.read`; `progress` (what is being done, share done 0..1) is called before each clip. `readers` processes read
    ahead; without them each clip is read when its turn comes. Each clip is looked at once in the beginning, unless it is
    `known` from before; processes may `share` that.

    Then `labels` are the names of the classes, `count` is the number of clips, and clips go by their numbers in the list:
    `training` holds those of each class, `held_out` pairs of a clip's number and that of its class: every fifth clip of a
    class, or none where a class has fewer than five. `digests` are those of the pixels. Unreadable clips are skipped and
    named in `skipped` {file: why}; those that can be read no more later in `lost` {number: why}. Raises DataError where fewer
    than two clips of a class can be read, or there is only one class.
    """

    def __init__(
        self,
        clips: Iterable[tuple[Path, str]],
        size: int,
        read: Callable[[Path], Clip],
        seed: int = 0,
        progress: Callable[[str, float], None] | None = None,
        *,
        readers: int = 0,
        memory: int = MEMORY,
        known: Known | None = None,
        share: Share = Share(),  # noqa: B008 - a constant
    ):
        found = list(clips)
        self.size, self.seed, self.readers = size, seed, readers
        self.files = [file for file, _ in found]
        self._decoded = DecodedClips(self.files, read, round(size * MARGIN))
        self._kept: dict[int, Tensor | str] = {}  # what `videos` gives of a clip
        self.lost: dict[int, str] = {}
        facts = self._look(memory, known, share, progress)
        self.skipped = {str(self.files[n]): fact for n, fact in sorted(facts.items()) if isinstance(fact, str)}
        self.digests = {n: fact.digest for n, fact in facts.items() if isinstance(fact, Fact)}
        self.clip_bytes = max((fact.size for fact in facts.values() if isinstance(fact, Fact)), default=0)
        self._room = room(memory, Fact("", self.clip_bytes)) if self.clip_bytes else 0
        self.labels = tuple(sorted({label for _, label in found}))
        numbers: dict[str, list[int]] = {label: [] for label in self.labels}
        for number, (_, label) in enumerate(found):
            if number in self.digests:
                numbers[label].append(number)
        self.count = len(self.digests)
        self._check_count(numbers)
        self.training = [[n for i, n in enumerate(numbers[label]) if (i + 1) % HELD_OUT] for label in self.labels]
        self.held_out = [
            (n, c) for c, label in enumerate(self.labels) for n in numbers[label][HELD_OUT - 1 :: HELD_OUT]
        ]
        self._class_of = {n: c for c, of in enumerate(self.training) for n in of}

    @property
    def bytes_kept(self) -> int:
        """What the clips take that are kept in memory."""
        return min(self._room, self.count) * self.clip_bytes

    def _look(
        self, memory: int, known: Known | None, share: Share, progress: Callable[[str, float], None] | None
    ) -> dict[int, Fact | str]:
        """What is known of each clip, or why it cannot be read; this process reads its share of those of which nothing is."""
        facts: dict[int, Fact | str] = {}
        if known:
            facts = {number: fact for number, file in enumerate(self.files) if (fact := known.find(file))}
        facts = share.exchange(facts)  # before anybody writes: all share out the same rest
        mine = [number for number in range(len(self.files)) if number not in facts][share.rank :: share.processes]
        with closing(in_order(FirstLook(self._decoded, memory), mine, self.readers, 2 * self.readers)) as looks:
            for done, number in enumerate(mine):
                if progress:
                    progress(f"reading {self.files[number].name}", done / len(mine))
                seen = next(looks)
                facts[number] = seen if isinstance(seen, str) else seen[0]
                if isinstance(seen, str):
                    continue
                if seen[1] is not None:
                    self._kept[number] = torch.from_numpy(seen[1])
                if known:
                    known.add(self.files[number], seen[0])
        return share.exchange(facts)

    def _check_count(self, numbers: dict[str, list[int]]) -> None:
        few = [f"{label} ({len(numbers[label])})" for label in self.labels if len(numbers[label]) < LEAST]
        unread = f"; {len(self.skipped)} could not be read" if self.skipped else ""
        if few:
            some = ", ".join(few[:5]) + (f" ... ({len(few)} classes)" if few[5:] else "")
            raise DataError(f"too few clips to learn from: {some}{unread}; every class needs {LEAST}")
        if len(self.labels) < 2:
            raise DataError(f"the clips have {len(self.labels)} class{unread}; telling apart needs at least two")

    def dealt(self, positions: Iterable[int]) -> Iterator[int]:
        """The training clips that come at these positions, from 0 on, of all epochs one after the other.

        Every epoch holds each training clip once, in an order of its own, which follows from the seed and the epoch alone.
        """
        clips, before, order = list(self._class_of), -1, list[int]()
        for position in positions:
            epoch, place = divmod(position, len(clips))
            if epoch != before:  # minus one and minus two would be the same seed
                rng = torch.Generator().manual_seed(batch_seed(self.seed, -2 - epoch))
                before, order = epoch, torch.randperm(len(clips), generator=rng).tolist()
            yield clips[order[place]]

    def videos(
        self, numbers: Callable[[], Iterable[int]], among: Collection[int], ahead: int
    ) -> Generator[Tensor | str, None, None]:
        """The clips of the numbers (3, T, M, M) uint8, or why one cannot be read any more.

        What is not kept in memory is read, about `ahead` clips beforehand. `numbers` gives the same numbers at each call, all of
        them `among` these.
        """

        def missing() -> Iterator[int]:  # it runs ahead of what is given, and foresees what will have been kept by then
            waiting = set(among) - self._kept.keys()
            for number in numbers() if waiting else ():
                if number in waiting:
                    yield number
                    if number < self._room:
                        waiting.remove(number)
                        if not waiting:
                            return

        with closing(in_order(self._decoded, missing(), self.readers, ahead)) as read:
            for number in numbers():
                if number not in self._kept:
                    pixels = next(read)
                    video = pixels if isinstance(pixels, str) else torch.from_numpy(pixels)
                    if number >= self._room:
                        yield video
                        continue
                    self._kept[number] = video
                yield self._kept[number]

    def batches(
        self, parts: Callable[[], Iterable[tuple[int, Sequence[int]]]], ahead: int
    ) -> Generator[MotionBatch, None, None]:
        """Of each of the parts, an index and the positions of its clips (see `dealt`), the batch that `cut` makes.

        `parts` gives the same at each call. In the place of a clip that cannot be read any more comes another of its class,
        which is said once for each.
        """

        def numbers() -> Iterator[int]:
            return self.dealt(position for _, positions in parts() for position in positions)

        of = numbers()
        with closing(self.videos(numbers, self._class_of, ahead)) as videos:
            for index, positions in parts():
                chosen = [next(of) for _ in positions]
                read = [
                    self._stand_in(n, video) if isinstance(video, str) else video for n, video in zip(chosen, videos)
                ]
                yield self.cut(index, read, torch.tensor([self._class_of[n] for n in chosen]))

    def _stand_in(self, number: int, why: str) -> Tensor:
        """The next clip of the same class that can be read. Raises DataError where there is none."""
        of = self.training[self._class_of[number]]
        if number not in self.lost:
            logger.warning(
                "%s can be read no more, and others of its class take its place: %s", self.files[number], why
            )
        self.lost[number] = why
        at = of.index(number)
        for other in of[at + 1 :] + of[:at]:
            if isinstance(kept := self._kept.get(other), Tensor):
                return kept
            if not isinstance(pixels := self._decoded[other], str):
                return torch.from_numpy(pixels)
        label = self.labels[self._class_of[number]]
        raise DataError(
            f"no clip of {label} can be read any more ({why}); bring them back, and the same command goes on"
        )

    def cut(self, index: int, videos: Sequence[Tensor], labels: Tensor) -> MotionBatch:
        """Of clips (3, T, M, M) uint8 and their classes (B,) int64 a batch: video (B, 3, T, S, S) float32 0..1; no scene, no owner.

        Each is cut out at a random place, with random brightness and contrast that follow from seed and index; never mirrored,
        since left and right may be what tells classes apart.
        """
        rng = torch.Generator().manual_seed(batch_seed(self.seed, index))
        cuts = []
        for video in videos:
            room = video.shape[-1] - self.size + 1
            y, x = torch.randint(room, (2,), generator=rng).tolist()
            cut = video[..., y : y + self.size, x : x + self.size].float() / 255
            gain, bias = torch.rand(2, generator=rng) * torch.tensor([0.4, 0.2]) + torch.tensor([0.8, -0.1])
            cuts.append((cut * gain + bias).clamp(0, 1))
        return MotionBatch(torch.stack(cuts), labels, None, None)

    def held_out_videos(self) -> Iterator[tuple[Tensor, int]]:
        """The held-out clips as the model sees them, (3, T, S, S) 0..1, with their classes; without those in `lost`."""
        numbers = [number for number, _ in self.held_out]
        with closing(self.videos(lambda: numbers, numbers, 2 * self.readers)) as videos:
            for (number, label), video in zip(self.held_out, videos):
                if isinstance(video, str):
                    logger.warning("%s can be read no more, and is not measured: %s", self.files[number], video)
                    self.lost[number] = video
                else:
                    yield self.central(video), label

    def central(self, video: Tensor) -> Tensor:
        """A clip (3, T, M, M) uint8 as the model sees it: (3, T, S, S) 0..1."""
        return F.interpolate(video.float() / 255, size=(self.size, self.size), mode="bilinear", antialias=True)
