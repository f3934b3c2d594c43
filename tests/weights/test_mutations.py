"""The card of the shipped weights, changed in hundreds of ways: each file is read, or refused in words and at once."""

import json
import random
import resource
import time

import pytest

import sifa
from sifa.weights.shipped import DEFAULT_CHECKPOINT

VALUES = (
    None, True, False, 0, -1, 1, 3, 10**6, 10**9, 10**18, 10**400, -(10**18), 0.5, -0.0, 1e308, float("nan"), float("inf"), "",
    "64", "\ud800", "x" * 10**5, [], [[]], [0], [1] * 10**5, [None], ["a"] * 10**5, {}, {"a": {}}, {"__class__": 1},
    [-1, 2, 3], [1e9] * 3,
)  # fmt: skip
SECONDS, KILOBYTES = 3.0, 100_000  # of the processor's time; a busy machine takes three times as much of it


@pytest.fixture(scope="module")
def parts():
    """The shipped file's head, as (its JSON, the bytes that follow it)."""
    data = DEFAULT_CHECKPOINT.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def places(value, path=()):
    """Every place in nested data."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for key in range(min(len(value), 2)):
            yield from places(value[key], (*path, key))


def changed(data, path, value):
    """A copy with another value at a place."""
    copy = json.loads(json.dumps(data))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return copy


def with_head(file, header: dict, body: bytes):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return file


def refusal(file) -> str:
    """What `sifa.load` says against a file, in a moment; nothing where it takes it."""
    begun = time.process_time()
    try:
        sifa.load(file)
        said = ""
    except sifa.WeightsError as error:
        said = str(error)
    assert time.process_time() - begun < SECONDS
    assert len(said) < 1000
    return said


@pytest.fixture(autouse=True)
def memory():
    """No file takes much of it, though some claim to."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES


def test_a_card_with_any_value_in_any_place(parts, tmp_path):
    header, body = parts
    card = json.loads(header["__metadata__"]["sifa"])
    known = [path for path in places(card) if path[0] != "recipe" and path[1:2] != ("per_class",)]
    choices = [(path, value) for path in known for value in VALUES]
    refused = 0
    for path, value in random.Random(0).sample(choices, 200):
        text = json.dumps(changed(card, path, value))
        file = with_head(tmp_path / "odd.safetensors", header | {"__metadata__": {"sifa": text}}, body)
        refused += bool(refusal(file))
    assert 100 < refused < 200


def test_a_head_with_any_value_in_any_place(parts, tmp_path):
    """Shapes, types and places of the numbers."""
    header, body = parts
    names = [*header][:3]
    rng = random.Random(1)
    choices = [(path, value) for path in places({name: header[name] for name in names}) for value in VALUES]
    refused = 0
    for path, value in rng.sample(choices, 200):
        file = with_head(tmp_path / "odd.safetensors", changed(header, path, value), body)
        refused += bool(refusal(file))
    assert refused > 150


def test_bytes_changed_anywhere(parts, tmp_path):
    data, rng = DEFAULT_CHECKPOINT.read_bytes(), random.Random(2)
    length = int.from_bytes(data[:8], "little")
    refused = 0
    for number in range(200):
        broken = bytearray(data)
        for _ in range(3):
            broken[rng.randrange(8 if number % 4 == 0 else 8 + length)] = rng.randrange(256)
        (tmp_path / "odd.safetensors").write_bytes(broken)
        refused += bool(refusal(tmp_path / "odd.safetensors"))
    assert refused > 100
