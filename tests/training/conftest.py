import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sifa
from sifa.weights.checkpoint import save
from tests.predictions import nano_model
from tests.training.small import SMALL, add_clip


@pytest.fixture(autouse=True)
def one_thread():
    """For equal sums."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A checkpoint of a model that trains in no time."""
    file = tmp_path_factory.mktemp("start") / "small.safetensors"
    torch.manual_seed(0)
    model = sifa.create_model(SMALL.variant, **SMALL.config)
    card = replace(
        nano_model().card, variant=SMALL.variant, config=model.config.as_dict(), num_frames=4, sampling_rate=1
    )
    save(model, card, file)
    return file


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Five clips of each of two classes."""
    folder = tmp_path_factory.mktemp("own")
    for label in ("down", "up"):
        for number in range(5):
            add_clip(folder / "clips", label, number)
    return folder / "clips"


@pytest.fixture
def clips(own, tmp_path):
    return Path(shutil.copytree(own, tmp_path / "clips"))
