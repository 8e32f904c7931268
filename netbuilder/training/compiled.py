"""A step's module as torch.compile's program, where this machine can make one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class Compiled:
    """Calls `torch.compile(module)`; if that can't be made, the module, after `refused` was told.

    What the module itself raises stays its own: the plain module is tried on the same batch,
    and only if it does well was the compiler at fault.
    """

    def __init__(self, module: nn.Module, refused: Callable[[str], None]) -> None:
        self._module = module
        self._refused = refused
        # Every run has networks of its own: what was compiled for others counts against a limit.
        torch.compiler.reset()
        self._call: Callable[..., Any] = torch.compile(module)

    def __call__(self, **fields: Any) -> Any:
        try:
            return self._call(**fields)
        except Exception as error:
            if self._call is self._module:
                raise
            result = self._module(**fields)
            self._call = self._module
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self._refused(f"torch.compile can't make this step: {reason[:200]}")
            return result
