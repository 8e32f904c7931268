"""What the canvas and the form show of a use whose values count repetitions."""

from __future__ import annotations

from netbuilder.gui.canvas.face import face_of
from netbuilder.gui.inspecting.typed import refusal, worth
from netbuilder.gui.outlining.node_outline import outline
from netbuilder.layers.blocks import Block
from tests.compiler.test_index import row


def test_a_use_shows_how_its_values_count_and_its_form_takes_them() -> None:
    d = row(repeat=5)
    node = d.graph.named("row")
    assert node is not None
    face = face_of(d.document, d.graph, node, None, ())
    assert (face.subtitle, face.repeat) == ("unit, dilation 2**index", 5)
    about = outline(d.document, d.graph, [node.id])
    assert about is not None
    assert dict(about.inner_scope) == {"index": 0}
    assert about.scope == {}
    assert worth("=2**index", about.inner_scope) == "1, 2, …"
    assert refusal(Block, node.params, "repeat", "=index", about.scope)
    once = row("=1")
    node = once.graph.named("row")
    assert node is not None
    about = outline(once.document, once.graph, [node.id])
    assert about is not None
    assert about.inner_scope == {}
