"""Whose turn it is: the scheduler alone, with a clock of its own, and the real program beside a visitor who never listens."""

import threading
import time

import pytest

from app.jobs import BusyError, Jobs, StoppedError
from app.visitors import Pace, Visitors, address_of
from tests.app.program import program
from tests.app.visitor import Visitor, status_of
from tests.clips import numbered_frames, write_clip

SOON_GONE = """
from app import server, visitors
visitors.AGAIN_SECONDS = 0.2
raise SystemExit(server.main())
"""


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def enter(jobs, name, here=True, long=False):
    """A job of the visitor "address/session"."""
    return jobs.enter(*name.split("/"), lambda: here, long)


def running(tickets):
    return [name for name, ticket in tickets.items() if ticket.turn.done() and not ticket.turn.exception()]


def served(jobs, tickets, clock, seconds=1.0):
    """The order in which the jobs get their turns, each of which takes so long."""
    order, left = [], dict(tickets)
    while now := running(left):
        (name,) = now
        order.append(name)
        clock.now += seconds
        jobs.leave(left.pop(name))
    assert not left
    return order


def test_one_job_runs_at_a_time_and_the_next_one_when_it_is_over(clock):
    jobs = Jobs(clock=clock)
    first, second = enter(jobs, "a/1"), enter(jobs, "a/2")
    assert first.turn.done()
    assert not second.turn.done()
    jobs.leave(first)
    assert second.turn.done()


def test_the_waiting_and_the_running_are_counted_without_those_who_left(clock):
    jobs, here = Jobs(clock=clock), {"a/1": True, "a/2": True, "b/1": None}
    for name in here:
        jobs.enter(*name.split("/"), lambda name=name: here[name])
    assert jobs.counts() == (2, 1)
    here["b/1"] = False
    clock.now += 1
    assert jobs.counts() == (1, 1)


def test_as_many_run_at_once_as_there_are_lanes(clock):
    jobs = Jobs(lanes=2, clock=clock)
    tickets = {name: enter(jobs, name) for name in ("a/1", "a/2", "a/3")}
    assert running(tickets) == ["a/1", "a/2"]


def test_turns_go_round_the_addresses_and_then_round_the_sessions(clock):
    jobs = Jobs(clock=clock)
    names = ["a/1", "a/2", "a/3", "a/4", "b/1", "b/2", "c/1"]
    tickets = {name: enter(jobs, name) for name in names}
    assert served(jobs, tickets, clock) == ["a/1", "b/1", "c/1", "a/2", "b/2", "a/3", "a/4"]


def test_who_comes_when_another_address_has_filled_the_queue_is_next(clock):
    jobs = Jobs(clock=clock)
    hostile = {f"a/{i}": enter(jobs, f"a/{i}") for i in range(20)}
    for i in range(3):
        clock.now += 1
        jobs.leave(hostile.pop(f"a/{i}"))
    order = served(jobs, hostile | {"b/1": enter(jobs, "b/1")}, clock)
    assert order.index("b/1") == 1


def test_a_newer_wish_takes_the_place_of_the_one_that_waits(clock):
    jobs = Jobs(clock=clock)
    at_work, old = enter(jobs, "a/1"), enter(jobs, "a/1")
    new = enter(jobs, "a/1")
    assert at_work.turn.exception() is None
    with pytest.raises(StoppedError, match="Your newer wish took the place of this one"):
        old.turn.result()
    assert jobs.place(new).replaces
    assert not jobs.place(at_work).replaces
    jobs.leave(at_work)
    assert new.turn.done()


def test_a_session_of_the_same_name_at_another_address_is_another_visitor(clock):
    jobs = Jobs(clock=clock)
    enter(jobs, "c/0")
    mine, stranger = enter(jobs, "a/1"), enter(jobs, "b/1")
    assert not mine.turn.done()
    assert not stranger.replaces


def test_a_session_runs_one_job_at_a_time_though_lanes_are_free(clock):
    jobs = Jobs(lanes=2, clock=clock)
    first, second, other = enter(jobs, "a/1"), enter(jobs, "a/1"), enter(jobs, "a/2")
    assert first.turn.done()
    assert other.turn.done()
    assert not second.turn.done()


def test_an_address_has_so_many_places_and_no_more(clock):
    jobs = Jobs(per_address=3, clock=clock)
    for i in range(4):
        enter(jobs, f"a/{i}")
    with pytest.raises(BusyError, match="3 clips from your address are waiting already, and no more than 3 may"):
        enter(jobs, "a/9")
    enter(jobs, "b/1")
    enter(jobs, "a/3")  # in the place of its own


def test_there_are_so_many_places_in_all(clock):
    jobs = Jobs(in_all=4, clock=clock)
    for i in range(5):
        enter(jobs, f"{i}/1")
    with pytest.raises(BusyError, match="4 clips are waiting already, and no more may"):
        enter(jobs, "b/3")


def test_jobs_whose_visitor_has_left_are_struck_out_while_they_wait(clock):
    jobs, here = Jobs(clock=clock), {"a/2": True}
    first, second = enter(jobs, "a/1"), jobs.enter("a", "2", lambda: here["a/2"])
    here["a/2"] = False
    clock.now += 1
    third = enter(jobs, "a/3")
    with pytest.raises(StoppedError, match="Nobody waits for this answer"):
        second.turn.result()
    jobs.leave(first)
    assert third.turn.done()


