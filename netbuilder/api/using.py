"""What a project is for: it is trained, made smaller, and exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netbuilder.api.project import PathLike, Project
from netbuilder.errors import NetbuilderError, RunError
from netbuilder.exchange.options import ExportOptions
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
        wish = carrying.Wish(run_path(from_run), None if keep is None else tuple(keep), widen)
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
    return _export(
        project, ExportOptions("onnx", network, opset, prepared, precision, per_node), out, run
    )


def export(
    project: Project,
    out: PathLike,
    *,
    to: Literal["onnx", "pt2", "safetensors", "code", "package"],
    run: Run | PathLike | None = None,
    network: str | None = None,
    prepared: Literal["scores", "probabilities", "class"] | None = None,
) -> dict[str, Any]:
    """Write a network in another format: `pt2` is a program of `torch.export`, `safetensors` the
    weights by name, `code` PyTorch source, `package` a new folder that trains by itself.

    The weights are those of `run`, else those that the project begins with. `prepared` is for
    `onnx` and `pt2`, see `export_onnx`, which knows what else an ONNX file may be. Answers like
    the `export` command; `ExportError` if what was written does not hold, `NetbuilderError` for
    what a format can't hold.
    """
    return _export(project, ExportOptions(to, network, prepared=prepared), out, run)


def _export(
    project: Project, options: ExportOptions, out: PathLike, run: Run | PathLike | None
) -> dict[str, Any]:
    from netbuilder.engine import tasks

    origin = project.document if run is None else run_path(run)
    with project.permitted():
        return tasks.export(origin, options, Path(out))


def shrink(
    run: Run | PathLike,
    *,
    network: str | None = None,
    prune: float | None = None,
    structured: float | None = None,
    fp16: bool = False,
    int8: bool = False,
    listen: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Make smaller files of what a run learnt, in `RUN/artifacts`, and measure each.

    `prune` is the share of weights to set to zero, `structured` that of the outputs of each layer
    to take out, both above 0 and below 1. The answer's `rows` are those of the `shrink` command:
    `bytes`, `parameters`, `metrics` on the validation part, `latency_ms` (milliseconds by the
    number of samples, a median) and more; `refused` tells what could not be made. `listen` gets
    each row as it comes, not timed yet. `NetbuilderError` if there is nothing to try.
    """
    from netbuilder.api.project import load
    from netbuilder.engine import shrinking

    wish = shrinking.Wish.from_json(
        {"network": network, "prune": prune, "structured": structured, "fp16": fp16, "int8": int8}
    )
    if wish.files == 1:
        raise NetbuilderError("There is nothing to try.", "Give fp16, int8, prune or structured.")
    folder = run_path(run)
    with load(folder / "project.netb").permitted():
        return shrinking.shrink(folder, wish, tell=listen or (lambda row: None))


def run_path(run: Run | PathLike) -> Path:
    """The folder of a run."""
    return run.path if isinstance(run, Run) else Path(run)
