"""What a file is, by its first bytes: people give all kinds of files where weights are asked for."""

import zipfile
from pathlib import Path
from typing import NamedTuple

from sifa.errors import WeightsError

CONVERT = "make one of ours from it with sifa convert {0} --variant NAME --out FILE, or in Python with adopt"
AGAIN = "copy or download it again"
STATE = "give the weights as a PyTorch state dict or as safetensors, for sifa convert to make one of ours from"


class Kind(NamedTuple):
    """Words that follow the file's name, and what to do; `torch`: whether PyTorch may read it."""

    words: str
    remedy: str
    torch: bool = False

    def advice(self, file: Path) -> str:
        return self.remedy.format(file.name)


SAFETENSORS = Kind("is a safetensors file", "")
EMPTY = Kind("is empty", AGAIN)
CUT_OFF = Kind("is a safetensors file that is cut off or damaged", AGAIN)
POINTER = Kind("is a pointer of Git LFS, not the file that it stands for", "fetch that with git lfs pull")
PAGE = Kind("is a web page, not the file that the page is about", "download the file itself")
TORCH = Kind("is a PyTorch file, which holds weights but no card", CONVERT, torch=True)
PICKLE = Kind("is a pickle, as older PyTorch files are", CONVERT, torch=True)
NUMPY = Kind("is a file of NumPy arrays", STATE)
ARCHIVE = Kind("is an archive", "unpack it, and give the file in it")
ONNX = Kind("is an ONNX file, which holds a graph in place of a state dict", STATE)
HDF5 = Kind("is an HDF5 file, as Keras writes them", STATE)
TEXT = Kind("is a text, which holds no weights", STATE)
OTHER = Kind("is neither a safetensors nor a PyTorch file, or damaged", STATE)

STARTS = (  # first bytes -> what it is
    (b"version https://git-lfs", POINTER),
    (b"\x93NUMPY", NUMPY),
    (b"\x89HDF\r\n\x1a\n", HDF5),
    (b"\x1f\x8b", ARCHIVE),
    (b"BZh", ARCHIVE),
    (b"\xfd7zXZ", ARCHIVE),
    (b"7z\xbc\xaf", ARCHIVE),
    *((b"\x80" + bytes([protocol]), PICKLE) for protocol in range(2, 6)),
    *((b"\x08" + bytes([version, field]), ONNX) for version in range(3, 16) for field in (0x12, 0x1A, 0x3A)),
)


def kind_of(file: Path) -> Kind:
    """What a file is. Raises WeightsError where there is none."""
    if not file.is_file():
        if file.is_dir():
            raise WeightsError(f"{file.name or file} is a folder; give the .safetensors file in it")
        raise WeightsError(f"there is no checkpoint {file.name}; check the path")
    try:
        with file.open("rb") as opened:
            head = opened.read(512)
    except OSError as error:
        raise WeightsError(f"{file.name} cannot be read ({error.strerror}); check the file") from error
    if not head:
        return EMPTY
    length = header_length(file)
    if head[8:9] == b"{":
        return SAFETENSORS if 8 + length <= file.stat().st_size else CUT_OFF
    if head.startswith(b"PK\x03\x04"):
        return _zip(file)
    if found := next((kind for start, kind in STARTS if head.startswith(start)), None):
        return found
    if head[257:262] == b"ustar":
        return ARCHIVE
    return _text(head, file)


def header_length(file: Path) -> int:
    """What the first eight bytes of a safetensors file give as the length of its header."""
    with file.open("rb") as opened:
        return int.from_bytes(opened.read(8), "little")


def _zip(file: Path) -> Kind:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return TORCH._replace(words="is cut off or damaged, or no PyTorch file", remedy=AGAIN)
    if any(name.endswith("data.pkl") for name in names):
        return TORCH
    return NUMPY if names and all(name.endswith(".npy") for name in names) else ARCHIVE


def _text(head: bytes, file: Path) -> Kind:
    if file.suffix == ".onnx":
        return ONNX
    try:
        text = head[:-4].decode() if len(head) == 512 else head.decode()  # a cut may go through a letter
    except UnicodeDecodeError:
        return OTHER
    if text.lstrip("\ufeff \t\r\n").lower().startswith(("<!doctype", "<html", "<?xml", "<head", "<body")):
        return PAGE
    return (
        TEXT
        if text.isprintable() or text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()
        else OTHER
    )
