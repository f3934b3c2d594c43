"""The page over a table: what it finds, what it escapes, what it serves and what it does not."""

import os
import re
import shutil
import socket
import time
from html import unescape
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from sifa.batch.browse.page import table_page
from sifa.batch.browse.server import application
from sifa.batch.browse.table import ORDERS, PAGE, STATES, Filters, Table
from sifa.batch.parts import SCHEMA, part_file
from sifa.cli import main
from sifa.errors import RunError
from tests.batch.tables import read


@pytest.fixture(scope="module")
def rows(quick_whole):
    return read(quick_whole).to_pylist()


@pytest.fixture(scope="module")
def page(quick_whole):
    return TestClient(application(Table(quick_whole)), base_url="http://127.0.0.1:7870", raise_server_exceptions=False)


@pytest.fixture
def copy(quick_whole, tmp_path):
    """A copy of the table, for harm."""
    return Path(shutil.copytree(quick_whole, tmp_path / "table"))


def numbers(table, **asked):
    return [row["number"] for row in table.find(Filters.parse({k: str(v) for k, v in asked.items()})).rows]


KEPT = [
    (dict(name="/0004"), lambda row: "/0004" in row["file"]),
    (dict(answer="class 5"), lambda row: row["answer"] == "class 5"),
    (dict(label="class 0"), lambda row: row["label"] == "class 0"),
    (dict(state="right"), lambda row: row["correct"] is True),
    (dict(state="wrong"), lambda row: row["correct"] is False),
    (dict(state="unsure"), lambda row: row["unsure"]),
    (dict(state="cut"), lambda row: row["cut"]),
    (dict(state="padded"), lambda row: (row["padded"] or 0) > 0),
    (dict(state="failed"), lambda row: row["error"] is not None),
    (dict(low=0.13, high=0.16), lambda row: row["probability"] is not None and 0.13 <= row["probability"] <= 0.16),
    (dict(label="class 5", state="wrong"), lambda row: row["label"] == "class 5" and row["correct"] is False),
    (dict(name="%"), lambda row: False),
    (dict(state="nonsense", low="x", page="-3", order=";", view="1"), lambda row: True),
]


@pytest.mark.parametrize(("asked", "passes"), KEPT, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_filters_keep_what_they_say(asked, passes, quick_whole, rows):
    kept = [row["number"] for row in rows if passes(row)]
    assert numbers(Table(quick_whole), **asked) == kept
    assert (
        kept != [row["number"] for row in rows] or "nonsense" in asked.values() or asked["state"] in ("unsure", "cut")
    )


def test_every_state_and_order_is_tested_or_sorted(quick_whole, rows):
    assert {asked["state"] for asked, _ in KEPT if "state" in asked} - {"nonsense"} == STATES.keys() - {""}
    keys = dict(
        list=lambda row: 0,
        sure=lambda row: -(row["probability"] or 0),
        unsure=lambda row: row["probability"] or 9,
        moved=lambda row: -(row["blocks"][0]["mean"] if row["blocks"] else 0),
        camera=lambda row: -(row["camera"]["share"] if row["camera"] else 0),
        answer=lambda row: (row["answer"] or "~", -(row["probability"] or 0)),
        name=lambda row: row["file"],
    )
    assert keys.keys() == ORDERS.keys()
    for order, key in keys.items():
        sorted_rows = sorted(rows, key=lambda row: (key(row), row["number"]))
        assert numbers(Table(quick_whole), order=order) == [row["number"] for row in sorted_rows], order


def test_the_page_shows_each_clip_and_its_explorer(page, rows):
    shown = page.get("/")
    assert shown.status_code == 200
    assert re.findall(r'href="/clip/(\d+)"', shown.text) == [str(row["number"]) for row in rows]
    known = sum(row["correct"] is not None for row in rows)
    assert f"20 clips, 1 failed; of {known} with a class that the weights know" in shown.text
    for row in rows:
        answer = page.get(f"/{row['page']}")
        picture = page.get(f"/thumbnail/{row['number']}")
        if row["error"]:
            assert (answer.status_code, picture.status_code) == (404, 404)
            assert row["error"] in unescape(answer.text)
        else:
            assert answer.status_code == 200
            assert f"<title>{Path(row['file']).name}: {row['answer']}</title>" in answer.text
            assert picture.content == row["thumbnail"]


def test_as_a_table_it_shows_the_same_clips(page, rows):
    shown = page.get("/?view=table&order=sure").text
    assert sorted(map(int, re.findall(r'href="/clip/(\d+)"', shown))) == [row["number"] for row in rows]
    assert shown.count("<tr>") == 21


def test_what_it_does_not_serve(page):
    paths = "clip/99", "clip/-1", "clip/x", "clip/1/../../batch.json", "thumbnail/9999999999999999999999", "%2e%2e/x"
    files = "traces/00000/000000.sifa", "batch.json", "part-00000.parquet", "clip/9999999999999999999999"
    for path in (*paths, *files):
        assert page.get(f"/{path}").status_code == 404, path
    assert page.post("/").status_code == 405
    assert page.get("/", headers={"host": "evil.example"}).status_code == 400
    assert page.get("/", headers={"host": "localhost:7870"}).status_code == 200


def test_every_answer_has_its_policy_and_the_page_needs_no_script(page):
    for path in ("/", "/?view=table", "/clip/0", "/clip/8", "/clip/99", "/thumbnail/0", "/style.css"):
        headers = page.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert ("script-src" in headers["content-security-policy"]) == (path == "/clip/0")
    assert "<script" not in page.get("/").text + page.get("/?view=table").text


def rewritten(table: Path, out: Path, **values) -> Path:
    """A copy of a table whose first row says something else."""
    shutil.copytree(table, out)
    rows = pq.read_table(part_file(out, 0)).to_pylist()
    rows[0] |= values
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), part_file(out, 0))
    return out


