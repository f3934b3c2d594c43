"""Every engine of the operator gives what the nested loops and the torch engine give, on whatever it may be called with."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import sifa
from sifa.model import kernels
from sifa.model.attention import SIFA
from tests.model import golden, reference

ENGINES = ("torch", "numba", "triton")  # the last as Python: see tests/conftest.py
CASES = [  # kernel size, dilation, (B, C, T, H, W)
    (1, 1, (1, 3, 2, 1, 1)),
    (3, 1, (2, 5, 3, 4, 7)),
    (3, 2, (1, 32, 2, 5, 3)),
    (5, 1, (1, 17, 3, 6, 5)),
]


def needs(name):
    """Skips the test where an engine is not installed, or fails it where nothing may be skipped."""
    if name != "torch" and (missing := kernels.problem(name)):
        pytest.fail(missing) if os.environ.get("SIFA_REQUIRE_BROWSER") == "1" else pytest.skip(missing)


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    """The name of an engine, which is the one that works during the test."""
    needs(request.param)
    if request.param == "triton" and not import_module("sifa.model.kernels._triton").INTERPRETED:
        pytest.skip("Triton's kernels run on the GPU here, where test_triton and tests.gpu hold them to the same")
    monkeypatch.setenv("SIFA_KERNEL", request.param)
    return request.param


def inputs(shape, kernel_size, spread=1.5, seed=0):
    """Features and offsets in float32; some points lie outside the map."""
    rng = torch.Generator().manual_seed(seed)
    b, _, t, h, w = shape
    features = torch.randn(shape, generator=rng)
    return features, spread * torch.randn(b, t - 1, kernel_size**2, 2, h, w, generator=rng)


def run(features, offset, *arguments, place=None):
    """Sums, weights, and the gradients of both inputs from random gradients of both outputs."""
    f, o = features.detach().clone().requires_grad_(), offset.detach().clone().requires_grad_()
    out = sifa.inter_frame_attention(f, o, *arguments, place=place)
    rng = torch.Generator().manual_seed(9)
    grads = [torch.randn(each.shape, generator=rng).to(each.dtype) for each in (out.features, out.attention)]
    torch.autograd.backward((out.features, out.attention), grads)
    return out.features.detach(), out.attention.detach(), f.grad, o.grad


def assert_close(found, wanted, tolerance=1e-5):
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=tolerance * other.abs().max().item())


@pytest.mark.parametrize("weights", ["dot", "softmax"])
@pytest.mark.parametrize(("kernel_size", "dilation", "shape"), CASES)
def test_equals_the_nested_loops(engine, kernel_size, dilation, shape, weights):
    features, offset = inputs(shape, kernel_size)
    out = sifa.inter_frame_attention(features, offset, kernel_size, dilation, weights)
    wanted = reference.inter_frame_attention(features.numpy(), offset.numpy(), kernel_size, dilation, weights)
    assert_close((out.features, out.attention), map(torch.from_numpy, wanted))
    assert not out.features[:, :, -1].any()


@pytest.mark.parametrize("weights", ["dot", "softmax"])
@pytest.mark.parametrize(("kernel_size", "dilation", "shape"), CASES)
def test_gradients_equal_those_in_float64(engine, kernel_size, dilation, shape, weights):
    features, offset = inputs(shape, kernel_size)
    found = run(features, offset, kernel_size, dilation, weights)
    assert_close(found, run(features.double(), offset.double(), kernel_size, dilation, weights))


@pytest.mark.parametrize("weights", ["dot", "softmax"])
def test_gradcheck_in_float64(engine, weights):
    features, offset = (each.double().requires_grad_() for each in inputs((1, 2, 3, 2, 3), 3, 0.7))
    assert torch.autograd.gradcheck(
        lambda f, o: sifa.inter_frame_attention(f, o, 3, weights=weights)[::2], (features, offset)
    )


@pytest.mark.parametrize(("settings", "softness"), [({}, "dot"), (dict(weights="softmax"), "softmax")])
def test_the_module_equals_itself_in_float64(engine, settings, softness):
    torch.manual_seed(1)
    block = SIFA(6, **settings)
    torch.nn.init.normal_(block.conv_offset.weight, std=0.2)
    compare_blocks(block, softness)


@pytest.mark.parametrize("projected", [False, True])
def test_cosine_weights_and_the_position_code(engine, projected):
    torch.manual_seed(1)
    block = SIFA(6, weights="cosine", position="relative", projected=projected)
    torch.nn.init.normal_(block.conv_offset.weight, std=0.2)
    compare_blocks(block, "softmax")


def compare_blocks(block, softness):
    """A block in float32 with nested loops, and its parameters' gradients with those in float64."""
    features, _ = inputs((2, 6, 3, 5, 4), 3)
    out, gradients = block(features), {}
    values = block.values(features).detach().numpy()
    place = None if block.place is None else block.place.detach().numpy()
    wanted = reference.inter_frame_attention(values, out.offset.detach().numpy(), 3, 1, softness, place)
    assert_close((out.features.detach(), out.attention.detach()), map(torch.from_numpy, wanted))
    for dtype in (torch.float32, torch.float64):
        block.to(dtype).zero_grad()
        found = block(features.to(dtype))
        (found.features.square().sum() + found.attention.square().sum()).backward()
        gradients[dtype] = [parameter.grad.clone() for parameter in block.parameters()]
    assert_close(gradients[torch.float32], gradients[torch.float64], 1e-4)


