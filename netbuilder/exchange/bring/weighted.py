"""Functions that take weights (`F.linear(x, w, b)`) as layers that hold them."""

from __future__ import annotations

from collections.abc import Mapping

from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.functions import (
    Unsupported,
    only_output,
    put,
    rule,
    value,
    with_defaults,
)
from netbuilder.exchange.bring.program import Operation, Program, Ref
from netbuilder.graph.model import Json
from netbuilder.layers import catalogue

HELD = ("weight", "bias", "running_mean", "running_var")


def held(operation: Operation, program: Program, names: Mapping[str, str]) -> dict[str, str]:
    """The keys of tensors given for arguments, by the layer's names for them."""
    found = {}
    for name, given in operation.args.items():
        if name not in names or given is None:
            continue
        if not isinstance(given, Ref) or given.name not in program.states:
            raise Unsupported(f"the {name} of {operation.shown} is worked out, not held")
        found[names[name]] = program.states[given.name].key
    return found


def layer(
    operation: Operation,
    program: Program,
    id: str,
    settings: Mapping[str, Json],
    names: Mapping[str, str] | None = None,
    source: str = "input",
) -> DraftNode:
    """A node of a layer that holds the operation's weights."""
    kind = catalogue.find(id)
    if kind is None:
        raise Unsupported(f"there is no layer {id}")
    node = DraftNode(id, "", {}, {kind.inputs[0].name: value(operation, source)})
    node.states = held(operation, program, names or {name: name for name in HELD})
    for name, given in settings.items():
        if given is not None and name in kind.model_fields:
            put(node, kind, name, given)
    return only_output(operation, node)


def shape(node_key: str, program: Program) -> tuple[int, ...]:
    """The shape of a tensor that is held."""
    tensor = program.tensors.get(node_key)
    if tensor is None:
        raise Unsupported(f"the tensor '{node_key}' is missing")
    return tuple(tensor.shape)


def _weight(operation: Operation, program: Program) -> tuple[int, ...]:
    keys = held(operation, program, {"weight": "weight"})
    if "weight" not in keys:
        raise Unsupported(f"{operation.shown} has no weight")
    return shape(keys["weight"], program)


def _has(operation: Operation, name: str) -> bool:
    return operation.args.get(name) is not None


@rule("linear")
def linear(operation: Operation, program: Program) -> DraftNode:
    """`x @ weight.T + bias`."""
    weight = _weight(operation, program)
    if len(weight) != 2:
        raise Unsupported("a weight of one dim")
    settings = {"out_features": weight[0], "bias": _has(operation, "bias")}
    return layer(operation, program, "torch.nn.Linear", settings)


@rule("bilinear")
def bilinear(operation: Operation, program: Program) -> DraftNode:
    """Two inputs and a weight for each pair of their features."""
    settings = {"out_features": _weight(operation, program)[0], "bias": _has(operation, "bias")}
    node = layer(operation, program, "torch.nn.Bilinear", settings, None, "input1")
    node.inputs = {name: value(operation, name) for name in ("input1", "input2")}
    return node


def _dims(given: object, count: int) -> object:
    """A size for every dim, however many stand in the call."""
    if isinstance(given, tuple) and len(given) == 1:
        return given * count
    return given


@rule("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d", "conv_transpose2d")
def convolution(operation: Operation, program: Program) -> DraftNode:
    """Convolutions and transposed ones, of any number of dims."""
    weight, given = _weight(operation, program), with_defaults(operation)
    rank = len(weight) - 2
    transposed = "transpose" in operation.base or given.get("transposed") is True
    groups = given.get("groups", 1)
    if not isinstance(groups, int) or not 1 <= rank <= 3:
        raise Unsupported("a convolution of unknown rank")
    settings: dict[str, Json] = {
        "out_channels": weight[1] * groups if transposed else weight[0],
        "kernel_size": weight[2:],
        "bias": _has(operation, "bias"),
        "groups": groups,
    }
    for name in ("stride", "padding", "dilation", "output_padding"):
        if name in given and (transposed or name != "output_padding"):
            settings[name] = _dims(given[name], rank)
    kind = f"torch.nn.Conv{'Transpose' if transposed else ''}{rank}d"
    return layer(operation, program, kind, settings)


