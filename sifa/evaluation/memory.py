"""How the C library keeps memory that was freed."""

import ctypes


def keep_freed_memory() -> None:
    """Tell glibc to keep large buffers instead of returning them after every step: nearly twice as fast on a CPU."""
    try:
        libc = ctypes.CDLL(None)
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            libc.mallopt(option, value)
    except (OSError, AttributeError, TypeError):
        pass  # another C library: slower, nothing else
