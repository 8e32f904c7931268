"""What a project is for: it is trained, and exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netbuilder.api.project import PathLike, Project
from netbuilder.errors import RunError
from netbuilder.graph.model import Json


@dataclass(frozen=True, slots=True)
class Run:
    """What a training came to. The folder `path` needs nothing else to be used later."""

    path: Path
    status: str
    epochs: int
    steps: int
    seconds: float
    samples_per_second: float
    metrics: Mapping[str, float]
    warnings: tuple[str, ...] = ()


def train(
    project: Project,
    run_dir: PathLike,
    *,
    resume: bool = False,
    from_run: Run | PathLike | None = None,
    keep: Iterable[str] | None = None,
    widen: bool = False,
    listen: Callable[[Any], None] | None = None,
    **settings: Json,
) -> Run:
    """Train in this process and wait for the end.

    A project without a training step has nothing to learn: its run keeps the weights of its
    seed. `settings` replace fields of the project's training settings for this run (`epochs`,
    `batch_size`, `seed`, `device`, ...). `listen` gets each event of the run as it comes.
    `from_run`: the networks start with what that run learnt, as far as it fits; `keep` names the
    parts to take (`main`, `main.stem`), `widen` fills what grew with what there is. The optimizer
    begins anew; `origin.json` in the new run's folder tells what was kept, new and lost.
    `ProblemsError` if the project has errors, `RunError` if the training fails.
    """
    from netbuilder.engine import carrying, tasks, untaught

    document, path = project.document, Path(run_dir)
    overrides = {f"training.{name}": value for name, value in settings.items()}
    wish = None
    if from_run is not None and not resume:
        origin = from_run.path if isinstance(from_run, Run) else Path(from_run)
        wish = carrying.Wish(origin, None if keep is None else tuple(keep), widen)
    with project.permitted():
        if document.of_kind("step") or resume or wish is not None:
            answer = tasks.train(
                document, path, overrides=overrides, resume=resume, wish=wish, listen=listen
            )
        else:
            answer = untaught.keep(document, path, overrides)
    error = answer["error"]
    if error is not None:
        raise RunError(error["message"], error["hint"], graph=error["graph"], node=error["node"])
    return Run(
        path=Path(answer["run"]),
        status=answer["status"],
        epochs=answer["epochs"],
        steps=answer["steps"],
        seconds=answer["seconds"],
        samples_per_second=answer["samples_per_second"],
        metrics=dict(answer["metrics"]),
        warnings=tuple(answer["warnings"]),
    )


def export_onnx(
    project: Project,
    out: PathLike,
    *,
    run: Run | PathLike | None = None,
    network: str | None = None,
    opset: int | None = None,
    prepared: Literal["scores", "probabilities", "class"] | None = None,
    precision: Literal["fp16", "int8", "int8-static"] | None = None,
    per_node: bool = False,
) -> dict[str, Any]:
    """Write a network as an ONNX file and compare it with PyTorch in ONNX Runtime.

    With `prepared` normalisation is built in: the file takes values as they are in the data and
    answers in them; classes are told as this says. With `precision` its weights are stored in
    fewer bits; the answer has its size and metrics before and after.
    With `per_node` what each node gives is compared too: `nodes` in the answer, and in `departs`
    the first that is not the network's.
    The weights are those of `run`, else random ones. Answers like the `export` command;
    `ExportError` if the file does not compute what the network does.
    """
    from netbuilder.engine import tasks
    from netbuilder.exchange.options import ExportOptions

    options = ExportOptions("onnx", network, opset, prepared, precision, per_node)
    weights = run.path if isinstance(run, Run) else Path(run) if run is not None else None
    with project.permitted():
        return tasks.export(project.document if weights is None else weights, options, Path(out))