rule("conv_transpose3d")(convolution)


@rule("embedding")
def embedding(operation: Operation, program: Program) -> DraftNode:
    """A row of the weight for each id."""
    count, size = _weight(operation, program)
    settings: dict[str, Json] = {"num_embeddings": count, "embedding_dim": size}
    padding = operation.args.get("padding_idx", -1)
    if isinstance(padding, int) and padding >= 0:
        settings["padding_idx"] = padding
    return layer(operation, program, "torch.nn.Embedding", settings, None, "indices")


_BATCH_NORMS = (
    "batch_norm",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
    "native_batch_norm",
    "_batch_norm_no_update",
    "cudnn_batch_norm",
)


@rule(*_BATCH_NORMS)
def batch_norm(operation: Operation, program: Program) -> DraftNode:
    """Statistics of the batch in training, running ones afterwards."""
    rank = len(program.types[value(operation, "input")].shape)
    tracked = _has(operation, "running_mean")
    settings: dict[str, Json] = {
        "eps": operation.args.get("eps", 1e-5),
        "affine": _has(operation, "weight"),
        "track_running_stats": tracked,
        "momentum": operation.args.get("momentum", 0.1),
    }
    if _has(operation, "weight") and not _has(operation, "bias"):
        settings["bias"] = False
    number = {4: "2d", 5: "3d"}.get(rank, "1d")
    return layer(operation, program, f"torch.nn.BatchNorm{number}", settings)


@rule("instance_norm")
def instance_norm(operation: Operation, program: Program) -> DraftNode:
    """Each channel of each sample on its own."""
    rank = len(program.types[value(operation, "input")].shape)
    settings: dict[str, Json] = {
        "eps": operation.args.get("eps", 1e-5),
        "affine": _has(operation, "weight"),
        "track_running_stats": _has(operation, "running_mean"),
    }
    return layer(operation, program, f"torch.nn.InstanceNorm{max(1, rank - 2)}d", settings)


@rule("layer_norm", "native_layer_norm", "rms_norm")
def layer_norm(operation: Operation, program: Program) -> DraftNode:
    """Over the last dims, with or without learnt scales."""
    dims = operation.args.get("normalized_shape")
    if not isinstance(dims, tuple) or not all(isinstance(size, int) for size in dims):
        raise Unsupported("a layer norm over a size that varies")
    affine = _has(operation, "weight")
    settings: dict[str, Json] = {"elementwise_affine": affine}
    if len(dims) > 1:
        settings["normalized_shape"] = dims
    rms = operation.base == "rms_norm"
    eps = operation.args.get("eps", None if rms else 1e-5)
    if eps is not None:
        settings["eps"] = eps
    if affine and not rms:
        settings["bias"] = _has(operation, "bias")
    kind = "torch.nn.RMSNorm" if rms else "torch.nn.LayerNorm"
    return layer(operation, program, kind, settings)


@rule("group_norm")
def group_norm(operation: Operation, program: Program) -> DraftNode:
    """Over groups of channels."""
    settings = {
        "num_groups": operation.args.get("num_groups"),
        "eps": operation.args.get("eps", 1e-5),
        "affine": _has(operation, "weight"),
    }
    return layer(operation, program, "torch.nn.GroupNorm", settings)


@rule("prelu", "_prelu_kernel")
def prelu(operation: Operation, program: Program) -> DraftNode:
    """A slope for all channels, or one each."""
    (count,) = _weight(operation, program) or (1,)
    return layer(operation, program, "torch.nn.PReLU", {"num_parameters": count}, None, "self")


_RECURRENT = {
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {}),
    "rnn_tanh": ("RNN", {"nonlinearity": "tanh"}),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}),
}


