"""What a request brings: it comes in due time, and the form of an upload is watched while it arrives."""

import asyncio
import re
import time
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.formparsers import MultiPartException

from .asgi import Message, Receive
from .inputs import NO_NAME

GRACE_SECONDS, SLOWEST = 20.0, 8000  # from then on a body comes at this many bytes a second or more, on average


class Unread(Exception):
    """A body that is not taken; the status, and the reason in a sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def paced(receive: Receive, grace: float = GRACE_SECONDS, slowest: float = SLOWEST) -> Receive:
    """`receive`, which raises Unread where the body comes too slowly or breaks off."""
    start, got = time.monotonic(), 0

    async def receive_in_time() -> Message:
        nonlocal got
        rest = start + grace + got / slowest - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(rest, 0))
        except TimeoutError:
            reason = f"The request came too slowly: {got} bytes in {time.monotonic() - start:.0f} s. Try a better line."
            raise Unread(408, reason) from None
        if message["type"] != "http.request":
            raise Unread(400, "The request broke off.")
        got += len(message.get("body", b""))
        return message

    return receive_in_time


@dataclass
class OneFile:
    """Watches a form as it arrives: it must be one file, in the field "files". Raises MultiPartException, upon which
    Gradio removes what it has written so far."""

    boundary: bytes
    files: int = 0
    ended: bool = False
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        if not 0 < len(self.boundary) <= 70:
            raise MultiPartException("The form's boundary must have 1 to 70 characters.")
        calls = dict(
            on_part_begin=self._begin,
            on_header_field=lambda data, start, end: self.header.extend(data[start:end]),
            on_header_value=lambda data, start, end: self.value.extend(data[start:end]),
            on_header_end=self._end_header,
            on_end=self._end,
        )
        self.parser = MultipartParser(self.boundary, calls)  # type: ignore[arg-type]

    def _begin(self) -> None:
        self.files += 1
        if self.files > 1:
            raise MultiPartException("Upload one file in each request.")
        self.named = False

    def _end_header(self) -> None:
        if bytes(self.header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self.value))
            name = options.get(b"filename")
            if options.get(b"name") != b"files" or name is None:
                raise MultiPartException('The form must hold a file in the field "files".')
            if NO_NAME.search(name.decode(errors="replace")) or re.split(rb"[/\\]", name)[-1] in (b".", b".."):
                raise MultiPartException("The file's name cannot be used; rename it.")
        self.header.clear()
        self.value.clear()

    def _end(self) -> None:
        self.ended = True

    def look(self, message: Message) -> None:
        """At the next part of the body."""
        try:
            self.parser.write(message.get("body", b""))
        except FormParserError:
            raise MultiPartException("The request is no form that can be read here.") from None
        if not message.get("more_body", False) and not (self.ended and self.files):
            raise MultiPartException("The form is not complete, or holds no file.")


def one_file(receive: Receive, content_type: str) -> Receive:
    """`receive` for an upload; both raise MultiPartException for all that is wrong with it, as Gradio's parser does."""
    _, options = parse_options_header(content_type)
    watched = OneFile(options.get(b"boundary", b""))

    async def receive_file() -> Message:
        try:
            message = await receive()
        except Unread as error:
            raise MultiPartException(error.reason) from None
        watched.look(message)
        return message

    return receive_file
