"""What has to be settled before the first test is imported."""

import os
import signal

import torch

if not torch.cuda.is_available():
    os.environ.setdefault(
        "TRITON_INTERPRET", "1"
    )  # Triton's kernels run as Python then; it reads this once, when imported
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so it is in the background of a script, and programs inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
