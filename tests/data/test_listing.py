import json

import pytest

from sifa.data.listing import find_clips, name_classes, name_listing, read_listing
from sifa.errors import DataError
from tests.clips import numbered_frames, write_clip


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_folder_has_one_sub_folder_per_class(folder):
    found = read_listing(folder)
    assert found.clips == find_clips(folder)
    assert [label for _, label in found.clips] == ["run"] * 2 + ["walk"] * 5
    assert all(file.is_file() for file, _ in found.clips)
    assert found.statement == f"{folder.name}: 2 folders = classes: names (2); 7 clips"
    assert found.left_out == {}


def test_an_empty_class_folder_is_named(folder, tmp_path):
    (tmp_path / "jump").mkdir()
    with pytest.raises(DataError, match=r"jump holds no video \(.mp4"):
        find_clips(tmp_path)
    with pytest.raises(DataError, match="has no sub-folders"):
        find_clips(folder / "walk")
    with pytest.raises(DataError, match="there is no folder or list file"):
        find_clips(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is a folder, which holds the clips itself"):
        read_listing(folder, videos=folder)


def test_what_a_folder_holds_beside_clips_is_counted(tmp_path):
    touch(
        tmp_path,
        "a/1.M4V",
        "a/2.mpg",
        "a/3.3gp",
        "a/4.ts",
        "a/5.ogv",
        "a/6.rm",
        "a/7.rm",
        "a/notes.txt",
        "a/thumb.jpg",
    )
    touch(tmp_path, "a/._1.mp4", "a/.DS_Store", "a/Thumbs.db", "a/8/00001.jpg", "a/8/._00001.jpg", "a/9/._00001.jpg")
    touch(tmp_path, "__MACOSX/a/._1.mp4", ".git/x", "labels.txt", "stray.mp4")
    found = read_listing(tmp_path)
    assert [file.name for file, _ in found.clips] == ["1.M4V", "2.mpg", "3.3gp", "4.ts", "8"]
    assert found.left_out == {
        "hidden file": 3 + 2,
        "video of a kind that is not read (.ogv)": 1,
        "video of a kind that is not read (.rm)": 2,
        "other file (.txt)": 2,
        "picture beside videos": 1,
        "folder without clips": 1,
        "video outside the folders (.mp4)": 1,
    }
    for what, count in found.left_out.items():
        assert f"{count} x {what}" in found.statement


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (
            ["train/a/1.mp4", "val/a/2.mp4"],
            r"train holds folders of clips itself \('a'\); if these are the classes, give .*train",
        ),
        (["a/1.mp4", "a/person/2.mp4"], r"a holds folders of clips itself \('person'\)"),
        (["a/1.mp4", "a/person/day/2.rm"], r"a holds folders of clips itself \('person'\)"),
        (["train/1.mp4", "val/2.mp4"], r"\('train', 'val'\) are called like parts of a data set.*such as .*train"),
        (["Train/a/1.jpg", "Test/a/1.jpg"], "are called like parts of a data set"),
        (
            ["a/x_1.jpg", "a/y_1.jpg"],
            "holds no video .* but 2 pictures; give the pictures of each clip a folder of their own",
        ),
        (["a/1.rm", "a/2.ogv"], r"but 2 of kinds that are not read \(.ogv, .rm\); convert them to mp4"),
        (["a/._1.mp4"], "holds no video"),
    ],
)
def test_folders_that_are_no_classes_are_named(tmp_path, names, why):
    touch(tmp_path, *names)
    with pytest.raises(DataError, match=why):
        read_listing(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "walk/0.mp4 0\nrun/a b.mp4 1\n"),
        ("spaces.txt", "walk/0.mp4   0\n  run/a b.mp4  1  \n"),
        ("list.csv", "walk/0.mp4,0\nrun/a b.mp4,1\n"),
        ("spaces.csv", "walk/0.mp4 0\nrun/a b.mp4 1\n"),
        ("tabs.tsv", "walk/0.mp4\t0\nrun/a b.mp4\t1\n"),
        ("semicolons.csv", "walk/0;0\nrun/a b;1\n"),
        ("quotes.txt", '"walk/0.mp4" 0\n"run/a b.mp4" 1\n'),
        ("quotes.csv", '"walk/0.mp4", "0"\n"run/a b.mp4", "1"\n'),
        ("kinetics.csv", "label,youtube_id,time_start\n0,walk/0,3\n1,run/a b,5\n"),
        ("header.txt", 'path label\nwalk/0.mp4 0\n"run/a b.mp4" 1\n'),
        ("header.csv", "Class;Video\n0;walk/0\n1;run/a b\n"),
        ("list.json", json.dumps([dict(path="walk/0.mp4", label=0), dict(path="run/a b.mp4", label="1")])),
        ("json.txt", json.dumps([dict(path="walk/0.mp4", label=0), dict(path="run/a b.mp4", label="1")], indent=1)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lists_give_paths_and_classes(folder, name, text, encoding, end):
    (folder / name).write_bytes(text.replace("\n", end).encode(encoding))
    (folder / "names.txt").write_text("walking\nrunning fast\n")
    write_clip(folder / "run/a b.mp4", numbered_frames(8))
    expected = [(folder / "walk/0.mp4", "walking"), (folder / "run/a b.mp4", "running fast")]
    try:
        assert find_clips(folder / name, folder / "names.txt") == expected
        assert [label for _, label in find_clips(folder / name)] == ["0", "1"]
    finally:
        (folder / "run/a b.mp4").unlink()


def test_classes_of_several_words_end_or_begin_where_the_files_say(tmp_path):
    touch(tmp_path, "videos/abc.mp4", "videos/d e.mp4", "77.webm")
    (tmp_path / "list.txt").write_text("videos/abc.mp4 wave hand\nvideos/d e.mp4 clap\n")
    found = read_listing(tmp_path / "list.txt")
    assert [label for _, label in found.clips] == ["wave hand", "clap"]
    assert "up to the suffix = path, the rest = class: names (2); 2 files found" in found.statement
    (tmp_path / "list.txt").write_text("77 wave hand\n")
    assert read_listing(tmp_path / "list.txt").clips == [(tmp_path / "77.webm", "wave hand")]
    touch(tmp_path, "77 wave.mp4")
    with pytest.raises(
        DataError, match=r'in two ways: "up to the last space .*" or "up to the first space.*; say which by'
    ):
        read_listing(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("path,label\n77,wave hand\n")  # as that sentence says
    assert read_listing(tmp_path / "list.txt").clips == [(tmp_path / "77.webm", "wave hand")]


def test_labels_decide_between_two_readings(tmp_path):
    touch(tmp_path, "77.webm", "77 wave.mp4")
    (tmp_path / "list.txt").write_text("77 wave hand\n")
    (tmp_path / "names.txt").write_text("wave hand\nclap\n")
    assert find_clips(tmp_path / "list.txt", tmp_path / "names.txt") == [(tmp_path / "77.webm", "wave hand")]


def test_a_number_before_the_class_is_of_frames_or_of_the_path(tmp_path):
    (tmp_path / "list.txt").write_text("clip 12 1\n")
    touch(tmp_path, "clip 12.mp4")
    assert find_clips(tmp_path / "list.txt") == [(tmp_path / "clip 12.mp4", "1")]
    touch(tmp_path, "clip.mp4")
    with pytest.raises(DataError, match="can be read in two ways"):
        find_clips(tmp_path / "list.txt")
    (tmp_path / "clip 12.mp4").unlink()
    assert find_clips(tmp_path / "list.txt") == [(tmp_path / "clip.mp4", "1")]


def test_missing_files_are_counted_and_named(tmp_path):
    touch(tmp_path, "here.mp4")
    (tmp_path / "list.txt").write_text("here.mp4 0\n" + "".join(f"gone{i}.mp4 1\n" for i in range(5)))
    with pytest.raises(
        DataError, match=r"5 of 6 files .* missing: 'gone0.mp4', 'gone1.mp4', 'gone2.mp4', \.\.\.; .*--allow-missing"
    ):
        read_listing(tmp_path / "list.txt")
    found = read_listing(tmp_path / "list.txt", allow_missing=True)
    assert [file.name for file, _ in found.clips] == ["here.mp4"] + [f"gone{i}.mp4" for i in range(5)]
    assert "1 file found" in found.statement
    assert "5 missing, which count as unreadable" in found.statement
    (tmp_path / "list.txt").write_text("Datei,Klasse\nhere.mp4,0\n")
    with pytest.raises(DataError, match="missing: 'Datei'.*If that line is a header, call its columns path and label"):
        read_listing(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("gone.mp4 0\n")
    with pytest.raises(DataError, match="1 of 1 files"):
        read_listing(tmp_path / "list.txt", allow_missing=True)


def test_a_clip_stands_once(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "list.txt").write_text("# path and class\na.mp4 0\n\n./a.mp4 0\nb 1\nb.mp4 1\n\n")
    found = read_listing(tmp_path / "list.txt")
    assert found.clips == [(tmp_path / "a.mp4", "0"), (tmp_path / "b.mp4", "1")]
    assert found.left_out == {"comment line": 1, "empty line": 1, "line that repeats a clip": 2}
    assert found.statement.endswith("left out: 1 x comment line, 1 x empty line, 2 x line that repeats a clip")
    (tmp_path / "list.txt").write_text("# path and class\na.mp4 0\nb.mp4 1\na 1\n")
    with pytest.raises(DataError, match=r"line 2 and line 4 of list.txt give '.*' two classes, '0' and '1'"):
        read_listing(tmp_path / "list.txt")


def test_a_name_without_suffix_means_one_video(tmp_path):
    touch(tmp_path, "a.mp4", "a.webm", "a.txt", "b.wmv")
    (tmp_path / "list.txt").write_text("a 0\n")
    with pytest.raises(DataError, match="names 'a', which may be 'a.mp4' or 'a.webm'; write the suffix"):
        read_listing(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("a.mp4 0\nb 1\n")  # whether b can be read, its reader says
    assert [file.name for file, _ in find_clips(tmp_path / "list.txt")] == ["a.mp4", "b.wmv"]


def test_numbers_become_the_names_of_a_models_classes(folder):
    files = [file for file, _ in find_clips(folder)[:3]]
    found = name_classes(list(zip(files, ("1", "walk", "0"))), ("run", "walk"))
    assert found == list(zip(files, ("walk", "walk", "run")))
    assert name_classes([(files[0], "2")], ("run", "walk")) == [(files[0], "walk")]  # from 1: from 0 there is no 2
    with pytest.raises(DataError, match="the model does not know 2; it knows 2 classes: run, walk"):
        name_classes([(files[0], "2"), (files[1], "0")], ("run", "walk"))
    with pytest.raises(DataError, match="the model does not know 2; it knows 2 classes: run, walk"):
        name_classes([(files[0], "2")], ("run", "walk"), first_number=0)
    with pytest.raises(DataError, match="the model does not know jump; it knows 2 classes"):
        name_classes([(files[0], "jump")], ("run", "walk"))
    with pytest.raises(DataError, match=r"2 classes of the model from 0 \(1 = walk\) or from 1 \(1 = run\); say which"):
        name_classes([(files[0], "1")], ("run", "walk"))


def test_a_model_whose_classes_are_called_by_numbers_keeps_them(folder):
    files = [file for file, _ in find_clips(folder)[:2]]
    clips = list(zip(files, ("1", "10")))
    assert name_classes(clips, ("1", "10", "2")) == clips
    with pytest.raises(DataError, match="does not know 0"):
        name_classes([(files[0], "0")], ("1", "10", "2"))


def test_the_statement_says_how_the_model_counts(folder):
    (folder / "numbers.txt").write_text("walk/0.mp4 1\nrun/0.mp4 0\n")
    named = name_listing(read_listing(folder / "numbers.txt"), ("run", "walk"))
    assert [label for _, label in named.clips] == ["walk", "run"]
    assert named.statement.endswith("; for the model: numbers from 0 (the model lists 2 names in order; 0 = run)")


def test_letters_with_accents_are_one_class_in_either_form(folder):
    file = find_clips(folder)[0][0]
    assert name_classes([(file, "e\u0301te\u0301")], ("\u00e9t\u00e9", "run")) == [(file, "\u00e9t\u00e9")]


def test_labels_that_do_not_match_are_named(folder):
    (folder / "list.txt").write_text("walk/0.mp4 0\nrun/0.mp4 7\n")
    (folder / "names.txt").write_text("walking\nrunning\n")
    with pytest.raises(DataError, match=r"names.txt does not list: 7; it lists 2 names: running, walking"):
        find_clips(folder / "list.txt", folder / "names.txt")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("names.txt", "walking\nrunning\n", None),
        ("names.txt", "0 walking\n1 running\n", None),
        ("names.txt", "1 running\n0 walking\n", None),
        ("names.csv", "walking,0\nrunning,1\n", None),
        ("names.csv", 'id,name\n0,"walking"\n1,running\n', None),
        ("names.json", '{"walking": 0, "running": "1"}', None),
        ("names.json", '{"0": "walking", "1": "running"}', None),
        ("names.json", '["walking", "running"]', None),
        ("names.json", '{"\\"walking\\"": 0, "running": 1}', None),
        ("names.txt", "# ours\n0: walking\n\n1: running\n", None),
        ("names.txt", "0 walking\n0 running\n", "'0' stands twice"),
        ("names.txt", "walking\nwalking\n", "'walking' stands twice"),
        ("names.txt", "walking\n\nrunning\n", "an empty line between its names"),
        ("names.txt", "name\nwalking\nrunning\n", "its first line, 'name', may be a header or a class"),
        ("names.txt", "", "it has no line"),
        ("names.csv", "id,name\nx,walking\n", "line 2 does not have a number and a name as its header says"),
        ("names.json", '{"walking": 0, "walking": 1}', "it has 'walking' twice in one object"),
        ("names.json", '{"walking": [0]}', "neither a name and a number each, nor names in a list"),
        ("names.json", "[1, 2]", "neither a name and a number each, nor names in a list"),
        ("names.json", '{"0": 1, "1": 2}', "neither a name and a number each"),
        ("names.json", "{}", "it has no name"),
        ("names.json", "[]", "it has no name"),
        ("names.json", '["a", ""]', "a name is empty"),
        ("names.json", "3", "neither a name and a number each, nor names in a list"),
        ("names.json", "{", "it is no JSON"),
    ],
)
def test_files_of_names_number_them_or_give_their_order(folder, name, text, expected):
    (folder / "list.txt").write_text("walk/0.mp4 0\nrun/0.mp4 1\n")
    (folder / name).write_text(text)
    if expected is None:
        assert [label for _, label in find_clips(folder / "list.txt", folder / name)] == ["walking", "running"]
    else:
        with pytest.raises(DataError, match=f"{name} could not be read as a list of class names: .*{expected}"):
            find_clips(folder / "list.txt", folder / name)


def test_a_file_that_numbers_its_names_and_an_option_must_agree(folder):
    (folder / "list.txt").write_text("walk/0.mp4 1\nrun/0.mp4 2\n")
    (folder / "names.txt").write_text("1 walking\n2 running\n")
    assert len(read_listing(folder / "list.txt", folder / "names.txt", first_number=1).clips) == 2
    with pytest.raises(DataError, match="names.txt itself numbers its classes from 1; leave out --class-numbers-from"):
        read_listing(folder / "list.txt", folder / "names.txt", first_number=0)


def test_numbers_in_names_stay_where_the_clips_have_them(folder):
    (folder / "list.csv").write_text("walk/0.mp4,10 pin bowling\nrun/0.mp4,3 jumps\n")
    (folder / "names.txt").write_text("10 pin bowling\n3 jumps\n")
    assert [label for _, label in find_clips(folder / "list.csv", folder / "names.txt")] == [
        "10 pin bowling",
        "3 jumps",
    ]


@pytest.mark.parametrize(
    ("text", "seen"), [("", "no line"), ("alone.mp4\n", "line 'alone.mp4'"), ("# 1\n\n", "no line")]
)
def test_a_list_without_clips_is_refused(tmp_path, text, seen):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataError, match=f"{seen}; every line names a clip and its class"):
        find_clips(tmp_path / "list.txt")
