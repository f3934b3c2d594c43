"""The recipes of app/deploy: the image's steps, done here without a container engine, and nginx before two real pages."""

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from app import routes, server
from app.door import PER_ADDRESS
from tests.app.program import free_port
from tests.clips import numbered_frames, write_clip

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "app" / "deploy"
README = (DEPLOY / "README.md").read_text(encoding="utf-8")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HOST = "clips.example.org"
USER = 10001


def instructions():
    """(name, rest) of each instruction of the Dockerfile."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def of(name):
    return [rest for instruction, rest in instructions() if instruction == name]


def copied():
    """What is copied out of the repository: (sources, target)."""
    pairs = [line.split() for line in of("COPY") if not line.startswith("--from")]
    return [(sources, target) for *sources, target in pairs]


def health_check():
    return json.loads(of("HEALTHCHECK")[0].partition("CMD")[2])


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


# What the recipes name


def test_the_image_copies_what_is_there_and_what_its_ignore_file_lets_through():
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    let = {line[1:] for line in lines if line.startswith("!")}
    for sources, _ in copied():
        for source in sources:
            optional = "[" in source  # a pattern, which may match nothing
            assert any(fnmatch(name, source) for name in let), source
            assert optional or (ROOT / source).exists(), source
    assert let == {name for sources, _ in copied() for name in (s.replace("[s]", "s") for s in sources)}


def test_the_image_holds_all_that_the_wheel_is_built_from():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    sources = {source for sources, _ in copied() for source in sources}
    assert {*project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]} <= sources
    assert {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"} <= sources
    assert "app" in project["project"]["optional-dependencies"]


def test_the_image_starts_a_program_of_the_package_with_options_that_it_has():
    program, *options = json.loads(of("ENTRYPOINT")[0])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert program in project["project"]["scripts"]
    (version,) = {line.split()[0] for line in of("FROM")}
    assert version == "python:3.11-slim"
    pages = [service for name, service in compose()["services"].items() if name.startswith("page")]
    for more in ([], *(options_of(page) for page in pages)):
        chosen = server.parser("sifa app").parse_args([*options[1:], *more])
        assert (chosen.host, chosen.port) == ("0.0.0.0", int(of("EXPOSE")[0]))


def options_of(page, host="localhost"):
    """Of a service that is a page, with ALLOWED_HOST as given."""
    return [re.sub(r"\$\{ALLOWED_HOST:-.+\}", host, word) for word in page["command"]]


def test_the_image_runs_as_a_user_who_is_not_root_and_asks_for_its_health():
    assert of("USER") == [f"{USER}:{USER}"]
    assert f"http://127.0.0.1:{of('EXPOSE')[0]}/healthz" in health_check()[-1]
    assert routes.is_open("GET", "/healthz")


def test_every_service_may_do_as_little_as_the_readme_says():
    services = compose()["services"]
    assert len(services) == 4
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges"]
        assert service["mem_limit"]
        assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
        assert "privileged" not in service
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert compose()["networks"]["inside"]["internal"] is True
    assert all(service["networks"] == ["inside"] for name, service in services.items() if name != "proxy")


def test_the_proxy_knows_the_replicas_and_lets_the_largest_upload_through():
    recipe = (DEPLOY / "nginx.conf").read_text()
    pages = [name for name in compose()["services"] if name.startswith("page")]
    assert re.findall(r"server (\S+):7860 ", recipe) == pages
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", recipe)
    assert int(megabytes) << 20 >= routes.MAX_UPLOAD_BYTES + routes.MULTIPART_BYTES
    (port,) = re.findall(r"listen (\d+);", recipe)
    assert compose()["services"]["proxy"]["ports"] == [f"8080:{port}"]


def test_the_readme_gives_a_reason_for_every_setting():
    settings = {key for service in compose()["services"].values() for key in service}
    settings |= {name for name, _ in instructions()}
    settings |= set(re.findall(r"^ *([a-z_]+) [^{\n]*;$", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE))
    settings |= set(re.findall(r"(--[a-z-]+)", re.search(r"docker run .*?```", README, re.DOTALL)[0]))
    explained = set(re.findall(r"`([^`\s]+)", "\n".join(re.findall(r"^\| (.*?) \|", README, re.MULTILINE))))
    assert settings - explained == set()


# The image's steps, done here, and the page as its container would run it

ISOLATED = """
set -eu
mount -t tmpfs -o mode=755 tmpfs /mnt
number=0
for kept in $KEPT; do mkdir /mnt/$number; mount --bind "$kept" /mnt/$number; number=$((number + 1)); done
for hidden in $HIDDEN; do mount -t tmpfs -o mode=755 tmpfs "$hidden"; done
chmod 1777 /tmp
number=0
for kept in $KEPT; do
    mkdir -p "$kept"; mount --move /mnt/$number "$kept"; mount -o remount,bind,ro "$kept"; number=$((number + 1))
