"""Files that are no whole trace, by damage or on purpose: each is refused with a TraceError, and none takes much memory."""

import io
import json
import random
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sifa import explorer
from sifa.errors import TraceError
from sifa.explorer.format.container import MAGIC, Payload, parse, write
from sifa.explorer.format.prune import fit, lighten
from tests.predictions import foreign_prediction

SAMPLES = Path(__file__).parents[2] / "assets" / "samples"
HUGE = 10**400
DEEP = eval("[" * 90 + "]" * 90)


@pytest.fixture(scope="module")
def packed():
    return explorer.pack(foreign_prediction(grid=(5, 7), pairs=2, frame_size=(40, 56)))


def with_text(packed, text):
    """The trace with other bytes in place of its header."""
    text += b" " * (-len(text) % 8)
    return MAGIC + struct.pack("<II", len(text), 0) + text + packed[parse(packed).base :]


def with_header(packed, change):
    header = parse(packed).header
    return with_text(packed, json.dumps(change(header) or header).encode())


def put(value, *path):
    """A change of a header: another value at a path."""

    def change(header):
        *holders, last = path
        for key in holders:
            header = header[key]
        header[last] = value

    return change


BLOCK = "blocks", 0
CHANGES = {
    "a list": (lambda header: [header], "no version"),
    "a version in words": (put("2", "version"), "no version"),
    "no version": (lambda header: header.pop("version") and None, "KeyError: 'version'"),
    "a later version": (put(3, "version"), r"version 3.*update"),
    "a frame number that fits no integer": (put(HUGE, "clip", "indices", 0), "instead of a whole number"),
    "fewer frame numbers than pictures": (put([1, 2], "clip", "indices"), "6 pictures, 6 times and 2 frame numbers"),
    "times that are no list": (put("0123", "clip", "times"), "'0123' instead of a list"),
    "no pictures": (put([], "frames", "pictures"), "damaged"),
    "pictures of another size": (put(41, "frames", "height"), "a picture has 40 x 56 pixels, the header says 41 x 56"),
    "a picture before the payload": (put(-8, "frames", "pictures", 0, "at"), "bytes at position -8"),
    "a scale of 0": (put(0, "crop", "scale"), "a scale of 0"),
    "fewer logits than labels": (put([1.0], "logits"), "1 logits for 7 labels"),
    "a label that is no text": (put([None] * 7, "labels"), "None instead of a text"),
    "groups that leave labels out": (put([dict(name="camera", start=0, stop=3)], "groups"), "share out all labels"),
    "a block to open on that is not there": (put(2, "opens_on"), "it opens on block 2 of 2"),
    "a block to open on that is no number": (put("1", "opens_on"), "'1' instead of a whole number"),
    "answers without groups": (put([dict(group="a")], "answers"), "list of 0 objects"),
    "blocks that are no list": (put(5, "blocks"), "TypeError"),
    "a block that is no object": (put([5], "blocks"), "TypeError"),
    "more cells than there are bytes": (put(300, *BLOCK, "height"), "cut off"),
    "more cells than fit in memory": (put(10**9, *BLOCK, "height"), "1024 MB of memory"),
    "no pairs": (put(0, *BLOCK, "pairs"), "a size of 0"),
    "two negative sizes": (lambda header: header["blocks"][0].update(height=-5, width=-7), "-5 instead of a whole"),
    "a size with a fraction": (put(2.5, *BLOCK, "height"), "2.5 instead of a whole number"),
    "a size that is true": (put(True, *BLOCK, "height"), "True instead of a whole number"),
    "a huge kernel": (put(10**15, *BLOCK, "kernel"), "1024 MB of memory"),
    "an array before the payload": (put(-1, *BLOCK, "offset"), "-1 instead of a whole number"),
    "a saliency without end": (put(HUGE, *BLOCK, "saliency_max"), "instead of a number"),
    "a range that is not finite": (put([[0, float("nan")]] * 2, *BLOCK, "range"), "NaN is no number"),
    "a range of texts": (put([["0", "1"]] * 2, *BLOCK, "range"), "'0' instead of a number"),
    "taps with three numbers": (put([[0, 0, 0]] * 9, *BLOCK, "taps"), r"taps of shape \(9, 3\)"),
    "a stride of two": (put([1, 1], *BLOCK, "stride"), "not enough values"),
    "a stride of nothing": (put([0, 8, 8], *BLOCK, "stride"), "a stride of 0 x 8 x 8 for 2 pairs of 6 frames"),
    "steps beyond the last frame": (put([3, 8, 8], *BLOCK, "stride"), "a stride of 3 x 8 x 8 for 2 pairs of 6 frames"),
    "a kernel wider than any": (
        lambda header: header["blocks"][0].update(kernel=2000, taps=[[0, 0]] * 9),
        "a size of 2000",
    ),
    "a dilation wider than any": (put(10**6, *BLOCK, "dilation"), "a size of 1000000"),
    "a scale without end": (put(1e30, "crop", "scale"), "a scale of 1e.30"),
    "trust in other blocks": (put(dict(blocks=[{}], deletion=None), "trust"), "for other blocks than the 2"),
    "deep lists inside": (put(DEEP, "labels", 0), "instead of a text|RecursionError"),
    "deep lists where nothing looks": (put(DEEP, "notes"), None),
    "an operator in words": (put("learned", *BLOCK, "operator"), "AttributeError"),
    "what-ifs that are numbers": (put([1], "what_if"), "TypeError"),
    "trust that is a list": (put([1], "trust"), "TypeError|AttributeError"),
    "trust without its deletion test": (put(dict(blocks=[]), "trust"), "KeyError: 'deletion'"),
    "a flow that is cut off": (put([dict(pairs=9, height=99, width=99, flow=0, visible=0)], "true_flow"), "cut off"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_header_that_fits_nothing_is_refused(packed, name):
    change, words = CHANGES[name]
    hostile = with_header(packed, change)
    if words is None:
        explorer.unpack(hostile)
        return
    with pytest.raises(TraceError, match=words):
        explorer.unpack(hostile)


@pytest.mark.parametrize(("parts", "holder"), [("blocks", None), ("pictures", "frames")])
def test_one_array_that_is_named_often_takes_no_memory(parts, holder):
    """1 GB from a file of less than 3 MB."""
    small = explorer.pack(foreign_prediction(grid=(56, 56), frame_size=(480, 480)))

    def repeat(header):
        (header[holder] if holder else header)[parts] *= 1000

    hostile = with_header(small, repeat)
    assert len(hostile) < 3e6
    tracemalloc.start()
    with pytest.raises(TraceError, match="more than 1024 MB of memory"):
        explorer.unpack(hostile)
    assert tracemalloc.get_traced_memory()[1] < 3e7
    tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b'{"version":' * 100_000, b"\xff\xfe", b"", b"null", b"{" + b"9" * 5000, b'{"version": 1e999}'],
    ids=["deep lists", "deep objects", "no UTF-8", "nothing", "null", "a long number", "an endless number"],
)
def test_a_header_that_is_no_json_object_is_refused(packed, text):
    for read in (explorer.unpack, fit, lighten):
        with pytest.raises(TraceError, match="damaged"):
            read(with_text(packed, text))


