"""Attacks on what is answered from memory: other names of one file, many that ask at once, those that leave."""

import asyncio
from pathlib import Path

import gradio
import pytest

from app import kept
from app.asgi import answer
from app.kept import Kept
from app.routes import is_open

FRONTEND = Path(gradio.__file__).parent / "templates" / "frontend"
OTHER_NAMES = (
    "/assets/./a.js",
    "/assets//a.js",
    "/assets/a.js/",
    "/assets/a.js/.",
    "/assets/x/../a.js",
    "/assets/../assets/a.js",
    "/assets/..",
    "/assets/.",
    "/assets/\u00e9.js",
    "/assets/a.js\n",
    "/static/./img/a.svg",
    "/static/img/../img/a.svg",
    "/static/img//a.svg",
    "/static/.../a.svg/.",
)


@pytest.mark.parametrize("path", OTHER_NAMES)
def test_a_file_has_one_name(path):
    assert not is_open("GET", path), "each name would be made and kept anew"


def test_every_file_of_the_framework_has_that_name():
    files = [f for folder in ("assets", "static") for f in (FRONTEND / folder).rglob("*") if f.is_file()]
    assert len(files) > 100
    assert [f for f in files if not is_open("GET", f"/{f.relative_to(FRONTEND).as_posix()}")] == []


class Slow:
    """Takes a while to answer each request, with 4000 bytes, and stops where the client leaves."""

    def __init__(self, fails=0, encoded=True):
        self.asked, self.fails, self.encoded = 0, fails, encoded

    async def __call__(self, scope, receive, send):
        self.asked += 1
        compression = dict(scope["headers"])[b"accept-encoding"]
        await receive()
        left = asyncio.ensure_future(receive())
        await asyncio.wait([left], timeout=0.05)
        left.cancel()
        if self.asked <= self.fails:
            raise OSError("the disk is away")
        encoded = self.encoded and compression != b"identity"
        headers = [(b"content-encoding", compression)] if encoded else []
        await answer(send, 200, "x" * (2000 if left.done() and not left.cancelled() else 4000), headers=headers)


async def ask(application, leaves=False, encoding=b"br"):
    """-> the bytes of the answer"""
    sent, given = [], []

    async def send(message):
        sent.append(message)

    async def receive():
        if leaves and given:
            return {"type": "http.disconnect"}
        given.append(1)
        if len(given) > 1:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"host", b"127.0.0.1"), (b"accept-encoding", encoding)]
    await application({"type": "http", "method": "GET", "path": "/assets/a.js", "headers": headers}, receive, send)
    return len(b"".join(message.get("body", b"") for message in sent))


def test_many_who_ask_at_once_wait_for_the_same_answer():
    inner = Slow()
    application = Kept(inner)

    async def all_at_once():
        return await asyncio.gather(*(ask(application) for _ in range(50)))

    assert asyncio.run(all_at_once()) == [4000] * 50
    assert inner.asked == 1
    assert application.size == 4000, "the room of what is kept counts once"


def test_who_leaves_spoils_no_answer():
    inner = Slow()
    application = Kept(inner)
    asyncio.run(ask(application, leaves=True))
    assert asyncio.run(ask(application)) == 4000


def test_the_first_who_is_cut_off_takes_nobody_along():
    inner = Slow()
    application = Kept(inner)

    async def first_is_cancelled():
        first = asyncio.ensure_future(ask(application))
        await asyncio.sleep(0.01)
        second = asyncio.ensure_future(ask(application))
        await asyncio.sleep(0.01)
        first.cancel()
        return await second

    assert asyncio.run(first_is_cancelled()) == 4000
    assert inner.asked == 1


def test_what_failed_is_made_again():
    application = Kept(Slow(fails=1))
    with pytest.raises(OSError, match="the disk is away"):
        asyncio.run(ask(application))
    assert asyncio.run(ask(application)) == 4000


@pytest.mark.parametrize("order", [(b"identity", b"br", b"gzip"), (b"gzip", b"br", b"identity")])
def test_what_is_not_compressed_is_kept_once(order):
    inner = Slow(encoded=False)
    application = Kept(inner)
    for _ in range(3):
        for encoding in order:
            assert asyncio.run(ask(application, encoding=encoding)) == 4000
    assert inner.asked <= 3
    assert application.size == 4000


def test_all_that_the_framework_has_finds_room():
    """Else a client who asks for what nobody needs takes the room of what everybody needs."""
    sizes = [f.stat().st_size for folder in ("assets", "static") for f in (FRONTEND / folder).rglob("*") if f.is_file()]
    assert 1.6 * sum(sizes) < kept.MAX_BYTES
