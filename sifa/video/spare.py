"""One decoding process kept in advance, since a third of a short clip's decoding is the start of Python and its libraries.

Each process still reads one video and ends. Nothing is kept unless `keep` is called, as the page does.
"""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

Process = subprocess.Popen[bytes]
Start = Callable[[str, str, int], Process]  # from a program, its argument and a file descriptor for its standard input
PAUSE = 2.0  # seconds after one was taken, until the next is started: who took it needs the processor first


class Spare:
    """At most one process that waits. It is started by a thread that lives as long as this process does, since the system
    ends it with the thread that started it."""

    def __init__(self, start: Start) -> None:
        self._start, self._lock, self._wanted = start, threading.Lock(), threading.Event()
        self._waiting: tuple[Process, socket.socket] | None = None
        self._thread: threading.Thread | None = None
        self._owner = 0  # the process for which one waits; another that was forked from it has none

    def keep(self) -> None:
        """From now on have one ready; nothing where the system cannot hand over open files."""
        with self._lock:
            if self._thread or not hasattr(socket, "send_fds"):
                return
            self._owner = os.getpid()
            self._thread = threading.Thread(target=self._keep, name="spare", daemon=True)
            self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether one waits."""
        with self._lock:
            return self._waiting is not None

    def take(self, argument: str, video: BinaryIO) -> Process | None:
        """The process that waits, once it has this argument and this open file; None where there is none."""
        if self._owner != os.getpid():
            return None
        with self._lock:
            waiting, self._waiting = self._waiting, None
        self._wanted.set()
        if waiting is None:
            return None
        process, channel = waiting
        with channel:
            try:
                socket.send_fds(channel, [argument.encode()], [video.fileno()])
            except OSError:  # it has died
                _end(process)
                return None
        return process

    def _keep(self) -> None:
        while True:
            self._wanted.clear()
            mine, its = socket.socketpair()
            with (
                its,
                suppress(OSError),
            ):  # there may be no room for a process; the next one is then started when it is needed
                process = self._start("_spare", str(os.getpid()), its.fileno())
                with self._lock:
                    self._waiting = process, mine
            self._wanted.wait()
            time.sleep(PAUSE)


def _end(process: Process) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
