"""Lists and folders without classes, for those who need none; with classes they are read as ever."""

import json

import pytest

from sifa.data.listing import read_listing
from sifa.errors import DataError


@pytest.fixture
def videos(tmp_path):
    """Two videos, one in a folder, and a folder of pictures."""
    for name in (
        "videos/a.mp4",
        "videos/deep/b c.webm",
        "videos/pictures/001.jpg",
        "videos/notes.txt",
        "videos/.hidden.mp4",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "videos"


def read(data, **options):
    return read_listing(data, classes_needed=False, **options)


def test_a_folder_of_videos_at_any_depth(videos):
    found = read(videos)
    assert found.clips == [(videos / name, "") for name in ("a.mp4", "deep/b c.webm", "pictures")]
    assert found.statement == "videos: no classes; 3 clips; left out: 1 x hidden file, 1 x other file (.txt)"
    (videos / "a.mp4").unlink()
    (videos / "deep/deeper").mkdir()
    (videos / "deep/b c.webm").rename(videos / "deep/deeper/b.webm")
    assert [file.name for file, _ in read(videos).clips] == ["b.webm", "pictures"]


def test_a_folder_of_class_folders_still_has_classes(videos):
    (videos / "a.mp4").rename(videos / "pictures/a.mp4")
    assert read(videos).clips == read_listing(videos).clips == [
        (videos / "deep/b c.webm", "deep"), (videos / "pictures/a.mp4", "pictures"),
    ]  # fmt: skip


def test_a_folder_without_videos_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no video below"):
        read(tmp_path)


LISTS = {
    "list.txt": "a.mp4\n# a remark\n\ndeep/b c.webm\npictures\n",
    "names.txt": "a\ndeep/b c\npictures\n",
    "list.csv": "path\na.mp4\ndeep/b c.webm\npictures\n",
    "list.json": json.dumps([dict(id="a"), dict(id="deep/b c"), dict(id="pictures")]),
    "times.csv": "youtube_id,time_start,time_end,split\na,1,2,test\ndeep/b c,1,2,test\npictures,1,2,test\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_paths_alone(name, videos):
    (videos / name).write_text(LISTS[name])
    found = read(videos / name)
    assert found.clips == [(videos / path, "") for path in ("a.mp4", "deep/b c.webm", "pictures")]
    assert ": no classes; 3 files found in" in found.statement
    with pytest.raises(DataError):
        read_listing(videos / name)


def test_a_list_with_classes_still_has_them(videos):
    (videos / "list.txt").write_text("a.mp4 wave hand\ndeep/b c.webm clap\n")
    assert [label for _, label in read(videos / "list.txt").clips] == ["wave hand", "clap"]
    (videos / "list.txt").write_text("a.mp4\ndeep/b c.webm\n")
    (videos / "names").write_text("videos\ndeep\n")
    with pytest.raises(DataError):  # --labels asks for classes
        read(videos / "list.txt", labels=videos / "names")


def test_paths_that_are_missing_are_named(videos):
    (videos / "list.txt").write_text("a.mp4\nnone.mp4\n")
    with pytest.raises(DataError, match=r"1 of 2 files that list.txt names are missing: 'none.mp4'"):
        read(videos / "list.txt")
    found = read(videos / "list.txt", allow_missing=True)
    assert [file.name for file, _ in found.clips] == ["a.mp4", "none.mp4"]
    assert "1 file found" in found.statement
