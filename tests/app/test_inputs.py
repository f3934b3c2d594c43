"""What arrives from outside may be anything: each value is used or explained in a sentence."""

import json
import math
from pathlib import Path

import pytest

from app import inputs, samples
from sifa.errors import SifaError
from sifa.weights.shipped import DEFAULT_CHECKPOINT

NO_NUMBERS = [math.nan, math.inf, -math.inf, "x", "4", [1], {"a": {"b": [1]}}, True, False]
TOO_LARGE = [1e308, -1, 10**18, -(10**400), 10**400, 1_000_001]
MODELS = {"first": DEFAULT_CHECKPOINT}


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_said(value):
    with pytest.raises(SifaError, match=r"^The step is .{1,45}; it must be a number from 1 to 1000000\.$"):
        inputs.number(value, "The step", 1, 10**6)


@pytest.mark.parametrize("value", TOO_LARGE)
def test_numbers_out_of_range_are_said_with_the_limits(value):
    with pytest.raises(SifaError, match=r"^The step is .{1,45}; it must be from 1 to 1000000\.$"):
        inputs.number(value, "The step", 1, 10**6)


def test_numbers_in_range_are_taken():
    assert [inputs.number(value, "It", 0, 9) for value in (0, 0.5, 9, None, "")] == [0, 0.5, 9, 0, 0]


@pytest.mark.parametrize("value", [*NO_NUMBERS, *(each for each in TOO_LARGE if each != -1), None, 12, -2, 0.0])
def test_only_samples_on_the_page_can_be_chosen(value):
    with pytest.raises(SifaError, match="There is no sample number"):
        inputs.chosen_sample(value, 12)
    assert inputs.chosen_sample(-1, 12) == -1
    assert inputs.chosen_sample(11, 12) == 11


@pytest.mark.parametrize("value", [*NO_NUMBERS, *TOO_LARGE, None, "", "second"])
def test_only_offered_weights_have_a_title(value):
    assert inputs.title(value, MODELS) is None
    assert inputs.title("first", MODELS) == "first"


@pytest.mark.parametrize(
    "value",
    [
        *NO_NUMBERS,
        *TOO_LARGE,
        {},
        {"path": None},
        {"path": 5},
        {"path": ["a"]},
        {"path": "\0"},
        {"path": "/etc/passwd"},
        {"path": "../../etc/passwd"},
        {"path": "x" * 100_000},
        {"path": "\ud800"},
        {"path": "http://127.0.0.1/x"},
    ],
)
def test_only_uploaded_clips_are_read(value, tmp_path):
    with pytest.raises(SifaError, match="Upload the clip first"):
        inputs.uploaded(value, tmp_path)


@pytest.mark.parametrize(
    "name", ["at 9.41.00\u202fAM.mov", "\U0001f469\u200d\U0001f4bb.mp4", "a\xa0b.mp4", "\U0001fae9.mp4"]
)
def test_names_that_computers_and_phones_give_are_read(name, tmp_path):
    file = tmp_path / "0a1b" / name
    file.parent.mkdir()
    file.touch()
    assert inputs.uploaded({"path": str(file)}, tmp_path) == str(file)


@pytest.mark.parametrize("name", ["a\n.mp4", "a\0.mp4", "a\x7f.mp4", "a\u2028.mp4", f"{chr(0xDCFF)}.mp4", "\ufffd.mp4"])
def test_names_that_break_lines_or_are_no_text_are_not_read(name, tmp_path):
    assert not inputs.is_own(str(tmp_path / "0a1b" / name), tmp_path)


def test_an_expired_clip_is_said_to_be_expired(tmp_path):
    clip = uploaded_clip(tmp_path)
    assert inputs.uploaded({"path": clip}, tmp_path) == clip
    Path(clip).unlink()
    with pytest.raises(SifaError, match="no longer here; clips are kept for an hour. Choose it again"):
        inputs.uploaded({"path": clip}, tmp_path)


def uploaded_clip(folder):
    """The path of a file where uploads lie."""
    (folder / "0a1b").mkdir()
    (folder / "0a1b" / "clip.mp4").touch()
    return str(folder / "0a1b" / "clip.mp4")


