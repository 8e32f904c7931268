"""Finding layers by a few letters; what the palette and the canvas offer. No Qt here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from netbuilder.graph import loops
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json
from netbuilder.layers import catalogue
from netbuilder.layers.base import Family, Layer, Role
from netbuilder.layers.blocks import Turns

NETWORK = "netbuilder.NetworkCall"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be added: a layer, perhaps with parameters of its own."""

    layer: str
    title: str
    family: str
    help: str
    words: str = ""
    params: Mapping[str, Json] = field(default_factory=dict)
    refusal: str = ""
    """Why it may not stand in the shown graph; empty if it may."""
    doubt: str = ""
    """Why it would not fit what comes in where it goes; empty if it would, or nobody knows."""


def of_project(entry: Entry) -> str:
    """The block or network that an entry stands for; empty for a layer."""
    if entry.layer != NETWORK and "network" in entry.params:
        return ""
    return str(entry.params.get("block") or entry.params.get("network") or "")


def key_of(entry: Entry) -> str:
    """By what a favourite is remembered: a block or network by its name, too."""
    called = of_project(entry)
    return f"{entry.layer} {called}" if called else entry.layer


_KINDS = {"network": "a network", "block": "a block", "step": "a training step"}


def entries(document: Document | None, graph: Graph | None) -> list[Entry]:
    """All layers in the order of the catalogue.

    A network call comes once for each network, a block once for each of the project.
    """
    found = []
    for id, kind in catalogue.available().items():
        refusal = ""
        if graph is not None and graph.kind not in kind.where:
            places = " or ".join(text for key, text in _KINDS.items() if key in kind.where)
            if kind.role is Role.INPUT and (graph.kind != "step" or "network" not in kind.where):
                # Networks and blocks have an Input of their own: one is enough to see.
                continue
            refusal = f"{kind.title} belongs in {places}."
        entry = _of_layer(id, kind)
        if refusal:
            entry = replace(entry, refusal=refusal)
        if kind.role is Role.CALL and kind.inputs:
            found.append(_caller(document, graph, entry))
        elif kind.role is Role.CALL and document is not None:
            found += _calls(document, graph, entry, kind.starting)
        elif id == loops.LOOP:
            found += _loops(document, graph, entry) if document is not None else []
        elif kind.role is Role.BLOCK:
            found += _blocks(document, graph, entry) if document is not None else []
        else:
            found.append(entry)
    return found


@lru_cache(4096)
def _of_layer(id: str, kind: type[Layer]) -> Entry:
    """What of an entry the layer alone tells: lists are made anew with every edit."""
    line = first_sentence(kind.help())
    words = f"{id.rpartition('.')[2]} {kind.keywords}"
    return Entry(id, kind.title, kind.family.value, line, words)


def _caller(document: Document | None, graph: Graph | None, entry: Entry) -> Entry:
    """A layer with ports of its own that calls a network: the first that the step updates."""
    names = [network.name for network in document.of_kind("network")] if document else []
    updates = graph.info.settings.get("updates", ()) if graph is not None else ()
    chosen = [name for name in names if name in updates] or names
    return replace(entry, params={"network": chosen[0]}) if chosen else entry


def _calls(
    document: Document, graph: Graph | None, entry: Entry, starting: Mapping[str, Json]
) -> list[Entry]:
    """One entry for each network of the project; one that would hold itself is refused."""
    return [
        replace(
            entry,
            title=f"Network {network.name}",
            words=f"{entry.words} call",
            params={**starting, "network": network.name},
            refusal=_ring(document, network, graph) or entry.refusal,
        )
        for network in document.of_kind("network")
    ]


def _blocks(document: Document, graph: Graph | None, entry: Entry) -> list[Entry]:
    """One entry for each block of the project; one that would hold itself is refused."""
    found = []
    for block in document.of_kind("block"):
        refusal = _ring(document, block, graph) or entry.refusal
        title = f"Block {block.name}"
        line = f"A block of this project with {len(block.nodes)} nodes."
        params = {"block": block.name}
        found.append(replace(entry, title=title, help=line, params=params, refusal=refusal))
    return found


