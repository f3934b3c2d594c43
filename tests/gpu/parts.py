"""The parts, in the order in which they run: what is right comes before what is fast."""

import importlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.gpu.report import Report, Setting

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "sifa" / "model" / "kernels"
DEVICE_OF = {"numba": "cpu", "triton": "cuda"}  # engines that run on one kind of device; the others run on any
Run = Callable[[Report, Setting], None]


@dataclass(frozen=True)
class Part:
    """One process's work."""

    name: str
    function: str  # "module:function"
    seconds: int  # after which it is stopped
    together: bool = False  # whether others may run meanwhile: it measures no time and no memory of the whole card
    engine: str = ""  # of the operator, where it is not chosen by itself
    without: str = ""  # why it is left out where there is no GPU
    with_gpu: str = ""  # why it is left out where there is one

    def left_out(self, setting: Setting) -> str:
        """Why it is not run; empty where it is."""
        return self.with_gpu if setting.gpu else self.without

    def environment(self) -> dict[str, str]:
        """Of its process."""
        return dict(os.environ) | ({"SIFA_KERNEL": self.engine} if self.engine else {})


def load(function: str) -> Run:
    """The function of a part, whose imports may fail."""
    module, _, name = function.partition(":")
    found: Run = getattr(importlib.import_module(module), name)
    return found


def engines(folder: Path = KERNELS) -> list[str]:
    """The operator's engines: modules with a function `attend`, found without importing any, since that may fail."""
    files = sorted(folder.glob("_[a-z]*.py"), key=lambda file: (file.stem != "_torch", file.stem))
    return [f.stem[1:] for f in files if re.search(r"^def attend\(", f.read_text(encoding="utf-8"), re.MULTILINE)]


def of_engines(kind: str, function: str, seconds: int, together: bool = False) -> list[Part]:
    """A part for each engine."""
    found = []
    for engine in engines():
        device = DEVICE_OF.get(engine)
        found.append(
            Part(
                f"{kind}, {engine}",
                function,
                seconds,
                together,
                engine,
                without=f"{engine} runs on a GPU" if device == "cuda" else "",
                with_gpu=f"{engine} runs on the CPU" if device == "cpu" else "",
            )
        )
    return found


def parts() -> list[Part]:
    """All of them."""
    return [
        Part("system", "tests.gpu.system:look", 40),
        *of_engines("operator", "tests.gpu.operator:check", 90, together=True),
        Part("answers", "tests.gpu.answers:check", 90, together=True),
        Part("memory", "tests.gpu.memory:check", 60, together=True, without="it is about the GPU's memory"),
        Part("generator", "tests.gpu.motion:check", 60),
        Part("training", "tests.gpu.training:check", 60),
        *of_engines("speed", "tests.gpu.speed:measure", 60),
        Part("tuning", "tests.gpu.tuning:scan", 45, engine="triton", without="triton runs on a GPU"),
        Part("page", "tests.gpu.page:check", 80),
        Part("models", "tests.gpu.models:measure", 45),
        Part("compiled", "tests.gpu.models:compiled", 120, without="compiling on a CPU is tested in tests/evaluation"),
    ]
