"""What has to be settled before the first test is imported."""

import os

import torch

if not torch.cuda.is_available():
    os.environ.setdefault(
        "TRITON_INTERPRET", "1"
    )  # Triton's kernels run as Python then; it reads this once, when imported
