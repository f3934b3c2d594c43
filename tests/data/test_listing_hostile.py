"""Lists that nobody means to write: each is read or refused in one sentence, and soon."""

import os
import time
from pathlib import Path

import pytest

from sifa.data.listing import read_listing
from sifa.errors import DataError
from tests.clips import numbered_frames, write_clip

NAMES = [
    "a b.mp4",
    "a,b.mp4",
    "a;b.mp4",
    "a\tb.mp4",
    "it's.mp4",
    'say "no".mp4',
    "caf\u00e9.mp4",
    "\U0001f3ac.mp4",
    "#1.mp4",
    "..mp4",
]


def refused(file, why, **options):
    with pytest.raises(DataError, match=why) as error:
        read_listing(file, **options)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["{} 0", "{},0", "{};0", "{}\t0", "./{} 0"])
def test_any_name_of_a_file_can_be_listed(tmp_path, name, form):
    (tmp_path / name).touch()
    (tmp_path / "list").write_text(form.format(name))
    if form.format(name).startswith("#"):
        refused(tmp_path / "list", "no line")  # a comment; ./#1.mp4 is none
    else:
        assert read_listing(tmp_path / "list").clips == [(tmp_path / name, "0")]


def test_accents_slashes_and_places_are_found_as_they_are_meant(tmp_path):
    (tmp_path / "e\u0301te\u0301").mkdir()
    files = [tmp_path / "e\u0301te\u0301" / "mu\u0308de.mp4", tmp_path / "plain.mp4"]
    for file in files:
        file.touch()
    (tmp_path / "lists").mkdir()
    rows = ["../\u00e9t\u00e9/m\u00fcde.mp4 0", "..\\plain 1"]
    (tmp_path / "lists" / "list.txt").write_text("\n".join(rows))
    found = read_listing(tmp_path / "lists" / "list.txt").clips
    assert [file.resolve() for file, _ in found] == files
    (tmp_path / "lists" / "list.txt").write_text(f"{files[1]} 0\n")
    assert read_listing(tmp_path / "lists" / "list.txt").clips == [(files[1], "0")]


def test_what_is_no_file_is_missing(tmp_path):
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    os.symlink(tmp_path / "gone.mp4", tmp_path / "nowhere.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    for name in ("loop", "loop/a.mp4", "nowhere.mp4", "pipe.mp4", "folder.mp4", "lists", ".", "..", "/", "/dev/zero"):
        (tmp_path / "list.txt").write_text(f"{name} 0\n")
        refused(tmp_path / "list.txt", "1 of 1 files that list.txt names are missing")
    refused(tmp_path / "pipe.mp4", "there is no folder or list file")
    refused(tmp_path / "loop", "there is no folder or list file")


def test_links_in_folders_of_classes_do_not_go_round(tmp_path):
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "1.mp4").touch()
    os.symlink(tmp_path / "self", tmp_path / "self")
    os.symlink(tmp_path / "walk" / "gone", tmp_path / "walk" / "dead.mp4")
    os.mkfifo(tmp_path / "walk" / "pipe.mp4")
    found = read_listing(tmp_path)
    assert found.clips == [(tmp_path / "walk" / "1.mp4", "walk")]
    assert found.left_out == {"link or device that is no file": 2, "other file (no suffix)": 1}
    os.symlink(tmp_path, tmp_path / "walk" / "up")
    refused(tmp_path, r"walk holds folders of clips itself \('up'\)")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("list.txt", b"clip.mp4 0\nclip.mp4 caf\xe9\n", "line 2 is no UTF-8 .0xe9.; save it as UTF-8"),
        ("list.txt", "clip.mp4 挥手\n".encode("gbk"), "line 1 is no UTF-8"),
        ("list.txt", "clip.mp4 0\n".encode("utf-16")[:-1], "line 1 is no UTF-16"),
        ("list.txt", "clip.mp4 0\n".encode("utf-16-le"), "NUL bytes, so it is no text, or UTF-16 without a mark"),
        ("list.txt", b"clip.mp4\0 0\n", "NUL bytes"),
        ("list.txt", b"clip.mp4 " + b"0" * 10**7, "line 1 has 10000009 characters; the limit is 10000"),
        ("list.txt", b"a" + b" " * 10**7 + b"0", "line 1 has 10000002 characters"),
        ("list.json", b"[" * 10**6, "it is nested too deeply"),
        ("list.json", b'[{"id": ' + b"9" * 10**4 + b', "label": "a"}]', "it is no JSON"),
        ("list.json", b"{", "it is no JSON"),
        ("list.json", b"", "it is no JSON"),
        ("list.json", b"[]", "it has no entry"),
        ("list.json", b"3", "it is no list of objects"),
        ("list.json", b'{"id": 1}', "it is one object; a list of objects is read"),
        ("list.json", b"[1]", "entry 1 is no object"),
        ("list.json", b"[{}]", "it has no paths, only other names"),
        ("list.json", b'[{"id": "a", "label": "x"}, {"id": "b"}]', "entry 2 has no text or number as 'label'"),
        ("list.json", b'[{"id": "a", "label": true}]', "entry 1 has no text or number as 'label'"),
        ("list.json", b'[{"id": "a", "label": "x", "label": "y"}]', "it has 'label' twice in one object"),
        ("list.csv", b"path,label\nclip.mp4,a,b\n", "line 2 has 3 columns, the header has 2"),
        ("list.csv", b"path,label,path\nclip.mp4,a,b\n", "its header has 'path' twice"),
        ("list.csv", b'path,label\n"clip.mp4,a\n', "a quote is opened and not closed"),
        ("list.csv", b"path,label\nclip.mp4,\n", "line 2 has nothing as 'label'"),
        ("list.csv", b"path,label\n", "it has a header and no line"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, name, content, why):
    (tmp_path / "clip.mp4").touch()
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, f"{name} could not be read as a list of clips: .*{why}")