def test_bytes_that_end_early_are_refused_wherever_they_do(packed):
    for end in range(0, len(packed) - 8, 97):
        with pytest.raises(TraceError, match=r"cut off|does not start with"):
            explorer.unpack(packed[:end])


def jpeg(size=(56, 40), kind="JPEG", **options):
    out = io.BytesIO()
    Image.new("RGB", size).save(out, kind, **options)
    return out.getvalue()


def picture_trace(packed, picture):
    """A trace whose pictures are these bytes."""
    header, payload = parse(packed).header, Payload()
    header["blocks"] = []
    header["frames"]["pictures"] = [dict(at=payload.add(picture), bytes=len(picture))] * 6
    return write(header, payload)


def test_pictures_that_are_no_jpeg_of_the_right_size_are_refused(packed):
    good = jpeg()
    assert explorer.unpack(picture_trace(packed, good)).clip.frames.shape == (6, 40, 56, 3)
    start = good.index(b"\xff\xc0") + 5
    large = good[:start] + struct.pack(">HH", 65_000, 65_000) + good[start + 4 :]  # 4 billion pixels in 700 bytes
    many = jpeg(progressive=True)
    for picture in (large, jpeg((57, 40)), jpeg(kind="PNG"), jpeg(kind="GIF"), good[:400], b"", many):
        with pytest.raises(TraceError, match="damaged"):
            explorer.unpack(picture_trace(packed, picture))


