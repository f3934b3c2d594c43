"""What strangers may send: each is refused within a second or two, and the page answers afterwards as before."""

import json
import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from app import disk
from tests.clips import numbered_frames, write_clip

from .asking import MULTIPART, ask, form, send_json, talk, upload
from .program import start

SECONDS = 2.0  # for a refusal, on a busy machine
HEAD = b"Host: 127.0.0.1\r\n"
JSON = HEAD + b"Content-Type: application/json\r\n"
DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    page = start(tmp_path_factory.mktemp("attacked"), "--metrics")
    yield page
    said = page.said
    page.stop()
    assert "Traceback" not in said
    assert len(said) < 2000, "whoever asks must not be able to fill the terminal"


@pytest.fixture(autouse=True)
def unharmed(page):
    """The page answers as before, at once."""
    yield
    start = time.monotonic()
    assert page.process.poll() is None
    assert ask(page.url, "GET", "/theme.css")[0] == 200
    assert time.monotonic() - start < SECONDS


def refused(page, data, whole=False):
    """The bytes are answered with a 4xx, soon."""
    start = time.monotonic()
    status, answer = talk(page.port, data, whole=whole)
    assert status in range(400, 500), answer[:300]
    assert time.monotonic() - start < SECONDS
    return answer


def memory(page):
    """Resident bytes of the program, from Linux."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{page.process.pid}/status").read_text())[1]) * 1024


def left_behind(page):
    """Files of uploads that were not finished."""
    return [f for f in page.temporary.glob("sifa-explorer-*/*") if f.is_file() and f.name != disk.OWNER]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", numbered_frames(20, 48, 64)).read_bytes()


def stream(page, body, path="/gradio_api/queue/join"):
    """The answer to a job of the page, as text: its messages until it ends."""
    status, _, text = send_json(page.url, path, body)
    if status != 200:
        return f"{status} {text}"
    return ask(page.url, "GET", f"/gradio_api/queue/data?session_hash={body['session_hash']}")[2]


def number(page, name):
    """The number of the function with this name in the page's own list."""
    functions = json.loads(ask(page.url, "GET", "/config")[2])["dependencies"]
    return next(f["id"] for f in functions if f["api_name"] == name)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2, 3\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x2\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: x\r\n",
        b"Content-Length: 2\r\n Transfer-Encoding: chunked\r\n",
        b"Content-Length: 2\x00\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n",
    ],
)
def test_the_length_of_a_request_can_be_read_in_one_way_only(page, head):
    """Two readings let a proxy and the page see different requests."""
    smuggled = b"0\r\n\r\nGET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n"
    answer = refused(page, b"POST /gradio_api/queue/join HTTP/1.1\r\n" + JSON + head + b"\r\n" + smuggled, whole=True)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"".join(b"X-%d: x\r\n" % i for i in range(10_000)) + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"".join(b"X-%d: x\r\n" % i for i in range(200)) + b"\r\n",
        b"GET /?" + b"x" * 100_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /gradio_api/file=/" + b"x" * 12_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + HEAD + b"\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /%ff%fe HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /static/%00 HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /assets/a%00.js HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /assets/" + b"x" * 5000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /gradio_api/file=/tmp/%00 HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET /gradio_api/file=/tmp/%ff HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\n\r\nnonsense\r\n\r\n",
        b"TRACE / HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n",
    ],
)
def test_bombs_and_broken_requests_are_refused(page, data):
    refused(page, data)


def test_a_preflight_of_a_foreign_page_is_not_answered(page):
    head = b"Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n"
    answer = refused(page, b"OPTIONS /gradio_api/queue/join HTTP/1.1\r\n" + HEAD + head + b"\r\n")
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize("origin", ["http://localhost:1", "http://evil.example", "null"])
def test_no_foreign_page_may_read_an_answer(page, origin):
    status, headers, _ = ask(page.url, "GET", "/config", headers={"Origin": origin})
    assert status == 200
    assert not [name for name in headers if name.lower().startswith("access-control")]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 400), ("none", 400), ("x", 403)]
)
def test_posts_that_the_browser_calls_foreign_are_refused(page, site, status):
    assert send_json(page.url, "/gradio_api/queue/join", {}, **{"Sec-Fetch-Site": site})[0] == status


