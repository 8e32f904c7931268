"""How long shapes take: a ResNet of 175 nodes, cold and after one edited parameter.

Reference: building the same modules with PyTorch and running them once on the meta device,
in the same process.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network
from netbuilder.compiler.probe import Cache
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from tests.drawing import Drawing

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def resnet50() -> Drawing:
    """The graph of a ResNet-50: 175 nodes with input and output."""
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


def main() -> None:
    d = resnet50()
    document = d.document
    network = build_network(document, "main")
    parameters = sum(p.numel() for p in network.parameters())
    cold, reference, edit = [], [], []
    stem = d.graph.named("conv2d")
    assert stem is not None
    for round_ in range(7):
        start = time.perf_counter()
        with torch.device("meta"):
            model = type(network)()
        model(torch.empty(2, 3, 224, 224, device="meta"))
        reference.append(time.perf_counter() - start)
        cache = Cache()
        start = time.perf_counter()
        report = analyse(document, {}, cache)
        cold.append(time.perf_counter() - start)
        assert report.ok
        for channels in (64 + 8 * round_, 72 + 8 * round_):
            edits.set_parameters(d.history, d.graph, [stem.id], {"out_channels": channels})
            start = time.perf_counter()
            analyse(document, {}, cache)
            edit.append(time.perf_counter() - start)
        edits.set_parameters(d.history, d.graph, [stem.id], {"out_channels": 64})
    print(
        json.dumps(
            {
                "figure": "analyse",
                "nodes": len(d.graph.nodes),
                "parameters": parameters,
                "cold_ms": round(1e3 * statistics.median(cold), 1),
                "edit_ms": round(1e3 * statistics.median(edit), 1),
                "torch_meta_once_ms": round(1e3 * statistics.median(reference), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
