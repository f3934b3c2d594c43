"""What only the Triton engine can get wrong; what it has in common with the others is in test_engines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sifa.model.kernels import _torch

_triton = pytest.importorskip("sifa.model.kernels._triton", exc_type=ImportError)
ROOT = Path(__file__).parents[2]
DEVICE = "cpu" if _triton.INTERPRETED else "cuda"


def case(shape, kernel_size, spread=1.5):
    """Features, offsets of which one is no number, and gradients of sums and weights, in float64."""
    b, _, t, h, w = shape
    rng = torch.Generator().manual_seed(0)
    draw = lambda *sizes: torch.randn(sizes, generator=rng, dtype=torch.float64).to(DEVICE)
    offset = spread * draw(b, t - 1, kernel_size**2, 2, h, w)
    offset[0, 0, 0, 0, 0, 0] = float("nan")
    return draw(*shape), offset, draw(*shape), draw(b, t - 1, kernel_size**2, h, w)


def results(engine, features, offset, grad_sums, grad_weights, *switches):
    inputs = features.detach().requires_grad_(), offset.detach().requires_grad_()
    outputs = engine.attend(*inputs, *switches)
    return *(o.detach() for o in outputs), *torch.autograd.grad(outputs, inputs, (grad_sums, grad_weights))


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize(
    ("shape", "kernel_size", "dilation"),
    [((2, 3, 3, 7, 11), 3, 1), ((1, 33, 2, 3, 13), 3, 2), ((1, 5, 2, 2, 5), 5, 1), ((1, 1, 2, 1, 1), 1, 1)],
)
def test_equals_the_torch_engine_in_float64(shape, kernel_size, dilation, softmax):
    """Maps of more than one block of locations, and with a last block that is not full; more channels than taps, and fewer."""
    given = *case(shape, kernel_size), kernel_size, dilation, softmax
    for found, wanted in zip(results(_triton, *given), results(_torch, *given), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("order", [(0, 2, 3, 4, 1), (2, 0, 3, 4, 1)])
def test_channels_last_is_read_and_written_as_it_lies(order, monkeypatch):
    features, offset, *grads = case((2, 5, 3, 2, 3), 3)
    laid = features.permute(order).contiguous().permute([order.index(axis) for axis in range(5)])
    seen, launch = [], _triton._launch
    monkeypatch.setattr(
        _triton, "_launch", lambda kernel, frames, given, *a: (seen.append(given[0]), launch(kernel, frames, given, *a))
    )
    sums, _, grad, _ = results(_triton, laid, offset, *grads, 3, 1, True)
    assert [tensor.data_ptr() for tensor in seen] == [laid.data_ptr()] * 2
    assert sums.stride() == grad.stride() == laid.stride()


@pytest.mark.parametrize("shape", [(0, 5, 3, 2, 3), (2, 5, 3, 0, 3), (2, 5, 1, 2, 3)])
def test_where_there_is_nothing_to_attend_to(shape):
    b, _, t, h, w = shape
    features = torch.randn(shape, device=DEVICE, requires_grad=True)
    offset = torch.randn(b, t - 1, 9, 2, h, w, device=DEVICE, requires_grad=True)
    sums, weights = _triton.attend(features, offset, 3, 1, True)
    (sums.sum() + weights.sum()).backward()
    assert sums.shape == shape
    assert weights.shape == (b, t - 1, 9, h, w)
    assert not sums.any()
    assert not features.grad.any()


@pytest.mark.skipif(DEVICE != "cpu", reason="a file in the place of memory")
def test_places_in_memory_beyond_32_bits(tmp_path):
    """Four clips that lie 4 GB apart, in files that are nearly all holes."""
    features, offset, grad_sums, grad_weights = (each.float() for each in case((4, 16, 2, 1, 2), 1))
    apart = 10**9

    def far(name):
        file = torch.from_file(str(tmp_path / name), shared=True, size=3 * apart + 64, dtype=torch.float32)
        return file.as_strided(features.shape, (apart, 1, 32, 32, 16))

    laid, sums, grad, grad_out = (far(name) for name in ("features", "sums", "grad", "grad_out"))
    laid.copy_(features)
    grad_out.copy_(grad_sums)
    weights, grad_offset = torch.empty_like(grad_weights), torch.empty_like(offset)
    _triton._launch(_triton._forward, 8, (laid, offset, sums, weights), 1, 1, False)
    given = laid, offset, weights, sums, grad_out, grad_weights, grad, grad_offset
    _triton._launch(_triton._backward, 4, given, 1, 1, False)
    wanted = results(_torch, features, offset, grad_sums, grad_weights, 1, 1, False)
    for found, right in zip((sums, weights, grad, grad_offset), wanted, strict=True):
        torch.testing.assert_close(found, right, rtol=0, atol=1e-5)


def python(*arguments, **environment):
    """A Python of its own, in which Triton does not interpret."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | dict(TRITON_INTERPRET="0") | environment,
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


REFUSED = """
import torch, sifa
try:
    sifa.inter_frame_attention(torch.zeros(1, 2, 2, 3, 3), torch.zeros(1, 1, 9, 2, 3, 3), 3)
except sifa.RunError as error:
    print(error)
"""


@pytest.mark.slow
def test_tensors_on_the_cpu_are_refused_in_words():
    said = python("-c", REFUSED, SIFA_KERNEL="triton").strip()
    assert said == "SIFA_KERNEL is 'triton', which is for cuda, not cpu; use SIFA_KERNEL=torch"


PASSED_OVER = """
import torch
torch.cuda.is_available = lambda: True  # a card, but no driver that Triton could use
from sifa.model import kernels
print(kernels.engine_for("cuda"))
"""


@pytest.mark.slow
@pytest.mark.skipif(DEVICE != "cpu", reason="Triton can start here")
def test_where_triton_cannot_start_torch_works(tmp_path):
    environment = dict(TRITON_CACHE_DIR=str(tmp_path), SIFA_KERNEL="")
    assert python("-c", PASSED_OVER, **environment).strip() == "torch"
    with pytest.raises(
        AssertionError, match=r"SIFA_KERNEL is 'triton', but .*a C compiler such as gcc: .*use SIFA_KERNEL=torch"
    ):
        python("-c", PASSED_OVER, **environment | dict(SIFA_KERNEL="triton"))


@pytest.mark.slow
def test_the_kernels_compile_for_gpus_and_fit_their_registers(tmp_path):
    """No GPU is needed for it: ptxas comes with Triton."""
    lines = python("-m", "tests.model.gpu_code", "sm_80", "sm_90", TRITON_CACHE_DIR=str(tmp_path)).splitlines()
    found = [json.loads(line) for line in lines]
    assert len(found) == 24
    for one in found:
        hopper, wide = one["architecture"] == "sm_90", one["kind"] == "torch.float32"
        programs = 65536 // (one["registers"] * 32 * one["warps"])  # that fit the registers of a multiprocessor at once
        assert programs * one["warps"] >= (16 if hopper and wide else 8), one
        assert one["spilled"] <= (0 if wide else 16), one
        assert one["wide_loads"] >= (5 if wide else 0), one  # of the query and four corners
        if one["kernel"] == "_backward":
            assert one["wide_adds"] == (5 if hopper and wide else 0), one
