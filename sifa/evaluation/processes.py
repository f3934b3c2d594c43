"""The processes that torchrun started, and what they exchange."""

import os
from datetime import timedelta

import torch.distributed as dist


def processes(backend: str = "gloo") -> tuple[int, int]:
    """(number of this process, how many torchrun started), and joins them; scores are exchanged over gloo."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if count > 1 and not dist.is_initialized():
        dist.init_process_group(backend, timeout=timedelta(days=7))
    return rank, count


def leave() -> None:
    """Part from the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _wait(count: int) -> None:
    if count > 1:
        dist.barrier()


def _gathered(rows: dict, rank: int, count: int) -> list[dict]:
    """Every process's rows, in the first process."""
    if count == 1:
        return [rows]
    parts = [None] * count if rank == 0 else None
    dist.gather_object(rows, parts)
    return parts or []
