"""What there is to compute on."""

from __future__ import annotations

import platform
from typing import Any

import psutil
import torch

from netbuilder.compiler import libraries
from netbuilder.layers import catalogue


def describe() -> dict[str, Any]:
    """Torch's version and the devices: `id` as in `--device`, `name`, `memory` in bytes."""
    found = [
        {
            "id": "cpu",
            "name": platform.processor() or platform.machine(),
            "memory": psutil.virtual_memory().total,
            "threads": torch.get_num_threads(),
        }
    ]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append(
            {"id": f"cuda:{index}", "name": properties.name, "memory": properties.total_memory}
        )
    if torch.backends.mps.is_available():
        found.append({"id": "mps", "name": "Apple GPU", "memory": psutil.virtual_memory().total})
    return {"torch": torch.__version__, "devices": found}


def lacks() -> list[str]:
    """The ids of layers that this PyTorch does not have."""
    return [id for id in catalogue.layers() if libraries.lacks(id)]
