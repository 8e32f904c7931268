"""Products without weights, and losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call, Function, op


@op("Einsum", since=12)
def einsum(call: Call) -> Function:
    """Sums of products as an equation says."""
    equation = call.attr("equation").replace(" ", "")
    return lambda *operands: torch.einsum(equation, *operands)


@op("Det")
def det(call: Call) -> Function:
    """The determinant of matrices."""
    return lambda x: torch.linalg.det(x)


# -- losses ---------------------------------------------------------------------------------------


@op("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss", since=12)
def loss(call: Call) -> Function:
    """What is lost where the right class has less than all of the probability."""
    reduction, ignored = call.attr("reduction", "mean"), call.attr("ignore_index", -100)
    scores = call.op == "SoftmaxCrossEntropyLoss"
    logs = call.gives(1)

    def run(x: Tensor, target: Tensor, weight: Tensor | None = None) -> object:
        log = F.log_softmax(x, 1) if scores else x
        target = target.long()
        counts = target != ignored
        # An ignored class may be no class at all: any other stands for it.
        right = torch.where(counts, target, torch.zeros_like(target))
        lost = -torch.gather(log, 1, right.unsqueeze(1)).squeeze(1)
        share = counts.to(log.dtype)
        if weight is not None:
            share = share * F.embedding(right, weight.unsqueeze(1)).squeeze(-1)
        lost = lost * share
        match reduction:
            case "mean":
                lost = lost.sum() / share.sum()
            case "sum":
                lost = lost.sum()
        return (lost, log) if logs else lost

    return run
