"""An export that is done in a process of its own from its beginning.

Whoever asks needs no PyTorch and loads none: for the command line that is half of the work.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netbuilder.data import places
from netbuilder.engine import protocol
from netbuilder.engine.protocol import Request
from netbuilder.exchange import watched
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.watched import Progress, Tell
from netbuilder.graph.document import Document
from netbuilder.layers import trusted
from netbuilder.storage import atomic, format

CANCELLED = "The export was cancelled; nothing was written."


def export(
    origin: Document | Path,
    options: ExportOptions,
    out: Path,
    *,
    cancelled: threading.Event | None = None,
    tell: Tell = watched.nobody,
) -> dict[str, Any]:
    """Write a network of a project or a run, as `tasks.export` does.

    What is trusted and what may be read here holds there. The same errors, and the same answer.
    """
    params: dict[str, Any] = {**options.to_json(), "out": str(out.absolute())}
    if isinstance(origin, Document):
        params["project"] = format.to_json(origin)
        if origin.beside.folder is not None:
            params["folder"] = str(origin.beside.folder.absolute())
    else:
        params["run"] = str(origin.absolute())
    params |= {"code": trusted.current().to_json(), "places": places.current().to_json()}
    tell(Progress("Starting"))
    with tempfile.TemporaryDirectory(prefix="netbuilder-") as folder:
        try:
            answer = watched.ask(
                "netbuilder.engine.apart",
                {"params": params},
                Path(folder),
                title="The export",
                cancelled=cancelled or threading.Event(),
                why=CANCELLED,
                tell=tell,
            )
        except BaseException:
            # It may have been writing.
            atomic.remove_leftovers(out.absolute().parent)
            raise
    if "error" in answer:
        raise protocol.error_from_json(answer["error"])
    return {**answer, "path": str(out)}


def _answer(job: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    from netbuilder.engine import jobs

    tempfile.tempdir = job["folder"]
    params = job["params"]
    try:
        with jobs.trust(Request(0, "export", params)):
            answer: dict[str, Any] = jobs.write(params, threading.Event(), tell, apart=False)
            return answer
    except Exception as error:
        return {"error": protocol.error_to_json(jobs.as_error(error))}


def _warm_up() -> None:
    from netbuilder.engine import exporting, jobs  # noqa: F401
    from netbuilder.exchange import export_child

    export_child.warm_up()


if __name__ == "__main__":
    watched.answer(_answer, _warm_up)
