"""Decoding the user's clips in processes of their own, in a given order.

Each clip is decoded by a limited child of the process that reads it (`sifa.video.child`); here those processes are the
workers of a torch DataLoader. They end with the process that started them, however that ends.
"""

import hashlib
import multiprocessing
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from sifa.errors import RunError, VideoError
from sifa.video._sandbox import follow_parent
from sifa.video.clip import Clip
from sifa.video.preprocess import preprocess

Pixels = NDArray[np.uint8]  # (3, T, M, M)
T = TypeVar("T")


class Fact(NamedTuple):
    """What is known of a clip that can be read."""

    digest: str  # of its pixels
    size: int  # bytes of its pixels


class DecodedClips(Dataset[Pixels | str]):
    """Clip number i of `files`: its pixels, `side` on each side, or why it cannot be read.

    They are the same whichever process reads them. `read` samples a file's frames, like `ModelCard.read`.
    """

    def __init__(self, files: Sequence[Path], read: Callable[[Path], Clip], side: int) -> None:
        self.files, self.read, self.side = files, read, side

    def __getitem__(self, number: int) -> Pixels | str:
        try:
            clip = self.read(self.files[number])
        except VideoError as error:
            return str(error)
        video, _ = preprocess(clip.frames, self.side, (0.0,) * 3, (1.0,) * 3)
        pixels: Pixels = (video[0] * 255).round().byte().numpy()
        return pixels


class FirstLook(Dataset[tuple[Fact, Pixels | None] | str]):
    """What is known of clip number i once it was read, and its pixels if it is among the first that fit into `memory` bytes;
    or why it cannot be read."""

    def __init__(self, clips: DecodedClips, memory: int) -> None:
        self.clips, self.memory = clips, memory

    def __getitem__(self, number: int) -> tuple[Fact, Pixels | None] | str:
        pixels = self.clips[number]
        if isinstance(pixels, str):
            return pixels
        fact = Fact(hashlib.sha256(pixels.tobytes()).hexdigest()[:32], pixels.nbytes)
        return fact, pixels if number < room(self.memory, fact) else None


def room(memory: int, fact: Fact) -> int:
    """How many clips of one size fit into so many bytes."""
    return memory // fact.size


def in_order(clips: Dataset[T], numbers: Iterable[int], readers: int, ahead: int) -> Generator[T, None, None]:
    """clips[number] of each of the numbers, in their order; `readers` processes read about `ahead` of them beforehand.

    Without readers this process reads each when it is asked for. `numbers` is asked no sooner than needed, and the random
    numbers of torch stay as they are. The readers end when the iterator is closed. Raises RunError where one was ended by
    something else.
    """
    loader: DataLoader[T] = DataLoader(
        clips,
        batch_size=None,
        sampler=numbers,
        num_workers=readers,
        collate_fn=_as_it_is,
        worker_init_fn=_begin,
        prefetch_factor=max(2, -(-ahead // readers)) if readers else None,
        multiprocessing_context="fork" if readers and sys.platform == "linux" else None,
        generator=torch.Generator(),
    )
    with deaths_said():
        yield from loader


@contextmanager
def deaths_said() -> Iterator[None]:
    """Turns what torch raises into RunError where a reader was ended by something else.

    torch has a signal's handler raise it, so it may come from whatever this process does at that moment: around everything
    that goes on while clips are read stands this, too.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise RunError(
            f"a process that reads clips was ended from outside ({str(error).splitlines()[0]}), perhaps since memory was short; "
            "give fewer --readers"
        ) from error


def _as_it_is(item: Any) -> Any:
    """As numpy arrays clips go through a pipe, and need no shared memory, of which containers have little."""
    return item


def _begin(reader: int) -> None:
    """What a reader does first: it ends with its parent."""
    parent = multiprocessing.parent_process()
    if parent and parent.pid:
        follow_parent(parent.pid)
