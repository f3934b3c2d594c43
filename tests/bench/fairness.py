"""How much longer a visitor waits beside a hostile client: `python -m tests.bench.fairness [--rounds N] [--listen] [--get PATH]`.

The real program runs, and a client in a process of its own posts as fast as it can with ever new sessions from one address, or
asks for one path again and again.
A visitor at another address runs a clip alone and beside it, in turns.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from app.visitors import FIRST_SECONDS
from tests.app.program import program
from tests.app.visitor import Visitor, status_of
from tests.clips import numbered_frames, write_clip

FRAMES = 80
CONNECTIONS, WARM = 64, 100  # of the hostile client, and answers that it has when the visitor begins


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument(
        "--listen", action="store_true", help="the hostile client listens for its answers, so that they run"
    )
    parser.add_argument("--get", metavar="PATH", help="the hostile client asks for this instead, such as /theme.css")
    parser.add_argument("--hostile", nargs=2, metavar=("URL", "WISH"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.hostile:
        url, wish = chosen.hostile
        return hostile(url, ask_for(chosen.get) if chosen.get else post_of(url, wish, chosen.listen))
    with tempfile.TemporaryDirectory() as folder, program(Path(folder)) as page:
        visitor = Visitor(page.url, "127.0.0.2")
        clip = visitor.upload(write_clip(Path(folder) / "clip.mp4", numbered_frames(FRAMES, 240, 320)))
        for _ in range(3):
            visitor.run(clip, 0, 4)
        options = [*(["--listen"] if chosen.listen else []), *(["--get", chosen.get] if chosen.get else [])]
        rest = (
            4 if chosen.get else 10 if chosen.listen else FIRST_SECONDS + 5
        )  # until the answers it left are struck out
        measure(visitor, clip, page.url, chosen.rounds, options, rest)
    return 0


def measure(visitor: Visitor, clip: object, url: str, rounds: int, options: list[str], rest: float) -> None:
    """Alone and beside the hostile client, in turns."""
    wish = json.dumps({"data": [clip, 0, 4, visitor.titles[0], None], "fn_index": visitor.functions["run"]})
    alone, beside = [], []
    command = [sys.executable, "-m", "tests.bench.fairness", "--hostile", url, wish, *options]
    for _ in range(rounds):
        alone.append(seconds(visitor, clip))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as client:
            assert client.stdout
            client.stdout.readline()  # it has filled its places
            beside.append(seconds(visitor, clip))
            said, _ = client.communicate("stop\n")
        time.sleep(rest)
    print(f"alone  {statistics.median(alone):.2f} s (of {rounds}: {min(alone):.2f} to {max(alone):.2f})")
    print(f"beside {statistics.median(beside):.2f} s (of {rounds}: {min(beside):.2f} to {max(beside):.2f})")
    print(f"ratio  {statistics.median(beside) / statistics.median(alone):.2f}; the last hostile client: {said.strip()}")


def seconds(visitor: Visitor, clip: object) -> float:
    began = time.monotonic()
    assert "clip.mp4" in status_of(visitor.run(clip, 0, 4))
    return time.monotonic() - began


def ask_for(path: str) -> Callable[[http.client.HTTPConnection], int]:
    """A function that asks for a path, and returns the status."""

    def ask(connection: http.client.HTTPConnection) -> int:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    return ask


def post_of(url: str, wish: str, listen: bool) -> Callable[[http.client.HTTPConnection], int]:
    """A function that posts a wish in a new session, and listens to what was taken where that is wanted."""

    def post(connection: http.client.HTTPConnection) -> int:
        body = json.loads(wish) | {"session_hash": uuid.uuid4().hex}
        connection.request("POST", "/gradio_api/queue/join", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if listen and answer.status == 200:
            threading.Thread(target=lambda: list(Visitor(url).listen(body["session_hash"])), daemon=True).start()
        return answer.status

    return post


def hostile(url: str, ask: Callable[[http.client.HTTPConnection], int]) -> int:
    """Ask without end over many connections at once; what it did is said when it is told to stop."""
    count: Counter[int] = Counter()
    stop, full, began, at = threading.Event(), threading.Event(), time.monotonic(), time.process_time()

    def go_on() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        while not stop.is_set():
            status = ask(connection)
            count[status] += 1
            if status != 200 or count.total() > WARM:
                full.set()

    for _ in range(CONNECTIONS):
        threading.Thread(target=go_on, daemon=True).start()
    full.wait(20)
    print("full", flush=True)
    sys.stdin.readline()
    stop.set()
    spent, said = time.process_time() - at, ", ".join(f"{n} times {status}" for status, n in sorted(count.items()))
    print(f"{said} in {time.monotonic() - began:.1f} s, of which {spent:.1f} s on the CPU", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
