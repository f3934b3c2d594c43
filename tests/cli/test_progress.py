import io
import sys

from sifa.cli.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(stream, monkeypatch, **options):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    with progress_bar(**options) as progress:
        for what, share in (("first", 0.5), ("second", 0.25), ("second", 1.0)):
            progress(what, share)
    return stream.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch):
    said = shown(Terminal(), monkeypatch)
    assert "first" in said
    assert said.split("\r")[-2].isspace(), "it is not gone at the end"


def test_nothing_else_does_unless_it_must(monkeypatch):
    assert shown(io.StringIO(), monkeypatch) == ""
    assert "100%" in shown(io.StringIO(), monkeypatch, always=True)
