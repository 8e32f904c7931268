"""What every layer must hold, as functions over its class and a case; see `reference.py`."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from unittest.mock import ANY
from xml.etree import ElementTree

import torch
from torch import nn

from netbuilder.app.resources import find as find_resource
from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import BuiltStep, build_network, build_step
from netbuilder.graph.model import Node, freeze
from netbuilder.layers import dims
from netbuilder.layers.base import Family, Layer, Role, TensorType
from netbuilder.layers.catalogue import ports_of
from netbuilder.layers.checks import BATCH
from tests.drawing import Drawing
from tests.layers import graphs
from tests.layers.cases.common import Case
from tests.layers.reference import (
    callable_of,
    forward_parameters,
    reference,
    torch_parameters,
    torch_values,
)

SIZES: Mapping[str, int] = MappingProxyType({"N": 3, "T": 5, "V": 6, "E": 9})
UNUSED = TensorType((BATCH, 1))
"""What a network of a layer without inputs is given."""
SIZES_ONLY = "reference"
"""An input with this name lends its sizes and not its numbers, as what is not added to does:
no gradient goes there."""
AT_REST = {"layer.lora_a"}
"""Weights that are times zero at the beginning, so that their gradient is zero."""

# -- without torch's help ---------------------------------------------------------------------


def check_start(kind: type[Layer]) -> None:
    """A freshly added node is valid, and so is a copy of it that went through a file."""
    layer = kind.model_validate(dict(kind.starting))
    for values in (dict(kind.starting), layer.model_dump()):
        assert kind.model_validate(freeze(json.loads(json.dumps(values)))) == layer
    assert hash(layer) == hash(kind.model_validate(dict(kind.starting)))


def check_round_trip(kind: type[Layer], case: Case) -> None:
    layer = kind.model_validate(case.params)
    again = kind.model_validate(freeze(json.loads(json.dumps(layer.model_dump()))))
    assert again == layer
    assert again.with_values({}) == layer


def check_texts(kind: type[Layer]) -> None:
    """Title, help, a subtitle and the family's icon are there."""
    assert kind.title.strip()
    assert kind.id.count(".")
    first, *_ = kind.help().split("\n")
    assert len(first) > 20
    assert first[0].isupper() or not first[0].isalpha() or "," in first or "(" in first
    own = kind.help() != inspect.cleandoc(Layer.__doc__ or "")
    assert own, "the class docstring is the layer's help"
    subtitle = kind.model_validate(dict(kind.starting)).subtitle()
    assert len(subtitle) < 40
    assert "None" not in subtitle
    check_icon(kind.family)


def check_icon(family: Family) -> None:
    root = ElementTree.fromstring(find_resource(f"icons/{family}.svg").read_text("utf-8"))
    assert root.get("viewBox") == "0 0 24 24"
    assert root.get("stroke") == "currentColor"
    assert len(root) > 0


def check_signature(kind: type[Layer]) -> None:
    """The parameters are those of PyTorch's class, in its order, with its defaults."""
    expected = torch_parameters(kind.id)
    if kind.in_call:
        called = forward_parameters(kind.id)
        expected |= {name: called[name] for name in kind.in_call}
    assert list(kind.model_fields) == list(expected)
    for name, field in kind.model_fields.items():
        if name in kind.inferable() and expected[name] is inspect.Parameter.empty:
            assert field.default is None
        elif field.is_required():
            assert expected[name] is inspect.Parameter.empty, name
        else:
            default = expected[name]
            assert field.default == default, name
            assert isinstance(field.default, bool) == isinstance(default, bool), name


# -- inputs -------------------------------------------------------------------------------------


def flat(result: Any) -> list[torch.Tensor]:
    """The tensors of a nested result, in order."""
    if isinstance(result, torch.Tensor):
        return [result]
    return [tensor for part in result for tensor in flat(part)]


def random_tensor(
    tensor: TensorType, generator: torch.Generator, at: Mapping[str, int] = SIZES
) -> torch.Tensor:
    """Numbers of this type, with these sizes for its symbols."""
    sizes = dims.concrete(tensor.shape, at)
    if tensor.dtype == "bool":
        return torch.rand(sizes, generator=generator) > 0.5
    if tensor.floating:
        return torch.randn(sizes, generator=generator, dtype=getattr(torch, tensor.dtype))
    made = torch.randint(0, tensor.high or 10, sizes, generator=generator)
    return made.to(getattr(torch, tensor.dtype))


def random_inputs(
    case: Case, seed: int = 0, at: Mapping[str, int] = SIZES
) -> dict[str, torch.Tensor]:
    """Numbers for every port, those of `Case.values` made into what the layer can take."""
    generator = torch.Generator().manual_seed(seed)
    found = {port: random_tensor(t, generator, at) for port, t in case.inputs.items()}
    return found | {port: value(found[port]) for port, value in case.values.items()}


# -- through the compiler ----------------------------------------------------------------------


