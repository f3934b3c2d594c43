"""Shutting a process off before it reads what a stranger has sent: no files, no network, no programs, no other process.

Each layer holds by itself, so that the others remain where a system lacks one: a user of its own (where it starts as root),
Landlock (files, TCP, signals), no new file descriptors, and a list of the system calls that decoding needs, the only ones that
are answered afterwards. What is open stays open. Threads that start later are held, too. All libraries and modules must be
loaded before.

Its `main`, run by `child.protections`, shuts itself off, tries what must be refused, and prints what was.
"""

import ctypes
import json
import os
import platform
import signal
import socket
import struct
import sys
from collections.abc import Collection
from typing import Any

LIBC: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
OWN_USERS = (64_987, 65_534)  # a number that no system gives away; nobody, where a container knows but few
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 1, 15, 38

# Landlock: its system calls have the same numbers on every machine
CREATE_RULESET, RESTRICT_SELF, ASK_VERSION = 444, 446, 1
FILE_RIGHTS = {
    1: 13,
    2: 14,
    3: 15,
    5: 16,
}  # from which version on it knows how many of the rights, the lowest bits first
TCP_RIGHTS = 0b11  # to bind and to connect, from version 4 on
SCOPES = 0b11  # abstract sockets and signals, from version 6 on

# The filter of system calls: the words of its machine, and the calls' numbers on x86_64 and aarch64
LOAD, EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
ALLOW, REFUSE, KILL = (
    0x7FFF0000,
    0x00050000 | 38,
    0x80000000,
)  # refused as "not implemented", so that libraries fall back
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP = (317, 277)
CALLS = {  # without conditions
    "read": (0, 63),
    "readv": (19, 65),
    "pread64": (17, 67),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "write": (1, 64),
    "writev": (20, 66),
    "close": (3, 57),
    "dup": (32, 23),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "gettid": (186, 178),
    "getpid": (39, 172),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "getrandom": (318, 278),
    "sysinfo": (99, 179),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
}
CLONE, TGKILL, FCNTL, PRCTL, PRLIMIT = (56, 220), (234, 131), (72, 25), (157, 167), (302, 261)
CLONE_THREAD = 0x10000
DESCRIPTOR_COMMANDS = (0, 1, 2, 3, 1030)  # of fcntl: duplicate; read and set what stays open; read the mode


def limit_resources(memory_bytes: int, seconds: int) -> None:
    """No more address space, seconds of the processor or bytes in files than these; nothing on Windows."""
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit remains
        return
    for what, value, hard in (
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_CPU, seconds + 1, seconds + 2),  # first a signal that says why
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
    ):
        resource.setrlimit(what, (value, hard))


def follow_parent(parent: int) -> bool:
    """From now on this process is killed when `parent`, a number, dies, and at once where it has; False where no system does so."""
    if LIBC is None:
        return False
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    return True


def shut_off(parent: int, without: Collection[str] = ()) -> dict[str, int]:
    """Shuts this process off, but for what is open, and says what each layer holds, 0 for nothing.

    `without` leaves out layers, by their names.
    """
    held = dict(user=0, landlock=0, descriptors=0, calls=0)
    if LIBC is not None:
        if "user" not in without and os.geteuid() == 0:
            held["user"] = change_user()
        follow_parent(parent)  # anew: the kernel forgets it with the change of user
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        if "landlock" not in without:
            held["landlock"] = restrict_access()
    if "descriptors" not in without:
        held["descriptors"] = limit_descriptors()
    if LIBC is not None and "calls" not in without:
        held["calls"] = filter_calls()
    return held


def change_user() -> int:
    """From root to a user to whom nothing belongs; its number, or 0 where the system does not let it."""
    for user in OWN_USERS:
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        except OSError:
            continue
        return user
    return 0


