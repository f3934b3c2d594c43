"""A graphics card without memory: the clip goes on on the CPU, and the page says so. Here "cpu:0" stands for the card: it is
another name of the same device, and what runs out there is a real forward pass that raises PyTorch's error."""

import argparse
import json
import weakref

import numpy as np
import pytest
import torch

from app import handlers
from sifa import explorer
from sifa.cli import predict as predict_command
from sifa.cli import trust as trust_command
from sifa.model.attention import SIFA
from sifa.tracing.predict import RAN_ON_CPU
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.clips import numbered_frames, write_clip

CARD, STEP = "cpu:0", 4 / 25


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return str(write_clip(tmp_path_factory.mktemp("clips") / "numbered.mp4", numbered_frames(80, 96, 128)))


@pytest.fixture
def full():
    """The model on the card, where the third block has no memory from the run on whose number is put into the list."""
    first, passes = [1], []
    network = handlers.model(DEFAULT_CHECKPOINT, CARD)
    block = [module for module in network.modules() if isinstance(module, SIFA)][2]

    def refuse(*_):
        passes.append(1)
        if len(passes) >= first[0]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    handle = block.register_forward_pre_hook(refuse)
    yield first
    handle.remove()


def test_the_clip_goes_on_on_the_cpu_and_the_page_says_so(clip, full, tmp_path):
    network = handlers.model(DEFAULT_CHECKPOINT, CARD)
    view = handlers.view_clip(clip, 0, STEP, DEFAULT_CHECKPOINT, CARD, tmp_path)
    assert RAN_ON_CPU in view.status
    expected = handlers.view_clip(clip, 0, STEP, DEFAULT_CHECKPOINT, "cpu", tmp_path)
    assert RAN_ON_CPU not in expected.status
    assert view.trace.read_bytes() == expected.trace.read_bytes()
    full[0] = 1000  # there is memory again
    assert RAN_ON_CPU not in handlers.view_clip(clip, 0, STEP, DEFAULT_CHECKPOINT, CARD, tmp_path).status
    assert handlers.model(DEFAULT_CHECKPOINT, CARD) is network


def test_what_ifs_go_on_on_the_cpu_from_their_first_run(clip, full, tmp_path):
    full[0] = 3  # the second what-if
    steps = []
    tell = lambda what, share: steps.append(what)
    view = handlers.view_clip(clip, 0, STEP, DEFAULT_CHECKPOINT, CARD, tmp_path, tell, what_if=True)
    assert RAN_ON_CPU in view.status
    assert steps.count("decoding and sampling 16 frames") == 1
    assert steps.count("the graphics card is full; again on the CPU") == 1
    expected = handlers.view_clip(clip, 0, STEP, DEFAULT_CHECKPOINT, "cpu", tmp_path, what_if=True)
    one, two = explorer.unpack(view.trace), explorer.unpack(expected.trace)
    assert len(one.what_if) >= 8
    for mine, other in zip(one.what_if, two.what_if, strict=True):
        np.testing.assert_array_equal(mine.logits, other.logits)
    assert one.trust == two.trust


def test_programs_are_told_too(clip, full, tmp_path):
    folder = tmp_path.parent.parent
    answer = handlers.answer({"path": clip}, 0, STEP, DEFAULT_CHECKPOINT, CARD, folder)
    assert answer["notes"] == [RAN_ON_CPU]
    full[0] = 1000
    assert "notes" not in handlers.answer({"path": clip}, 0, STEP, DEFAULT_CHECKPOINT, CARD, folder)


def test_what_the_failed_run_held_is_gone_before_the_next_one(clip, full):
    seen = []
    network = handlers.model(DEFAULT_CHECKPOINT, CARD)
    stem = next(network.children())
    handle = stem.register_forward_hook(lambda _, args, output: seen.append(weakref.ref(output)))

    def more(_, prediction):
        seen.append([held() for held in seen])
        return prediction

    try:
        handlers.run(clip, 0, STEP, DEFAULT_CHECKPOINT, CARD, more=more)
    finally:
        handle.remove()
    *held, alive = seen
    assert len(held) == 1
    assert alive == [None]


def test_other_errors_are_not_taken_for_it(clip, full):
    block = [m for m in handlers.model(DEFAULT_CHECKPOINT, CARD).modules() if isinstance(m, SIFA)][1]

    def fail(*_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    handle = block.register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="illegal memory access"):
            handlers.run(clip, 0, STEP, DEFAULT_CHECKPOINT, CARD)
    finally:
        handle.remove()


@pytest.fixture
def once():
    """The first block of the next model that runs has no memory."""
    passes = []

    def refuse(module, _):
        if isinstance(module, SIFA) and not passes:
            passes.append(module)
            raise torch.OutOfMemoryError("CUDA out of memory.")

    handle = torch.nn.modules.module.register_module_forward_pre_hook(refuse)
    yield
    handle.remove()
    assert passes


def arguments(command, clip, *options):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    parsed = parser.parse_args([clip, *options])
    parsed.device = CARD
    return parsed


@pytest.mark.usefixtures("once")
def test_the_command_predicts_on_the_cpu(clip, capsys):
    assert predict_command.run(arguments(predict_command, clip, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [RAN_ON_CPU]


@pytest.mark.usefixtures("once")
def test_the_command_says_it_in_its_text(clip, capsys):
    assert predict_command.run(arguments(predict_command, clip)) == 0
    assert RAN_ON_CPU in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("once")
def test_the_command_on_trust_says_it_beside_its_figures(clip, capsys):
    assert trust_command.run(arguments(trust_command, clip, "--json")) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)["blocks"]) == 6
    assert RAN_ON_CPU in said.err
