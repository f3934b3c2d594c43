"""The benchmarks are scripts that no test runs, since they take long; what they import must be there all the same."""

import importlib
from pathlib import Path

import pytest

BENCHES = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith(("_", "test_")))


@pytest.mark.parametrize("name", BENCHES)
def test_a_benchmark_can_be_started(name):
    importlib.import_module(f"tests.bench.{name}")
