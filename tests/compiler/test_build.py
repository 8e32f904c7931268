"""Source and modules: readable, deterministic, safe, picklable, with errors at their nodes."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from netbuilder.compiler.analyse import compile_document
from netbuilder.compiler.build import build_network, build_step, locate_error, network_source
from netbuilder.compiler.emit import _plain
from netbuilder.errors import ProblemsError
from netbuilder.graph import edits
from netbuilder.graph.changes import Added, Changed
from netbuilder.graph.document import Document
from netbuilder.graph.model import Node, ProjectInfo
from netbuilder.training.plan import StepPlan
from tests.compiler.test_infer import FIELDS
from tests.drawing import Drawing, classifier

EXPECTED = '''\
import torch
from torch import nn


class Main(nn.Module):
    """image N×1×8×8 -> logits N×10."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.relu1 = nn.ReLU()
        self.flatten = nn.Flatten()
        self.head = nn.Linear(256, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.conv1(image)  # N×4×8×8
        x = self.relu1(x)  # N×4×8×8
        x = self.flatten(x)  # N×256
        return self.head(x)  # N×10
'''


def test_the_source_is_what_an_engineer_writes() -> None:
    assert network_source(classifier().document, "main").text == EXPECTED


def test_values_that_are_used_twice_have_names() -> None:
    d = Drawing()
    x = d.input(4, name="features")
    left = d.add("Linear", x, name="left", out_features=4)
    right = d.add("Linear", x, name="right", out_features=4)
    both = d.add("torch.add", left, right, name="both")
    skip = d.add("torch.add", both, left, name="skip")
    d.output(skip, name="y")
    text = network_source(d.document, "main").text
    assert "left = self.left(features)" in text
    model = build_network(d.document, "main")
    given = torch.randn(3, 4)
    parts = dict(model.named_children())
    left_value, right_value = parts["left"](given), parts["right"](given)
    assert torch.equal(model(given), left_value + right_value + left_value)


def test_a_value_that_waits_is_not_overwritten() -> None:
    d = Drawing()
    x = d.input(4, name="features")
    left = d.add("Linear", x, name="left", out_features=4)
    right = d.add("Linear", x, name="right", out_features=4)
    d.output(d.add("torch.cat", left, right, dim=1), name="y")
    model = build_network(d.document, "main")
    given = torch.randn(3, 4)
    parts = dict(model.named_children())
    assert torch.equal(model(given), torch.cat((parts["left"](given), parts["right"](given)), 1))


def test_results_come_in_the_order_of_the_outputs_not_of_the_work() -> None:
    d = Drawing()
    x = d.input(4, name="features")
    slow, fast = d.output(name="slow"), d.output(name="fast")
    d.wire(x, fast, "input")
    d.wire(d.add("ReLU", x), slow, "input")
    given = torch.randn(3, 4)
    slow_value, fast_value = build_network(d.document, "main")(given)
    assert torch.equal(slow_value, given.relu())
    assert torch.equal(fast_value, given)


def test_several_inputs_and_outputs_keep_their_order() -> None:
    d = Drawing()
    a, b = d.input(2, name="a"), d.input(3, name="b")
    d.output(b, name="second")
    d.output(a, name="first")
    model = build_network(d.document, "main")
    one, two = torch.randn(1, 2), torch.randn(1, 3)
    second, first = model(one, two)
    assert torch.equal(second, two)
    assert torch.equal(first, one)


def test_unused_results_are_underscores_and_states_can_be_wired() -> None:
    d = Drawing()
    x = d.input("T", 8, name="x")
    lstm = d.add("LSTM", x, name="lstm", hidden_size=4, batch_first=True)
    d.output((lstm, "output"), name="y")
    d.output((lstm, "h_n"), name="h")
    text = network_source(d.document, "main").text
    assert "(lstm_h_n, _)" in text
    y, h = build_network(d.document, "main")(torch.zeros(2, 5, 8))
    assert y.shape == (2, 5, 4)
    assert h.shape == (1, 2, 4)


def test_equal_documents_give_equal_source_whatever_the_order_of_edits() -> None:
    first, second = classifier(), classifier()
    assert network_source(first.document, "main").text == EXPECTED
    assert network_source(second.document, "main").text == EXPECTED
    edits.move(first.history, first.graph, {next(iter(first.graph.nodes)): (90.0, 9.0)})
    assert network_source(first.document, "main").text == EXPECTED


def test_a_step_gives_loss_metrics_and_previews() -> None:
    d = classifier()
    step = d.document.of_kind("step")[0]
    d.graph = step
    main, label = step.named("main"), step.named("label")
    assert main is not None
    assert label is not None
    accuracy = d.add("torchmetrics.Accuracy", main, label, name="accuracy", task="multiclass")
    d.add("netbuilder.Preview", main, label, name="answers")
    assert accuracy.name == "accuracy"
    network = build_network(d.document, "main")
    built = build_step(d.document, "train", FIELDS, {"main": network})
    images, labels = torch.rand(5, 1, 8, 8), torch.arange(5)
    loss, metrics, previews = built.module(image=images, label=labels)
    logits = network(images)
    assert torch.equal(loss, nn.functional.cross_entropy(logits, labels))
    metric = built.metrics["accuracy"]()
    metric.update(*metrics["accuracy"])
    assert float(metric.compute()) == pytest.approx(
        float((logits.argmax(1) == labels).float().mean())
    )
    assert torch.equal(previews["answers"][0], logits)
    assert built.fields == ("image", "label")
    assert built.updates == ("main",)
    assert built.module.main is network


def test_a_field_may_have_a_name_that_means_something_in_code() -> None:
    d = classifier()
    (step,) = d.document.of_kind("step")
    label = next(node for node in step.ordered() if node.params.get("field") == "label")
    edits.set_parameters(d.history, step, [label.id], {"field": "module"})
    fields = {"image": FIELDS["image"], "module": FIELDS["label"]}
    network = build_network(d.document, "main")
    built = build_step(d.document, "train", fields, {"main": network})
    assert built.fields == ("image", "module")
    plan = StepPlan("train", built.module, built.fields, ("main",), keywords=built.keywords)
    images, labels = torch.rand(5, 1, 8, 8), torch.arange(5)
    loss = plan.module(**plan.arguments({"image": images, "module": labels}, {}))[0]
    assert torch.equal(loss, nn.functional.cross_entropy(network(images), labels))


def test_renaming_an_input_or_output_keeps_its_wires_in_the_steps() -> None:
    d = classifier()
    for old, new in (("image", "picture"), ("logits", "scores")):
        node = d.graph.named(old)
        assert node is not None
        edits.rename(d.history, d.graph, node.id, new)
    compiled = compile_document(d.document, FIELDS)
    assert compiled.problems == ()
    d.history.undo()
    d.history.undo()
    assert compile_document(d.document, FIELDS).problems == ()


def test_errors_in_forward_come_back_to_their_node() -> None:
    d = classifier()
    model = build_network(d.document, "main")
    with pytest.raises(RuntimeError) as caught:
        model(torch.zeros(2, 1, 9, 9))
    located = locate_error(caught.value)
    assert located is not None
    assert located.name == "head"
    head = d.graph.named("head")
    assert head is not None
    assert located.node == head.id
    assert "2×324" in located.message
    assert locate_error(ValueError("elsewhere")) is None


def test_a_project_with_errors_is_not_built() -> None:
    d = classifier()
    head = d.graph.named("head")
    assert head is not None
    edits.set_parameters(d.history, d.graph, [head.id], {"in_features": 3})
    with pytest.raises(ProblemsError, match="expects 3 features") as caught:
        build_network(d.document, "main")
    assert [p.node for p in caught.value.problems] == [head.id]


def test_modules_pickle_into_a_fresh_process(tmp_path: Path) -> None:
    d = classifier()
    network = build_network(d.document, "main")
    built = build_step(d.document, "train", FIELDS, {"main": network})
    images, labels = torch.rand(3, 1, 8, 8), torch.tensor([1, 2, 3])
    loss = built.module(image=images, label=labels)[0]
    file = tmp_path / "step.pkl"
    file.write_bytes(pickle.dumps((built.module, images, labels, loss.detach())))
    program = (
        "import pickle, sys, torch\n"
        "step, images, labels, loss = pickle.load(open(sys.argv[1], 'rb'))\n"
        "assert torch.equal(step(image=images, label=labels)[0], loss)\n"
        "print(type(step.main).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, timeout=100
    )
    assert done.stdout.strip() == "Main", done.stderr


HOSTILE = [
    "x\nimport os",
    "x; import os",
    '"""',
    "__import__('os').system('touch canary')",
    "self",
    "torch",
    "\u2028import os",
    "x)#",
    "F",
    "nn",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_a_file_never_become_code(text: str) -> None:
    """Names, titles and notes are hostile; the source has exactly the expected calls."""
    plain = classifier()
    hostile = Document.of(ProjectInfo(title=text, description=text), plain.document.items())
    with hostile.editing():
        for graph in hostile.graphs.values():
            for node in list(graph.nodes.values()):
                values = {f: getattr(node, f) for f in node.__dataclass_fields__}
                renamed = Node(**{**values, "name": text, "note": text})
                hostile.apply(Changed(graph.id, node, renamed))
    compiled = compile_document(hostile, FIELDS)
    (network,) = hostile.of_kind("network")
    tree = ast.parse(compiled.sources[network.id].text)
    calls = [ast.unparse(c.func) for c in ast.walk(tree) if isinstance(c, ast.Call)]
    assert sorted(c for c in calls if not c.startswith("self.")) == sorted(
        ["super", "super().__init__", "nn.Conv2d", "nn.ReLU", "nn.Flatten", "nn.Linear"]
    )
    assert sum(c.startswith("self.") for c in calls) == 4
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(n) for n in imports] == ["import torch", "from torch import nn"]
    model = build_network(hostile, network.name)
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_networks_never_become_code(text: str) -> None:
    d = classifier()
    with d.document.editing():
        info = d.graph.info
        d.document.apply(Changed(info.id, info, replace(info, name=text)))
        step = d.document.of_kind("step")[0]
        settings = {**step.info.settings, "updates": (text,)}
        d.document.apply(Changed(step.id, step.info, replace(step.info, settings=settings)))
        call = step.named("main")
        assert call is not None
        params = {**call.params, "network": text}
        d.document.apply(Changed(step.id, call, replace(call, params=params)))
    compiled = compile_document(d.document, FIELDS)
    for source in compiled.sources.values():
        tree = ast.parse(source.text)
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert all(ast.unparse(n) in ("import torch", "from torch import nn") for n in imports)
        assert "system" not in [n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)]


def test_comments_stay_on_their_line() -> None:
    assert _plain('N×2·T"""\nimport os\u2028x\r#') == 'N×2·T"""import osx'


def test_symbols_of_a_file_never_become_code() -> None:
    d = Drawing()
    node = Node(
        id="n1", layer="netbuilder.Input", name="x", params={"shape": ('T"""\nimport os', 4)}
    )
    with d.document.editing():
        d.document.apply(Added(d.graph.id, node))
    d.output(node)
    compiled = compile_document(d.document, {})
    assert all("import os" not in s.text.splitlines() for s in compiled.sources.values())
