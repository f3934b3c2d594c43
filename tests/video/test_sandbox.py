"""The decoding process, taken over: programs run in its place by the same parent, which try what they must not."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sifa.errors import VideoError
from sifa.video import _sandbox, child
from sifa.video.answer import parse
from sifa.video.read import read_clip
from tests.clips import frame_numbers, numbered_frames, write_clip
from tests.video import test_containers
from tests.video.test_answer import GOOD, answer_of
from tests.video.test_containers import ASKED, HEADS, SEGMENTS, TRICKS, fill

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these")
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
LAYERS = ("user", "landlock", "descriptors", "calls")
SHUT_OFF = """
import ctypes, fcntl, json, os, platform, resource, socket, sys, threading, time
from sifa.video import _sandbox
asked = json.loads(sys.argv[1])
_sandbox.follow_parent(asked["parent"])
_sandbox.limit_resources(1 << 30, 20)
"""
ATTEMPTS = """
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
machine = platform.machine()
held = _sandbox.shut_off(asked["parent"], asked["without"])
parent, folder = asked["parent"], asked["folder"]

def call(*arguments):
    if libc.syscall(*[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]) < 0:
        raise OSError(ctypes.get_errno(), "")

def connect(family, address):
    with socket.socket(family) as client:
        client.connect(address)

class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

word = ctypes.create_string_buffer(8)
here, there = Vector(ctypes.addressof(word), 8), Vector(asked["address"], 8)
def number(x86_64, aarch64):
    return {"x86_64": x86_64, "aarch64": aarch64}[machine]

def fork():
    if os.fork() == 0:
        os._exit(0)

attempts = dict(
    read=lambda: os.open("/etc/passwd", os.O_RDONLY),
    read_of_root=lambda: os.open(f"{folder}/of_root", os.O_RDONLY),
    write=lambda: os.open(f"{folder}/new", os.O_WRONLY | os.O_CREAT),
    truncate=lambda: os.truncate(f"{folder}/old", 0),
    rename=lambda: os.rename(f"{folder}/old", f"{folder}/older"),
    remove=lambda: os.unlink(f"{folder}/of_root"),
    folder=lambda: os.mkdir(f"{folder}/made"),
    listing=lambda: os.listdir("/"),
    environment_of_all=lambda: os.open("/proc/1/environ", os.O_RDONLY),
    environment_of_parent=lambda: os.open(f"/proc/{parent}/environ", os.O_RDONLY),
    memory_of_parent=lambda: os.open(f"/proc/{parent}/mem", os.O_RDONLY),
    tcp=lambda: connect(socket.AF_INET, ("127.0.0.1", asked["port"])),
    abstract_socket=lambda: connect(socket.AF_UNIX, "\\0" + asked["name"]),
    udp=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close(),
    netlink=lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    signal=lambda: os.kill(parent, 0),
    signal_by_file=lambda: fcntl.fcntl(1, fcntl.F_SETOWN, parent),
    trace=lambda: call(number(101, 117), 0x4206, parent, 0, 0),  # seize, which does not stop it
    read_of_memory=lambda: call(number(310, 270), parent, ctypes.byref(here), 1, ctypes.byref(there), 1, 0),
    limits_of_parent=lambda: call(number(302, 261), parent, 7, 0, ctypes.create_string_buffer(16)),
    priority_of_parent=lambda: os.setpriority(os.PRIO_PROCESS, parent, os.getpriority(os.PRIO_PROCESS, parent)),
    fork=fork,
    root=lambda: os.setresuid(0, 0, 0),
    raise_limits=lambda: resource.setrlimit(resource.RLIMIT_CPU, (5, 5)),
    execute=lambda: os.execv("/bin/true", ["/bin/true"]),
)
refused = {}

def attempt():
    for name, act in attempts.items():
        if name == "execute":  # replaces this program where it is not refused
            print(json.dumps(dict(refused=refused, held=held)), flush=True)
        try:
            act()
            refused[name] = False
        except OSError as error:
            refused[name] = error.errno in (1, 3, 13, 24, 38)

