"""What the worker does for each request that needs work; see docs/worker-protocol.md.

Torch and its neighbours are imported by the first job that needs them.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.engine.protocol import Request, WorkerError
from netbuilder.errors import DocumentError, ExportError, NetbuilderError, RunError
from netbuilder.exchange.options import ExportOptions
from netbuilder.training.control import Control

if TYPE_CHECKING:
    from netbuilder.exchange.watched import Tell

Job = Callable[[Mapping[str, Any]], Any]
Training = Callable[[Mapping[str, Any], Control], Any]
"""A job that trains: it may be told to stop."""


@contextlib.contextmanager
def trust(request: Request) -> Iterator[None]:
    """Within the block what the request brings along of trusted code may run, and nothing else.

    Of data in files that may be read which lies in the folders that it names.
    """
    from netbuilder.data import places
    from netbuilder.layers import trusted

    here = places.Places.from_json(request.params.get("places"))
    with trusted.given(trusted.Trust.from_json(request.params.get("code"))), places.given(here):
        yield


def beside_a_training(job: Job) -> Job:
    """The job with chance of its own: it makes networks while a training may draw from PyTorch's.

    Threads are no matter: who changes their number is among `TRIALS`.
    """

    def apart(params: Mapping[str, Any]) -> Any:
        from netbuilder.training.own_chance import OwnChance

        with OwnChance():
            return job(params)

    return apart


def document(params: Mapping[str, Any]) -> Any:
    """The project of a request; its own layers are those of this thread from now on."""
    from netbuilder.layers import own
    from netbuilder.storage import format

    document = format.from_json(params.get("project"))
    own.use(document.project)
    if isinstance(params.get("folder"), str):
        # Weights lie beside the project.
        document.beside.folder = Path(params["folder"])
    return document


def text(params: Mapping[str, Any], name: str) -> str:
    """A text that a request must have; `WorkerError` if it lacks it."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise WorkerError(f"The request lacks '{name}'.")
    return value


def analyse(params: Mapping[str, Any]) -> Any:
    """Problems, shapes and code of a project."""
    from netbuilder.engine import tasks

    # Whoever does not say wants the code too.
    source = params.get("source") is not False
    return tasks.analyse(document(params), source=source).to_json()


def import_for_training() -> None:
    """Load what a training needs, which takes seconds."""
    # Without this the first training, sample or export would wait for it.
    with contextlib.suppress(Exception):
        importlib.import_module("torchmetrics")
        importlib.import_module("netbuilder.engine.planning")


