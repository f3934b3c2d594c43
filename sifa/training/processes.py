"""One process among those that torchrun started."""

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sifa.evaluation.processes import processes


class Processes:
    """This process among those that torchrun started; alone without torchrun."""

    def __init__(self, device: str):
        self.rank, self.count = processes("nccl" if device.startswith("cuda") else "gloo")
        self.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if device == "cuda" else device

    def share(self, model: nn.Module) -> nn.Module:
        """The model to call in training; its gradients are averaged over the processes."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def mean(self, values: list[Tensor]) -> list[float]:
        both = torch.stack([v.detach() for v in values])
        if self.count > 1:
            dist.all_reduce(both)
            both /= self.count
        return both.tolist()

    def wait(self) -> None:
        if self.count > 1:
            dist.barrier()