thread = threading.Thread(target=attempt)  # started later than the layers
thread.start()
thread.join()
print("not executed")
"""
OWNER, LANDLOCK, COUNT, CALLS = LAYERS
REFUSED_BY = {  # each by itself
    "read": (LANDLOCK, COUNT, CALLS),
    "read_of_root": LAYERS,
    "write": LAYERS,
    "truncate": (OWNER, LANDLOCK, CALLS),
    "rename": (OWNER, LANDLOCK, CALLS),
    "remove": (OWNER, LANDLOCK, CALLS),
    "folder": (OWNER, LANDLOCK, CALLS),
    "listing": (LANDLOCK, COUNT, CALLS),
    "environment_of_all": LAYERS,
    "environment_of_parent": LAYERS,
    "memory_of_parent": LAYERS,
    "tcp": (LANDLOCK, COUNT, CALLS),
    "abstract_socket": (LANDLOCK, COUNT, CALLS),
    "udp": (COUNT, CALLS),
    "netlink": (COUNT, CALLS),
    "signal": (OWNER, LANDLOCK, CALLS),
    "signal_by_file": (CALLS,),
    "trace": (OWNER, LANDLOCK, CALLS),
    "read_of_memory": (OWNER, LANDLOCK, CALLS),
    "limits_of_parent": (OWNER, CALLS),
    "priority_of_parent": (OWNER, CALLS),
    "fork": (CALLS,),
    "root": (OWNER, CALLS),
    "raise_limits": (CALLS,),
    "execute": (LANDLOCK, CALLS),
}
SINCE = {"truncate": 3, "tcp": 4, "abstract_socket": 6, "signal": 6}  # versions of Landlock


@pytest.fixture
def instead(monkeypatch):
    """Puts a program in the place of the one that decodes; -> a function that runs it, by the same parent."""

    def run(code, *, seconds=20, most=1 << 16, given=None, **asked):
        monkeypatch.setattr(child, "MAIN", code)
        argument = json.dumps(asked | {"parent": os.getpid()})
        return child._finish("_decode", argument, given, most, seconds)

    return run


def can_read(path):
    """Whether this process can."""
    try:
        Path(path).read_bytes()
    except OSError:
        return False
    return True


def attempt(instead, folder, without):
    """What a program is refused that all layers but these hold, and what the layers said."""
    for name in ("old", "of_root"):
        (folder / name).write_text("something")
    (folder / "of_root").chmod(0o600)
    target = np.arange(1)  # something in this process's memory
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        name = f"sifa-test-{os.getpid()}"
        local.bind("\0" + name)
        local.listen()
        done = instead(
            SHUT_OFF + ATTEMPTS,
            without=without,
            folder=str(folder),
            port=server.getsockname()[1],
            name=name,
            address=target.ctypes.data,
        )
    assert done.out, done.complaints.decode()
    said, *rest = done.out.decode().splitlines()
    answer = json.loads(said)
    return answer["refused"] | {"execute": rest == ["not executed"]}, answer["held"]


@LINUX
def test_everything_is_refused(instead, tmp_path):
    refused, held = attempt(instead, tmp_path, [])
    assert [name for name, was in refused.items() if not was] == []
    assert refused.keys() == REFUSED_BY.keys()
    assert all(held[name] for name in (LANDLOCK, COUNT, CALLS))
    assert bool(held[OWNER]) == ROOT


@LINUX
@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_holds_without_the_others(instead, tmp_path, layer):
    refused, held = attempt(instead, tmp_path, [name for name in LAYERS if name != layer])
    if not held[layer]:
        pytest.skip(f"this system has no layer {layer!r}")
    assert [name for name in held if held[name]] == [layer]
    wanted = {name for name, by in REFUSED_BY.items() if layer in by}
    if layer == LANDLOCK:
        wanted -= {name for name, since in SINCE.items() if held[layer] < since}
    assert wanted <= {name for name, was in refused.items() if was}


@LINUX
@pytest.mark.skipif(not ROOT, reason="the attempts succeed as root only")
def test_without_any_layer_nothing_is_refused(instead, tmp_path):
    """So that the attempts above prove something."""
    refused, held = attempt(instead, tmp_path, LAYERS)
    assert set(held.values()) == {0}
    wanted = [] if can_read("/proc/1/environ") else ["environment_of_all"]
    assert [name for name, was in refused.items() if was] == wanted


# Decoding, shut off


@LINUX
@pytest.mark.parametrize("without", [[], *([name for name in LAYERS if name != layer] for layer in LAYERS)])
@pytest.mark.parametrize("container", [dict(), dict(codec="libvpx", container_options={"live": "1"})])
def test_decoding_goes_on_behind_any_layer(tmp_path, without, container):
    file = write_clip(tmp_path / ("a.webm" if container else "a.mp4"), numbered_frames(20), **container)
    file.chmod(0o600)
    argument = json.dumps(ASKED | {"parent": os.getpid(), "without": without})
    with file.open("rb") as video:
        done = child._finish("_decode", argument, video, 1 << 20, 20)
    header, pixels = parse(done.out, ASKED)
    assert frame_numbers(np.frombuffer(pixels, np.uint8).reshape(header["shape"])) == [0, 1, 2, 3]


@LINUX
def test_the_program_that_decodes_is_shut_off_before_it_reads(tmp_path, monkeypatch):
    """As it is, but for what it does then."""
    monkeypatch.setattr(child, "MAIN", INSTEAD_OF_DECODING)
    with write_clip(tmp_path / "a.mp4", numbered_frames(9)).open("rb") as video:
        assert child.run("a.mp4", video, ASKED).header == dict(error="pixels", seen=[3, 0])


DECODERS = """
from sifa.video import _decode
_decode.load()
import av, io
_sandbox.shut_off(asked["parent"], asked["without"])