def restrict_access() -> int:
    """No file is opened any more, no TCP connection made, no process outside signalled; Landlock's version, or 0 without it."""
    version = _call(CREATE_RULESET, 0, 0, ASK_VERSION)
    if version < 1:
        return 0
    files = (1 << max(bits for since, bits in FILE_RIGHTS.items() if since <= version)) - 1
    words = [files] + [TCP_RIGHTS] * (version >= 4) + [SCOPES] * (version >= 6)
    handled = struct.pack(f"={len(words)}Q", *words)
    rules = _call(CREATE_RULESET, handled, len(handled), 0)  # handled, and no rule allows any of it
    if rules < 0:
        return 0
    done = _call(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return version if done else 0


def limit_descriptors() -> int:
    """From now on none can be opened, for files and sockets alike; 1, or 0 on Windows."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))
    return 1


def filter_calls() -> int:
    """Only the calls that are listed here are answered any more, in every thread; 1, or 0 where this system has no filter."""
    machine = platform.machine()
    if machine not in MACHINES or struct.calcsize("P") != 8:
        return 0
    steps = program(machine, os.getpid())
    kept = ctypes.create_string_buffer(steps, len(steps))
    described = struct.pack("HP", len(steps) // 8, ctypes.addressof(kept))
    number = SECCOMP[list(MACHINES).index(machine)]
    return int(_call(number, 1, 1, described) == 0)  # set a filter, for all threads


def program(machine: str, process: int) -> bytes:
    """The filter as the kernel reads it, steps of 8 bytes, for the process of this number."""
    column = list(MACHINES).index(machine)

    def step(code: int, value: int, equal: int = 0, other: int = 0) -> bytes:
        return struct.pack("=HBBI", code, equal, other, value)

    def rule(numbers: tuple[int, int], *conditions: tuple[int, int, int]) -> bytes:
        """Allows a call where (its argument's word of 32 bits, masked, equals a value), for each condition."""
        rest = step(RETURN, ALLOW)
        for word, mask, value in reversed(conditions):
            compared = step(AND, mask) + step(EQUAL, value, other=len(rest) // 8)
            rest = step(LOAD, 16 + 4 * word) + compared + rest
        return step(LOAD, 0) + step(EQUAL, numbers[column], other=len(rest) // 8) + rest

    whole = 0xFFFFFFFF
    rules = [rule(numbers) for numbers in CALLS.values()]
    rules += [rule(FCNTL, (2, whole, command)) for command in DESCRIPTOR_COMMANDS]
    rules += [
        rule(CLONE, (0, CLONE_THREAD, CLONE_THREAD)),
        rule(TGKILL, (0, whole, process)),
        rule(PRCTL, (0, whole, PR_SET_NAME)),
        rule(PRLIMIT, (0, whole, 0), (4, whole, 0), (5, whole, 0)),  # its own limits, which are read and not set
    ]
    known = step(LOAD, 4) + step(EQUAL, MACHINES[machine], equal=1) + step(RETURN, KILL)
    return known + b"".join(rules) + step(RETURN, REFUSE)


def probe(parent: int) -> dict[str, int]:
    """Shuts this process off, tries what must be refused, and says what held and what was refused."""
    memory = 512 << 20
    limit_resources(memory, 20)
    root = LIBC is not None and os.geteuid() == 0
    held = shut_off(parent)

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    said = dict(follows=LIBC is not None, root=root, **held)
    for name, attempt in (
        ("files", lambda: os.open(os.devnull, os.O_RDONLY)),
        ("network", socket.socket),
        ("programs", fork if hasattr(os, "fork") else lambda: None),
        ("memory", lambda: bytes(memory)),
    ):
        try:
            attempt()
            said[name] = False
        except (OSError, MemoryError):
            said[name] = True
    return said


def _prctl(option: int, value: int) -> None:
    LIBC.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))


def _call(number: int, *arguments: int | bytes) -> int:
    """A system call's answer; -1 where it fails."""
    whole = (ctypes.c_long(a) if isinstance(a, int) else a for a in (number, *arguments))
    LIBC.syscall.restype = ctypes.c_long
    return int(LIBC.syscall(*whole))


def main() -> None:
    """Prints what `probe` says; its argument is the number of the parent."""
    print(json.dumps(probe(int(sys.argv[1]))), flush=True)
