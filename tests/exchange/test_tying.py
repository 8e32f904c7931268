"""Weights that several nodes have in common are one tensor in the project, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

import netbuilder as nb
from netbuilder.compiler import build
from netbuilder.exchange.bring import importing
from netbuilder.exchange.bring.importing import Brought
from tests.exchange.test_onnx_in import brought, layers, model, node, numbers

EMBEDDING, LINEAR = "torch.nn.functional.embedding", "torch.nn.functional.linear"
PARAMETER = "netbuilder.LearnableParameter"


class Words(nn.Module):
    """A table of words in a module of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 6)
        self.norm = nn.LayerNorm(6)

    def forward(self, tokens: Tensor) -> Tensor:
        made: Tensor = self.norm(self.table(tokens))
        return made


class Tied(nn.Module):
    """A head that is the table of the words, `deep` in another module or beside it."""

    def __init__(self, deep: bool, bias: bool) -> None:
        super().__init__()
        self.words = Words() if deep else nn.Embedding(9, 6)
        self.head = nn.Linear(6, 9, bias=bias)
        self.head.weight = self.words.table.weight if deep else self.words.weight  # type: ignore[assignment,union-attr]

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.words(tokens))
        return logits


class Twice(nn.Module):
    """Two layers with the weights of one."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        made: list[nn.Module] = [getattr(nn, kind)(6, 6) for _ in range(2)]
        self.one, self.other = made
        for name, tensor in list(self.one.named_parameters()):
            setattr(self.other, name, tensor)

    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x)
        y = torch.relu(y[0] if isinstance(y, tuple) else y)
        y = self.other(y)
        made: Tensor = y[0] if isinstance(y, tuple) else y
        return made


class Partly(Twice):
    """Two layers with one matrix, each with a bias of its own."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.other.bias = nn.Parameter(torch.randn(6))


def checked(found: Brought, count: int) -> nn.Module:
    """The network with its weights: verified, with as many parameters as the original."""
    assert found.verified, (found.unsupported, found.notes)
    assert not any("one tensor" in note for note in found.notes), found.notes
    network = build.build_network(found.document, "main")
    network.load_state_dict({key: value.clone() for key, value in found.weights.items()})
    assert sum(each.numel() for each in network.parameters()) == count
    return network