NASTY = """<img src=x onerror=alert(1)>"'&\u202e\ud7ff"""


def test_texts_of_the_table_are_escaped(quick_whole, tmp_path):
    values = dict.fromkeys(("file", "label", "answer"), NASTY) | dict(notes=[NASTY])
    out = rewritten(quick_whole, tmp_path / "table", **values)
    table = Table(out)
    for view in ("grid", "table"):
        for asked in ({}, dict(name=NASTY), dict(answer=NASTY), dict(label=NASTY)):
            text = table_page(table, Filters.parse(dict(view=view, **asked)))
            assert "<img src=x" not in text
            assert 'href="/clip/0"' in text
    client = TestClient(application(table), base_url="http://localhost")
    assert "<img src=x" not in client.get("/clip/0").text.partition("<script")[0]
    failed = rewritten(quick_whole, tmp_path / "failed", error=NASTY, trace=None)
    client = TestClient(application(Table(failed)), base_url="http://localhost")
    assert "<img src=x" not in client.get("/clip/0").text + client.get("/").text


@pytest.mark.parametrize("trace", ["/etc/passwd", "../secret.sifa", "traces/link.sifa", "batch.json", "traces", ""])
def test_only_traces_below_the_folder_are_read(trace, quick_whole, tmp_path):
    out = rewritten(quick_whole, tmp_path / "table", trace=trace)
    shutil.copy(out / "traces/00000/000001.sifa", tmp_path / "secret.sifa")
    (out / "traces/link.sifa").symlink_to(tmp_path / "secret.sifa")
    answer = TestClient(application(Table(out)), base_url="http://localhost").get("/clip/0")
    assert answer.status_code == 404
    assert "the table names no trace of clip 0 in its own folder" in answer.text


def test_a_damaged_trace_is_said(quick_whole, tmp_path):
    out = rewritten(quick_whole, tmp_path / "table")
    file = out / "traces/00000/000000.sifa"
    file.write_bytes(file.read_bytes()[:99])
    answer = TestClient(application(Table(out)), base_url="http://localhost").get("/clip/0")
    assert (answer.status_code, "the trace is cut off" in answer.text) == (404, True)