def test_changed_bytes_are_read_or_refused(packed):
    """Nothing but a TraceError leaves unpack, whatever bytes of header and pictures are changed."""
    rng, base = np.random.default_rng(0), parse(packed).base
    refused = 0
    for _ in range(400):
        broken = bytearray(packed)
        for at in rng.integers(8, base if rng.random() < 0.7 else len(packed), 3):
            broken[at] = rng.integers(256)
        try:
            explorer.unpack(bytes(broken))
        except TraceError:
            refused += 1
    assert 100 < refused < 400


def test_pictures_that_cost_more_than_they_are_worth_are_not_decoded(packed):
    """A file of 0.1 MB with 20 of 16 million pixels each took 5 s."""
    header, payload = parse(packed).header, Payload()
    big, fair = jpeg((4000, 4000)), jpeg((480, 480))
    for picture, (width, height), refused in ((big, (4000, 4000), True), (fair, (480, 480), False)):
        at = payload.add(picture)
        header["frames"] = dict(height=height, width=width, pictures=[dict(at=at, bytes=len(picture))] * 300)
        header["clip"] |= dict(indices=[0] * 300, times=[0.0] * 300)
        header["blocks"] = []
        hostile = write(header, payload)
        begun = time.process_time()
        if refused:
            header["frames"]["pictures"] = header["frames"]["pictures"][:6]
            header["clip"] |= dict(indices=[0] * 6, times=[0.0] * 6)
            with pytest.raises(TraceError, match="pictures of 4000 x 4000 pixels, more than the 1048576"):
                explorer.unpack(write(header, payload))
        else:
            assert len(explorer.unpack(hostile).clip.frames) == 300
        assert time.process_time() - begun < 2


VALUES = (
    None, True, 0, -1, 1, 2.5, 10**6, 10**9, HUGE, 1e308, -1e300, "", "64", "\ud800", "x" * 10**4, [], [[]], [0], [None], ["a"],
    [1] * 10**4, DEEP, {}, {"constructor": 1}, [1, 2, 3], [0, 0, 0], [1e9, 1e-9, 1],
)  # fmt: skip


def places(value, path=()):
    """Every place in nested data, the first two of each list."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, each in items:
        yield from places(each, (*path, key))


def words(read, data) -> str:
    """What a reader refuses data with; empty where it takes it."""
    try:
        read(data)
    except TraceError as error:
        return str(error)
    return ""


def test_a_sample_with_any_value_in_any_place_of_its_header():
    """300 changes of a real trace: each is read, or refused with a TraceError, within a second."""
    sample = next(iter(sorted(SAMPLES.glob("02_*.sifa")))).read_bytes()
    rng = random.Random(0)
    choices = [(path, value) for path in places(parse(sample).header) for value in VALUES]
    refused = 0
    for count, (path, value) in enumerate(rng.sample(choices, 300)):
        hostile = with_header(sample, put(value, *path))
        begun = time.process_time()
        said = [words(read, hostile) for read in (explorer.unpack, lighten)[: 1 if count % 30 else 2]]
        assert time.process_time() - begun < 1, (path, value)
        assert len("".join(said)) < 800
        refused += bool(said[0])
    assert 150 < refused < 300
