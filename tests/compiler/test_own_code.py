"""Own layers run as the bytes that were trusted, and every failure names node, file and line."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import netbuilder as nb
from netbuilder.compiler import build, own_code
from netbuilder.errors import Problem, UntrustedCodeError
from netbuilder.exchange import fresh
from netbuilder.graph.history import History
from netbuilder.layers import own, trusted
from netbuilder.layers.trusted import Trust
from tests.own_files import GATE, declared, project

HEAD = "import torch\nfrom torch import nn\n\n\nclass A(nn.Module):\n"


@pytest.fixture(autouse=True)
def _nothing_is_trusted() -> Iterator[None]:
    with trusted.given(Trust()):
        yield


def trust(*sources: str) -> Trust:
    return Trust.of([source.encode() for source in sources], {})


def problems_of(body: str, **params: object) -> list[Problem]:
    """What is said of a layer that is trusted."""
    source = HEAD + body
    with trusted.given(trust(source)):
        return project(source, "A", **params).check()


def message(body: str, **params: object) -> str:
    found = [problem for problem in problems_of(body, **params) if problem.severity == "error"]
    assert len(found) == 1
    return found[0].message


# -- restricted --------------------------------------------------------------------------------


def test_restricted_code_is_told_once_and_keeps_nothing_else_from_being_known() -> None:
    made = project(features=8)
    (problem,) = made.check()
    assert (problem.severity, problem.code) == ("warning", "code.restricted")
    assert "my_layers.py" in problem.message
    assert [fix.operation for fix in problem.fixes] == ["trust_code"]
    from netbuilder.engine import tasks

    report = tasks.analyse(made.document)
    graph = made.network().graph
    named = {graph.nodes[id].name: node for id, node in report.graphs[graph.id].nodes.items()}
    assert named["input"].outputs["output"].text == "N×8"
    assert named["gate"].outputs == {}
    assert report.graphs[graph.id].code == ""


def test_restricted_code_is_neither_built_nor_shown() -> None:
    made = project(features=8)
    for use in (made.module, made.source):
        with pytest.raises(UntrustedCodeError, match=r"my_layers\.py") as caught:
            use()
        assert "sha256:" in str(caught.value)


def test_a_step_that_calls_a_restricted_network_says_nothing_of_its_own() -> None:
    made = nb.template("digits_cnn")
    made.set(code=declared(my_layers=GATE))
    own.use(made.document.project)
    net = made.network("main")
    gate = net.add("own.my_layers.Gate", name="gate", features=10)
    net.connect(net["classifier"], gate)
    net.connect(gate, net["logits"]["input"])
    assert [problem.code for problem in made.check()] == ["code.restricted"]
    with trusted.given(trust(GATE)):
        assert made.check() == []
    with pytest.raises(UntrustedCodeError):
        nb.train(made, run_dir="/nonexistent")


def test_a_block_around_restricted_code_is_no_error() -> None:
    made = nb.Project()
    made.set(code=declared(my_layers=GATE))
    own.use(made.document.project)
    block = made.add_block("stage")
    inside = [
        block.add("netbuilder.BlockInput", name="x"),
        block.add("own.my_layers.Gate", features=8),
        block.add("netbuilder.Output"),
    ]
    block.connect(inside[0], inside[1])
    block.connect(inside[1], inside[2])
    net = made.add_network("main")
    nodes = [
        net.add("netbuilder.Input", shape=(8,)),
        net.add("netbuilder.Block", name="stage", block="stage", repeat=2),
        net.add("netbuilder.Output"),
    ]
    net.connect(nodes[0], nodes[1])
    net.connect(nodes[1], nodes[2])
    assert [problem.code for problem in made.check()] == ["code.restricted"]
    with trusted.given(trust(GATE)):
        assert made.check() == []
        assert made.module()(torch.rand(2, 8)).shape == (2, 8)


def test_without_a_declaration_the_node_says_what_to_do() -> None:
    made = project(features=8)
    made.set(code={})
    found = {problem.code: problem for problem in made.check()}
    assert "my_layers.py, which is not part of this project" in found["layer.unknown"].message
    assert "Add layers from a Python file" in found["layer.unknown"].hint


def test_a_class_that_left_its_file_is_told() -> None:
    made = project(features=8)
    made.set(code=declared(my_layers=GATE.replace("Gate", "Other")))
    (told,) = [problem for problem in made.check() if problem.code == "layer.unknown"]
    assert "'Gate', which my_layers.py does not offer any more" in told.message


# -- trusted -----------------------------------------------------------------------------------


def test_trusted_code_reads_as_one_would_write_it_and_runs() -> None:
    with trusted.given(trust(GATE)):
        made = project(features=8)
        assert made.check() == []
        assert "\n\nfrom my_layers import Gate\n" in made.source()
        assert "self.gate = Gate(8)" in made.source()
        module = made.module()
        assert module(torch.rand(2, 8)).shape == (2, 3)
        assert sum(p.numel() for p in module.parameters()) == 76 + 27


def test_the_source_runs_beside_the_file_with_pytorch_alone(tmp_path: Path) -> None:
    with trusted.given(trust(GATE)):
        (tmp_path / "model.py").write_text(project(features=8).source())
    (tmp_path / "my_layers.py").write_text(GATE)
    code = "import sys, torch, model; print(model.Main()(torch.rand(2, 8)).shape);"
    code += "print([m for m in sys.modules if m.startswith('netbuilder')])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.stdout.splitlines() == ["torch.Size([2, 3])", "[]"], done.stderr


def test_a_module_with_own_layers_is_pickled() -> None:
    with trusted.given(trust(GATE)):
        module = project(features=8).module()
        data = pickle.dumps(module)
        again = pickle.loads(data)  # noqa: S301
        given = torch.rand(2, 8)
        assert torch.equal(module(given), again(given))
    build._latest.clear()
    with pytest.raises(UntrustedCodeError):
        pickle.loads(data)  # noqa: S301


def test_torch_compile_takes_own_layers() -> None:
    with trusted.given(trust(GATE)):
        module = project(features=8).module()
        given = torch.rand(2, 8)
        compiled = torch.compile(module, backend="eager", fullgraph=True)
        assert torch.allclose(compiled(given), module(given))


def test_the_hashed_bytes_run_whatever_lies_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swapped between prompt and run: neither the file nor what is in the path counts."""
    canary = tmp_path / "canary"
    evil = f"open({str(canary)!r}, 'w').close()\n{GATE}"
    (tmp_path / "my_layers.py").write_text(evil)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with trusted.given(trust(GATE)):
        made = project(features=8)
        made.module()(torch.rand(2, 8))
        made.source()
    assert not canary.exists()
    # The trap works: it is sprung by the import that must not happen.
    __import__("my_layers")
    assert canary.exists()
    del sys.modules["my_layers"]


