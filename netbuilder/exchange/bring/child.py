"""Imports in a process of its own, with limits: JSON on stdin, one JSON line on stdout.

A file of somebody else's may ask for more memory than there is, or make PyTorch crash; neither
reaches the caller.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.errors import DocumentError, NetbuilderError
from netbuilder.exchange import exits, fresh

if TYPE_CHECKING:
    from netbuilder.exchange.bring.importing import Brought

PATIENCE_S = 600.0


def import_model(model: Path, out: Path, kind: str = "", *, fold: bool = False) -> dict[str, Any]:
    """Write the project of `model` to `out`; the `import` command's answer.

    `kind` is `.onnx` or `.pt2`, that of the file's name without it. With `fold`, runs of nodes
    that come again are folded into blocks.
    """
    if not out.absolute().parent.is_dir():
        raise DocumentError(f"There is no folder '{out.parent}'.", "Make it, or choose another.")
    job = {"model": str(model.absolute()), "out": str(out.absolute()), "kind": kind, "fold": fold}
    try:
        done = subprocess.run(
            fresh.command("netbuilder.exchange.bring.child"),
            env=fresh.environment(),
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DocumentError(
            f"The import of '{model.name}' took more than {PATIENCE_S:.0f} s and was ended."
        ) from error
    words = done.stderr.decode("utf-8", "replace")
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        cause, hint = exits.describe(done.returncode, words)
        said = exits.last_line(words)
        text = f"The import {cause}." + (f" It said last: {said}" if said else "")
        raise DocumentError(text, hint) from None
    if "error" in answer:
        raise DocumentError(answer["error"]["message"], answer["error"]["hint"])
    return {"path": str(out), **answer}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Read, draw, compare, write; the answer without its path."""
    from netbuilder.exchange import weights
    from netbuilder.exchange.bring.writing import NETWORK
    from netbuilder.storage import files

    out = Path(job["out"])
    model = Path(job["model"])
    brought = _brought(model, job["kind"] or model.suffix.lower(), fold=job["fold"])
    weights.rename(brought.document, NETWORK, f"{out.stem}.safetensors")
    files.save(brought.document, out)
    return brought.to_json()


def _brought(model: Path, kind: str, *, fold: bool) -> Brought:
    if kind == ".onnx":
        from netbuilder.exchange.onnx_in import bringing

        return bringing.from_onnx(model, fold=fold)
    from netbuilder.exchange.bring import importing

    return importing.from_pt2(model, fold=fold)


def main() -> int:
    """Read the job, do it, answer."""
    answers = os.dup(1)
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    limit_memory()
    try:
        answer = run(job)
    except NetbuilderError as error:
        answer = {"error": {"message": str(error), "hint": error.hint}}
    with os.fdopen(answers, "w") as stream:
        json.dump(answer, stream)
    return 0


def limit_memory() -> None:
    """No more data than the machine has free now, so that only this process is refused some."""
    import psutil

    try:
        import resource
    except ImportError:
        # Windows has no such limits.
        return
    free = psutil.virtual_memory().available + psutil.Process().memory_info().rss
    kept = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (free, kept[1]))


if __name__ == "__main__":
    sys.exit(main())
