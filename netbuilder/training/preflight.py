"""What is looked at before the first step, so that no run starts that can't go well."""

from __future__ import annotations

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from netbuilder.compiler.build import parts_by_node
from netbuilder.data.loading import refuse, size
from netbuilder.errors import NetbuilderError, Problem, RunError
from netbuilder.training import balancing
from netbuilder.training.optimisation import optimizers, parts
from netbuilder.training.plan import Plan, StepPlan


def check(plan: Plan, processes: int = 1) -> None:
    """`ProblemsError` lists everything that stands against this training."""
    refuse([*find_problems(plan), *(_process_problems(plan, processes) if processes > 1 else [])])


def find_problems(plan: Plan) -> list[Problem]:
    """Steps without something to train, data that does not fit, an unknown monitor."""
    problems = [*_step_problems(plan), *_data_problems(plan)]
    problems += _average_problems(plan)
    problems += balancing.problems(plan.dataset, plan.settings.balance)
    problems += _augment_problems(plan)
    problems += _precision_problems(plan)
    known = monitored(plan)
    if monitor_of(plan) not in known:
        problems.append(
            Problem(
                "error",
                "training.monitor",
                f"There is no metric '{plan.settings.monitor}' to monitor.",
                f"Choose one of: {', '.join(known)}.",
            )
        )
    return problems


def monitor_of(plan: Plan) -> str:
    """The key of the metric that is monitored: with several steps the last one's if none is named.

    What was right for one step stays right when another is added.
    """
    wanted = plan.settings.monitor
    part, _, name = wanted.partition("/")
    if len(plan.steps) < 2 or not name or "/" in name:
        return wanted
    having = [step.name for step in plan.steps if name in ("loss", *step.metrics)]
    return f"{part}/{having[-1]}/{name}" if having else wanted


def monitored(plan: Plan) -> list[str]:
    """The keys of all metrics that the run will tell."""
    several = len(plan.steps) > 1
    return [
        f"{part}/{step.name}/{name}" if several else f"{part}/{name}"
        for part in ("train", "val")
        for step in plan.steps
        for name in ("loss", *step.metrics)
    ]


def _step_problems(plan: Plan) -> list[Problem]:
    problems = []
    if not plan.steps:
        problems.append(
            Problem(
                "error",
                "training.no_step",
                "The project has no training step.",
                "Add a step that wires data and networks into a loss.",
            )
        )
    for step in plan.steps:
        missing = [name for name in step.updates if name not in plan.networks]
        trained = [(name, plan.networks[name]) for name in step.updates if name in plan.networks]
        settled = step.settings.parts
        weights = any(
            not (part := parts.part_of(f"{name}.{path}", settled)) or not part.frozen
            for name, network in trained
            for path, parameter in network.named_parameters()
            if parameter.requires_grad
        )
        if missing or not weights:
            reason = f"there is no network '{missing[0]}'" if missing else "it updates no weights"
            message = f"Step '{step.name}' can't train: {reason}."
            hint = "Choose the networks that it updates in the step's settings."
            problems.append(Problem("error", "training.updates", message, hint))
        if not missing and (refused := _refusal(plan, step)) is not None:
            message = f"Step '{step.name}': {refused}"
            problems.append(Problem("error", "training.optimizer", message, refused.hint))
        for name in parts.unknown(plan.networks, step.settings.parts):
            message = f"Step '{step.name}' has settings for '{name}', which is in no network."
            hint = "Name a network and the nodes down to the part: main, main.stem."
            problems.append(Problem("error", "training.part", message, hint))
        for name in step.fields:
            if name not in {field.name for field in plan.dataset.fields}:
                known = ", ".join(field.name for field in plan.dataset.fields)
                message = f"Step '{step.name}' reads '{name}', which the data does not have."
                hint = f"Fields of the data: {known}."
                problems.append(Problem("error", "data.field", message, hint))
    return problems


def _average_problems(plan: Plan) -> list[Problem]:
    """Weights that two steps average: only one of the averages could be evaluated and kept."""
    settled = [part for step in plan.steps for part in step.settings.parts]
    averaged: dict[int, str] = {}
    problems = []
    for step in plan.steps:
        if step.settings.ema is None:
            continue
        own = {
            id(parameter): f"{name}.{path}"
            for name in step.updates
            if name in plan.networks
            for path, parameter in plan.networks[name].named_parameters()
            if parameter.requires_grad
            and not ((part := parts.part_of(f"{name}.{path}", settled)) and part.frozen)
        }
        twice = next((weight for weight in own if weight in averaged), None)
        if twice is not None:
            message = f"Steps '{averaged[twice]}' and '{step.name}' both average '{own[twice]}'."
            hint = "Clear `ema` in one of them: the other's average follows all updates of its own."
            problems.append(Problem("error", "training.average", message, hint))
        averaged |= dict.fromkeys(own, step.name)
    return problems


