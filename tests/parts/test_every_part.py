"""What all parts must hold, whatever they compute."""

from __future__ import annotations

import ast
import copy
import pickle
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import netbuilder.parts
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import layers
from netbuilder.layers.dims import symbol
from tests.layers import harness
from tests.layers.cases import case
from tests.layers.cases.common import Case, batch

FILES = sorted(Path(netbuilder.parts.__file__).parent.glob("[a-z]*.py"))
IDS = [id for id, kind in layers().items() if kind.part and kind.role is Role.LAYER]
DRAWN = {"netbuilder.MaskTokens", "netbuilder.Noise", "netbuilder.ReparametrisedNormal"}
"""What gives other numbers with every call."""


def test_no_two_files_define_the_same_name() -> None:
    """Two of them may come together in one network's source."""
    found: Counter[str] = Counter()
    for file in FILES:
        for node in ast.parse(file.read_text("utf-8")).body:
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    found[name] += 1
                case (
                    ast.Assign(targets=[ast.Name(id=name)])
                    | ast.AnnAssign(target=ast.Name(id=name))
                ):
                    found[name] += 1
    assert len(found) > 30
    assert [name for name, count in found.items() if count > 1] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_parts_need_torch_and_the_standard_library_alone(file: Path) -> None:
    allowed = {"__future__", "collections", "math", "torch", "typing"}
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            names = [node.module or ""]
        assert {name.partition(".")[0] for name in names} <= allowed