done
for hidden in $HIDDEN; do test "$hidden" = /tmp || mount -o remount,ro "$hidden"; done
umount /mnt
mount -o remount,bind,ro /
cd /tmp
exec setpriv --reuid "$1" --regid "$1" --clear-groups --bounding-set=-all --no-new-privs env -i "${@:2}"
"""


def closed_above(path):
    """The first folder above a path that other users may not enter."""
    return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 1), None)


def isolated(kept, *command):
    """The command line that runs a command as the container would: the whole tree read-only but /tmp, which is empty,
    another user, no capabilities; only the folders `kept` are there of those that others may not enter."""
    closed = {folder for folder in map(closed_above, kept) if folder and not folder.is_relative_to("/tmp")}
    hidden = {Path("/tmp"), *closed}
    script = ISOLATED.replace("$KEPT", shlex.join(map(str, kept))).replace("$HIDDEN", shlex.join(map(str, hidden)))
    return ["unshare", "--mount", "bash", "-c", script, "isolated", str(USER), *map(str, command)]


def may_isolate():
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        return False
    return subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False).returncode == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The folder that stands for the image's root: the steps of the first stage done there, the packages lent from here."""
    root = tmp_path_factory.mktemp("image")
    source = root / of("WORKDIR")[0].strip("/")
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for sources, target in copied():
        for name in sources:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / target, ignore=ignored)
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, source / target)
    offline = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    (line,) = of("RUN")
    for step in line.split(" && "):
        words = [word.replace("/page", str(root / "page")) for word in shlex.split(step)]
        words[0] = sys.executable if words[0] == "python" else words[0]
        done = subprocess.run(words, cwd=source, env=os.environ | offline, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (site,) = (root / "page").glob("lib/python*/site-packages")
        lent = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        (site / "lent.pth").write_text("\n".join(lent))
    shutil.rmtree(source)
    return root


def kept_folders(image):
    lent = [Path(path) for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return [image / "page", *lent, Path(sys.base_prefix)]


def environment(image):
    """NAME=value of the image's ENV, with its root where it is here."""
    return [word.replace("/page/", f"{image}/page/") for word in shlex.split(of("ENV")[0])]


@pytest.mark.full
def test_the_image_built_here_serves_the_page_from_a_tree_that_is_read_only(image, tmp_path):
    if not may_isolate():
        pytest.skip("needs root, with the right to mount, to become the image's user in a tree of its own")
    kept, around = kept_folders(image), environment(image)
    places = ["/x", "/etc/x", "/root/x", "/var/tmp/x", "/usr/x", f"{image}/page/x", f"{image}/x", "/tmp/x"]
    tried = isolated(kept, *around, "sh", "-c", 'id -u; for f in "$@"; do touch $f && echo $f; done', "sh", *places)
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(USER), "/tmp/x"], done.stderr

    program, *options = json.loads(of("ENTRYPOINT")[0])
    port = free_port()
    command = isolated(kept, *around, image / "page/bin" / program, *options, "--device", "cpu", "--port", port)
    with running(command, tmp_path / "said", cwd="/"):
        assert "shut off: no files, no network, no programs" in (tmp_path / "said").read_text()
        assert predict(port, clip(tmp_path)) == 200
        check = [sys.executable, *(word.replace(of("EXPOSE")[0], str(port)) for word in health_check()[1:])]
        assert subprocess.run(check, check=False).returncode == 0
    assert subprocess.run(check, capture_output=True, check=False).returncode != 0


# Several replicas behind nginx


@contextmanager
def running(command, said, **options):
    """A page from when it answers until it is stopped; `said` is the file of all that it says."""
    with said.open("w") as out:
        page = subprocess.Popen([str(word) for word in command], stdout=out, stderr=subprocess.STDOUT, **options)
    try:
        until = time.monotonic() + 120
        while not all(words in said.read_text() for words in ("The page is at", "shut off")):
            assert page.poll() is None, said.read_text()
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.1)
        yield page
    finally:
        page.send_signal(signal.SIGTERM)
        page.wait(20)


