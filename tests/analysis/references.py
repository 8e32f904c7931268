"""Networks twice: drawn, and written by hand as people write them in PyTorch.

What the drawing is said to cost is held against what PyTorch's own tools find in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import layers
from tests.drawing import Drawing

ATTENTION = "torch.nn.functional.scaled_dot_product_attention"


@dataclass(frozen=True, slots=True)
class Reference:
    """A drawing, the same in PyTorch, and whole input shapes by name, batch first.

    `by_hand` are the multiply-accumulates of one sample by the formula of the documentation.
    `ids` is how many ids there are, for inputs that hold ids.
    """

    name: str
    draw: Callable[[], Drawing]
    module: Callable[[], nn.Module]
    shapes: Mapping[str, tuple[int, ...]]
    by_hand: int = 0
    ids: int = 0
    copies: bool = False
    """Whether kernels copy their input on the CPU and not on meta, which changes what is kept."""
    needs: str = ""
    """A layer without which it can't be drawn."""

    @property
    def there(self) -> bool:
        """Whether all its layers are in the catalogue."""
        return self.needs in ("", *layers())

    def inputs(self, batch: int = 1) -> list[torch.Tensor]:
        """Random inputs."""
        shapes = [(batch, *shape[1:]) for shape in self.shapes.values()]
        if self.ids:
            return [torch.randint(0, self.ids, shape) for shape in shapes]
        return [torch.rand(shape) for shape in shapes]


# -- a small ResNet with bottlenecks, as ResNet-50 has them -----------------------------------


def _conv(d: Drawing, x: Node, out: int, kernel: int, stride: int = 1, act: bool = True) -> Node:
    params: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": kernel // 2}
    x = d.add("BatchNorm2d", d.add("Conv2d", x, out_channels=out, bias=False, **params))
    return d.add("ReLU", x) if act else x


def draw_resnet() -> Drawing:
    d = Drawing()
    x = _conv(d, d.input(3, 64, 64, name="image"), 16, 7, 2)
    x = d.add("MaxPool2d", x, kernel_size=3, stride=2, padding=1)
    for width, stride in ((16, 1), (32, 2)):
        for at in range(2):
            step = stride if at == 0 else 1
            y = _conv(d, _conv(d, x, width, 1), width, 3, step)
            y = _conv(d, y, 4 * width, 1, act=False)
            skip = _conv(d, x, 4 * width, 1, step, act=False) if at == 0 else x
            x = d.add("ReLU", d.add("torch.add", y, skip))
    x = d.add("Flatten", d.add("AdaptiveAvgPool2d", x, output_size=1))
    d.output(d.add("Linear", x, out_features=10))
    return d


class Unit(nn.Sequential):
    def __init__(self, into: int, out: int, kernel: int, stride: int = 1, act: bool = True) -> None:
        conv = nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(out), *([nn.ReLU()] if act else []))


class Bottleneck(nn.Module):
    def __init__(self, into: int, width: int, stride: int) -> None:
        super().__init__()
        self.a, self.b = Unit(into, width, 1), Unit(width, width, 3, stride)
        self.c = Unit(width, 4 * width, 1, act=False)
        same = into == 4 * width
        self.skip = nn.Identity() if same else Unit(into, 4 * width, 1, stride, act=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total: torch.Tensor = self.c(self.b(self.a(x))) + self.skip(x)
        return F.relu(total)


def resnet() -> nn.Module:
    blocks = [Bottleneck(16, 16, 1), Bottleneck(64, 16, 1), Bottleneck(64, 32, 2)]
    stem = [Unit(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10)]
    return nn.Sequential(*stem, *blocks, Bottleneck(128, 32, 1), *head)


# -- transformers -----------------------------------------------------------------------------


def draw_encoder() -> Drawing:
    d = Drawing()
    x = d.input(12, 32, name="x")
    for _ in range(2):
        params: dict[str, Any] = {"nhead": 4, "dim_feedforward": 64, "dropout": 0.0}
        x = d.add("TransformerEncoderLayer", x, batch_first=True, **params)
    d.output(d.add("Linear", x, out_features=5))
    return d


def encoder() -> nn.Module:
    layers = [nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True) for _ in range(2)]
    return nn.Sequential(*layers, nn.Linear(32, 5))


