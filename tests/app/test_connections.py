"""The limits of connections, of the real server with a small application and short times."""

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from app.asgi import read
from app.bodies import paced
from app.connections import Connection, Limits, limited

APP = Path(__file__).parents[2] / "app"
LIMITS = Limits(head=0.6, answer=0.6, idle=0.3, connections=6, of_one=4)
PATIENCE = 0.4  # what a busy machine may take longer
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope, receive, send):
    """/ answers at once, /slow after a while, /long at length; of a post it reads the body, and /unread does not."""
    path = scope["path"]
    if scope["method"] == "POST" and path != "/unread":
        await read(paced(receive, grace=0.5, slowest=10_000))
    if path == "/slow":
        await asyncio.sleep(1.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000 if path == "/long" else 0):
        await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})
    await send({"type": "http.response.body", "body": b"good"})


@pytest.fixture(scope="module")
def server():
    config = uvicorn.Config(
        application, http=limited(LIMITS), ws="none", lifespan="off", log_level="critical", timeout_keep_alive=1
    )
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs=dict(sockets=[listening]))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join(10)


@pytest.fixture
def connect(server):
    """Open a connection, which is closed after the test."""
    opened = []

    def connect():
        opened.append(socket.create_connection(("127.0.0.1", server), timeout=5))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()
    time.sleep(0.1)


def seconds_to_end(connection):
    """How long until the other side closes it, whatever it says before."""
    start = time.monotonic()
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - start


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_head_must_arrive_in_time(connect, begun):
    connection = connect()
    connection.sendall(begun)
    assert seconds_to_end(connection) == pytest.approx(LIMITS.head, abs=PATIENCE)


def test_a_head_that_comes_byte_by_byte_gains_no_time(connect):
    connection = connect()
    start = time.monotonic()
    with pytest.raises(ConnectionError):
        for _ in range(40):
            connection.sendall(b"x")
            time.sleep(0.05)
    assert time.monotonic() - start < LIMITS.head + 2 * PATIENCE


def test_the_next_request_of_a_connection_must_arrive_in_time(connect):
    connection = connect()
    connection.sendall(ASK)
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    connection.sendall(b"GET / HTTP/1.1\r\nX: ")
    assert seconds_to_end(connection) < LIMITS.head + PATIENCE


def test_a_slow_answer_is_waited_for(connect):
    connection = connect()
    connection.sendall(ASK.replace(b"/ ", b"/slow "))
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")


def test_several_requests_in_one_go_are_answered(connect):
    connection = connect()
    connection.sendall(3 * ASK)
    answer = b""
    while answer.count(b"good") < 3:
        answer += connection.recv(1000)


def test_a_body_must_come_fast_enough_and_a_slow_but_honest_one_may(connect):
    """10 000 bytes a second after half a second: 6000 take 1.1 s at most."""
    slow, honest = connect(), connect()
    for connection in (slow, honest):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6000\r\n\r\n")
    start, alive = time.monotonic(), True
    for _ in range(20):
        honest.sendall(bytes(300))
        try:
            slow.sendall(b"x")
        except ConnectionError:
            alive = False
        time.sleep(0.04)
    assert honest.recv(1000).startswith(b"HTTP/1.1 200")
    assert not alive or seconds_to_end(slow) < 1
    assert time.monotonic() - start < 2.5