def test_a_body_of_600_mb_costs_no_memory(page):
    """Whatever length it claims; what is not read is thrown away or cut off."""
    before = memory(page)
    for claimed in (600 << 20, 1000):
        head = b"POST /gradio_api/queue/join HTTP/1.1\r\n" + JSON + b"Content-Length: %d\r\n\r\n" % claimed
        with socket.create_connection(("127.0.0.1", page.port), timeout=10) as connection:
            try:
                connection.sendall(head)
                for _ in range(600):
                    connection.sendall(b"[" * (1 << 20))
            except ConnectionError:
                pass
        assert memory(page) - before < 50 << 20


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"data":' + DEEP + b',"fn_index":0,"session_hash":"s"}',
        b'{"data":[' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b'],"fn_index":0,"session_hash":"s"}',
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"data": "\xff"}',
        b'{"data":[],"fn_index":99,"session_hash":"s"}',
        b'{"data":[],"fn_index":-1,"session_hash":"s"}',
        b'{"data":[],"fn_index":"x","session_hash":"s"}',
        b'{"data":[],"fn_index":1e400,"session_hash":"s"}',
        b'{"data":[],"fn_index":99999999999999999999999,"session_hash":"s"}',
        b'{"data":[],"session_hash":"s"}',
        b'{"data":{},"fn_index":0,"session_hash":"s"}',
        b'{"data":[],"fn_index":0,"session_hash":5}',
        b'{"data":[],"fn_index":0,"session_hash":null}',
        b'{"data":[],"fn_index":0,"session_hash":"' + b"s" * 500_000 + b'"}',
        b'{"data":[],"fn_index":0,"session_hash":"../\\u0000"}',
    ],
)
@pytest.mark.parametrize("path", [b"/gradio_api/queue/join", b"/gradio_api/call/predict"])
def test_what_is_no_job_is_refused(page, path, body):
    if path.endswith(b"predict") and body.startswith(b'{"data":[]'):
        body = body.replace(b'"data":[]', b'"data":7')
    head = b"POST " + path + b" HTTP/1.1\r\n" + JSON
    refused(page, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("path", ["/gradio_api/call/nothing", "/gradio_api/call/run", "/gradio_api/call/0"])
def test_only_the_public_function_is_called_by_name(page, path):
    status, _, text = send_json(page.url, path, {"data": [None, 0, 4]})
    assert status in range(400, 500), text


@pytest.mark.parametrize(
    "data",
    [
        [5, "x", [], {}],
        [{"path": 5}, 0, 4, ""],
        [{"path": []}, 0, 4, ""],
        [{}, 0, 4, ""],
        [{"path": "clip\0.mp4"}, 0, 4, ""],
        [{"path": "x" * 100_000}, 0, 4, ""],
        [[{"path": "/etc/passwd"}], 0, 4, ""],
        [],
        [None] * 1000,
        [{"path": "http://127.0.0.1:9/x.mp4", "meta": {"_type": "gradio.FileData"}}, 0, 4, ""],
        [None, "1" * 100_000, 4, ""],
        [None, 1e308, -5, {"a": 1}],
    ],
)
@pytest.mark.parametrize("name", ["run", "predict"])
def test_values_of_wrong_kinds_end_the_job_with_a_message(page, name, data):
    start = time.monotonic()
    if name == "run" and len(data) == 4:
        data = [*data, {"clip": None, "square": data}]
    body = {"data": data, "fn_index": number(page, name), "session_hash": f"wrong{len(str(data))}"}
    text = stream(page, body)
    assert re.match("4\\d\\d", text) or "process_completed" in text, text[:500]
    assert "should not" not in text
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("value", [None, -1, 999, 0.5, "x", {}, [], [[]], True, 1e308])
def test_no_function_of_the_page_stumbles_over_a_value(page, value):
    """Whatever it is called for, and with whatever else that happened on the page."""
    for function in json.loads(ask(page.url, "GET", "/config")[2])["dependencies"]:
        body = {"data": [value] * len(function["inputs"]), "fn_index": function["id"], "session_hash": "stumble"}
        text = stream(page, body | {"event_data": {"index": value, "value": value}, "trigger_id": 1})
        refused = "Upload the clip first" if function["backend_fn"] else f"The page has no function {function['id']};"
        assert "process_completed" in text or text.startswith(f'400 {{"detail": "{refused}'), text[:500]
        assert ("process_completed" in text) <= function["backend_fn"]  # the others are the browser's own
        assert "should not" not in text


@pytest.mark.parametrize("name", ["run", "predict"])
def test_files_elsewhere_on_the_computer_are_not_read(page, name, clip, tmp_path):
    """Also where they are clips: a job of the page may be sent by anybody."""
    (tmp_path / "private.mp4").write_bytes(clip)
    data = [{"path": str(tmp_path / "private.mp4"), "meta": {"_type": "gradio.FileData"}}, 0, 4, "", None]
    text = stream(
        page, {"data": data[: 5 if name == "run" else 3], "fn_index": number(page, name), "session_hash": name}
    )
    assert "result-" not in text
    assert "top5" not in text
    assert re.search("Upload the clip first; files elsewhere", text), text[:500]


def test_only_whole_uploads_and_results_of_the_page_are_handed_out(page, tmp_path):
    status, text = upload(page.url, "mine.txt", b"a text of mine")
    own = Path(json.loads(text)[0])
    assert status == 200
    assert ask(page.url, "GET", f"/gradio_api/file={own}")[2] == "a text of mine"
    (tmp_path / "secret.txt").write_text("secret")
    (own.parent / "link.txt").symlink_to(tmp_path / "secret.txt")
    (own.parent.parent / "tmpabcdefgh").write_text("an upload that is not finished")
    os.mkfifo(own.parent / "pipe")
    for path in (
        own.parent / "link.txt",
        own.parent / "pipe",
        own.parent.parent / "tmpabcdefgh",
        own.parent,
        own.parent.parent,
        tmp_path / "secret.txt",
        f"{own}/../../../../secret.txt",
        f"{own.parent}/../../../small.safetensors",
        f"{own.parent}/%2e%2e/%2e%2e/%2e%2e/small.safetensors",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        f"/proc/{page.process.pid}/cwd/pyproject.toml",
        "/dev/zero",
        "pyproject.toml",
        "file:///etc/passwd",
        "C:\\Windows\\win.ini".replace("\\", "%5C"),
    ):
        start = time.monotonic()
        assert ask(page.url, "GET", f"/gradio_api/file={path}")[0] in (403, 404), path
        assert time.monotonic() - start < SECONDS
    (own.parent.parent / "tmpabcdefgh").unlink()


def test_where_an_upload_lies_cannot_be_guessed(page):
    """A name of 64 hexadecimal digits that does not follow from the content alone."""
    import hashlib

    content = b"everybody has this file"
    folder = Path(json.loads(upload(page.url, "known.bin", content)[1])[0]).parent.name
    assert re.fullmatch("[0-9a-f]{64}", folder)
    assert folder != hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evil.html", b"<script>alert(1)</script>"),
        ("evil.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("evil.xhtml", b'<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>'),
        ("evil.xml", b'<?xml version="1.0"?><x/>'),
        ("evil.js", b"alert(1)"),
        ("evil.mp4", b"<script>alert(1)</script>"),
        ("evil.png", b"<script>alert(1)</script>"),
        ("evil", b"<script>alert(1)</script>"),
        ("evil.pdf", b"%PDF-1.4"),
    ],
)
def test_an_upload_is_never_a_page_of_ours(page, name, content):
    path = json.loads(upload(page.url, name, content)[1])[0]
    for headers in ({}, {"Range": "bytes=0-5"}):
        _, answer, _ = ask(page.url, "GET", f"/gradio_api/file={path}", headers=headers)
        assert re.match("application/octet-stream|(image|video)/(?!svg)", answer["Content-Type"])
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.mp4",
        "..%2f..%2fevil.mp4",
        "/etc/cron.d/evil",
        "C:\\evil.mp4",
        "a" * 5000 + ".mp4",
        "ä" * 1500 + ".mp4",
        "\u202e4pm.exe",
        "CON",
        "con.mp4",
        "evil.mp4...",
        "evil.mp4 ",
        "-rf",
        "$(touch x).mp4",
        "<img src=x onerror=alert(1)>.mp4",
        ".htaccess",
        "",
    ],
)
def test_hostile_names_of_files_stay_inside_the_folder(page, name):
    status, text = upload(page.url, name, b"x")
    assert status in (200, 400)
    if status == 200:
        path = Path(json.loads(text)[0])
        (folder,) = page.temporary.glob("sifa-explorer-*")
        assert path.parent.parent == folder
        assert path.read_bytes() == b"x"
        assert len(path.name.encode()) <= 255
        assert not set(path.name) & set('<>"\r\n\0\\')
    assert left_behind(page) == []


