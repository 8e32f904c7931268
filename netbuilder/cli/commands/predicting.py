"""The command that asks a trained network: what it takes, and how its answer reads."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

from netbuilder.cli import output, trusting
from netbuilder.cli.commands.using import run_folder
from netbuilder.cli.output import UsageError
from netbuilder.data import pictures

FILES = pictures.SUFFIXES | {
    *(".npy", ".json", ".csv", ".tsv", ".txt", ".parquet", ".pq", ".wav", ".wave")
}
"""How files end that a network may be given."""
SHOWN = 64
"""So many numbers of an answer are printed."""


def predict(options: Namespace) -> int:
    """Say what a trained network makes of inputs."""
    from netbuilder.engine import tasks

    folder = run_folder(options.run)
    trusting.load_run(folder, options)
    inputs = read_inputs(options.inputs)
    with trusting.quiet():
        result = tasks.predict(folder, inputs, network=options.network)
    if options.json:
        output.answer(result)
        return output.DONE
    for name, rows in result.get("classes", {}).items():
        for row in rows:
            certainty = f"{row['class']} ({100 * (row['probability'] or 0):.1f} %)"
            print(f"{name}: {certainty if row['class'] is not None else 'none, not finite'}")
    for name, values in result["outputs"].items():
        if name not in result.get("classes", {}):
            print(f"{name}: {_shown(values)}")
    for name, value in result.get("expected", {}).items():
        print(f"expected {name}: {value}")
    return output.DONE


def read_inputs(texts: list[str]) -> dict[str, Any] | list[Any]:
    """The inputs on a command line: by name if they are named, else in order."""
    named: dict[str, Any] = {}
    plain: list[Any] = []
    for text in texts:
        name, found, rest = text.partition("=")
        if found and name.isidentifier():
            named[name] = read_input(rest)
        else:
            plain.append(read_input(text))
    if named and plain:
        raise UsageError("Some inputs are named and some are not.", "Name all or none.")
    if len(plain) == 1 and isinstance(plain[0], dict):
        return plain[0]
    return named or plain


def read_input(text: str) -> Any:
    """One input: a file, values by name, or what the network reads as it is written."""
    if text.startswith(("sample:", "text:")):
        return text
    path = Path(text)
    if path.suffix.lower() in FILES or _is_file(path):
        if not _is_file(path):
            raise UsageError(f"There is no file '{text}'.", "A text may begin with 'text:'.")
        return _from_json(path) if path.suffix.lower() == ".json" else path
    if text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a long text is no name of a file
        return False


def _from_json(path: Path) -> Any:
    """What a file of JSON holds: inputs by name, a row, numbers."""
    from netbuilder.engine import giving

    try:
        return json.loads(giving.bytes_of(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"'{path.name}' is no JSON: {error}.", "Look at it.") from error


def _shown(values: Any) -> str:
    """Numbers as JSON; how many there are, if they would fill the screen."""
    sizes, inner = [], values
    while isinstance(inner, list):
        sizes.append(len(inner))
        inner = inner[0] if inner else None
    if math.prod(sizes) <= SHOWN or (len(sizes) == 2 and sizes[1] == 1):
        return json.dumps(values)
    return f"{'×'.join(map(str, sizes))} numbers; --json gives them all"
