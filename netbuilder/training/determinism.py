"""Only operations that give the same bits each time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
_SETTLED = (":4096:8", ":16:8")
"""What cuBLAS must be told so that its sums are the same each time."""


@contextmanager
def using(wanted: bool) -> Iterator[None]:
    """Inside, PyTorch raises where it has no deterministic way; nothing changes if unwanted.

    For GPUs the environment is set too. cuBLAS reads it when it is first used, so a process
    that has computed on a GPU before may have to be started anew.
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    if os.environ.get(_CUBLAS) not in _SETTLED:
        os.environ[_CUBLAS] = _SETTLED[0]
    torch.use_deterministic_algorithms(True, warn_only=False)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
        torch.backends.cudnn.benchmark = benchmark


def is_refusal(error: Exception) -> bool:
    """Whether this is PyTorch's word that an operation has no deterministic way."""
    return "deterministic" in str(error) and "use_deterministic_algorithms" in str(error)
