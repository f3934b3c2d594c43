import hashlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import save

import sifa
from sifa.weights.checkpoint import save as save_model
from sifa.weights.download import fetch
from tests.predictions import nano_model

WEIGHTS = save({"a": torch.arange(4.0)})
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A small web server, also laid out like the hub; `server.files` maps paths to contents, `server.seen` lists requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body: bool):
            self.server.seen.append((self.command, self.path))
            content = self.server.files.get(self.path)
            if content is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + 100 * ("short" in self.path)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest() if "wrong" not in self.path else DIGEST}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.seen = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("SIFA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url_is_downloaded_once_with_progress(server, capsys):
    server.files["/weights.safetensors"] = WEIGHTS
    file = fetch(f"{server.url}/weights.safetensors#sha256={DIGEST}")
    assert file.read_bytes() == WEIGHTS
    assert "downloading weights.safetensors" in capsys.readouterr().err
    assert fetch(f"{server.url}/weights.safetensors") == file
    assert len(server.seen) == 1


def test_a_file_of_another_digest_is_refused_and_not_kept(server):
    server.files["/weights.safetensors"] = WEIGHTS + b"changed"
    with pytest.raises(sifa.WeightsError, match=rf"not the file it should be: its sha256 is .*not {DIGEST[:16]}"):
        fetch(f"{server.url}/weights.safetensors#sha256={DIGEST}")
    server.files[f"/net-{DIGEST[:8]}.pth"] = WEIGHTS + b"changed"
    with pytest.raises(sifa.WeightsError, match="not the file it should be"):
        fetch(f"{server.url}/net-{DIGEST[:8]}.pth")
    server.files["/weights.safetensors"] = server.files[f"/net-{DIGEST[:8]}.pth"] = WEIGHTS
    assert fetch(f"{server.url}/weights.safetensors#sha256={DIGEST}").read_bytes() == WEIGHTS
    assert fetch(f"{server.url}/net-{DIGEST[:8]}.pth").read_bytes() == WEIGHTS


def test_failed_downloads_are_told_and_leave_nothing(server, tmp_path):
    with pytest.raises(sifa.WeightsError, match=r"could not be downloaded \(HTTP Error 404"):
        fetch(f"{server.url}/absent.safetensors")
    server.files["/short.safetensors"] = WEIGHTS
    with pytest.raises(sifa.WeightsError, match=f"broke off after {len(WEIGHTS)} of {len(WEIGHTS) + 100} bytes"):
        fetch(f"{server.url}/short.safetensors")
    with pytest.raises(sifa.WeightsError, match="could not be downloaded"):
        fetch("http://127.0.0.1:9/weights.safetensors")
    assert [f for f in (tmp_path / "cache").rglob("*") if f.is_file()] == []


def test_a_checkpoint_of_ours_loads_from_a_url_and_from_the_hub(server, tmp_path):
    model = nano_model()
    save_model(model, model.card, tmp_path / "nano.safetensors")
    content = (tmp_path / "nano.safetensors").read_bytes()
    server.files["/some/nano.safetensors"] = server.files["/us/nano/resolve/main/model.safetensors"] = content
    for source in (f"{server.url}/some/nano.safetensors", "hf-hub:us/nano"):
        loaded = sifa.load(source)
        assert torch.equal(loaded.head.weight, model.head.weight)
        assert loaded.card.sha256 == hashlib.sha256(content).hexdigest()


def test_a_wrong_file_of_the_hub_is_refused_and_not_kept(server, tmp_path):
    server.files["/us/wrong/resolve/main/model.safetensors"] = WEIGHTS + b"changed"
    with pytest.raises(sifa.WeightsError, match="not the file it should be"):
        fetch("hf-hub:us/wrong")
    assert not [f for f in (tmp_path / "hub").rglob("blobs/*") if f.is_file()]
    with pytest.raises(sifa.WeightsError, match="hf-hub:us/absent could not be downloaded"):
        fetch("hf-hub:us/absent")
    with pytest.raises(sifa.WeightsError, match="is no name on the hub; write hf-hub:owner/name"):
        fetch("hf-hub:nothing")


def test_without_a_network_the_hub_is_not_waited_for(server, tmp_path, monkeypatch):
    server.files["/us/nano/resolve/main/model.safetensors"] = WEIGHTS
    known = fetch("hf-hub:us/nano")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", url)
        begun = time.perf_counter()
        assert fetch("hf-hub:us/nano") == known  # from the cache
        with pytest.raises(
            sifa.WeightsError, match=f"hf-hub:us/other is not in the cache, and {url} cannot be reached; check"
        ):
            fetch("hf-hub:us/other")
        nobody.listen()  # and never answers
        monkeypatch.setattr("sifa.weights.hub.MOST_SECONDS", 0.5)
        with pytest.raises(sifa.WeightsError, match="cannot be reached; check the network, or give a file"):
            fetch("hf-hub:us/other")
    assert time.perf_counter() - begun < 5
