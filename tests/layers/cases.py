"""Random valid parameters and inputs for every layer of the catalogue.

A generator takes a `random.Random` and returns a `Case`. A layer without one fails the
harness. Sizes that the layer infers are left out, so that inference is tested too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import Dim, symbol

N = symbol("N")


@dataclass(frozen=True)
class Case:
    """Parameters of a layer and what comes in, by port."""

    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, TensorType] = field(default_factory=dict)


def batch(*sizes: Dim, dtype: str = "float32", high: int | None = None) -> TensorType:
    return TensorType((N, *sizes), dtype, high)


def one(tensor: TensorType, **params: Any) -> Case:
    return Case(params, {"input": tensor})


def some(r: Random, **values: Any) -> dict[str, Any]:
    """Each of these parameters or not, at random; a list is a choice."""
    return {
        name: r.choice(value) if isinstance(value, list) else value
        for name, value in values.items()
        if r.random() < 0.5
    }


def shape(r: Random, low: int = 1, high: int = 3, largest: int = 7) -> tuple[int, ...]:
    return tuple(r.randint(1, largest) for _ in range(r.randint(low, high)))


def size(r: Random, spatial: int, low: int, high: int) -> Any:
    """One number, or one for each dim."""
    if r.random() < 0.5:
        return r.randint(low, high)
    return tuple(r.randint(low, high) for _ in range(spatial))


# -- families ----------------------------------------------------------------------------------


def linear(r: Random) -> Case:
    return one(batch(*shape(r)), out_features=r.randint(1, 8), **some(r, bias=False))


def bilinear(r: Random) -> Case:
    middle = shape(r, 0, 1)
    inputs = {f"input{i}": batch(*middle, r.randint(1, 5)) for i in (1, 2)}
    return Case({"out_features": r.randint(1, 5), **some(r, bias=False)}, inputs)


def embedding(r: Random) -> Case:
    rows = r.randint(2, 9)
    params = some(r, num_embeddings=rows + 2, padding_idx=[0, 1, -1], max_norm=1.5, norm_type=1.0)
    params |= r.choice([{}, {"scale_grad_by_freq": True}, {"sparse": True}])
    return one(
        batch(*shape(r, 0, 2), dtype="int64", high=rows), embedding_dim=r.randint(1, 6), **params
    )


def conv(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        groups = r.choice([1, 1, 2, 3])
        edge = r.choice(["zeros", "reflect", "replicate", "circular"])
        same = r.random() < 0.25
        params: dict[str, Any] = {
            "out_channels": groups * r.randint(1, 3),
            "kernel_size": size(r, spatial, 1, 3),
            **some(r, bias=False, dilation=size(r, spatial, 1, 2), padding_mode=edge),
            **some(r, padding=size(r, spatial, 0, 2), groups=groups),
        }
        if same:
            params["padding"] = r.choice(["same", "valid"])
        else:
            params |= some(r, stride=size(r, spatial, 1, 3))
        sizes = [r.randint(5, 9) for _ in range(spatial)]
        return one(batch(groups * r.randint(1, 2), *sizes), **params)

    return make


def conv_transpose(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        groups = r.choice([1, 2])
        params: dict[str, Any] = {
            "out_channels": groups * r.randint(1, 3),
            "kernel_size": size(r, spatial, 2, 4),
            **some(r, bias=False, groups=groups, padding=1),
        }
        if r.random() < 0.5:
            params |= {"stride": r.randint(2, 3), "output_padding": r.randint(0, 1)}
        if r.random() < 0.3:
            params["dilation"] = 2
        sizes = [r.randint(3, 6) for _ in range(spatial)]
        return one(batch(groups * r.randint(1, 2), *sizes), **params)

    return make


def pool(spatial: int, **more: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.randint(6, 9) for _ in range(spatial)]
        params = some(r, stride=size(r, spatial, 1, 3), padding=1, ceil_mode=True, **more)
        return one(batch(r.randint(1, 3), *sizes), kernel_size=size(r, spatial, 2, 3), **params)

    return make


def adaptive(spatial: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = [r.choice([4, 8]) for _ in range(spatial)]
        wanted: Any = r.choice([1, 2, 4, (2,) * spatial])
        if spatial == 2 and r.random() < 0.3:
            wanted = (None, 2)
        return one(batch(r.randint(1, 3), *sizes), output_size=wanted)

    return make


def batch_norm(*ranks: int) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        count = r.choice(ranks) - 1
        params = some(r, eps=1e-3, momentum=[0.2, None], affine=False, bias=False)
        return one(
            batch(*(r.randint(2, 5) for _ in range(count))),
            **params,
            **some(r, track_running_stats=False),
        )

    return make


def layer_norm(r: Random) -> Case:
    sizes = tuple(r.randint(2, 6) for _ in range(r.randint(1, 3)))
    params = some(r, normalized_shape=sizes, eps=1e-3, elementwise_affine=False, bias=False)
    return one(batch(*sizes), **params)


def group_norm(r: Random) -> Case:
    groups = r.randint(1, 3)
    tensor = batch(groups * r.randint(2, 3), *shape(r, 0, 2))
    return one(tensor, num_groups=groups, **some(r, eps=1e-3, affine=False, bias=False))


def elementwise(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        return one(batch(*shape(r)), **some(r, **choices))

    return make


def softmax(r: Random) -> Case:
    sizes = shape(r)
    return one(batch(*sizes), dim=r.choice([-1, *range(1, len(sizes) + 1)]))


def recurrent(lstm: bool) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        hidden, layers, both = r.randint(2, 5), r.randint(1, 2), r.random() < 0.5
        params: dict[str, Any] = {"hidden_size": hidden, "num_layers": layers, "batch_first": True}
        params |= some(r, bias=False) | ({"bidirectional": True} if both else {})
        if layers > 1:
            params |= some(r, dropout=0.3)
        projected = hidden
        if lstm and r.random() < 0.3:
            params["proj_size"] = projected = 1
        inputs = {"input": batch(r.randint(2, 6), r.randint(1, 4))}
        depth = layers * (2 if both else 1)
        if r.random() < 0.7:
            inputs["h_0"] = TensorType((depth, N, projected))
            if lstm:
                inputs["c_0"] = TensorType((depth, N, hidden))
        return Case(params, inputs)

    return make


def attention(r: Random) -> Case:
    heads = r.randint(1, 3)
    features, length, other = heads * r.randint(1, 3), r.randint(1, 5), r.randint(2, 5)
    inputs = {
        "query": batch(length, features),
        "key": batch(other, r.choice([features, features + 1])),
        "value": batch(other, r.choice([features, 4])),
    }
    if r.random() < 0.7:
        inputs["key_padding_mask"] = batch(other)
        inputs["attn_mask"] = TensorType((length, other))
    params = some(r, bias=False, dropout=0.2, add_bias_kv=True, add_zero_attn=True)
    return Case({"num_heads": heads, "batch_first": True, **params}, inputs)


def flatten(r: Random) -> Case:
    count = r.randint(1, 3)
    start = r.randint(1, count)
    return one(
        batch(*(r.randint(1, 5) for _ in range(count))),
        start_dim=start,
        end_dim=r.choice([-1, count]),
    )


def unflatten(r: Random) -> Case:
    a, b = r.randint(1, 4), r.randint(1, 4)
    return one(batch(a * b, 3), dim=1, unflattened_size=r.choice([(a, b), (-1, b), (a, -1)]))


def reshape(r: Random) -> Case:
    a, b, c = (r.randint(1, 4) for _ in range(3))
    return one(batch(a * b, c), shape=r.choice([(-1, a, b, c), (-1, a, b * c), (-1, a * b * c)]))


def permute(r: Random) -> Case:
    sizes = shape(r, 1, 3)
    order = list(range(len(sizes) + 1))
    r.shuffle(order)
    return one(batch(*sizes), dims=tuple(order))


def transpose(r: Random) -> Case:
    return one(batch(*shape(r, 2, 3)), dim0=r.randint(0, 2), dim1=r.choice([1, -1, -2]))


def squeeze(r: Random) -> Case:
    return r.choice(
        [
            one(batch(1, 4), dim=1),
            one(batch(3, 1), dim=-1),
            one(batch(1, 2, 1), dim=(1, 3)),
        ]
    )


def unsqueeze(r: Random) -> Case:
    sizes = shape(r)
    return one(batch(*sizes), dim=r.randint(-1, len(sizes) + 1))


def select(r: Random) -> Case:
    return one(batch(4, *shape(r, 0, 2)), dim=1, index=r.choice([0, 3, -1, -4]))


def narrow(r: Random) -> Case:
    return one(batch(5, *shape(r, 0, 2)), dim=1, start=r.choice([0, 2, -3]), length=r.randint(1, 3))


def to(r: Random) -> Case:
    return one(
        batch(*shape(r), dtype=r.choice(["float32", "int64"]), high=None),
        dtype=r.choice(["float32", "float64", "int64"]),
    )


def pair(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = shape(r, 1, 3)
        other = tuple(r.choice([s, 1]) for s in sizes)
        return Case(some(r, **choices), {"input": batch(*sizes), "other": batch(*other)})

    return make


def matmul(r: Random) -> Case:
    a, b, c = (r.randint(1, 5) for _ in range(3))
    other = r.choice([batch(b, c), TensorType((b, c)), TensorType((b,))])
    return Case({}, {"input": batch(a, b), "other": other})


def reduce(r: Random) -> Case:
    params: dict[str, Any] = some(r, dim=[1, -1, (1, 2)])
    if params:
        params |= some(r, keepdim=True)
    return one(batch(r.randint(1, 4), r.randint(1, 4)), **params)


def cat(r: Random) -> Case:
    rest = shape(r, 0, 2)
    tensors = [batch(r.randint(1, 4), *rest) for _ in range(r.randint(2, 4))]
    return Case({"dim": 1}, {f"tensors_{i}": tensor for i, tensor in enumerate(tensors)})


def stack(r: Random) -> Case:
    tensor = batch(*shape(r))
    return Case(
        {"dim": r.choice([0, 1, -1])}, {f"tensors_{i}": tensor for i in range(r.randint(2, 4))}
    )


# -- losses, metrics and the rest of a step ------------------------------------------------------

REDUCTIONS = ["mean", "sum", "none"]


def class_loss(smoothing: bool) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        classes = r.randint(2, 5)
        places = shape(r, 0, 2)
        params = some(
            r, weight=tuple(0.5 + i for i in range(classes)), ignore_index=0, reduction=REDUCTIONS
        )
        target = batch(*places, dtype="int64", high=classes)
        if smoothing:
            params |= some(r, label_smoothing=0.1)
            if r.random() < 0.25:
                params.pop("ignore_index", None)
                target = batch(classes, *places)
        return Case(params, {"input": batch(classes, *places), "target": target})

    return make


def number_loss(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(*shape(r, 0, 2))
        params = some(r, reduction=REDUCTIONS, **choices)
        return Case(params, {"input": tensor, "target": tensor})

    return make


def binary_loss(r: Random) -> Case:
    labels = r.randint(1, 4)
    weights = tuple(0.5 + i for i in range(labels))
    params = some(r, reduction=REDUCTIONS, weight=weights, pos_weight=weights)
    return Case(params, {"input": batch(labels), "target": batch(labels)})


def accuracy(r: Random) -> Case:
    classes, places = r.randint(3, 5), shape(r, 0, 1)
    scores, target = batch(classes, *places), batch(*places, dtype="int64", high=classes)
    truth = batch(classes, dtype="int64", high=2)
    return r.choice(
        [
            Case(
                {"task": "multiclass", **some(r, top_k=2, average="macro", ignore_index=0)},
                {"preds": scores, "target": target},
            ),
            Case(
                {"task": "binary", **some(r, threshold=0.3)},
                {"preds": batch(), "target": batch(dtype="int64", high=2)},
            ),
            Case({"task": "multilabel"}, {"preds": batch(classes), "target": truth}),
        ]
    )


def numeric_metric(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        tensor = batch(*shape(r, 0, 1))
        return Case(some(r, **choices), {"preds": tensor, "target": tensor})

    return make


def network_input(r: Random) -> Case:
    params = {"shape": r.choice([(), (3,), (1, 8, 8), ("T", 4)]), **some(r, batched=False)}
    return Case({**params, **r.choice([{}, {"dtype": "int64", "high": 7}, {"dtype": "bool"}])})


CASES: Mapping[str, Callable[[Random], Case]] = {
    "netbuilder.Input": network_input,
    "netbuilder.Output": elementwise(),
    "netbuilder.Reroute": elementwise(),
    "torch.nn.Identity": elementwise(),
    "torch.nn.Linear": linear,
    "torch.nn.Bilinear": bilinear,
    "torch.nn.Embedding": embedding,
    "torch.nn.Conv1d": conv(1),
    "torch.nn.Conv2d": conv(2),
    "torch.nn.ConvTranspose1d": conv_transpose(1),
    "torch.nn.ConvTranspose2d": conv_transpose(2),
    "torch.nn.MaxPool1d": pool(1, dilation=2, return_indices=True),
    "torch.nn.MaxPool2d": pool(2, dilation=2, return_indices=True),
    "torch.nn.AvgPool1d": pool(1, count_include_pad=False),
    "torch.nn.AvgPool2d": pool(2, count_include_pad=False, divisor_override=3),
    "torch.nn.AdaptiveAvgPool1d": adaptive(1),
    "torch.nn.AdaptiveAvgPool2d": adaptive(2),
    "torch.nn.BatchNorm1d": batch_norm(2, 3),
    "torch.nn.BatchNorm2d": batch_norm(4),
    "torch.nn.LayerNorm": layer_norm,
    "torch.nn.GroupNorm": group_norm,
    "torch.nn.Dropout": elementwise(p=[0.0, 0.3], inplace=True),
    "torch.nn.Dropout2d": lambda r: one(batch(2, 3, 4), **some(r, p=[0.1, 0.3], inplace=True)),
    "torch.nn.ReLU": elementwise(inplace=True),
    "torch.nn.LeakyReLU": elementwise(negative_slope=0.2, inplace=True),
    "torch.nn.ELU": elementwise(alpha=0.5, inplace=True),
    "torch.nn.GELU": elementwise(approximate=["none", "tanh"]),
    "torch.nn.SiLU": elementwise(inplace=True),
    "torch.nn.Sigmoid": elementwise(),
    "torch.nn.Tanh": elementwise(),
    "torch.nn.Softmax": softmax,
    "torch.nn.LogSoftmax": softmax,
    "torch.nn.LSTM": recurrent(lstm=True),
    "torch.nn.GRU": recurrent(lstm=False),
    "torch.nn.MultiheadAttention": attention,
    "torch.nn.Flatten": flatten,
    "torch.nn.Unflatten": unflatten,
    "torch.reshape": reshape,
    "torch.permute": permute,
    "torch.transpose": transpose,
    "torch.squeeze": squeeze,
    "torch.unsqueeze": unsqueeze,
    "torch.select": select,
    "torch.narrow": narrow,
    "torch.Tensor.to": to,
    "torch.add": pair(alpha=[0.5, -2.0]),
    "torch.sub": pair(alpha=[0.5, -2.0]),
    "torch.mul": pair(),
    "torch.matmul": matmul,
    "torch.mean": reduce,
    "torch.sum": reduce,
    "torch.cat": cat,
    "torch.stack": stack,
    "torch.nn.CrossEntropyLoss": class_loss(smoothing=True),
    "torch.nn.NLLLoss": class_loss(smoothing=False),
    "torch.nn.MSELoss": number_loss(),
    "torch.nn.L1Loss": number_loss(),
    "torch.nn.SmoothL1Loss": number_loss(beta=0.5),
    "torch.nn.BCEWithLogitsLoss": binary_loss,
    "torchmetrics.Accuracy": accuracy,
    "torchmetrics.MeanAbsoluteError": numeric_metric(),
    "torchmetrics.MeanSquaredError": numeric_metric(squared=False),
    "netbuilder.DataField": lambda r: Case({"field": "labels"}),
    "netbuilder.NetworkCall": lambda r: Case(
        {"network": "main", **some(r, mode=["train", "eval", "frozen"])}
    ),
    "netbuilder.Objective": lambda r: Case({}, {"loss": TensorType(())}),
    "netbuilder.Preview": lambda r: Case(
        some(r, kind=["auto", "class", "value"]), {"input": batch(4), "target": batch(4)}
    ),
    "netbuilder.Block": lambda r: Case(
        {"block": "basic", **some(r, values=[{"channels": 8}, {"act": "relu"}], repeat=[2, 3])}
    ),
    "netbuilder.BlockInput": lambda r: Case({}),
}


def case(id: str, seed: int) -> Case:
    """The case of a layer with this seed; `KeyError` if the layer has no generator."""
    return CASES[id](Random(f"{id} {seed}"))
