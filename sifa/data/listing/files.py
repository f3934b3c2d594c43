"""Which files are clips, and where the files of a list lie: each folder is looked through once."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sifa.video import containers
from sifa.video.frames import PICTURES

VIDEOS = containers.SUFFIXES  # of the kinds that are read
UNREAD = (".rm", ".rmvb", ".ogv", ".ogg", ".divx", ".swf")  # of kinds that are videos, but are not read
SUFFIXES = frozenset(VIDEOS + UNREAD)
CLUTTER = ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin")  # what systems leave in folders


def is_clutter(name: str) -> bool:
    """Whether a file or folder is hidden, or what a system left there: ._clip.mp4, .DS_Store, __MACOSX, Thumbs.db."""
    return name.startswith(".") or name.lower() in CLUTTER


def suffix_of(name: str) -> str:
    """The suffix in lower case with its dot; empty where there is none."""
    return os.path.splitext(name)[1].lower()


def holds_pictures(folder: str | Path) -> bool:
    """Whether there is a picture in a folder that can be looked into."""
    return any(suffix_of(one.name) in PICTURES and not is_clutter(one.name) for one in entries(folder))


def count_pictures(folder: str | Path) -> Counter[str]:
    """How many pictures a folder has of each series, as the names before their numbers tell them apart."""
    names = [one.name for one in entries(folder) if suffix_of(one.name) in PICTURES and not is_clutter(one.name)]
    return Counter(os.path.splitext(name)[0].rstrip("0123456789") for name in names)


def same_form(text: str) -> str:
    """Letters with accents in one form (NFC): some systems write them as two characters, others as one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@dataclass
class _Folder:
    """What is in a folder: videos and other files, and folders."""

    prefix: str
    folders: dict[str, bool] = field(default_factory=dict)  # name -> whether it is a folder

    @cached_property
    def others(self) -> dict[str, list[str]]:
        """The same names, and those of videos without their suffixes, with accents in one form -> the names."""
        found: dict[str, list[str]] = {}
        for name, is_folder in self.folders.items():
            form = same_form(name)
            found.setdefault(form, []).append(name)
            stem, dot, suffix = form.rpartition(".")
            if not is_folder and (dot + suffix).lower() in SUFFIXES:
                found.setdefault(stem, []).append(name)
        return found


class Files:
    """The clips below a folder, found by what a list writes.

    `find` gives the path of a video or of a folder of pictures, or None. What is written may lack a video's suffix; it may be
    absolute, or hold `..`; where there is no such file, \\ counts as /, and letters with accents are found in either form.
    """

    def __init__(self, root: Path):
        self.root = str(root)
        self.unclear: dict[str, list[str]] = {}  # what is written -> the videos that it could be
        self._folders: dict[str, _Folder] = {}
        self._pictures: dict[str, bool] = {}

    def find(self, path: str) -> str | None:
        head, slash, name = path.rpartition("/")
        folder = self._folders.get(head + slash) or self._look(head + slash)
        if folder.folders.get(name) is False:
            return folder.prefix + name
        if folder.folders and (found := self._in_folder(folder, name, path)):
            return found
        if "\\" in path or (head and not name):
            return self.find(path.replace("\\", "/").rstrip("/"))
        return None

    def _in_folder(self, folder: _Folder, name: str, path: str) -> str | None:
        """A folder of pictures of that name, or the one video that has it without its suffix."""
        names = [name] if name in folder.folders else []
        names += [one for one in folder.others.get(same_form(name), []) if one != name]
        clips = [one for one in names if not folder.folders[one] or self._has_pictures(folder.prefix + one)]
        if len(clips) > 1 and clips[0] != name:
            self.unclear[path] = sorted(clips)
            return None
        return folder.prefix + clips[0] if clips else None

    def _has_pictures(self, folder: str) -> bool:
        if folder not in self._pictures:
            self._pictures[folder] = holds_pictures(folder)
        return self._pictures[folder]

    def _look(self, head: str) -> _Folder:
        """What is in a folder, whose name ends in / or is empty; nothing where there is none that can be looked into."""
        where = os.path.join(self.root, head)
        if not head.isascii() and not os.path.isdir(where):
            where = self._other_form(head)
        folder = self._folders[head] = _Folder(os.path.join(where, ""))
        for entry in entries(where):
            if (is_folder := is_directory(entry)) is not None:
                folder.folders[entry.name] = is_folder
        return folder

    def _other_form(self, head: str) -> str:
        """A folder whose name has letters with accents in another form than is written."""
        above, slash, name = head.rstrip("/").rpartition("/")
        folder = self._folders.get(above + slash) or self._look(above + slash)
        return folder.prefix + folder.others.get(same_form(name), [name])[0]


def entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder; nothing where there is none, or it cannot be opened."""
    try:
        with os.scandir(folder) as found:
            yield from found
    except (OSError, ValueError):
        return


def is_directory(entry: os.DirEntry[str]) -> bool | None:
    """Whether it is a folder or a file; None for a link that leads nowhere or in a circle, and for devices."""
    try:
        return entry.is_dir() or (False if entry.is_file() else None)
    except OSError:
        return None
