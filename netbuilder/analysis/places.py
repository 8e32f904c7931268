"""Which node of a drawing is at work: read from the Python frames of its generated code."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from torch import nn

from netbuilder.compiler.emit import Place

Path = tuple[Place, ...]
"""Nodes at work, each in the block or network that the one before it calls."""


class Places:
    """Reads the frames of one compiled module and of the blocks in it."""

    def __init__(self, module: nn.Module) -> None:
        origin: Any = module.netbuilder_origin
        self._origin = origin
        self._file = type(module).__module__
        self._lines = origin.source.lines
        self._modules = origin.source.modules

    def now(self) -> Path:
        """The nodes whose code has led here, the outermost first."""
        found: list[Place] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            place = self._place(frame)
            if place is not None and (not found or found[-1] != place):
                found.append(place)
            frame = frame.f_back
        return tuple(reversed(found))

    def _place(self, frame: FrameType) -> Place | None:
        if frame.f_code.co_filename == self._file:
            place: Place | None = self._lines.get(frame.f_lineno)
            return place
        if frame.f_code is not nn.Sequential.forward.__code__:
            return None
        # A chain is a class of ours that PyTorch runs: its modules are known by name.
        chain: Any = frame.f_locals.get("self")
        if getattr(type(chain), "netbuilder_origin", None) is not self._origin:
            return None
        running = frame.f_locals.get("module")
        names = (name for name, module in chain.named_children() if module is running)
        kind = type(chain).__name__
        return next((self._modules.get((kind, name)) for name in names), None)