def _refusal(plan: Plan, step: StepPlan) -> NetbuilderError | None:
    """Why the optimizer of a step does not take its weights; None if it does."""
    groups = parts.groups(plan.networks, step.updates, step.settings.parts)
    if not groups:
        return None
    try:
        networks = [plan.networks[name] for name in step.updates]
        optimizers.make(step.settings.optimizer, groups, networks)
        optimizers.refuse(step.settings, plan.settings, groups, networks)
    except NetbuilderError as error:
        return error
    return None


def _precision_problems(plan: Plan) -> list[Problem]:
    """Layers that PyTorch has in float16 for GPUs alone."""
    if plan.settings.precision != "fp16" or find_device(plan.settings.device).type != "cpu":
        return []
    return [
        Problem(
            "error",
            "training.precision",
            f"'{name}.{path}' can't be computed in fp16 on a CPU.",
            "Set precision to bf16 or float32.",
        )
        for name, network in plan.networks.items()
        for path, module in network.named_modules()
        if isinstance(module, torch.nn.RNNBase)
    ]


def _data_problems(plan: Plan) -> list[Problem]:
    count, batch = size(plan.dataset.train), plan.settings.batch_size
    if count == 0:
        hint = "Make the validation and test parts smaller, or choose other data."
        return [Problem("error", "data.empty", "The training part has no samples.", hint)]
    problems = []
    if batch > count:
        message = f"A batch is {batch} samples, but the training part has only {count}."
        hint = f"Set batch_size to {count} or less."
        problems.append(Problem("error", "data.batch", message, hint))
    if min(batch, count) == 1:
        for name, (graph, node) in _batch_norms(plan).items():
            message = f"'{name}' normalises over the batch, and a batch is a single sample."
            hint = "Set batch_size to 2 or more, or use LayerNorm or GroupNorm."
            problems.append(Problem("error", "data.batch_norm", message, hint, graph, node))
    return problems


def _process_problems(plan: Plan, processes: int) -> list[Problem]:
    """What several processes can't do."""
    problems = []
    count, batch = size(plan.dataset.train), plan.settings.batch_size
    least = min(batch, count % batch or batch, count)
    if batch < processes:
        message = f"A batch of {batch} samples can't be shared out to {processes} processes."
        hint = f"Set batch_size to {processes} or more: it is that of all processes together."
        problems.append(Problem("error", "data.batch", message, hint))
    elif least // processes < 2 and count != batch + 1 and not torch.cuda.is_available():
        for name, (graph, node) in _batch_norms(plan).items():
            message = (
                f"'{name}' normalises over a process's share, and the last batch of an epoch "
                f"({least} samples for {processes} processes) leaves a single sample."
            )
            hint = "Choose another batch_size, or use LayerNorm or GroupNorm."
            problems.append(Problem("error", "data.batch_norm", message, hint, graph, node))
    for step in plan.steps:
        if step.settings.optimizer.kind == "LBFGS":
            message = f"Step '{step.name}': LBFGS can't be trained by several processes."
            hint = "Use another optimizer, or one process."
            problems.append(Problem("error", "training.processes", message, hint))
    return problems


def _augment_problems(plan: Plan) -> list[Problem]:
    """Augmentations whose own fields no step reads: labels would not be those of the samples."""
    augmenter = plan.dataset.augmenter
    if augmenter is None:
        return []
    read = {name for step in plan.steps for name in step.fields}
    problems = []
    for each in augmenter.augment:
        for field in each.concerned(augmenter.fields):
            added = [other.name for other in each.adds(field)]
            if added and field.name in read and not read & set(added):
                message = (
                    f"Augmentation '{each.name()}' changes what '{field.name}' is, but no step "
                    f"reads '{added[0]}'."
                )
                hint = f"Wire '{added[0]}' into the loss in place of '{field.name}'."
                problems.append(Problem("error", "data.augment", message, hint))
    return problems


def _batch_norms(plan: Plan) -> dict[str, tuple[str, str]]:
    """The batch normalisations by name, with the graph and node that each is, if it is one."""
    places = {
        id(module): place
        for network in plan.networks.values()
        for place, module in parts_by_node(network)
    }
    return {
        f"{name}.{path}": places.get(id(module), ("", ""))
        for name, network in plan.networks.items()
        for path, module in network.named_modules()
        if isinstance(module, _BatchNorm)
    }


def find_device(name: str) -> torch.device:
    """The device of this name; `auto` takes a GPU if there is one. `RunError` if absent."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        there = torch.cuda.device_count() or "none"
        raise RunError(f"There is no device '{name}' (GPUs: {there}).", "Set the device to auto.")
    return device
