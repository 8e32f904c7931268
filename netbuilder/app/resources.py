"""Where the files that ship with netbuilder are: in the wheel, or in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def roots() -> tuple[Path, ...]:
    """The folders that may hold `resources/` and `templates/`, the wheel's first."""
    package = Path(__file__).resolve().parents[1]
    return package / "_data", package.parent


def folder(name: str) -> Path:
    """The folder `resources` or `templates`; `FileNotFoundError` if the installation lacks it."""
    for root in roots():
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(f"netbuilder is not installed completely: '{name}' is missing")


def find(name: str) -> Path:
    """The path of a resource such as `icons/linear.svg`; `FileNotFoundError` if there is none."""
    path = folder("resources") / name
    if not path.is_file():
        raise FileNotFoundError(f"there is no resource '{name}'")
    return path
