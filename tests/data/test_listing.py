import json

import pytest

from sifa.data.listing import find_clips, name_classes
from sifa.errors import DataError
from tests.clips import numbered_frames, write_clip


def test_a_folder_has_one_sub_folder_per_class(folder):
    found = find_clips(folder)
    assert [label for _, label in found] == ["run"] * 2 + ["walk"] * 5
    assert all(file.is_file() for file, _ in found)


def test_an_empty_class_folder_is_named(folder, tmp_path):
    (tmp_path / "jump").mkdir()
    with pytest.raises(DataError, match=r"jump holds no video \(.mp4"):
        find_clips(tmp_path)
    with pytest.raises(DataError, match="has no sub-folders"):
        find_clips(folder / "walk")
    with pytest.raises(DataError, match="there is no folder or list file"):
        find_clips(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "walk/0.mp4 0\nrun/a b.mp4 1\n"),
        ("list.csv", "walk/0.mp4,0\nrun/a b.mp4,1\n"),
        ("kinetics.csv", "label,youtube_id,time_start\n0,walk/0,3\n1,run/a b,5\n"),
    ],
)
def test_lists_give_paths_and_classes(folder, name, text):
    (folder / name).write_text(text)
    (folder / "names.txt").write_text("walking\nrunning fast\n")
    write_clip(folder / "run/a b.mp4", numbered_frames(8))
    expected = [(folder / "walk/0.mp4", "walking"), (folder / "run/a b.mp4", "running fast")]
    try:
        assert find_clips(folder / name, folder / "names.txt") == expected
        assert [label for _, label in find_clips(folder / name)] == ["0", "1"]
    finally:
        (folder / "run/a b.mp4").unlink()


def test_lists_of_the_released_code_name_files_and_folders_of_frames(folder, tmp_path):
    """`path frames class`; a path may hold spaces, and a number at its end where there is such a video."""
    for name in ("85", "a long name"):
        (tmp_path / name).mkdir()
    write_clip(tmp_path / "clip 12.mp4", numbered_frames(8))
    rows = ["85 46 1", "a long name 45 0", "clip 12 8 0", "clip 12 1", "gone/abseiling/0wR5jVB-WPk_000417_000427 299 0"]
    (tmp_path / "list.txt").write_text("\n".join(rows) + "\n")
    found = find_clips(tmp_path / "list.txt")
    assert [(str(file.relative_to(tmp_path)), label) for file, label in found] == [
        ("85", "1"),
        ("a long name", "0"),
        ("clip 12.mp4", "0"),
        ("clip 12.mp4", "1"),
        ("gone/abseiling/0wR5jVB-WPk_000417_000427", "0"),
    ]


def test_numbers_become_the_names_of_a_models_classes(folder):
    files = [file for file, _ in find_clips(folder)[:3]]
    found = name_classes(list(zip(files, ("1", "walk", "0"))), ("run", "walk"))
    assert found == list(zip(files, ("walk", "walk", "run")))
    with pytest.raises(DataError, match="the model does not know 2; it knows 2 classes: run, walk"):
        name_classes([(files[0], "2")], ("run", "walk"))


def test_lists_of_something_something_name_their_classes_by_templates(folder):
    rows = [dict(id="walk/0", label="holding a cup", template="Holding [something] next to [something]")]
    (folder / "validation.json").write_text(json.dumps(rows))
    (folder / "labels.json").write_text(json.dumps({"Holding something next to something": "0"}))
    found = find_clips(folder / "validation.json", folder / "labels.json")
    assert found == [(folder / "walk/0.mp4", "Holding something next to something")]


def test_labels_that_do_not_match_are_named(folder):
    (folder / "list.txt").write_text("walk/0.mp4 0\nrun/0.mp4 7\n")
    (folder / "names.txt").write_text("walking\nrunning\n")
    with pytest.raises(DataError, match=r"names.txt does not list: 7; it lists 2 names: running, walking"):
        find_clips(folder / "list.txt", folder / "names.txt")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("clip.mp4", b"\x00\x9e"),
        ("list.json", b"{"),
        ("list.json", b'{"id": 1}'),
        ("list.json", b"[1]"),
        ("a.json", b"[{}]"),
    ],
)
def test_files_of_another_kind_are_refused(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name} could not be read as a list of clips"):
        find_clips(folder / name)
    (folder / "list.txt").write_text("walk/0.mp4 0\n")
    with pytest.raises(
        DataError, match=f"{name} could not be read as a list of class names|the clips have classes that"
    ):
        find_clips(folder / "list.txt", folder / name)


@pytest.mark.parametrize(("text", "seen"), [("", "no line"), ("alone.mp4\n", "line 'alone.mp4'")])
def test_a_list_without_clips_is_refused(tmp_path, text, seen):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataError, match=f"{seen}; every line names a clip and its class"):
        find_clips(tmp_path / "list.txt")