class Named(io.FileIO):  # whose name gives the kind away, as that of a file does
    name = asked["name"]

whole = dict(protocol_whitelist="file,crypto,data,subfile,tcp,http", allowed_extensions="ALL", extension_picky="0", safe="0")

def first(**options):
    os.lseek(0, 0, 0)
    return next(av.open(Named(0, closefd=False), **options).decode(video=0))

seen = []
for read in (
    lambda: next(av.open("fd:").decode(video=0)),
    lambda: next(av.open("/dev/fd/0").decode(video=0)),
    lambda: next(av.open(asked["name"], options=whole).decode(video=0)),
    first,
    lambda: first(options=whole),
    lambda: first(options=whole, format="hls"),
    lambda: first(options=whole, format="concat"),
    lambda: first(options=whole, format="dash"),
):
    os.lseek(0, 0, 0)
    try:
        read()
        seen.append(True)
    except Exception:
        seen.append(False)
print(json.dumps(seen), flush=True)
os._exit(0)
"""
INSTEAD_OF_DECODING = """
import os, socket
from sifa.video import _decode

def answer(video, ask):
    refused = 0
    for attempt in (lambda: open(_decode.__file__), lambda: socket.socket(), os.fork):
        try:
            attempt()
        except OSError:
            refused += 1
    return dict(error="pixels", seen=[refused, os.lseek(0, 0, 1)]), None

