"""What the page keeps on the disk, and that it never keeps more than it may."""

import errno
import http.client
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from app import disk, handlers, samples
from app.disk import Disk, FullError
from tests.app.program import program
from tests.app.visitor import Visitor
from tests.clips import numbered_frames, write_clip

LIMITED = "from app import disk, events, server; disk.QUOTA_BYTES = {}; events.RESULT_BYTES = {}; raise SystemExit(server.main())"


@pytest.fixture
def small(tmp_path):
    """A disk that may hold 4 MB."""
    return Disk(tmp_path, quota=4_000_000, reserve=0)


@pytest.fixture
def tiny(tmp_path):
    """A file system of 64 kB."""
    where = tmp_path / "tiny"
    where.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", where], capture_output=True, check=False
    ).returncode:
        pytest.skip("only root may mount a small file system")
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_by_default_a_fifth_of_what_is_free_may_be_used_and_4_gib_at_most(tmp_path):
    assert 0 < Disk(tmp_path).quota <= 4 << 30


def test_what_would_be_more_than_the_quota_is_refused(small, tmp_path):
    small.check(4_000_000, "The file")
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "a.mp4").write_bytes(bytes(3_000_000))
    small._measured = -1
    with pytest.raises(
        FullError, match="The file cannot be stored: clips and results take 3 MB already, of 4 MB that this"
    ):
        small.check(1_000_001, "The file")
    small.check(1_000_000, "The file")


def test_space_for_the_rest_of_the_computer_stays_free(tmp_path):
    with pytest.raises(
        FullError, match="The result cannot be stored: the disk of the computer that runs this page is full"
    ):
        Disk(tmp_path, reserve=1 << 60).check(1, "The result")


def test_uploads_on_their_way_count(small):
    with ExitStack() as uploads:
        for address in "abcd":
            uploads.enter_context(small.upload(address, 900_000))
        with pytest.raises(FullError, match="cannot be stored"), small.upload("e", 900_000):
            pass
    with small.upload("e", 900_000):
        pass


def test_one_address_may_send_a_quarter_within_an_hour(small, monkeypatch):
    with small.upload("a", 900_000):
        pass
    with (
        pytest.raises(
            FullError, match="Your address has sent 900 kB within the last hour, and this file has 200 kB; the limit"
        ),
        small.upload("a", 200_000),
    ):
        pass
    with small.upload("b", 200_000):
        pass
    later = time.time() + 3700
    monkeypatch.setattr(time, "time", lambda: later)
    with small.upload("a", 900_000):
        pass
    assert len(small._sent) == 1


def test_an_upload_that_takes_hours_counts_until_an_hour_after_its_end(small, monkeypatch):
    hours, begun = 0, time.time()
    monkeypatch.setattr(time, "time", lambda: begun + 3700 * hours)
    with small.upload("a", 900_000):
        hours = 1
        with pytest.raises(FullError, match="Your address has sent 900 kB"), small.upload("a", 200_000):
            pass
    with pytest.raises(FullError, match="Your address has sent 900 kB"), small.upload("a", 200_000):
        pass
    hours = 2
    with small.upload("a", 200_000):
        pass


def test_many_small_files_count_as_what_they_cost(small, tmp_path):
    with pytest.raises(FullError, match="Your address has sent"):
        for _ in range(20):
            with small.upload("a", 1):
                pass
    for number in range(60):
        (tmp_path / str(number)).touch()
    with pytest.raises(FullError, match="clips and results take 3.93 MB already"):
        small.check(100_000, "The file")


def test_sweeping_goes_on_after_an_error(small, monkeypatch, caplog):
    swept = threading.Event()
    answers = iter([FileNotFoundError("gone meanwhile")])

    def sweep():
        for error in answers:
            raise error
        swept.set()

    monkeypatch.setattr(small, "sweep", sweep)
    small.watch(after=lambda: None, every=0.01)
    assert swept.wait(5)
    assert "gone meanwhile" in caplog.text


