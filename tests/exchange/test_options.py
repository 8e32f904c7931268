"""What is asked of an export is one value, whoever asks: it refuses what a format does not have."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest

from netbuilder import api
from netbuilder.cli.parser import build
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.options import ANSWERS, FORMATS, ExportOptions
from netbuilder.exchange.smaller.precisions import PRECISIONS
from netbuilder.gui.asking import export_dialog

CHOSEN: dict[str, Any] = {
    "opset": 18,
    "prepared": "class",
    "precision": "int8",
    "per_node": True,
}


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("name", CHOSEN)
def test_what_a_format_does_not_have_is_refused(to: str, name: str) -> None:
    chosen = {name: CHOSEN[name]}
    if name in FORMATS[to]:
        options = ExportOptions(to, "main", **chosen)
        assert ExportOptions.from_json({"out": "x", **options.to_json()}) == options
        return
    with pytest.raises(NetbuilderError, match=f"^{to} ") as caught:
        ExportOptions(to, **chosen)
    assert caught.value.hint == "Choose onnx or pt2." if name == "prepared" else "Choose onnx."


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"to": "h5"}, "no format 'h5'"),
        ({}, "no format ''"),
        ({"to": "onnx", "prepared": "words"}, "can't answer with 'words'"),
        ({"to": "onnx", "precision": "int2"}, "no precision 'int2'"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(params: dict[str, Any], words: str) -> None:
    with pytest.raises(NetbuilderError, match=words) as caught:
        ExportOptions.from_json(params)
    assert caught.value.hint.startswith("There are: ")


def test_every_way_in_offers_the_same() -> None:
    """Window, command and Python know the formats, answers and precisions that there are."""
    assert list(export_dialog.TITLES) == list(FORMATS)
    assert {*export_dialog.VALUES} == {None, *ANSWERS}
    assert {*export_dialog.PRECISIONS} == {None, *PRECISIONS}
    hints = get_type_hints(api.export_onnx)
    for name, known in (("prepared", ANSWERS), ("precision", tuple(PRECISIONS))):
        literal = next(each for each in get_args(hints[name]) if get_args(each))
        assert set(get_args(literal)) == set(known)
    words = ["export", "a", "--to", "onnx", "-o", "b", "--per-node", "--prepared", "--opset", "18"]
    found = ExportOptions.from_json(vars(build().parse_args(words)))
    assert found == ExportOptions("onnx", None, 18, "probabilities", None, True)
