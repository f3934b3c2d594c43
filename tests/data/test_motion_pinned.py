"""Generated clips stay what they are: trained weights, samples and cards all came from them.

Uniform random numbers and integers are the same on every machine, so a digest of their bytes is held exactly. Normal
random numbers, sines and pictures differ in the last bit between processors: of them a few numbers are held closely.
`python -m tests.test_motion_pinned` prints today's digests and writes today's numbers, for a change that is meant.
"""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from sifa.data.listing import find_clips
from sifa.data.motion import CLASSES, MotionBatch, MotionClips, pasted
from sifa.data.motion.scenes import Scene, draw_scene
from sifa.data.motion.seeds import batch_seed
from sifa.data.user_clips import VideoClips
from sifa.video.frames import read_video
from tests.clips import numbered_frames, write_clip

FILE = Path(__file__).parents[1] / "golden" / "motion_clips.npz"
EXACT = (torch.rand, torch.randint)
SCENES = {  # name -> labels, frames, seed
    "all classes": (tuple(range(24)), 16, 1),
    "all classes backwards": (tuple(range(23, -1, -1)), 61, 77),
    "one object passes in front of another": ((14,) * 5, 30, 123456789),
    "a single clip": ((3,), 2, 2**62 + 5),
}
CLIPS = {  # name -> split, worn, source's seed, index, labels
    "train": ("train", False, 0, 0, (0, 5, 10, 15, 20)),
    "train worn": ("train", True, 1, 7, tuple(range(24))),
    "held-out": ("held-out", False, 11, 144, (23, 14)),
    "held-out worn": ("held-out", True, 2, 100_003, (12, 13, 14, 1, 2, 4, 6, 8, 9, 11)),
}


SEEDS = {  # (seed, index) -> the hash of that pair modulo 2 ** 63 in CPython 3.8 to 3.13 on 64 bits
    (0, 0): 765232833172254823,
    (1, 0): 4058750184239831832,
    (0, 1): 7272873589274253248,
    (2, 3): 8409376899596376432,
    (11, 144): 1948932637833058380,
    (0, -1): 8374038142897728572,
    (0, -2): 8374038142897728572,
    (-2, 5): 7913930892179122687,
    (7, 2**61 - 1): 4358481687155754187,
    (2**61, 10**30): 4941486746728696404,
    (-(2**70), 123): 8360444241018296072,
    (21, 122872550421973035): 1546275796,
}
DIGESTS = {  # of the random numbers that each of them draws
    "all classes": "346b722f452a3bb9",
    "all classes backwards": "a5c65b109bc5c6a1",
    "one object passes in front of another": "985a7a01d178ac4e",
    "a single clip": "030abbb2c0dacb78",
    "train": "145a53c33341d77a",
    "train worn": "6a1b61350bd7d3eb",
    "held-out": "8ba73a5ee8b92c60",
    "held-out worn": "96a3bc3b46362865",
}


class Recorder(TorchFunctionMode):
    """A digest of all random numbers that PyTorch draws meanwhile: shapes in their order, and the bytes of `EXACT`."""

    def __init__(self) -> None:
        super().__init__()
        self._hash = hashlib.sha256()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function in (*EXACT, torch.randn):
            self._hash.update(f"{function.__name__} {tuple(result.shape)}".encode())
        if function in EXACT:
            self._hash.update(result.numpy().tobytes())
        return result

    def digest(self) -> str:
        return self._hash.hexdigest()[:16]


def drawn(make: Callable[[], object]) -> tuple[str, object]:
    """The digest of the random numbers that a function draws, and its result."""
    with Recorder() as recorder:
        result = make()
    return recorder.digest(), result


def scene(name: str) -> tuple[str, Scene]:
    labels, num_frames, seed = SCENES[name]
    return drawn(lambda: draw_scene(torch.tensor(labels), num_frames, torch.Generator().manual_seed(seed)))


def clips(name: str) -> tuple[str, MotionBatch]:
    split, worn, seed, index, labels = CLIPS[name]
    source = MotionClips(split, size=64, num_frames=16, seed=seed, textures=12, worn=worn)
    return drawn(lambda: source.batch(index, torch.tensor(labels)))


def matrices(scene: Scene) -> Tensor:
    """(3, B, 4, 2, 3): camera, front and back at four times of the clip, without the row that is always (0, 0, 1)."""
    times = torch.linspace(0, scene.camera.shape[1] - 1, 4).long()
    return torch.stack([scene.camera, scene.front, scene.back])[:, :, times, :2]


def few(pixels: Tensor) -> Tensor:
    """Of (..., T, S, S) four frames, and 4 x 4 pixels of each."""
    return pixels[..., 1::4, 5::16, 9::16]


@pytest.mark.parametrize(("pair", "seed"), SEEDS.items())
def test_seeds(pair, seed):
    assert batch_seed(*pair) == seed


@pytest.fixture(scope="module")
def pinned():
    with np.load(FILE) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", SCENES)
def test_scenes(name, pinned):
    digest, made = scene(name)
    assert digest == DIGESTS[name]
    assert np.array_equal(made.present, pinned[f"present {name}"])
    np.testing.assert_allclose(matrices(made), pinned[f"scene {name}"], rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", CLIPS)
def test_clips(name, pinned):
    digest, batch = clips(name)
    assert digest == DIGESTS[name]
    assert batch.labels.tolist() == list(CLIPS[name][4])
    difference = np.abs(few(batch.video).numpy() - pinned[f"video {name}"] / 255.0)
    assert (difference > 0.01).mean() < 0.005  # an edge, or a coefficient of `compress`, may fall to the other side
    assert (few(batch.owner).numpy() != pinned[f"owner {name}"]).mean() < 0.005


def test_the_users_own_clips(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(2):
            write_clip(tmp_path / label / f"{number}.mp4", numbered_frames(8))
    source = VideoClips(find_clips(tmp_path), size=32, read=lambda file: read_video(file, 4, 2), seed=3)
    assert drawn(lambda: next(source.batches(lambda: [(5, range(3))], 0)))[0] == "0539e9a613f7cc7c"


def pasted_frames() -> dict[str, np.ndarray]:
    """Of each class of pasted clips six frames of one clip, and 8 x 8 pixels of each: (6, 8, 8, 3) uint8."""
    made = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(pasted, "FRAMES", 6),
        mock.patch.object(pasted, "write_mp4", lambda frames, file: made.update({file: frames})),
    ):
        pasted.make(Path(folder))
    return {file.parent.name: frames[:, 10::20, 10::20] for file, frames in made.items() if file.stem == "1_1.0"}


def test_pasted_clips(pinned):
    frames = pasted_frames()
    assert set(frames) == set(CLASSES)
    for name, pixels in frames.items():
        difference = np.abs(pixels.astype(int) - pinned[f"pasted {name}"])
        assert (difference > 3).mean() < 0.005, name


def main() -> None:
    arrays = {f"pasted {name}": frames for name, frames in pasted_frames().items()}
    for name in SCENES:
        digest, made = scene(name)
        print(f"{name!r}: {digest!r},")
        arrays[f"scene {name}"] = matrices(made).numpy()
        arrays[f"present {name}"] = made.present.numpy()
    for name in CLIPS:
        digest, batch = clips(name)
        print(f"{name!r}: {digest!r},")
        arrays[f"video {name}"] = (few(batch.video) * 255).round().byte().numpy()
        arrays[f"owner {name}"] = few(batch.owner).byte().numpy()
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
