"""What arrives from outside, checked before it is used: it may be anything that JSON can say."""

import math
import os
import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from sifa.errors import SifaError, VideoError
from sifa.video.clip import LARGEST, Square

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of sessions, jobs and uploads
NO_NAME = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffd]"
)  # breaks a line, or is no text; spaces of all kinds may be
LONGEST_PATH = 4096
DEPTH = 20  # of lists in lists
Json = Any


def number(value: Json, name: str, low: int, high: int) -> float:
    """A number from `low` to `high`; None and "" are `low`. Raises SifaError for all else, also for what is no number."""
    if value is None or value == "":
        return low
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (isinstance(value, float) and not math.isfinite(value))
    ):
        raise SifaError(f"{name} is {shown(value)}; it must be a number from {low} to {high}.")
    if not low <= value <= high:
        raise SifaError(f"{name} is {shown(value)}; it must be from {low} to {high}.")
    return float(value)


def chosen_sample(value: Json, count: int) -> int:
    """The number of a sample below `count`, or -1 for a clip of one's own. Raises SifaError for all else."""
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value < count:
        raise SifaError(f"There is no sample number {shown(value)}. Choose one of those that the page shows.")
    return value


def uploaded(value: Json, folder: Path) -> str | None:
    """The path of an uploaded clip, {"path": ...}, or None where there is none. Raises VideoError for all else: only uploads
    in `folder` are read, and they are there for an hour."""
    if value is None:
        return None
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(path, str):
        raise VideoError('Upload the clip first, and name it as {"path": ...} with the path that the upload answered.')
    if not is_own(path, folder):
        raise VideoError("Upload the clip first; files elsewhere on this computer or the network are not read.")
    if not os.path.isfile(path):
        raise VideoError("This clip is no longer here; clips are kept for an hour. Choose it again.")
    return path


def is_own(path: str, folder: Path) -> bool:
    """Whether a path, which need not exist, is where uploads and results lie: below a folder of the page's own one, and no
    link to something else."""
    if NO_NAME.search(path) or not os.path.isabs(path) or len(path) > LONGEST_PATH:
        return False
    plain, real, home = Path(os.path.abspath(path)), Path(os.path.realpath(path)), folder.resolve()
    return plain.name == real.name and home in real.parents and real.parent != home


def square(value: Json, clip: str | None) -> Square | None:
    """The square that a choice of the visitor's, {"clip": path, "square": [top, left, side]}, names in pixels of this clip; None
    where it names none, or another clip. Raises SifaError where it is no square."""
    listed = value.get("square") if isinstance(value, dict) and value.get("clip") == clip else None
    if listed is None:
        return None
    if not isinstance(listed, list) or len(listed) != 3:
        raise SifaError(
            f"The square is {shown(listed)}; it must be a list of three numbers: top, left and side, in pixels."
        )
    return Square(*(round(number(each, "A number of the square", 0, LARGEST)) for each in listed))


def shown(value: Json) -> str:
    """A value as a message shows it, cut where it is long."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a record"
    if isinstance(value, int) and abs(value) >= 1e16:
        return "a number of too many digits"
    return repr(value)[:40]


def read_wish(
    body: Json, name: str | None, functions: Mapping[int | str, Sequence[bool]], folder: Path
) -> dict[str, Json]:
    """A request to the queue, as the web framework can take it: what it needs and no more, and of files the path alone.

    `functions` are those of the page by index and by name, with one value for each input that says whether it is a file; `name`
    is that of the address, if it says one. Raises SifaError where it is no such request, or names a file that is not there.
    """
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise SifaError('The request must be a JSON object with a list called "data".')
    wish = {key: body.get(key) for key in ("session_hash", "fn_index", "trigger_id")}
    session, index, trigger = wish.values()
    function: int | str = -1 if name is None else name
    if session is not None:
        check_name(session, "session_hash")
    if trigger is not None and (isinstance(trigger, bool) or not isinstance(trigger, int) or abs(trigger) > 10**6):
        raise SifaError("trigger_id must be a small whole number.")
    values = body["data"]
    if name is not None:
        del wish["fn_index"], wish["trigger_id"]
    elif session is None:
        raise SifaError("The request must say which session it is of, in session_hash.")
    else:
        function = function_number(index)
    if function not in functions:
        raise SifaError(f"The page has no function {shown(function)}; /gradio_api/info describes its interface.")
    are_files = functions[function]
    if len(values) != len(are_files):
        raise SifaError(f"Function {function} takes {len(are_files)} values, but the request has {len(values)}.")
    return {
        **wish,
        "data": [file(v, folder) if is_file else plain(v) for v, is_file in zip(values, are_files, strict=True)],
    }


def read_cancel(body: Json) -> dict[str, Json]:
    """A request to stop a job, as the web framework can take it. Raises SifaError where it is none."""
    if not isinstance(body, dict):
        raise SifaError("The request must be a JSON object.")
    for key in ("session_hash", "event_id"):
        check_name(body.get(key), key)
    return {
        "session_hash": body["session_hash"],
        "event_id": body["event_id"],
        "fn_index": function_number(body.get("fn_index")),
    }


def check_name(value: Json, key: str) -> None:
    """Raises SifaError where this cannot be the name of a session or a job."""
    if not (isinstance(value, str) and NAME.fullmatch(value)):
        raise SifaError(f"{key} must be a text of 1 to 64 letters, digits and dashes.")


def function_number(index: Json) -> int:
    """The number of a function of the page, which need not exist. Raises SifaError."""
    if isinstance(index, bool) or not isinstance(index, int):
        raise SifaError(f"fn_index is {shown(index)}; it must be the number of a function.")
    return index


def file(value: Json, folder: Path) -> Json:
    """A file as the framework wants it, if there is one. Raises VideoError like `uploaded`."""
    path = uploaded(value, folder)
    return path and {"path": path, "meta": {"_type": "gradio.FileData"}}


def plain(value: Json, depth: int = 0) -> Json:
    """The same value with nothing of its files but their paths, so that the framework leaves it to the page's functions.
    Raises SifaError where it is nested too deeply."""
    if depth > DEPTH:
        raise SifaError("The values are nested too deeply.")
    if isinstance(value, list):
        return [plain(inner, depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    kept = {"path": value.get("path")} if "path" in value or "meta" in value else value
    return {key: plain(inner, depth + 1) for key, inner in kept.items()}


def title(value: Json, offered: Container[str]) -> str | None:
    """One of the titles offered, or None."""
    return value if isinstance(value, str) and value in offered else None