def network_input(d: Drawing, name: str, tensor: TensorType) -> Node:
    """An Input node for this type."""
    batched = tensor.shape[:1] == (BATCH,)
    sizes = tuple(dims.to_json(s) for s in tensor.shape[1 if batched else 0 :])
    more = {"high": tensor.high} if tensor.high is not None else {}
    return d.input(*sizes, name=name, dtype=tensor.dtype, batched=batched, **more)


def given(inputs: Mapping[str, torch.Tensor], batch: int = SIZES["N"]) -> list[torch.Tensor]:
    """What a `Network` takes: the inputs of its layer, or one that nothing needs."""
    return list(inputs.values()) or [torch.zeros(batch, 1)]


class Network:
    """A drawn network of one layer: an Input for each wired port, an Output for each output.

    With `first_only` the first output alone is wired.
    """

    def __init__(self, kind: type[Layer], case: Case, first_only: bool = False) -> None:
        self.kind = kind
        self.drawing = d = Drawing()
        self.node = d.add(kind.id, name="layer", **case.params)
        for port, tensor in case.inputs.items():
            start = network_input(d, f"in_{port}", tensor)
            # What overwrites its input gets a copy: it may not touch what the network was given.
            source = d.add("torch.cat", start) if case.params.get("inplace") else start
            d.wire(source, self.node, port)
        if not case.inputs:
            d.input(1, name="unused")  # A network has an input, whether a constant needs it or not.
        outputs = ports_of(d.document, d.graph, self.node).outputs
        self.outputs = tuple(port.name for port in outputs[: 1 if first_only else None])
        for name in self.outputs:
            d.output((self.node, name), name=f"out_{name}")

    def report(self) -> Any:
        return analyse(self.drawing.document, {})

    def build(self) -> nn.Module:
        return build_network(self.drawing.document, "main")

    def layer(self) -> Layer:
        """The layer with its inferred sizes."""
        report = self.report().graphs[self.drawing.graph.id].nodes[self.node.id]
        return self.kind.model_validate({**self.node.params, **report.inferred})


def check_network(kind: type[Layer], case: Case) -> None:
    """No errors; shapes, dtypes and weights as reported; the same numbers as PyTorch's."""
    network = Network(kind, case)
    report = network.report()
    assert [p.message for p in report.problems if p.severity == "error"] == []
    node: Node = network.node
    told = report.graphs[network.drawing.graph.id].nodes[node.id]
    outputs = told.outputs
    inputs = random_inputs(case)
    model = network.build().eval()
    assert told.parameters == sum(weight.numel() for weight in model.parameters())
    # Copied before the run: Embedding's max_norm rewrites its weights in forward.
    state = {n.removeprefix("layer."): t.clone() for n, t in model.state_dict().items()}
    torch.manual_seed(0)
    got = flat(model(*(tensor.clone() for tensor in given(inputs))))
    expected = flat(reference(network.layer(), inputs, state))
    assert len(got) == len(expected) == len(network.outputs)
    for port, a, b in zip(network.outputs, got, expected, strict=True):
        assert dims_at(outputs[port].shape) == tuple(b.shape)
        assert outputs[port].dtype == str(b.dtype).removeprefix("torch.")
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
    if len(network.outputs) > 1:
        _check_first_output(kind, case, state, expected[0])


def _check_first_output(
    kind: type[Layer], case: Case, state: Mapping[str, Any], expected: torch.Tensor
) -> None:
    """What runs where only the first output is used gives the same, up to rounding."""
    model = Network(kind, case, first_only=True).build().eval()
    model.load_state_dict({f"layer.{name}": tensor for name, tensor in state.items()})
    torch.manual_seed(0)
    got = model(*(tensor.clone() for tensor in given(random_inputs(case))))
    torch.testing.assert_close(got, expected, equal_nan=True)


def check_gradients(kind: type[Layer], case: Case) -> None:
    """A gradient reaches every weight, and every input that PyTorch differentiates."""
    torch.manual_seed(0)
    model = Network(kind, case).build().train()
    inputs = [
        tensor.requires_grad_() if tensor.is_floating_point() else tensor
        for tensor in given(random_inputs(case))
    ]
    # In-place layers may not write to a leaf.
    results = flat(model(*(tensor * 1 if tensor.requires_grad else tensor for tensor in inputs)))
    terms = [(r * torch.randn(r.shape)).sum() for r in map(real, results) if r.requires_grad]
    if not terms:
        assert not list(model.parameters())
        return
    torch.stack(terms).sum().backward()  # type: ignore[no-untyped-call]
    for name, weight in model.named_parameters():
        if weight.requires_grad and not graphs.unused(kind.id, name.removeprefix("layer.")):
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0 or name in AT_REST, name
    for port, tensor in zip(case.inputs, inputs, strict=False):
        lent = port == SIZES_ONLY or not case.params.get("add", True)
        assert not tensor.requires_grad or tensor.grad is not None or lent


