"""Layers from a person's file: what its text tells, and what a hostile project may say of it."""

from __future__ import annotations

import threading

import pytest

from netbuilder.errors import DocumentError
from netbuilder.graph.model import Node, ProjectInfo, freeze
from netbuilder.layers import catalogue, own, signatures
from netbuilder.layers.base import Family, Layer
from tests.own_files import GATE, declared

HEAD = "import torch\nfrom torch import nn, Tensor\nfrom typing import Optional, Literal\n"


def one(body: str, head: str = HEAD) -> dict[str, object]:
    """The declaration of the class `A` in a file."""
    reading = signatures.read((head + body).encode())
    assert "A" in reading.classes, reading.refused
    found: dict[str, object] = reading.classes["A"]
    return found


def layer(body: str) -> type[own.OwnLayer]:
    """The same as a layer."""
    project = ProjectInfo(code=freeze(declared(mine=HEAD + body)))
    assert list(own.problems(project)) == []
    return own.layers_of(project)["own.mine.A"]


FORWARD = "    def forward(self, x): return x\n"


@pytest.mark.parametrize(
    ("arguments", "ports"),
    [
        ("x", [("x", False)]),
        ("x: Tensor, mask: Tensor | None = None", [("x", False), ("mask", True)]),
        ("x: torch.Tensor, mask: Optional[Tensor] = None", [("x", False), ("mask", True)]),
        ("x, y, *, bias=None", [("x", False), ("y", False), ("bias", True)]),
        ("x: 'torch.Tensor', scale: float = 1.0, flag=True", [("x", False), ("flag", True)]),
    ],
)
def test_ports_come_from_forward(arguments: str, ports: list[tuple[str, bool]]) -> None:
    kind = layer(f"class A(nn.Module):\n    def forward(self, {arguments}): return x\n")
    assert [(port.name, port.optional) for port in kind.inputs] == ports


def test_ports_that_stand_for_many() -> None:
    kind = layer(
        "class A(nn.Module):\n    def forward(self, *parts, more: list[Tensor]): return parts[0]\n"
    )
    assert [(p.name, p.variadic) for p in kind.inputs] == [("parts", True), ("more", True)]
    assert kind.starred == {"parts"}
    assert kind.named == {"more"}


@pytest.mark.parametrize(
    ("arrow", "result", "outputs"),
    [
        ("", "x", ["output"]),
        ("-> Tensor", "x", ["output"]),
        ("-> tuple[Tensor, Tensor]", "f(x)", ["output_0", "output_1"]),
        ("", "(x, x, x)", ["output_0", "output_1", "output_2"]),
        ("-> tuple[Tensor, ...]", "f(x)", ["output"]),
    ],
)
def test_outputs_come_from_what_forward_returns(
    arrow: str, result: str, outputs: list[str]
) -> None:
    body = f"    def forward(self, x) {arrow}:\n        return {result}\n"
    kind = layer(f"class A(nn.Module):\n{body}")
    assert [port.name for port in kind.outputs] == outputs


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("n: int", [3, -1], [2.5, "a", True, None]),
        ("n: float", [3, 2.5], ["a", True]),
        ("n: bool = False", [True], [1, "a"]),
        ("n: str = 'a'", ["b"], [1]),
        ("n: int | tuple[int, int] = 3", [3, (3, 4)], [(3, 4, 5), (3,), "a"]),
        ("n: tuple[float, ...] = ()", [(), (1.0, 2.5)], ["a", 1.0]),
        ("n: Literal['one', 'two'] = 'one'", ["two"], ["three"]),
        ("n: Optional[int] = None", [3, None], ["a"]),
        ("n=0.5", [0.25], ["a"]),
        ("n", [3, 0.5, "a", (1.0,)], [{}]),
    ],
)
def test_parameters_come_from_init(parameter: str, good: list[object], bad: list[object]) -> None:
    kind = layer(f"class A(nn.Module):\n    def __init__(self, {parameter}): ...\n{FORWARD}")
    for value in good:
        assert kind.model_validate({"n": value}).model_dump()["n"] == value
    for value in bad:
        with pytest.raises(ValueError, match="validation error"):
            kind.model_validate({"n": value})


