"""The process that decodes a video: started with little, stopped in time, and not believed.

`_decode.py` is its program, `_sandbox.py` shuts it off from the rest of the machine, and `answer.py` checks what it says.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from sifa.errors import VideoError
from sifa.video.answer import Answer, Asked, most_bytes, parse
from sifa.video.spare import Spare

COMPLAINT = re.compile(rb"^\[[\w,]+ @ \w+\] (.{1,120})", re.MULTILINE)  # a line of the decoder at error level
COMPLAINT_BYTES = 1 << 20  # of standard error
SIGXCPU = getattr(signal, "SIGXCPU", None)  # by which the system ends what has used its seconds
INHERITED = re.compile("PATH|LD_LIBRARY_PATH|DYLD_.+|SYSTEMROOT|__PYVENV_LAUNCHER__")  # where Python's libraries are
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
PACKAGE = (  # makes the package's files importable without what its __init__ loads
    "import sys, types, importlib; sifa = types.ModuleType('sifa'); sifa.__path__ = [sys.argv.pop()]; "
    "sys.modules['sifa'] = sifa\n"
)
MAIN = "importlib.import_module('sifa.video.' + sys.argv.pop()).main()"
BUSY = 3  # the limit is on the processor's seconds; on busy cores they take longer
PROBE_SECONDS, PROBE_BYTES = 20, 1000
PIECE = 1 << 16  # bytes: what a pipe holds
NOTHING = memoryview(b"")
MISSING = {  # what an operator should know
    "files": "It can open the files that the page can open: run the page in a container on Linux.",
    "network": "It can open network connections: run the page in a container on Linux.",
    "programs": "It can start programs, since no system calls are filtered: run the page on Linux, on x86_64 or aarch64.",
    "memory": "Its memory is not limited: limit that of the page's container or user.",
    "follows": "It may outlive a page that is killed, until its time is up: Linux would end it at once.",
    "landlock": "The kernel has no Landlock, a second barrier before files: Linux has it from version 5.13 on.",
    "user": "It runs as root, as the page does, and may not change its user here: start the page as another user.",
}


class Finished(NamedTuple):
    """A process that has ended."""

    status: int | None  # None: its time was up
    out: bytearray
    complaints: bytearray


@dataclass(frozen=True)
class Protections:
    """What is kept from a decoding process on this system, as one of its kind has found by trying."""

    files: bool
    network: bool
    programs: bool
    memory: bool
    follows: bool  # it dies with its parent
    calls: bool  # system calls are filtered
    landlock: int  # the version that the kernel has; 0 for none
    root: bool  # it starts as root
    user: int  # the number of its own user; 0 where it stays its parent's

    def sentences(self) -> list[str]:
        """What holds, in one sentence, then one for each thing that is missing, with what to do."""
        names = [name for name in ("files", "network", "programs", "memory", "follows") if not getattr(self, name)]
        names += ["landlock"] * (sys.platform == "linux" and not self.landlock) + ["user"] * (
            self.root and not self.user
        )
        held = {
            "no files": self.files,
            "no network": self.network,
            "no programs": self.programs,
            "a user of its own": self.user,
            "limited memory": self.memory,
            "limited time": True,
        }
        end = ", and it ends with the page" if self.follows else ""
        said = ", ".join(words for words, there in held.items() if there)
        return [
            f"Each video is decoded by a process that is shut off: {said}{end}.",
            *(MISSING[name] for name in names),
        ]


@cache
def protections() -> Protections:
    """What this system keeps from decoding processes; the first call starts one that tries, which takes a moment."""
    done = _finish("_sandbox", str(os.getpid()), None, PROBE_BYTES, PROBE_SECONDS)
    said = json.loads(done.out) if done.status == 0 else {}
    return Protections(**{field.name: said.get(field.name, 0) for field in fields(Protections)})


def run(name: str, video: BinaryIO, asked: Asked) -> Answer:
    """What the child says of an open file, which is its standard input.

    `asked` are the arguments of `_decode.decode`, with the limits "memory_bytes" and "seconds". Raises VideoError, with the
    file's `name`, where the child took too long or its answer is none to what was asked.
    """
    most = most_bytes(asked)
    argument, seconds = json.dumps(asked | {"parent": os.getpid()}), asked["seconds"]
    done = _finish("_decode", argument, video, most, BUSY * seconds)
    if done.status is None or (SIGXCPU and done.status == -SIGXCPU):
        raise VideoError(f"{name} took longer than {seconds} s to decode; cut a shorter piece or reduce its size")
    complaint = COMPLAINT.search(done.complaints)
    damaged = Answer(dict(error="damaged", seen=complaint[1].decode(errors="replace")), NOTHING) if complaint else None
    try:
        if len(done.complaints) > COMPLAINT_BYTES:
            if damaged:
                return damaged
            raise ValueError(f"messages of more than {COMPLAINT_BYTES} bytes")
        if len(done.out) > most:
            raise ValueError(f"more than {most} bytes")
        if done.status != 0 or len(done.out) < 4:
            starved = b"bad_alloc" in done.complaints or b"memory" in done.complaints.lower()
            return Answer(dict(error="memory") if starved else dict(error="crash", seen=done.status), NOTHING)
        answer = parse(done.out, asked)
    except ValueError as error:
        raise VideoError(
            f"the decoder's answer on {name} is not to be trusted ({error}): the file is damaged, or made to mislead. "
            "Try another copy"
        ) from None
    return damaged if damaged and "error" not in answer.header else answer


@contextmanager
def running(video: BinaryIO, asked: Asked) -> Iterator[tuple["subprocess.Popen[bytes]", bytearray]]:
    """The child that streams an open file, for as long as the body runs, and what it complains of; see `sifa.video.stream`."""
    argument = json.dumps(asked | {"parent": os.getpid()})
    child = SPARE.take(argument, video) or _start("_decode", argument, video)
    assert child.stdout
    assert child.stderr
    complaints = bytearray()
    thread = _collect(child, child.stderr, COMPLAINT_BYTES, complaints)
    try:
        yield child, complaints
    finally:
        child.kill()
        child.wait()
        thread.join(1)
        child.stdout.close()


def environment() -> dict[str, str]:
    """What the child inherits of this process's environment: where Python and its libraries are. Its libraries use one
    thread each, and what its threads need of memory comes of one place, since its address space is limited."""
    inherited = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name.upper())}
    return inherited | ONE_THREAD


def keep_spare() -> None:
    """From now on the next decoding process is started before there is a video for it, which saves its start."""
    SPARE.keep()


def _start(program: str, argument: str, given: int | BinaryIO) -> "subprocess.Popen[bytes]":
    """Starts the `main` of a module beside this file, with a file as its standard input."""
    return subprocess.Popen(
        [sys.executable, "-I", "-c", PACKAGE + MAIN, argument, program, str(Path(__file__).parents[1])],
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(),
    )


SPARE = Spare(_start)


def _finish(program: str, argument: str, given: BinaryIO | None, most: int, seconds: int) -> Finished:
    """Runs the `main` of a module beside this file until it ends, its time is up, or it has written more than `most` bytes."""
    until = time.monotonic() + seconds
    spare = SPARE.take(argument, given) if program == "_decode" and given else None
    child = spare or _start(program, argument, subprocess.DEVNULL if given is None else given)
    assert child.stdout
    assert child.stderr
    out, complaints = bytearray(), bytearray()
    status = None
    try:
        threads = [_collect(child, child.stdout, most, out), _collect(child, child.stderr, COMPLAINT_BYTES, complaints)]
        for thread in threads:
            thread.join(max(0, until - time.monotonic()))
        status = child.wait(max(0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        pass
    finally:
        child.kill()
        child.wait()
    for thread in threads:
        thread.join(1)  # pipes end with their writer
    return Finished(status, out, complaints)


def _collect(child: subprocess.Popen[bytes], pipe: IO[bytes], most: int, data: bytearray) -> threading.Thread:
    """A thread that reads a pipe into `data`, and kills the child where there is more than `most` bytes in it."""

    def read() -> None:
        with pipe:
            while len(data) <= most and (piece := pipe.read(PIECE)):
                data.extend(piece)
        if len(data) > most:
            child.kill()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