def _loops(document: Document, graph: Graph | None, entry: Entry) -> list[Entry]:
    """One entry for each block that has a state; without any the loop itself."""
    found = []
    for block in document.of_kind("block"):
        ports = catalogue.graph_ports(block)
        if Turns.of(ports).states:
            refusal = _ring(document, block, graph) or entry.refusal
            params = {"block": block.name}
            title = f"Loop over {block.name}"
            found.append(replace(entry, title=title, params=params, refusal=refusal))
    if not found:
        none = "" if document.of_kind("block") else "Make a block of one step first."
        found = [replace(entry, refusal=entry.refusal or none)]
    return found


def _ring(document: Document, inner: Graph, graph: Graph | None) -> str:
    """Why a network or block can't stand in a graph; empty if it can."""
    if graph is None or not holds(document, inner, graph):
        return ""
    return f"A {graph.kind} can't hold itself."


def holds(document: Document, block: Graph, graph: Graph) -> bool:
    """Whether `graph` is the block or network itself or stands somewhere inside it."""
    waiting, seen = [block], {block.id}
    while waiting:
        inner = waiting.pop()
        if inner.id == graph.id:
            return True
        for node in inner.nodes.values():
            called = catalogue.called_graph(document, node)
            if called is not None and called.id not in seen:
                seen.add(called.id)
                waiting.append(called)
    return False


def first_sentence(text: str) -> str:
    """The first sentence of a help text, on one line."""
    flat = " ".join(text.replace("`", "").split())
    head, dot, _ = flat.partition(". ")
    return head + "." if dot else flat


def score(query: str, entry: Entry) -> float | None:
    """How well an entry matches; more is better, None is not at all."""
    query = query.strip().lower()
    if not query:
        return 0.0
    parts = query.split()
    total = _MEANT if _means(query, entry) else 0.0
    for part in parts:
        title = max(_score_text(part, text) or 0.0 for text in _ways(entry.title))
        other = _score_text(part, entry.words.lower())
        # A gap within a keyword means little; only whole pieces of keywords count.
        best = max(title, (other or 0.0) * 0.7 if other and other >= 50 else 0.0)
        if entry.family.startswith(part):
            # All of a family have it in common: it tells little about one of them.
            best = max(best, 50.0)
        if best <= 0:
            return None
        total += best
    return total / len(parts) - len(entry.title) * 0.05


MEANINGS: Mapping[str, str] = {
    "attention": "torch.nn.MultiheadAttention",
    "average": "torch.mean",
    "constant": "torch.tensor",
    "convolution": "torch.nn.Conv2d",
    "cross": "torch.nn.CrossEntropyLoss",
    "gat": "torch_geometric.nn.GATConv",
    "graph attention": "torch_geometric.nn.GATConv",
    "index": "torch.Tensor.__getitem__",
    "mean pool": "torch_geometric.nn.global_mean_pool",
    "norm": "torch.nn.LayerNorm",
    "positional": "netbuilder.SinusoidalPositions",
    "random": "torch.randn_like",
    "residual": "torch.add",
    "resize": "torch.nn.functional.interpolate",
    "skip": "torch.add",
    "skip connection": "torch.add",
    "spectrogram": "torch.stft",
    "vae": "netbuilder.ReparametrisedNormal",
}
"""What most people mean by a word that stands in the titles of other layers, or in none."""
_MEANT = 60.0
_MEANT_FROM = 4
"""Letters after which the beginning of such a word is taken for it."""


def _means(query: str, entry: Entry) -> bool:
    """Whether a query is a word by which people mean this layer, or its last word begins one."""
    enough = len(query) >= _MEANT_FROM
    return any(
        layer == entry.layer
        and (word == query or (enough and word.startswith(query) and " " not in word[len(query) :]))
        for word, layer in MEANINGS.items()
    )


def _ways(title: str) -> tuple[str, str]:
    """The title in lower case, as it is and with its words apart: `layernorm`, `layer norm`."""
    return title.lower(), re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title).lower()


def _score_text(query: str, text: str) -> float | None:
    if text == query:
        return 120.0
    if text.startswith(query):
        return 100.0
    at = text.find(query)
    if at > 0:
        return 80.0 if not text[at - 1].isalnum() else 50.0
    points = 40.0
    position = -1
    for letter in query:
        found = text.find(letter, position + 1)
        if found < 0:
            return None
        if position >= 0:
            # To the beginning of the next word is a small step: `bn` is BatchNorm.
            points -= min(found - position - 1, 2 if text[found - 1] == " " else 8)
        elif found > 0 and text[found - 1].isalnum():
            points -= 6
        position = found
    return points if points > 8 else None


