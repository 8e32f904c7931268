"""Modules of PyTorch's become projects that compute the same, with the same weights."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import netbuilder as nb
from netbuilder.errors import NetbuilderError
from tests.exchange import nets
from tests.exchange.examples import EXAMPLES, SAME_KEYS, example, outputs

TOLERANCE = 1e-6


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=TOLERANCE, atol=TOLERANCE)


def errors(project: nb.Project) -> list[str]:
    return [problem.message for problem in project.check() if problem.severity == "error"]


def from_source(project: nb.Project, folder: Path) -> nn.Module:
    """The network made of the printed code alone: its last class."""
    path = folder / "printed.py"
    path.write_text(project.source())
    space = runpy.run_path(str(path), run_name="printed")
    kinds = [value for value in space.values() if isinstance(value, type)]
    made: nn.Module = [kind for kind in kinds if kind.__module__ == "printed"][-1]()
    return made


OFTEN = ("lenet", "resnet18", "gpt", "vit", "vae", "direct", "functional")
"""Networks that are tried at every run of the tests; the others at night."""


@pytest.mark.parametrize(
    "name",
    [name if name in OFTEN else pytest.param(name, marks=pytest.mark.nightly) for name in EXAMPLES],
)
def test_a_module_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    module, inputs = example(name)
    expected = outputs(module, inputs)
    project = nb.from_module(module, inputs)
    answer = project.imported
    assert answer["verified"], answer
    assert answer["max_rel_error"] <= TOLERANCE
    assert len(answer["trials"]) == 2
    assert answer["unsupported"] == []
    assert errors(project) == []

    made = project.module().eval()
    assert_same(outputs(made, inputs), expected)
    known = module.state_dict()
    state = made.state_dict()
    for key, tensor in known.items():
        assert torch.equal(state[answer["renamed"].get(key, key)].reshape(tensor.shape), tensor)
    assert len(state) == len(known)
    assert (answer["renamed"] == {}) == (name in SAME_KEYS)

    printed = from_source(project, tmp_path).eval()
    printed.load_state_dict(state)
    assert_same(outputs(printed, inputs), expected)

    project.save(tmp_path / "net.netb")
    again = nb.load(tmp_path / "net.netb")
    assert errors(again) == []
    assert again.document == project.document
    assert_same(outputs(again.module().eval(), inputs), expected)


def test_resnet18_has_its_published_parameters_and_blocks() -> None:
    project = nb.from_module(nets.ResNet18().eval(), torch.randn(2, 3, 64, 64))
    assert sum(p.numel() for p in project.module().parameters()) == 11_689_512
    blocks = {block.name: block for block in project.document.of_kind("block")}
    assert set(blocks) == {"basic_block", "basic_block_2"}
    names = {node.name for node in blocks["basic_block"].nodes.values()}
    assert {"x", "conv1", "bn1", "conv2", "bn2", "output"} <= names
    network = project.network()
    assert network["layer1"].node.params["repeat"] == 2
    uses = [network[f"layer{at}_0"].node.params for at in (2, 3, 4)]
    assert {use["block"] for use in uses} == {"basic_block_2"}
    assert [use.get("values") for use in uses] != [None, None, None]


def test_what_a_project_is_made_of_can_be_edited_and_keeps_its_weights() -> None:
    module, inputs = example("lenet")
    project = nb.from_module(module, inputs)
    project.network()["fc3"].set(out_features=4)
    assert errors(project) == []
    told = [problem for problem in project.check() if problem.code == "weights.misfit"]
    assert "fc3.weight, fc3.bias" in told[0].message
    made = project.module().eval()
    assert outputs(made, inputs)[0].shape == (2, 4)
    assert torch.equal(made.state_dict()["fc2.weight"], module.state_dict()["fc2.weight"])


def test_the_training_mode_is_compared_in_training_mode() -> None:
    module, inputs = example("mobilenet")
    module.train()
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    project = nb.from_module(module, inputs)
    assert project.imported["verified"]
    # Neither tracing nor comparing may move the running means.
    after = module.state_dict()
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())
    assert_same(outputs(project.module().train(), inputs), outputs(module, inputs))


def test_inputs_and_outputs_have_the_names_of_forward() -> None:
    module, inputs = example("two_towers")
    project = nb.from_module(module, inputs)
    names: dict[str, list[str]] = {node.node.layer: [] for node in project.network().nodes}
    for node in project.network().nodes:
        names[node.node.layer].append(node.name)
    assert names["netbuilder.Input"] == ["image", "text"]
    assert names["netbuilder.Output"] == ["score", "features_0", "features_1"]


def test_inputs_may_come_by_name() -> None:
    module, (image, text) = example("two_towers")
    project = nb.from_module(module, {"text": text, "image": image})
    assert project.imported["verified"]


def test_a_batch_of_one_leaves_the_batch_free() -> None:
    project = nb.from_module(nets.LeNet().eval(), torch.randn(1, 1, 32, 32))
    assert project.imported["verified"]
    assert project.network()["image"].node.params == {"shape": (1, 32, 32)}


def test_free_lengths_get_the_names_that_were_given() -> None:
    module, inputs = example("attention")
    dims = {0: torch.export.Dim("N"), 1: torch.export.Dim("length", max=64)}
    project = nb.from_module(module, inputs, dynamic_shapes=(dims,))
    assert project.imported["verified"]
    assert project.network()["x"].node.params["shape"] == ("length", 16)
    longer = (torch.randn(3, 11, 16),)
    assert_same(outputs(project.module().eval(), longer), outputs(module, longer))


def test_an_operation_without_a_layer_is_told_at_its_place() -> None:
    module = nets.Odd().eval()
    project = nb.from_module(module, torch.randn(2, 6))
    assert project.imported["unsupported"] == [{"op": "aten.special_bessel_j0", "count": 1}]
    assert not project.imported["verified"]
    node = project.network()["special_bessel_j0"]
    told = [problem for problem in project.check() if problem.node == node.id]
    assert "aten.special_bessel_j0" in told[0].message
    assert told[0].severity == "error"
    assert len(errors(project)) == 1
    # It is wired between its neighbours: nothing was dropped.
    graph = project.network().graph
    assert len(graph.wires_into(node.id)) == len(graph.wires_out_of(node.id)) == 1


def test_decisions_by_data_are_refused_in_words() -> None:
    with pytest.raises(NetbuilderError, match="decides by the numbers") as caught:
        nb.from_module(nets.ByData(), torch.randn(2, 6))
    assert "torch.where" in caught.value.hint


def test_inputs_that_do_not_fit_are_refused_in_words() -> None:
    with pytest.raises(NetbuilderError, match="can't be called with these inputs"):
        nb.from_module(nets.LeNet(), (torch.randn(2, 1, 32, 32), torch.randn(2)))
    with pytest.raises(NetbuilderError, match="can't trace LeNet"):
        nb.from_module(nets.LeNet(), torch.randn(2, 9))


class Loud(nn.Linear):
    """A class of one's own that is called like PyTorch's base, and does more."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


