"""What a training step is made of beside layers: data, networks, the loss, previews."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Literal

from netbuilder.layers import code, dims
from netbuilder.layers.base import Complaint, Family, Layer, Name, Port, Role, Types, start_with
from netbuilder.layers.callers import Caller
from netbuilder.layers.checks import insert


class DataField(Layer):
    """One field of the data, a batch at a time: images, labels, features.

    `field` is its name in the data set; the Data panel lists them.
    """

    id = "netbuilder.DataField"
    title = "Data"
    family = Family.DATA
    role = Role.DATA
    where = frozenset({"step"})
    keywords = "dataset batch source images labels features"
    inputs = ()
    starting = start_with(field="image")

    field: Name

    def subtitle(self) -> str:
        return self.field


class NetworkCall(Caller):
    """Runs one of the project's networks. Calls of the same network share its weights.

    In a training step, in another network or in a block. `mode`: 'train' as what it stands
    in; 'eval' always with dropout off and running averages in use; 'frozen' also without
    gradients for its weights, as a teacher or a fixed part.
    """

    id = "netbuilder.NetworkCall"
    title = "Network"
    family = Family.BLOCK
    keywords = "model call run use shared"
    inputs = ()
    outputs = ()

    mode: Literal["train", "eval", "frozen"] = "train"

    def function(self) -> str:
        return {"train": "", "eval": "calls.evaluated", "frozen": "calls.frozen"}[self.mode]

    def call(self, network: ast.expr, inputs: Mapping[str, ast.expr]) -> ast.expr:
        helper = self.function()
        if helper:
            return code.call(f"netbuilder.parts.{helper}", network, *inputs.values())
        return code.call(network, *inputs.values())

    def subtitle(self) -> str:
        return self.network if self.mode == "train" else f"{self.network}, {self.mode}"


class Objective(Layer):
    """The number that training makes small. A step has exactly one."""

    id = "netbuilder.Objective"
    title = "Loss"
    family = Family.LOSS
    role = Role.OBJECTIVE
    where = frozenset({"step"})
    keywords = "objective minimise target goal"
    inputs = (Port("loss"),)
    outputs = ()

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        loss = inputs.get("loss")
        if loss is None:
            return
        if not loss.floating:
            yield Complaint(
                f"The loss must be a floating point number, gets {loss.dtype}.",
                "Connect the output of a loss such as CrossEntropyLoss.",
                "loss",
                code="dtype.integer",
            )
        elif loss.rank and dims.product(loss.shape) != 1:
            yield Complaint(
                f"The loss must be a single number, gets {loss}.",
                "Connect a loss with reduction 'mean', or take the mean first.",
                "loss",
                code="shape.rank",
                fixes=(insert("Insert mean", "loss", "torch.mean"),),
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return inputs["loss"]


class Preview(Layer):
    """Shows some results while the network trains, beside the right answers if connected.

    `kind`: 'image', 'class' (the most likely one of N×classes), 'value', 'curve', 'text'
    (ids N×T in the letters or words of the data), 'embedding' (N×D as points in a plane,
    coloured by class), or 'auto' to choose by the shape. What only previews need is computed
    when one is shown, not with every batch.
    """

    id = "netbuilder.Preview"
    title = "Preview"
    family = Family.METRIC
    role = Role.PREVIEW
    where = frozenset({"step"})
    keywords = "show look watch picture sample predictions"
    inputs = (Port("input"), Port("target", "The right answers.", optional=True))
    outputs = ()

    kind: Literal["auto", "image", "class", "value", "curve", "text", "embedding"] = "auto"

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        needed = {"image": 3, "class": 2, "curve": 2, "text": 2, "embedding": 2}.get(self.kind, 0)
        if tensor.rank < needed:
            yield Complaint(
                f"A preview as '{self.kind}' needs {needed} dims or more, gets {tensor}.",
                "Set kind to 'auto', or connect something else.",
                "input",
                code="shape.rank",
                severity="warning",
            )

    def subtitle(self) -> str:
        return "" if self.kind == "auto" else self.kind
