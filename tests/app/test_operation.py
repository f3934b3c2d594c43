"""What the page says of its own work."""

import json
import logging

import pytest

from app import operation


@pytest.fixture
def fresh(monkeypatch):
    """Nothing counted and nowhere logged yet."""
    monkeypatch.setattr(operation, "COUNTS", operation.Counts())
    log = operation.log
    yield
    for handler in [*log.handlers]:
        log.removeHandler(handler)
        handler.close()
    log.setLevel(logging.NOTSET)


@pytest.mark.usefixtures("fresh")
def test_a_line_for_each_request_and_job(tmp_path):
    operation.log_to(str(tmp_path / "log"))
    operation.log_request("join", 0.01234, 200, 100, 50)
    operation.log_job("clip", 1.5, "done")
    request, job = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert request.pop("time").endswith("+00:00")
    assert request.pop("id") != job.pop("id")
    assert request == dict(kind="join", seconds=0.0123, status=200, received=100, sent=50)
    assert job.pop("time")
    assert job == dict(kind="job", seconds=1.5, job="clip", outcome="done")


@pytest.mark.usefixtures("fresh")
def test_nothing_is_said_by_itself(capfd):
    operation.log_to(None)
    operation.log_request("join", 0.1, 200, 1, 1)
    operation.log_job("clip", 0.1, "done")
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("fresh")
def test_counters_add_up_and_read_as_prometheus_reads():
    operation.log_request("upload", 0.5, 200, 1000, 10)
    operation.log_request("upload", 0.25, 413, 0, 10)
    operation.log_job('odd "kind"\n', 2, "failed")
    operation.COUNTS.queue = lambda: (3, 1)
    text = operation.metrics()
    lines = text.splitlines()
    for line in (
        'sifa_requests_total{kind="upload",status="2xx"} 1',
        'sifa_requests_total{kind="upload",status="4xx"} 1',
        'sifa_request_seconds_total{kind="upload"} 0.75',
        "sifa_received_bytes_total 1000",
        "sifa_sent_bytes_total 20",
        "sifa_uploads_total 1",
        'sifa_jobs_total{kind="odd _kind__",outcome="failed"} 1',
        "sifa_jobs_waiting 3",
        "sifa_jobs_running 1",
        "# TYPE sifa_requests_total counter",
        "# TYPE sifa_up_seconds gauge",
    ):
        assert line in lines
    assert text.endswith("\n")
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


@pytest.mark.usefixtures("fresh")
def test_health_tells_of_the_queue_where_there_is_one():
    assert set(operation.health()) == {"status", "version", "seconds"}
    operation.COUNTS.queue = lambda: (3, 1)
    assert operation.health() | dict(waiting=3, running=1, status="ok") == operation.health()