def test_nothing_is_run_before_somebody_listens_for_it(clock):
    jobs, here = Jobs(clock=clock), {"a/1": None}
    silent = jobs.enter("a", "1", lambda: here["a/1"])
    other = enter(jobs, "a/2")
    assert other.turn.done()
    jobs.leave(other)
    assert not silent.turn.done()
    here["a/1"] = True
    jobs.look()
    assert silent.turn.done()


def test_a_running_job_stops_between_its_units_when_its_visitor_has_left(clock):
    jobs, here = Jobs(clock=clock), [True]
    job = jobs.enter("a", "1", lambda: here[0], long=True)
    jobs.give_way(job)
    here[0] = False
    for stops in (jobs.check, jobs.give_way):
        with pytest.raises(StoppedError):
            stops(job)


def test_who_has_left_already_leaves_once_more_without_harm(clock):
    jobs = Jobs(clock=clock)
    first, second, third = enter(jobs, "a/1"), enter(jobs, "a/2"), enter(jobs, "a/3")
    jobs.leave(first)
    jobs.leave(first)
    assert second.turn.done()
    assert not third.turn.done()


def test_long_work_gives_way_to_others_between_its_units():
    jobs, done = Jobs(), []
    long = enter(jobs, "a/long", long=True)

    def work():
        for unit in range(3):
            done.append(unit)
            if unit == 0:
                started.set()
                others_wait.wait(10)
            jobs.give_way(long)
        jobs.leave(long)

    started, others_wait = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(10)
    clips = [enter(jobs, "b/1"), enter(jobs, "a/1")]
    assert not any(clip.turn.done() for clip in clips)
    others_wait.set()
    for name, clip in zip(("b/1", "a/1"), clips, strict=True):
        clip.turn.result(10)
        done.append(name)
        jobs.leave(clip)
    thread.join(10)
    assert done[:2] == [0, "b/1"]
    assert done.index("a/1") < done.index(2)
    assert not thread.is_alive()


def test_one_long_job_of_an_address_and_so_many_in_all_are_under_way(clock):
    jobs = Jobs(long_jobs=2, lanes=9, clock=clock)
    tickets = {name: enter(jobs, name, long=True) for name in ("a/1", "a/2", "b/1", "c/1")}
    assert running(tickets) == ["a/1", "b/1"]
    jobs.leave(tickets.pop("a/1"))
    assert running(tickets) == ["b/1", "c/1"]
    assert enter(jobs, "a/3").turn.done()


def test_a_turn_that_takes_too_long_lets_others_run_beside_it(clock):
    jobs = Jobs(patience=5, clock=clock)
    slow, same, other = enter(jobs, "a/1"), enter(jobs, "a/2"), enter(jobs, "b/1")
    clock.now += 4
    jobs.look()
    assert not other.turn.done()
    clock.now += 2
    jobs.look()
    assert other.turn.done()
    jobs.leave(other)
    assert not same.turn.done()  # its address has more than its share already
    jobs.leave(slow)
    assert same.turn.done()


def test_the_place_and_the_time_to_wait_are_told(clock):
    jobs = Jobs(clock=clock)
    first = enter(jobs, "a/1")
    assert jobs.place(enter(jobs, "a/2")) == (1, None, False)
    clock.now += 4
    jobs.leave(first)
    waiting = {name: enter(jobs, name) for name in ("a/3", "a/4", "b/1")}
    clock.now += 1
    places = {name: jobs.place(ticket) for name, ticket in waiting.items()}
    assert {name: (p.ahead, p.seconds) for name, p in places.items()} == {"b/1": (1, 3), "a/3": (2, 7), "a/4": (3, 11)}
    assert jobs.place(enter(jobs, "a/5")).ahead == 4  # though the others have been told theirs already


def test_addresses_are_forgotten_in_time(clock):
    jobs = Jobs(clock=clock)
    for i in range(3000):
        jobs.leave(enter(jobs, f"{i}/1"))
    assert len(jobs._served) <= 1000
    assert not jobs._waiting
    assert not jobs._running


def test_who_listens_is_here_and_who_has_left_is_not(clock):
    visitors = Visitors(clock)
    since = clock.now
    assert visitors.here("s", since) is None
    clock.now += 29
    assert visitors.here("s", since) is None
    with visitors.listen("s"):
        clock.now += 100
        assert visitors.here("s", since) is True
    assert visitors.here("s", since) is True
    clock.now += 4
    assert visitors.here("s", since) is False
    assert visitors.here("s", clock.now) is None  # a later wish, for which nobody listens yet
    clock.now += 31
    assert visitors.here("t", clock.now - 31) is False


