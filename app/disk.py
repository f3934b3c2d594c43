"""What the page keeps on the disk: uploads and results for an hour, up to a quota; and what others left there."""

import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sifa.errors import RunError

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)
PREFIX = "sifa-explorer-"
KEEP_SECONDS = 3600  # uploads and results live as long as this
PART_SECONDS = 120  # an upload of which nothing has arrived for as long has broken off
QUOTA_BYTES, QUOTA_SHARE = 4 << 30, 0.2  # at most so much, and at most this share of what is free at the start
RESERVE_BYTES = 64 << 20  # stays free for the rest of the computer
FILE_BYTES = 64 << 10  # what a file counts at least
OWNER = ".owner"  # a file that the owning process keeps locked
KEPT = "kept-"  # before the name of what stays as long as the program runs
PARTS = "tmp*"  # uploads on their way


class FullError(RunError):
    """The disk, or what the page may use of it, is full."""


class Disk:
    """The page's folder and how much of the disk it may use, in bytes; by default a share of what is free now."""

    def __init__(self, folder: Path, quota: int | None = None, reserve: int = RESERVE_BYTES) -> None:
        free = shutil.disk_usage(folder).free
        self.folder, self.reserve = folder, reserve
        self.quota = min(QUOTA_BYTES, int(QUOTA_SHARE * free)) if quota is None else quota
        self._lock = threading.Lock()
        self._arriving: Counter[str] = Counter()  # bytes that uploads on their way count, by address
        self._uploads = 0  # on their way
        self._sent: Counter[tuple[int, str]] = Counter()  # bytes by ten minutes and address
        self._used, self._measured = 0, -1.0

    def check(self, needed: int, what: str) -> None:
        """Raises FullError where `needed` bytes more would be too much; `what` begins the sentence that says so."""
        if shutil.disk_usage(self.folder).free < needed + self.reserve:
            raise FullError(
                f"{what} cannot be stored: the disk of the computer that runs this page is full. "
                "Nothing was lost that was shown before; try again later, or tell those who run the page."
            )
        if self._measured < 0 or time.monotonic() - self._measured > 1:
            self._used, self._measured = used(self.folder), time.monotonic()
        if self._used + self._arriving.total() + needed > self.quota:
            raise FullError(
                f"{what} cannot be stored: clips and results take {size(self._used)} already, of {size(self.quota)} that "
                "this page may use. They go after an hour; try again later."
            )

    @contextmanager
    def upload(self, address: str, length: int) -> Iterator[None]:
        """An upload of that many bytes, while the body runs. Raises FullError where there is no room for it; one address
        may send a quarter of the quota within an hour."""
        counted = max(length, FILE_BYTES)
        with self._lock:
            for old in [key for key in self._sent if key[0] < ten_minutes() - 5]:
                del self._sent[old]
            sent = self._arriving[address] + sum(n for (_, whose), n in self._sent.items() if whose == address)
            if sent + counted > self.quota // 4:
                raise FullError(
                    f"Your address has sent {size(sent)} within the last hour, and this file has {size(length)}; the limit is "
                    f"{size(self.quota // 4)}. Send a smaller file, or try again later."
                )
            self.check(counted, "The file")
            self._arriving[address] += counted
            self._uploads += 1
        try:
            yield
        finally:
            with self._lock:
                self._arriving[address] -= counted
                self._arriving = +self._arriving
                self._sent[ten_minutes(), address] += counted
                self._uploads -= 1
                self._measured = -1
                if not self._uploads:  # so nothing that lies there is on its way
                    for part in self.folder.glob(PARTS):
                        remove(part)

    def sweep(self, now: float | None = None) -> None:
        """Remove uploads and results older than an hour, and uploads that broke off."""
        now = time.time() if now is None else now
        for entry in self.folder.iterdir():
            if entry.name == OWNER or entry.name.startswith(KEPT):
                continue
            age = now - youngest(entry)
            if age > KEEP_SECONDS or (entry.match(PARTS) and entry.is_file() and age > PART_SECONDS):
                remove(entry)

    def kept(self, name: str) -> Path:
        """A new folder for what stays as long as the program runs."""
        return Path(tempfile.mkdtemp(prefix=f"{KEPT}{name}-", dir=self.folder))

    def watch(self, after: Callable[[], None], every: float = 60) -> None:
        """Sweep again and again and call something after it, in a thread that ends with the program."""

        def go_on() -> None:
            while self.folder.exists():
                time.sleep(every)
                try:
                    self.sweep()
                    after()
                except Exception:  # such as a folder that went while it was looked at
                    log.exception("sweeping failed; it is tried again")

        threading.Thread(target=go_on, name="sweeper", daemon=True).start()


def own_folder() -> Path:
    """A new folder of this process in the temporary folder; those of processes that have ended are removed first."""
    remove_left_overs(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if sys.platform != "win32":
        taken = os.open(folder / f"{OWNER}-new", os.O_CREAT | os.O_RDWR, 0o600)  # stays open, and so locked, to the end
        fcntl.flock(taken, fcntl.LOCK_EX)
        (folder / f"{OWNER}-new").rename(folder / OWNER)  # never seen without its lock
    return folder


def remove_left_overs(where: Path) -> list[Path]:
    """Remove the folders whose processes have ended, and say which; none where that cannot be told."""
    if sys.platform == "win32":
        return []
    gone = []
    for folder in where.glob(f"{PREFIX}*"):
        try:
            file = os.open(folder / OWNER, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # another user's, or just being made
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(folder)
            gone.append(folder)
        except OSError:  # its process runs
            pass
        finally:
            os.close(file)
    return gone


def ten_minutes() -> int:
    """The number of the present ten minutes."""
    return int(time.time() // 600)


def used(folder: Path) -> int:
    """Bytes of all files below a folder, as they count."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                total += max(os.lstat(os.path.join(here, name)).st_size, FILE_BYTES)
            except OSError:  # gone meanwhile
                continue
    return total


def youngest(entry: Path) -> float:
    """When the file, or any file in the folder, was last written or moved; -inf where it is gone."""
    times = []
    for path in [entry, *(entry.rglob("*") if entry.is_dir() and not entry.is_symlink() else ())]:
        try:
            status = path.lstat()
        except OSError:
            continue
        times.append(max(status.st_mtime, status.st_ctime))  # a copy may keep its model's time of writing
    return max(times, default=float("-inf"))


def remove(entry: Path) -> None:
    """A file, or a folder with all that it holds, unless it is gone already."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)


def size(count: float) -> str:
    """200 MB"""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
