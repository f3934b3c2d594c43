import numpy as np
import pytest
import torch

from sifa.video.preprocess import Crop, normalise, preprocess


def test_crop_there_and_back():
    crop = Crop(scale=0.5, top=3.0, left=7.0, size=64)
    assert crop.to_model(*crop.to_source(10, 20)) == (10, 20)
    assert crop.source_box == (6.0, 14.0, 128.0)


def test_the_middle_square_is_what_the_model_sees():
    frames = np.zeros((2, 60, 100, 3), np.uint8)
    frames[:, 30, 50] = 255
    video, crop = preprocess(frames, 60, (0, 0, 0), (1, 1, 1))
    assert video.shape == (1, 3, 2, 60, 60)
    y, x = np.unravel_index(video[0, 0, 0].argmax().item(), (60, 60))
    assert crop.to_source(y, x) == (30, 50)
    assert crop.source_box == (0, 20, 60)


def test_reduction_is_antialiased():
    stripes = np.zeros((1, 256, 256, 3), np.uint8)
    stripes[:, :, ::2] = 255
    video, _ = preprocess(stripes, 64, (0, 0, 0), (1, 1, 1))
    assert (video - 0.5).abs().max() < 0.15


def test_each_clip_by_its_own_statistics_disregards_exposure():
    video = torch.rand(2, 3, 4, 8, 8)
    torch.testing.assert_close(
        normalise(video, None, None), normalise(0.5 * video + 0.2, None, None), atol=1e-4, rtol=0
    )
    flat = normalise(torch.full((1, 3, 2, 4, 4), 0.3), None, None)
    assert flat.abs().max() < 1e-5


def test_given_statistics():
    out = normalise(torch.full((1, 3, 1, 2, 2), 0.5), (0.1, 0.2, 0.3), (0.4, 0.1, 0.2))
    assert np.allclose(out[0, :, 0, 0, 0], [1, 3, 1])


def test_mean_and_deviation_go_together():
    with pytest.raises(ValueError, match=r"mean is \(0.5,\) and std is None; give both, or neither"):
        normalise(torch.rand(1, 3, 1, 2, 2), (0.5,), None)