_decode.answer = answer
_decode.main()
"""
secret = test_containers.secret
LISTS = {name: TRICKS[name].encode() for name in TRICKS} | {
    f"{head}_{number}.m3u8": HEADS[head] + text.encode()
    for head in HEADS
    for number, text in enumerate((SEGMENTS, TRICKS["list.txt"]))
}
OPENED = ("segments.m3u8", "with_protocol.m3u8", "fragments.m3u8", "master.m3u8", "list.ffconcat")


def read_list(instead, secret, name, without):
    """Which ways of decoding a list give a picture, which the list itself does not hold."""
    file = secret / "uploads" / name
    file.write_bytes(fill(LISTS[name].decode("latin-1"), secret).encode("latin-1"))
    with file.open("rb") as video:
        done = instead(SHUT_OFF + DECODERS, given=video, without=without, name=str(file))
    assert done.status == 0, done.complaints.decode()
    return json.loads(done.out)


@LINUX
@pytest.mark.parametrize("name", LISTS)
def test_no_list_opens_another_file_whatever_its_name_and_the_decoder(instead, secret, name):
    """The kinds of files are not looked at here, nor what a decoder itself forbids."""
    assert not any(read_list(instead, secret, name, []))


@LINUX
@pytest.mark.parametrize("layer", [LANDLOCK, CALLS])
@pytest.mark.parametrize("name", OPENED)
def test_one_layer_suffices_against_lists_and_without_any_they_are_opened(instead, secret, name, layer):
    assert any(read_list(instead, secret, name, LAYERS))
    assert not any(read_list(instead, secret, name, [other for other in LAYERS if other != layer]))


# What the process is started with, and how it ends


def test_it_inherits_nothing_that_it_does_not_need(instead, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("SOME_PATH", "/secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/lib/of/cuda")
    done = instead("import os, json; print(json.dumps(dict(os.environ)))")
    inherited = json.loads(done.out)
    assert inherited["LD_LIBRARY_PATH"] == "/lib/of/cuda"
    assert "secret" not in done.out.decode()
    allowed = (
        r"PATH|LD_LIBRARY_PATH|DYLD_.*|SYSTEMROOT|__PYVENV_LAUNCHER__|\w+_NUM_THREADS|MALLOC_ARENA_MAX|LC_CTYPE|__CF_.*"
    )
    assert [name for name in inherited if not re.fullmatch(allowed, name)] == []  # LC_CTYPE: Python sets it by itself


def test_it_needs_nothing_of_the_environment(tmp_path, monkeypatch):
    file = write_clip(tmp_path / "a.mp4", numbered_frames(20))
    for name in os.environ:
        monkeypatch.delenv(name)
    assert frame_numbers(read_clip(file, 4).frames) == [0, 1, 2, 3]


@LINUX
@pytest.mark.parametrize("without", [[], [OWNER]], ids=["own_user", "same_user"])
def test_it_dies_with_its_parent(tmp_path, without):
    code = f"""{SHUT_OFF}
print(os.getpid(), file=open(asked["name"], "w"), flush=True)
_sandbox.shut_off(asked["parent"], asked["without"])
time.sleep(60)
"""
    code = code.replace("_sandbox.limit_resources(1 << 30, 20)\n", "")
    name = tmp_path / "number"
    page = f"""
import json, os
from sifa.video import child
child.MAIN = {code!r}
argument = json.dumps(dict(parent=os.getpid(), name={str(name)!r}, without={without!r}))
child._finish("_decode", argument, None, 100, 60)
"""
    parent = subprocess.Popen([sys.executable, "-c", page], cwd=Path(child.__file__).parents[2])
    number = int(wait_for(lambda: name.exists() and name.read_text().strip()))
    time.sleep(0.2)  # until it is shut off
    assert is_alive(number)
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not is_alive(number), seconds=1)


def wait_for(condition, seconds=20.0):
    """The first answer that is true, or the last one."""
    until = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < until:
        time.sleep(0.02)
    return answer


def is_alive(number):
    """Whether there is a process of this number that still runs."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@LINUX
def test_it_ends_at_once_where_its_parent_is_gone_already(instead):
    assert instead(SHUT_OFF + "print('here')").out == b"here\n"
    done = instead(SHUT_OFF.replace('asked["parent"]', "os.getppid() + 1") + "print('here')")
    assert (done.status, done.out) == (1, b"")


def test_a_child_whose_time_is_up_is_killed_and_reaped(instead, tmp_path):
    numbers = tmp_path / "number"
    start = time.monotonic()
    code = f"import os, time; print(os.getpid(), file=open({str(numbers)!r}, 'w'), flush=True); time.sleep(60)"
    for closed in ("", "os.close(1); os.close(2);"):
        done = instead(code.replace("time.sleep", closed + "time.sleep"), seconds=1)
        assert done.status is None
        assert not Path(f"/proc/{numbers.read_text().strip()}").exists()
    assert time.monotonic() - start < 10