def test_defaults_are_those_of_the_class_and_a_new_node_is_valid() -> None:
    kind = layer(
        "class A(nn.Module):\n"
        "    def __init__(self, n: int, size: tuple[int, int], *, p: float = 0.5, act=nn.ReLU,"
        " k=-1): ...\n" + FORWARD
    )
    assert kind.positional == ("n", "size")
    fresh = kind.model_validate(dict(kind.starting))
    assert fresh.model_dump() == {"n": 16, "size": (1, 1), "p": 0.5, "k": -1}
    assert "act" not in kind.model_fields  # a form can't set a class; its default stays


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("class A(nn.Module):\n    def __init__(self, inner: nn.Module): ...\n" + FORWARD, "inner"),
        ("class A(nn.Module):\n    pass\n", "no forward"),
        ("class A(nn.Module):\n    def forward(self): return 1\n", "without tensors"),
        ("class A(nn.Module):\n    def forward(self, x, n: int): return x\n", "'n'"),
        ("class A(nn.Linear):\n" + FORWARD, "no __init__"),
        ("class A(nn.Module):\n    def forward(self, x): return x,\n", "tuple of one"),
        ("class A(nn.Module):\n    def forward(self, _x): return _x\n", "_x"),
    ],
)
def test_what_can_be_no_layer_is_told(body: str, reason: str) -> None:
    reading = signatures.read((HEAD + body).encode())
    assert reading.classes == {}
    assert reason in reading.refused["A"]


def test_other_classes_are_none_of_our_business() -> None:
    text = HEAD + "class A:\n    pass\nclass _B(nn.Module):\n" + FORWARD + "def f(): ...\n"
    assert signatures.read(text.encode()).classes == {}
    assert signatures.read(text.encode()).refused == {}


def test_a_class_may_inherit_from_one_of_its_file() -> None:
    text = (
        "class Base(nn.Module):\n    def __init__(self, n: int): ...\n"
        f"{FORWARD}class A(Base):\n    pass\n"
    )
    assert one(text)["parameters"] == ({"name": "n", "types": ("int",)},)


def test_imports_are_found_wherever_they_stand() -> None:
    text = "import os.path\nfrom . import x\n"
    text += "def f():\n    import subprocess\n    from a.b import c\n"
    assert signatures.read(text.encode()).imports == (".", "a.b", "os.path", "subprocess")


@pytest.mark.parametrize(
    "source",
    [
        b"\xff\xfe\x00",
        b"# -*- coding: utf-7 -*-\n",
        b"class A(:\n",
        b"x = 1\0\n",
        b"(" * 5000,
        b"-" * 200_000 + b"1",
        f"{HEAD}class A(nn.Module):\n    def forward(self, x: int{'|int' * 5000}): ...".encode(),
        b"#" * 1_000_001,
    ],
)
def test_what_python_can_not_read_is_refused_in_words(source: bytes) -> None:
    with pytest.raises(DocumentError):
        signatures.read(source)


@pytest.mark.parametrize(
    "path",
    [
        "../a.py", "/a.py", "a/../b.py", "a.txt", "a-b.py", "a b.py", "class.py", "torch.py",
        "os.py", "numpy/a.py", ".py", "a\\b.py", "C:/a.py", "a//b.py", "_a.py", "é.py", "a.py\n",
        "x" * 300 + ".py",
    ],
)  # fmt: skip
def test_paths_that_are_no_code_files(path: str) -> None:
    assert own.path_fault(path)
    project = ProjectInfo(code=freeze({path: declared(a=GATE)["a.py"]}))
    assert own.layers_of(project) == {}
    assert len(list(own.problems(project))) == 1


