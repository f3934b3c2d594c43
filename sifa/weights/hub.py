"""Files of the Hugging Face hub, for those who name one."""

import http.client
import os
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread

from sifa.errors import WeightsError

HUB = "hf-hub:"
MOST_SECONDS = 8  # to wait for the hub's first word


def hub_file(name: str) -> tuple[Path, str]:
    """The file of `owner/name[/file]` in the hub's own cache, and its sha256 as the hub states it, else an empty text.

    A file that is there already is used where the hub cannot be reached. Raises WeightsError.
    """
    owner, _, rest = name.partition("/")
    model, _, file = rest.partition("/")
    if not owner or not model:
        raise WeightsError(f"{HUB}{name} is no name on the hub; write {HUB}owner/name or {HUB}owner/name/file")
    try:
        from huggingface_hub import constants, hf_hub_download
    except ModuleNotFoundError as error:
        raise WeightsError(
            f"{HUB}{name} is on the hub, and the package that reads it, huggingface_hub, is not installed; "
            'pip install "sifa-explorer[hub]"'
        ) from error
    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    silent = constants.HF_HUB_OFFLINE or not _answers(endpoint)
    try:
        found = hf_hub_download(
            f"{owner}/{model}", file or "model.safetensors", endpoint=endpoint, local_files_only=silent
        )
    except Exception as error:  # of the package, of its HTTP client, or of the disk
        if silent:
            raise WeightsError(
                f"{HUB}{name} is not in the cache, and {endpoint} cannot be reached; check the network, or give a file"
            ) from error
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(f"{HUB}{name} could not be downloaded ({first}); check the name and the network") from error
    blob = Path(found).resolve()  # large files are named by their sha256
    return Path(found), blob.name if re.fullmatch(r"[0-9a-f]{64}", blob.name) else ""


def _answers(url: str) -> bool:
    """Whether a server says anything within some seconds; the package itself tries for half a minute."""
    said: list[bool] = []
    thread = Thread(target=lambda: said.append(_speaks(url)), daemon=True)  # looking up a name has no time limit
    thread.start()
    thread.join(MOST_SECONDS)
    return any(said)


def _speaks(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=MOST_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLError)  # there is someone, whom the package may know
    except (OSError, http.client.HTTPException, ValueError):
        return False