def test_a_body_that_nobody_reads_is_not_waited_for(connect):
    connection = connect()
    connection.sendall(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    start = time.monotonic()
    with pytest.raises(ConnectionError):
        for _ in range(60):
            connection.sendall(b"x")
            time.sleep(0.05)
    assert time.monotonic() - start < LIMITS.head + 2 * PATIENCE


def test_an_answer_that_nobody_takes_is_broken_off(connect, server):
    connection = connect()
    connection.sendall(ASK.replace(b"/ ", b"/long "))
    time.sleep(LIMITS.answer + 2 * PATIENCE)
    assert seconds_to_end(connection) < 2, "what was on its way, and the end"


def test_too_many_connections_of_one_address_are_refused_until_some_end(connect):
    """Those that are open already still work."""
    first, *others = [connect() for _ in range(LIMITS.of_one)]
    assert connect().recv(1000).startswith(b"HTTP/1.1 503 ")
    first.sendall(ASK)
    assert first.recv(1000).startswith(b"HTTP/1.1 200")
    for one in others:
        one.close()
    time.sleep(0.1)
    again = connect()
    again.sendall(ASK)
    assert again.recv(1000).startswith(b"HTTP/1.1 200")


def test_too_many_connections_in_all_are_refused(server):
    opened = [socket.create_connection(("127.0.0.1", server), 5, (f"127.0.0.{i + 2}", 0)) for i in range(7)]
    try:
        assert opened[-1].recv(1000).startswith(b"HTTP/1.1 503 ")
        opened[0].sendall(ASK)
        assert opened[0].recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        for one in opened:
            one.close()
        time.sleep(0.1)


def test_an_answer_to_the_next_request_is_not_held_back(connect):
    """The head and the body are two packets, of which the second must not wait until the first is acknowledged."""
    connection, times = connect(), []
    for _ in range(10):
        start = time.monotonic()
        connection.sendall(ASK)
        answer = b""
        while not answer.endswith(b"0\r\n\r\n"):
            answer += connection.recv(1000)
        times.append(time.monotonic() - start)
    assert sorted(times)[5] < 0.03, times


def test_who_holds_most_makes_room_for_somebody_new(server):
    """With connections that wait for a request; whoever has an answer under way, or has just come, keeps theirs."""
    opened = [socket.create_connection(("127.0.0.1", server), 5, (f"127.0.0.{i}", 0)) for i in (2, 3, 3, 4, 4, 4)]
    try:
        opened[3].sendall(ASK.replace(b"/ ", b"/slow "))
        opened.append(socket.create_connection(("127.0.0.1", server), 5, ("127.0.0.9", 0)))
        assert opened[-1].recv(1000).startswith(b"HTTP/1.1 503 "), "nobody has waited for long"
        time.sleep(LIMITS.idle + 0.1)
        opened.append(socket.create_connection(("127.0.0.1", server), 5, ("127.0.0.9", 0)))
        opened[-1].sendall(ASK)
        assert opened[-1].recv(1000).startswith(b"HTTP/1.1 200")
        assert opened[4].recv(1000) == b""
        for kept in (0, 1, 2, 5):
            opened[kept].sendall(ASK)
            assert opened[kept].recv(1000).startswith(b"HTTP/1.1 200")
        assert opened[3].recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        for one in opened:
            one.close()
        time.sleep(0.1)


def test_who_asks_for_nothing_makes_room_for_somebody_new(server):
    """However many addresses hold the connections: the one that has waited longest ends."""
    opened = [socket.create_connection(("127.0.0.1", server), 5, (f"127.0.0.{i + 2}", 0)) for i in range(6)]
    try:
        time.sleep(LIMITS.idle + 0.1)
        for _ in range(3):
            opened.append(socket.create_connection(("127.0.0.1", server), 5, ("127.0.0.9", 0)))
            opened[-1].sendall(ASK)
            assert opened[-1].recv(1000).startswith(b"HTTP/1.1 200")
        assert opened[0].recv(1000) == b""
    finally:
        for one in opened:
            one.close()
        time.sleep(0.1)


def test_a_class_of_thirty_finds_room_behind_one_address():
    """A browser opens six connections."""
    assert 30 * 6 <= Limits.of_one < Limits.connections / 2, "and two such addresses do not take all"
    assert f"{Limits.of_one} from one address" in (APP / "README.md").read_text(encoding="utf-8")
    assert f"limit_conn each {Limits.of_one};" in (APP / "deploy" / "nginx.conf").read_text(encoding="utf-8")


def test_limits_belong_to_their_own_protocol():
    assert limited(LIMITS).limits is LIMITS
    assert Connection.limits == Limits()
