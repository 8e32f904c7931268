"""Every source of chance that a training draws from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def seed_all(seed: int) -> None:
    """Seed Python, NumPy and PyTorch on all devices. Call it before weights are made."""
    random.seed(seed)
    np.random.seed(seed)
    _seed_torch(seed)


def state() -> dict[str, Any]:
    """Where all the generators are."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        # As tensors: numbers in JSON would take longer than a small step.
        "python": [version, torch.tensor(words), gauss],
        "numpy": [kind, torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def load(saved: dict[str, Any]) -> None:
    """Put all the generators where they were."""
    version, words, gauss = saved["python"]
    random.setstate((version, tuple(torch.as_tensor(words).tolist()), gauss))
    kind, keys, position, has_gauss, cached = saved["numpy"]
    words = torch.as_tensor(keys).numpy().astype(np.uint32)
    np.random.set_state((kind, words, position, has_gauss, cached))
    torch.set_rng_state(saved["torch"].cpu())
    if saved["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([tensor.cpu() for tensor in saved["cuda"]])


@contextmanager
def apart(seed: int) -> Iterator[None]:
    """Inside, PyTorch's chance starts from `seed`; outside nothing of it is seen.

    Evaluation draws here, so that it is the same each time and training goes on as if it
    had not been.
    """
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    _seed_torch(seed)
    try:
        yield
    finally:
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


def _seed_torch(seed: int) -> None:
    # Not torch.manual_seed: without a GPU it notes a stack trace for later at every call.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
