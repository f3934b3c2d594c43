"""The web framework's own books of the answers it owes: read here, and struck out where nobody will ever fetch them.

It keeps a finished answer, and the names of files, until somebody listens for them, and so for ever where nobody does.
Only this module knows what those books are called; a test says so where another version calls them otherwise.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from .visitors import Visitors


class Books:
    """The open answers of a page, and whose they are."""

    def __init__(self, page: gr.Blocks, visitors: Visitors) -> None:
        self._page, self._visitors = page, visitors
        self._owners: dict[str, tuple[str, str, float]] = {}  # of each event: address, session, time

    @property
    def _pending(self) -> dict[str, set[str]]:
        pending: dict[str, set[str]] = self._page._queue.pending_event_ids_session
        return pending

    def functions(self) -> dict[int | str, list[bool]]:
        """Of each of the page's functions whether each input is a file: by its index, and by its name if it has one. What is
        done in the browser alone is none."""
        found: dict[int | str, list[bool]] = {}
        for index, function in self._page.fns.items():
            if function.fn is None:
                continue
            found[index] = [getattr(each, "data_model", None) is not None for each in function.inputs]
            if function.api_name and function.api_visibility == "public":
                found[str(function.api_name)] = found[index]
        return found

    def add(self, event: str, address: str, session: str) -> None:
        """The framework has taken a wish, whose answer is now open."""
        self._owners[event] = address, session, self._visitors.clock()

    def session(self, event: str) -> str:
        """The session that an event belongs to; programs that name none have one for each event, of the same name."""
        return self._owners[event][1] if event in self._owners else event

    def knows(self, session: str) -> bool:
        """Whether there are answers of this session, or messages on their way to them."""
        return session in self._page._queue.pending_messages_per_session

    def open(self) -> list[str]:
        """The address of every answer that has not been fetched."""
        self.strike()
        return [address for address, _, _ in self._owners.values()]

    def strike(self) -> None:
        """Forget the answers that were fetched, and those that nobody listens for."""
        queue = self._page._queue
        self._keep_pending()
        here = {s for _, s, since in self._owners.values() if self._visitors.here(s, since) is not False}
        at_work = {event.session_hash for event in queue.event_ids_to_events.values()}
        for session in [each for each in self._pending if each not in here | at_work]:
            if not self._visitors.listens(session):
                del self._pending[session]
                if session in queue.pending_messages_per_session:
                    del queue.pending_messages_per_session[session]
        self._keep_pending()

    def _keep_pending(self) -> None:
        pending: set[str] = set().union(*self._pending.values())
        self._owners = {event: owner for event, owner in self._owners.items() if event in pending}

    def forget_files(self) -> None:
        """The names of files that are gone."""
        sets: list[set[Any]] = self._page.temp_file_sets
        for names in sets:
            names -= {name for name in list(names) if not Path(name).exists()}
