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
from triton.compiler import ASTSource

from sifa.model.kernels import _triton

KINDS = {torch.float32: "*fp32", torch.float64: "*fp64", torch.bfloat16: "*bf16"}
CASES = [  # channels, K, softmax, kind of number
    (32, 5, True, torch.float32), (96, 3, False, torch.float32), (384, 3, True, torch.float32),
    (1536, 3, False, torch.float32), (5, 3, True, torch.float64),
]  # fmt: skip


class Launch:
    """Stands in a kernel's place: compiles what would be launched, as Triton would specialise it, and writes the line."""

    def __init__(self, kernel, architecture: int, case: dict) -> None:
        self.kernel, self.architecture, self.case = kernel, architecture, case

    def __getitem__(self, grid):
        return self.compile

    def compile(self, *given, **named):
        options = {name: named.pop(name) for name in ("num_warps", "enable_fp_fusion")}
        values = dict(zip(self.kernel.arg_names, given)) | named
        signature, constants, aligned = {}, {}, {}
        for number, parameter in enumerate(self.kernel.params):
            value = values[parameter.name]
            if isinstance(value, torch.Tensor):
                signature[parameter.name] = KINDS[value.dtype]
                aligned[number,] = [["tt.divisibility", 16]]
            elif parameter.is_constexpr or (value == 1 and not parameter.do_not_specialize):
                signature[parameter.name], constants[number,] = "constexpr", value
            else:
                signature[parameter.name] = "i32"
                if value % 16 == 0 and not parameter.do_not_specialize:
                    aligned[number,] = [["tt.divisibility", 16]]
        source = ASTSource(self.kernel, signature, constants, aligned)
        built = triton.compile(source, target=GPUTarget("cuda", self.architecture, 32), options=options)
        print(json.dumps(self.case | self.figures(built.asm) | dict(warps=options["num_warps"])), flush=True)

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
            shared=number("SHARED"), wide_loads=count(r"ld\.global\S*\.v4"), wide_adds=count(r"\bred\.\S*\.v4"),
            adds=count(r"\b(?:red|atom)\.\S*add"),
        )  # fmt: skip


def main() -> None:
    forward, backward = _triton._forward, _triton._backward
    _triton.INTERPRETED = True  # CPU tensors will do: nothing is launched
    for name in sys.argv[1:] or ["sm_80", "sm_90"]:
        for channels, kernel_size, softmax, kind in CASES:
            case = dict(architecture=name, channels=channels, kernel_size=kernel_size, softmax=softmax, kind=str(kind))
            architecture = int(name.removeprefix("sm_"))
            _triton._forward, _triton._backward = (Launch(k, architecture, case) for k in (forward, backward))
            features = torch.zeros(1, 2, 7, 9, channels, dtype=kind).permute(0, 4, 1, 2, 3).requires_grad_()
            offset = torch.zeros(1, 1, kernel_size**2, 2, 7, 9, dtype=kind, requires_grad=True)
            sums, weights = _triton.attend(features, offset, kernel_size, 1, softmax)
            (sums.sum() + weights.sum()).backward()


if __name__ == "__main__":
    main()
