"""Which device a name stands for; the forward pass itself is held by tests/evaluation/test_views.py."""

import pytest
import torch

from sifa.errors import RunError
from sifa.model.run import choose_device, run_or_cpu


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


def load_error(text):
    """What loading a model says where moving it to the card fails so."""
    try:
        raise RunError(f"the model cannot be put on device 'cuda' ({text})") from torch.OutOfMemoryError(text)
    except RunError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        load_error("CUDA out of memory"),
    ],
)
def test_where_the_card_is_full_the_cpu_goes_on(error):
    tried = []

    def run(device):
        tried.append(device)
        if device != "cpu":
            raise error
        return "an answer"

    assert run_or_cpu("cuda", run) == ("an answer", True)
    assert tried == ["cuda", "cpu"]
    assert run_or_cpu("cpu", run) == ("an answer", False)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        ValueError("CUDA out of memory, said a file's name"),
        MemoryError(),
    ],
)
def test_other_errors_are_passed_on(error):
    def run(device):
        raise error

    with pytest.raises(type(error)) as caught:
        run_or_cpu("cuda", run)
    assert caught.value is error


def test_an_error_of_the_second_run_is_passed_on():
    def run(device):
        raise torch.OutOfMemoryError(device)

    with pytest.raises(torch.OutOfMemoryError, match="cpu"):
        run_or_cpu("cuda", run)