def count_of(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_a_table_that_is_also_a_head_is_one_node(deep: bool, bias: bool) -> None:
    """It is wired to both, through the port of a block; training moves both at once."""
    module = Tied(deep, bias)
    found = importing.from_module(module, torch.randint(0, 9, (2, 4)))
    network = checked(found, count_of(module))
    kinds = [node.layer for graph in found.document.graphs.values() for node in graph.ordered()]
    assert kinds.count(PARAMETER) == (2 if bias else 1)
    assert EMBEDDING in kinds
    assert LINEAR in kinds
    tokens = torch.tensor([[1, 2, 3]])
    for each in (network, module):
        loss = each(tokens).square().sum()
        loss.backward()
        with torch.no_grad():
            for tensor in each.parameters():
                assert tensor.grad is not None
                tensor.sub_(0.1 * tensor.grad)
    assert torch.allclose(network(tokens), module(tokens), atol=1e-5)


@pytest.mark.parametrize("kind", ["Linear", "LSTM"])
def test_layers_with_all_weights_in_common_share_them(kind: str) -> None:
    """Whatever their class; parameters as the other has them."""
    module = Twice(kind)
    found = importing.from_module(module, torch.randn(2, 4, 6))
    checked(found, count_of(module))
    graph = found.document.network("main")
    assert graph is not None
    assert sum(bool(node.shares) for node in graph.nodes.values()) == 1


def test_a_layer_that_has_a_tensor_under_two_names() -> None:
    """It does not share with itself."""
    module = Twice("Linear")
    module.one, module.other = nn.LayerNorm(6), nn.LayerNorm(6)
    held = nn.Parameter(torch.randn(6))
    for each in (module.one, module.other):
        each.weight = each.bias = held
    project = nb.from_module(module, torch.randn(2, 6))
    assert project.imported["verified"], project.imported


def test_layers_with_one_matrix_in_common_are_wired_to_it() -> None:
    """What each has alone is a node of its own, too."""
    module = Partly("Linear")
    found = importing.from_module(module, torch.randn(2, 6))
    checked(found, count_of(module))
    assert sorted(layers(found)) == sorted([*[PARAMETER] * 3, *[LINEAR] * 2, "torch.nn.ReLU"])


def test_what_takes_no_weights_by_wire_has_copies_and_it_is_said() -> None:
    """As before: a note in the import's answer, and at the node."""
    module = Twice("LSTM")
    module.other.bias_hh_l0 = nn.Parameter(torch.randn(24))
    project = nb.from_module(module, torch.randn(2, 4, 6))
    assert project.imported["verified"]
    assert any("were one tensor" in note for note in project.imported["notes"])
    assert "copy" in project.network()["other"].node.note


def test_exported_programs_keep_them(tmp_path: Path) -> None:
    """Read from the file, which has one tensor under two names."""
    module = Tied(True, False)
    path = tmp_path / "tied.pt2"
    torch.export.save(torch.export.export(module, (torch.randint(0, 9, (2, 4)),)), path)
    checked(importing.from_pt2(path), count_of(module))


# -- ONNX -----------------------------------------------------------------------------------------


def ids(nodes: list[onnx.NodeProto], fixed: dict[str, Any]) -> onnx.ModelProto:
    made = model(nodes, ["n", "t"], fixed)
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    return made


@pytest.mark.parametrize("how", ["one initializer", "turned by the exporter"])
def test_files_keep_what_was_one_tensor(how: str, tmp_path: Path) -> None:
    """A matrix that is turned by a node, or was turned round when the file was written."""
    table = numbers(12, 6)
    nodes = [node("Gather", "table x", "h")]
    fixed = {"table": table}
    if how == "one initializer":
        nodes += [node("Transpose", "table", "turned", perm=[1, 0])]
    else:
        fixed["turned"] = np.ascontiguousarray(table.T)
    nodes += [node("MatMul", "h turned")]
    found = brought(ids(nodes, fixed), tmp_path)
    checked(found, table.size)
    assert sorted(layers(found)) == sorted([PARAMETER, EMBEDDING, LINEAR])


def test_matrices_that_begin_and_end_alike_are_two(tmp_path: Path) -> None:
    """All numbers count; those that are one number all over are not told of."""
    table = numbers(12, 6)
    other = table.T.copy()
    other[3, 4] += 1
    nodes = [node("Gather", "table x", "h"), node("MatMul", "h other")]
    found = brought(ids(nodes, {"table": table, "other": other}), tmp_path)
    checked(found, 2 * table.size)
    ones = {"w": np.ones((6, 6), np.float32), "v": np.ones((6, 6), np.float32)}
    nodes = [node("MatMul", "x w", "a"), node("Relu", "a", "b"), node("MatMul", "b v")]
    found = brought(model(nodes, ["n", 6], ones), tmp_path)
    assert not any("the same numbers" in note for note in found.notes)


def test_products_with_one_matrix_share_it(tmp_path: Path) -> None:
    """Each has it turned round; equal matrices that lie apart stay apart, and it is said."""
    square = numbers(6, 6)
    nodes = [node("MatMul", "x w", "a"), node("Relu", "a", "b"), node("MatMul", "b w")]
    found = brought(model(nodes, ["n", 6], {"w": square}), tmp_path)
    checked(found, square.size)
    nodes[-1] = node("MatMul", "b v")
    found = brought(model(nodes, ["n", 6], {"w": square, "v": square}), tmp_path)
    assert found.verified
    assert any("the same numbers 2 times" in note for note in found.notes)


def test_what_begins_as_one_number_is_not_taken_for_one_tensor(tmp_path: Path) -> None:
    """Exporters write equal tensors once: scales that were never trained."""
    ones, zeros = np.ones(6, np.float32), np.zeros(6, np.float32)
    nodes = [
        node("LayerNormalization", "x s b", "a"),
        node("Relu", "a", "c"),
        node("LayerNormalization", "c s b"),
    ]
    found = brought(model(nodes, ["n", 6], {"s": ones, "b": zeros}), tmp_path)
    assert found.verified
    graph = found.document.network("main")
    assert graph is not None
    assert not any(node.shares for node in graph.nodes.values())