# What it says


@pytest.fixture
def says(monkeypatch):
    """-> what `read_clip` would make of a child that runs this code."""

    def run(code):
        monkeypatch.setattr(child, "MAIN", "import os\n" + code)
        with open(os.devnull, "rb") as video:
            return child.run("clip.mp4", video, ASKED)

    return run


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_is_stopped(says, stream):
    start = time.monotonic()
    with pytest.raises(VideoError, match=r"answer on clip\.mp4 is not to be trusted \(.*more than \d+ bytes"):
        says(f"while True: os.write({stream}, bytes(65536))")
    assert time.monotonic() - start < 10


def test_a_flood_of_complaints_is_damage(says):
    answer = says("while True: os.write(2, b'[h264 @ 0x5591] error while decoding MB\\n' * 1000)")
    assert answer.header == dict(error="damaged", seen="error while decoding MB")


def test_a_child_that_dies_or_says_nothing_is_a_crash(says):
    assert says("os.kill(os.getpid(), 9)").header["seen"] in (-9, 1)
    assert says("").header == dict(error="crash", seen=0)
    assert says("os.write(2, b'std::bad_alloc'); os._exit(1)").header == dict(error="memory")


def test_a_liar_is_named_in_words(says):
    with pytest.raises(VideoError, match=r"not to be trusted \(288 bytes of frames, where there should be 96768\)"):
        says(f"os.write(1, {bytes(answer_of(GOOD | dict(shape=[2, 126, 128, 3])))!r})")


# The filter, on machines that are not this one


