"""Draws the pictures of this folder: ResNet-18, a U-Net and a GAN, built from Python.

    python docs/pictures/draw.py

Each project is made of blocks through `netbuilder.api`, checked by the compiler, laid out and
saved as SVG and PNG. No weights, no training.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

import netbuilder as nb
from netbuilder.api import GraphRef, NodeRef, PortRef
from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.report import Report
from netbuilder.graph import edits, tidying
from netbuilder.graph.document import Graph
from netbuilder.gui.canvas import picture
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.look import theme
from netbuilder.layers import dims
from netbuilder.layers.base import TensorType

HERE = Path(__file__).parent
Fields = dict[str, TensorType]
Sizes = dict[str, tuple[float, float]]
Places = Callable[[Graph, Sizes], dict[str, tuple[float, float]]]


def chain(graph: GraphRef, x: NodeRef | PortRef, *nodes: NodeRef) -> NodeRef | PortRef:
    """Wire nodes in a row behind `x`; the last one."""
    for node in nodes:
        graph.connect(x, node)
        x = node
    return x


def use(graph: GraphRef, block: str, name: str, repeat: int = 1, **values: Any) -> NodeRef:
    """A use of a block."""
    more: dict[str, Any] = {"repeat": repeat} if repeat > 1 else {}
    return graph.add("netbuilder.Block", name=name, block=block, values=values, **more)


def conv(graph: GraphRef, name: str, channels: Any, size: int = 3, **params: Any) -> NodeRef:
    """A convolution that keeps the size, unless it has a stride."""
    values = {"padding": size // 2, **params} if size > 1 else params
    return graph.add(
        "torch.nn.Conv2d", name=name, out_channels=channels, kernel_size=size, **values
    )


def norm(graph: GraphRef, name: str) -> NodeRef:
    return graph.add("torch.nn.BatchNorm2d", name=name)


def relu(graph: GraphRef, name: str) -> NodeRef:
    return graph.add("torch.nn.ReLU", name=name)


def output(graph: GraphRef, name: str) -> NodeRef:
    return graph.add("netbuilder.Output", name=name)


# -- ResNet-18 (He et al. 2016) --------------------------------------------------------------


def residual(project: nb.Project, name: str, *, shortcut: bool) -> None:
    """Two 3×3 convolutions beside a skip, which is projected where the size changes."""
    declared = {"channels": 64, "stride": 2} if shortcut else {"channels": 64}
    block = project.add_block(name, **declared)
    stride: dict[str, Any] = {"stride": "=stride"} if shortcut else {}
    x = block.add("netbuilder.BlockInput", name="x")
    main = chain(
        block,
        x,
        conv(block, "conv1", "=channels", bias=False, **stride),
        norm(block, "norm1"),
        relu(block, "relu1"),
        conv(block, "conv2", "=channels", bias=False),
        norm(block, "norm2"),
    )
    skip: NodeRef | PortRef = x
    if shortcut:
        projection = conv(block, "projection", "=channels", 1, bias=False, **stride)
        skip = chain(block, x, projection, norm(block, "norm_skip"))
    add = block.add("torch.add", name="add")
    block.connect(main, add["input"])
    block.connect(skip, add["other"])
    chain(block, add, relu(block, "relu2"), output(block, "y"))


def resnet18() -> nb.Project:
    """11,689,512 parameters, as published."""
    project = nb.Project()
    project.set(title="ResNet-18")
    net = project.add_network("resnet18")
    residual(project, "residual", shortcut=False)
    residual(project, "down", shortcut=True)
    nodes = [
        conv(net, "conv1", 64, 7, stride=2, bias=False),
        norm(net, "norm1"),
        relu(net, "relu1"),
        net.add("torch.nn.MaxPool2d", name="pool", kernel_size=3, stride=2, padding=1),
        use(net, "residual", "stage1", 2, channels=64),
    ]
    for stage, channels in ((2, 128), (3, 256), (4, 512)):
        nodes.append(use(net, "down", f"down{stage}", channels=channels))
        nodes.append(use(net, "residual", f"stage{stage}", channels=channels))
    nodes += [
        net.add("torch.nn.AdaptiveAvgPool2d", name="average", output_size=1),
        net.add("torch.nn.Flatten", name="flatten"),
        net.add("torch.nn.Linear", name="classes", out_features=1000),
        output(net, "logits"),
    ]
    chain(net, net.add("netbuilder.Input", name="image", shape=(3, 224, 224)), *nodes)
    return project


# -- U-Net (Ronneberger et al. 2015) -----------------------------------------------------------


def unet() -> nb.Project:
    """Four levels, each with a skip from the way down to the way up."""
    project = nb.Project()
    project.set(title="U-Net")
    net = project.add_network("unet")
    double = project.add_block("double_conv", channels=64)
    x: NodeRef | PortRef = double.add("netbuilder.BlockInput", name="x")
    for number in (1, 2):
        x = chain(
            double,
            x,
            conv(double, f"conv{number}", "=channels", bias=False),
            norm(double, f"norm{number}"),
            relu(double, f"relu{number}"),
        )
    chain(double, x, output(double, "y"))
    down = project.add_block("down", channels=128)
    chain(
        down,
        down.add("netbuilder.BlockInput", name="x"),
        down.add("torch.nn.MaxPool2d", name="pool", kernel_size=2),
        use(down, "double_conv", "convs", channels="=channels"),
        output(down, "y"),
    )
    up = project.add_block("up", channels=64)
    skip = up.add("netbuilder.BlockInput", name="skip")
    x = up.add("netbuilder.BlockInput", name="x")
    larger = up.add(
        "torch.nn.ConvTranspose2d", name="larger", out_channels="=channels", kernel_size=2, stride=2
    )
    both = up.add("torch.cat", name="both", dim=1)
    up.connect(x, larger)
    up.connect(skip, both)
    up.connect(larger, both)
    chain(up, both, use(up, "double_conv", "convs", channels="=channels"), output(up, "y"))
    levels = [use(net, "double_conv", "level1", channels=64)]
    levels += [use(net, "down", f"level{n}", channels=2 ** (5 + n)) for n in (2, 3, 4, 5)]
    chain(net, net.add("netbuilder.Input", name="image", shape=(3, 256, 256)), *levels)
    x = levels[-1]
    for n in (4, 3, 2, 1):
        node = use(net, "up", f"up{n}", channels=2 ** (5 + n))
        net.connect(x, node["x"])
        net.connect(levels[n - 1], node["skip"])
        x = node
    chain(net, x, conv(net, "head", 2, 1), output(net, "mask"))
    return project


def as_u(graph: Graph, sizes: Sizes) -> dict[str, tuple[float, float]]:
    """Down a flight of stairs and back below: each skip runs straight down."""
    order = ["image", *(f"level{n}" for n in range(1, 6)), *(f"up{n}" for n in (4, 3, 2, 1))]
    order += ["head", "mask"]
    deep = [0, 0, 1, 2, 3, 4, 3, 2, 1, 0, 0, 0]
    places = {}
    for row, (name, step) in enumerate(zip(order, deep, strict=True)):
        node = graph.named(name)
        assert node is not None
        places[node.id] = (144.0 * step - sizes[node.id][0] / 2, 96.0 * row)
    return places


# -- a Wasserstein GAN with convolutions (Radford et al. 2016, Arjovsky et al. 2017) -----------


def gan() -> nb.Project:
    """Two networks, and a step for each: the critic tells real from made, the generator adapts."""
    project = nb.Project()
    project.set(title="GAN")
    generator = project.add_network("generator")
    critic = project.add_network("critic")
    grow = project.add_block("grow", channels=64)
    shape: dict[str, Any] = {"kernel_size": 4, "stride": 2, "padding": 1}
    chain(
        grow,
        grow.add("netbuilder.BlockInput", name="x"),
        grow.add("torch.nn.ConvTranspose2d", name="larger", out_channels="=channels", **shape),
        norm(grow, "norm"),
        relu(grow, "relu"),
        output(grow, "y"),
    )
    shrink = project.add_block("shrink", channels=64)
    chain(
        shrink,
        shrink.add("netbuilder.BlockInput", name="x"),
        shrink.add("torch.nn.Conv2d", name="smaller", out_channels="=channels", **shape),
        shrink.add("torch.nn.LeakyReLU", name="leaky", negative_slope=0.2),
        output(shrink, "y"),
    )
    chain(
        generator,
        generator.add("netbuilder.Input", name="noise", shape=(128,)),
        generator.add("torch.nn.Linear", name="spread", out_features=4096),
        generator.add("torch.nn.Unflatten", name="image", dim=1, unflattened_size=(256, 4, 4)),
        *(use(generator, "grow", f"grow{n}", channels=c) for n, c in ((1, 128), (2, 64))),
        generator.add("torch.nn.ConvTranspose2d", name="colour", out_channels=3, **shape),
        generator.add("torch.nn.Tanh", name="tanh"),
        output(generator, "made"),
    )
    chain(
        critic,
        critic.add("netbuilder.Input", name="image", shape=(3, 32, 32)),
        *(use(critic, "shrink", f"shrink{n}", channels=32 * 2**n) for n in (1, 2, 3)),
        critic.add("torch.nn.Flatten", name="flatten"),
        critic.add("torch.nn.Linear", name="judge", out_features=1),
        output(critic, "score"),
    )
    _steps(project)
    return project


def _steps(project: nb.Project) -> None:
    judge = project.add_step("train_critic", updates=("critic",))
    call, field = "netbuilder.NetworkCall", "netbuilder.DataField"
    noise = judge.add(field, name="noise", field="noise")
    real = judge.add(field, name="real", field="image")
    made = judge.add(call, name="made", network="generator", mode="frozen")
    judge.connect(noise, made)
    means = []
    for source in (real, made):
        score = judge.add(call, name=f"score_{source.name}", network="critic")
        means.append(
            chain(judge, source, score, judge.add("torch.mean", name=f"mean_{source.name}"))
        )
    less = judge.add("torch.sub", name="less")
    judge.connect(means[0], less["input"])
    judge.connect(means[1], less["other"])
    chain(judge, less, judge.add("netbuilder.Objective", name="loss"))
    adapt = project.add_step("train_generator", updates=("generator",))
    chain(
        adapt,
        adapt.add(field, name="noise", field="noise"),
        adapt.add(call, name="made", network="generator"),
        adapt.add(call, name="score", network="critic", mode="frozen"),
        adapt.add("torch.mean", name="mean"),
        adapt.add("netbuilder.Objective", name="loss"),
    )


GAN_FIELDS: Fields = {
    "noise": TensorType((dims.symbol("N"), 128)),
    "image": TensorType((dims.symbol("N"), 3, 32, 32)),
}


# -- drawing -------------------------------------------------------------------------------------


def measured(project: nb.Project, graph: Graph, report: Report) -> Sizes:
    """Widths and heights of the nodes as they are painted."""
    scene = CanvasScene()
    scene.report = report
    scene.show_graph(project.document, graph)
    scene.settle_all()
    sizes = {id: (item.width, item.height) for id, item in scene.nodes.items()}
    scene.show_graph(None, None)
    return sizes


def draw(project: nb.Project, name: str, fields: Fields, by_hand: Mapping[str, Places]) -> None:
    """Write the pictures of a project; graphs `by_hand` are not tidied but placed so."""
    report = analyse(project.document, fields)
    errors = [problem for problem in report.problems if problem.severity == "error"]
    if errors:
        raise SystemExit(f"{name}: {errors}")
    graphs = [
        graph for kind in ("network", "block", "step") for graph in project.document.of_kind(kind)
    ]
    for graph in graphs:
        sizes = measured(project, graph, report)
        if graph.name in by_hand:
            edits.move(project.history, graph, by_hand[graph.name](graph, sizes))
        else:
            tidying.tidy(project.history, graph, sizes)
    kinds: tuple[picture.Kind, ...] = ("svg", "png")
    for kind in kinds:
        data = picture.render_all(project.document, graphs, report, kind)
        (HERE / f"{name}.{kind}").write_bytes(data)
    print(f"{name}: {sum(report.graphs[g.id].parameters for g in graphs[:1]):,} parameters")


def main() -> None:
    app = QApplication.instance() or QApplication(["netbuilder"])
    assert isinstance(app, QApplication)
    theme.apply_theme(app, "light")
    draw(resnet18(), "resnet18", {}, {})
    draw(unet(), "unet", {}, {"unet": as_u})
    draw(gan(), "gan", GAN_FIELDS, {})


if __name__ == "__main__":
    main()
