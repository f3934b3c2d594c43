"""Files that are whole or not there: what is half written never takes the place of what is good."""

import os
from contextlib import suppress
from pathlib import Path

from sifa.errors import RunError

PART = ".part"  # how the names of files end that are not whole yet


def write_whole(file: Path, data: bytes) -> None:
    """Write a file's bytes beside it, make sure that they are on the disk, and only then put them in its place.

    Its mode follows the umask; through a link, what the link leads to is written. Raises RunError where it cannot be written;
    what stood there before is kept.
    """
    try:
        place = file.resolve()
        if place.exists() and not place.is_file():  # a device, such as /dev/stdout, or a folder
            place.write_bytes(data)
            return
        part = place.with_name(f"{place.name}.{os.getpid()}{PART}")
        try:
            _write_down(part, data)
            part.replace(place)
            _settle(place.parent)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunError(
            f"{file} could not be written ({reason(error)}); what was there before is kept: make room, or write to another place"
        ) from error


def reason(error: OSError) -> str:
    """Why something failed, without number and name."""
    return error.strerror or str(error)


def _write_down(file: Path, data: bytes) -> None:
    """Onto the disk, not only into its cache."""
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _settle(folder: Path) -> None:
    """Also the new name onto the disk, where folders can be opened."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
