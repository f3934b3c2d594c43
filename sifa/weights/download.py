"""Files from the network, for those who ask for one: URLs and names on the Hugging Face hub."""

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

from tqdm import tqdm

from sifa.errors import WeightsError
from sifa.weights.hub import HUB, hub_file

CHUNK = 1 << 20


def fetch(source: str | Path) -> Path:
    """The local file of a path, a URL, or a hub id `hf-hub:owner/name[/file]` (file: model.safetensors).

    Downloads show their progress and are kept in $SIFA_CACHE (default ~/.cache/sifa), hub files in the hub's own cache. A
    file's sha256 is compared where it is known: from `URL#sha256=...`, from a name such as resnet50-19c8e357.pth, whose
    second part begins it, and for large files of the hub. Raises WeightsError where a download fails or differs.
    """
    if not isinstance(source, str | Path):
        raise TypeError(f"weights are given as a file, a URL or {HUB}owner/name, not as {type(source).__name__}")
    text = str(source)
    if text.startswith(("http://", "https://")):
        return _from_url(text)
    if text.startswith(HUB):
        return _from_hub(text.removeprefix(HUB))
    return Path(source)


def _from_url(url: str) -> Path:
    url, fragment = urldefrag(url)
    name = Path(unquote(urlparse(url).path)).name or "weights"
    stated = re.fullmatch(r"sha256=([0-9a-fA-F]{64})", fragment)
    named = re.search(r"-([0-9a-f]{8,64})\.", name)
    known = stated[1].lower() if stated else named[1] if named else ""
    folder = Path(os.environ.get("SIFA_CACHE", "~/.cache/sifa")).expanduser()
    file = folder / hashlib.sha256(url.encode()).hexdigest()[:12] / name
    if file.is_file() and (not known or sha256(file).startswith(known)):
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{name}.{os.getpid()}.part")
    try:
        _download(url, partial)
        _check(name, sha256(partial), known)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return file


def _download(url: str, file: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=30) as response, file.open("wb") as out:
            size = int(response.headers.get("Content-Length") or 0)
            with tqdm(
                total=size or None, unit="B", unit_scale=True, desc=f"downloading {file.name.rsplit('.', 2)[0]}"
            ) as bar:
                while chunk := response.read(CHUNK):
                    out.write(chunk)
                    bar.update(len(chunk))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise WeightsError(f"{url} could not be downloaded ({error}); check the address and the network") from error
    if size and file.stat().st_size != size:
        raise WeightsError(f"{url} broke off after {file.stat().st_size} of {size} bytes; try again")


def _from_hub(name: str) -> Path:
    found, known = hub_file(name)
    if known:
        try:
            _check(found.name, sha256(found), known)
        except WeightsError:
            found.resolve().unlink()
            raise
    return found


def _check(name: str, seen: str, known: str) -> None:
    if not seen.startswith(known):
        raise WeightsError(
            f"{name} is not the file it should be: its sha256 is {seen[:16]}..., not {known[:16]}...; download it again, and "
            "if that does not help, do not use it"
        )


def sha256(file: Path) -> str:
    """The file's digest, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
