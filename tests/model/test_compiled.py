"""The code that numba compiles is kept where it can be, works where it cannot, and makes no difference to what is shown."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sifa
from sifa.model.kernels import engine_for
from tests.model.test_engines import needs

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "assets" / "samples").glob("*.mp4"))
TURN = """
import torch
from sifa.model.kernels import _numba
features = torch.randn(1, 16, 1, 4, 4)
rows, _ = _numba._rows(features)
assert torch.equal(_numba._maps(rows, features.shape), features)
print(_numba.__file__)
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the library in which nothing can be kept beside the loops, and a home in which nothing can either."""
    shutil.copytree(
        ROOT / "sifa", tmp_path / "lib" / "sifa", ignore=shutil.ignore_patterns("__pycache__", "node_modules")
    )
    (tmp_path / "lib" / "sifa" / "model" / "kernels" / "__pycache__").write_text("a file where a folder should be")
    (tmp_path / "home").write_text("another")
    return tmp_path


def run(package, **variables):
    """What the copy keeps in the folder `kept` when it compiles its smallest loop."""
    needs("numba")
    kept = package / "kept"
    environment = os.environ | dict(PYTHONPATH=str(package / "lib"), HOME=str(package / "home")) | variables
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        if name not in variables:
            environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", TURN], cwd=package, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).is_relative_to(package)
    return [file.name for file in kept.rglob("*") if file.suffix in (".nbi", ".nbc")]


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_compiled_code_is_kept_in_a_folder_that_can_be_named(package, variable):
    files = run(package, **{variable: str(package / "kept")})
    assert len(files) == 2
    assert all(name.startswith("_loops.turn") for name in files)
    assert run(package, **{variable: str(package / "kept")}) == files


@pytest.mark.slow
def test_a_change_of_what_a_loop_calls_is_compiled_anew(package):
    variables = dict(NUMBA_CACHE_DIR=str(package / "kept"))
    before = run(package, **variables)
    with (package / "lib" / "sifa" / "model" / "kernels" / "_lanes.py").open("a") as lanes:
        lanes.write("# changed\n")
    assert len(set(run(package, **variables)) - set(before)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("variables", [{}, {"NUMBA_CACHE_DIR": "/proc/none"}])
def test_it_works_where_nothing_can_be_kept(package, variables):
    assert run(package, **variables) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_what_is_damaged_in_the_folder_is_made_anew(package, kind):
    variables = dict(NUMBA_CACHE_DIR=str(package / "kept"))
    run(package, **variables)
    (file,) = (package / "kept").rglob(f"*.{kind}")
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[: size // 2])  # as a power failure may leave it
    assert len(run(package, **variables)) == 2
    assert file.stat().st_size > size / 2


@pytest.mark.parametrize("variable", ["PYTHONPATH", "NUMBA_DISABLE_JIT"])
def test_torch_works_where_the_compiler_cannot(tmp_path, variable):
    """A numba that fails in its own way when it is loaded, and one that is told to compile nothing."""
    needs("numba")
    (tmp_path / "numba.py").write_text("raise OSError('no LLVM')")
    values = dict(PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]), NUMBA_DISABLE_JIT="1")
    environment = {name: value for name, value in os.environ.items() if name != "SIFA_KERNEL"}
    environment[variable] = values[variable]
    code = "from sifa.model.kernels import engine_for, problem; print(engine_for('cpu'), problem('numba'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("torch it cannot be loaded ("), done.stderr


def test_a_small_call_loads_no_compiler():
    code = (
        "import sys, torch, sifa; sifa.inter_frame_attention(torch.randn(1, 32, 8, 16, 16), torch.zeros(1, 7, 9, 2, 16, 16), 3);"
        "assert 'numba' not in sys.modules"
    )
    environment = {name: value for name, value in os.environ.items() if name != "SIFA_KERNEL"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=60)


@pytest.mark.parametrize("clip", SAMPLES[:2], ids=lambda file: file.stem)
def test_traces_are_equal_to_a_sixty_fourth_of_a_cell(clip, monkeypatch):
    needs("numba")
    model = sifa.load()
    frames, found = model.card.read(clip), {}
    for engine in ("torch", "numba"):
        monkeypatch.setenv("SIFA_KERNEL", engine)
        assert engine_for("cpu") == engine
        found[engine] = sifa.predict(model, frames)
    one, other = found["torch"], found["numba"]
    np.testing.assert_allclose(one.logits, other.logits, atol=1e-4 * np.ptp(one.logits))
    for block, same in zip(one.trace, other.trace, strict=True):
        assert np.abs(block.offset.astype(float) - same.offset.astype(float)).max() <= 1 / 64
        assert np.abs(block.displacement - same.displacement).max() <= 1 / 64
        np.testing.assert_allclose(block.attention, same.attention, atol=1e-2 * np.abs(block.attention).max())


@pytest.mark.parametrize("named", ["torch", "numba"])
def test_warming_up_loads_the_compiler_only_where_it_is_used(named):
    needs(named)
    code = "import sys; from sifa.model.kernels import warm_up; warm_up(); print('numba' in sys.modules)"
    environment = os.environ | dict(SIFA_KERNEL=named)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"{named == 'numba'}\n", done.stderr
