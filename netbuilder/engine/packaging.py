"""A project as a small package of PyTorch source that trains to the same loss by itself."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from netbuilder.compiler import build
from netbuilder.compiler.networks import in_order, network_names
from netbuilder.compiler.resolve import resolve
from netbuilder.data import settings as data_settings
from netbuilder.data.streaming import Streamed
from netbuilder.engine import package_rates, package_text, planning
from netbuilder.engine.package_text import NetworkText, StepText
from netbuilder.errors import DocumentError, ExportError, NetbuilderError
from netbuilder.exchange import exits, interface
from netbuilder.exchange.export import CANCELLED, contiguous
from netbuilder.graph.document import Document
from netbuilder.graph.rules import identifier
from netbuilder.storage import atomic, code_files, files
from netbuilder.training.checkpointing import carrying, checkpoints
from netbuilder.training.optimisation import optimizers, parts
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.run import EVALUATION_FACTOR

MOST_BYTES = 1_000_000_000
PATIENCE_S = 300.0
_TWO_OPTIMIZERS = frozenset({"LBFGS", "Muon", "SparseAdam"})
_LIBRARIES = {"torch_geometric": "torch-geometric"}
_IMPORT = re.compile(r"^\s*(?:import|from) ([A-Za-z_]\w*)", re.MULTILINE)


def write(
    origin: Document | Path, out: Path, cancelled: threading.Event | None = None
) -> dict[str, Any]:
    """Write the package into the new folder `out`; the `export` command's answer.

    It begins with the weights that a training of the project begins with; of a run, with those
    that the run began with, and `trained.safetensors` has what it came to. Before the folder
    appears, its script is run in a process of its own, and its loss before the training compared.
    `NetbuilderError` for what a package can't hold, `ExportError` if it does not compute the same,
    or once `cancelled` is set before it is there.
    """
    cancelled = cancelled or threading.Event()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DocumentError(f"'{out}' is there already.", "Name a new folder.")
    if not out.absolute().parent.is_dir():
        raise DocumentError(f"There is no folder '{out.parent}'.", "Make it, or choose another.")
    run = RunFolder.open(origin) if isinstance(origin, Path) else None
    document = files.load(run.project_path) if run else origin
    assert isinstance(document, Document)
    plan = planning.make(document)
    _refuse(plan)
    if run is not None:
        carrying.read_start(run, plan.networks)
    above = out.absolute().parent
    try:
        with atomic.temporary_folder(above) as folder:
            place = folder / "package"
            place.mkdir()
            written = _fill(place, document, plan, run)
            error = _compare(place, plan, cancelled)
            if out.exists():
                out.rmdir()
            os.replace(place, out)
    except OSError as fault:
        raise atomic.refusal(fault, out, _bytes_of(plan)) from fault
    seen = {name: interface.of_network(document, name) for name in plan.networks}
    one = seen.get("main") or next(iter(seen.values()))
    return {
        "path": str(out),
        "format": "package",
        "inputs": {spec.name: list(spec.shape) for spec in one.inputs},
        "outputs": {spec.name: list(spec.shape) for spec in one.outputs},
        "files": written,
        "verified": True,
        "max_rel_error": error,
    }


def _bytes_of(plan: Plan) -> int:
    """The bytes of its data, which is the most of a package."""
    parts = (plan.dataset.train, plan.dataset.validation, plan.dataset.shared)
    return sum(t.nbytes for part in parts if isinstance(part, Mapping) for t in part.values())


def _refuse(plan: Plan) -> None:
    """`NetbuilderError` for settings that the script does not know."""
    reasons = list(_obstacles(plan))
    if reasons:
        more = f" And {len(reasons) - 1} more." if len(reasons) > 1 else ""
        raise NetbuilderError(
            f"A package can't hold {reasons[0]}.{more}",
            "Change that, or export the source of the network alone: --to code.",
        )


def _obstacles(plan: Plan) -> Iterator[str]:
    settings, data = plan.settings, plan.dataset
    held = [data.train, data.validation, data.shared]
    if any(isinstance(part, Streamed) for part in held):
        yield "data that is read as it is needed"
    elif sum(t.nbytes for part in held for t in part.values()) > MOST_BYTES:
        yield "more than 1 GB of data"
    if data.augmenter is not None:
        yield "data that is varied as it comes"
    if settings.balance:
        yield "a balance of classes"
    if settings.precision != "float32":
        yield f"the precision {settings.precision}"
    if settings.accumulate > 1:
        yield "updates that wait for several batches"
    for step in plan.steps:
        own = step.settings
        if own.schedule.kind not in package_rates.SCHEDULES:
            yield f"the schedule '{own.schedule.kind}' of '{step.name}'"
        if own.optimizer.kind in _TWO_OPTIMIZERS:
            yield f"the optimizer {own.optimizer.kind} of '{step.name}'"
        if own.parts:
            yield f"parts of '{step.name}' that train otherwise"
        if own.ema:
            yield f"averaged weights of '{step.name}'"
        if any(callable(getattr(m, "tell_progress", None)) for m in step.module.modules()):
            yield f"a node of '{step.name}' that follows the progress of the training"


def _fill(place: Path, document: Document, plan: Plan, run: RunFolder | None) -> list[str]:
    code_files.write_beside(document.project, place)
    networks, steps = list(_networks(document)), list(_steps(document, plan))
    settings = plan.settings
    factor = 1 if any(step.across_batch for step in plan.steps) else EVALUATION_FACTOR
    values = {
        "seed": settings.seed,
        "epochs": settings.epochs,
        "steps": settings.steps,
        "batch_size": settings.batch_size,
        "evaluation_batch_size": factor * settings.batch_size,
        "deterministic": settings.deterministic,
    }
    texts = {f"{text.module}.py": source for text, source in networks}
    texts |= {f"{text.module}.py": source for text, source in steps}
    about = [text for text, _ in networks], [text for text, _ in steps]
    texts["train.py"] = package_text.train_script(*about, values)
    notes = ["It trains for all epochs, also where nothing gets better."] * bool(settings.patience)
    if run is not None:
        notes.append("`trained.safetensors` has the weights that the run came to.")
    texts["README.md"] = package_text.readme(document.project.title, *about, notes)
    texts["requirements.txt"] = _requirements("\n".join(texts.values()))
    for name, text in texts.items():
        if (place / name).exists():
            raise DocumentError(f"A file of your layers is called '{name}'.", "Rename it.")
        (place / name).write_text(text, encoding="utf-8")
    _tensors(place, plan, run)
    return sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())


def _tensors(place: Path, plan: Plan, run: RunFolder | None) -> None:
    save_file(_flat(plan), place / "start.safetensors")
    (place / "data").mkdir()
    data = plan.dataset
    for name, part in (
        ("train", data.train),
        ("validation", data.validation),
        ("shared", data.shared),
    ):
        if part:
            save_file(contiguous(dict(part.items())), place / "data" / f"{name}.safetensors")
    if run is not None:
        began = {n: {k: v.clone() for k, v in m.state_dict().items()} for n, m in _items(plan)}
        checkpoint, _ = run.read_checkpoint("best", "last")
        checkpoints.load_networks(checkpoint, plan.networks)
        save_file(_flat(plan), place / "trained.safetensors")
        for name, module in _items(plan):
            module.load_state_dict(began[name])


def _items(plan: Plan) -> Iterator[tuple[str, torch.nn.Module]]:
    yield from plan.networks.items()


def _flat(plan: Plan) -> dict[str, Tensor]:
    return contiguous(
        {f"{name}/{k}": t for name, module in _items(plan) for k, t in module.state_dict().items()}
    )


def _networks(document: Document) -> Iterator[tuple[NetworkText, str]]:
    """The networks with their sources: those that others are given come first."""
    order = list(in_order(resolve(document).document))
    names = network_names(document)
    held = {own: name for name, own in names.items()}
    for graph in order:
        compiled = build.compiled_without_errors(document, document.graph(graph.id), {})
        source = compiled.sources[graph.id]
        module = "model" if len(order) == 1 else f"model_{identifier(graph.name, 'network')}"
        given = {each.name: held[each.name] for each in compiled.programs[graph.id].given}
        yield NetworkText(graph.name, module, source.class_name, given), source.text


def _steps(document: Document, plan: Plan) -> Iterator[tuple[StepText, str]]:
    fields = data_settings.field_types(document.project.data)
    for graph, step in zip(document.of_kind("step"), plan.steps, strict=True):
        compiled = build.compiled_without_errors(document, graph, fields)
        source = compiled.sources[graph.id]
        module = "step" if len(plan.steps) == 1 else f"step_{identifier(graph.name, 'step')}"
        arguments = {own: name for name, own in compiled.programs[graph.id].networks.items()}
        called = dict(zip(step.keywords or step.fields, step.fields, strict=True))
        name, options = _optimizer(plan, step)
        text = StepText(
            graph.name, module, source.class_name, arguments, called, name, options, step.settings
        )
        yield text, source.text


def _optimizer(plan: Plan, step: StepPlan) -> tuple[str, Mapping[str, Any]]:
    """The optimizer's class and what it is made with."""
    groups = parts.groups(plan.networks, step.updates, ())
    (made,) = optimizers.make(
        step.settings.optimizer, groups, [plan.networks[name] for name in step.updates]
    )
    options = step.settings.optimizer.model_dump(exclude={"kind"})
    if made.defaults.get("fused"):
        options["fused"] = True
    return type(made).__name__, options