def real(tensor: torch.Tensor) -> torch.Tensor:
    """Complex numbers as pairs: a loss is a real number."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def check_memory(kind: type[Layer], case: Case) -> None:
    """`is_view` and `saves_output` are set where PyTorch shares or keeps memory."""
    for training in (True, False):
        torch.manual_seed(0)
        module = Network(kind, case).build().train(training)
        inputs = [
            tensor.requires_grad_() * 1 if tensor.is_floating_point() else tensor
            for tensor in given(random_inputs(case))
        ]
        results = flat(module(*inputs))
        memory = {tensor.untyped_storage().data_ptr() for tensor in inputs}
        if any(result.untyped_storage().data_ptr() in memory for result in results):
            assert kind.is_view
        floating = [result for result in results if result.requires_grad]
        if floating and overwriting_fails(floating):
            assert kind.model_validate(case.params).saves_output()


def overwriting_fails(results: Sequence[torch.Tensor]) -> bool:
    """Whether the gradient can't be computed once these are overwritten."""
    try:
        with torch.no_grad():
            for result in results:
                result.mul_(2)
        torch.stack([real(result).sum() for result in results]).sum().backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if re.search("inplace operation|modified inplace|single memory location", str(error)):
            return True
        raise
    return False


class Step:
    """A training step: what an identity network `main` gives goes to the node's first port,
    fields of the data to the others.
    """

    def __init__(self, kind: type[Layer], case: Case) -> None:
        self.drawing = d = Drawing()
        first, *others = case.inputs
        network_input(d, "x", case.inputs[first])
        d.output(d.add("torch.nn.Identity", d.graph.ordered()[0]))
        self.fields = {f"in_{port}": tensor for port, tensor in case.inputs.items()}
        self.graph = d.add_graph("step", "train", updates=["main"])
        data = {port: d.add("netbuilder.DataField", field=f"in_{port}") for port in case.inputs}
        call = d.add("netbuilder.NetworkCall", data[first], network="main")
        self.node = d.add(kind.id, call, name="layer", **case.params)
        for port in others:
            d.wire(data[port], self.node, port)
        single = d.add("torch.mean", self.node if kind.role is Role.LOSS else call)
        d.add("netbuilder.Objective", single)

    def report(self) -> Any:
        return analyse(self.drawing.document, self.fields)

    def layer(self, kind: type[Layer]) -> Layer:
        inferred = self.report().graphs[self.graph.id].nodes[self.node.id].inferred
        return kind.model_validate({**self.node.params, **inferred})

    def build(self) -> BuiltStep:
        networks = {"main": build_network(self.drawing.document, "main")}
        return build_step(self.drawing.document, "train", self.fields, networks)


def as_fields(inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"in_{port}": tensor for port, tensor in inputs.items()}


def check_loss(kind: type[Layer], case: Case) -> None:
    """In a step: the same number as PyTorch's, and gradients back into the network."""
    step = Step(kind, case)
    report = step.report()
    assert [p.message for p in report.problems if p.severity == "error"] == []
    inputs = random_inputs(case)
    first = next(iter(inputs.values())).requires_grad_()
    built = step.build()
    loss, _, _ = built.module(**as_fields(inputs))
    expected = reference(step.layer(kind), inputs)
    output = report.graphs[step.graph.id].nodes[step.node.id].outputs["output"]
    assert dims_at(output.shape) == tuple(expected.shape)
    assert output.dtype == str(expected.dtype).removeprefix("torch.")
    torch.testing.assert_close(loss, expected.mean(), rtol=0, atol=0)
    loss.backward()
    assert first.grad is not None
    assert torch.isfinite(first.grad).all()


def check_metric(kind: type[Layer], case: Case) -> None:
    """In a step: the same figure over two batches as torchmetrics' own."""
    step = Step(kind, case)
    # That the network of a `Step` has nothing to learn is told at the step.
    assert [p.message for p in step.report().problems if p.node == step.node.id] == []
    built = step.build()
    metric = built.metrics["layer"]()
    expected = callable_of(kind.id)(**torch_values(step.layer(kind)))
    for seed in (0, 1):
        inputs = random_inputs(case, seed)
        _, updates, _ = built.module(**as_fields(inputs))
        metric.update(*updates["layer"])
        expected.update(**inputs)
    figure = metric.compute()
    assert figure.shape == ()
    torch.testing.assert_close(figure, expected.compute(), rtol=0, atol=0)


def dims_at(shape: Sequence[int | str]) -> tuple[int, ...]:
    """A reported shape at `SIZES`; formulas are made of numbers and their names.

    How many nodes or edges a pooling keeps depends on the numbers: that is any size.
    """
    return tuple(
        s if isinstance(s, int) else ANY if s.endswith("_kept") else eval(s, {}, dict(SIZES))  # noqa: S307
        for s in shape
    )
