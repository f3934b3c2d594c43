"""A folder with one sub-folder of clips per class."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sifa.data.listing.files import (
    UNREAD,
    VIDEOS,
    entries,
    holds_pictures,
    is_clutter,
    is_directory,
    same_form,
    suffix_of,
)
from sifa.data.listing.text import counted, several
from sifa.errors import DataError
from sifa.video.frames import PICTURES

PARTS = {"train", "training", "val", "valid", "validate", "validation", "test", "testing"}  # of a data set


@dataclass
class _Content:
    """What lies in a folder; `others` counts what is no clip."""

    clips: list[Path] = field(default_factory=list)
    nested: list[Path] = field(default_factory=list)  # folders that hold clips in turn
    unread: list[str] = field(default_factory=list)
    pictures: int = 0
    others: Counter[str] = field(default_factory=Counter)


def read_folder(folder: Path) -> tuple[list[tuple[Path, str]], int, dict[str, int]]:
    """(file, class name) of each clip, the number of classes, and what was left out. Raises DataError."""
    content = {sub: _look(sub) for sub in _classes(folder)}
    if not content:
        raise DataError(f"{folder} has no sub-folders; put the clips of each class into a sub-folder named after it")
    nested = [one for found in content.values() for one in found.nested]
    if nested:
        first = nested[0].parent
        raise DataError(
            f"the folder {first} holds folders of clips itself ({several([one.name for one in nested if one.parent == first])}); "
            f"if these are the classes, give {first} alone; else put the clips of each class right into its folder"
        )
    if all(sub.name.lower() in PARTS for sub in content):
        raise DataError(
            f"the sub-folders of {folder} ({several([sub.name for sub in content])}) are called like parts of a data set, not "
            f"like classes; give one of them, such as {next(iter(content))}, with a sub-folder per class"
        )
    left_out = _loose(folder)
    for sub, found in content.items():
        _check(sub, found)
        left_out += found.others
        left_out += Counter(f"video of a kind that is not read ({suffix_of(name)})" for name in found.unread)
    clips = [(clip, same_form(sub.name)) for sub, found in content.items() for clip in found.clips]
    return clips, len(content), dict(left_out)


def has_no_classes(folder: Path) -> bool:
    """Whether videos lie right in a folder, or none in any of its sub-folders, so that these are no classes. Raises DataError."""
    loose = (one for one in entries(folder) if suffix_of(one.name) in VIDEOS and not is_clutter(one.name))
    return any(not is_directory(one) for one in loose) or not any(_look(sub).clips for sub in _classes(folder))


def loose_videos(folder: Path) -> tuple[list[Path], dict[str, int]]:
    """Videos and folders of numbered pictures at any depth, in order, and what was left out. Raises DataError without any."""
    content = _Content()
    for where, folders, _ in os.walk(folder):
        found = _look(Path(where))
        content.clips += found.clips
        content.others += found.others + Counter(
            f"video of a kind that is not read ({suffix_of(n)})" for n in found.unread
        )
        taken = {clip.name for clip in found.clips}
        folders[:] = [name for name in folders if name not in taken and not is_clutter(name)]
    if not content.clips:
        raise DataError(f"there is no video below {folder} ({', '.join(VIDEOS)})")
    content.others.pop("folder without clips", None)
    return sorted(content.clips), dict(content.others)


def _open(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be opened ({error.strerror}); check its rights") from error


def _classes(folder: Path) -> list[Path]:
    return sorted(folder / one.name for one in _open(folder) if is_directory(one) and not is_clutter(one.name))


def _loose(folder: Path) -> Counter[str]:
    """What lies beside the folders of classes."""
    names = [one.name for one in entries(folder) if not is_directory(one) or is_clutter(one.name)]
    return Counter("hidden file" if is_clutter(name) else _kind(name) for name in names)


def _kind(name: str) -> str:
    suffix = suffix_of(name)
    what = "video outside the folders" if suffix in VIDEOS + UNREAD else "other file"
    return f"{what} ({suffix or 'no suffix'})"


def _look(folder: Path) -> _Content:
    """What a class folder holds: videos and folders of pictures are clips."""
    found = _Content()
    for entry in _open(folder):
        suffix = suffix_of(entry.name)
        file = folder / entry.name
        if is_clutter(entry.name):
            found.others["hidden file"] += 1
        elif is_directory(entry):
            if holds_pictures(file):
                found.clips.append(file)
            elif _holds_clips(file):
                found.nested.append(file)
            else:
                found.others["folder without clips"] += 1
        elif is_directory(entry) is None:
            found.others["link or device that is no file"] += 1
        elif suffix in VIDEOS:
            found.clips.append(file)
        elif suffix in UNREAD:
            found.unread.append(entry.name)
        elif suffix in PICTURES:
            found.pictures += 1
            found.others["picture beside videos"] += 1
        else:
            found.others[f"other file ({suffix or 'no suffix'})"] += 1
    found.clips.sort()
    found.nested.sort()
    return found


def _holds_clips(folder: Path) -> bool:
    """Whether there is a video or a picture anywhere below a folder, links to folders aside."""
    files = (name for _, _, names in os.walk(folder) for name in names if not is_clutter(name))
    return any(suffix_of(name) in VIDEOS + UNREAD + PICTURES for name in files)


def _check(folder: Path, found: _Content) -> None:
    """Raises DataError for a class without clips."""
    if found.clips:
        return
    why = f"the class folder {folder} holds no video ({', '.join(VIDEOS)})"
    if found.pictures:
        raise DataError(
            f"{why}, but {counted(found.pictures, 'picture')}; give the pictures of each clip a folder of their own"
        )
    if found.unread:
        kinds = ", ".join(sorted({suffix_of(name) for name in found.unread}))
        raise DataError(f"{why}, but {len(found.unread)} of kinds that are not read ({kinds}); convert them to mp4")
    raise DataError(f"{why}; fill it or remove it")
