"""How many networks cost what PyTorch's own tools find in the same written by hand.

Parameters against `sum(p.numel())`, multiply-accumulates against `torch.utils.flop_counter`,
what is kept for the gradient against `torch.autograd.graph.saved_tensors_hooks`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.analysis.costs import summary
from tests.analysis.references import REFERENCES, Reference, kept_bytes, macs

BATCH = 5


def cost(reference: Reference, batch: int) -> dict[str, Any]:
    """What the summary says of the drawing."""
    shapes = {name: (batch, *shape[1:]) for name, shape in reference.shapes.items()}
    network: dict[str, Any] = summary(reference.draw().document, "main", shapes)["networks"]["main"]
    return network


def main() -> None:
    known = [reference for reference in REFERENCES if reference.there]
    agree = {"parameters": 0, "macs": 0, "kept_bytes": 0}
    odd = []
    for reference in known:
        one, many = cost(reference, 1), cost(reference, BATCH)
        weights = sum(weight.numel() for weight in reference.module().parameters())
        pairs = {
            "parameters": (one["parameters"], weights),
            "macs": (one["macs"], macs(reference)),
            "kept_bytes": (many["kept_bytes"], kept_bytes(reference, BATCH)),
        }
        for what, (said, found) in pairs.items():
            agree[what] += said == found
            if said != found:
                odd.append({"network": reference.name, what: said, "found": found})
    print(json.dumps({"figure": "costs", "networks": len(known), **agree, "differ": odd}))


if __name__ == "__main__":
    main()
