"""A decoding process that waits for its video: it decodes the same, and is shut off like the others."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sifa.errors import VideoError
from sifa.video import child, spare
from sifa.video.read import read_clip
from sifa.video.spare import Spare
from tests.clips import frame_numbers, numbered_frames, write_clip
from tests.video.test_sandbox import ATTEMPTS, LAYERS, REFUSED_BY, SHUT_OFF, is_alive, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")


@pytest.fixture
def kept(monkeypatch):
    """A process that waits, in place of none; the next one follows at once."""
    monkeypatch.setattr(spare, "PAUSE", 0)
    mine = Spare(child._start)
    monkeypatch.setattr(child, "SPARE", mine)
    mine.keep()
    assert wait_for(lambda: mine.ready)
    yield mine
    monkeypatch.setattr(spare, "PAUSE", 1000)
    assert wait_for(lambda: mine.ready)
    process, channel = mine._waiting
    channel.close()  # by which it ends
    assert process.wait(20) == 0


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "numbered.mp4", numbered_frames(40))


def test_it_reads_what_a_fresh_one_reads(kept, clip, monkeypatch):
    waiting = kept._waiting[0]
    one = read_clip(clip, 8, 4)
    assert waiting.poll() is not None
    assert wait_for(lambda: kept.ready)
    assert kept._waiting[0] is not waiting
    monkeypatch.setattr(child, "SPARE", Spare(child._start))  # which keeps none
    two = read_clip(clip, 8, 4)
    assert frame_numbers(one.frames) == list(range(0, 32, 4))
    np.testing.assert_array_equal(one.frames, two.frames)
    assert (one.fps, one.source_frames, one.notes) == (two.fps, two.source_frames, two.notes)


def test_a_forked_process_leaves_it_alone(kept, clip):
    waiting = kept._waiting[0]
    child_process = os.fork()
    if not child_process:
        status = 1
        with suppress(BaseException):
            status = 0 if frame_numbers(read_clip(clip, 2, 1).frames) == [0, 1] else 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child_process, 0)[1]) == 0
    assert kept._waiting[0] is waiting
    assert waiting.poll() is None
    assert frame_numbers(read_clip(clip, 2, 1).frames) == [0, 1]
    assert waiting.poll() is not None
    assert wait_for(lambda: kept.ready)


def test_each_reads_one_video(kept, tmp_path):
    for number in range(3):
        file = write_clip(tmp_path / f"{number}.mp4", numbered_frames(40)[10 * number :])
        assert frame_numbers(read_clip(file, 2, 1).frames) == [10 * number, 10 * number + 1]
        assert wait_for(lambda: kept.ready)


def test_its_failures_are_the_same(kept, tmp_path, clip):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:1000])
    with pytest.raises(VideoError, match=r"broken.mp4 could not be read as a video"):
        read_clip(broken, 4)


def test_where_it_has_died_another_one_reads(kept, clip):
    process = kept._waiting[0]
    process.kill()
    process.wait()
    assert frame_numbers(read_clip(clip, 2).frames) == [0, 1]


def test_without_being_asked_for_none_is_kept(clip):
    mine = Spare(child._start)
    with clip.open("rb") as video:
        assert mine.take("{}", video) is None
    assert not mine.ready


PROGRAM = """
from sifa.video import _decode, _spare

def main():
    opened = []
    for number in range(100):
        try:
            opened.append(os.fstat(number).st_ino)
        except OSError:
            pass
    print(json.dumps([len(opened), os.lseek(0, 0, 1), os.read(0, 4).hex(), "av" in sys.modules]), flush=True)
    os.lseek(0, 0, 0)
    exec(ATTEMPTS, globals())

_decode.main = main
_spare.main()
"""


def test_it_is_shut_off_like_the_others(tmp_path, monkeypatch, clip):
    """And has nothing open but the video and its two pipes."""
    for name in ("old", "of_root"):
        (tmp_path / name).write_text("something")
    (tmp_path / "of_root").chmod(0o600)
    code = f"import json, os, sys\nATTEMPTS = {SHUT_OFF + ATTEMPTS!r}\n{PROGRAM}"
    monkeypatch.setattr(child, "MAIN", code)
    mine, target = Spare(child._start), np.arange(1)
    monkeypatch.setattr(child, "SPARE", mine)
    monkeypatch.setattr(spare, "PAUSE", 1000)
    mine.keep()
    assert wait_for(lambda: mine.ready)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
        clip.open("rb") as video,
    ):
        name = f"sifa-test-spare-{os.getpid()}"
        local.bind("\0" + name)
        local.listen()
        argument = dict(
            parent=os.getpid(), without=[], folder=str(tmp_path), port=server.getsockname()[1], name=name,
            address=target.ctypes.data,
        )  # fmt: skip
        done = child._finish("_decode", json.dumps(argument), video, 1 << 16, 20)
    assert done.out, done.complaints.decode()
    opened, said, *rest = done.out.decode().splitlines()
    assert json.loads(opened) == [3, 0, clip.read_bytes()[:4].hex(), True]
    answer = json.loads(said)
    assert [name for name, was in answer["refused"].items() if not was] == []
    assert answer["refused"].keys() | {"execute"} == REFUSED_BY.keys()
    assert all(answer["held"][layer] for layer in LAYERS[1:])
    assert rest == ["not executed"]


def test_it_dies_with_its_parent():
    code = """
import sys, time
from sifa.video import child
child.keep_spare()
while not child.SPARE.ready:
    time.sleep(0.01)
print(child.SPARE._waiting[0].pid, flush=True)
time.sleep(60)
"""
    folder = Path(child.__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, text=True) as parent:
        number = int(parent.stdout.readline())
        assert is_alive(number)
        parent.kill()
    assert wait_for(lambda: not is_alive(number), seconds=5)
