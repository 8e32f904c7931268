"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from netbuilder.cli import output, window
from netbuilder.cli.output import UsageError
from netbuilder.errors import NetbuilderError


def _no_window(arguments: Sequence[str]) -> int:
    raise UsageError("The window is opened by the program netbuilder.", "See netbuilder --help.")


def main(argv: Sequence[str] | None = None, opener: window.Opener = _no_window) -> int:
    """Run one command (by default that of `sys.argv`); its exit code.

    `opener` runs the window where the command asks for it.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    if "--safe-mode" in arguments:
        os.environ["NETBUILDER_SAFE_MODE"] = "1"
    arguments = [each for each in arguments if each not in ("--debug", "--safe-mode")]
    as_json = "--json" in arguments
    # A name of a file need not be text.
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _dispatch(arguments, opener)
        sys.stdout.flush()
        return code
    except NetbuilderError as error:
        if debug:
            raise
        return output.error(error, as_json=as_json)
    except BrokenPipeError:
        # Whoever read the output has had enough; nothing is left to say or to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return output.DONE
    except KeyboardInterrupt:
        output.say("netbuilder: interrupted")
        return 130
    except Exception as error:
        if debug:
            raise
        return _unforeseen(error, as_json)


def _unforeseen(error: Exception, as_json: bool) -> int:
    text = " ".join(str(error).split())[:300]
    if isinstance(error, OSError) and error.strerror:
        where = f"'{error.filename}': " if error.filename else ""
        fault = UsageError(f"{where}{error.strerror}.")
        return output.error(fault, as_json=as_json)
    kind = type(error).__name__
    fault = UsageError(
        f"Something unforeseen happened ({kind}: {text}).",
        "That is a mistake of netbuilder's. Run it again with --debug and report what it shows.",
    )
    output.error(fault, as_json=as_json)
    return output.RUN_FAILED


def _dispatch(arguments: list[str], opener: window.Opener) -> int:
    from netbuilder.cli import parser

    if arguments[:1] == ["worker"]:
        from netbuilder.engine import worker

        worker.main()
    first = arguments[0] if arguments else ""
    if first in parser.COMMANDS or first in ("-h", "--help", "--version"):
        return parser.run(arguments)
    if first and not first.startswith("-") and not Path(first).exists():
        near = get_close_matches(first, parser.COMMANDS, 1)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise UsageError(
            f"There is no file '{first}', and no command of that name.",
            f"{meant}See netbuilder --help.",
        )
    return window.open_window(arguments, opener)