def test_bytes_for_another_hash_do_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = f"open({str(canary)!r}, 'w').close()\n{GATE}"
    with trusted.given(trust(evil)), pytest.raises(UntrustedCodeError):
        project(features=8).module()
    assert not canary.exists()


def test_the_last_door_asks_by_itself() -> None:
    file = own.files(project(features=8).document.project)["my_layers.py"]
    with trusted.given(trust(f"{GATE}#")), pytest.raises(UntrustedCodeError):
        own_code.module(file)
    with trusted.given(trust(GATE)):
        assert own_code.module(file).Gate


def test_trust_that_is_taken_back_counts_for_what_ran_before() -> None:
    made = project(features=8)
    with trusted.given(trust(GATE)):
        made.module()
    with pytest.raises(UntrustedCodeError):
        made.module()
    assert [problem.code for problem in made.check()] == ["code.restricted"]


def test_two_contents_of_one_file_live_beside_each_other() -> None:
    other = GATE.replace("* gate if", "* 0 * gate if")
    with trusted.given(trust(GATE, other)):
        first, second = project(features=8).module(), project(other, features=8).module()
        given = torch.rand(2, 8)
        assert first.get_submodule("gate")(given).abs().sum() > 0
        assert torch.equal(second.get_submodule("gate")(given), torch.zeros(2, 8))


def test_an_own_class_gives_way_to_no_part_and_no_network() -> None:
    source = GATE.replace("Gate", "SqueezeExcite")
    with trusted.given(trust(source)):
        made = project(source, "SqueezeExcite", features=8)
        made.set(title="Squeeze excite")
        text = made.source()
    assert "from my_layers import SqueezeExcite as OwnSqueezeExcite" in text
    with trusted.given(trust(GATE)):
        made = project(features=8)
        made.set(title="gate")
        assert "class GateNetwork(" in made.source()


def test_several_outputs_and_any_number_of_inputs() -> None:
    source = HEAD + "    def forward(self, *parts):\n        return parts[0], sum(parts)\n"
    with trusted.given(trust(source)):
        made = project(source, "A")
        net = made.network()
        net.connect(net["input"], net["gate"]["parts_1"])
        net.connect(net["gate"]["output_1"], net["head"]["input"])
        assert made.check() == []
        assert "_, x = self.gate(input, input)" in made.source()
        assert made.module()(torch.rand(2, 8)).shape == (2, 3)


def test_shapes_follow_from_the_class() -> None:
    source = HEAD + "    def forward(self, x):\n        return torch.cat((x, x), 1).unsqueeze(1)\n"
    with trusted.given(trust(source)):
        assert "# N×1×16" in project(source, "A").source()


def test_what_needs_numbers_is_tried_with_numbers() -> None:
    assert problems_of("    def forward(self, x):\n        return x * float(x.mean())\n") == []


