"""Networks drawn for the benchmarks, and the same ones as a person would write them.

Attributes have the nodes' names, so that weights go from one to the other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.graph.model import Node
from tests.drawing import Drawing

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
WIDTH, HEADS, HIDDEN, LAYERS, WORDS = 256, 4, 1024, 12, 1000


@dataclass(frozen=True)
class Subject:
    """A drawn network, its twin written by hand, and a batch for both."""

    name: str
    drawing: Drawing
    by_hand: Callable[[], nn.Module]
    batch: tuple[Tensor, ...]
    target: Tensor


# -- ResNet-50 ---------------------------------------------------------------------------------


def block_of(d: Drawing, name: str, *parameters: dict[str, Any]) -> None:
    """Begins a block with these declared parameters."""
    d.add_graph("block", name, parameters=parameters)


def resnet50() -> Drawing:
    """ResNet-50 out of two blocks: bottlenecks with and without a projection."""
    d = Drawing()
    network = d.graph
    channels = {"name": "channels", "default": 64}
    for name, more in (("plain", ()), ("project", ({"name": "stride", "default": 1},))):
        block_of(d, name, channels, *more)
        x = d.add("netbuilder.BlockInput", name="x")
        y = d.add("Conv2d", x, name="conv1", out_channels="=channels", kernel_size=1, bias=False)
        y = d.add("ReLU", d.add("BatchNorm2d", y, name="bn1"), name="relu1")
        stride: Any = {"stride": "=stride"} if more else {}
        y = d.add(
            "Conv2d",
            y,
            name="conv2",
            out_channels="=channels",
            kernel_size=3,
            padding=1,
            bias=False,
            **stride,
        )
        y = d.add("ReLU", d.add("BatchNorm2d", y, name="bn2"), name="relu2")
        y = d.add("Conv2d", y, name="conv3", out_channels="=4*channels", kernel_size=1, bias=False)
        y = d.add("BatchNorm2d", y, name="bn3")
        if more:
            x = d.add(
                "Conv2d",
                x,
                name="down",
                out_channels="=4*channels",
                kernel_size=1,
                bias=False,
                **stride,
            )
            x = d.add("BatchNorm2d", x, name="down_bn")
        d.output(d.add("ReLU", d.add("torch.add", y, x, name="add"), name="relu"), name="y")
    d.graph = network
    x = d.input(3, 224, 224, name="image")
    x = d.add(
        "Conv2d", x, name="stem", out_channels=64, kernel_size=7, stride=2, padding=3, bias=False
    )
    x = d.add("ReLU", d.add("BatchNorm2d", x, name="stem_bn"), name="stem_relu")
    x = d.add("MaxPool2d", x, name="pool", kernel_size=3, stride=2, padding=1)
    for number, (width, count, step) in enumerate(STAGES, 1):
        values = {"channels": width, "stride": step}
        x = d.add("netbuilder.Block", x, name=f"down{number}", block="project", values=values)
        x = d.add(
            "netbuilder.Block",
            x,
            name=f"layer{number}",
            block="plain",
            values={"channels": width},
            repeat=count - 1,
        )
    x = d.add("AdaptiveAvgPool2d", x, name="gap", output_size=1)
    d.output(d.add("Linear", d.add("Flatten", x, name="flatten"), name="fc", out_features=1000))
    return d


class Bottleneck(nn.Module):
    """conv 1×1, 3×3, 1×1, each with a batch norm, and the input or its projection on top."""

    def __init__(self, given: int, channels: int, stride: int = 1, project: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        self.relu = nn.ReLU()
        self.project = project
        if project:
            self.down = nn.Conv2d(given, 4 * channels, 1, stride, bias=False)
            self.down_bn = nn.BatchNorm2d(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.project:
            x = self.down_bn(self.down(x))
        result: Tensor = self.relu(y + x)
        return result


class ResNet50(nn.Module):
    """The network of He and others (2015) with 50 layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.stem_bn = nn.BatchNorm2d(64)
        self.stem_relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2, 1)
        given = 64
        for number, (width, count, stride) in enumerate(STAGES, 1):
            setattr(self, f"down{number}", Bottleneck(given, width, stride, project=True))
            given = 4 * width
            rest = [Bottleneck(given, width) for _ in range(count - 1)]
            setattr(self, f"layer{number}", nn.Sequential(*rest))
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, image: Tensor) -> Tensor:
        x = self.pool(self.stem_relu(self.stem_bn(self.stem(image))))
        for number in range(1, len(STAGES) + 1):
            x = getattr(self, f"layer{number}")(getattr(self, f"down{number}")(x))
        result: Tensor = self.fc(self.gap(x).flatten(1))
        return result


