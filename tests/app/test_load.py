"""Fifty visitors at once, each with clips of their own: everybody gets what belongs to them."""

import threading
import time
import urllib.request

import numpy as np
import pytest

from sifa import explorer
from tests.app.program import program
from tests.app.visitor import Visitor, status_of
from tests.clips import frame_number, numbered_frames, write_clip

VISITORS, ROUNDS, ADDRESSES = 50, 2, 10
pytestmark = pytest.mark.full


def visit(url, number, clips, found, together):
    """One visitor: at each round another clip, every frame of which carries its number; `found` gets what came back."""
    visitor = Visitor(url, f"127.0.1.{1 + number % ADDRESSES}")
    try:
        visitor.find_functions()
        for turn in range(ROUNDS):
            clip = clips[turn * VISITORS + number]
            together.wait(120)
            values = visitor.run(visitor.upload(clip))
            assert clip.name in status_of(values), status_of(values)
            with urllib.request.urlopen(values[1]["trace"]["url"], timeout=60) as answer:
                frames = explorer.unpack(answer.read()).clip.frames
            found.append((turn * VISITORS + number, {frame_number(frame) for frame in frames}))
    except BaseException as error:
        found.append((number, error))
        together.abort()


def test_fifty_visitors_get_their_own_answers(tmp_path, capsys):
    pictures = numbered_frames(VISITORS * ROUNDS, 64, 64)
    clips = [write_clip(tmp_path / f"{i}.mp4", np.repeat(pictures[i : i + 1], 16, 0)) for i in range(len(pictures))]
    found, together = [], threading.Barrier(VISITORS)
    with program(tmp_path, weights=None) as page:
        began = time.monotonic()
        threads = [
            threading.Thread(target=visit, args=(page.url, number, clips, found, together))
            for number in range(VISITORS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(400)
        with capsys.disabled():
            print(f"\n{len(found)} answers to {VISITORS} visitors in {time.monotonic() - began:.0f} s")
    assert sorted(found, key=str) == sorted(((i, {i}) for i in range(VISITORS * ROUNDS)), key=str)
    assert "Traceback" not in page.said
