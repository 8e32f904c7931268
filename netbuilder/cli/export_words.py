"""An export on the command line: how far it is on stderr, and what its nodes gave."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.exchange.options import ExportOptions

if TYPE_CHECKING:
    from netbuilder.exchange.watched import Progress
    from netbuilder.graph.document import Document


APART = ("onnx", "pt2")
"""What is written by a process of its own."""


@contextmanager
def starting(options: Namespace) -> Iterator[None]:
    """Lets that process load what it needs while this one reads the project."""
    if options.to not in APART or not Path(options.origin).exists():
        yield
        return
    from netbuilder.exchange import ahead

    # Named here: `engine.apart` itself would take the time that this is to save.
    with ahead.prepared("netbuilder.engine.apart"):
        yield


@contextmanager
def telling() -> Iterator[Callable[[Progress], None]]:
    """Shows on a terminal what is being done; elsewhere nothing."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda progress: None
        return
    with console.status("") as status:

        def tell(progress: Progress) -> None:
            count = f" ({progress.done + 1} of {progress.total})" if progress.total else ""
            status.update(f"{progress.what}{count}")

        yield tell


def export(
    origin: Document | Path, options: Namespace, tell: Callable[[Progress], None]
) -> dict[str, Any]:
    """Do what the options of the command say; the answer."""
    chosen, out = ExportOptions.from_json(vars(options)), Path(options.output)
    if chosen.to in APART:
        from netbuilder.engine import apart

        return apart.export(origin, chosen, out, tell=tell)
    from netbuilder.engine import tasks

    return tasks.export(origin, chosen, out, tell=tell)


def by_node(answer: Mapping[str, Any]) -> Iterator[str]:
    """The errors by node of a verified file, in lines."""
    nodes = answer.get("nodes", ())
    width = max((len(node["name"]) for node in nodes), default=0)
    for node in nodes:
        yield f"  {node['name']:{width}}  {words(node['max_rel_error'])}"
    departs = answer.get("departs")
    if departs is not None:
        yield f"The first node that departs is '{departs['name']}'."


def words(error: float | str | None) -> str:
    """A relative error, for people."""
    if error is None:
        return "joined with another, or left out"
    return f"{float(error):.1e}"