def ask(port, method, path, body=None, source="127.0.0.1", **headers):
    """-> (status, headers, body) of one request, from the address `source`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120, source_address=(source, 0))
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def clip(folder):
    return write_clip(folder / "clip.mp4", numbered_frames(20)).read_bytes()


def predict(port, video, **headers):
    """Upload a clip, have it predicted, and fetch the result and the clip; the first status that is not 200, or 200."""
    form = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="clip.mp4"\r\n\r\n' + video + b"\r\n--x--\r\n"
    )
    status, _, text = ask(
        port, "POST", "/gradio_api/upload", form, Content_Type="multipart/form-data; boundary=x", **headers
    )
    if status != 200:
        return status
    (path,) = json.loads(text)
    data = json.dumps({"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, 0, 1]})
    status, _, text = ask(port, "POST", "/gradio_api/call/predict", data, Content_Type="application/json", **headers)
    if status != 200:
        return status
    status, _, text = ask(port, "GET", f"/gradio_api/call/predict/{json.loads(text)['event_id']}", **headers)
    assert status != 200 or b"event: complete" in text, text
    return status


@pytest.fixture(scope="module")
def replicas(tmp_path_factory):
    """Two pages, and nginx with the recipe before them; -> its port, the pages by their ports, and its log."""
    if not NGINX:
        pytest.skip("nginx is not installed; apt-get install nginx-light does it")
    folder = tmp_path_factory.mktemp("replicas")
    ports = [free_port(), free_port()]
    proxy = free_port()
    recipe = (DEPLOY / "nginx.conf").read_text()
    recipe = re.sub(r"server page1:7860 (.*;)", "".join(f"server 127.0.0.1:{port} \\1" for port in ports), recipe)
    recipe = re.sub(r"server page\d:7860 .*;", "", recipe).replace("listen 8080", f"listen 127.0.0.1:{proxy}")
    recipe = recipe.replace("/tmp/", f"{folder}/").replace("/dev/stdout", f"{folder}/requests")
    (folder / "nginx.conf").write_text(recipe)
    with ExitStack() as stack:
        pages = {}
        for port in ports:
            command = [sys.executable, "-m", "app", "--device", "cpu", "--port", port]
            command += options_of(compose()["services"]["page1"], HOST)
            pages[port] = stack.enter_context(running(command, folder / f"said{port}", cwd=ROOT))
        before = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-g", "daemon off;"], stderr=subprocess.PIPE)
        stack.callback(before.wait, 20)
        stack.callback(before.terminate)
        until = time.monotonic() + 20
        while not (folder / "nginx.pid").exists():
            assert before.poll() is None, before.stderr.read().decode()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield proxy, pages, folder / "requests"


def of_replica(log, since):
    """To which replicas the requests went, from a place in nginx's log on."""
    time.sleep(0.1)
    return {int(line.rpartition(":")[2]) for line in log.read_text()[since:].splitlines()}


def visit(port, log, video):
    """A browser's visit: the page, an upload, its result; -> the cookie and the replica."""
    since = log.stat().st_size
    status, headers, _ = ask(port, "GET", "/", Host=HOST)
    assert status == 200
    cookie = re.fullmatch(r"(replica=[0-9a-f]{32}); Path=/; HttpOnly; SameSite=Lax", headers["Set-Cookie"])[1]
    status, headers, _ = ask(port, "GET", "/?again", Host=HOST, Cookie=cookie)
    assert (status, headers["Set-Cookie"]) == (200, None)
    assert predict(port, video, Host=HOST, Cookie=cookie, Origin=f"https://{HOST}") == 200
    (replica,) = of_replica(log, since)
    return cookie, replica


@pytest.mark.slow
def test_what_is_too_large_or_for_another_host_is_refused_through_the_proxy(replicas):
    proxy, _, _ = replicas
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=20)
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Content-Length", str(202 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert ask(proxy, "GET", "/", Host="other.example.org")[0] == 421


@pytest.mark.slow
def test_behind_the_proxy_each_visitor_has_an_address_of_their_own(replicas):
    """Whatever they say of it themselves; both are led to the same replica."""
    proxy, _, _ = replicas
    wish, headers = b'{"data": [null, 0, 1]}', dict(Cookie=f"replica={'5' * 32}", Content_Type="application/json")

    def join(source, forwarded):
        headers["X_Forwarded_For"] = forwarded
        return ask(proxy, "POST", "/gradio_api/call/predict", wish, source, **headers)

    found = [join("127.0.0.3", f"192.0.2.{i}")[0] for i in range(PER_ADDRESS + 2)]
    assert found == [200] * PER_ADDRESS + [503] * 2
    assert b"requests from your address are not answered yet" in join("127.0.0.3", "")[2]
    assert join("127.0.0.4", "127.0.0.3")[0] == 200


@pytest.mark.slow
def test_each_visitor_stays_with_one_replica_and_each_replica_gets_some(replicas, tmp_path):
    proxy, pages, log = replicas
    video = clip(tmp_path)
    visits = [visit(proxy, log, video) for _ in range(6)]
    while {replica for _, replica in visits} != set(pages):  # seldom
        assert len(visits) < 40
        visits.append(visit(proxy, log, video))
    since = log.stat().st_size
    assert predict(proxy, video, Host=HOST) == 200  # a program that keeps no cookies
    assert len(of_replica(log, since)) == 1

    lost = visits[0][1]
    pages[lost].kill()
    pages[lost].wait()
    for cookie, replica in visits[:6]:
        since = log.stat().st_size
        assert ask(proxy, "GET", "/", Host=HOST, Cookie=cookie)[0] == 200
        assert predict(proxy, video, Host=HOST, Cookie=cookie) == 200, replica
    for _ in range(2):
        assert visit(proxy, log, video)[1] != lost
