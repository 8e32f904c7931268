"""A failure is told at its node: with steps that the compiler wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from netbuilder.compiler.build import build_network, build_step
from netbuilder.data.datasets import prepare
from netbuilder.data.settings import field_types, read
from netbuilder.graph.document import Document
from netbuilder.storage.files import load
from netbuilder.training import failures
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.settings import read_step, read_training
from tests.training.standins import run

TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture(scope="module")
def document() -> Document:
    return load(TEMPLATES / "digits_mlp.netb")


def compiled(document: Document) -> Plan:
    types = field_types(document.project.data)
    networks = {"main": build_network(document, "main")}
    graph = document.of_kind("step")[0]
    built = build_step(document, graph.name, types, networks)
    step = StepPlan(
        graph.name,
        built.module,
        built.fields,
        built.updates,
        read_step(graph.info.settings),
        built.metrics,
        built.previews,
    )
    settings = {**document.project.training, "epochs": 1, "steps": 8, "device": "cpu"}
    return Plan(networks, (step,), prepare(read(document.project.data)), read_training(settings))


def node_named(document: Document, name: str) -> tuple[str, str]:
    for graph in document.graphs.values():
        node = graph.named(name)
        if node is not None:
            return graph.id, node.id
    raise KeyError(name)


def linear_names(plan: Plan) -> list[str]:
    modules = plan.networks["main"].named_modules()
    return [name for name, module in modules if isinstance(module, nn.Linear)]


@pytest.mark.parametrize("which", [0, -1])
def test_the_first_node_that_overflows_is_named(
    document: Document, tmp_path: Path, which: int
) -> None:
    plan = compiled(document)
    name = linear_names(plan)[which]
    with torch.no_grad():
        plan.networks["main"].get_submodule(name).weight.fill_(3e38)  # type: ignore[operator]
    result = run(plan, tmp_path / "r")
    assert (result.status, result.steps) == ("failed", 0)
    assert result.error is not None
    assert f"'{name}' is the first node whose output is not finite" in result.error["message"]
    assert (result.error["graph"], result.error["node"]) == node_named(document, name)


def test_labels_that_the_network_has_no_output_for(document: Document, tmp_path: Path) -> None:
    plan = compiled(document)
    plan.dataset.train["label"][:] = 10
    result = run(plan, tmp_path / "r")
    assert result.error is not None
    assert "Target 10 is out of bounds" in result.error["message"]
    graph = document.of_kind("step")[0]
    assert result.error["graph"] == graph.id
    assert result.error["node"] in graph.nodes


def test_previews_and_metrics_of_a_compiled_step(document: Document, tmp_path: Path) -> None:
    result = run(compiled(document), tmp_path / "r")
    assert result.status == "finished"
    assert {"train/loss", "val/loss", "val/accuracy"} <= set(result.metrics)


class Masked(nn.Module):
    """Masks with infinities on purpose, as attention does; only then a logarithm fails."""

    def __init__(self, bad: bool) -> None:
        super().__init__()
        self.bad = bad

    def forward(self, x: Tensor) -> Tensor:
        odds = x.masked_fill(x > 0, float("-inf")).softmax(0)
        return (odds - 2).log() if self.bad else odds


def test_infinities_of_a_mask_are_no_fault() -> None:
    x = torch.tensor([-1.0, 2.0, -3.0])
    assert failures._first_bad(Masked(False), {"x": x}) is None
    error = failures._first_bad(Masked(True), {"x": x})
    assert error is not None
    trace = error.__traceback__
    lines = []
    while trace is not None:
        lines.append((trace.tb_frame.f_code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    last = Masked.forward.__code__.co_firstlineno + 2
    assert ("forward", last) in lines


def test_looking_for_the_fault_changes_nothing() -> None:
    module = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2)).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert failures._first_bad(module, {"input": torch.randn(4, 2)}) is None
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
