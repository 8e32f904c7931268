"""The program: the command line and the window that it opens. It stands above all else.

`netbuilder` is `main`; `python -m netbuilder.launch` is what `make run` does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from netbuilder.cli import main as command_line
from netbuilder.cli import start


def open_window(arguments: Sequence[str]) -> int:
    """Run the window until it is closed; its exit code."""
    from netbuilder.gui import app

    return app.main(list(arguments))


def main() -> int:
    """Run the command in `sys.argv`, or open the window."""
    return command_line.main(opener=open_window)


if __name__ == "__main__":
    sys.exit(start.main(open_window))
