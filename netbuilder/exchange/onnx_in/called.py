"""What the author of a file called a node, where that says more than its operator does."""

from __future__ import annotations

import re
from collections.abc import Iterable

import onnx
from torch import Tensor

from netbuilder.exchange.bring.traced import traced_name
from netbuilder.exchange.onnx_in.ops import Call
from netbuilder.exchange.onnx_in.values import Value

MOST = 60
"""Letters of a name that are taken over."""
_COUNTED = re.compile(r"(?:node_.*|(?:n|op)?_?\d+)", re.DOTALL)


def is_counted(name: str) -> bool:
    """Whether an exporter made a name up: `node_linear_3`, `12`."""
    return _COUNTED.fullmatch(name) is not None


def name(call: Call) -> str:
    """A name for the node that a call becomes; empty where an exporter made it up.

    `Relu_3`, `/layer1/layer1.0/Add_1` and `node_relu_3` say what the operator says, and `12` or
    the name of a value nothing.
    """
    given = call.name
    operator = rf"(?<![A-Za-z]){re.escape(call.op.rpartition('.')[2])}(?![a-z])"
    if given in call.outputs or _COUNTED.fullmatch(given) or re.search(operator, given):
        return ""
    return re.sub(r"[./:]+", "_", given.strip("/"))[:MOST]


_SCOPES, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"


def layer(node: onnx.NodeProto) -> tuple[str, str]:
    """The layer of torch.nn that PyTorch's exporter says a node is of, and its class.

    `("encoder.0.norm", "LayerNorm")`; empty for what is of none. What weights are called tells
    less: those that are alike are in the file once, under the first one's name.
    """
    told = {each.key: each.value for each in node.metadata_props if each.key in (_SCOPES, _CLASSES)}
    paths, kinds = (_LIST.findall(told.get(key, "")) for key in (_SCOPES, _CLASSES))
    known = len(paths) > 1 and kinds[-2:-1] and kinds[-2].startswith("torch.nn.modules.")
    return (paths[-2], kinds[-2].rpartition(".")[2]) if known else ("", "")


_LIST = re.compile(r"'([^']*)'")


class Heard:
    """What the values of a graph are called, by their names in the graph that is traced.

    No dict, since `torch.export` sets a module's own dicts back when it has traced it.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def note(self, call: Call, made: Iterable[Value]) -> None:
        """Note the values of a call.

        A value that is handed on as it is keeps the name of the call that made it.
        """
        wanted = name(call)
        for value in made:
            if wanted and isinstance(value, Tensor) and (traced := traced_name(value)):
                self.names.setdefault(traced, wanted)