# -- a transformer of twelve layers --------------------------------------------------------------


def transformer() -> Drawing:
    """Twelve pre-norm layers of self-attention and feed-forward, drawn as one block."""
    d = Drawing()
    network = d.graph
    block_of(d, "layer", {"name": "width", "default": WIDTH})
    x = d.add("netbuilder.BlockInput", name="x")
    y = d.add("LayerNorm", x, name="norm1", normalized_shape="=width")
    y = d.add("MultiheadAttention", y, y, y, name="attention", num_heads=HEADS, batch_first=True)
    x = d.add("torch.add", x, y, name="add1")
    y = d.add("LayerNorm", x, name="norm2", normalized_shape="=width")
    y = d.add("Linear", y, name="fc1", out_features="=4*width")
    y = d.add("Linear", d.add("GELU", y, name="gelu"), name="fc2", out_features="=width")
    d.output(d.add("torch.add", x, y, name="add2"), name="y")
    d.graph = network
    x = d.input(64, name="ids", dtype="int64", high=WORDS)
    x = d.add("Embedding", x, name="embedding", embedding_dim=WIDTH)
    x = d.add("netbuilder.Block", x, name="layers", block="layer", repeat=LAYERS)
    x = d.add("LayerNorm", x, name="norm", normalized_shape=WIDTH)
    d.output(d.add("Linear", x, name="head", out_features=10))
    return d


class Layer(nn.Module):
    """One layer of the transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, HIDDEN)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(HIDDEN, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        result: Tensor = x + self.fc2(self.gelu(self.fc1(self.norm2(x))))
        return result


class Transformer(nn.Module):
    """Embedding, twelve layers, one score for each class at each place."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, ids: Tensor) -> Tensor:
        result: Tensor = self.head(self.norm(self.layers(self.embedding(ids))))
        return result


# -- an MLP ------------------------------------------------------------------------------------


def mlp() -> Drawing:
    """784-512-256-10."""
    d = Drawing()
    x: Node = d.input(784, name="row")
    for number, width in enumerate((512, 256), 1):
        x = d.add("Linear", x, name=f"fc{number}", out_features=width)
        x = d.add("ReLU", x, name=f"relu{number}")
    d.output(d.add("Linear", x, name="fc3", out_features=10))
    return d


class MLP(nn.Module):
    """784-512-256-10."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.relu1 = nn.Linear(784, 512), nn.ReLU()
        self.fc2, self.relu2 = nn.Linear(512, 256), nn.ReLU()
        self.fc3 = nn.Linear(256, 10)

    def forward(self, row: Tensor) -> Tensor:
        result: Tensor = self.fc3(self.relu2(self.fc2(self.relu1(self.fc1(row)))))
        return result


def subjects() -> list[Subject]:
    """The three networks with batches that fit two cores."""
    classes = torch.randint(0, 10, (64,))
    return [
        Subject("mlp", mlp(), MLP, (torch.rand(64, 784),), classes),
        Subject(
            "transformer12",
            transformer(),
            Transformer,
            (torch.randint(0, WORDS, (4, 64)),),
            torch.randint(0, 10, (4, 64)),
        ),
        Subject("resnet50", resnet50(), ResNet50, (torch.rand(2, 3, 224, 224),), classes[:2]),
    ]
