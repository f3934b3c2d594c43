"""The processes that torchrun started, and what they exchange."""

import os
from datetime import timedelta
from typing import Any

import torch.distributed as dist


def join(backend: str = "gloo") -> tuple[int, int]:
    """(number of this process, how many torchrun started), and joins them; scores are exchanged over gloo."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if count > 1 and not dist.is_initialized():
        dist.init_process_group(backend, timeout=timedelta(days=7))
    return rank, count


def is_first() -> bool:
    """Whether this is the process that prints and writes; it is where there is only one."""
    return os.environ.get("RANK", "0") == "0"


def leave() -> None:
    """Part from the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def wait(count: int) -> None:
    """Until every process is here."""
    if count > 1:
        dist.barrier()


def gather(rows: dict[int, Any], rank: int, count: int) -> dict[int, Any]:
    """Every process's rows together, in the first process; in the others none."""
    if count == 1:
        return rows
    parts: list[Any] = [None] * count
    dist.gather_object(rows, parts if rank == 0 else None)
    return {index: row for part in parts for index, row in part.items()} if rank == 0 else {}