@pytest.mark.parametrize(
    ("query", "status"), [("?upload_id=abc", 200), ("", 200), ("?upload_id=" + "x" * 65, 404), ("?x=1", 404)]
)
def test_an_upload_has_a_short_name_or_none(page, query, status):
    body = form(("a.mp4", b"x"))
    assert ask(page.url, "POST", "/gradio_api/upload" + query, body, MULTIPART)[0] == status


@pytest.mark.parametrize(
    "body",
    [
        form(("..", b"x")),
        form((".", b"x")),
        form(("a\0.mp4", b"x")),
        form(("a\u2028.mp4", b"x")),
        form(("ä.mp4", b"x")).replace("ä".encode(), b"\xe4"),
        form(*[(f"{i}.mp4", b"") for i in range(1000)]),
        form(("a.mp4", b"x"), ("b.mp4", b"x")),
        form(("a.mp4", b"x"), field="other"),
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 3 + b"--x--\r\n",
        b"--x\r\n\r\nx\r\n" * 100_000 + b"--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n' * 100_000 + b"--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n'
        + b"X: "
        + b"x" * 100_000
        + b"\r\n\r\n",
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n' + b"X: x\r\n" * 10_000 + b"\r\n",
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\nContent-Type: multipart/mixed; '
        b'boundary=y\r\n\r\n--y\r\nContent-Disposition: file; filename="b"\r\n\r\nx\r\n--y--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nno end',
        b"--x--\r\n",
        b"no boundary in here",
        b"",
    ],
)
def test_forms_of_other_shapes_are_refused_and_leave_nothing(page, body):
    start = time.monotonic()
    head = HEAD + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n" % len(body)
    status, answer = talk(page.port, b"POST /gradio_api/upload HTTP/1.1\r\n" + head + body)
    assert status in [0, *range(400, 500)], answer  # 0 where it was cut off while it still sent
    assert time.monotonic() - start < SECONDS
    assert left_behind(page) == []


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 5000,
        "multipart/form-data; boundary=x; charset=rot13",
        "multipart/mixed; boundary=x",
        "application/json",
        "",
    ],
)
def test_only_forms_are_uploads(page, kind):
    status, _, _ = ask(page.url, "POST", "/gradio_api/upload", form(("a.mp4", b"x")), {"Content-Type": kind})
    assert status in range(400, 500) or "charset" in kind
    assert left_behind(page) == []


