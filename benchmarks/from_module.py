"""How networks come through import: nodes, blocks, seconds, and whether they compute the same.

Prints one JSON line. The reference is the module itself, in the same process: `max_error` is the
largest difference of any output at two batch sizes, `equal` says whether all are the same bits.
`code_equal` compares the printed code with the module. `pt2` is the same by way of a file.
"""

from __future__ import annotations

import json
import runpy
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import netbuilder as nb
from tests.exchange import examples


def difference(one: nn.Module, other: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """The largest difference of any output of two modules."""
    pairs = zip(examples.outputs(one, inputs), examples.outputs(other, inputs), strict=True)
    return max(float((a.double() - b.double()).abs().max()) for a, b in pairs if a.numel())


def printed(project: nb.Project, folder: Path) -> nn.Module:
    """The network made of its printed code."""
    path = folder / "printed.py"
    path.write_text(project.source())
    space = runpy.run_path(str(path), run_name="printed")
    kinds = [value for value in space.values() if isinstance(value, type)]
    made: nn.Module = [kind for kind in kinds if kind.__module__ == "printed"][-1]()
    return made


def measure(name: str, folder: Path) -> dict[str, Any]:
    """One network."""
    module, inputs = examples.example(name)
    began = time.perf_counter()
    project = nb.from_module(module, inputs)
    seconds = time.perf_counter() - began
    made = project.module().eval()
    code = printed(project, folder).eval()
    code.load_state_dict(made.state_dict())
    error = difference(made, module, inputs)
    torch.export.save(examples.export(module, inputs), folder / "net.pt2")
    again = nb.from_pt2(folder / "net.pt2")
    told = project.imported
    return {
        "name": name,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "nodes": told["nodes"],
        "blocks": told["blocks"],
        "seconds": round(seconds, 3),
        "verified": told["verified"],
        "max_error": error,
        "equal": error == 0.0,
        "code_equal": difference(code, module, inputs) == 0.0,
        "renamed": len(told["renamed"]),
        "pt2": again.imported["verified"],
    }


def main() -> None:
    """All networks of the tests."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        # The first import loads what all need.
        measure("lenet", Path(folder))
        rows = [measure(name, Path(folder)) for name in examples.EXAMPLES]
    print(
        json.dumps(
            {
                "networks": rows,
                "all_verified": all(row["verified"] for row in rows),
                "all_equal": all(row["equal"] for row in rows),
                "max_error": max(row["max_error"] for row in rows),
                "seconds": round(sum(row["seconds"] for row in rows), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