@pytest.mark.parametrize("name", ["a\\u0000", "\\ud800", "\\u001b[2J", "a" * 9000, "/" * 9000])
def test_names_that_no_file_can_have_are_missing(tmp_path, name):
    (tmp_path / "list.json").write_text(f'[{{"id": "{name}", "label": "x"}}]')
    refused(tmp_path / "list.json", r"1 of 1 files that list.json names are missing: '[ -~]+'")


def test_a_video_is_no_list(tmp_path):
    for name in ("clip.mp4", "clip.mkv", "clip.avi"):
        file = write_clip(tmp_path / name, numbered_frames(8), codec="mpeg4" if name == "clip.avi" else "libx264")
        refused(file, f"{name} could not be read as a list of clips: it is a video; give a list, or a folder")
    (tmp_path / "list.txt").write_text("run/free.mp4 0\n")  # its first bytes are like those of an mp4
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "free.mp4").touch()
    assert len(read_listing(tmp_path / "list.txt").clips) == 1


def spent(file):
    """Seconds of the processor that reading takes, and what comes of it."""
    start = time.process_time()
    try:
        found = read_listing(file).statement
    except DataError as error:
        found = str(error)
    return time.process_time() - start, found


@pytest.mark.parametrize("form", ["{} {}\n", "{},{}\n", '"{}",{}\n', "{} 90 {}\n"])
def test_long_lists_are_read_soon(tmp_path, form):
    """A hundred thousand lines; the bound is ten times what they need."""
    (tmp_path / "real").mkdir()
    for number in range(2000):
        (tmp_path / "real" / f"clip {number}.mp4").touch()
    for number in range(50):
        os.symlink(tmp_path / "real", tmp_path / str(number))
    names = [f"{number % 50}/clip {number // 50}" for number in range(100_000)]
    (tmp_path / "list").write_text("".join(form.format(name, i % 400) for i, name in enumerate(names)))
    seconds, found = spent(tmp_path / "list")
    assert "100000 files found" in found
    assert seconds < 6


@pytest.mark.slow
def test_a_million_lines_are_read_soon(tmp_path):
    (tmp_path / "list").write_text("".join(f"videos/{number}.mp4 {number % 400}\n" for number in range(10**6)))
    seconds, found = spent(tmp_path / "list")
    assert "1000000 of 1000000 files that list names are missing: 'videos/0.mp4'" in found
    assert seconds < 15


@pytest.mark.parametrize("name", [b"new\nline", b"esc\x1b[31m", b"latin \xe9"])
def test_classes_that_no_screen_can_show_are_refused(tmp_path, name):
    """Else they would stand in a card that cannot be printed."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    folder.mkdir()
    (folder / "a.mp4").touch()
    with pytest.raises(DataError, match="has a control character in its name, or is not UTF-8; rename it") as error:
        read_listing(tmp_path)
    assert str(error.value).isprintable()
    (tmp_path / "clips").mkdir()
    folder.rename(tmp_path / "clips" / "\U0001f468\u200d\U0001f469")  # joined by a character without a picture
    assert [label for _, label in read_listing(tmp_path / "clips").clips] == ["\U0001f468\u200d\U0001f469"]


@pytest.mark.parametrize(
    "other", ["hand  wave", "hand\u00a0wave", "hand wave\u200b", "handwave", "\ufeffhand wave"], ids=ascii
)
def test_classes_that_look_alike_are_refused(tmp_path, other):
    """Else one class would be learned as two."""
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "list.csv").write_text(f"path,label\na.mp4,hand wave\nb.mp4,{other}\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="the classes 'hand wave' and .* differ only in spaces, invisible characters"
    ) as error:
        read_listing(tmp_path / "list.csv")
    assert str(error.value).isprintable()
    (tmp_path / "list.csv").write_text("path,label\na.mp4,01\nb.mp4,1\n")
    with pytest.raises(DataError, match="the classes '01' and '1' differ only in .*zeros before a number"):
        read_listing(tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("list.json", '[{"path": "a.mp4", "label": NaN}]', "it is no JSON .NaN is no number of JSON"),
        ("names.txt", "wa\x07ve\nclap\n", "'wa.x07ve' holds a control character; take it out"),
        ("names.txt", '[{"id": 0, "name": "wave"}]', "entries are neither a name and a number each, nor names"),
    ],
)
def test_values_that_are_no_classes_are_refused(tmp_path, name, text, why):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "list.json").write_text('[{"path": "a.mp4", "label": 0}]')
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=why):
        read_listing(tmp_path / "list.json", tmp_path / name if name == "names.txt" else None)
