"""A small untrained model, forty clips of several kinds, and their table."""

from dataclasses import replace
from pathlib import Path

import pytest

from sifa.batch.row import Settings
from sifa.batch.run import listed_clips
from sifa.data.listing import read_listing
from sifa.weights.card import load_card
from sifa.weights.download import sha256
from tests.batch.many import make_clips, small_weights
from tests.batch.tables import in_process, started


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    while started:
        run = started.pop()
        run.kill()
        run.communicate()


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    return small_weights(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="session")
def forty(tmp_path_factory):
    """The list of forty clips, two of which are broken."""
    return make_clips(tmp_path_factory.mktemp("forty") / "clips", 40)


@pytest.fixture(scope="session")
def clips(forty, weights):
    return listed_clips(read_listing(forty, classes_needed=False), load_card(weights).labels)


@pytest.fixture(scope="session")
def quick(clips):
    """Every second of them, all of which are folders of pictures, which need no decoding process; one is broken."""
    return [replace(clip, number=i) for i, clip in enumerate(clips[::2])]


@pytest.fixture
def settings(weights, tmp_path):
    return Settings(str(weights), sha256(weights), str(tmp_path / "table"), clips_per_part=4)


@pytest.fixture(scope="session")
def whole(clips, weights, tmp_path_factory) -> Path:
    """The table of the forty clips, made in this process without any interruption."""
    out = tmp_path_factory.mktemp("whole") / "table"
    in_process(clips, Settings(str(weights), sha256(weights), str(out), clips_per_part=8))
    return out


@pytest.fixture(scope="session")
def quick_whole(quick, weights, tmp_path_factory) -> Path:
    """The same of the twenty."""
    out = tmp_path_factory.mktemp("quick") / "table"
    in_process(quick, Settings(str(weights), sha256(weights), str(out), clips_per_part=4))
    return out
