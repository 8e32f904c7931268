"""Networks as people make them when all is right: nothing is to be said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.graph.model import Node
from tests.drawing import Drawing
from tests.mistakes.base import mlp, step, tidy
from tests.mistakes.drawings import chain, reader
from tests.mistakes.steps import next_word


def _step(
    d: Drawing,
    loss: Callable[[Drawing, Mapping[str, Node], Node], Node],
    fields: tuple[str, ...],
    *inputs: str,
) -> Drawing:
    """A training step for the network `main`, whose inputs are the fields `inputs`."""
    d.add_graph("step", "train", updates=["main"])
    known = {name: d.add("netbuilder.DataField", name=name, field=name) for name in fields}
    call = d.add("netbuilder.NetworkCall", *(known[name] for name in inputs), network="main")
    d.add("netbuilder.Objective", loss(d, known, call), name="loss")
    return tidy(d)


def _classes(d: Drawing, f: Mapping[str, Node], y: Node) -> Node:
    d.add("torchmetrics.Accuracy", y, f["label"], name="accuracy", task="multiclass")
    return d.add("CrossEntropyLoss", y, f["label"], name="ce")


def conv(
    d: Drawing, x: Node, channels: int, kernel: int = 3, stride: int = 1, act: bool = True
) -> Node:
    """A convolution with its normalisation, as in ResNet."""
    x = d.add(
        "Conv2d",
        x,
        out_channels=channels,
        kernel_size=kernel,
        stride=stride,
        padding=kernel // 2,
        bias=False,
    )
    x = d.add("BatchNorm2d", x)
    return d.add("ReLU", x, inplace=True) if act else x


def resnet() -> Drawing:
    """Two residual blocks, the second with a projection."""
    d = Drawing()
    x = conv(d, d.input(3, 32, 32, name="image"), 16)
    for channels, stride in ((16, 1), (32, 2)):
        y = conv(d, x, channels, stride=stride)
        y = conv(d, y, channels, act=False)
        skip = x if stride == 1 else conv(d, x, channels, 1, stride, act=False)
        x = d.add("ReLU", d.add("torch.add", y, skip))
    x = d.add("Flatten", d.add("AdaptiveAvgPool2d", x, output_size=1))
    d.output(d.add("Linear", x, out_features=10), name="logits")
    return _step(d, _classes, ("image", "label"), "image")


def unet() -> Drawing:
    """Down, up, and a skip joined by its channels; a class for each pixel."""
    d = Drawing()
    image = d.input(3, 32, 32, name="image")
    top = conv(d, image, 16)
    low = conv(d, d.add("MaxPool2d", top, kernel_size=2), 32)
    up = d.add("ConvTranspose2d", low, out_channels=16, kernel_size=2, stride=2)
    x = conv(d, d.add("torch.cat", top, up, dim=1), 16)
    d.output(d.add("Conv2d", x, out_channels=3, kernel_size=1), name="picture")

    def loss(d: Drawing, f: Mapping[str, Node], y: Node) -> Node:
        d.add("netbuilder.Preview", y, f["image"], kind="image")
        return d.add("MSELoss", y, f["image"])

    return _step(d, loss, ("image",), "image")


def autoencoder() -> Drawing:
    """A narrow middle, a sigmoid at the end, the picture itself as target."""
    d = Drawing()
    x = d.add("Flatten", d.input(3, 32, 32, name="image"))
    x = chain(
        d,
        x,
        ("Linear", {"out_features": 64}),
        ("ReLU", {}),
        ("Linear", {"out_features": 8}),
        ("Linear", {"out_features": 64}),
        ("ReLU", {}),
        ("Linear", {"out_features": 3072}),
        ("Sigmoid", {}),
        ("Unflatten", {"dim": 1, "unflattened_size": (3, 32, 32)}),
    )
    d.output(x, name="again")
    return _step(d, lambda d, f, y: d.add("MSELoss", y, f["image"]), ("image",), "image")


def vae() -> Drawing:
    """Mean and spread from one trunk, noise in between, two losses in a sum."""
    d = Drawing()
    row = d.input(16, name="row")
    x = d.add("ReLU", d.add("Linear", row, out_features=32))
    mean = d.add("Linear", x, name="mean", out_features=4)
    spread = d.add("Linear", x, name="spread", out_features=4)
    noise = d.add("torch.randn_like", mean)
    scale = d.add("torch.exp", d.add("torch.mul", spread, other=0.5))
    z = d.add("torch.add", mean, d.add("torch.mul", scale, noise))
    y = d.add("Linear", d.add("ReLU", d.add("Linear", z, out_features=32)), out_features=16)
    d.output(y, name="again")
    d.output(mean, name="mu")
    d.output(spread, name="log_var")

    def loss(d: Drawing, f: Mapping[str, Node], y: Node) -> Node:
        first = d.add("MSELoss", (y, "again"), f["row"])
        square = d.add("torch.mul", (y, "mu"), (y, "mu"))
        total = d.add(
            "torch.sub",
            d.add("torch.add", square, d.add("torch.exp", (y, "log_var"))),
            (y, "log_var"),
        )
        return d.add("torch.add", first, d.add("torch.mean", total))

    return _step(d, loss, ("row",), "row")


def gan() -> Drawing:
    """A generator and a critic, each with a step of its own."""
    d = Drawing()
    x = d.input(16, name="noise")
    x = chain(
        d,
        x,
        ("Linear", {"out_features": 64}),
        ("LeakyReLU", {}),
        ("Linear", {"out_features": 16}),
        ("Tanh", {}),
    )
    d.output(x, name="fake")
    d.add_graph("network", "critic")
    x = d.input(16, name="row")
    x = chain(
        d,
        x,
        ("Linear", {"out_features": 64}),
        ("LeakyReLU", {}),
        ("Dropout", {}),
        ("Linear", {"out_features": 1}),
    )
    d.output(x, name="score")
    for name, updates in (("teach_critic", "critic"), ("teach_generator", "main")):
        d.add_graph("step", name, updates=[updates])
        row = d.add("netbuilder.DataField", name="row", field="row")
        noise = d.add("torch.randn_like", row)
        fake: Node = d.add("netbuilder.NetworkCall", noise, name="generator", network="main")
        if updates == "critic":
            fake = d.add("torch.Tensor.detach", fake)
        score = d.add("netbuilder.NetworkCall", fake, name="of_fake", network="critic")
        false = d.add("torch.zeros_like", score)
        total = d.add("BCEWithLogitsLoss", score, false, name="bce_fake")
        if updates == "critic":
            real = d.add("netbuilder.NetworkCall", row, name="of_real", network="critic")
            true = d.add("torch.ones_like", real)
            total = d.add(
                "torch.add", total, d.add("BCEWithLogitsLoss", real, true, name="bce_real")
            )
        d.add("netbuilder.Objective", total, name="loss")
    return tidy(d)


def dcgan_generator() -> Drawing:
    """Transposed convolutions from noise to a picture."""
    d = Drawing()
    x = d.add("Unflatten", d.input(16, name="noise"), dim=1, unflattened_size=(16, 1, 1))
    for channels, kernel, stride, padding in ((64, 4, 1, 0), (32, 4, 2, 1), (16, 4, 2, 1)):
        params: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding}
        x = d.add("ConvTranspose2d", x, out_channels=channels, bias=False, **params)
        x = d.add("ReLU", d.add("BatchNorm2d", x))
    x = d.add("ConvTranspose2d", x, out_channels=3, kernel_size=4, stride=2, padding=1)
    d.output(d.add("Tanh", x), name="picture")
    return tidy(d)


def transformer() -> Drawing:
    """Attention by hand with norms before, a wide middle and residual sums; mean, class."""
    d = Drawing()
    words = d.input(12, dtype="int64", high=50, name="tokens")
    x = d.add("Embedding", words, embedding_dim=32)
    x = d.add("Dropout", d.add("netbuilder.LearnedPositions", x, max_length=12), p=0.1)
    for _ in range(2):
        n = d.add("LayerNorm", x)
        a = d.add("MultiheadAttention", n, n, n, num_heads=4, batch_first=True)
        x = d.add("torch.add", x, d.add("Dropout", a, p=0.1))
        n = d.add("LayerNorm", x)
        m = d.add("Linear", d.add("GELU", d.add("Linear", n, out_features=64)), out_features=32)
        x = d.add("torch.add", x, d.add("Dropout", m, p=0.1))
    x = d.add("torch.mean", d.add("LayerNorm", x), dim=1)
    d.output(d.add("Linear", x, out_features=10), name="logits")
    return _step(d, _classes, ("tokens", "label"), "tokens")


def lstm_classifier() -> Drawing:
    """Words, an LSTM, its last step, a class."""
    d = Drawing()
    words = d.input(12, dtype="int64", high=50, name="tokens")
    x = d.add("Embedding", words, embedding_dim=16)
    x = d.add("LSTM", x, hidden_size=32, num_layers=2, dropout=0.2, batch_first=True)
    x = d.add("Dropout", d.add("torch.select", x, dim=1, index=-1), p=0.3)
    d.output(d.add("Linear", x, out_features=10), name="logits")
    return _step(d, _classes, ("tokens", "label"), "tokens")


def both_ways() -> Drawing:
    """A bidirectional GRU whose last states of both directions are joined."""
    d = Drawing()
    words = d.input(12, dtype="int64", high=50, name="tokens")
    x = d.add("Embedding", words, embedding_dim=16)
    gru = d.add("GRU", x, hidden_size=32, bidirectional=True, batch_first=True)
    ends = [d.add("torch.select", (gru, "h_n"), dim=0, index=index) for index in (-2, -1)]
    x = d.add("torch.cat", *ends, dim=1)
    d.output(d.add("Linear", x, out_features=10), name="logits")
    return _step(d, _classes, ("tokens", "label"), "tokens")


def tagger() -> Drawing:
    """A class for each step of a sequence."""

    def loss(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
        scores = d.add("torch.transpose", y, dim0=1, dim1=2)
        return d.add("CrossEntropyLoss", scores, f["tags"], name="ce")

    return step(lambda d: reader(d, out=7), loss, "tokens", "tags")()


def mobile() -> Drawing:
    """Depthwise and pointwise convolutions, and a gate for each channel."""
    d = Drawing()
    x = conv(d, d.input(3, 32, 32, name="image"), 16, stride=2)
    y = d.add("Conv2d", x, out_channels=16, kernel_size=3, padding=1, groups=16, bias=False)
    y = d.add("Hardswish", d.add("BatchNorm2d", y))
    gate = d.add("AdaptiveAvgPool2d", y, output_size=1)
    gate = d.add("ReLU", d.add("Conv2d", gate, out_channels=4, kernel_size=1))
    gate = d.add("Sigmoid", d.add("Conv2d", gate, out_channels=16, kernel_size=1))
    y = conv(d, d.add("torch.mul", y, gate), 16, 1, act=False)
    x = d.add("Flatten", d.add("AdaptiveAvgPool2d", d.add("torch.add", x, y), output_size=1))
    x = d.add("Dropout", x, p=0.2)
    d.output(d.add("Linear", x, out_features=10), name="logits")
    return _step(d, _classes, ("image", "label"), "image")


def multilabel() -> Drawing:
    """A yes or no for each of several labels."""

    def loss(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
        target = d.add("torch.Tensor.to", f["one_hot"], dtype="float32")
        d.add("torchmetrics.Accuracy", y, f["one_hot"], task="multilabel")
        return d.add("BCEWithLogitsLoss", y, target)

    return step(lambda d: mlp(d, 10), loss, "row", "one_hot")()


def log_likelihood() -> Drawing:
    """LogSoftmax in the network, NLLLoss in the step."""

    def loss(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
        return d.add("NLLLoss", y, f["label"])

    return step(lambda d: mlp(d, 10, "LogSoftmax", dim=-1), loss, "row", "label")()


def regression() -> Drawing:
    """Predictions and targets both in a column."""

    def loss(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
        d.add("torchmetrics.MeanAbsoluteError", y, f["column"])
        return d.add("SmoothL1Loss", y, f["column"])

    return step(lambda d: mlp(d, 1), loss, "row", "column")()


def language_model() -> Drawing:
    """The next word from those before it."""
    return next_word(is_causal=True)


def masked_language_model() -> Drawing:
    """The same with a mask that is wired."""
    return next_word(masked=True)


def translation() -> Drawing:
    """An encoder that sees all of a sentence, beside a decoder that writes another one."""
    d = Drawing()
    source = d.input(12, dtype="int64", high=7, name="source")
    target = d.input("T", dtype="int64", high=50, name="target")
    x = d.add("netbuilder.SinusoidalPositions", d.add("Embedding", source, embedding_dim=32))
    x = d.add("TransformerEncoderLayer", x, nhead=4, batch_first=True)
    y = d.add("netbuilder.SinusoidalPositions", d.add("Embedding", target, embedding_dim=32))
    y = d.add("TransformerDecoderLayer", y, x, nhead=4, batch_first=True, tgt_is_causal=True)
    d.output(d.add("Linear", y, out_features=50), name="scores")
    d.add_graph("step", "train", updates=["main"])
    tokens = d.add("netbuilder.DataField", name="tokens", field="tokens")
    next = d.add("netbuilder.NextToken", tokens, name="next")
    tags = d.add("netbuilder.DataField", name="tags", field="tags")
    given = d.add("netbuilder.NetworkCall", tags, (next, "context"), network="main")
    scores = d.add("torch.movedim", given, source=-1, destination=1)
    loss = d.add("CrossEntropyLoss", scores, (next, "target"), name="ce")
    d.add("netbuilder.Objective", loss, name="loss")
    return tidy(d)


def distillation() -> Drawing:
    """A frozen teacher beside the network that learns from it."""
    d = Drawing()
    d.output(mlp(d, 10), name="logits")
    d.add_graph("network", "teacher")
    d.output(mlp(d, 10), name="logits")
    d.add_graph("step", "train", updates=["main"])
    row = d.add("netbuilder.DataField", name="row", field="row")
    y = d.add("netbuilder.NetworkCall", row, name="pupil", network="main")
    wanted = d.add("netbuilder.NetworkCall", row, name="teacher", network="teacher", mode="frozen")
    loss = d.add("MSELoss", y, wanted)
    d.add("netbuilder.Objective", loss, name="loss")
    return tidy(d)


WELL_MADE: tuple[Callable[[], Drawing], ...] = (
    resnet,
    unet,
    autoencoder,
    vae,
    gan,
    dcgan_generator,
    transformer,
    lstm_classifier,
    both_ways,
    tagger,
    mobile,
    multilabel,
    log_likelihood,
    regression,
    language_model,
    masked_language_model,
    translation,
    distillation,
)