def draw_attention() -> Drawing:
    """Attention wired by hand: projections, heads, two products."""
    d = Drawing()
    x = d.input(12, 32, name="x")
    parts = []
    for _ in range(3):
        part = d.add("Linear", x, out_features=32)
        part = d.add("Unflatten", part, dim=-1, unflattened_size=(4, 8))
        parts.append(d.add("torch.transpose", part, dim0=1, dim1=2))
    q, k, v = parts
    y = d.add(ATTENTION, q, k, v, is_causal=True)
    y = d.add("Flatten", d.add("torch.transpose", y, dim0=1, dim1=2), start_dim=2)
    d.output(d.add("Linear", y, out_features=32))
    return d


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (f(x).unflatten(-1, (4, 8)).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        projected: torch.Tensor = self.out(y.transpose(1, 2).flatten(2))
        return projected


def draw_products() -> Drawing:
    """The same with softmax and two matrix products."""
    d = Drawing()
    x = d.input(12, 32, name="x")
    q, k, v = (d.add("Linear", x, out_features=16) for _ in range(3))
    scores = d.add("torch.matmul", q, d.add("torch.transpose", k, dim0=1, dim1=2))
    d.output(d.add("torch.matmul", d.add("Softmax", scores, dim=-1), v))
    return d


class Products(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(32, 16) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        result: torch.Tensor = (q @ k.transpose(1, 2)).softmax(-1) @ v
        return result


# -- recurrent layers -------------------------------------------------------------------------


class First(nn.Module):
    """The first of what a layer gives."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first: torch.Tensor = self.layer(x)[0]
        return first


def _recurrent(kind: str, **params: Any) -> Callable[[], Drawing]:
    def draw() -> Drawing:
        d = Drawing()
        x = d.input("T", 6, name="x")
        d.output(d.add(kind, x, hidden_size=10, batch_first=True, **params))
        return d

    return draw


# -- convolutions -----------------------------------------------------------------------------


def draw_depthwise() -> Drawing:
    d = Drawing()
    x = d.input(8, 16, 16, name="image")
    x = d.add("Conv2d", x, out_channels=8, kernel_size=3, padding=1, groups=8)
    x = d.add("Conv2d", d.add("ReLU6", x), out_channels=24, kernel_size=1)
    d.output(d.add("Conv2d", x, out_channels=12, kernel_size=(3, 5), groups=4, dilation=2))
    return d


def depthwise() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.ReLU6(),
        nn.Conv2d(8, 24, 1),
        nn.Conv2d(24, 12, (3, 5), groups=4, dilation=2),
    )


def draw_transposed() -> Drawing:
    d = Drawing()
    x = d.input(16, 4, 4, name="code")
    x = d.add("ConvTranspose2d", x, out_channels=8, kernel_size=4, stride=2, padding=1)
    x = d.add(
        "ConvTranspose2d", d.add("ReLU", x), out_channels=4, kernel_size=2, stride=2, groups=2
    )
    d.output(d.add("Sigmoid", x))
    return d


def transposed() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(16, 8, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 4, 2, 2, groups=2),
        nn.Sigmoid(),
    )


# -- structure --------------------------------------------------------------------------------


def draw_blocks() -> Drawing:
    """A block of two layers, used twice with other widths, once repeated."""
    d = Drawing()
    main = d.graph
    d.add_graph("block", "part", parameters=[{"name": "width", "default": 8}])
    x = d.add("netbuilder.BlockInput", name="x")
    x = d.add("Linear", x, name="fc", out_features="=width")
    d.output(d.add("ReLU", x, name="relu"), name="y")
    d.graph = main
    x = d.input(16, name="row")
    x = d.add("netbuilder.Block", x, name="one", block="part", values={"width": 24})
    x = d.add("netbuilder.Block", x, name="two", block="part", values={"width": 24}, repeat=3)
    d.output(d.add("Linear", x, out_features=4))
    return d


def blocks() -> nn.Module:
    parts = [(16, 24), (24, 24), (24, 24), (24, 24)]
    layers = [layer for a, b in parts for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(24, 4))


def draw_shared() -> Drawing:
    """One Linear at two places: its weights count once, its work twice."""
    d = Drawing()
    x = d.input(16, name="row")
    one = d.add("Linear", x, name="one", out_features=16)
    two = d.add("Linear", d.add("Tanh", one), name="two", out_features=16)
    edits.set_node(d.history, d.graph, two.id, shares=one.id)
    d.output(two)
    return d


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        twice: torch.Tensor = self.one(self.one(x).tanh())
        return twice


def draw_words() -> Drawing:
    """Words, a look-up, dropout, a normalisation."""
    d = Drawing()
    words = d.input(20, dtype="int64", high=50, name="words")
    x = d.add("Embedding", words, embedding_dim=16)
    x = d.add("LayerNorm", d.add("Dropout", x, p=0.1))
    d.output(d.add("Linear", d.add("GELU", x), out_features=3))
    return d


def words() -> nn.Module:
    return nn.Sequential(
        nn.Embedding(50, 16), nn.Dropout(0.1), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 3)
    )


T = 9
_X = {"x": (1, T, 6)}

REFERENCES: tuple[Reference, ...] = (
    Reference("ResNet", draw_resnet, resnet, {"image": (1, 3, 64, 64)}),
    Reference("transformer", draw_encoder, encoder, {"x": (1, 12, 32)}),
    Reference("attention by hand", draw_attention, Attention, {"x": (1, 12, 32)}, needs=ATTENTION),
    Reference("attention by products", draw_products, Products, {"x": (1, 12, 32)}),
    Reference(
        "LSTM",
        _recurrent("LSTM"),
        lambda: First(nn.LSTM(6, 10, batch_first=True)),
        _X,
        T * 4 * 10 * (6 + 10),
    ),
    Reference(
        "LSTM both ways",
        _recurrent("LSTM", num_layers=2, bidirectional=True),
        lambda: First(nn.LSTM(6, 10, 2, batch_first=True, bidirectional=True)),
        _X,
        T * 2 * 4 * 10 * ((6 + 10) + (20 + 10)),
        copies=True,
    ),
    Reference(
        "LSTM with projection",
        _recurrent("LSTM", proj_size=4),
        lambda: First(nn.LSTM(6, 10, batch_first=True, proj_size=4)),
        _X,
        T * (4 * 10 * (6 + 4) + 10 * 4),
    ),
    Reference(
        "GRU",
        _recurrent("GRU"),
        lambda: First(nn.GRU(6, 10, batch_first=True)),
        _X,
        T * 3 * 10 * (6 + 10),
    ),
    Reference(
        "RNN",
        _recurrent("RNN"),
        lambda: First(nn.RNN(6, 10, batch_first=True)),
        _X,
        T * 10 * (6 + 10),
    ),
    Reference("depthwise", draw_depthwise, depthwise, {"image": (1, 8, 16, 16)}),
    Reference("transposed", draw_transposed, transposed, {"code": (1, 16, 4, 4)}),
    Reference("blocks", draw_blocks, blocks, {"row": (1, 16)}),
    Reference("shared weights", draw_shared, Shared, {"row": (1, 16)}),
    Reference("words", draw_words, words, {"words": (1, 20)}, ids=50),
)


@contextmanager
def _plain() -> Iterator[None]:
    """PyTorch without fused kernels: its counter does not know them, and they keep other memory."""
    torch.backends.mkldnn.set_flags(_enabled=False)  # type: ignore[no-untyped-call]
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mkldnn.set_flags(_enabled=True)  # type: ignore[no-untyped-call]


def macs(reference: Reference) -> int:
    """What PyTorch's own counter finds in a run on the CPU."""
    module = reference.module()
    if any(isinstance(part, nn.BatchNorm2d) for part in module.modules()):
        module.eval()
    with _plain(), FlopCounterMode(display=False) as counter:
        module(*reference.inputs())
    return int(counter.get_total_flops()) // 2


def kept_bytes(reference: Reference, batch: int) -> int:
    """What autograd keeps in a run on the CPU: distinct storages but weights and buffers."""
    module = reference.module().train()
    own = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers())}
    seen: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage
        return tensor

    with _plain(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(*reference.inputs(batch))
    return sum(storage.nbytes() for storage in seen.values())