class UsesLoud(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = Loud(4, 3)
        self.hooked = nn.Linear(3, 3)
        self.hooked.register_forward_hook(lambda module, args, output: output + 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.hooked(self.fc(x))
        return result


def test_a_changed_layer_is_not_taken_for_the_plain_one() -> None:
    module = UsesLoud().eval()
    project = nb.from_module(module, torch.randn(2, 4))
    assert project.imported["verified"]
    assert project.network()["fc"].node.layer == "netbuilder.Block"


class NoGrad(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            scale = x.abs().amax(1, keepdim=True)
        return x / scale


def test_no_grad_stands_in_the_drawing() -> None:
    project = nb.from_module(NoGrad(), torch.randn(3, 5))
    assert project.imported["verified"]
    x = torch.randn(3, 5, requires_grad=True)
    project.module()(x).sum().backward()
    expected = torch.randn(3, 5)
    expected.copy_(x.detach())
    expected.requires_grad_()
    NoGrad()(expected).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, expected.grad)


FUNCTIONS = {
    "rsub": lambda x: 1 - x,
    "matmul": lambda x: x @ x.mT,
    "einsum": lambda x: torch.einsum("nij,nkj->nik", x, x),
    "view": lambda x: x.view(x.size(0), -1),
    "split": lambda x: torch.add(*x.split([4, 4], dim=-1)),
    "slice": lambda x: x[:, 1:3, ::2],
    "rows": lambda x: x[:, [0, 2]],
    "expand": lambda x: x[:, :1].expand(-1, 6, -1),
    "max": lambda x: x.max(1).values,
    "variance": lambda x: x.var(1, unbiased=False),
    "pad": lambda x: F.pad(x, (1, 1), value=-1.0),
    "unfold": lambda x: F.unfold(x.unsqueeze(1), 3),
    "causal": lambda x: x.masked_fill(
        torch.triu(torch.ones(5, 8, dtype=torch.bool), 1), float("-inf")
    ).softmax(-1),
    "infinite": lambda x: x + torch.full((5, 8), float("-inf")).triu(9).nan_to_num(0.0, 0.0, 0.0),
    "constant": lambda x: x * torch.tensor([1.0, 2, 3, 4, 5, 6, 7, 8]),
    "logic": lambda x: ((x > 0) & ~(x > 1) | (x < -1)).float(),
    "noise": lambda x: x + torch.randn(x.shape),
    "in_place": lambda x: (x * 1).add_(2).mul_(3).relu_(),
    "group_norm": lambda x: F.group_norm(x.transpose(1, 2), 2),
    "topk": lambda x: x.topk(2, -1),
}


class Function(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    project = nb.from_module(Function(FUNCTIONS[name]).eval(), torch.randn(2, 5, 8))
    assert project.imported["verified"], project.imported


class Merge(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        # The second argument is used first.
        result: Tensor = self.fc(skip) + x
        return result


class Merges(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.merge = Merge()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        result: Tensor = self.merge(a, skip=b)
        return result


def test_ports_of_blocks_have_the_names_of_their_arguments() -> None:
    project = nb.from_module(Merges().eval(), (torch.randn(2, 4), torch.randn(2, 4)))
    assert project.imported["verified"]
    network = project.network()
    wires = network.graph.wires_into(network["merge"].id)
    sources = {wire.target_port: network.graph.nodes[wire.source].name for wire in wires}
    assert sources == {"x": "a", "skip": "b"}


def test_nothing_is_shown_twice_under_one_name() -> None:
    module, inputs = example("shared")
    project = nb.from_module(module, inputs)
    network = project.network()
    assert network["fc_2"].node.shares == network["fc"].id
    assert network["mlp_2"].node.shares == network["mlp"].id
    assert len(list(project.module().parameters())) == len(list(module.parameters()))


def test_the_same_module_gives_the_same_project() -> None:
    module, inputs = example("gpt")
    one, other = nb.from_module(module, inputs), nb.from_module(module, inputs)
    assert one.document == other.document
