import io
import sys

from sifa.cli.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    with progress_bar() as progress:
        for what, share in (("first", 0.5), ("first", 1.0), ("second", 0.0), ("second", 0.25)):
            progress(what, share)
    return stream.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch):
    said = shown(Terminal(), monkeypatch)
    assert "first" in said or "second" in said


def test_nothing_else_does(monkeypatch):
    assert shown(io.StringIO(), monkeypatch) == ""