@pytest.mark.parametrize("file", golden.FILES, ids=lambda f: f.stem)
def test_equals_the_released_kernels(engine, file):
    for name, (got, wanted, error, size) in golden.results(file).items():
        np.testing.assert_allclose(got, wanted, rtol=0, atol=50 * error + 1e-5 * size, err_msg=name)


def test_the_offset_gradient_at_integer_places_looks_towards_larger_coordinates(engine):
    features, offset = inputs((1, 5, 2, 4, 6), 3, 0)
    *_, gradient = run(features, offset, 3)
    later = run(features.double(), offset.double() + 1e-9, 3)[-1]
    earlier = run(features.double(), offset.double() - 1e-9, 3)[-1]
    gradient, later, earlier = (each[..., 1:-1, 1:-1] for each in (gradient, later, earlier))  # their points are inside
    assert_close([gradient], [later])
    assert (gradient - earlier).abs().max() > 0.1 * gradient.abs().max()


@pytest.mark.parametrize("place", [-1.0, 4.0, -50.0, 1e9, -1e30, float("nan"), float("inf")])
@pytest.mark.parametrize("axis", [0, 1])
def test_places_outside_count_zero_and_have_no_gradient(engine, place, axis):
    features, offset = inputs((1, 5, 2, 4, 4), 1, 0)
    offset[0, 0, 0, axis, 2, 2] = place - 2
    summed, weights, _, grad_offset = run(features, offset, 1)
    assert not summed[0, :, 0, 2, 2].any()
    assert not weights[0, 0, 0, 2, 2]
    assert not grad_offset[0, 0, 0, :, 2, 2].any()
    assert all(each.isfinite().all() for each in (summed, weights, grad_offset))


@pytest.mark.parametrize("weights", ["dot", "softmax"])
def test_where_every_point_is_outside(engine, weights):
    features, offset = inputs((1, 5, 2, 3, 3), 3)
    summed, share, grad, grad_offset = run(features, torch.full_like(offset, 99.0), 3, 1, weights)
    assert not any(each.any() for each in (summed, grad, grad_offset))
    torch.testing.assert_close(share, torch.full_like(share, 0 if weights == "dot" else 1 / 9))


def test_values_that_are_no_numbers_stay_where_they_are_read(engine):
    """A NaN in one cell, or an infinity, spoils what reads it and nothing else."""
    features, offset = inputs((1, 5, 2, 6, 6), 1, 0)
    features[0, 2, 1, 3, 3] = float("nan")
    features[0, 2, 1, 0, 0] = float("inf")
    summed = sifa.inter_frame_attention(features, offset + 0.5, 1).features
    spoilt = torch.zeros(6, 6, dtype=torch.bool)
    spoilt[2:4, 2:4] = spoilt[0, 0] = True
    assert torch.equal(~summed[0, :, 0].isfinite().all(0), spoilt)


def test_a_single_step_has_no_pairs(engine):
    out = SIFA(5)(torch.randn(2, 5, 1, 4, 3))
    assert out.features.shape == (2, 5, 1, 4, 3)
    assert not out.features.any()
    assert out.attention.shape == (2, 0, 9, 4, 3)


