"""A look at what the networks make of a few samples, as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from netbuilder.data.loading import Dataset, Part, size
from netbuilder.data.sources import Field
from netbuilder.training.placing import Hosted
from netbuilder.training.plan import StepPlan

SAMPLES = 16
POINTS = 256
"""Samples of an embedding, which is about how they lie to one another."""
MAX_POINTS = 512
MAX_LETTERS = 4000
MAX_PIXELS = 20_000
"""Numbers in all pictures of one tensor, so that an event stays well under a megabyte."""


def show(
    value: Tensor | tuple[Tensor, Tensor], kind: str, fields: tuple[Field, ...], batch: Part
) -> dict[str, Any]:
    """One preview: `kind` and, by kind, at most `SAMPLES` samples (`POINTS` of an embedding).

    - `image`: `output` and, if there is one, `target`: C×H×W nested lists
    - `class`: `predicted`, `confidence`, `target` (numbers), `classes` (names)
    - `value`: `output`, `target`: numbers
    - `curve`: `output`, `target`: lists of numbers
    - `text`: `output`, `target`: strings, of ids (or scores of them) in the letters or words
      of the data
    - `embedding`: `points` (pairs: the first two principal components), `explained` (the
      share of the variance that they hold), `target` and `classes` to colour them by
    `class`, `value` and `curve` add `input`, the samples' pictures or curves, when the data
    has such.
    """
    output, target = value if isinstance(value, tuple) else (value, None)
    if kind == "embedding":
        return _embedding(output, target, fields, batch)
    output = output.detach()[:SAMPLES].cpu()
    target = None if target is None else target.detach()[:SAMPLES].cpu()
    kind = _kind(output, target) if kind == "auto" else kind
    shown: dict[str, Any] = {"kind": kind}
    match kind:
        case "class":
            logits = output.float()
            odds = logits.softmax(1) if logits.dim() > 1 and logits.shape[1] > 1 else None
            confidence, predicted = (
                odds.flatten(1).max(1)
                if odds is not None
                else (logits.flatten().sigmoid(), (logits.flatten() > 0).long())
            )
            shown["predicted"] = predicted.tolist()
            shown["confidence"] = confidence.tolist()
            shown["target"] = None if target is None else target.flatten().tolist()
            named = (list(f.classes) for f in fields if f.classes and f.is_class)
            shown["classes"] = next(named, [])
        case "text":
            letters = _letters(fields)
            shown["output"] = _texts(_ids(output, letters), letters)
            shown["target"] = None if target is None else _texts(_ids(target, letters), letters)
        case "image":
            shown["output"] = _picture(output)
            shown["target"] = None if target is None else _picture(target)
        case "value":
            shown["output"] = output.float().flatten(1).mean(1).tolist()
            shown["target"] = None if target is None else target.flatten().tolist()
        case _:
            shown["output"] = _curve(output)
            shown["target"] = None if target is None else _curve(target)
    if kind not in ("image", "text"):
        shown["input"] = _input(fields, batch)
    return shown


def _letters(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """What ids of texts stand for."""
    return next((field.classes for field in fields if field.classes and field.shape), ())


def between(letters: Sequence[str]) -> str:
    """What stands between the parts of a text: nothing between letters, a space between words."""
    # Among letters there are words for what is none: "(unknown)".
    single = all(len(letter) < 2 or letter.startswith("(") for letter in letters)
    return "" if letters and single else " "


def _texts(ids: Tensor, letters: tuple[str, ...]) -> list[str]:
    """Ids N×T as texts. For what is unknown stands a number among words, a mark among letters."""
    gap = between(letters)
    rows = ids.flatten(1)[:, :MAX_LETTERS].long().tolist()
    return [
        gap.join(
            letters[i] if 0 <= i < len(letters) else str(i) if gap else "\N{REPLACEMENT CHARACTER}"
            for i in row
        )
        for row in rows
    ]


def _ids(values: Tensor, letters: tuple[str, ...]) -> Tensor:
    """Ids N×T as they are, of scores N×T×V or N×V×T the most likely."""
    if values.is_floating_point() and values.dim() == 3:
        return values.argmax(1 if values.shape[2] != len(letters) == values.shape[1] else 2)
    return values


def _embedding(
    output: Tensor, target: Tensor | None, fields: tuple[Field, ...], batch: Part
) -> dict[str, Any]:
    """Points N×D in the plane in which they vary most (PCA); two dims stay as they are."""
    rows = output.detach()[:POINTS].cpu().double().flatten(1)
    labelled = next((f for f in fields if f.classes and f.is_class), None)
    if target is None and labelled is not None:
        target = batch.get(labelled.name)
    labels = None
    if target is not None and not target.is_floating_point():
        labels = target.detach()[:POINTS].flatten().tolist()
    plane, explained = rows, 1.0
    if rows.shape[1] != 2 or not bool(rows.isfinite().all()):
        centred = torch.nan_to_num(rows - rows.nanmean(0), 0.0, 0.0, 0.0)
        axes, strengths, _ = torch.linalg.svd(centred, full_matrices=False)
        plane = torch.zeros(len(rows), 2, dtype=torch.float64)
        kept = min(2, len(strengths))
        plane[:, :kept] = axes[:, :kept] * strengths[:kept]
        # Of each axis and its opposite the one is taken that the largest point lies on.
        largest = plane.gather(0, plane.abs().argmax(0, keepdim=True))
        plane *= torch.where(largest < 0, -1.0, 1.0)
        power = strengths.square()
        explained = float(power[:kept].sum() / power.sum().clamp_min(1e-30))
    return {
        "kind": "embedding",
        "points": plane.round(decimals=4).tolist(),
        "explained": explained,
        "target": labels,
        "classes": [] if labelled is None else list(labelled.classes),
    }


def _kind(output: Tensor, target: Tensor | None) -> str:
    if output.dim() == 2 and not output.is_floating_point():
        return "text"
    if target is not None and not target.is_floating_point():
        return "class"
    if output.dim() == 4 and output.shape[1] in (1, 3):
        return "image"
    if output[:1].numel() == 1:
        return "value"
    return "curve"


def _picture(samples: Tensor) -> Any:
    """(N, C, H, W), thinned out to a size that a panel shows."""
    if samples.dim() == 3:
        samples = samples[:, None]
    if samples.dim() != 4:
        return samples.tolist()
    step = math.ceil(math.sqrt(max(1.0, samples.numel() / MAX_PIXELS)))
    return samples[:, :, ::step, ::step].double().round(decimals=3).tolist()


def _curve(samples: Tensor) -> Any:
    rows = samples.float().flatten(1)
    step = max(1, -(-rows.shape[1] // MAX_POINTS))
    return rows[:, ::step].tolist()


def _input(fields: tuple[Field, ...], batch: Part) -> dict[str, Any] | None:
    for field in fields:
        if not field.batched or field.high is not None or not field.dtype.startswith("float"):
            continue
        samples = batch[field.name][:SAMPLES].detach().cpu()
        if samples.dim() == 4 and samples.shape[1] in (1, 3):
            return {"kind": "image", "field": field.name, "samples": _picture(samples)}
        if samples.dim() in (2, 3):
            return {"kind": "curve", "field": field.name, "samples": _curve(samples)}
    return None


def of_step(step: StepPlan, data: Dataset) -> dict[str, Any]:
    """All previews of a step on the first samples that are not trained on, by name.

    Its module must be in eval mode.
    """
    if not step.previews:
        return {}
    count = POINTS if "embedding" in step.previews.values() else SAMPLES
    part = data.validation if size(data.validation) else data.train
    few = {name: tensor[:count] for name, tensor in part.items()}
    if isinstance(part, Hosted):
        few = part.sent(few)
    asked = {"previews": True} if step.asks else {}
    with torch.no_grad():
        _, _, values = step.module(**step.arguments(few, data.shared), **asked)
    return {
        name: show(value, step.previews[name], data.fields, few) for name, value in values.items()
    }
