"""Well-known networks made of blocks, from Python: their weights are the published ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import netbuilder as nb
from netbuilder.api import GraphRef, NodeRef


def chain(graph: GraphRef, x: NodeRef, *nodes: NodeRef) -> NodeRef:
    """Wire nodes in a row behind `x`; the last one."""
    for node in nodes:
        graph.connect(x, node)
        x = node
    return x


def conv(graph: GraphRef, name: str, out_channels: Any, size: int, **params: Any) -> NodeRef:
    values: dict[str, Any] = {"bias": False, **params}
    if size > 1:
        values["padding"] = size // 2
    return graph.add(
        "torch.nn.Conv2d", name=name, out_channels=out_channels, kernel_size=size, **values
    )


def residual(project: nb.Project, name: str, *, bottleneck: bool, shortcut: bool) -> None:
    """He et al. 2016: two 3×3 convolutions, or 1×1, 3×3, 1×1; a projection on the skip or not.

    The stride is at the 3×3 convolution, as in torchvision.
    """
    block = project.add_block(name, channels=64, **({"stride": 1} if shortcut else {}))
    stride = {"stride": "=stride"} if shortcut else {}
    x = block.add("netbuilder.BlockInput", name="x")
    wide: Any = "=4*channels" if bottleneck else "=channels"
    norm, relu = "torch.nn.BatchNorm2d", "torch.nn.ReLU"
    nodes = (
        [
            conv(block, "conv1", "=channels", 1),
            block.add(norm, name="bn1"),
            block.add(relu, name="relu1"),
            conv(block, "conv2", "=channels", 3, **stride),
            block.add(norm, name="bn2"),
            block.add(relu, name="relu2"),
            conv(block, "conv3", wide, 1),
            block.add(norm, name="bn3"),
        ]
        if bottleneck
        else [
            conv(block, "conv1", "=channels", 3, **stride),
            block.add(norm, name="bn1"),
            block.add(relu, name="relu1"),
            conv(block, "conv2", "=channels", 3),
            block.add(norm, name="bn2"),
        ]
    )
    main = chain(block, x, *nodes)
    skip = x
    if shortcut:
        skip = chain(
            block, x, conv(block, "downsample", wide, 1, **stride), block.add(norm, name="bn")
        )
    add = block.add("torch.add", name="add")
    block.connect(main, add["input"])
    block.connect(skip, add["other"])
    chain(block, add, block.add(relu, name="relu"), block.add("netbuilder.Output", name="y"))


def resnet(depths: tuple[int, int, int, int], *, bottleneck: bool) -> nb.Project:
    """ResNet for 224×224 pictures and 1,000 classes, with `depths` residual blocks a stage."""
    project = nb.Project()
    residual(project, "residual", bottleneck=bottleneck, shortcut=False)
    residual(project, "down", bottleneck=bottleneck, shortcut=True)
    net = project.add_network("main")
    x = chain(
        net,
        net.add("netbuilder.Input", name="image", shape=(3, 224, 224)),
        conv(net, "conv1", 64, 7, stride=2),
        net.add("torch.nn.BatchNorm2d", name="bn1"),
        net.add("torch.nn.ReLU", name="relu"),
        net.add("torch.nn.MaxPool2d", name="pool", kernel_size=3, stride=2, padding=1),
    )
    for stage, (depth, channels) in enumerate(zip(depths, (64, 128, 256, 512), strict=True), 1):
        rest, stride = depth, 2 if stage > 1 else 1
        if stage > 1 or bottleneck:
            values = {"channels": channels, "stride": stride}
            rest -= 1
            x = chain(
                net,
                x,
                net.add("netbuilder.Block", name=f"down{stage}", block="down", values=values),
            )
        values = {"channels": channels}
        more: dict[str, Any] = {"repeat": rest} if rest > 1 else {}
        x = chain(
            net,
            x,
            net.add(
                "netbuilder.Block", name=f"layer{stage}", block="residual", values=values, **more
            ),
        )
    chain(
        net,
        x,
        net.add("torch.nn.AdaptiveAvgPool2d", name="gap", output_size=1),
        net.add("torch.nn.Flatten", name="flatten"),
        net.add("torch.nn.Linear", name="fc", out_features=1000),
        net.add("netbuilder.Output", name="logits"),
    )
    return project


@pytest.mark.parametrize(
    ("depths", "bottleneck", "count", "tensors"),
    [((2, 2, 2, 2), False, 11_689_512, 62), ((3, 4, 6, 3), True, 25_557_032, 161)],
    ids=["resnet18", "resnet50"],
)
def test_a_resnet_of_two_blocks_has_the_published_weights(
    depths: tuple[int, int, int, int], bottleneck: bool, count: int, tensors: int
) -> None:
    project = resnet(depths, bottleneck=bottleneck)
    assert project.check() == []
    with torch.device("meta"):
        model = project.module("main")
        assert model(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
    weights = dict(model.named_parameters())
    assert sum(weight.numel() for weight in weights.values()) == count
    assert len(weights) == tensors
    assert "layer3.0.conv2.weight" in weights or "layer3.conv2.weight" in weights
    source = project.source("main")
    assert source.count("class ") == 3
    assert len(source.splitlines()) < 130


def transformer(width: int, heads: int, depth: int) -> nb.Project:
    """An encoder before which each layer normalises (Xiong et al. 2020), over `T` tokens."""
    project = nb.Project()
    layer = project.add_block("encoder_layer", width=width, heads=heads)
    x = layer.add("netbuilder.BlockInput", name="x")
    norm = chain(
        layer, x, layer.add("torch.nn.LayerNorm", name="norm1", normalized_shape=["=width"])
    )
    attention = layer.add(
        "torch.nn.MultiheadAttention",
        name="self_attn",
        embed_dim="=width",
        num_heads="=heads",
        batch_first=True,
    )
    for port in ("query", "key", "value"):
        layer.connect(norm, attention[port])
    first = layer.add("torch.add", name="add1")
    layer.connect(x, first["input"])
    layer.connect(attention["attn_output"], first["other"])
    hidden = chain(
        layer,
        first,
        layer.add("torch.nn.LayerNorm", name="norm2", normalized_shape=["=width"]),
        layer.add("torch.nn.Linear", name="linear1", out_features="=4*width"),
        layer.add("torch.nn.GELU", name="gelu"),
        layer.add("torch.nn.Linear", name="linear2", out_features="=width"),
    )
    second = layer.add("torch.add", name="add2")
    layer.connect(first, second["input"])
    layer.connect(hidden, second["other"])
    chain(layer, second, layer.add("netbuilder.Output", name="y"))
    net = project.add_network("main")
    chain(
        net,
        net.add("netbuilder.Input", name="x", shape=("T", width)),
        net.add("netbuilder.Block", name="layers", block="encoder_layer", repeat=depth),
        net.add("netbuilder.Output", name="y"),
    )
    return project


def test_a_transformer_of_one_block_is_that_of_torch() -> None:
    width, heads, depth = 32, 4, 3
    project = transformer(width, heads, depth)
    assert project.check() == []
    model = project.module("main").eval()
    layer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
    )
    other = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False).eval()
    for weight in other.parameters():
        nn.init.normal_(weight, std=0.2)
    assert set(model.state_dict()) == set(other.state_dict())
    model.load_state_dict(other.state_dict())
    x = torch.randn(2, 5, width)
    with torch.no_grad():
        assert torch.allclose(model(x), other(x), atol=1e-5)
    assert sum(weight.numel() for weight in model.parameters()) == 38_112
