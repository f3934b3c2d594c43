from pathlib import Path

import pytest
import torch

from sifa.model import kernels
from sifa.model.cost import cost, has_large_calls, table
from sifa.model.registry import create_model, list_models

README = Path(__file__).parents[2] / "sifa" / "model" / "README.md"


@pytest.mark.parametrize(
    ("name", "frames", "millions"),
    [
        ("sifa_resnet50_16x224", 16, "43.04"),
        ("sifa_resnet101_16x224", 16, "63.55"),
        ("sifa_swin_small_64x224", 64, "60.95"),
        ("sifa_swin_base_64x224", 64, "108.13"),
        ("sifa_swin_large_64x224", 64, "242.79"),
    ],
)
def test_parameters_are_those_of_the_released_models(name, frames, millions):
    assert f"{cost(name, frames).released_parameters / 1e6:.2f}" == millions


def test_multiply_adds_are_those_of_the_released_graph():
    base = cost("sifa_swin_base_64x224", 64)
    assert f"{base.convolution_and_linear / 1e9:.2f}" == "270.06"
    assert f"{base.attention / 1e9:.2f}" == "4.88"


def test_a_clip_of_twice_the_frames_costs_twice_the_convolutions():
    short, long = cost("sifa_swin_tiny_64x224", 16), cost("sifa_swin_tiny_64x224", 32)
    assert long.convolution_and_linear == pytest.approx(2 * short.convolution_and_linear, rel=1e-4)
    assert long.sifa / short.sifa == pytest.approx(7 / 3)  # 7 pairs of 8 steps, 3 of 4


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sifa_swin_nano_16x64", {}),
        ("sifa_swin_nano_16x64", dict(img_size=128)),
        ("sifa_swin_nano_16x64", dict(embed_dim=96)),
        ("sifa_swin_nano_16x64", dict(unshifted="none", shifted="none")),
    ],
)
def test_large_calls_are_those_that_go_to_compiled_code(name, change, monkeypatch):
    """Asked of the operator itself, which is told the size of each of its calls in a real forward pass."""
    sizes = [0]
    choose = kernels.engine_for
    monkeypatch.setattr(kernels, "engine_for", lambda kind, dtype, size: sizes.append(size) or choose("cpu", size=1))
    model = create_model(name, **change).eval()
    size = model.config.img_size
    with torch.no_grad():
        model(torch.zeros(1, 3, model.config.num_frames, size, size))
    assert has_large_calls(name, change) == (max(sizes) >= kernels.LARGE)
    assert (len(sizes) > 1) == ("shifted" not in change)


@pytest.mark.full
def test_the_table_in_the_documentation_is_what_the_command_prints():
    told = table()
    assert told in README.read_text(encoding="utf-8")
    assert {name.rpartition("_")[0] for name in list_models() if "x" in name} <= {
        row.split()[1] for row in told.splitlines()[2:]
    }
