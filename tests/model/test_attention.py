import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import sifa
from sifa.model.attention import SIFA, cosine_features, displacement, motion_saliency
from sifa.model.sampling import corners, gather, neighbour_grid, padded_table, sampling_points, scatter
from tests.model import golden, reference


def random_case(kernel_size=3, spread=1.5, dtype=torch.float64, seed=0):
    """Distinct primes for every size: B 2, C 5, T 3, H 7, W 11."""
    rng = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 5, 3, 7, 11, generator=rng, dtype=dtype)
    offset = spread * torch.randn(2, 2, kernel_size**2, 2, 7, 11, generator=rng, dtype=dtype)
    return features, offset


@pytest.mark.parametrize("weights", ["dot", "softmax"])
@pytest.mark.parametrize(("kernel_size", "dilation"), [(1, 1), (2, 1), (3, 1), (3, 2), (5, 1)])
def test_equals_the_nested_loops(kernel_size, dilation, weights):
    features, offset = random_case(kernel_size)
    out = sifa.inter_frame_attention(features, offset, kernel_size, dilation, weights)
    wanted, attention = reference.inter_frame_attention(
        features.numpy(), offset.numpy(), kernel_size, dilation, weights
    )
    np.testing.assert_allclose(out.features, wanted, atol=1e-12)
    np.testing.assert_allclose(out.attention, attention, atol=1e-12)
    assert not out.features[:, :, -1].any()


@pytest.mark.parametrize("weights", ["dot", "softmax"])
@pytest.mark.parametrize(("kernel_size", "dilation"), [(3, 1), (3, 2), (5, 1)])
def test_places_in_the_values_equal_the_nested_loops(kernel_size, dilation, weights):
    features, offset = random_case(kernel_size)
    place = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    out = sifa.inter_frame_attention(features, offset, kernel_size, dilation, weights, place)
    wanted, attention = reference.inter_frame_attention(
        features.numpy(), offset.numpy(), kernel_size, dilation, weights, place.numpy()
    )
    np.testing.assert_allclose(out.features, wanted, atol=1e-12)
    np.testing.assert_allclose(out.attention, attention, atol=1e-12)
    assert not out.features[:, :, -1].any()


def test_cosine_features_have_scaled_cosines_as_their_dot_products():
    features, _ = random_case()
    projection = torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = cosine_features(features, torch.tensor(7.0, dtype=torch.float64), projection)
    a, b = found[0, :, 0, 2, 3], found[0, :, 1, 4, 5]
    centred = features - features.mean((3, 4), keepdim=True)
    u, v = projection @ centred[0, :, 0, 2, 3], projection @ centred[0, :, 1, 4, 5]
    np.testing.assert_allclose(a @ b / math.sqrt(5), 7 * (u @ v) / (u.norm() * v.norm()), rtol=1e-9)


@pytest.mark.parametrize("projected", [False, True])
def test_a_block_of_cosines_and_places_equals_the_nested_loops(projected):
    torch.manual_seed(3)
    block = SIFA(5, weights="cosine", position="relative", projected=projected).double()
    features, _ = random_case(spread=0)
    with torch.no_grad():
        block.conv_offset.weight.normal_(std=0.2)
        if projected:
            block.project.normal_()
        out = block(features)
        values = cosine_features(features, block.log_scale.exp(), block.project)
    wanted, attention = reference.inter_frame_attention(
        values.numpy(), out.offset.numpy(), 3, 1, "softmax", block.place.detach().numpy()
    )
    np.testing.assert_allclose(out.features, wanted, atol=1e-10)
    np.testing.assert_allclose(out.attention, attention, atol=1e-10)
    np.testing.assert_allclose(out.attention.sum(2), 1, rtol=1e-9)


