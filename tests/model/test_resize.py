"""Other numbers of neighbours: the same size changes nothing, a smaller one keeps the middle, a larger one repeats the edge."""

import numpy as np
import pytest
import torch

import sifa
from sifa.model.resize import nearest_offsets, resize_kernel
from tests.predictions import moving_clip, nano_model


@pytest.fixture(scope="module")
def model():
    return nano_model()


def first_block(model):
    return sifa.predict(model, moving_clip()).trace[0]


def test_the_same_size_gives_the_same_answer(model):
    np.testing.assert_array_equal(
        sifa.predict(resize_kernel(model, 3), moving_clip()).logits, sifa.predict(model, moving_clip()).logits
    )


def test_neighbours_at_the_same_place_read_the_same(model):
    three, one, five = (first_block(each) for each in (model, resize_kernel(model, 1), resize_kernel(model, 5)))
    np.testing.assert_allclose(one.offset[:, 0], three.offset[:, 4], rtol=0, atol=1e-6)
    np.testing.assert_allclose(one.attention[:, 0], three.attention[:, 4], rtol=0, atol=1e-5)
    inner = [5 * y + x for y in (1, 2, 3) for x in (1, 2, 3)]
    np.testing.assert_allclose(five.points[:, inner], three.points, rtol=0, atol=1e-5)
    np.testing.assert_allclose(five.attention[:, inner], three.attention, rtol=0, atol=1e-5)
    np.testing.assert_allclose(five.offset[:, 4], three.offset[:, 2], rtol=0, atol=1e-6)
    assert (five.kernel, one.kernel) == (5, 1)


def test_the_model_itself_stays_as_it_was(model):
    resize_kernel(model, 5)
    assert first_block(model).kernel == 3
    assert model.config.kernel_size == 3


def test_zero_offsets_stay_zero():
    assert not first_block(resize_kernel(nano_model(offsets="zero"), 5)).offset.any()


@pytest.mark.parametrize("size", [0, 2, -3])
def test_sizes_without_a_centre_are_refused(model, size):
    with pytest.raises(ValueError, match=f"kernel_size is {size}; neighbours lie around a centre"):
        resize_kernel(model, size)


def test_a_model_without_blocks_is_refused():
    with pytest.raises(ValueError, match="no SIFA block"):
        resize_kernel(nano_model(unshifted="conv"), 5)


def test_a_grid_with_gaps_takes_the_offsets_of_the_same_places():
    """5 x 5 neighbours next to each other -> 3 x 3 of them, each second one."""
    filters = torch.arange(25.0).repeat_interleave(2).view(50, 1, 1, 1)
    every_second = nearest_offsets(filters, (5, 1), (3, 2)).view(9, 2)
    assert every_second[:, 0].tolist() == [0, 2, 4, 10, 12, 14, 20, 22, 24]
    assert torch.equal(every_second[:, 0], every_second[:, 1])
    wider = nearest_offsets(every_second.reshape(18, 1, 1, 1), (3, 2), (3, 4)).view(9, 2)
    assert torch.equal(wider, every_second)  # beyond the old grid, its edge goes on