COMMON = frozenset(
    f"torch.nn.{name}"
    for name in ("Conv2d", "BatchNorm2d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d")
)
"""Of the layers that differ in the number of dims alone, those that most networks use."""


CORE = COMMON | {
    f"torch.nn.{name}"
    for name in (
        *("Conv1d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d"),
        *("MaxPool1d", "AdaptiveAvgPool1d", "MaxUnpool2d"),
        *("BatchNorm1d", "InstanceNorm2d", "LayerNorm", "RMSNorm", "GroupNorm"),
        *("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softmax"),
        *("MultiheadAttention", "TransformerEncoderLayer", "TransformerEncoder", "Transformer"),
        *("ZeroPad2d", "ReflectionPad2d", "Upsample", "PixelShuffle"),
        *("Flatten", "Unflatten", "CrossEntropyLoss", "NLLLoss", "MSELoss", "L1Loss"),
        *("BCEWithLogitsLoss", "SmoothL1Loss", "KLDivLoss"),
    )
}
CORE |= {
    f"torch.{name}"
    for name in (
        *("reshape", "permute", "transpose", "squeeze", "unsqueeze", "Tensor.to"),
        *("select", "gather", "masked_fill", "split", "chunk", "nn.functional.one_hot"),
        *("add", "sub", "mul", "div", "matmul", "cat", "stack", "where"),
        *("mean", "sum", "max", "min", "argmax", "topk", "cumsum", "var"),
        *("zeros", "ones", "arange", "fft.rfft", "fft.irfft", "stft", "istft"),
    )
}
CORE |= {
    f"netbuilder.{name}"
    for name in (
        *("PatchEmbed", "SinusoidalPositions", "LearnedPositions", "RotaryEmbedding", "CausalMask"),
        *("Slice", "LearnableParameter", "Buffer", "ClassToken"),
    )
}
CORE |= {
    f"torch_geometric.nn.{name}"
    for name in ("GCNConv", "SAGEConv", "GATConv", "GINConv", "global_mean_pool", "GraphConv")
}
"""What the palette shows of its long families at first."""


def ranked(
    query: str,
    offered: Iterable[Entry],
    used: Mapping[str, int],
    favourites: Collection[str] = (),
) -> list[Entry]:
    """The matching entries, best first; what is `used` more often wins among equals.

    Favourites win over those, and come first of all where nothing is typed. Those in `doubt`
    come after the others.
    """
    found = []
    for number, entry in enumerate(offered):
        points = score(query, entry)
        if points is not None:
            usage = min(used.get(entry.layer, 0), 20)
            points += usage * (0.6 if query.strip() else 1.0)
            if key_of(entry) in favourites:
                points += 14.0 if query.strip() else 100.0
            points += 0.05 if query.strip() and entry.layer in COMMON else 0.0
            found.append((bool(entry.doubt), -points, number, entry))
    found.sort(key=lambda item: item[:3])
    return [entry for *_, entry in found]


FAMILY_TITLES: Mapping[str, str] = {
    Family.IO: "Inputs and outputs",
    Family.LINEAR: "Linear",
    Family.CONVOLUTION: "Convolution",
    Family.POOLING: "Pooling",
    Family.NORMALISATION: "Normalisation",
    Family.DROPOUT: "Dropout",
    Family.ACTIVATION: "Activation",
    Family.RECURRENT: "Recurrent",
    Family.ATTENTION: "Attention",
    Family.ROUTING: "Gates and routing",
    Family.GRAPH: "Graph networks",
    Family.RESIZE: "Padding and resizing",
    Family.RESHAPE: "Reshape",
    Family.INDEXING: "Indexing and masks",
    Family.ARITHMETIC: "Arithmetic",
    Family.REDUCTION: "Reductions",
    Family.SIGNAL: "Signals",
    Family.CONSTANT: "Constants and positions",
    Family.NOISE: "Noise and sampling",
    Family.GRADIENT: "Gradients",
    Family.LOSS: "Loss",
    Family.METRIC: "Metric",
    Family.DATA: "Data and networks",
    Family.BLOCK: "Blocks",
    Family.OWN: "Own layers",
    Family.UNKNOWN: "Other",
    "frame": "Frame",
    "note": "Note",
}
"""The families as the palette calls them."""