def _requirements(code: str) -> str:
    found = sorted({_LIBRARIES[name] for name in _IMPORT.findall(code) if name in _LIBRARIES})
    lines = [f"torch=={version('torch').partition('+')[0]}"]
    lines += [f"{name}=={version(name)}" for name in ("safetensors", "numpy", *found)]
    return "\n".join(lines) + "\n"


def _compare(place: Path, plan: Plan, cancelled: threading.Event) -> float:
    """Run the script without a training; the largest relative error of its losses."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    command = [sys.executable, "-I", "-B", str(place / "train.py"), "--epochs", "0"]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        try:
            words = _wait(child, cancelled)
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        cause, hint = exits.describe(child.returncode, words)
        said = exits.last_line(words)
        raise ExportError(f"The package {cause}. It said last: {said}", hint)
    told = json.loads((place / "losses.json").read_text())[0]["validation"]
    for name in ("losses.json", "weights.safetensors"):
        (place / name).unlink()
    worst = 0.0
    for name, own in _losses(plan).items():
        other = told[name]
        if math.isnan(own) and math.isnan(other):
            continue
        worst = max(worst, abs(own - other) / max(abs(own), 1e-6))
    if not worst < 1e-4:
        raise ExportError(
            "The package does not compute the same loss as the project.",
            f"The relative error is {worst:.1e}.",
        )
    return worst


def _wait(child: subprocess.Popen[bytes], cancelled: threading.Event) -> str:
    """What a child says to its end; `ExportError` when it is no longer wanted, or for ever."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if cancelled.is_set():
            raise ExportError(CANCELLED)
        try:
            return child.communicate(timeout=0.1)[1].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            continue
    raise ExportError(f"The package took more than {PATIENCE_S:.0f} s to say its first loss.")


def _losses(plan: Plan) -> dict[str, float]:
    """The mean loss of each step over the validation part, before a training."""
    from netbuilder.data.loading import size
    from netbuilder.training import batches, randomness

    factor = 1 if any(step.across_batch for step in plan.steps) else EVALUATION_FACTOR
    totals = dict.fromkeys((step.name for step in plan.steps), 0.0)
    data = plan.dataset
    for step in plan.steps:
        step.module.eval()
    with torch.no_grad(), randomness.apart(plan.settings.seed):
        for batch in batches.in_order(data.validation, factor * plan.settings.batch_size):
            for step in plan.steps:
                loss = step.module(**step.arguments(batch, data.shared))[0]
                totals[step.name] += float(loss) * size(batch)
    count = size(data.validation)
    return {name: total / count if count else math.nan for name, total in totals.items()}
