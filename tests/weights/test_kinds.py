"""Files of every other kind where weights are asked for: what it is, and what to do, in one sentence."""

import gzip
import io
import pickle
import re
import time
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save as serialise

import sifa
from sifa.cli import main
from sifa.weights.card import load_card
from sifa.weights.checkpoint import adopt, save
from tests.predictions import nano_model

STATE = {"a.weight": torch.zeros(2, 3)}


def torch_file(new=True) -> bytes:
    out = io.BytesIO()
    torch.save(STATE, out, _use_new_zipfile_serialization=new)
    return out.getvalue()


def numpy_file() -> bytes:
    out = io.BytesIO()
    np.savez(out, a=np.zeros(3))
    return out.getvalue()


def zip_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("weights/model.safetensors", serialise(STATE))
    return out.getvalue()


def with_length(length: int, header: bytes) -> bytes:
    return length.to_bytes(8, "little") + header


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 2150000\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>weights at main</title></head><body>Sign in</body></html>"
WHOLE = serialise(STATE)
CONVERT = r"sifa convert {} --variant NAME --out FILE"
FILES = {
    "a.pth": (torch_file(), f"is a PyTorch file, which holds weights but no card; .*{CONVERT}"),
    "a.pt": (torch_file(), f"is a PyTorch file.*{CONVERT}"),
    "pytorch_model.bin": (torch_file(), f"is a PyTorch file.*{CONVERT}"),
    "last.ckpt": (torch_file(), f"is a PyTorch file.*{CONVERT}"),
    "named.safetensors": (torch_file(), f"is a PyTorch file.*{CONVERT}"),
    "old.pth": (torch_file(new=False), f"is a pickle, as older PyTorch files are; .*{CONVERT}"),
    "any.pkl": (pickle.dumps({"a": 1}), "is a pickle"),
    "cut.pth": (torch_file()[:500], "is cut off or damaged, or no PyTorch file; copy or download it again"),
    "a.npz": (numpy_file(), "is a file of NumPy arrays; give the weights as a PyTorch state dict or as safetensors"),
    "a.npy": (b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}", "is a file of NumPy arrays"),
    "a.onnx": (b"\x08\x07\x12\x07pytorch\x1a\x032.0:\x00", "is an ONNX file"),
    "a.h5": (b"\x89HDF\r\n\x1a\n\x00\x00", "is an HDF5 file, as Keras writes them"),
    "a.zip": (zip_file(), "is an archive; unpack it, and give the file in it"),
    "a.tar.gz": (gzip.compress(b"weights"), "is an archive; unpack it"),
    "page.safetensors": (PAGE, "is a web page, not the file that the page is about; download the file itself"),
    "pointer.safetensors": (POINTER, "is a pointer of Git LFS, not the file that it stands for; .* git lfs pull"),
    "empty.safetensors": (b"", "is empty; copy or download it again"),
    "short.safetensors": (b"\x08\x00", "is neither a safetensors nor a PyTorch file, or damaged"),
    "cut.safetensors": (WHOLE[:-8], "is a safetensors file that is cut off or damaged"),
    "headless.safetensors": (WHOLE[:40], "is a safetensors file that is cut off or damaged"),
    "long.safetensors": (
        with_length(1 << 62, b'{"a"' + b" " * 100),
        "is a safetensors file that is cut off or damaged",
    ),
    "outside.safetensors": (WHOLE.replace(b"[0,24]", b"[0,99]"), "is a safetensors file that is cut off or damaged"),
    "overlap.safetensors": (WHOLE.replace(b"[2,3]", b"[9,9]"), "is a safetensors file that is cut off or damaged"),
    "list.json": (b'["a"]', "is a text, which holds no weights"),
    "notes.txt": ("weights: später\n".encode(), "is a text, which holds no weights"),
    "noise": (bytes(range(255, 0, -1)) * 5, "is neither a safetensors nor a PyTorch file, or damaged"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_checkpoint_is_named_with_what_to_do(name, tmp_path, capsys):
    content, words = FILES[name]
    (tmp_path / name).write_bytes(content)
    begun = time.perf_counter()
    for read in (sifa.load, load_card):
        with pytest.raises(sifa.WeightsError, match=words.format(re.escape(name))) as error:
            read(tmp_path / name)
        assert str(error.value).startswith(name)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    "name", [name for name, (_, words) in FILES.items() if CONVERT not in words and "pickle" not in words]
)
def test_convert_says_the_same(name, tmp_path, capsys):
    (tmp_path / name).write_bytes(FILES[name][0])
    words = ["convert", str(tmp_path / name), "--variant", "sifa_swin", "--out", str(tmp_path / "out.safetensors")]
    assert main(words) == 1
    assert capsys.readouterr().err.startswith(name)
    assert not (tmp_path / "out.safetensors").exists()


def test_a_header_longer_than_any_model_needs_is_not_read(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(with_length(17 << 20, b"{" + b" " * (17 << 20)))
    with pytest.raises(sifa.WeightsError, match="begins with 17 MB about its contents; the limit is 16 MB"):
        sifa.load(tmp_path / "a.safetensors")


def test_what_a_file_holds_decides_and_not_its_name(tmp_path):
    """The hub's `pytorch_model.bin` may be either."""
    model = sifa.create_model("sifa_swin_nano_16x64")
    torch.save(model.state_dict(), tmp_path / "a.safetensors")
    (tmp_path / "b.bin").write_bytes(serialise(model.state_dict()))
    for name in ("a.safetensors", "b.bin"):
        made, _ = adopt(tmp_path / name, "sifa_swin_nano_16x64", reading=None)
        assert torch.equal(made.head.weight, model.head.weight)


def test_a_number_that_is_not_what_was_written_is_seen(tmp_path):
    model = nano_model()
    file = tmp_path / "a.safetensors"
    save(model, model.card, file)
    data = bytearray(file.read_bytes())
    data[-1000] ^= 64
    file.write_bytes(data)
    with pytest.raises(
        sifa.WeightsError, match=r"a.safetensors is damaged: its numbers are not those that were written"
    ):
        sifa.load(file)