def test_undo_of_a_declaration_goes_back_to_the_old_ports() -> None:
    made = project(features=8)
    history = History(made.document)
    from netbuilder.graph import edits
    from netbuilder.layers.catalogue import ports_of

    graph = made.network().graph
    gate = graph.named("gate")
    assert gate is not None
    edits.set_project(history, code=declared(my_layers=GATE.replace("mask:", "veil:")))
    assert [p.name for p in ports_of(made.document, graph, gate).inputs] == ["x", "veil"]
    history.undo()
    assert [p.name for p in ports_of(made.document, graph, gate).inputs] == ["x", "mask"]


# -- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    def forward(self, x):\n        x = x + 1\n", ["returns None", "line 6"]),
        ("    def forward(self, x):\n        return 3\n", ["returns an int, not a tensor"]),
        ("    def forward(self, x):\n        return [x]\n", ["a list of 1, not a tensor"]),
        (
            "    def forward(self, x) -> tuple[torch.Tensor, torch.Tensor]:\n        return x\n",
            ["returns a Tensor, not 2 tensors"],
        ),
        (
            "    def forward(self, x):\n        return x @ torch.zeros(5, 5, device=x.device)\n",
            ["line 7: return x @ torch.zeros", "5x5"],
        ),
        (
            "    def forward(self, x):\n        raise KeyError('no way')\n",
            ["KeyError: 'no way'", "my_layers.py, line 7"],
        ),
        (
            "    def forward(self, x):\n        x = x.sigmoid()\n        x += 1\n"
            "        return x\n",
            ["in place", "my_layers.py, line 6"],
        ),
        (
            "    def forward(self, x):\n        a, b = x.chunk(2, 1)\n        a.mul_(2)\n"
            "        return torch.cat((a, b), 1)\n",
            ["in place", "line 8: a.mul_(2)"],
        ),
        (
            "    n = 0\n\n    def forward(self, x):\n        A.n += 1\n        return x[:, :A.n]\n",
            ["another shape each time"],
        ),
        ("    def forward(self, x):\n        import sys; sys.exit(3)\n", ["SystemExit: 3"]),
        ("    def __init__(self):\n        1 / 0\n\n    def forward(self, x): return x\n",
         ["__init__ failed: ZeroDivisionError", "line 7: 1 / 0"]),
        ("    def forward(self, x): return x\n\n\nraise ValueError('top')\n", ["top", "line 9"]),
        ("    def forward(self, x): return x\n\n\ndel A\n", ["defines no 'A'"]),
    ],
)  # fmt: skip
def test_every_mistake_is_told_at_its_node_and_line(body: str, told: list[str]) -> None:
    said = message(body)
    assert said.startswith("A can't take x N×8: ")
    for words in told:
        assert words in said


def test_the_problem_belongs_to_the_node() -> None:
    (problem,) = problems_of("    def forward(self, x):\n        return None\n")
    assert problem.node
    assert problem.graph


def test_a_loop_without_end_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "PROBE_S", 0.3)
    said = message("    def forward(self, x):\n        while True:\n            x = x\n")
    assert "did not end within 0.3 s" in said
    assert "my_layers.py, line" in said
    # Nothing is left that could break off something else.
    assert threading.active_count() < 20


def test_a_loop_at_the_top_of_the_file_is_broken_off_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "IMPORT_S", 0.3)
    body = "    def forward(self, x): return x\n\n\nwhile True:\n    pass\n"
    assert "did not end within 0.3 s" in message(body)
    monkeypatch.setattr(own_code, "IMPORT_S", 1000.0)
    assert "did not end within 0.3 s" in message(body)


def test_an_error_while_it_runs_names_node_file_and_line() -> None:
    source = HEAD + (
        "    def forward(self, x):\n        if len(x) == 7:\n"
        "            raise RuntimeError('seven')\n        return x\n"
    )
    with trusted.given(trust(source)):
        module = project(source, "A").module()
    with pytest.raises(RuntimeError) as caught:
        module(torch.rand(7, 8))
    located = build.locate_error(caught.value)
    assert located is not None
    assert located.name == "gate"
    assert "7×8" in located.message
    assert "seven (my_layers.py, line 8: raise RuntimeError('seven'))" in located.message


def test_what_it_draws_of_chance_is_given_back() -> None:
    source = HEAD + "    def forward(self, x): return x * torch.rand(1, device=x.device)\n"
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with trusted.given(trust(source)):
        project(source, "A").check()
    assert torch.equal(before, torch.get_rng_state())


def test_a_fresh_process_runs_nothing_without_trust(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    source = f"open({str(canary)!r}, 'w').close()\n{GATE}"
    from netbuilder.storage import format

    text = format.dumps(project(source, features=8).document)
    (tmp_path / "a.netb").write_text(text)
    (tmp_path / "my_layers.py").write_text(source)
    code = (
        "import netbuilder as nb; p = nb.load('a.netb'); print([x.code for x in p.check()])\n"
        "try: p.module()\nexcept Exception as error: print(type(error).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=fresh.environment(), capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["['code.restricted']", "UntrustedCodeError"], done.stderr
    assert not canary.exists()
