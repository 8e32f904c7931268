"""Twelve different networks under torch.compile in one process.

Each is compiled whole (`fullgraph`), run at two batch sizes and compared with itself
uncompiled. What is counted: how many compile, how many agree, how often a network was
compiled again beyond the one time that a second batch size may cost. An interpreter over the
graph shares one `forward` between all networks and stops at PyTorch's recompile limit of
eight. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.compiler.build import build_network
from tests.drawing import Drawing

NETWORKS = 12


def network(number: int) -> Drawing:
    """A network that differs from the others in depth, width, activation and form."""
    d = Drawing()
    if number % 3 == 0:
        x = d.input(1, 8, 8, name="image")
        for depth in range(1 + number // 3):
            x = d.add(
                "Conv2d", x, name=f"conv{depth}", out_channels=4 + number, kernel_size=3, padding=1
            )
            x = d.add("ReLU", d.add("BatchNorm2d", x, name=f"norm{depth}"), name=f"relu{depth}")
        x = d.add("Flatten", x, name="flatten")
    else:
        x = d.input(64, name="row")
        for depth in range(1 + number // 3):
            x = d.add("Linear", x, name=f"fc{depth}", out_features=16 + number)
            act = d.add("GELU" if number % 3 == 1 else "Tanh", x, name=f"act{depth}")
            x = d.add("torch.add", x, act, name=f"add{depth}")
    d.output(d.add("Linear", x, name="head", out_features=10), name="logits")
    return d


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="inductor")
    backend = parser.parse_args().backend
    counters = torch._dynamo.utils.counters
    compiled, equal, graphs = 0, 0, []
    start = time.perf_counter()
    for number in range(NETWORKS):
        model = build_network(network(number).document, "main").eval()
        size = (1, 8, 8) if number % 3 == 0 else (64,)
        counters.clear()
        fast = torch.compile(model, backend=backend, fullgraph=True)
        with torch.no_grad():
            results = [(fast(x), model(x)) for x in (torch.rand(n, *size) for n in (4, 7))]
        compiled += 1
        equal += all(torch.allclose(a, b, atol=1e-5) for a, b in results)
        graphs.append(counters["stats"]["unique_graphs"])
    answer = {
        "figure": "torch_compile",
        "backend": backend,
        "networks": NETWORKS,
        "compiled": compiled,
        "equal": equal,
        "graphs_each_at_most": max(graphs),
        "seconds": round(time.perf_counter() - start, 1),
        "ok": compiled == equal == NETWORKS and max(graphs) <= 2,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
