"""Imports in a process of its own, with limits, that tells how far it is.

A file of somebody else's may ask for more memory than there is, or make PyTorch crash; neither
reaches the caller.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.errors import DocumentError, ExportError, NetbuilderError
from netbuilder.exchange import fresh, watched
from netbuilder.exchange.watched import Progress, Tell, nobody
from netbuilder.storage import atomic, plain

if TYPE_CHECKING:
    from netbuilder.exchange.bring.importing import Brought
    from netbuilder.graph.document import Document

PATIENCE_S = 600.0
CANCELLED = "The import was cancelled."
ODD = "See whether the program that it was made for opens it; if it doesn't, export it again."
EDITED = (
    "What was drawn first does not hold against the file, and the project was edited before it "
    "was drawn anew.",
    "Import the file again, to another place, and wait for the comparison.",
)


def import_model(
    model: Path,
    out: Path,
    kind: str = "",
    *,
    fold: bool = False,
    early: bool = False,
    cancelled: threading.Event | None = None,
    tell: Tell = nobody,
) -> dict[str, Any]:
    """Write the project of `model` to `out`; the `import` command's answer.

    `kind` is `.onnx` or `.pt2`, that of the file's name without it. With `fold`, runs of nodes
    that come again are folded into blocks. `tell` hears how far it is; `DocumentError` for a file
    that can't be read, and once `cancelled` is set.

    With `early`, the project is written before it is compared, of which `tell` hears: it stays
    if the comparison is called off. It is written again where it departs and the file is then
    drawn without lifting, or at fixed sizes; `redrawn` of the answer says so.
    """
    if not model.exists():
        raise DocumentError(f"There is no file '{model}'.", "See whether its name is right.")
    with plain.open_plain(model):  # what is a folder or a pipe says so
        pass
    if not out.absolute().parent.is_dir():
        raise DocumentError(f"There is no folder '{out.parent}'.", "Make it, or choose another.")
    if out.is_dir():
        raise DocumentError(f"'{out}' is a folder.", "Name a file.")
    cancelled = cancelled or threading.Event()
    late = threading.Event()

    def give_up() -> None:
        late.set()
        cancelled.set()

    job = {
        "model": str(model.absolute()),
        "out": str(out.absolute()),
        "kind": kind,
        "fold": fold,
        "early": early,
    }
    clock = threading.Timer(PATIENCE_S, give_up)
    clock.daemon = True
    clock.start()
    try:
        with fresh.folder() as folder:
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
        # Whoever was called off may have been writing.
        atomic.remove_leftovers(out.absolute().parent)
    if "error" in answer:
        raise DocumentError(answer["error"]["message"], answer["error"]["hint"])
    return {"path": str(out), **answer}


def run(job: Mapping[str, Any], tell: Tell = nobody) -> dict[str, Any]:
    """Read, draw, compare, write; the answer without its path."""
    tell(Progress("Starting PyTorch"))
    from netbuilder.exchange import weights
    from netbuilder.exchange.bring.writing import NETWORK
    from netbuilder.storage import files, weight_names
    from netbuilder.storage import weights as stored

    out, model = Path(job["out"]), Path(job["model"])
    saved: list[Document] = []

    def save(document: Document) -> None:
        tell(Progress("Writing the project"))
        entry = stored.entry_of(document, NETWORK)
        if isinstance(entry, stored.Entry):
            weights.rename(document, NETWORK, weight_names.of_project(out, entry.sha256))
        files.save(document, out)
        saved.append(document)

    def write(document: Document) -> None:
        save(document)
        tell(Progress("Comparing both", written=True))

    try:
        drawn = write if job.get("early") else None
        kind = job["kind"] or model.suffix.lower()
        brought = _brought(model, kind, tell, fold=job["fold"], drawn=drawn)
        if not any(document is brought.document for document in saved):
            if saved and not _untouched(out, saved[-1]):
                raise DocumentError(*EDITED)
            save(brought.document)
    except NetbuilderError as error:
        return {"error": {"message": str(error), "hint": error.hint}}
    except MemoryError:
        raise
    except Exception as error:
        # A file of somebody's may be any nonsense: attributes missing, tensors without numbers.
        traceback.print_exc()
        why = next(iter(str(error).strip().splitlines()), "")[:200]
        text = f"'{model.name}' can't be brought in ({type(error).__name__}: {why})."
        return {"error": {"message": text, "hint": ODD}}
    return {**brought.to_json(), **({"redrawn": True} if len(saved) > 1 else {})}


def _untouched(out: Path, document: Document) -> bool:
    """Whether what was written has the same meaning yet; its layout is the window's."""
    from netbuilder.storage import files, format

    try:
        found = format.to_json(files.load(out))
    except NetbuilderError:
        return False
    wanted = format.to_json(document)
    return {**found, "layout": {}} == {**wanted, "layout": {}}


def _brought(
    model: Path, kind: str, tell: Tell, *, fold: bool, drawn: Callable[[Document], None] | None
) -> Brought:
    if kind == ".onnx":
        from netbuilder.exchange.onnx_in import bringing

        return bringing.from_onnx(model, fold=fold, tell=tell, drawn=drawn)
    from netbuilder.exchange.bring import importing

    return importing.from_pt2(model, fold=fold, tell=tell, drawn=drawn)


def main() -> int:
    """Read the job, do it, answer."""
    watched.answer(_limited, warm_up)
    return 0


def _limited(job: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    limit_memory()
    return run(job, tell)


def warm_up() -> None:
    """Load what an import needs: a small module goes the same way."""
    import onnxruntime  # noqa: F401
    import torch

    from netbuilder.exchange.bring import importing
    from netbuilder.exchange.onnx_in import bringing  # noqa: F401

    importing.from_module(torch.nn.Linear(2, 2), torch.zeros(2, 2))


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
