"""Tries one plugin in a process of its own: `python -m netbuilder.layers.plugin_trial VALUE OUT`.

What it finds goes into the file OUT: an empty line for nothing wrong, else what is wrong. A
plugin that ends the process leaves that file empty.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from importlib.metadata import EntryPoint

from netbuilder.layers import plugins

HEAVY = ("torch", "shiboken6", "PyQt5", "PyQt6")
"""What a module of layers may not import: the window has the first, the worker the others."""


def fault(value: str) -> str:
    """What is wrong with an entry point, in one line; empty for nothing."""
    try:
        plugins.classes(EntryPoint("plugin", value, plugins.GROUP))
    except (Exception, SystemExit) as error:
        lines = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {lines[0] if lines else ''}".removesuffix(": ")
        return said[:500]
    heavy = [name for name in HEAVY if name in sys.modules]
    if heavy:
        return f"It imports {heavy[0]}, which a module of layers must not: name it in texts only."
    return ""


def main() -> None:
    """Try the plugin, write down what is wrong, and end without what it left running."""
    faulthandler.enable()
    value, out = sys.argv[1:3]
    said = fault(value)
    with open(out, "w", encoding="utf-8") as file:
        file.write(f"{said}\n")
    os._exit(0)


if __name__ == "__main__":
    main()