def _hostile() -> list[tuple[str, object]]:
    good = declared(a=GATE)["a.py"]
    assert isinstance(good, dict)
    gate = good["classes"]["Gate"]

    def classes(name: object, **changed: object) -> dict[str, object]:
        return {**good, "classes": {name: {**gate, **changed}}}

    def parameter(**changed: object) -> dict[str, object]:
        return classes("Gate", parameters=({"name": "n", "types": ("int",), **changed},))

    return [
        ("null", None),
        ("number", 5),
        ("no hash", {"classes": {}}),
        ("short hash", {**good, "sha256": "abc"}),
        ("classes", {**good, "classes": []}),
        ("class name", classes("import os; x")),
        ("dunder", classes("__class__")),
        ("keyword", classes("class")),
        ("library", classes("nn")),
        ("no ports", classes("Gate", inputs=())),
        ("port", classes("Gate", inputs=({"name": "x) or f("},))),
        ("port twice", classes("Gate", inputs=({"name": "x"}, {"name": "x"}))),
        ("outputs", classes("Gate", outputs=("a", "a"))),
        ("outputs of numbers", classes("Gate", outputs=(1,))),
        ("parameters", classes("Gate", parameters=5)),
        ("parameter name", parameter(name="n=print(1)")),
        ("parameter of ours", parameter(name="forward")),
        ("parameter of pydantic", parameter(name="model_config")),
        ("type", parameter(types=("os.system",))),
        ("no type", parameter(types=())),
        ("long tuple", parameter(types=("ints:99999999",))),
        ("help", {**good, "classes": {"Gate": 7}}),
    ]


@pytest.mark.parametrize(("name", "value"), _hostile(), ids=[name for name, _ in _hostile()])
def test_a_hostile_declaration_is_told_and_left_out(name: str, value: object) -> None:
    project = ProjectInfo(code=freeze({"a.py": value}))
    assert own.layers_of(project) == {}
    assert [problem.code for problem in own.problems(project)] == ["code.declaration"]


def test_a_wrong_default_of_a_declaration_counts_as_none() -> None:
    entry = declared(a=GATE)["a.py"]
    assert isinstance(entry, dict)
    parameter = {"name": "n", "types": ("int",), "optional": True, "default": "rm -rf"}
    entry["classes"]["Gate"] = {**entry["classes"]["Gate"], "parameters": (parameter,)}
    kind = own.layers_of(ProjectInfo(code=freeze({"a.py": entry})))["own.a.Gate"]
    assert kind().model_dump() == {"n": None}


def test_two_files_with_one_class_name_are_told() -> None:
    project = ProjectInfo(code=freeze(declared(a=GATE, b=GATE)))
    assert "both have a class 'Gate'" in next(iter(own.problems(project))).message


# -- two documents in one process ------------------------------------------------------------


def test_each_document_has_its_own() -> None:
    first = ProjectInfo(code=freeze(declared(mine=GATE)))
    second = ProjectInfo(code=freeze(declared(mine=GATE.replace("features: int", "width: int"))))
    node = Node(id="n", name="gate", layer="own.mine.Gate", params={"width": 4})
    with own.using(first):
        assert isinstance(catalogue.read(node), tuple)
        with own.using(second):
            assert isinstance(catalogue.read(node), Layer)
        assert isinstance(catalogue.read(node), tuple)
    assert catalogue.find("own.mine.Gate") is None or own.known()


def test_each_thread_has_its_own() -> None:
    project = ProjectInfo(code=freeze(declared(mine=GATE)))
    seen: list[object] = []
    with own.using(project):
        assert catalogue.find("own.mine.Gate") is not None
        thread = threading.Thread(target=lambda: seen.append(catalogue.find("own.mine.Gate")))
        thread.start()
        thread.join()
    assert seen == [None]


def test_an_id_stays_and_content_tells_apart() -> None:
    first = own.layers_of(ProjectInfo(code=freeze(declared(mine=GATE))))
    again = own.layers_of(ProjectInfo(code=freeze(declared(mine=GATE))))
    other = own.layers_of(ProjectInfo(code=freeze(declared(mine=GATE + "\n"))))
    assert first.keys() == again.keys() == other.keys() == {"own.mine.Gate"}
    assert first["own.mine.Gate"] is again["own.mine.Gate"]
    assert first["own.mine.Gate"] is not other["own.mine.Gate"]
    assert first["own.mine.Gate"].family is Family.OWN
