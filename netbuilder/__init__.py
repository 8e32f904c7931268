"""netbuilder: draw, train and ship neural networks.

The names of `netbuilder.api` are here too; they load when first used, so that
`import netbuilder` costs nothing and brings neither torch nor Qt. Their types stand in
`__init__.pyi`.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = [
    "Project",
    "Run",
    "diff",
    "export",
    "export_onnx",
    "figure",
    "from_module",
    "from_pt2",
    "import_onnx",
    "load",
    "report",
    "shrink",
    "template",
    "train",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        # By name, since this package is everybody's parent: an import statement here would
        # be one of all modules. The contracts in .importlinter concern the modules below.
        return getattr(importlib.import_module("netbuilder.api"), name)
    raise AttributeError(f"module 'netbuilder' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
