"""Every layer of the catalogue goes through the same harness."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
import torch
from pydantic.fields import FieldInfo

from netbuilder.compiler import libraries
from netbuilder.layers.base import Family, Layer, Role
from netbuilder.layers.catalogue import layers
from tests.layers import harness, in_onnx, reference
from tests.layers.cases import CASES, case
from tests.layers.cases.common import Case

pytestmark = [
    # What PyTorch says of its own speed.
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss"),
    # What PyTorch says of the instance norm inside of GENConv, which is PyG's to mend.
    pytest.mark.filterwarnings("ignore:input's size at dim=0 does not match num_features"),
    # What torchmetrics says of its memory.
    pytest.mark.filterwarnings("ignore:Metric `.*` will save all"),
]

FEW, ENOUGH = 3, 30
"""Random cases a layer with every run; the most that are looked at for those to add."""
MANY_SEEDS = range(100, 140)
"""Those of every night."""
ONNX_SEEDS = range(200, 206)
"""Those of one export: it costs little more than one of a single case."""

ALL = list(layers())
HERE = {id: kind for id, kind in layers().items() if not libraries.lacks(id)}
"""Those that the PyTorch with which the tests run has."""
RUN = [id for id, kind in HERE.items() if kind.role is Role.LAYER]
LOSSES = [id for id, kind in HERE.items() if kind.role is Role.LOSS]
METRICS = [id for id, kind in HERE.items() if kind.role is Role.METRIC]
MODULES = [
    id
    for id, kind in HERE.items()
    if re.match(r"torch\.nn\.[A-Z]", id) or (kind.part and id.startswith("netbuilder."))
]


def kind_of(id: str) -> type[Layer]:
    return layers()[id]


@cache
def seeds(id: str) -> tuple[int, ...]:
    """A few, and those that wire a port that the others do not."""
    chosen = list(range(FEW))
    seen = {port for seed in chosen for port in wired(id, seed)}
    for seed in range(FEW, ENOUGH):
        if not wired(id, seed) <= seen:
            chosen.append(seed)
            seen |= wired(id, seed)
    return tuple(chosen)


def wired(id: str, seed: int) -> set[str]:
    return {stem(port) for port in case(id, seed).inputs}


def stem(port: str) -> str:
    """A port's name without its number."""
    return re.sub(r"_\d+$", "", port)


def test_every_layer_has_a_generator_and_none_is_left_over() -> None:
    assert list(CASES) == ALL


@pytest.mark.parametrize("id", ALL)
def test_the_cases_try_every_port_and_parameter(id: str) -> None:
    kind = kind_of(id)
    ports = {port for seed in seeds(id) for port in wired(id, seed)}
    assert {stem(port.name) for port in kind.inputs} == ports
    tried = {name for seed in MANY_SEEDS for name in case(id, seed).params}
    single = {name for name, field in kind.model_fields.items() if only_value(field)}
    assert tried | set(kind.inferable()) | single >= set(kind.model_fields)