def test_an_upload_that_breaks_off_leaves_nothing(page):
    head = b"POST /gradio_api/upload HTTP/1.1\r\n" + HEAD + b"Content-Type: multipart/form-data; boundary=x\r\n"
    with socket.create_connection(("127.0.0.1", page.port)) as connection:
        connection.sendall(head + b"Content-Length: 5000000\r\n\r\n" + form(("a.mp4", b"x" * 100_000))[:-9])
        time.sleep(0.5)
        assert left_behind(page)
    wait_until(lambda: not left_behind(page))


def wait_until(true, seconds=5):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/queue/data?session_hash=%s",
        "/gradio_api/call/predict/%s",
    ],
)
def test_guessed_names_of_jobs_get_nothing(page, path):
    for guess in ("0" * 32, "x", "..", "%00", "x" * 2000, ""):
        start = time.monotonic()
        status, _, text = ask(page.url, "GET", path % guess)
        assert status in range(400, 500), (guess, text)
        assert time.monotonic() - start < SECONDS


def test_ten_thousand_names_of_sessions_cost_little(page):
    """From as many addresses as it takes to ask for all of them at once."""
    before = memory(page)
    for block in range(100):
        with socket.create_connection(("127.0.0.1", page.port), 30, (f"127.0.9.{block // 4 + 1}", 0)) as connection:
            for i in range(100):
                target = b"/gradio_api/queue/data?session_hash=guess%d" % (100 * block + i)
                connection.sendall(b"GET " + target + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
            count = 0
            while count < 100:
                count += connection.recv(1 << 20).count(b"HTTP/1.1 404")
    assert memory(page) - before < 20 << 20


def test_nobody_stops_the_job_of_another(page, clip):
    """Neither by guessing nor by the numbers of functions, which everybody knows."""
    path = json.loads(upload(page.url, "clip.mp4", clip)[1])[0]
    run = number(page, "run")
    answers = []
    clip = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [clip, 0, 1, "x", None], "fn_index": run, "session_hash": "the0visitor"}
    thread = threading.Thread(target=lambda: answers.append(stream(page, body)))
    thread.start()
    for i in range(50):
        for session in ("", "another", f"guess{i}"):
            request = {"session_hash": session, "fn_index": run, "event_id": f"{i:032x}"}
            status, _, _ = send_json(page.url, "/gradio_api/cancel", request)
            assert status in (200, 400)
    thread.join(60)
    assert "process_completed" in answers[0]
    assert "the listed weights" in answers[0], "it ran to its own end"
    assert send_json(page.url, "/gradio_api/reset", {"event_id": "0" * 32})[0] == 404


def test_heartbeats_hold_no_connection(page):
    start = time.monotonic()
    for i in range(100):
        assert ask(page.url, "GET", f"/gradio_api/heartbeat/{i}")[0] == 404
    assert time.monotonic() - start < 5


def test_recordings_are_never_processed(page):
    status, _, _ = ask(page.url, "POST", "/gradio_api/process_recording", form(("x.m3u8", b"#EXTM3U")), MULTIPART)
    assert status == 404