def test_an_address_that_goes_too_fast_is_slowed_down(clock):
    pace = Pace(rate=5, burst=3, clock=clock)
    assert [pace.delay("a") for _ in range(5)] == pytest.approx([0, 0, 0, 0.2, 0.4])
    assert pace.behind("a") == pytest.approx(0.4)
    assert pace.delay("b") == pace.behind("c") == 0
    clock.now += 60
    assert [pace.delay("a") for _ in range(4)] == pytest.approx([0, 0, 0, 0.2])
    for i in range(3000):
        clock.now += 1
        pace.delay(str(i))
    assert len(pace._next) < 1100


def test_a_hundred_thousand_sessions_leave_nothing_behind(clock):
    visitors = Visitors(clock)
    for i in range(100_000):
        clock.now += 0.1
        with visitors.listen(str(i)):
            pass
    assert len(visitors._left) < 1000
    assert not visitors._listening


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "address"),
    [
        (("192.0.2.7", 5), None, 0, "192.0.2.7"),
        (("192.0.2.7", 5), "198.51.100.1", 0, "192.0.2.7"),
        (("127.0.0.1", 5), "198.51.100.1", 1, "198.51.100.1"),
        (("127.0.0.1", 5), "made up, 198.51.100.1", 1, "198.51.100.1"),
        (("127.0.0.1", 5), "203.0.113.9, 198.51.100.1", 2, "203.0.113.9"),
        (("127.0.0.1", 5), "198.51.100.1", 2, "198.51.100.1"),
        (("127.0.0.1", 5), None, 1, "127.0.0.1"),
        (("2001:db8:1:2:3::4", 5), None, 0, "2001:db8:1:2::/64"),
        (("2001:db8:1:2::1", 5), None, 0, "2001:db8:1:2::/64"),
        (("2001:db8:1:3::1", 5), None, 0, "2001:db8:1:3::/64"),
        (("fe80::1%eth0", 5), None, 0, "fe80::/64"),
        (("::ffff:192.0.2.7", 5), None, 0, "192.0.2.7"),
        (("127.0.0.1", 5), "192.0.2.7:50001", 1, "192.0.2.7"),  # some proxies say the port, which is another each time
        (("127.0.0.1", 5), "[2001:db8:1:2::1]:50001", 1, "2001:db8:1:2::/64"),
        (("127.0.0.1", 5), "[2001:db8:1:2::1]", 1, "2001:db8:1:2::/64"),
        (None, None, 0, "unknown"),
    ],
)
def test_the_address_is_the_other_ends_or_that_which_a_trusted_proxy_saw(client, forwarded, proxies, address):
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert address_of({"client": client, "headers": headers}, proxies) == address


def quickest(visitor, clip):
    """Seconds of the quickest of three runs: the computer may have other things to do."""
    found = []
    for _ in range(3):
        began = time.monotonic()
        assert "clip.mp4" in status_of(visitor.run(clip))
        found.append(time.monotonic() - began)
    return min(found)


@pytest.mark.slow
def test_a_client_that_never_listens_does_not_hold_others_up(tmp_path):
    """Before there were turns, 33 such posts blocked the page for eleven minutes."""
    with program(tmp_path) as page:
        hostile, other = Visitor(page.url), Visitor(page.url, "127.0.0.2")
        clip = hostile.upload(write_clip(tmp_path / "clip.mp4", numbered_frames(20, 48, 64)))
        other.run(clip)
        alone = quickest(other, clip)
        hostile.find_functions()
        wish = [clip, 0, 1, hostile.titles[0], None]
        said = [hostile.join("run", wish, f"session{i}")[0] for i in range(52)]
        assert said[:30] == [200] * 30
        assert said[-4:] == [503] * 4
        assert quickest(other, clip) < 2 * alone + 0.5
        status, reason = hostile.join("run", wish)
        assert status == 503
        assert reason["detail"].startswith(
            "48 requests from your address are not answered yet; the page takes 48 of them"
        )
        listened = [m for m in hostile.listen("session0") if m["msg"] == "process_completed"]
        assert "clip.mp4" in status_of(listened[0]["output"]["data"])  # who listens after all gets the answer


@pytest.mark.slow
def test_long_work_stops_when_its_visitor_leaves(tmp_path):
    """What-ifs of a clip, whose connection breaks: others do not wait for the rest of them. On a quick computer they would be
    ready before a visitor counts as gone, so this takes less time here."""
    with program(tmp_path, python=("-c", SOON_GONE)) as page:
        visitor, other = Visitor(page.url, "127.0.0.3"), Visitor(page.url, "127.0.0.2")
        visitor.find_functions()
        clip = visitor.upload(write_clip(tmp_path / "clip.mp4", numbered_frames(20, 48, 64)))
        (large,) = [title for title in visitor.titles if "128 pixels" in title]
        assert visitor.join("what_if", [-1, clip, 0, 1, large, None])[0] == 200
        messages = visitor.listen()
        for message in messages:
            if "What if" in str(message.get("progress_data")):
                break
        messages.close()  # as where a tab is closed
        began = time.monotonic()
        assert "clip.mp4" in status_of(other.run(clip))
        time.sleep(5)
        results = len(list(page.folder.glob("result-*")))
        time.sleep(max(0, 20 - (time.monotonic() - began)))
        assert (len(list(page.folder.glob("result-*"))), results) == (1, 1), message
        assert "Traceback" not in page.said
