"""Makes PyTorch's optimizers, in their fused form where they have one."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from netbuilder.errors import NetbuilderError
from netbuilder.training.optimisation.optimizer_settings import (
    AdamWSettings,
    LBFGSSettings,
    MuonSettings,
    OptimizerSettings,
    SGDSettings,
    SparseAdamSettings,
)
from netbuilder.training.optimisation.schedules import learning_rate as learning_rate
from netbuilder.training.settings import StepSettings, TrainingSettings

Group = dict[str, Any]
"""Parameters that train alike: `params`, and where set `weight_decay` and `factor` (times the
rate)."""

_FUSED_ON = {"Adagrad": ("cpu",)}
"""Where the fused kernel of an optimizer is; those that are not here have it everywhere."""


def make(
    settings: OptimizerSettings,
    groups: Iterable[Mapping[str, Any]],
    modules: Sequence[nn.Module] = (),
) -> tuple[torch.optim.Optimizer, ...]:
    """The optimizer of these settings for parameter groups, and where need be one for the rest.

    A group is a dict with `params` and, where they differ from the settings, `weight_decay` and
    `factor` (times the learning rate); what an optimizer does not know is kept beside. `modules`
    are the networks that the parameters belong to: they tell which weights are embeddings.

    Muon takes matrices that are no embeddings and leaves the rest to AdamW; SparseAdam takes
    those with sparse gradients. `NetbuilderError` if the parameters don't suit the optimizer.
    """
    given = [dict(group) for group in groups]
    tables, sparse = embeddings(modules), sparse_weights(modules)
    match settings:
        case MuonSettings():
            chosen = {
                id(p)
                for group in given
                for p in group["params"]
                if p.ndim == 2 and id(p) not in tables
            }
            rest = AdamWSettings(kind="AdamW", lr=settings.lr, weight_decay=settings.weight_decay)
        case SparseAdamSettings():
            chosen = sparse
            rest = AdamWSettings(
                kind="AdamW",
                lr=settings.lr,
                betas=settings.betas,
                eps=settings.eps,
                weight_decay=0.0,
                maximize=settings.maximize,
            )
        case _:
            return (_make(settings, given, sparse),)
    parts = [(settings, _only(given, chosen, True)), (rest, _only(given, chosen, False))]
    return tuple(_make(kind, part, sparse) for kind, part in parts if part)


def embeddings(modules: Iterable[nn.Module]) -> set[int]:
    """The ids of the weights of all embeddings in these modules: rows that are looked up."""
    kinds = (nn.Embedding, nn.EmbeddingBag)
    inner = (each for module in modules for each in module.modules())
    return {id(each.weight) for each in inner if isinstance(each, kinds)}


def sparse_weights(modules: Iterable[nn.Module]) -> set[int]:
    """The ids of the weights whose gradients are sparse: of layers with `sparse=True`."""
    kinds = (nn.Embedding, nn.EmbeddingBag)
    inner = (each for module in modules for each in module.modules())
    return {id(each.weight) for each in inner if isinstance(each, kinds) and each.sparse}


def _only(groups: Iterable[Group], ids: set[int], inside: bool) -> list[Group]:
    """The groups with the parameters that are (or are not) among these, without empty ones."""
    found = []
    for group in groups:
        kept = [p for p in group["params"] if (id(p) in ids) is inside]
        if kept:
            found.append({**group, "params": kept})
    return found


def _make(
    settings: OptimizerSettings, groups: list[Group], sparse: set[int]
) -> torch.optim.Optimizer:
    kind: Any = getattr(torch.optim, settings.kind)
    options = settings.model_dump(exclude={"kind"})
    known = inspect.signature(kind).parameters
    weights = [p for group in groups for p in group["params"]]
    _refuse(settings, groups, [p for p in weights if id(p) in sparse])
    devices = {p.device.type for p in weights}
    somewhere = devices <= set(_FUSED_ON.get(settings.kind, devices))
    if "fused" in known and somewhere and not any(id(p) in sparse for p in weights):
        options["fused"] = True
    if isinstance(settings, LBFGSSettings):
        groups = [{"params": weights, "factor": groups[0].get("factor", 1.0) if groups else 1.0}]
    elif "weight_decay" not in known:
        groups = [{k: v for k, v in g.items() if k != "weight_decay"} for g in groups]
    made: torch.optim.Optimizer = kind(groups, **options)
    for group in made.param_groups:
        group.setdefault("factor", 1.0)
        group["lr"] = settings.lr * group["factor"]
    return made


def refuse(
    step: StepSettings,
    training: TrainingSettings,
    groups: Iterable[Mapping[str, Any]],
    modules: Sequence[nn.Module],
) -> None:
    """`NetbuilderError` for settings beside the optimizer that it can't work with."""
    sparse = sparse_weights(modules)
    clips = step.clip_norm is not None or step.clip_value is not None
    is_sparse = any(id(p) in sparse for group in groups for p in group["params"])
    if clips and is_sparse:
        raise NetbuilderError(
            "PyTorch can't clip the sparse gradients of an embedding.",
            "Remove clip_norm and clip_value, or switch off the embedding's `sparse`.",
        )
    if training.accumulate > 1 and is_sparse:
        # A checkpoint may come while they wait for their update, and has no place for them.
        raise NetbuilderError(
            "The sparse gradients of an embedding can't be accumulated.",
            "Set accumulate to 1 and the batch larger, or switch off the embedding's `sparse`.",
        )
    if not isinstance(step.optimizer, LBFGSSettings):
        return
    if training.accumulate > 1:
        raise NetbuilderError(
            "LBFGS looks at a batch several times, so batches can't be accumulated.",
            "Set accumulate to 1 and the batch larger.",
        )
    if training.precision == "fp16":
        raise NetbuilderError(
            "LBFGS can't be used with fp16, whose losses are scaled.", "Use bf16 or float32."
        )


_TAKE_SPARSE = frozenset({"SGD", "Adagrad", "SparseAdam"})


def _refuse(settings: OptimizerSettings, groups: list[Group], sparse: list[Any]) -> None:
    """`NetbuilderError` for what PyTorch would refuse in the middle of a run."""
    if sparse and settings.kind not in _TAKE_SPARSE:
        raise NetbuilderError(
            f"{settings.kind} can't train an embedding with sparse gradients.",
            f"Switch off its `sparse`, or use one of: {', '.join(sorted(_TAKE_SPARSE))}.",
        )
    if sparse and isinstance(settings, SGDSettings) and settings.weight_decay:
        raise NetbuilderError(
            "SGD can't shrink the weights of an embedding with sparse gradients.",
            "Set weight_decay to 0, or switch off `sparse`.",
        )
    if isinstance(settings, LBFGSSettings):
        rates = {group.get("factor", 1.0) for group in groups}
        if len(rates) > 1 or any("weight_decay" in group for group in groups):
            raise NetbuilderError(
                "LBFGS trains all weights alike.",
                "Remove the learning rates and weight decays of parts, or use another optimizer.",
            )
