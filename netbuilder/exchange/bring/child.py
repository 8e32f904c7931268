"""Imports in a process of its own, with limits, that tells how far it is.

A file of somebody else's may ask for more memory than there is, or make PyTorch crash; neither
reaches the caller.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.errors import DocumentError, ExportError, NetbuilderError
from netbuilder.exchange import watched
from netbuilder.exchange.watched import Progress, Tell, nobody

if TYPE_CHECKING:
    from netbuilder.exchange.bring.importing import Brought

PATIENCE_S = 600.0
CANCELLED = "The import was cancelled."


def import_model(
    model: Path,
    out: Path,
    kind: str = "",
    *,
    fold: bool = False,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
) -> dict[str, Any]:
    """Write the project of `model` to `out`; the `import` command's answer.

    `kind` is `.onnx` or `.pt2`, that of the file's name without it. With `fold`, runs of nodes
    that come again are folded into blocks. `tell` hears how far it is; `DocumentError` for a file
    that can't be read, and once `cancelled` is set.
    """
    if not model.is_file():
        raise DocumentError(f"There is no file '{model}'.", "See whether its name is right.")
    if not out.absolute().parent.is_dir():
        raise DocumentError(f"There is no folder '{out.parent}'.", "Make it, or choose another.")
    cancelled = cancelled or threading.Event()
    late = threading.Event()

    def give_up() -> None:
        late.set()
        cancelled.set()

    job = {"model": str(model.absolute()), "out": str(out.absolute()), "kind": kind, "fold": fold}
    clock = threading.Timer(PATIENCE_S, give_up)
    clock.daemon = True
    clock.start()
    try:
        with tempfile.TemporaryDirectory(prefix="netbuilder-") as folder:
            answer = watched.ask(
                "netbuilder.exchange.bring.child",
                job,
                Path(folder),
                title="The import",
                cancelled=cancelled,
                why=CANCELLED,
                tell=tell,
            )
    except ExportError as error:
        if late.is_set():
            text = f"The import of '{model.name}' took more than {PATIENCE_S:.0f} s and was ended."
            raise DocumentError(text) from error
        raise DocumentError(str(error), error.hint) from error
    finally:
        clock.cancel()
    if "error" in answer:
        raise DocumentError(answer["error"]["message"], answer["error"]["hint"])
    return {"path": str(out), **answer}


def run(job: Mapping[str, Any], tell: Tell = nobody) -> dict[str, Any]:
    """Read, draw, compare, write; the answer without its path."""
    tell(Progress("Starting PyTorch"))
    from netbuilder.exchange import weights
    from netbuilder.exchange.bring.writing import NETWORK
    from netbuilder.storage import files

    out, model = Path(job["out"]), Path(job["model"])
    try:
        brought = _brought(model, job["kind"] or model.suffix.lower(), tell, fold=job["fold"])
        tell(Progress("Writing the project"))
        weights.rename(brought.document, NETWORK, f"{out.stem}.safetensors")
        files.save(brought.document, out)
    except NetbuilderError as error:
        return {"error": {"message": str(error), "hint": error.hint}}
    return brought.to_json()


def _brought(model: Path, kind: str, tell: Tell, *, fold: bool) -> Brought:
    if kind == ".onnx":
        from netbuilder.exchange.onnx_in import bringing

        return bringing.from_onnx(model, fold=fold, tell=tell)
    from netbuilder.exchange.bring import importing

    return importing.from_pt2(model, fold=fold, tell=tell)


def main() -> int:
    """Read the job, do it, answer."""
    limit_memory()
    watched.answer(run)
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
