"""The card and the versions, and whether the card works at all."""

import importlib.metadata
import platform

import torch

from tests.gpu.report import Report, Setting

PACKAGES = ("torch", "triton", "numba", "numpy", "einops", "safetensors", "av", "pillow", "gradio", "scikit-image")
OLDEST = (2, 10)  # of PyTorch, that pyproject.toml allows


def look(report: Report, setting: Setting) -> None:
    """What is here."""
    report.figure("python", platform.python_version())
    for name in PACKAGES:
        try:
            report.figure(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            report.figure(name, "not installed")
    version = tuple(int(each) for each in torch.__version__.split("+")[0].split(".")[:2])
    report.holds("PyTorch is new enough", version >= OLDEST, f"{torch.__version__}; 2.10 or newer")
    report.figure("CPU cores", str(torch.get_num_threads()))
    if not setting.gpu:
        report.skip("card", "the device is the CPU")
        return
    with report.case("card"):
        about = torch.cuda.get_device_properties(0)
        report.figure("card", about.name)
        report.figure("compute capability", f"{about.major}.{about.minor}")
        report.figure("CUDA of PyTorch", str(torch.version.cuda))
        report.figure("cuDNN", str(torch.backends.cudnn.version()))
        free, whole = torch.cuda.mem_get_info()
        report.figure("memory, GiB", whole / 2**30, f"{free / 2**30:.1f} free at the start")
        product = torch.ones(512, 512, device="cuda", dtype=torch.float64) @ torch.ones(
            512, device="cuda", dtype=torch.float64
        )
        report.holds("it multiplies", bool((product.cpu() == 512).all()))
