"""netbuilder: draw, train and ship neural networks.

The names of `netbuilder.api` are here too; they load when first used, so that
`import netbuilder` costs nothing and brings neither torch nor Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netbuilder.api import Project, Run, export_onnx, load, template, train

__all__ = ["Project", "Run", "export_onnx", "load", "template", "train"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from netbuilder import api

        return getattr(api, name)
    raise AttributeError(f"module 'netbuilder' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
