"""Fixes that need the graph: each is applied and the project is right afterwards."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.report import Report
from netbuilder.errors import Fix, Problem
from netbuilder.graph import edits, fixes
from netbuilder.graph.layout import NODE_SIZE
from netbuilder.graph.model import Node
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import ports_of
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing, classifier

N = symbol("N")
FIELDS = {
    "image": TensorType((N, 1, 8, 8)),
    "label": TensorType((N,), "int64", high=10),
}


def report(d: Drawing) -> Report:
    return analyse(d.document, FIELDS)


def problem(d: Drawing, node: Node) -> Problem:
    (found,) = [p for p in report(d).problems if p.node == node.id and p.severity == "error"]
    return found


def shape(d: Drawing, node: Node) -> str:
    return report(d).graphs[d.graph.id].nodes[node.id].outputs["output"].text


def apply(d: Drawing, fix: Fix) -> None:
    """Do it, and see that the project is right and nothing lies on anything else."""
    fixes.apply_fix(d.history, fix, ports_of)
    assert report(d).ok, [p.message for p in report(d).problems]
    nodes = [node for node in d.graph.nodes.values() if node.layer != "netbuilder.Input"]
    if fix.operation.startswith("insert"):
        for one in nodes:
            for other in nodes:
                apart = abs(one.x - other.x) >= NODE_SIZE[0] or abs(one.y - other.y) >= NODE_SIZE[1]
                assert one is other or apart, (one.name, other.name)


def column(d: Drawing) -> None:
    """The nodes below one another, as a person draws them."""
    places = {n.id: (0.0, 96.0 * rank) for rank, n in enumerate(d.graph.ordered())}
    edits.move(d.history, d.graph, places)


def residual(
    *, channels: int, stride: int, norm: bool, sizes: tuple[int | str, ...]
) -> tuple[Drawing, Node]:
    """A skip around a convolution that changes channels and sizes."""
    d = Drawing()
    x = d.input(*sizes)
    spatial = len(sizes) - 1
    conv = f"Conv{spatial}d"
    stem = d.add(conv, x, name="stem", out_channels=8, kernel_size=1)
    y = d.add(
        conv, stem, name="conv", out_channels=channels, kernel_size=3, padding=1, stride=stride
    )
    if norm:
        y = d.add(f"BatchNorm{spatial}d", y, name="norm")
    total = d.add("torch.add", y, stem, name="sum")
    d.output(total)
    column(d)
    return d, total


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(3, 16, 15), (3, 32), (3, "H", "W")])
def test_a_skip_is_projected(sizes: tuple[int | str, ...], stride: int, norm: bool) -> None:
    d, total = residual(channels=12, stride=stride, norm=norm, sizes=sizes)
    offered = problem(d, total).fixes
    assert len(offered) == 1 + norm
    assert all(fix.arguments["port"] == "other" for fix in offered)
    before = dict(d.graph.nodes)
    apply(d, offered[0])
    assert shape(d, total).startswith("N×12×")
    new = [node for id, node in d.graph.nodes.items() if id not in before]
    assert [node.layer.rpartition(".")[2][:4] for node in new] == ["Conv", "Batc"][: 1 + norm]
    assert new[0].params.get("bias", True) is not norm
    d.history.undo()
    assert dict(d.graph.nodes) == before


def test_the_skip_is_found_whichever_port_it_takes() -> None:
    d = Drawing()
    x = d.input(4, 8, 8)
    y = d.add("Conv2d", x, out_channels=6, kernel_size=1)
    total = d.add("torch.add", x, y)
    d.output(total)
    column(d)
    (fix,) = problem(d, total).fixes
    assert fix.arguments["port"] == "input"
    apply(d, fix)


def test_of_two_branches_either_is_projected() -> None:
    d = Drawing()
    x = d.input(4, 8, 8)
    left = d.add("Conv2d", x, out_channels=6, kernel_size=1)
    right = d.add("Conv2d", x, out_channels=5, kernel_size=1)
    total = d.add("torch.add", left, right)
    d.output(total)
    column(d)
    offered = problem(d, total).fixes
    assert [fix.arguments["port"] for fix in offered] == ["input", "other"]
    for fix in offered:
        apply(d, fix)
        d.history.undo()


def test_rows_and_sequences_are_projected_by_a_linear() -> None:
    for sizes in ((8,), ("T", 8)):
        d = Drawing()
        x = d.input(*sizes)
        y = d.add("Linear", x, out_features=5)
        total = d.add("torch.add", y, x)
        d.output(total)
        column(d)
        (fix,) = problem(d, total).fixes
        assert fix.arguments["layer"] == "torch.nn.Linear"
        apply(d, fix)


def test_an_expression_of_the_branch_is_the_projections_too() -> None:
    d = Drawing()
    main = d.graph
    d.add_graph("block", "unit", parameters=({"name": "channels", "default": 8, "help": ""},))
    x = d.add("netbuilder.BlockInput", name="x")
    y = d.add("Conv2d", x, out_channels="=2*channels", kernel_size=1)
    total = d.add("torch.add", d.add("ReLU", y), x, name="sum")
    d.output(total)
    block = d.graph
    d.graph = main
    call = d.add("netbuilder.Block", d.input(4, 8, 8), block="unit")
    d.output(call)
    found = [p for p in report(d).problems if p.node == total.id]
    (fix,) = found[0].fixes
    assert fix.arguments["params"]["out_channels"] == "=2*channels"
    fixes.apply_fix(d.history, fix, ports_of)
    assert report(d).ok
    assert block.wire_into(total.id, "other") is not None


@pytest.mark.parametrize("join", ["torch.add", "torch.cat"])
@pytest.mark.parametrize("sizes", [(4, 16, 16), (4, "H", "W")])
def test_windows_get_the_padding_that_is_missing(join: str, sizes: tuple[int | str, ...]) -> None:
    d = Drawing()
    x = d.input(*sizes)
    y = d.add("Conv2d", x, name="a", out_channels=4, kernel_size=3)
    y = d.add("Conv2d", d.add("ReLU", y), name="b", out_channels=4, kernel_size=5)
    total = d.add(join, y, x, **({"dim": 1} if join == "torch.cat" else {}))
    d.output(total)
    column(d)
    fix = problem(d, total).fixes[0]
    assert fix.title == "Pad 2 layers so that sizes stay"
    apply(d, fix)
    paddings = [node.params.get("padding") for node in d.graph.ordered()]
    assert [p for p in paddings if p] == [1, 2]


def test_padding_comes_before_another_dim_to_join_along() -> None:
    d = Drawing()
    x = d.input(4, 16)
    y = d.add("Conv1d", x, name="a", out_channels=4, kernel_size=3)
    total = d.add("torch.cat", y, x, dim=1)
    d.output(total)
    titles = [fix.title for fix in problem(d, total).fixes]
    assert titles == ["Pad a so that sizes stay", "Set dim to 2"]


def test_padding_is_not_offered_where_it_would_not_do() -> None:
    d = Drawing()
    x = d.input(4, 16, 16)
    y = d.add("Conv2d", d.add("MaxPool2d", x, kernel_size=2), out_channels=4, kernel_size=3)
    total = d.add("torch.cat", y, x, dim=1)
    d.output(total)
    column(d)
    (fix,) = problem(d, total).fixes
    assert fix.title == "Average 'tensors_1' down to 6×6"
    apply(d, fix)


def test_channels_last_is_permuted_and_a_picture_flattened() -> None:
    d = Drawing()
    first, last = d.input(3, 8, 6), d.input(8, 6, 3)
    total = d.add("torch.add", first, last)
    d.output(total)
    column(d)
    fix = problem(d, total).fixes[0]
    assert fix.title == "Permute 'other' to (0, 3, 1, 2)"
    apply(d, fix)
    d = Drawing()
    total = d.add("torch.mul", d.input(3, 4), d.input(12))
    d.output(total)
    column(d)
    (fix,) = problem(d, total).fixes
    assert fix.title == "Flatten 'input'"
    apply(d, fix)


def test_the_last_layer_gets_an_output_for_each_class() -> None:
    d = classifier()
    head = d.graph.named("head")
    assert head is not None
    edits.set_parameters(d.history, d.graph, [head.id], {"out_features": 7})
    step = d.document.of_kind("step")[0]
    entropy = step.named("cross_entropy")
    assert entropy is not None
    (fix,) = problem(d, entropy).fixes
    assert fix.title == "Set out_features of head to 10"
    apply(d, fix)


def random_branches(chance: random.Random) -> tuple[Drawing, Node]:
    """A branch of windows around a skip, of random sizes, that are added or joined."""
    d = Drawing()
    rank = chance.choice((1, 2))
    sizes = [chance.choice((chance.randint(9, 20), "H", "W")) for _ in range(rank)]
    start = d.input(chance.randint(1, 4), *sizes)
    stem = d.add(f"Conv{rank}d", start, out_channels=chance.randint(1, 4), kernel_size=1)
    x = stem
    for _ in range(chance.randint(1, 4)):
        kernel = chance.choice((1, 3, 3, 5))
        window = {"kernel_size": kernel, "stride": chance.choice((1, 1, 1, 2))}
        window["padding"] = chance.choice((0, kernel // 2))
        match chance.randrange(4):
            case 0:
                x = d.add("ReLU", x)
            case 1:
                x = d.add(f"BatchNorm{rank}d", x)
            case 2:
                x = d.add(f"MaxPool{rank}d", x, **window)
            case _:
                x = d.add(f"Conv{rank}d", x, out_channels=chance.randint(1, 4), **window)
    if chance.random() < 0.3:
        x = d.add(f"BatchNorm{rank}d", x)
    ends = [x, stem] if chance.random() < 0.5 else [stem, x]
    join = chance.choice(("torch.add", "torch.mul", "torch.cat"))
    meeting = d.add(join, *ends, **({"dim": 1} if join == "torch.cat" else {}))
    d.output(meeting)
    column(d)
    return d, meeting


def test_whatever_is_offered_mends() -> None:
    chance = random.Random(5)
    tried: Counter[str] = Counter()
    for _ in range(200):
        d, meeting = random_branches(chance)
        found = [p for p in report(d).problems if p.node == meeting.id and p.severity == "error"]
        for fix in found[0].fixes if found else ():
            before = d.document.copy()
            fixes.apply_fix(d.history, fix, ports_of)
            left = [p for p in report(d).problems if p.node == meeting.id]
            # Where sizes and channels differ, the padding comes first and a projection next.
            next_ = left[:1] if fix.title.startswith("Pad ") else []
            assert left == next_, (fix.title, found[0].message)
            for other in next_:
                assert other.message != found[0].message
                assert any(f.title.startswith("Project") for f in other.fixes)
            tried[fix.title.split("'")[0]] += 1
            d.history.undo()
            assert d.document == before
    assert tried["Project the skip"] > 10
    assert tried["Project the skip, normalised"] > 3
    assert sum(count for title, count in tried.items() if title.startswith("Pad ")) > 3
    assert tried["Average "] > 0
