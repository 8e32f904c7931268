"""A file system that fails on command: at the k-th call, in the way that is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

CALLS = ("open", "write", "fsync", "replace", "unlink", "close", "fchmod", "fchown")
EXIT = 137


class Faults:
    """Counts the calls that save a file and lets `fault` decide at each what happens."""

    def __init__(self, fault: Callable[[int, str], None], short: int | None = None) -> None:
        """`fault` gets the number of the call from 1 and its name; `short` bounds a write."""
        self.calls: list[str] = []
        self._fault = fault
        self._short = short
        self._real = {name: getattr(os, name) for name in CALLS}

    def __enter__(self) -> Faults:
        for name in CALLS:
            setattr(os, name, self._wrapped(name))
        return self

    def __exit__(self, *_: object) -> None:
        for name, function in self._real.items():
            setattr(os, name, function)

    def _wrapped(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*args: Any, **named: Any) -> Any:
            self.calls.append(name)
            self._fault(len(self.calls), name)
            if name == "write" and self._short is not None:
                return real(args[0], bytes(args[1])[: self._short])
            return real(*args, **named)

        return call


def nothing(number: int, name: str) -> None:
    """No fault."""


def crash_at(number: int) -> Callable[[int, str], None]:
    """The process is gone before the call is made."""

    def fault(at: int, name: str) -> None:
        if at == number:
            os._exit(EXIT)

    return fault


def error_at(number: int, code: int) -> Callable[[int, str], None]:
    """The call fails."""

    def fault(at: int, name: str) -> None:
        if at == number:
            raise OSError(code, os.strerror(code))

    return fault