def only_value(field: FieldInfo) -> bool:
    """Whether a parameter can have one value only."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def test_the_catalogue_has_layers_of_every_family() -> None:
    assert len(ALL) >= 400
    given = {kind.family for kind in layers().values()}
    assert given == set(Family) - {Family.UNKNOWN, Family.OWN}


@pytest.mark.parametrize("id", ALL)
def test_a_new_node_is_valid(id: str) -> None:
    harness.check_start(kind_of(id))


@pytest.mark.parametrize("id", ALL)
def test_parameters_survive_a_file(id: str) -> None:
    for seed in seeds(id):
        harness.check_round_trip(kind_of(id), case(id, seed))


@pytest.mark.parametrize("id", ALL)
def test_title_help_and_icon(id: str) -> None:
    harness.check_texts(kind_of(id))


@pytest.mark.parametrize("id", MODULES)
def test_parameters_are_those_of_pytorch(id: str) -> None:
    harness.check_signature(kind_of(id))


@pytest.mark.parametrize("id", METRICS)
def test_parameters_are_some_of_torchmetrics(id: str) -> None:
    kind = kind_of(id)
    made = reference.callable_of(id)
    theirs = reference.parameters(made.__new__ if "__new__" in vars(made) else made.__init__)
    for name, field in kind.model_fields.items():
        assert name in theirs
        assert field.is_required() or field.default == theirs[name]


@pytest.mark.parametrize("id", RUN)
def test_shapes_and_numbers_are_those_of_pytorch(id: str) -> None:
    for seed in seeds(id):
        harness.check_network(kind_of(id), case(id, seed))


@pytest.mark.parametrize("id", RUN)
def test_gradients_reach_every_weight(id: str) -> None:
    for seed in seeds(id):
        harness.check_gradients(kind_of(id), case(id, seed))


@pytest.mark.parametrize("id", RUN)
def test_shared_and_needed_memory_is_declared(id: str) -> None:
    for seed in seeds(id):
        harness.check_memory(kind_of(id), case(id, seed))


@pytest.mark.parametrize("id", LOSSES)
def test_losses_are_those_of_pytorch(id: str) -> None:
    for seed in seeds(id):
        harness.check_loss(kind_of(id), case(id, seed))


@pytest.mark.parametrize("id", METRICS)
def test_metrics_are_those_of_torchmetrics(id: str) -> None:
    for seed in seeds(id):
        harness.check_metric(kind_of(id), case(id, seed))


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("id", HERE)
def test_many_random_parameters(id: str) -> None:
    kind = kind_of(id)
    check = {
        Role.LAYER: harness.check_network,
        Role.LOSS: harness.check_loss,
        Role.METRIC: harness.check_metric,
    }.get(kind.role, harness.check_round_trip)
    for seed in MANY_SEEDS:
        check(kind, case(id, seed))


ONNX = ["torch.nn.Conv2d", "torch.nn.LSTM", "torch.nn.MultiheadAttention", "torch.nn.LayerNorm"]


def able(id: str, seeds: Iterable[int]) -> list[tuple[type[Layer], Case]]:
    """The cases of a layer that ONNX has a form of."""
    kind = kind_of(id)
    cases = [(kind, case(id, seed)) for seed in seeds]
    return [(kind, c) for kind, c in cases if not kind.model_validate(c.params).onnx_refusal()]


@pytest.mark.filterwarnings("ignore")
def test_onnx_equals_pytorch(tmp_path: Path) -> None:
    in_onnx.check([c for id in ONNX for c in able(id, [0])], tmp_path / "some.onnx")


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", RUN)
def test_onnx_equals_pytorch_for_every_layer(id: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    cases = able(id, ONNX_SEEDS)
    if not cases:
        pytest.skip(f"ONNX has no form of {id}")
    in_onnx.check(cases, tmp_path / "layer.onnx")


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", RUN)
def test_what_onnx_lacks_goes_to_pt2_where_it_is_said(id: str) -> None:
    kind = kind_of(id)
    cases = [c for c in (case(id, s) for s in ONNX_SEEDS) if _refusal(kind, c)]
    if not cases or not kind.in_pt2:
        pytest.skip("It goes to ONNX, or to neither.")
    for one in cases[:2]:
        in_onnx.check_pt2(kind, one)


def _refusal(kind: type[Layer], case: Case) -> str:
    return kind.model_validate(case.params).onnx_refusal()


@pytest.mark.nightly
def test_onnx_has_nearly_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    """Says how many layers go to ONNX, and what keeps the others from it."""
    refused = {}
    for id in RUN:
        if not able(id, ONNX_SEEDS):
            kind = kind_of(id)
            refused[id] = kind.model_validate(case(id, ONNX_SEEDS[0]).params).onnx_refusal()
    with capsys.disabled():
        print(f"\nONNX: {len(RUN) - len(refused)} of {len(RUN)} layers")
        for id, reason in refused.items():
            print(f"  {id}: {reason}")
    of_graphs = [id for id in refused if id.startswith("torch_geometric.")]
    assert len(refused) - len(of_graphs) < len(RUN) / 8