@pytest.mark.parametrize("shape", [(2, 5, 3, 4, 7), (1, 32, 3, 5, 4), (2, 33, 2, 5, 4)])
def test_any_layout_in_memory(engine, shape):
    """Channels last, channels first, time outermost, every second row, one value for all."""
    if engine == "triton" and shape[1] != 5:
        pytest.skip("it has one way for all numbers of channels, and as Python it is slow")
    features, offset = inputs(shape, 3)
    wanted = run(features.double(), offset.double(), 3)
    spaced = torch.zeros(*shape[:3], 2 * shape[3], shape[4])[..., ::2, :].copy_(features)
    for order in ((0, 2, 3, 4, 1), (0, 2, 1, 3, 4), (2, 0, 1, 3, 4), (0, 1, 2, 4, 3)):
        back = [order.index(axis) for axis in range(5)]
        laid = features.permute(order).contiguous().permute(back).requires_grad_()
        moves = offset.permute(0, 1, 4, 5, 2, 3).contiguous().permute(0, 1, 4, 5, 2, 3).requires_grad_()
        out = sifa.inter_frame_attention(laid, moves, 3)
        rng = torch.Generator().manual_seed(9)
        grads = [torch.randn(each.shape, generator=rng) for each in (out.features, out.attention)]
        found = torch.autograd.grad((out.features, out.attention), (laid, moves), grads)
        assert_close((out.features.detach(), out.attention.detach(), *found), wanted)
    assert_close([sifa.inter_frame_attention(spaced, offset, 3).features], wanted[:1])
    same = features[:, :, :1, :1, :1].expand(shape)
    assert_close(run(same, offset, 3), run(same.double(), offset.double(), 3))
    summed = features.clone().requires_grad_()
    sifa.inter_frame_attention(summed, offset, 3).features.sum().backward()  # a gradient of one number
    exact = features.double().requires_grad_()
    sifa.inter_frame_attention(exact, offset.double(), 3).features.sum().backward()
    assert_close([summed.grad], [exact.grad])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_summed_in_float32(engine, dtype):
    features, offset = inputs((2, 5, 3, 4, 7), 3)
    features = features.to(dtype)
    out = sifa.inter_frame_attention(features, offset, 3)
    wanted = sifa.inter_frame_attention(features.double(), offset.double(), 3)
    assert out.features.dtype == out.attention.dtype == dtype
    torch.testing.assert_close(out.features, wanted.features.to(dtype))


def test_autocast_leaves_the_operator_alone(engine):
    features, offset = inputs((1, 5, 3, 4, 7), 3)
    plain = run(features, offset, 3)
    with torch.autocast("cpu", torch.bfloat16):
        under = run(features, offset, 3)
    assert all(torch.equal(one, other) for one, other in zip(plain, under))


def test_no_gradient_where_none_is_asked_for(engine):
    features, offset = inputs((1, 5, 3, 4, 7), 3)
    assert not sifa.inter_frame_attention(features, offset, 3).features.requires_grad
    moved = offset.clone().requires_grad_()
    sifa.inter_frame_attention(features, moved, 3).attention.sum().backward()
    assert moved.grad.any()
    assert features.grad is None


def test_a_second_derivative_is_refused(engine):
    features, offset = inputs((1, 5, 2, 3, 3), 3)
    offset.requires_grad_()
    summed = sifa.inter_frame_attention(features, offset, 3).features.square().sum()
    (first,) = torch.autograd.grad(summed, offset, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("weights", ["dot", "softmax"])
def test_results_are_the_same_every_time_and_for_any_number_of_threads(engine, weights):
    if engine == "triton":
        pytest.skip("its sums have no fixed order on a GPU, and one thread as Python")
    features, offset = inputs((2, 32, 6, 9, 11), 3)
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 1, 2, 5):
            torch.set_num_threads(number)
            found.append(run(features, offset, 3, 1, weights))
    finally:
        torch.set_num_threads(threads)
    for other in found[1:] if engine != "torch" else found[1:2]:
        assert all(torch.equal(one, same) for one, same in zip(found[0], other))


def test_eight_threads_at_once(engine):
    if engine == "triton":
        pytest.skip("Triton's interpreter is for one thread")
    cases = [inputs((1, 32, 4, 9, 11), 3, seed=seed) for seed in range(8)]
    alone = [run(*case, 3) for case in cases]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda case: run(*case, 3), cases * 6))
    for number, found in enumerate(together):
        assert_close(found, alone[number % 8], 1e-6)


