"""Which device a name stands for; the forward pass itself is held by tests/evaluation/test_views.py."""

import pytest
import torch

from sifa.errors import RunError
from sifa.model.run import choose_device


@pytest.fixture
def gpus(monkeypatch):
    """A machine with so many GPUs."""

    def machine(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return machine


@pytest.mark.parametrize(
    ("count", "name", "device"),
    [
        (0, "auto", "cpu"),
        (0, "cpu", "cpu"),
        (2, "auto", "cuda"),
        (2, "cpu", "cpu"),
        (2, "cuda", "cuda"),
        (2, "cuda:1", "cuda:1"),
    ],
)
def test_a_name_stands_for_a_device(count, name, device, gpus):
    gpus(count)
    assert choose_device(name) == device


def test_every_process_of_torchrun_takes_its_own_gpu(gpus, monkeypatch):
    gpus(2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert [choose_device(name) for name in ("cuda", "auto", "cuda:0", "cpu")] == ["cuda:1", "cuda:1", "cuda:0", "cpu"]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(RunError, match=r"'cuda:2', but PyTorch finds only 2 \(cuda:0 to cuda:1\) here"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_a_gpu_that_is_not_there_is_refused(name, gpus):
    gpus(0)
    with pytest.raises(RunError, match=f"the device is '{name}', but PyTorch finds no GPU here; use --device cpu"):
        choose_device(name)