def test_parts_that_come_meanwhile_are_seen(copy, tmp_path):
    later = part_file(copy, 4).rename(tmp_path / "later.parquet")
    table = Table(copy)
    assert len(numbers(table)) == 16
    later.rename(part_file(copy, 4))
    assert len(numbers(table)) == 20


def test_a_folder_without_a_table_is_refused(tmp_path, capsys):
    assert main(["browse", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"{tmp_path} holds no table; make one with: sifa batch LIST --out {tmp_path}\n"
    part_file(tmp_path, 0).write_bytes(b"torn")
    with pytest.raises(RunError, match="holds parts that cannot be read as one table"):
        Table(tmp_path)


def test_ten_thousand_rows_are_quick(quick_whole, tmp_path):
    """A page of them, with a filter and an order, in less than a fifth of a second of the processor."""
    rows = pq.read_table(part_file(quick_whole, 0)).to_pylist()
    (tmp_path / "table").mkdir()
    for part in range(80):
        more = [
            rows[i % 4] | dict(number=part * 128 + i, probability=(part * 37 + i) % 1000 / 1000) for i in range(128)
        ]
        pq.write_table(pa.Table.from_pylist(more, SCHEMA), part_file(tmp_path / "table", part))
    table = Table(tmp_path / "table")
    asked = Filters.parse(dict(low="0.2", order="sure", page="3", name="00"))
    table_page(table, asked)
    start = time.process_time()
    text = table_page(table, asked)
    assert time.process_time() - start < 0.2
    assert text.count('href="/clip/') == PAGE
    start = time.process_time()
    assert table.thumbnail(10_000) == rows[10_000 % 128 % 4]["thumbnail"]
    assert time.process_time() - start < 0.2


def test_a_port_that_is_taken_is_said(quick_whole, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["browse", str(quick_whole), "--port", str(port)]) == 1
    said = f"the page cannot be at 127.0.0.1, port {port} (Address already in use); give another --host or --port\n"
    assert capsys.readouterr().err == said


def _server(folder):
    return TestClient(application(Table(folder)), base_url="http://127.0.0.1:7870", raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/", "/clip/0", "/thumbnail/0"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda table: part_file(table, 0).write_bytes(b"PAR1 and no table"),
        lambda table: [part.unlink() for part in table.glob("*.parquet")],
        shutil.rmtree,
    ],
)
def test_what_happens_to_a_table_meanwhile_is_said(copy, harm, path):
    page = _server(copy)
    harm(copy)
    answer = page.get(path)
    assert answer.status_code == 500
    assert "The table cannot be read" in answer.text
    assert "sifa batch LIST" in answer.text or "make it anew" in answer.text


def test_a_link_to_nothing_is_no_part(copy):
    page = _server(copy)
    (copy / "part-00900.parquet").symlink_to("nowhere")
    assert page.get("/").status_code == page.get("/thumbnail/0").status_code == 200


@pytest.mark.parametrize("digits", [19, 30, 5000])
def test_numbers_of_any_length_are_answered(page, digits):
    for place in ("clip", "thumbnail"):
        assert page.get(f"/{place}/{'9' * digits}").status_code == 404


@pytest.mark.parametrize("name", ["a\0b.sifa", "x" * 5000 + ".sifa", "traces/pipe.sifa", "traces/folder.sifa"])
def test_a_trace_that_is_no_file_is_refused(copy, name):
    os.mkfifo(copy / "traces" / "pipe.sifa")
    (copy / "traces" / "folder.sifa").mkdir()
    table = Table(copy)
    row = next(row for row in table.find(Filters()).rows if row["error"] is None)
    with pytest.raises(RunError, match="names no trace|is no file"):
        table.trace_file(row | dict(trace=name))


@pytest.mark.parametrize("column", ["number", "file", "answer", "probability"])
def test_rows_that_lack_what_every_row_has_are_refused(copy, column):
    part = part_file(copy, 0)
    table = pq.read_table(part)
    empty = pa.nulls(len(table), table.schema.field(column).type)
    pq.write_table(table.set_column(table.column_names.index(column), column, empty), part)
    with pytest.raises(RunError, match="rows that have no number, file or answer"):
        Table(copy)
