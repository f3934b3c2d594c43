"""One process among those that torchrun started."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from sifa.errors import RunError
from sifa.evaluation import processes
from sifa.model.registry import SIFAModel
from sifa.model.run import choose_device


class Processes:
    """This process among those that torchrun started; alone without torchrun. Raises RunError for a missing device."""

    def __init__(self, device: str) -> None:
        self.device = choose_device(device)
        on_gpu = self.device.startswith("cuda")
        self.rank, self.count = processes.join("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
        if on_gpu and self.count > 1:
            torch.cuda.set_device(self.device)
        self.main = self.rank == 0  # the one that writes

    def shards(self, batch: int, together: int) -> range:
        """Which parts of `together` clips of a batch of so many are this process's. Raises RunError where they cannot be shared
        out."""
        each, rest = divmod(batch, together * self.count)
        if rest or not each:
            raise RunError(
                f"the batch is {batch}; {self.count} processes need a multiple of {together * self.count}: change --batch"
            )
        return range(self.rank * each, (self.rank + 1) * each)

    def share(self, model: SIFAModel) -> SIFAModel | DistributedDataParallel:
        """The model to call in training; its gradients are averaged over the processes."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def exchange(self, mine: dict[int, Any]) -> dict[int, Any]:
        """Every process's entries together, in each of them."""
        if self.count == 1:
            return mine
        parts: list[dict[int, Any]] = [{} for _ in range(self.count)]
        dist.all_gather_object(parts, mine)
        return {key: value for part in parts for key, value in part.items()}

    def mean(self, values: tuple[Tensor, ...]) -> list[float]:
        """Over the processes."""
        stacked = torch.stack([v.detach() for v in values])
        if self.count > 1:
            dist.all_reduce(stacked)
            stacked /= self.count
        return [float(value) for value in stacked.tolist()]

    def wait(self) -> None:
        """Until every process is here."""
        processes.wait(self.count)