def test_gradients_of_a_block_of_cosines_and_places():
    torch.manual_seed(4)
    block = SIFA(2, weights="cosine", position="relative", projected=True).double()
    torch.nn.init.normal_(block.conv_offset.weight, std=0.2)
    features = torch.randn(1, 2, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    parameters = dict(block.named_parameters())

    def run(features, *values):
        return torch.func.functional_call(block, dict(zip(parameters, values)), (features,))[::2]

    assert torch.autograd.gradcheck(run, (features, *parameters.values()), atol=1e-4)


def test_one_hand_computed_value():
    features = torch.zeros(1, 1, 2, 3, 3)
    features[0, 0, 0, 1, 1] = 2.0  # the query
    features[0, 0, 1, 1, 1], features[0, 0, 1, 1, 2] = 4.0, 8.0
    offset = torch.zeros(1, 1, 1, 2, 3, 3)
    offset[..., 1, :, :] = 0.25  # a quarter of a cell to the right: 0.75 * 4 + 0.25 * 8 = 5
    out = sifa.inter_frame_attention(features, offset, 1)
    assert out.attention[0, 0, 0, 1, 1] == 10
    assert out.features[0, 0, 0, 1, 1] == 50


@pytest.mark.parametrize("weights", ["dot", "softmax"])
def test_gradients(weights):
    features, offset = random_case(spread=0.7)
    features, offset = features[:1, :, :, :4, :5], offset[:1, ..., :4, :5]
    inputs = features.contiguous().requires_grad_(), offset.contiguous().requires_grad_()
    assert torch.autograd.gradcheck(lambda f, o: sifa.inter_frame_attention(f, o, 3, weights=weights)[::2], inputs)


@pytest.mark.parametrize("file", golden.FILES, ids=lambda f: f.stem)
def test_equals_the_released_kernels(file):
    relative = dict(sifa_out=1e-6, corr=1e-6, sifa_gx=1e-5, sifa_goffset=1e-5)
    for name, (got, wanted, error, size) in golden.results(file).items():
        np.testing.assert_allclose(got, wanted, rtol=0, atol=50 * error + relative[name] * size, err_msg=name)


def test_the_offset_gradient_at_integer_places_looks_towards_larger_coordinates():
    features, offset = random_case(spread=0)
    offset.requires_grad_()
    sifa.inter_frame_attention(features, offset, 3).features.sum().backward()
    step = 1e-6
    for axis in (0, 1):
        moved = offset.detach().clone()
        moved[0, 1, 4, axis, 3, 5] += step
        change = sifa.inter_frame_attention(features, moved, 3).features.sum()
        change -= sifa.inter_frame_attention(features, offset.detach(), 3).features.sum()
        torch.testing.assert_close(offset.grad[0, 1, 4, axis, 3, 5], change / step, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("place", [-1.0, 7.0, -50.0, 1e9, float("nan"), float("inf")])
def test_places_outside_count_zero_and_have_no_gradient(place):
    features, offset = random_case(1)
    offset[:] = 0
    offset[0, 0, 0, 0, 3, 5] = place - 3
    offset.requires_grad_()
    out = sifa.inter_frame_attention(features, offset, 1)
    out.features.sum().backward()
    assert not out.features[0, :, 0, 3, 5].any()
    assert not offset.grad[0, 0, 0, :, 3, 5].any()


def test_bfloat16_is_summed_in_float32():
    features, offset = random_case(dtype=torch.float32)
    low = features.bfloat16()
    out = sifa.inter_frame_attention(low, offset, 3)
    wanted = sifa.inter_frame_attention(low.float(), offset, 3)
    assert out.features.dtype == torch.bfloat16
    torch.testing.assert_close(out.features, wanted.features.bfloat16())


def test_a_single_step_has_no_pairs():
    out = SIFA(5)(torch.randn(2, 5, 1, 7, 11))
    assert out.features.shape == (2, 5, 1, 7, 11)
    assert not out.features.any()
    assert out.offset.shape == (2, 0, 9, 2, 7, 11)
    assert out.attention.shape == (2, 0, 9, 7, 11)


def test_shapes_that_disagree_are_refused():
    features, offset = random_case()
    with pytest.raises(ValueError, match=r"\(B, T-1, K\*K, 2, H, W\) = \(2, 2, 25, 2, 7, 11\)"):
        sifa.inter_frame_attention(features, offset, 5)
    with pytest.raises(ValueError, match="weights is 'cosine'"):
        sifa.inter_frame_attention(features, offset, 3, weights="cosine")


def test_scatter_is_the_transpose_of_gather():
    rng = torch.Generator().manual_seed(1)
    maps = torch.randn(2, 3, 5, 7, generator=rng, dtype=torch.float64)
    y, x = (torch.rand(2, 4, 11, generator=rng, dtype=torch.float64) * 8 - 2 for _ in "yx")
    at, table = corners(y, x, 3, 5), padded_table(maps)
    values = torch.randn(88, 7, generator=rng, dtype=torch.float64)
    back = scatter(values, at.index, at.weight, len(table))
    torch.testing.assert_close((gather(table, at.index, at.weight) * values).sum(), (table * back).sum())


def test_points_are_location_plus_tap_plus_offset():
    offset = torch.zeros(1, 1, 9, 2, 3, 4)
    offset[0, 0, 5, :, 1, 2] = torch.tensor([0.5, -2.0])
    points = sampling_points(offset, 3)
    assert points[0, 0, 5, :, 1, 2].tolist() == [1.5, 1.0]  # tap 5 is (0, +1)
    assert points[0, 0, 0, :, 2, 3].tolist() == [1.0, 2.0]
    assert neighbour_grid(3, 2).tolist()[:2] == [[-2, -2], [-2, 0]]


def test_displacement_is_weighted_by_magnitude():
    offset = torch.zeros(9, 2, 1, 1)
    attention = torch.zeros(9, 1, 1)
    attention[5], attention[3] = 3.0, -1.0  # right and left neighbours
    assert displacement(offset, attention, 3).flatten().tolist() == [0.0, 0.5]


def test_saliency_is_the_next_frame_gated_by_the_difference():
    features, _ = random_case()
    paper = motion_saliency(features)
    difference = features[:, :, 1:] - features[:, :, :-1]
    torch.testing.assert_close(paper, torch.sigmoid(difference) * features[:, :, 1:])
    torch.testing.assert_close(motion_saliency(features, "released"), paper + features[:, :, 1:])
    assert torch.equal(motion_saliency(features, "none"), features[:, :, 1:])


def test_the_module_starts_as_a_regular_grid_and_learns_offsets():
    block = SIFA(5)
    features, _ = random_case(dtype=torch.float32)
    out = block(features)
    assert not out.offset.any()
    F.mse_loss(out.features, torch.ones_like(out.features)).backward()
    assert block.conv_offset.weight.grad.abs().sum() > 0


def test_autocast_leaves_the_operator_alone():
    """Forward and backward, also where the backward pass itself runs under autocast."""
    features, offset = torch.randn(1, 4, 3, 5, 5), torch.randn(1, 2, 9, 2, 5, 5)
    grads = []
    for enabled in (False, True):
        f, o = features.clone().requires_grad_(), offset.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            sifa.inter_frame_attention(f, o, 3).features.square().sum().backward()
        grads.append((f.grad, o.grad))
    assert torch.equal(grads[0][0], grads[1][0])
    assert torch.equal(grads[0][1], grads[1][1])
