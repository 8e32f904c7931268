"""Adding layers: after the selection, into wires, ranked by use, never on top of each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.gui.canvas import search
from netbuilder.gui.canvas.search import Entry
from tests.drawing import Drawing, classifier
from tests.gui.canvas_hand import Hand

KEY = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def drawing() -> Drawing:
    return Drawing()


@pytest.fixture
def hand(qapp: QApplication, drawing: Drawing) -> Iterator[Hand]:
    hand = Hand(drawing)
    yield hand
    hand.check()
    hand.close()


def named(drawing: Drawing, name: str) -> Node:
    node = drawing.graph.named(name)
    assert node is not None
    return node


def feeds(drawing: Drawing, name: str, port: str = "input") -> str | None:
    wire = drawing.graph.wire_into(named(drawing, name).id, port)
    return None if wire is None else drawing.graph.nodes[wire.source].name


def put(drawing: Drawing, **places: tuple[float, float]) -> None:
    ids = {named(drawing, name).id: place for name, place in places.items()}
    edits.move(drawing.history, drawing.graph, ids)


def add(hand: Hand, words: str, key: Qt.Key = KEY.Key_Tab) -> None:
    """By keys alone: open the list, type, take the first."""
    hand.key(key)
    assert hand.view.popup.isVisible()
    hand.type(words)
    hand.key(KEY.Key_Return)


def offered(hand: Hand) -> list[Entry]:
    model = hand.view.popup.model
    return [model.index(row, 0).data(Qt.ItemDataRole.UserRole) for row in range(model.rowCount())]


def apart(hand: Hand) -> bool:
    """Whether no node covers another."""
    boxes = [node.box for node in hand.view.canvas.nodes.values()]
    return not any(a.meets(b) for a, b in combinations(boxes, 2))


@pytest.mark.parametrize("key", [KEY.Key_Tab, KEY.Key_Space])
@pytest.mark.parametrize("flow", ["down", "right"])
def test_a_chain_is_typed(hand: Hand, drawing: Drawing, key: Qt.Key, flow: str) -> None:
    edits.set_project(drawing.history, flow=flow)
    hand.view.setFocus()
    for words in ("input", "conv2d", "relu", "flatten", "linear", "output"):
        add(hand, words, key)
    chain = ["input", "conv2d", "relu", "flatten", "linear", "output"]
    assert [node.name for node in drawing.graph.ordered()] == chain
    assert [feeds(drawing, name) for name in chain[1:]] == chain[:-1]
    assert apart(hand)
    items = [hand.view.canvas.nodes[node.id] for node in drawing.graph.ordered()]
    along = [item.box.top if flow == "down" else item.box.left for item in items]
    assert along == sorted(along)
    for wire in hand.view.canvas.wires.values():
        assert wire.course is not None
        (x1, y1), (x2, y2) = wire.course.points[0], wire.course.points[-1]
        assert (x1 == x2) if flow == "down" else (y1 == y2), "a chain runs straight"


def test_after_a_node_that_feeds_others_it_goes_in_between(hand: Hand, drawing: Drawing) -> None:
    conv = drawing.add("Conv2d", drawing.input(1, 8, 8, name="image"), name="conv")
    relu = drawing.add("ReLU", conv, name="relu")
    drawing.add("torch.add", relu, conv, name="sum")
    put(drawing, image=(0, 0), conv=(0, 96), relu=(0, 192), sum=(0, 288))
    before = drawing.document.copy()
    hand.click(hand.node(conv))
    hand.key(KEY.Key_Tab)
    assert hand.view.popup.words.text() == "After conv · Shift+Enter: beside what follows"
    hand.type("batchnorm2d")
    hand.key(KEY.Key_Return)
    assert feeds(drawing, "batch_norm2d") == "conv"
    assert feeds(drawing, "relu") == "batch_norm2d"
    assert feeds(drawing, "sum", "other") == "batch_norm2d"
    assert apart(hand), "what follows makes room"
    drawing.history.undo()
    hand.check()
    assert drawing.document == before


def test_shift_enter_adds_beside_what_follows(hand: Hand, drawing: Drawing) -> None:
    conv = drawing.add("Conv2d", drawing.input(1, 8, 8, name="image"), name="conv")
    drawing.add("ReLU", conv, name="relu")
    put(drawing, image=(0, 0), conv=(0, 96), relu=(0, 192))
    hand.click(hand.node(conv))
    hand.key(KEY.Key_Tab)
    hand.type("batchnorm2d")
    hand.key(KEY.Key_Return, SHIFT)
    assert feeds(drawing, "batch_norm2d") == "conv"
    assert feeds(drawing, "relu") == "conv"
    assert apart(hand)
    beside, relu = (
        hand.view.canvas.nodes[named(drawing, name).id].box for name in ("batch_norm2d", "relu")
    )
    assert beside.left > relu.right, "at the right of what follows"
    assert beside.top == relu.top


def test_several_selected_nodes_feed_one(hand: Hand, drawing: Drawing) -> None:
    one, two = drawing.input(4, name="one"), drawing.input(4, name="two")
    put(drawing, one=(0, 0), two=(256, 0))
    hand.click(hand.node(one))
    hand.click(hand.node(two), SHIFT)
    add(hand, "concat")
    assert [feeds(drawing, "cat", f"tensors_{n}") for n in (0, 1)] == ["one", "two"]
    assert apart(hand)


def test_the_end_of_a_chain_comes_before_what_skips_it(hand: Hand, drawing: Drawing) -> None:
    hand.view.setFocus()
    for words in ("input", "conv2d", "relu"):
        add(hand, words)
    put(drawing, input=(named(drawing, "input").x - 320, named(drawing, "input").y))
    hand.settle()
    hand.view.select([named(drawing, name).id for name in ("input", "relu")])
    add(hand, "add")
    assert [feeds(drawing, "add", port) for port in ("input", "other")] == ["relu", "input"]
    items = hand.view.canvas.nodes
    chain = [items[named(drawing, name).id] for name in ("relu", "add")]
    assert chain[0].port(True, "output")[0] == chain[1].port(False, "input")[0]  # type: ignore[index]


def test_a_loss_takes_what_the_network_says_first(qapp: QApplication) -> None:
    drawing = classifier()
    step = drawing.graph = drawing.document.of_kind("step")[0]
    edits.delete(drawing.history, step, [named(drawing, "cross_entropy").id])
    put(drawing, image=(0, 0), label=(256, 0), main=(0, 96), loss=(0, 400))
    hand = Hand(drawing)
    hand.click(hand.node(named(drawing, "label")))
    hand.click(hand.node(named(drawing, "main")), SHIFT)
    add(hand, "crossentropy")
    loss = "cross_entropy_loss"
    assert [feeds(drawing, loss, port) for port in ("input", "target")] == ["main", "label"]
    assert apart(hand)
    hand.close()


@pytest.mark.parametrize(("words", "title"), [("accuracy", "accuracy"), ("mseloss", "mse_loss")])
def test_metrics_and_losses_go_beside_each_other(
    qapp: QApplication, words: str, title: str
) -> None:
    drawing = classifier()
    drawing.graph = drawing.document.of_kind("step")[0]
    places = {node.id: (0.0, 96.0 * n) for n, node in enumerate(drawing.graph.ordered())}
    edits.move(drawing.history, drawing.graph, places)
    hand = Hand(drawing)
    hand.click(hand.node(named(drawing, "main")))
    add(hand, words)
    assert feeds(drawing, "cross_entropy") == "main"
    fed = {
        drawing.graph.nodes[w.target].name
        for w in drawing.graph.wires_out_of(named(drawing, "main").id)
    }
    assert any(title in name for name in fed)
    assert apart(hand)
    hand.close()


def test_nodes_added_at_the_mouse_do_not_cover_each_other(hand: Hand, drawing: Drawing) -> None:
    for number in range(5):
        hand.view.select(())
        hand.double_click(hand.pixel(400 + 8 * number, 300))
        if not hand.view.popup.isVisible():
            hand.view.start_add(hand.view.mapToScene(hand.pixel(400, 300)))
        hand.type("dropout")
        hand.key(KEY.Key_Return)
    assert len(drawing.graph.nodes) == 5
    assert apart(hand)
    assert not drawing.graph.wires


def test_the_view_does_not_jump_under_the_mouse(hand: Hand, drawing: Drawing) -> None:
    corner = hand.view.mapToScene(QPoint(0, 0))
    hand.double_click(QPoint(300, 40))
    hand.type("dropout")
    hand.key(KEY.Key_Return)
    assert hand.view.mapToScene(QPoint(0, 0)) == corner
    hand.view.centerOn(3000, 3000)
    add(hand, "relu")
    box = hand.view.canvas.nodes[named(drawing, "relu").id].box
    seen = hand.view.mapToScene(hand.view.viewport().rect()).boundingRect()
    assert seen.contains(QPointF(box.left, box.top)), "what is added elsewhere is shown"


def test_a_wire_dropped_in_space_ends_at_the_new_nodes_port(hand: Hand, drawing: Drawing) -> None:
    image = drawing.input(1, 8, 8, name="image")
    hand.drag(hand.port(image, "output", output=True), hand.pixel(304, 304))
    assert hand.view.popup.words.text() == "After image"
    hand.type("conv2d")
    hand.key(KEY.Key_Return)
    assert hand.view.canvas.nodes[named(drawing, "conv2d").id].port(False, "input") == (304, 304)


def test_what_is_used_most_comes_first(hand: Hand, drawing: Drawing) -> None:
    hand.view.setFocus()
    hand.key(KEY.Key_Tab)
    first = offered(hand)[0].title
    assert first != "GELU"
    hand.key(KEY.Key_Escape)
    for _ in range(3):
        hand.view.select(())
        add(hand, "gelu")
    hand.view.select(())
    hand.key(KEY.Key_Tab)
    assert offered(hand)[0].title == "GELU"
    hand.key(KEY.Key_Escape)


def test_favourites_come_before_what_is_used(hand: Hand, drawing: Drawing) -> None:
    hand.view.favourites = ("torch.nn.Tanh",)
    hand.view.used["torch.nn.GELU"] = 20
    hand.view.setFocus()
    hand.key(KEY.Key_Tab)
    assert [entry.title for entry in offered(hand)[:2]] == ["Tanh", "GELU"]
    hand.type("linear")
    assert offered(hand)[0].title == "Linear", "what is typed counts more"
    hand.key(KEY.Key_Escape)


def test_the_list_fits_into_a_low_canvas(hand: Hand, drawing: Drawing) -> None:
    hand.view.resize(700, 220)
    hand.settle()
    hand.view.setFocus()
    hand.key(KEY.Key_A, SHIFT)
    popup = hand.view.popup
    assert popup.isVisible()
    assert popup.geometry().bottom() < hand.view.height()
    assert popup.list.height() > 60
    hand.key(KEY.Key_Escape)


def test_nothing_that_matches_is_said(hand: Hand, drawing: Drawing) -> None:
    hand.view.setFocus()
    hand.key(KEY.Key_Tab)
    hand.type("xyzzy")
    popup = hand.view.popup
    assert popup.words.text() == "Nothing called “xyzzy” fits here."
    hand.key(KEY.Key_Return)
    assert popup.isVisible()
    hand.key(KEY.Key_Escape)
    assert not popup.isVisible()
    assert hand.view.hasFocus()


def test_what_does_not_fit_the_shape_comes_last_and_says_why(hand: Hand, drawing: Drawing) -> None:
    image = drawing.input(16, name="vector")
    shape = TensorReport(("N", 16), "float32", "N×16")
    nodes = {image.id: NodeReport(outputs={"output": shape})}
    hand.view.set_report(Report((), {drawing.graph.id: GraphReport(nodes)}))
    hand.drag(hand.port(image, "output", output=True), hand.pixel(300, 300))
    hand.type("linear")
    assert offered(hand)[0].doubt == ""
    for _ in "linear":
        hand.key(KEY.Key_Backspace)
    hand.type("max")
    doubts = [bool(entry.doubt) for entry in offered(hand)]
    assert doubts == sorted(doubts)
    titles = [entry.title for entry in offered(hand) if entry.doubt]
    assert "MaxPool2d" in titles
    assert not doubts[0]
    hand.key(KEY.Key_Escape)


def test_blocks_of_the_project_are_offered_but_not_inside_themselves(drawing: Drawing) -> None:
    network = drawing.graph
    inner, outer = drawing.add_graph("block", "inner"), drawing.add_graph("block", "outer")
    drawing.graph = outer
    drawing.add("netbuilder.Block", block="inner", name="part")
    found = {graph.name: _blocks(drawing, graph.id) for graph in (network, inner, outer)}
    assert found["main"] == {"Block inner": "", "Block outer": ""}
    refusal = "A block can't hold itself."
    assert found["inner"] == {"Block inner": refusal, "Block outer": refusal}
    assert found["outer"] == {"Block inner": "", "Block outer": refusal}


def _blocks(drawing: Drawing, graph: str) -> dict[str, str]:
    entries = search.entries(drawing.document, drawing.document.graph(graph))
    return {e.title: e.refusal for e in entries if e.layer == "netbuilder.Block"}


def test_a_block_is_added_with_its_ports(hand: Hand, drawing: Drawing) -> None:
    network = drawing.graph
    block = drawing.add_graph("block", "stage")
    x = drawing.add("netbuilder.BlockInput", name="x")
    drawing.output(drawing.add("ReLU", x), name="y")
    drawing.graph = network
    image = drawing.input(1, 8, 8, name="image")
    hand.view.set_graph(drawing.document, drawing.history, network)
    hand.view.set_zoom(1.0)
    hand.click(hand.node(image))
    add(hand, "stage")
    (node,) = [n for n in network.nodes.values() if n.layer == "netbuilder.Block"]
    assert node.params == {"block": block.name}
    assert node.name == "stage"
    assert feeds(drawing, "stage", "x") == "image"
