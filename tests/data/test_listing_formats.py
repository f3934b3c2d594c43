"""Every published form of list that the documentation names, made as its authors describe it."""

import csv
import json

import pytest

from sifa.data.listing import read_listing
from sifa.errors import DataError


def make(folder, *names):
    """Empty files: reading a list opens no video."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def make_frames(folder, name, count):
    make(folder, *(f"{name}/img_{number:05d}.jpg" for number in range(1, count + 1)))


def read(folder, name, content, **options):
    """The pairs of a list, with paths from the folder, and the statement."""
    if not isinstance(content, str):
        content = json.dumps(content)
    (folder / name).write_text(content)
    found = read_listing(folder / name, **options)
    return [(file.relative_to(folder).as_posix(), label) for file, label in found.clips], found.statement


UCF_FILES = ["ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi", "YoYo/v_YoYo_g08_c01.avi", "YoYo/v_YoYo_g08_c02.avi"]
UCF_TRAIN = f"{UCF_FILES[0]} 1\n{UCF_FILES[1]} 2\n{UCF_FILES[2]} 2\n"


def test_ucf101_counts_classes_from_1(tmp_path):
    make(tmp_path, *UCF_FILES)
    (tmp_path / "classInd.txt").write_text("1 ApplyEyeMakeup\r\n2 YoYo\r\n3 Archery\r\n")
    clips, said = read(tmp_path, "trainlist01.txt", UCF_TRAIN, labels=tmp_path / "classInd.txt")
    assert clips == list(zip(UCF_FILES, ["ApplyEyeMakeup", "YoYo", "YoYo"]))
    assert said == (
        "trainlist01.txt: 3 lines; spaces between: column 1 = path, column 2 = class: numbers from 1 (classInd.txt lists 1 to 3; "
        f"1 = ApplyEyeMakeup); 3 files found in {tmp_path}"
    )


def test_names_without_numbers_leave_the_first_number_open_where_both_fit(tmp_path):
    make(tmp_path, *UCF_FILES)
    names = tmp_path / "names.txt"
    names.write_text("ApplyEyeMakeup\nYoYo\nArchery\n")
    with pytest.raises(
        DataError, match=r"from 0 \(1 = YoYo\) or from 1 \(1 = ApplyEyeMakeup\).*--class-numbers-from 0 or 1"
    ):
        read(tmp_path, "list.txt", UCF_TRAIN, labels=names)
    for first, expected in ((0, ["YoYo", "Archery"]), (1, ["ApplyEyeMakeup", "YoYo"])):
        clips, said = read(tmp_path, "list.txt", UCF_TRAIN, labels=names, first_number=first)
        assert [label for _, label in clips] == [expected[0], expected[1], expected[1]]
        assert f"numbers from {first} (names.txt lists 3 names in order; {first} = ApplyEyeMakeup)" in said
    names.write_text("ApplyEyeMakeup\nYoYo\n")  # two names: a 2 can only be counted from 1
    clips, _ = read(tmp_path, "list.txt", UCF_TRAIN, labels=names)
    assert [label for _, label in clips] == ["ApplyEyeMakeup", "YoYo", "YoYo"]
    with pytest.raises(DataError, match="names.txt does not list: 2; it lists 2 names"):
        read(tmp_path, "list.txt", UCF_TRAIN, labels=names, first_number=0)


def test_ucf101_test_lists_give_paths_alone(tmp_path):
    make(tmp_path, *UCF_FILES)
    (tmp_path / "classInd.txt").write_text("1 ApplyEyeMakeup\n2 YoYo\n")
    text = "\n".join(UCF_FILES)
    clips, said = read(tmp_path, "testlist01.txt", text, labels=tmp_path / "classInd.txt")
    assert clips == list(zip(UCF_FILES, ["ApplyEyeMakeup", "YoYo", "YoYo"]))
    assert "line = path, its folder = class: names, all among the 2 classes of classInd.txt" in said
    with pytest.raises(
        DataError, match=r"gives paths alone; their folders \('ApplyEyeMakeup', 'YoYo'\) may be the classes"
    ):
        read(tmp_path, "testlist01.txt", text)


def test_lists_may_lie_apart_from_the_videos(tmp_path):
    """UCF101 comes with its lists in a folder of their own."""
    make(tmp_path / "UCF-101", *UCF_FILES)
    with pytest.raises(DataError, match=r"3 of 3 files .* missing: 'ApplyEye.*Say with --videos where the files lie"):
        read(tmp_path, "trainlist01.txt", UCF_TRAIN)
    clips, _ = read(tmp_path, "trainlist01.txt", UCF_TRAIN, videos=tmp_path / "UCF-101")
    assert [file for file, _ in clips] == [f"UCF-101/{name}" for name in UCF_FILES]
    with pytest.raises(DataError, match="there is no folder .*none with the videos"):
        read(tmp_path, "trainlist01.txt", UCF_TRAIN, videos=tmp_path / "none")


def test_split_files_of_hmdb51_hold_no_classes(tmp_path):
    make(tmp_path, "brush_hair/a_brush_hair_u_0.avi", "brush_hair/b_brush_hair_u_1.avi")
    text = "a_brush_hair_u_0.avi 1 \nb_brush_hair_u_1.avi 2 \n"
    with pytest.raises(
        DataError, match=r"1 = train, 2 = test, 0 = unused, and the class is in its name \(brush_hair\)"
    ):
        read(tmp_path, "brush_hair_test_split1.txt", text)
    clips, _ = read(tmp_path, "train.txt", "brush_hair/a_brush_hair_u_0.avi brush_hair\n")  # as that sentence says
    assert clips == [("brush_hair/a_brush_hair_u_0.avi", "brush_hair")]


KINETICS = [["label", "youtube_id", "time_start", "time_end", "split"]]
KINETICS += [["wave hand", "abc", "0", "10", "train"], ["clap", "-d_e", "15", "25", "train"]]


@pytest.mark.parametrize("pattern", ["{0}", "{1}/{0}", "{2}/{0}", "{3}/{0}", "{3}/{1}/{0}"])
def test_kinetics_names_files_after_identifier_and_times(tmp_path, pattern):
    files = []
    for label, video, start, end, split in KINETICS[1:]:
        name = f"{video}_{int(start):06d}_{int(end):06d}"
        files.append(pattern.format(name, label, label.replace(" ", "_"), split) + ".mp4")
    make(tmp_path, *files)
    with (tmp_path / "train.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows(KINETICS)
    clips, said = read(tmp_path, "train.csv", (tmp_path / "train.csv").read_text())
    assert clips == list(zip(files, ["wave hand", "clap"]))
    assert "column 'youtube_id', alone or with the times, = path, column 'label' = class, not used: 'split'" in said


def test_parts_of_one_video_are_no_clips(tmp_path):
    make(tmp_path, "abc.mp4")
    text = "label,youtube_id,time_start,time_end\nclap,abc,0,10\nwave,abc,20,30\n"
    with pytest.raises(
        DataError, match="line 2 and line 3 of train.csv name parts .time_start and time_end. of one file"
    ):
        read(tmp_path, "train.csv", text)


def test_lists_without_classes_are_named(tmp_path):
    make(tmp_path, "1.webm", "abc_000001_000011.mp4")
    with pytest.raises(
        DataError, match=r"it has no classes, only 'youtube_id', 'time_start', 'time_end', \.\.\.; a test list"
    ):
        read(tmp_path, "test.csv", "youtube_id,time_start,time_end,split\nabc,1,11,test\n")
    with pytest.raises(DataError, match="it has no classes, only 'id'; a test list"):
        read(tmp_path, "test.json", [dict(id="1")])
    with pytest.raises(DataError, match="jester-v1-test.csv has line '1'; every line names a clip and its class"):
        read(tmp_path, "jester-v1-test.csv", "1\n2\n")


def test_kinetics_lists_of_path_and_class(tmp_path):
    """Files called .csv whose columns a space separates."""
    make(tmp_path, "train/abseiling/a_000001_000011.mp4", "train/air drumming/b_000001_000011.mp4")
    text = "train/abseiling/a_000001_000011.mp4 0\ntrain/air drumming/b_000001_000011.mp4 1\n"
    (tmp_path / "names.csv").write_text("id,name\n0,abseiling\n1,air drumming\n")
    clips, _ = read(tmp_path, "train.csv", text, labels=tmp_path / "names.csv")
    assert clips == [(line[:-2], label) for line, label in zip(text.splitlines(), ["abseiling", "air drumming"])]


@pytest.mark.parametrize("folders", [True, False])
def test_jester_and_something_something_v1_separate_by_semicolon(tmp_path, folders):
    for name in ("34870", "56557"):
        make(tmp_path, f"{name}/00001.jpg" if folders else f"{name}.webm")
    (tmp_path / "jester-v1-labels.csv").write_text("Sliding Two Fingers Right\nDrumming Fingers\n")
    text = "34870;Drumming Fingers\n56557;Sliding Two Fingers Right\n"
    clips, said = read(tmp_path, "jester-v1-train.csv", text, labels=tmp_path / "jester-v1-labels.csv")
    suffix = "" if folders else ".webm"
    assert clips == [(f"34870{suffix}", "Drumming Fingers"), (f"56557{suffix}", "Sliding Two Fingers Right")]
    assert "semicolons between: column 1 = path, column 2 = class: names, all among the 2 classes" in said


def test_something_something_v2_names_classes_by_templates(tmp_path):
    make(tmp_path, "78687.webm", "42326.webm")
    template = "Holding [something] next to [something]"
    entries = [
        dict(id="78687", label="holding a cup next to a box", template=template, placeholders=["a cup", "a box"]),
        dict(id="42326", label="closing a door", template="Closing [something]", placeholders=["a door"]),
    ]
    labels = {"Closing something": "0", "Holding something next to something": "1"}
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    clips, said = read(tmp_path, "train.json", entries, labels=tmp_path / "labels.json")
    assert clips == [("78687.webm", "Holding something next to something"), ("42326.webm", "Closing something")]
    assert "2 entries; column 'id' = path, column 'template' = class, not used: 'label', 'placeholders'" in said


def test_mmaction_lists_of_videos_and_of_frames(tmp_path):
    make(tmp_path, "some/path/000.mp4", "some/path/001.mp4")
    make_frames(tmp_path, "some/directory-1", 3)
    make_frames(tmp_path, "some/directory-2", 4)
    clips, _ = read(tmp_path, "videos.txt", "some/path/000.mp4 1\nsome/path/001.mp4 0\n")
    assert clips == [("some/path/000.mp4", "1"), ("some/path/001.mp4", "0")]
    clips, said = read(tmp_path, "frames.txt", "some/directory-1 3 1\nsome/directory-2 4 0\n")
    assert clips == [("some/directory-1", "1"), ("some/directory-2", "0")]
    assert "spaces between path, number of frames and class" in said
    entries = [dict(frame_dir="some/directory-1", total_frames=3, label=[1])]
    assert read(tmp_path, "frames.json", entries)[0] == clips[:1]
    assert read(tmp_path, "videos.json", [dict(filename="some/path/000.mp4", label=[1])])[0] == [
        ("some/path/000.mp4", "1")
    ]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.txt", "a.mp4 1 3 5\nb.mp4 2\n", "lines end in several numbers.*Several classes per clip.*are not read"),
        ("a.txt", "a.mp4 1 3\nb.mp4 2 4\n", "lines end in several|no folder has the number"),
        ("a.txt", "frames 3 1 3 5\nframes 3 2\n", "lines end in several numbers"),
        ("a.txt", "a.mp4 1,3\nb.mp4 2\n", "lines end in several numbers"),
        ("a.csv", "path,label\na.mp4,1 3\n", "line 2 has several classes, '1 3'"),
        ("a.json", [dict(filename="a.mp4", label=[1, 3])], "entry 1 has 2 classes; one class per clip is read"),
        ("v.json", dict(v1=dict(duration_second=2.0, annotations=[])), "it is one object.*ActivityNet"),
        (
            "Charades_v1_train.csv",
            "id,subject,actions,length\na,X1,c092 11.90 21.20;c147 0.00 12.60,3\n",
            "that of Charades",
        ),
        (
            "EPIC_100_train.csv",
            "narration_id,video_id,start_frame,verb,noun\nP01_1,a,1,take,cup\n",
            "that of EPIC-KITCHENS",
        ),
        ("all.csv", "path,label,split\na.mp4,0,train\nb.mp4,1,test\n", "'test' 1, 'train' 1.; write a list of each"),
        ("two.csv", "path,label,class_id\na.mp4,x,0\nb.mp4,x,1\n", "two columns of classes that do not agree"),
    ],
)
def test_several_classes_or_parts_are_refused_with_the_reason(tmp_path, name, content, why):
    make(tmp_path, "b.mp4")
    make_frames(tmp_path, "frames", 3)
    make_frames(tmp_path, "a.mp4", 9)  # a folder, whose pictures can be counted
    for options in ({}, dict(allow_missing=True)):
        with pytest.raises(DataError, match=why):
            read(tmp_path, name, content, **options)


def test_lists_of_the_released_code_name_files_and_folders_of_frames(tmp_path):
    """`path frames class`; a path may hold spaces, and a number at its end."""
    make_frames(tmp_path, "85", 46)
    make_frames(tmp_path, "a long name", 45)
    make(tmp_path, "clip 12.mp4", "val/abseiling/0wR5jVB-WPk_000417_000427.mp4")
    rows = ["85 46 1", "a long name 45 0", "clip 12 8 0", "val/abseiling/0wR5jVB-WPk_000417_000427 299 0"]
    clips, _ = read(tmp_path, "list.txt", "\n".join(rows))
    names = ["85", "a long name", "clip 12.mp4", "val/abseiling/0wR5jVB-WPk_000417_000427.mp4"]
    assert clips == list(zip(names, ["1", "0", "0", "0"]))
    with pytest.raises(
        DataError, match=r"no folder has the number of pictures that column 2 says .*has 46, the list says 7"
    ):
        read(tmp_path, "list.txt", "85 7 1\na long name 9 0\n")
    assert read(tmp_path, "list.csv", "path,frames,label\n85,7,1\n")[0] == [("85", "1")]


def test_diving48(tmp_path):
    make(tmp_path, "rgb/_8Vy3dlHg2w_00000.mp4", "rgb/0HbVuPV1XGk_00010.mp4")
    entries = [
        dict(vid_name="_8Vy3dlHg2w_00000", label=1, start_frame=0, end_frame=132),
        dict(vid_name="0HbVuPV1XGk_00010", label=0, start_frame=0, end_frame=101),
    ]
    (tmp_path / "vocab.json").write_text(
        json.dumps([["Back", "15som", "05Twis", "FREE"], ["Back", "15som", "15Twis", "FREE"]])
    )
    options = dict(labels=tmp_path / "vocab.json", videos=tmp_path / "rgb")
    clips, said = read(tmp_path, "Diving48_V2_train.json", entries, **options)
    assert [label for _, label in clips] == ["Back 15som 15Twis FREE", "Back 15som 05Twis FREE"]
    assert "not used: 'start_frame', 'end_frame'" in said
    assert "numbers from 0 (vocab.json lists 2 names in order; 0 = Back 15som 05Twis FREE)" in said
    entries[1]["vid_name"] = entries[0]["vid_name"]
    with pytest.raises(DataError, match="entry 1 and entry 2 of .* name parts .start_frame and end_frame. of one file"):
        read(tmp_path, "Diving48_V2_train.json", entries, **options)


def test_a_list_of_frames_whose_files_lie_elsewhere_says_where_they_were_looked_for(tmp_path):
    make_frames(tmp_path, "rawframes/a", 3)
    make_frames(tmp_path, "rawframes/b", 3)
    with pytest.raises(
        DataError, match="as 'a 3 0', .* not all files are found in .* say with --videos where the files lie"
    ):
        read(tmp_path, "train.txt", "a 3 0\nb 3 1\n")
    assert read(tmp_path, "train.txt", "a 3 0\nb 3 1\n", videos=tmp_path / "rawframes")[0] == [
        ("rawframes/a", "0"),
        ("rawframes/b", "1"),
    ]