def test_uploads_that_broke_off_are_removed_when_none_is_on_its_way(small, tmp_path):
    with small.upload("a", 1000):
        (tmp_path / "tmpabc").write_bytes(b"half a clip")
        with small.upload("b", 1000):
            pass
        assert files(tmp_path) == ["tmpabc"]
    assert files(tmp_path) == []


def test_what_is_older_than_an_hour_is_swept(small, tmp_path):
    for name in ("result-1/a.sifa", "0123abc/clip.mp4", "kept-1/a.sifa", "tmpabc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    small.sweep(time.time() + 60)
    assert len(files(tmp_path)) == 4
    small.sweep(time.time() + disk.PART_SECONDS + 1)
    assert files(tmp_path) == ["0123abc/clip.mp4", "kept-1/a.sifa", "result-1/a.sifa"]
    os.utime(tmp_path / "0123abc/clip.mp4", (1, 1))  # a copy keeps the time of what it is a copy of
    small.sweep(time.time() + 3590)
    assert len(files(tmp_path)) == 3
    small.sweep(time.time() + 3601)
    assert files(tmp_path) == ["kept-1/a.sifa"]
    assert [each.name for each in tmp_path.iterdir()] == ["kept-1"]


def test_a_full_disk_is_a_sentence_and_leaves_no_half_result(tiny):
    sample = samples.find_samples()[0]
    with pytest.raises(
        FullError, match="The disk of the computer that runs this page is full, so the result could not be kept"
    ):
        handlers.view_sample(sample, tiny)
    assert files(tiny) == []


def test_other_errors_of_files_are_not_called_a_full_disk(caplog):
    with (
        pytest.raises(handlers.SifaError, match="Something went wrong that should not"),
        handlers.errors_for_visitors(),
    ):
        raise OSError(errno.EIO, "broken")


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of files")
def test_left_overs_of_dead_processes_go_and_those_of_running_ones_stay(tmp_path):
    code = "import os, sys, time; from app.disk import own_folder; print(own_folder(), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    processes = []
    for _ in range(2):
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        assert processes[-1].stdout.readline().strip()
    dead, alive = processes
    dead.kill()
    dead.wait(10)
    unknown = tmp_path / "sifa-explorer-of-old"
    unknown.mkdir()
    assert len(disk.remove_left_overs(tmp_path)) == 1
    assert len(list(tmp_path.glob("sifa-explorer-*"))) == 2
    assert unknown.exists()
    alive.kill()
    alive.wait(10)
    assert len(disk.remove_left_overs(tmp_path)) == 1


@pytest.mark.slow
def test_the_real_program_refuses_what_has_no_room(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(20, 48, 64))
    with program(tmp_path, python=("-c", LIMITED.format(4 * 150_000, 10**6))) as page:
        visitor = Visitor(page.url)
        found = visitor.upload(clip)
        assert "The result cannot be stored: clips and results take" in visitor.run(found)[2]
        assert [f for f in files(page.folder) if "result" in f] == []
        large = tmp_path / "large.mp4"
        large.write_bytes(bytes(400_000))
        with pytest.raises(
            AssertionError, match="Your address has sent 65.5 kB within the last hour, and this file has 400 kB"
        ):
            visitor.upload(large)
        visitor = Visitor(page.url, "127.0.0.2")
        visitor.upload(clip)
        with pytest.raises(AssertionError, match="limit is 150 kB"):
            visitor.upload(large)


@pytest.mark.slow
def test_an_upload_that_breaks_off_leaves_nothing(tmp_path):
    with program(tmp_path) as page:
        before = files(page.folder)
        connection = http.client.HTTPConnection(urlsplit(page.url).netloc, timeout=20)
        connection.putrequest("POST", "/gradio_api/upload")
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", "5000000")
        connection.endheaders()
        connection.send(
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="c.mp4"\r\n\r\n' + bytes(2_000_000)
        )
        wait(lambda: sum(f.stat().st_size for f in page.folder.rglob("tmp*")) > 1_000_000)
        connection.close()
        wait(lambda: files(page.folder) == before)
        assert "Traceback" not in page.said


def wait(done):
    for _ in range(100):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about within 10 s")
