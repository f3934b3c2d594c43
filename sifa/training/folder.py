"""The folder of a run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sifa.errors import RunError
from sifa.weights.files import PART, reason


def check_place(out: Path) -> None:
    """Raises RunError where the folder is none, or nothing can be written into it, or where it would be. Leaves nothing."""
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not place.is_dir():
        raise RunError(f"{place} is a file, and the --out {out} has to be a folder; give another one")
    probe = place / f"probe.{os.getpid()}{PART}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise RunError(f"nothing can be written into {place} ({reason(error)}); give another --out") from error


@contextmanager
def claimed(out: Path, doing: str = "training") -> Iterator[None]:
    """Keep the folder to this process, and rid it of what another left half written.

    Raises RunError where another process is writing into it. The claim ends with the process, however that ends. On systems
    without `fcntl` nothing is claimed.
    """
    check_place(out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    opened = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"another process is {doing} into {out}; wait until it ends, or choose another --out"
            ) from None
        except OSError:  # a file system without locks
            pass
        for left in out.glob(f"*{PART}"):
            with suppress(OSError):
                left.unlink()
        yield
    finally:
        os.close(opened)