def test_what_lies_in_the_folder_itself_or_is_a_link_is_no_upload(tmp_path):
    """Uploads on their way lie there, and the lock of the process."""
    for name in ("tmpabcdefgh", "0a1b/link.mp4", "0a1b/../tmpabcdefgh"):
        path = tmp_path / name
        (tmp_path / "0a1b").mkdir(exist_ok=True)
        if name.endswith("link.mp4"):
            (tmp_path / "elsewhere").touch()
            path.symlink_to(tmp_path / "elsewhere")
        else:
            path.touch()
        with pytest.raises(SifaError, match="Upload the clip first; files elsewhere on this computer or the network"):
            inputs.uploaded({"path": str(path)}, tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": None}, 'a list called "data"'),
        ({"data": {"0": 1}}, 'a list called "data"'),
        ({"data": [None]}, "Function 1 takes 2 values, but the request has 1"),
        ({"data": ["a file", 1]}, "Upload the clip first"),
        ({"data": [{"a": 1}, 1]}, "Upload the clip first"),
        ({"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, 1]}, "Upload the clip first"),
        ({"data": [None, json.loads("[" * 50 + "]" * 50)]}, "nested too deeply"),
        ({"fn_index": None}, "fn_index is None; it must be the number of a function"),
        ({"fn_index": 2}, "no function 2"),
        ({"fn_index": -1}, "no function -1"),
        ({"fn_index": True}, "fn_index is True"),
        ({"fn_index": 10**30}, "a number of too many digits"),
        ({"session_hash": None}, "which session"),
        ({"session_hash": 5}, "session_hash must be a text"),
        ({"session_hash": ""}, "session_hash must be a text"),
        ({"session_hash": "\ud800"}, "session_hash must be a text"),
        ({"session_hash": "x" * 65}, "session_hash must be a text"),
        ({"trigger_id": "x"}, "trigger_id"),
        ({"trigger_id": 10**30}, "trigger_id"),
    ],
)
def test_requests_that_the_framework_would_fail_on_are_explained(change, words, tmp_path):
    body = {"data": [None, 1], "fn_index": 1, "session_hash": "abc", "trigger_id": 3}
    functions = {0: [], 1: [True, False]}
    inputs.read_wish(body, None, functions, tmp_path)
    with pytest.raises(SifaError, match=words):
        inputs.read_wish(body | change, None, functions, tmp_path)


def test_programs_name_the_function_in_the_address(tmp_path):
    functions = {0: [], "predict": [False, False]}
    body = {"data": [None, 1], "fn_index": 7, "trigger_id": 3}
    assert inputs.read_wish(body, "predict", functions, tmp_path) == {"session_hash": None, "data": [None, 1]}
    with pytest.raises(SifaError, match="no function 'secret'"):
        inputs.read_wish(body, "secret", functions, tmp_path)
    with pytest.raises(SifaError, match="Function predict takes 2 values, but the request has 1"):
        inputs.read_wish({"data": [1]}, "predict", functions, tmp_path)


def test_no_more_of_a_request_is_passed_on_than_is_needed(tmp_path):
    file = {
        "path": uploaded_clip(tmp_path),
        "url": "http://elsewhere",
        "meta": {"_type": "gradio.FileData"},
        "size": "x",
    }
    body = {
        "data": [file, [file, math.inf]],
        "fn_index": 0,
        "session_hash": "a",
        "event_data": [1],
        "batched": True,
        "event_id": "x",
    }
    wish = inputs.read_wish(body, None, {0: [True, False]}, tmp_path)
    plain = {"path": file["path"], "meta": file["meta"]}
    assert wish == {
        "session_hash": "a",
        "fn_index": 0,
        "trigger_id": None,
        "data": [plain, [{"path": file["path"]}, math.inf]],
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (None, "must be a JSON object"),
        ({"session_hash": None}, "session_hash must be a text"),
        ({"event_id": ["a"]}, "event_id must be a text"),
        ({"event_id": "../x"}, "event_id must be a text"),
        ({"session_hash": "\u00e9"}, "session_hash must be a text"),
        ({"fn_index": "1"}, "fn_index is '1'"),
        ({"fn_index": True}, "fn_index is True"),
    ],
)
def test_what_stops_no_job_is_explained(body, words):
    good = {"session_hash": "a", "event_id": "b", "fn_index": 1}
    assert inputs.read_cancel(good | {"more": 1}) == good
    with pytest.raises(SifaError, match=words):
        inputs.read_cancel(good | body if body else body)


@pytest.mark.parametrize(
    "link", [*NO_NUMBERS, *TOO_LARGE, None, "#" * 10**5, "#c=%ff%00&w=" + "0" * 10**5, "&" * 10**5]
)
def test_any_link_opens_the_first_sample(link):
    found = samples.find_samples()
    for weights in (None, [], {}, math.nan, "unknown"):
        assert samples.read_link(link, found, MODELS, weights) == (0, "first")