def run(model: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return harness.flat(model(*(tensor.clone() for tensor in harness.given(inputs))))


@pytest.mark.parametrize("id", IDS)
def test_nothing_is_kept_between_calls(id: str) -> None:
    """The same comes out after a call of another size, and after one in training."""
    chosen = case(id, 0)
    model = harness.Network(layers()[id], chosen).build().eval()
    small = harness.random_inputs(chosen)
    large = harness.random_inputs(chosen, 1, {"N": 4, "T": 6})
    first = run(model, small)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run(model, large)
    run(model.train(), large)
    for name, tensor in model.eval().state_dict().items():
        assert torch.equal(tensor, state[name]), name
    for before, after in zip(first, run(model, small), strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize("id", IDS)
def test_copies_and_pickles_give_the_same(id: str) -> None:
    chosen = case(id, 0)
    model = harness.Network(layers()[id], chosen).build().eval()
    inputs = harness.random_inputs(chosen)
    expected = run(model, inputs)
    assert all(name.startswith("layer.") for name in model.state_dict()), "the node's name"
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        for a, b in zip(run(other, inputs), expected, strict=True):
            assert torch.equal(a, b)


# -- lengths that vary -----------------------------------------------------------------------

T = symbol("T")
SEQUENCE = batch(T, 6)
VARYING: list[tuple[str, Case, tuple[int | str, ...]]] = [
    ("netbuilder.SinusoidalPositions", Case({}, {"input": SEQUENCE}), ("N", "T", 6)),
    ("netbuilder.SinusoidalPositions", Case({"add": False}, {"input": SEQUENCE}), ("T", 6)),
    ("netbuilder.LearnedPositions", Case({"max_length": 20}, {"input": SEQUENCE}), ("N", "T", 6)),
    (
        "netbuilder.RotaryEmbedding",
        Case({}, {"query": batch(2, T, 6), "key": batch(2, T, 6)}),
        ("N", 2, "T", 6),
    ),
    ("netbuilder.CausalMask", Case({}, {"reference": SEQUENCE}), ("T", "T")),
    ("netbuilder.Positions", Case({}, {"reference": SEQUENCE}), ("T",)),
    ("netbuilder.AlibiBias", Case({"num_heads": 3}, {"reference": SEQUENCE}), (3, "T", "T")),
    ("netbuilder.ClassToken", Case({"count": 2}, {"input": SEQUENCE}), ("N", "T + 2", 6)),
    ("netbuilder.LayerScale", Case({}, {"input": SEQUENCE}), ("N", "T", 6)),
    ("netbuilder.SwiGLU", Case({"hidden_features": 4}, {"input": SEQUENCE}), ("N", "T", 6)),
    ("netbuilder.LoRALinear", Case({"out_features": 4}, {"input": SEQUENCE}), ("N", "T", 4)),
    ("netbuilder.Highway", Case({}, {"input": SEQUENCE}), ("N", "T", 6)),
    (
        "netbuilder.MixtureOfExperts",
        Case({"hidden_features": 4, "num_experts": 3}, {"input": SEQUENCE}),
        ("N", "T", 6),
    ),
    ("netbuilder.CapsuleLength", Case({}, {"input": SEQUENCE}), ("N", "T")),
    (
        "netbuilder.VectorQuantizer",
        Case({"num_codes": 5, "dim": -1}, {"input": SEQUENCE}),
        ("N", "T", 6),
    ),
    ("netbuilder.FiLM", Case({}, {"input": batch(6, T), "condition": batch(3)}), ("N", 6, "T")),
    ("netbuilder.StochasticDepth", Case({}, {"input": SEQUENCE}), ("N", "T", 6)),
    ("netbuilder.GradientReversal", Case({}, {"input": SEQUENCE}), ("N", "T", 6)),
    ("netbuilder.StraightThrough", Case({}, {"input": SEQUENCE}), ("N", "T", 6)),
    ("torch.zeros_like", Case({}, {"input": SEQUENCE}), ("N", "T", 6)),
]


@pytest.mark.parametrize(("id", "chosen", "shape"), VARYING, ids=lambda x: str(x)[:40])
def test_shapes_are_formulas_of_the_length(
    id: str, chosen: Case, shape: tuple[int | str, ...]
) -> None:
    network = harness.Network(layers()[id], chosen)
    report = network.report()
    assert [p.message for p in report.problems if p.severity == "error"] == []
    graph = report.graphs[network.drawing.graph.id]
    outputs = graph.nodes[network.node.id].outputs
    assert tuple(outputs[network.outputs[0]].shape) == shape


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("id", "chosen"), [(id, chosen) for id, chosen, _ in VARYING], ids=lambda x: str(x)[:40]
)
def test_exported_files_take_other_lengths(id: str, chosen: Case, tmp_path: Path) -> None:
    import onnxruntime

    model = harness.Network(layers()[id], chosen).build().eval()
    dynamic = torch.export.Dim.DYNAMIC
    shapes = [
        {i: dynamic for i, dim in enumerate(tensor.shape) if not isinstance(dim, int)}
        for tensor in chosen.inputs.values()
    ]
    first = list(harness.random_inputs(chosen).values())
    program = torch.onnx.export(
        model, tuple(first), dynamo=True, dynamic_shapes=tuple(shapes), verbose=False
    )
    assert program is not None
    program.save(str(tmp_path / "part.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "part.onnx")
    for sizes in ({"N": 3, "T": 5}, {"N": 4, "T": 9}):
        given = list(harness.random_inputs(chosen, 1, sizes).values())
        names = [put.name for put in session.get_inputs()]
        feed = {name: tensor.numpy() for name, tensor in zip(names, given, strict=True)}
        expected = harness.flat(model(*given))
        for got, right in zip(session.run(None, feed), expected, strict=True):
            torch.testing.assert_close(torch.from_numpy(got), right, rtol=1e-4, atol=1e-5)


# -- torch.compile ---------------------------------------------------------------------------

COMPILED = [
    "netbuilder.RotaryEmbedding",
    "netbuilder.MixtureOfExperts",
    "netbuilder.GradientReversal",
]


def check_compiled(id: str) -> None:
    """One graph without a break; the same numbers and gradients, at two batch sizes."""
    chosen = case(id, 0)
    plain = harness.Network(layers()[id], chosen).build()
    compiled: Any = torch.compile(copy.deepcopy(plain), backend="aot_eager", fullgraph=True)
    for size in (3, 4):
        results = []
        for model in (plain, compiled):
            inputs = {
                name: tensor.requires_grad_() if tensor.is_floating_point() else tensor
                for name, tensor in harness.random_inputs(chosen, 0, {"N": size, "T": 5}).items()
            }
            torch.manual_seed(0)
            found = harness.flat(model(*harness.given(inputs)))
            learnt = [r.square().sum() for r in found if r.requires_grad]
            if learnt:
                torch.stack(learnt).sum().backward()  # type: ignore[no-untyped-call]
            grads = [t.grad for t in inputs.values() if t.grad is not None]
            results.append([*(r.detach() for r in found), *grads])
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b)
    torch.compiler.reset()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", COMPILED)
def test_some_compile(id: str) -> None:
    check_compiled(id)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", [id for id in IDS if id not in {*COMPILED, *DRAWN}])
def test_all_compile(id: str) -> None:
    check_compiled(id)