def decide(steps, call, *arguments, machine):
    """What the kernel would answer: the filter's machine, for the steps that are used here."""
    values = [value >> shift & 0xFFFFFFFF for value in arguments for shift in (0, 32)]
    words = dict(enumerate([call, _sandbox.MACHINES.get(machine, 0x40000003), 0, 0, *values]))
    loaded, at = 0, 0
    while True:
        code, equal, other, value = struct.unpack_from("=HBBI", steps, 8 * at)
        at += 1
        match code:
            case _sandbox.LOAD:
                loaded = words.get(value // 4, 0)
            case _sandbox.AND:
                loaded &= value
            case _sandbox.EQUAL:
                at += equal if loaded == value else other
            case _sandbox.RETURN:
                return value


NUMBERS = {  # on x86_64 and aarch64
    "open": (2, 1024),
    "openat": (257, 56),
    "openat2": (437, 437),
    "socket": (41, 198),
    "connect": (42, 203),
    "execve": (59, 221),
    "execveat": (322, 281),
    "clone3": (435, 435),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kill": (62, 129),
    "tkill": (200, 130),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "unlinkat": (263, 35),
    "renameat2": (316, 276),
    "linkat": (265, 37),
    "mknodat": (259, 33),
    "mount": (165, 40),
    "move_mount": (429, 429),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "userfaultfd": (323, 282),
    "ioctl": (16, 29),
    "sendto": (44, 206),
    "readlinkat": (267, 78),
    "setresuid": (117, 147),
    "seccomp": (317, 277),
    "init_module": (175, 105),
}


@pytest.mark.parametrize("machine", _sandbox.MACHINES)
def test_the_filter_by_its_steps(machine):
    column = list(_sandbox.MACHINES).index(machine)
    steps = _sandbox.program(machine, 1234)
    allow, refuse = _sandbox.ALLOW, _sandbox.REFUSE

    def answer_to(numbers, *arguments):
        return decide(steps, numbers[column], *arguments, machine=machine)

    assert [name for name, numbers in NUMBERS.items() if answer_to(numbers) != refuse] == []
    assert [name for name, numbers in _sandbox.CALLS.items() if answer_to(numbers) != allow] == []
    thread, process = 0x3D0F00, 0x1200011
    assert (answer_to(_sandbox.CLONE, thread), answer_to(_sandbox.CLONE, process)) == (allow, refuse)
    assert (answer_to(_sandbox.TGKILL, 1234), answer_to(_sandbox.TGKILL, 1)) == (allow, refuse)
    assert (answer_to(_sandbox.PRCTL, 15), answer_to(_sandbox.PRCTL, 4)) == (allow, refuse)
    assert (answer_to(_sandbox.FCNTL, 0, 1030), answer_to(_sandbox.FCNTL, 0, 8)) == (allow, refuse)
    assert answer_to(_sandbox.PRLIMIT, 0, 7, 0, 1 << 40) == allow
    for other in ((1, 7, 0, 1), (0, 7, 1, 1), (0, 7, 1 << 40, 1)):
        assert answer_to(_sandbox.PRLIMIT, *other) == refuse
    read = _sandbox.CALLS["read"][column]
    assert decide(steps, read | 1 << 30, machine=machine) == refuse  # x86_64's calls with short pointers
    assert decide(steps, read, machine="i386") == _sandbox.KILL


@pytest.mark.parametrize(
    ("header", "column"), [("x86_64-linux-gnu/asm/unistd_64.h", 0), ("asm-generic/unistd.h", 1)], ids=_sandbox.MACHINES
)
def test_the_numbers_are_the_kernels(header, column):
    file = Path("/usr/include") / header
    if not file.exists():
        pytest.skip("the headers of the kernel are not installed here")
    kernel = {name: int(number) for name, number in re.findall(r"__NR(?:3264)?_(\w+)\s+(\d+)", file.read_text())}
    kernel |= {"newfstatat": kernel.get("fstatat", kernel.get("newfstatat")), "open": kernel.get("open", 1024)}
    ours = NUMBERS | _sandbox.CALLS | dict(clone=_sandbox.CLONE, tgkill=_sandbox.TGKILL, fcntl=_sandbox.FCNTL)
    ours |= dict(prctl=_sandbox.PRCTL, prlimit64=_sandbox.PRLIMIT)
    assert {name: kernel[name] for name in ours} == {name: numbers[column] for name, numbers in ours.items()}


# What an operator reads

EVERYTHING = dict(
    files=True, network=True, programs=True, memory=True, follows=True, calls=1, landlock=7, root=True, user=9
)


@LINUX
def test_what_this_system_gives_is_found_out_by_trying():
    found = child.protections()
    assert (found.files, found.network, found.memory, found.follows) == (True,) * 4
    assert found.programs == bool(found.calls)
    assert (found.root, bool(found.user)) == (ROOT, ROOT)
    assert child.protections() is found


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (
            dict(),
            r"no files, no network, no programs, a user of its own, limited memory, limited time, and it ends with",
        ),
        (dict(programs=False, calls=0), r"(?s)no files, no network, a user.*It can start programs"),
        (dict(user=0), r"(?s)no programs, limited memory.*It runs as root.*start the page as another user"),
        (dict(user=0, root=False), r"no programs, limited memory, limited time, and it ends with the page\.$"),
        (dict(follows=False), r"(?s)limited time\..*It may outlive a page that is killed"),
        (
            dict.fromkeys(EVERYTHING, 0),
            r"(?s)shut off: limited time\..*open the files.*network.*programs.*memory.*outlive",
        ),
    ],
)
def test_an_operator_reads_what_holds_and_what_is_missing(lost, words):
    sentences = child.Protections(**EVERYTHING | lost).sentences()
    assert re.search(words, "\n".join(sentences))
    assert all(sentence.endswith(".") for sentence in sentences)
    assert len(sentences) == 1 + sum(
        not value for name, value in lost.items() if name in child.MISSING and name != "user"
    ) + (lost.get("user") == 0 and lost.get("root", True))


def test_a_probe_that_cannot_run_is_no_protection(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "__file__", str(tmp_path / "video" / "child.py"))  # where no program lies
    assert child.protections.__wrapped__() == child.Protections(**dict.fromkeys(EVERYTHING, 0))
