"""What a layer is.

A layer is one class: its fields are the parameters (names, defaults and limits as in
PyTorch), its class variables say what it is called, where it stands in the palette and
which ports it has, and a few methods say what follows from the incoming shapes and how it
is written as code. An instance of the class is one valid set of parameters. Palette, form,
shapes, code, help and tests are derived from it; see docs/adding-a-layer.md.

Nothing here imports torch: code is built from `ast` expressions that name torch.
"""

# No `from __future__ import annotations` here: pydantic would evaluate the text of every
# annotation of `Layer` anew for each of some 500 subclasses, a third of a second at the start.

import ast
import inspect
import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr
from pydantic.fields import FieldInfo

from netbuilder.errors import Fix
from netbuilder.graph import expressions
from netbuilder.graph.model import GraphKind, Json
from netbuilder.layers import code
from netbuilder.layers.dims import Shape, text

MAX_SIZE = 2**31


class Family(StrEnum):
    """Groups of the palette; each has a colour and an icon (`resources/icons/NAME.svg`)."""

    IO = "io"
    LINEAR = "linear"
    CONVOLUTION = "convolution"
    POOLING = "pooling"
    NORMALISATION = "normalisation"
    DROPOUT = "dropout"
    ACTIVATION = "activation"
    RECURRENT = "recurrent"
    ATTENTION = "attention"
    ROUTING = "routing"
    GRAPH = "graph"
    RESIZE = "resize"
    RESHAPE = "reshape"
    INDEXING = "indexing"
    ARITHMETIC = "arithmetic"
    REDUCTION = "reduction"
    SIGNAL = "signal"
    CONSTANT = "constant"
    NOISE = "noise"
    GRADIENT = "gradient"
    LOSS = "loss"
    METRIC = "metric"
    DATA = "data"
    BLOCK = "block"
    OWN = "own"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What the compiler does with a node of this layer."""

    INPUT = "input"
    OUTPUT = "output"
    LAYER = "layer"
    LOSS = "loss"
    METRIC = "metric"
    DATA = "data"
    CALL = "call"
    BLOCK = "block"
    REROUTE = "reroute"
    OBJECTIVE = "objective"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output by PyTorch's name for it.

    A `variadic` port stands for a tuple argument of any length: port `tensors` becomes
    `tensors_0`, `tensors_1`, ... as wires come. An `optional` input may stay unwired.
    """

    name: str
    help: str = ""
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that a node has at present."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class TensorType:
    """What travels on a wire: sizes, dtype and, for ids, the exclusive upper bound."""

    shape: Shape
    dtype: str = "float32"
    high: int | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def floating(self) -> bool:
        return self.dtype.startswith(("float", "bfloat", "complex"))

    def __str__(self) -> str:
        return text(self.shape)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a layer has against its inputs or parameters, before torch is asked.

    The compiler turns it into a `Problem` at the node. `fixes` may use the operations of
    `graph.fixes` with the arguments that concern this node left out (`graph`, `node`).
    """

    message: str
    hint: str = ""
    port: str = ""
    code: str = "shape.mismatch"
    severity: Literal["error", "warning", "info"] = "error"
    fixes: tuple[Fix, ...] = ()


Types = Mapping[str, TensorType]
"""What comes in, by port name; ports without a wire or a known type are missing."""

Targets = str | tuple["Targets", ...]
"""How a call's result unpacks into output ports: `"output"`, `("output", ("h_n", "c_n"))`."""


@dataclass(frozen=True, slots=True)
class InferredMark:
    """Marks a parameter that follows from the incoming shape when left out."""


Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
"""A number of channels, features, rows."""
Inferred = Annotated[Size | None, InferredMark()]
"""A size that may be left out: it is taken from what comes in."""
Count = Annotated[int, Field(ge=0, le=MAX_SIZE)]
Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Real = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Size1 = Size | tuple[Size]
Size2 = Size | tuple[Size, Size]
Size3 = Size | tuple[Size, Size, Size]
Pad1 = Count | tuple[Count]
Pad2 = Count | tuple[Count, Count]
Pad3 = Count | tuple[Count, Count, Count]
Index = Annotated[int, Field(ge=-MAX_SIZE, le=MAX_SIZE)]
"""A dim number or an offset; negative counts from the end."""
Numbers = tuple[Real, ...]
"""A tensor of PyTorch's that is given as numbers."""


