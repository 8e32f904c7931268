"""Numbers that are equal and of other kinds: 0 is not 0.0 where a dtype follows from it."""

from __future__ import annotations

import pytest

from netbuilder.compiler.analyse import analyse
from tests.drawing import Drawing


@pytest.mark.parametrize(
    ("one", "other"), [(7.0, 7), (True, 1), ((2.0, 3.0), (2, 3)), (((4.0,),), ((4,),))]
)
def test_constants_of_equal_numbers_have_dtypes_of_their_own(one: object, other: object) -> None:
    d = Drawing()
    d.output(d.input(1))
    nodes = [d.add("torch.tensor", data=data) for data in (one, other)]
    for node in nodes:
        d.output(node)
    report = analyse(d.document, {}).graphs[d.graph.id].nodes
    dtypes = [report[node.id].outputs["output"].dtype for node in nodes]
    assert dtypes == ["bool" if one is True else "float32", "int64"]