def _sample(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import tasks

    return tasks.sample(params.get("data") or {}, int(params.get("count") or 32))


Event = Callable[[dict[str, Any]], None]


def bring_in(params: Mapping[str, Any], cancelled: threading.Event, event: Event) -> Any:
    """Write a project of a model of others, unless it is called off before."""
    from netbuilder.engine import tasks
    from netbuilder.exchange.bring.child import CANCELLED

    if cancelled.is_set():
        raise DocumentError(CANCELLED)
    return tasks.import_model(
        Path(text(params, "path")),
        Path(text(params, "out")),
        fold=params.get("blocks") is True,
        early=params.get("early") is True,
        cancelled=cancelled,
        tell=lambda progress: event({"event": "export", **progress.to_json()}),
    )


AHEAD = {
    "import": "netbuilder.exchange.bring.child",
    "export": "netbuilder.exchange.export_child",
}
"""What is done in a process of its own that may start before its job is known."""


def expect(params: Mapping[str, Any]) -> dict[str, Any]:
    """Start the process of an import or export that is likely to come; unless `wanted`, end it."""
    from netbuilder.exchange import ahead

    module = AHEAD.get(text(params, "work"))
    if module is None:
        raise WorkerError("'work' is neither import nor export.")
    if params.get("wanted") is True:
        ahead.prepare(module)
    else:
        ahead.drop(module)
    return {}


def export(
    params: Mapping[str, Any],
    cancelled: threading.Event,
    event: Callable[[dict[str, Any]], None] = lambda event: None,
) -> Any:
    """Write a network to a file, unless it is called off before; `event` hears how far it is."""
    from netbuilder.exchange.export import CANCELLED

    if cancelled.is_set():
        raise ExportError(CANCELLED)

    def do(params: Mapping[str, Any]) -> Any:
        return write(params, cancelled, lambda p: event({"event": "export", **p.to_json()}))

    return beside_a_training(do)(params)


def write(
    params: Mapping[str, Any], cancelled: threading.Event, tell: Tell, *, apart: bool = True
) -> Any:
    """The export that a request asks for; not `apart`, in this process."""
    from netbuilder.engine import tasks

    return tasks.export(
        Path(text(params, "run")) if params.get("run") else document(params),
        ExportOptions.from_json(params),
        Path(text(params, "out")),
        cancelled=cancelled,
        tell=tell,
        apart=apart,
    )


def _predict(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import tasks

    inputs = params.get("inputs")
    if not isinstance(inputs, dict | list):
        raise WorkerError("The request lacks 'inputs'.")
    return tasks.predict(Path(text(params, "run")), inputs, network=params.get("network"))


def _describe_use(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import using

    return using.describe(Path(text(params, "run")))


def _use(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import using

    return using.ask(Path(text(params, "run")), params)


def _generate(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import generating

    return generating.generate(Path(text(params, "run")), params)


def _summary(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import tasks

    return tasks.summary(document(params), params.get("network"), params.get("inputs") or {})


def _carry(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import carrying, tasks

    wish = carrying.Wish.from_json(params.get("from"))
    if wish is None:
        raise WorkerError("The request lacks 'from'.")
    return tasks.carry(document(params), wish)


def _weights(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import foreign

    do = foreign.take if params.get("take") else foreign.look
    path, network = Path(text(params, "path")), params.get("network")
    return do(document(params), path, network, by_order=bool(params.get("by_order")))


def _verify_resume(params: Mapping[str, Any], control: Control) -> Any:
    from netbuilder.engine import resuming

    steps = params.get("steps")
    return resuming.verify(
        document(params),
        steps if isinstance(steps, int) else None,
        overrides=params.get("overrides") or {},
        stopped=lambda: control.stopping,
    )


def _find_lr(params: Mapping[str, Any], control: Control) -> Any:
    from netbuilder.engine import looking

    return looking.find_rate(document(params), params, control)


def _find_batch(params: Mapping[str, Any], control: Control) -> Any:
    from netbuilder.engine import looking

    return looking.find_batch(document(params), params, control)


def _tune(params: Mapping[str, Any], control: Control) -> Any:
    from netbuilder.engine import looking

    return looking.tune(document(params), control)


def _shrink(params: Mapping[str, Any], control: Control) -> Any:
    from netbuilder.engine import shrinking

    wish = shrinking.Wish.from_json(params)
    run = Path(text(params, "run"))
    return shrinking.shrink(run, wish, stopped=lambda: control.stopping)


TRIALS: Mapping[str, Training] = {
    "find_batch": _find_batch,
    "find_lr": _find_lr,
    "shrink": _shrink,
    "tune": _tune,
    "verify_resume": _verify_resume,
}
"""What trains something that is thrown away, or is timed, while nothing else may train."""


def _weigh_classes(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import weighing

    return weighing.look(document(params), params.get("field"))


def _help(params: Mapping[str, Any]) -> Any:
    from netbuilder.engine import layer_help

    return layer_help.describe(text(params, "layer"))


def _propose_data(params: Mapping[str, Any]) -> Any:
    from netbuilder.data.proposals import proposing

    return proposing.propose(text(params, "path")).to_json()


JOBS: Mapping[str, Job] = {
    "carry": beside_a_training(_carry),
    "describe_use": beside_a_training(_describe_use),
    "generate": beside_a_training(_generate),
    "help": _help,
    "sample": _sample,
    "predict": beside_a_training(_predict),
    "propose_data": _propose_data,
    "summary": beside_a_training(_summary),
    "use": beside_a_training(_use),
    "weigh_classes": _weigh_classes,
    "weights": beside_a_training(_weights),
}


def as_error(error: Exception) -> NetbuilderError:
    """Any exception as one that can be shown; an unforeseen one keeps its traceback."""
    import traceback

    if isinstance(error, NetbuilderError):
        return error
    text = " ".join(str(error).split())[:500] or type(error).__name__
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        return RunError("There is not enough memory.", "Use a smaller batch or network.")
    if isinstance(error, OSError):
        return NetbuilderError(f"{error.strerror or text}: {error.filename or ''}".rstrip(": "))
    traceback.print_exception(error)
    details = "".join(traceback.format_exception(error))[-20_000:]
    return WorkerError(
        f"Something unforeseen happened: {type(error).__name__}: {text}",
        "Please report it with the details.",
        details,
    )
