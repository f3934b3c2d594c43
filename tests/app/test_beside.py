"""A job that looks through a whole video: the clips of its visitor go first between its units, and it can be stopped."""

import asyncio
import threading
import time

import pytest

from app import turns
from app.jobs import NEWER, Jobs, StoppedError
from app.turns import Visit, take_turn


def enter(jobs, name, beside=False):
    """A job of the visitor "address/session"."""
    return jobs.enter(*name.split("/"), lambda: True, long=beside, beside=beside)


def gives_way(jobs, ticket):
    """`give_way` in a thread, which is under way when this returns, and what it raised."""
    raised = []

    def wait():
        try:
            jobs.give_way(ticket)
        except StoppedError as error:
            raised.append(str(error))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    time.sleep(0.05)
    return thread, raised


def test_a_clip_of_the_same_visitor_goes_first_and_then_it_goes_on():
    jobs = Jobs()
    reading, clip = enter(jobs, "a/1", beside=True), enter(jobs, "a/1")
    assert not clip.turn.done()
    thread, raised = gives_way(jobs, reading)
    assert clip.turn.done()
    assert thread.is_alive()
    jobs.leave(clip)
    thread.join(2)
    assert (thread.is_alive(), raised) == (False, [])
    assert jobs.counts() == (0, 1)


def test_a_visitor_has_one_job_running_though_lanes_are_free():
    jobs = Jobs(lanes=2)
    reading, clip = enter(jobs, "a/1", beside=True), enter(jobs, "a/1")
    assert reading.turn.done()
    assert not clip.turn.done()


def test_neither_takes_the_place_of_the_other_and_a_newer_one_that_of_its_kind():
    jobs = Jobs()
    other = enter(jobs, "b/1")
    clip, reading = enter(jobs, "a/1"), enter(jobs, "a/1", beside=True)
    assert not clip.turn.done()
    assert not reading.turn.done()
    newer = enter(jobs, "a/1", beside=True)
    with pytest.raises(StoppedError, match=NEWER):
        reading.turn.result()
    jobs.leave(other)
    assert clip.turn.done()
    jobs.leave(clip)
    assert newer.turn.done()


def test_other_addresses_have_their_turns_between_the_units():
    jobs = Jobs()
    reading, other, clip = enter(jobs, "a/1", beside=True), enter(jobs, "b/1"), enter(jobs, "a/1")
    thread, _ = gives_way(jobs, reading)
    assert other.turn.done()
    assert not clip.turn.done()
    jobs.leave(other)
    assert clip.turn.done()
    jobs.leave(clip)
    thread.join(2)
    assert not thread.is_alive()


def test_what_ifs_still_end_before_the_next_clip_of_their_visitor():
    jobs = Jobs()
    what_ifs, clip = jobs.enter("a", "1", lambda: True, long=True), enter(jobs, "a/1")
    jobs.give_way(what_ifs)
    assert not clip.turn.done()


def test_it_is_stopped_while_it_runs_and_while_it_waits_and_that_of_another_session_is_not():
    jobs = Jobs()
    running = enter(jobs, "a/1", beside=True)
    jobs.stop("a", "2", "another")
    jobs.stop("b", "1", "another")
    jobs.check(running)
    jobs.stop("a", "1", "It was stopped.")
    with pytest.raises(StoppedError, match="It was stopped"):
        jobs.check(running)
    jobs.leave(running)
    again, clip = enter(jobs, "a/1", beside=True), enter(jobs, "a/1")
    thread, raised = gives_way(jobs, again)
    jobs.stop("a", "1", "It was stopped.")
    thread.join(2)
    assert raised == ["It was stopped."]
    assert clip.turn.done()
    jobs.stop("a", "1", "nothing is there")
    jobs.check(clip)


VISIT = Visit("a", "1", lambda: True)


def test_what_is_told_comes_before_the_answer_and_of_much_the_last():
    def work(pause):
        for part in range(5):
            pause.tell(part)
        time.sleep(0.2)
        pause.tell(5)
        return "done"

    async def collect():
        return [each async for each in take_turn(Jobs(), VISIT, "whole", work)]

    said = asyncio.run(collect())
    assert said[-3:] == [4, 5, "done"]


def test_whoever_stops_to_listen_ends_the_thread(monkeypatch):
    outcomes = []
    monkeypatch.setattr(turns, "log_job", lambda kind, seconds, outcome: outcomes.append(outcome))
    jobs, ended = Jobs(), threading.Event()

    def work(pause):
        try:
            while True:
                pause.tell("part")
                time.sleep(0.01)
                pause.give_way()
        finally:
            ended.set()

    async def leave():
        steps = take_turn(jobs, VISIT, "whole", work)
        assert await anext(steps) == "part"
        await steps.aclose()
        assert await asyncio.to_thread(ended.wait, 2)

    asyncio.run(leave())
    assert outcomes == ["stopped"]
    assert jobs.counts() == (0, 0)