FORKING = """
import os, sys, torch
sys.path[:0] = [{root!r}]
from tests.model.test_engines import inputs, run
torch.set_num_threads(2)
case = inputs((2, 32, 4, 9, 11), 5)  # too small for PyTorch's own threads, which do not survive a fork
before = run(*case, 5)[0]
child = os.fork()
if child == 0:
    torch.set_num_threads(2)
    os._exit(0 if torch.equal(run(*case, 5)[0], before) else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_forked_goes_on(engine):
    if engine != "numba":
        pytest.skip("PyTorch's own threads do not live on in a child, nor does a GPU")
    code = FORKING.format(root=str(Path(__file__).parents[2]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0"], done.stderr


def test_the_choice_is_by_size_and_type(monkeypatch):
    monkeypatch.delenv("SIFA_KERNEL", raising=False)
    fastest = "numba" if find_spec("numba") else "torch"
    assert kernels.engine_for("cpu") == fastest
    assert kernels.engine_for("cpu", size=kernels.LARGE - 1) == "torch"
    assert kernels.engine_for("cpu", torch.float64) == "torch"
    assert kernels.engine_for("meta") == "torch"
    assert kernels.described() == f"operator by {fastest} on the CPU" or torch.cuda.is_available()


def test_what_must_be_the_same_to_the_last_bit_is_not_for_atomic_additions():
    torch.use_deterministic_algorithms(True)
    try:
        assert kernels.engine_for("cuda") == "torch"
    finally:
        torch.use_deterministic_algorithms(False)


def test_the_choice_can_be_named(engine):
    assert kernels.engine_for("cpu", size=1) == kernels.engine_for("cpu") == engine
    assert kernels.engine_for("cpu", torch.float64) == "torch"


def test_a_name_that_cannot_be_is_refused(monkeypatch):
    features, offset = inputs((1, 5, 2, 3, 3), 3)
    monkeypatch.setenv("SIFA_KERNEL", "fortran")
    with pytest.raises(sifa.RunError, match="SIFA_KERNEL is 'fortran'; use torch, numba or triton, or leave it out"):
        sifa.inter_frame_attention(features, offset, 3)
    monkeypatch.setenv("SIFA_KERNEL", "numba")
    if find_spec("numba"):
        with pytest.raises(sifa.RunError, match="'numba', which is for cpu, not cuda; use SIFA_KERNEL=torch"):
            kernels.engine_for("cuda")


@pytest.mark.parametrize("shape", [(0, 4, 3, 4, 5), (2, 4, 1, 4, 5), (2, 4, 3, 0, 5), (2, 4, 3, 4, 0)])
def test_nothing_to_read_gives_zeros(engine, shape):
    features, offset = inputs(shape, 3)
    place = torch.ones(4, 2)
    for given in ((), (1, "softmax", place)):
        out = sifa.inter_frame_attention(features, offset, 3, *given)
        assert out.features.shape == shape
        assert out.attention.shape == offset.shape[:3] + offset.shape[4:]
        assert not out.features.any()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda features, offset: (features, offset[:, :1]),
        lambda features, offset: (features, offset[..., :4]),
        lambda features, offset: (features, offset[:1]),
        lambda features, offset: (features, offset[:, :, :4]),
        lambda features, offset: (features, offset.double()),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(engine, wrong):
    features, offset = wrong(*inputs((2, 32, 3, 9, 9), 3))
    with pytest.raises(ValueError, match="offset (has shape|is torch.float64)"):
        kernels.attend(features, offset, 3, 1, False)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore:Dynamo detected a call to a")
def test_compiled_and_recorded_models_hold_the_operator_of_torch(monkeypatch):
    """Their inputs are no numbers that other code could read."""
    needs("numba")
    monkeypatch.setenv("SIFA_KERNEL", "numba")

    class Operator(torch.nn.Module):
        def forward(self, features, offset):
            return kernels.attend(features, offset, 3, 1, True)

    given, others = inputs((1, 32, 2, 6, 5), 3), inputs((1, 32, 2, 6, 5), 3, seed=1)
    recorded = torch.jit.trace(Operator(), given, check_trace=False)
    compiled = torch.compile(Operator(), backend="eager", fullgraph=True)
    for run in (recorded, compiled):
        assert_close(run(*others), kernels.attend(*others, 3, 1, True))
