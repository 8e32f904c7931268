"""What the documentation shows of own layers and of packages is so."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from netbuilder.layers import plugins, signatures

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-layer.md").read_text(encoding="utf-8")


def block(heading: str) -> str:
    """The first Python block under a heading."""
    part = PAGE.partition(f"## {heading}\n")[2]
    found = re.search(r"```python\n(.*?)```", part, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_file_beside_a_project_is_a_layer() -> None:
    reading = signatures.read(block("A file beside the project").encode())
    gate = reading.classes["Gate"]
    assert [port["name"] for port in gate["inputs"]] == ["x", "mask"]
    assert [parameter["name"] for parameter in gate["parameters"]] == ["features", "reduction"]


def test_the_module_of_a_package_is_taken() -> None:
    module = ModuleType("gates_layers")
    code = compile(block("A package"), "page", "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102
    assert module.NETBUILDER_API == plugins.API
    offered = list(plugins._listed(module))
    assert [kind.id for kind in offered] == ["gates.nn.Gate"]
    assert plugins._fault(offered[0]) == ""
