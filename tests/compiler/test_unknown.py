"""What is said of a node whose layer is not known tells what a person can do about it."""

from __future__ import annotations

import pytest

from netbuilder.compiler import own_files
from netbuilder.graph.document import Document
from netbuilder.graph.model import Node


@pytest.mark.parametrize(
    ("layer", "said", "hint"),
    [
        ("onnx.If", "stands for 'onnx.If' of the model that was imported", "Draw what it does"),
        ("aten.foo", "stands for 'aten.foo' of the model that was imported", "Draw what it does"),
        ("mylib.Swish", "this netbuilder does not know", "Install what provides it"),
        ("onnxlib.Swish", "this netbuilder does not know", "Install what provides it"),
    ],
)
def test_what_is_not_known_and_what_to_do(layer: str, said: str, hint: str) -> None:
    why, what = own_files.unknown(Document(), Node(id="n1", layer=layer, name="branch"))
    assert said in why
    assert "'branch'" in why
    assert what.startswith(hint)
