"""The table of functions names layers that are there, with parameters that they have."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from netbuilder.exchange import bring
from netbuilder.exchange.bring import drawing, functions
from netbuilder.layers import catalogue

_ID = re.compile(r"(torch|netbuilder)(\.[A-Za-z_][A-Za-z0-9_]*)+\Z")
USUAL = """
add sub mul div pow matmul bmm cat stack split chunk unbind reshape flatten permute transpose
squeeze unsqueeze expand select slice index gather masked_fill where mean sum amax max argmax
std var softmax log_softmax relu gelu silu sigmoid tanh linear conv2d conv_transpose2d
max_pool2d avg_pool2d adaptive_avg_pool2d batch_norm layer_norm group_norm embedding dropout pad
upsample_bilinear2d scaled_dot_product_attention lstm gru clamp exp log sqrt abs cumsum topk
sort einsum tril triu arange zeros ones full
"""
"""Functions by their names in ATen."""
_STARTS = frozenset(prefix.rstrip(".") for prefix in functions.PREFIXES)
_NO_LAYERS = ("torch.nn.modules", "torch.ops", "netbuilder.exchange")
_PACKAGES = frozenset({"torch.nn", "torch.nn.functional", "torch.fft"})


def named() -> set[str]:
    """Every text of the package that looks like the id of a layer."""
    found = set()
    for path in Path(bring.__path__[0]).glob("*.py"):
        tree = ast.parse(path.read_text())
        # Parts of texts that are put together are no ids yet.
        parts = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in parts else None
            if isinstance(text, str) and _ID.match(text) and text not in _STARTS:
                found.add(text)
    return {id for id in found - _PACKAGES if not id.startswith(_NO_LAYERS)}


def test_every_layer_that_is_named_is_there() -> None:
    ids = named()
    assert len(ids) > 25
    assert [id for id in sorted(ids) if id not in catalogue.layers()] == []


@pytest.mark.parametrize("name", sorted(functions.ALIASES))
def test_every_alias_leads_to_a_layer(name: str) -> None:
    assert functions.layer_of(name) in catalogue.layers()


def test_the_functions_that_networks_use_most_have_layers() -> None:
    missing = []
    for name in USUAL.split():
        if name in functions.RULES:
            continue
        try:
            functions.layer_of(name)
        except functions.Unsupported:
            missing.append(name)
    assert missing == []
    assert drawing.RULES
