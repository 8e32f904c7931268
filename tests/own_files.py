"""A project with a layer of its own, for tests: files on the disk and the document for them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import netbuilder as nb
from netbuilder.graph.model import freeze
from netbuilder.layers import own, signatures
from netbuilder.layers.trusted import digest

GATE = '''"""Gates."""
import torch
from torch import nn


class Gate(nn.Module):
    """Weighs features. By a gate of their own."""

    def __init__(self, features: int, reduction: int = 2) -> None:
        super().__init__()
        self.squeeze = nn.Linear(features, features // reduction)
        self.excite = nn.Linear(features // reduction, features)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(x))))
        return x * gate if mask is None else x * gate * mask
'''


def declared(**sources: str) -> dict[str, object]:
    """`ProjectInfo.code` for these files, by module name."""
    return {
        f"{name}.py": own.entry(digest(text.encode()), signatures.read(text.encode()))
        for name, text in sources.items()
    }


def project(source: str = GATE, kind: str = "Gate", **params: Any) -> nb.Project:
    """Input 8 -> the own layer `gate` -> Linear 3 -> Output, on `my_layers.py`."""
    made = nb.Project()
    made.set(code=declared(my_layers=source))
    own.use(made.document.project)
    net = made.add_network("main")
    nodes = [
        net.add("netbuilder.Input", shape=(8,)),
        net.add(f"own.my_layers.{kind}", name="gate", **params),
        net.add("torch.nn.Linear", name="head", out_features=3),
        net.add("netbuilder.Output"),
    ]
    for one, other in pairwise(nodes):
        net.connect(one, other)
    return made


def written(folder: Path, source: str = GATE, **params: Any) -> Path:
    """The same on the disk: `project.netb` beside `my_layers.py`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "my_layers.py").write_text(source, encoding="utf-8")
    path = folder / "drawing.netb"
    project(source, **(params or {"features": 8})).save(path)
    return path


def entry(source: str) -> object:
    """The declaration of one file."""
    return freeze(declared(my_layers=source)["my_layers.py"])