def _legal_name(value: str) -> str:
    legal = value.isascii() and value.isidentifier() and len(value) <= 64
    if not legal or keyword.iskeyword(value) or value.startswith("__"):
        raise ValueError("a name has letters, digits and underscores, and begins with a letter")
    return value


Name = Annotated[str, AfterValidator(_legal_name)]
"""The name of a data field or a network."""
Dtype = Literal[
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool", "complex64"
]


def stem(port: str) -> str:
    """The declared name of a port: `tensors` for `tensors_2` of a variadic one."""
    name, _, number = port.rpartition("_")
    return name if name and number.isdecimal() else port


def start_with(**parameters: Json) -> Mapping[str, Json]:
    """What `Layer.starting` is made of."""
    return MappingProxyType(parameters)


@cache
def _inferable(kind: type["Layer"]) -> list[str]:
    return [
        name
        for name, field in kind.model_fields.items()
        if any(isinstance(mark, InferredMark) for mark in field.metadata)
    ]


class Layer(BaseModel):
    """Base of all layers; the fields of a subclass are its parameters.

    The class docstring is the layer's help; its first sentence is the palette's line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    _written: Mapping[str, Json] = PrivateAttr(default_factory=dict)
    """Parameters that stand in code as an expression: their texts by name; see `written`."""

    id: ClassVar[str]
    """Dotted name of the PyTorch callable that runs, or `netbuilder.X`."""
    part: ClassVar[str] = ""
    """The class of `netbuilder.parts` that runs, for what PyTorch lacks: `routing.SqueezeExcite`.
    Its source goes into the code of the networks that use it. Beside an id of PyTorch's it holds
    what that function gives: `Constant(torch.arange(10))`."""
    title: ClassVar[str]
    family: ClassVar[Family]
    role: ClassVar[Role] = Role.LAYER
    where: ClassVar[frozenset[GraphKind]] = frozenset({"network", "block", "step"})
    """The kinds of graph in which a node of this layer may stand."""
    keywords: ClassVar[str] = ""
    """Other words by which people search for it."""
    inputs: ClassVar[tuple[Port, ...]] = (Port("input"),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("output"),)
    starting: ClassVar[Mapping[str, Json]] = start_with()
    """Parameters that a node gets when a person adds it: valid as they stand, N first."""
    positional: ClassVar[tuple[str, ...]] = ()
    """Parameters written without their name in code: `nn.Conv2d(1, 32, kernel_size=3)`."""
    in_call: ClassVar[tuple[str, ...]] = ()
    """Parameters of a module's `forward` instead of its constructor."""
    returns: ClassVar[Targets] = "output"
    summary_fields: ClassVar[tuple[str, ...]] = ()
    """Parameters shown on the node's second line; see `subtitle`."""

    is_view: ClassVar[bool] = False
    """Whether the result may be the input's own memory: what overwrites it changes both."""
    same_type: ClassVar[str] = ""
    """The input port whose sizes and dtype the only output has, whatever they are: PyTorch
    need not be asked. The harness holds it against PyTorch all the same."""
    in_pt2: ClassVar[bool] = True
    """Whether PyTorch exports it to pt2, where `onnx_refusal` keeps it from ONNX."""
    needs_values: ClassVar[bool] = False
    """Whether it can't run without numbers, as on the meta device: to find out what comes out
    it is run on zeros instead, its weights zero too."""
    across_batch: ClassVar[bool] = False
    """Whether it compares the samples of a batch with each other, so that the size of the batch
    counts: it is evaluated with batches as large as those of the training."""
    keeps_values: ClassVar[tuple[str, ...]] = ()
    """Input ports whose numbers the result is made of, unchanged: ids stay ids of as many."""

    # -- what follows from the inputs -------------------------------------------------

    def infer(self, inputs: Types) -> dict[str, Json]:
        """Values for inferred parameters, by name; only what the inputs tell."""
        return {}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        """What a person must mend, found without torch. `self` has inferred values filled in."""
        return iter(())

    def output_types(self, inputs: Types) -> Mapping[str, TensorType] | None:
        """Output types where a rule is needed; None (the default) asks torch's meta device."""
        return None

    def bound(self, port: str, inputs: Types) -> int | None:
        """The exclusive upper bound of the ids at output `port` (`TensorType.high`), if known."""
        highs = [tensor.high for name, tensor in inputs.items() if stem(name) in self.keeps_values]
        known = [high for high in highs if high is not None]
        return max(known) if known and len(known) == len(highs) else None

    def ports(self) -> Ports:
        """The ports with these parameters; variadic ones are expanded by the catalogue."""
        return Ports(self.inputs, self.outputs)

    @classmethod
    def around(cls, inside: Ports, params: Mapping[str, Json]) -> Ports:
        """The ports of a node that calls a graph with these `inside`; parameters may be wrong."""
        return inside

    def saves_output(self) -> bool:
        """Whether the gradient needs the result, so that nothing may overwrite it."""
        return False

    def for_outputs(self, wired: frozenset[str]) -> "Layer":
        """The layer as it is to run where only these outputs are used: for what costs time."""
        return self

    def targets(self) -> Targets:
        """How the result unpacks with these parameters."""
        return self.returns

    # -- code --------------------------------------------------------------------------

    def constructor(self) -> ast.expr | None:
        """The expression that makes the module, or None for a plain function.

        The default writes `torch.nn.X(positional..., name=value...)` with the parameters
        that differ from their defaults, for ids that begin with `torch.nn.` and an upper
        case class name.
        """
        if not self.is_module():
            return None
        values = {k: v for k, v in self.arguments().items() if k not in self.in_call}
        first = [code.const(values.pop(name)) for name in self.positional if name in values]
        named = {k: code.const(v) for k, v in values.items()}
        target = f"netbuilder.parts.{self.part}" if self.part else self.id
        return code.call(target, *first, **named)

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        """The expression that computes the result from the wired inputs.

        `module` is the attribute that holds `constructor()`'s value. Inputs come by port
        name in port order, variadic ones as a tuple expression under the port's name. The
        default passes required inputs by position and optional ones by name.
        """
        optional = {port.name for port in self.ports().inputs if port.optional}
        plain = [value for name, value in inputs.items() if name not in optional]
        named = {name: value for name, value in inputs.items() if name in optional}
        if module is not None:
            values = self.arguments() if self.in_call else {}
            named |= {k: code.const(values[k]) for k in self.in_call if k in values}
            return code.call(module, *plain, **named)
        rest = {k: code.const(v) for k, v in self.arguments().items()}
        first = [] if named else [rest.pop(name) for name in self.positional]
        return code.call(self.id, *plain, *first, **named, **rest)

    def is_module(self) -> bool:
        """Whether the layer's id names a module class rather than a function."""
        if self.part:
            return True
        head, _, tail = self.id.rpartition(".")
        return head != "netbuilder" and tail[:1].isupper()

    def arguments(self) -> dict[str, Json]:
        """Parameters to write in code: positional ones always, others where not the default."""
        result: dict[str, Json] = {}
        fields, written = type(self).model_fields, self._written
        for name in (*self.positional, *fields):
            value = getattr(self, name)
            if name in written:
                result.setdefault(name, written[name])
            elif name in self.positional or value != fields[name].get_default(
                call_default_factory=True
            ):
                result.setdefault(name, value)
        return result

    def written(self, texts: Mapping[str, Json]) -> "Layer":
        """The same layer with the expressions (`=2*channels`) that its code is to show.

        The values stay those of the expressions: only `arguments` speaks of the texts.
        """
        shown = self.model_copy()
        shown._written = {k: v for k, v in texts.items() if expressions.holds_expression(v)}
        return shown

    def onnx_refusal(self) -> str:
        """Why ONNX has no form of this layer with these parameters; empty if it has."""
        return ""

    # -- texts -------------------------------------------------------------------------

    def subtitle(self) -> str:
        """The muted line under the node's name: what matters of the parameters."""
        shown = []
        for name in self.summary_fields:
            value = getattr(self, name)
            if value is not None:
                shown.append("×".join(map(str, value)) if isinstance(value, tuple) else str(value))
        return ", ".join(shown)

    @classmethod
    def help(cls) -> str:
        """The class docstring without its indentation."""
        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def parameter(cls, name: str) -> FieldInfo:
        """The declaration of one parameter; `KeyError` if there is none."""
        return cls.model_fields[name]

    @classmethod
    def inferable(cls) -> list[str]:
        """The parameters that may be left out because the input tells them."""
        return _inferable(cls)

    def open_sizes(self) -> list[str]:
        """The inferable parameters that are still without a value and need one."""
        return [name for name in self.inferable() if getattr(self, name) is None]

    def with_values(self, values: Mapping[str, Json]) -> "Layer":
        """A validated copy with these parameters replaced (`model_copy` does not validate)."""
        return type(self).model_validate({**self.model_dump(exclude_unset=True), **values})
