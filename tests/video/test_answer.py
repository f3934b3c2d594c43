"""What the decoding process says is checked like an upload."""

import json
import struct

import pytest

from sifa.video import answer
from tests.video.test_containers import ASKED

GOOD = dict(shape=[2, 6, 8, 3], order=[0, 1], indices=[0, 1], times=[0.0, 0.1])  # 288 bytes
GOOD |= dict(source_frames=9, source_size=[12, 16], fps=25.0, sampling_rate=1, notes=[])
IN_SECONDS = ASKED | dict(step=0.5, start=0.7, step_is_seconds=True, start_is_seconds=True)
FROM_A_TIME = ASKED | dict(step=3, start=0.7, start_is_seconds=True)
FROM_A_FRAME = ASKED | dict(step=0.5, start=2, step_is_seconds=True)


def answer_of(header, size=288, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return bytearray(struct.pack("<I", len(text) if length is None else length) + text + bytes(size))


LIES = {
    "length": answer_of(GOOD, length=2**32 - 1),
    "length_of_frames": answer_of(GOOD, length=10**3),
    "no_json": answer_of(b"{" * 200),
    "deep_json": answer_of(b"[" * 1200),
    "no_text": answer_of(b"\xff\xfe\xfd\xfc"),
    "no_object": answer_of([1, 2]),
    "nothing": answer_of({}),
    "long_number": answer_of(b'{"shape": [' + b"9" * 1100 + b", 6, 8, 3]}"),
    "bytes_missing": answer_of(GOOD, 287),
    "bytes_too_many": answer_of(GOOD, 289),
    "error_unknown": answer_of(dict(error="rm -rf"), 0),
    "error_of_the_parent": answer_of(dict(error="crash", seen="x"), 0),
    "error_no_text": answer_of(dict(error=["frames"]), 0),
    "error_with_frames": answer_of(dict(error="empty")),
    "seen_missing": answer_of(dict(error="pixels"), 0),
    "seen_text": answer_of(dict(error="frames", seen="<b>"), 0),
    "seen_list": answer_of(dict(error="frames", seen=[1]), 0),
    "seen_too_many": answer_of(dict(error="pixels", seen=[1, 2, 3]), 0),
    "seen_not_whole": answer_of(dict(error="pixels", seen=[1, 2.5]), 0),
    "seen_large": answer_of(dict(error="start", seen=10**30), 0),
    "text_missing": answer_of(dict(error="damaged"), 0),
    "text_number": answer_of(dict(error="damaged", seen=1), 0),
    "text_control": answer_of(dict(error="damaged", seen="\x1b[2J"), 0),
    "text_lines": answer_of(dict(error="damaged", seen="a\nb"), 0),
    "text_long": answer_of(dict(error="damaged", seen="a" * 2000), 0),
    "text_not_asked": answer_of(dict(error="empty", seen="a"), 0),
    "seconds_missing": answer_of(dict(error="late"), 0),
    "seconds_text": answer_of(dict(error="late", seen="1.5"), 0),
    "seconds_nan": answer_of(dict(error="late", seen=float("nan")), 0),
    "seconds_infinite": answer_of(dict(error="late", seen=float("inf")), 0),
    "seconds_negative": answer_of(dict(error="late", seen=-1.0), 0),
    "frames_too_many": answer_of(GOOD | dict(shape=[5, 6, 8, 3], indices=[0, 1, 2, 3, 4], times=[0.0] * 5), 720),
    "frames_none": answer_of(GOOD | dict(shape=[0, 6, 8, 3], indices=[], times=[]), 0),
    "shape_negative": answer_of(GOOD | dict(shape=[2, -6, -8, 3])),
    "shape_overflow": answer_of(GOOD | dict(shape=[2, 2**62, 4, 3]), 0),
    "shape_not_whole": answer_of(GOOD | dict(shape=[2.0, 6, 8, 3])),
    "shape_short": answer_of(GOOD | dict(shape=[2, 48, 3])),
    "shape_channels": answer_of(GOOD | dict(shape=[2, 6, 6, 4])),
    "shape_side": answer_of(GOOD | dict(shape=[1, 641, 8, 3], indices=[0], times=[0.0]), 641 * 24),
    "indices": answer_of(GOOD | dict(indices=[0, 5])),
    "indices_text": answer_of(GOOD | dict(indices=["0", "1"])),
    "indices_true": answer_of(GOOD | dict(indices=[False, True])),
    "order_missing": answer_of({name: GOOD[name] for name in GOOD if name != "order"}),
    "order_empty": answer_of(GOOD | dict(order=[])),
    "order_text": answer_of(GOOD | dict(order="01")),
    "order_no_list": answer_of(GOOD | dict(order={"0": 0, "1": 1})),
    "order_negative": answer_of(GOOD | dict(order=[-1, 1])),
    "order_beyond": answer_of(GOOD | dict(order=[0, 2])),
    "order_back": answer_of(GOOD | dict(order=[1, 0])),
    "order_long": answer_of(GOOD | dict(order=[0, 0, 0, 1, 1])),
    "order_not_whole": answer_of(GOOD | dict(order=[0, 1.0])),
    "step_zero": answer_of(GOOD | dict(sampling_rate=0)),
    "step_not_whole": answer_of(GOOD | dict(sampling_rate=1.5)),
    "step_text": answer_of(GOOD | dict(sampling_rate="1")),
    "step_large": answer_of(GOOD | dict(sampling_rate=10**12)),
    "cut_outside": answer_of(GOOD | dict(cut=[2, 0.1, "hard"])),
    "cut_time": answer_of(GOOD | dict(cut=[1, float("nan"), "hard"])),
    "cut_kind": answer_of(GOOD | dict(cut=[1, 0.1, "<b>"])),
    "cut_short": answer_of(GOOD | dict(cut=[1])),
    "cut_text": answer_of(GOOD | dict(cut="cut")),
    "notes_missing": answer_of({name: GOOD[name] for name in GOOD if name != "notes"}),
    "notes_text": answer_of(GOOD | dict(notes="hdr")),
    "notes_unknown": answer_of(GOOD | dict(notes=["hdr", "<b>"])),
    "notes_lists": answer_of(GOOD | dict(notes=[["hdr"]])),
    "source_frames": answer_of(GOOD | dict(source_frames=1)),
    "source_frames_many": answer_of(GOOD | dict(source_frames=101)),
    "source_size": answer_of(GOOD | dict(source_size=[4000, 4000])),
    "times_nan": answer_of(GOOD | dict(times=[0.0, float("nan")])),
    "times_infinite": answer_of(GOOD | dict(times=[0.0, float("inf")])),
    "times_negative": answer_of(GOOD | dict(times=[-1.0, 0.0])),
    "times_short": answer_of(GOOD | dict(times=[0.0])),
    "fps": answer_of(GOOD | dict(fps=float("nan"))),
    "fps_text": answer_of(GOOD | dict(fps="25")),
}


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        (dict(), ASKED),
        (dict(notes=["square", "hdr", "cut off", "damaged later"]), ASKED),
        (dict(order=[0, 0, 1, 1], indices=[2, 7]), IN_SECONDS),
        (dict(indices=[2, 5], sampling_rate=3), FROM_A_TIME),
        (dict(order=[0, 0, 1], indices=[2, 8], sampling_rate=12), FROM_A_FRAME),
    ],
)
def test_a_true_answer_is_believed(changed, asked):
    assert answer.parse(answer_of(GOOD | changed), asked).header == GOOD | changed


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        *(("kind", None), ("frames", 7), ("pixels", [7, 8]), ("size", None), ("late", 1.5)),
        ("damaged", "error while decoding MB 1 2"),
    ],
)
def test_a_true_error_is_believed(error, seen):
    header = dict(error=error, seen=seen)
    assert answer.parse(answer_of(header, 0), ASKED).header == header


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_not_believed(lie):
    with pytest.raises(ValueError, match="header|error|frames|source|times|step|notes|cut"):
        answer.parse(LIES[lie], ASKED)


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        (dict(indices=[1, 0]), IN_SECONDS),
        (dict(indices=[1, 1]), IN_SECONDS),
        (dict(indices=[1, 9]), IN_SECONDS),
        (dict(indices=[2, 6]), FROM_A_TIME),
    ],
)
def test_frames_by_time_are_checked_as_far_as_they_can_be(changed, asked):
    with pytest.raises(ValueError, match="impossible numbers|other frames"):
        answer.parse(answer_of(GOOD | changed), asked)
