"""What the Triton engine's kernels become on a card, without one: `python -m tests.model.gpu_code [sm_80 ...]`.

For each architecture, each kernel that a training step of some shapes would launch is compiled to machine code; a line of JSON
says how many registers a thread needs, how many bytes go to memory because registers do not suffice, and how many instructions
read or add four numbers at once.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "0"  # before triton is imported

import torch
import triton
from triton.backends.compiler import GPUTarget

from sifa.model.kernels import _triton

CASES = [  # channels, K, softmax, kind of number
    (32, 5, True, torch.float32), (96, 3, False, torch.float32), (384, 3, True, torch.float32),
    (768, 3, False, torch.float32), (1536, 3, False, torch.float32), (5, 3, True, torch.float64),
]  # fmt: skip


class Launch:
    """Stands in a kernel's place: has Triton compile what it would launch, and writes the line."""

    def __init__(self, kernel, case: dict) -> None:
        self.kernel, self.case = kernel, case

    def __getitem__(self, grid):
        def compile(*given, **named):
            built = self.kernel.warmup(*given, grid=grid, **named)
            print(json.dumps(self.case | self.figures(built.asm) | dict(warps=named["num_warps"])), flush=True)

        return compile

    def figures(self, code) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "kernel.cubin")
            file.write_bytes(code["cubin"])
            tool = [triton.knobs.nvidia.cuobjdump.path, "-res-usage", file]
            said = subprocess.run(tool, capture_output=True, text=True, check=True).stdout
        count = lambda pattern: len(re.findall(pattern, code["ptx"]))
        number = lambda name: int(re.search(rf"\b{name}:(\d+)", said)[1])
        return dict(
            kernel=self.kernel.fn.__name__, registers=number("REG"), spilled=number("STACK") + number("LOCAL"),
            shared=number("SHARED"), wide_loads=count(r"ld\.global\S*\.v4"), wide_adds=count(r"\b(?:red|atom)\.\S*\.v4"),
            adds=count(r"\b(?:red|atom)\.\S*add"),
        )  # fmt: skip


class Card:
    """All that compiling asks a card's driver."""

    def __init__(self, architecture: str) -> None:
        self.target = GPUTarget("cuda", int(architecture.removeprefix("sm_")), 32)

    def get_current_target(self):
        return self.target

    def get_current_device(self):
        return self.target.arch  # so that what is compiled for one is not taken for another

    def get_current_stream(self, device):
        return 0


def main() -> None:
    kernels = {name: getattr(_triton, name) for name in ("_forward", "_backward")}
    for architecture in sys.argv[1:] or ["sm_80", "sm_90"]:
        triton.runtime.driver.set_active(Card(architecture))
        for channels, kernel_size, softmax, kind in CASES:
            case = dict(
                architecture=architecture, channels=channels, kernel_size=kernel_size, softmax=softmax, kind=str(kind)
            )
            for name, kernel in kernels.items():
                setattr(_triton, name, Launch(kernel, case))
            features = torch.zeros(1, 2, 7, 9, channels, dtype=kind).permute(0, 4, 1, 2, 3).requires_grad_()
            offset = torch.zeros(1, 1, kernel_size**2, 2, 7, 9, dtype=kind, requires_grad=True)
            sums, weights = _triton.attend(features, offset, kernel_size, 1, softmax)
            (sums.sum() + weights.sum()).backward()


if __name__ == "__main__":
    main()