@rule(*_RECURRENT)
def recurrent(operation: Operation, program: Program) -> DraftNode:
    """LSTM, GRU and RNN over sequences; a state of zeros need not be drawn."""
    name, further = _RECURRENT[operation.base]
    given = with_defaults(operation)
    weights = given.get("params")
    if not isinstance(weights, tuple) or "data" in given or not weights:
        raise Unsupported("packed sequences")
    biased, both = given.get("has_biases") is True, given.get("bidirectional") is True
    node = DraftNode(f"torch.nn.{name}", "", {}, {"input": value(operation, "input")})
    layers = given.get("num_layers")
    names = weight_names(len(weights), layers if isinstance(layers, int) else 1, biased, both)
    for local, weight in zip(names, weights, strict=True):
        if not isinstance(weight, Ref) or weight.name not in program.states:
            raise Unsupported(f"the weights of {operation.shown} are worked out, not held")
        node.states[local] = program.states[weight.name].key
    hidden = shape(node.states["weight_hh_l0"], program)
    settings: dict[str, Json] = {
        "hidden_size": hidden[0] // {"LSTM": 4, "GRU": 3}.get(name, 1),
        "num_layers": layers,
        "bias": biased,
        "batch_first": given.get("batch_first", False),
        "dropout": given.get("dropout", 0.0),
        "bidirectional": both,
        **further,
    }
    if "weight_hr_l0" in node.states:
        settings["proj_size"] = hidden[1]
    kind = catalogue.layers()[node.layer]
    for key, setting in settings.items():
        put(node, kind, key, setting)
    states = given.get("hx")
    states = states if isinstance(states, tuple) else (states,)
    for port, state in zip(("h_0", "c_0"), states, strict=False):
        if isinstance(state, Ref) and not _zeros(state.name, program):
            node.inputs[port] = state.name
    for port, made in zip(("output", "h_n", "c_n"), operation.outputs, strict=False):
        node.outputs[made] = port
    return node


def weight_names(count: int, layers: int, biased: bool, both: bool) -> list[str]:
    """The names of a recurrent layer's weights in PyTorch's order."""
    ends = ("", "_reverse") if both else ("",)
    kinds = ["weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if biased else ())]
    if count == layers * len(ends) * (len(kinds) + 1):
        kinds.append("weight_hr")
    names = [f"{kind}_l{at}{end}" for at in range(layers) for end in ends for kind in kinds]
    if len(names) != count:
        raise Unsupported(f"a recurrent layer with {count} weights")
    return names


def _zeros(name: str, program: Program) -> bool:
    made = next((o for o in program.operations if name in o.outputs), None)
    if made is not None and made.base in ("expand", "repeat", "unsqueeze"):
        first = next(iter(made.refs()), "")
        return _zeros(first, program)
    return made is not None and made.base in ("zeros", "zeros_like", "new_zeros")


@rule("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def cell(operation: Operation, program: Program) -> DraftNode:
    """One step of a recurrent layer."""
    name = {"lstm_cell": "LSTMCell", "gru_cell": "GRUCell"}.get(operation.base, "RNNCell")
    names = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}
    settings: dict[str, Json] = {"bias": _has(operation, "b_ih")}
    if operation.base == "rnn_relu_cell":
        settings["nonlinearity"] = "relu"
    keys = held(operation, program, names)
    settings["hidden_size"] = shape(keys["weight_hh"], program)[1]
    node = layer(operation, program, f"torch.nn.{name}", settings, names)
    kind = catalogue.layers()[node.layer]
    states = operation.args.get("hx")
    states = states if isinstance(states, tuple) else (states,)
    for port, state in zip(kind.inputs[1:], states, strict=False):
        if isinstance(state, Ref) and not _zeros(state.name, program):
            node.inputs[port.name] = state.name
    node.outputs = {
        made: port.name for made, port in zip(operation.outputs, kind.outputs, strict=False)
    }
    return node
