"""How long it takes to see through a drawing: problems, shapes of every wire, source.

ResNet-50 drawn flat (177 nodes): cold, and after one edited parameter that changes the sizes
behind it: problems and shapes alone, which is what the window asks for as long as nobody looks
at the code, and with the source. A chain of 1,000 nodes no two of which are alike: cold, and
its source and module made on the meta device. References, in the same process: building and
running ResNet-50's modules once on the meta device; building the 1,000 modules on the meta
device. Prints one JSON line.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network
from netbuilder.compiler.probe import Cache
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from tests.drawing import Drawing

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
LIMITS_MS = {"cold": 100, "edit": 5, "thousand_cold": 1000, "thousand_module": 250}


def resnet50() -> Drawing:
    """The graph of a ResNet-50 without blocks: 177 nodes with input and output."""
    d = Drawing()
    x = d.input(3, 224, 224, name="image")

    def conv(
        x: Node, channels: int, kernel: int, stride: int, padding: int, relu: bool = True
    ) -> Node:
        x = d.add(
            "Conv2d",
            x,
            out_channels=channels,
            kernel_size=kernel,
            stride=stride,
            padding=padding,
            bias=False,
        )
        x = d.add("BatchNorm2d", x)
        return d.add("ReLU", x) if relu else x

    x = conv(x, 64, 7, 2, 3)
    x = d.add("MaxPool2d", x, kernel_size=3, stride=2, padding=1)
    for width, blocks in STAGES:
        for block in range(blocks):
            stride = 2 if block == 0 and width > 64 else 1
            y = conv(x, width, 1, 1, 0)
            y = conv(y, width, 3, stride, 1)
            y = conv(y, 4 * width, 1, 1, 0, relu=False)
            skip = conv(x, 4 * width, 1, stride, 0, relu=False) if block == 0 else x
            x = d.add("ReLU", d.add("torch.add", y, skip))
    x = d.add("AdaptiveAvgPool2d", x, output_size=1)
    x = d.add("Linear", d.add("Flatten", x), out_features=1000)
    d.output(x, name="logits")
    return d


def thousand() -> Drawing:
    """1,000 nodes of which each has other sizes than all others."""
    d = Drawing()
    x = d.input(8, name="x")
    kinds = ("Linear", "LayerNorm", "GELU", "Dropout")
    for number in range(998):
        size = 16 + number // len(kinds)
        params: dict[str, dict[str, int | float]] = {
            "Linear": {"out_features": size},
            "LayerNorm": {"normalized_shape": size},
            "Dropout": {"p": round(0.0005 * (number + 1), 6)},
        }
        kind = kinds[number % len(kinds)]
        x = d.add(kind, x, name=f"layer{number}", **params.get(kind, {}))
    d.output(x, name="y")
    return d


def ms(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def once_on_meta(kind: type[nn.Module], size: tuple[int, ...] | None = None) -> None:
    """Makes a module on the meta device and, with a size, runs it."""
    with torch.device("meta"):
        model = kind()
        if size is not None:
            model(torch.empty(size))


def on_meta(d: Drawing) -> None:
    with torch.device("meta"):
        build_network(d.document, "main")


def main() -> None:
    d = resnet50()
    network = build_network(d.document, "main")
    stem = d.graph.named("conv2d")
    assert stem is not None
    figures: dict[str, list[float]] = {name: [] for name in (*LIMITS_MS, "edit_with_source")}
    references: list[float] = []
    for round_ in range(7):
        references.append(ms(lambda: once_on_meta(type(network), (2, 3, 224, 224))))
        cache = Cache()
        figures["cold"].append(ms(partial(analyse, d.document, {}, cache)))
        for channels in (64 + 8 * round_, 72 + 8 * round_):
            edits.set_parameters(d.history, d.graph, [stem.id], {"out_channels": channels})
            figures["edit"].append(ms(partial(analyse, d.document, {}, cache, source=False)))
            edits.set_parameters(d.history, d.graph, [stem.id], {"out_channels": channels + 4})
            figures["edit_with_source"].append(ms(partial(analyse, d.document, {}, cache)))
        edits.set_parameters(d.history, d.graph, [stem.id], {"out_channels": 64})
    big = thousand()
    for _ in range(3):
        figures["thousand_cold"].append(ms(lambda: analyse(big.document, {}, Cache())))
    on_meta(big)
    figures["thousand_module"] = [ms(lambda: on_meta(big)) for _ in range(3)]
    kind = type(build_network(big.document, "main"))
    modules = [ms(lambda: once_on_meta(kind)) for _ in range(3)]
    medians = {name: round(statistics.median(known), 1) for name, known in figures.items()}
    answer = {
        "figure": "analyse",
        "nodes": [len(d.graph.nodes), len(big.graph.nodes)],
        "parameters": sum(p.numel() for p in network.parameters()),
        "ms": medians,
        "at_most_ms": LIMITS_MS,
        "torch_meta_once_ms": round(statistics.median(references), 1),
        "thousand_modules_alone_ms": round(statistics.median(modules), 1),
        "ok": all(medians[name] <= limit for name, limit in LIMITS_MS.items()),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
