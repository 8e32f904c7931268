"""Transformer layers: attention and a small network at every element, in one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.attention import (
    Attention,
    causal_arguments,
    check_heads,
    check_masks,
    check_same_batch,
)
from netbuilder.layers.base import (
    Complaint,
    Family,
    Inferred,
    Layer,
    Port,
    Positive,
    Probability,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    check_batch_first,
    check_rank,
    check_size,
    check_weights,
    first_of,
    set_to,
    size_at,
)

Activation = Literal["relu", "gelu", "silu", "mish", "elu", "leaky_relu", "selu"]
"""Functions of `torch.nn.functional`; PyTorch knows the first two by name."""

_BLOCKED = "true where looking is not allowed."


def _masks(sequence: str, mask: str, sizes: str, padding: str) -> tuple[Port, Port]:
    return (
        Port(mask, f"{sizes}, {_BLOCKED}", optional=True),
        Port(padding, f"N×length, true for padding of {sequence}.", optional=True),
    )


class _Heads(Layer):
    """The parameters that come first, and all that transformer layers have in common."""

    family = Family.ATTENTION
    positional = ("d_model", "nhead")
    starting = start_with(nhead=4, batch_first=True)
    sequences: ClassVar[tuple[str, ...]]
    attentions: ClassVar[tuple[Attention, ...]]
    detects: ClassVar[bool] = False
    """Whether PyTorch looks into a mask to see if it is causal, where nothing is said."""

    d_model: Inferred = None
    nhead: Size

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, self.sequences[0], -1)
        return {} if size is None else {"d_model": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        batch_first = bool(getattr(self, "batch_first", True))
        layout = "N×T×features" if batch_first else "T×N×features"
        first, *others = self.sequences
        return first_of(
            check_heads(self, "d_model", "nhead"),
            *(check_rank(self, inputs, port, (3,), layout) for port in self.sequences),
            check_weights(self, inputs, *self.sequences),
            *(self._width(inputs, port) for port in self.sequences),
            *(check_same_batch(self, inputs, first, port) for port in others),
            *(check_masks(self, inputs, attention, self.nhead) for attention in self.attentions),
            check_batch_first(self, inputs, first),
            self._more(),
        )

    def _width(self, inputs: Types, port: str) -> Iterator[Complaint]:
        return check_size(self, "d_model", f"features in {port}", inputs, port, -1)

    def _more(self) -> Iterator[Complaint]:
        return iter(())

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        assert module is not None
        named = {name: value for name, value in inputs.items() if name not in self.sequences}
        for attention in self.attentions:
            causal = causal_arguments(self, attention, inputs)
            if not causal and self.detects and attention.causal and attention.mask in inputs:
                # Said, so that PyTorch need not look into the mask at every call.
                causal = {attention.causal: code.const(False)}
            named |= causal
        return code.call(module, *(inputs[port] for port in self.sequences), **named)

    def subtitle(self) -> str:
        return f"{self.nhead} heads" if self.nhead > 1 else "1 head"


class _Options(_Heads):
    """The parameters that come last."""

    dim_feedforward: Size = 2048
    dropout: Probability = 0.1
    activation: Activation = "relu"
    layer_norm_eps: Positive = 1e-05
    batch_first: bool = False
    norm_first: bool = False
    bias: bool = True

    def constructor(self) -> ast.expr:
        return self._make(self.id, type(self).model_fields)

    def _make(self, target: str, names: Mapping[str, Any]) -> ast.expr:
        """`target` with the parameters of these names that differ from their defaults."""
        values = {k: v for k, v in self.arguments().items() if k in names}
        positional = [code.const(values.pop(name)) for name in self.positional]
        named = {k: code.const(v) for k, v in values.items() if k not in self.in_call}
        if "activation" in values and self.activation not in ("relu", "gelu"):
            named["activation"] = code.dotted(f"torch.nn.functional.{self.activation}")
        return code.call(target, *positional, **named)


# -- encoder -----------------------------------------------------------------------------------


class TransformerEncoderLayer(_Options):
    """One layer of a transformer's encoder: self-attention, then a network at every element.

    Both with a skip and a LayerNorm; `norm_first` puts the norms before. `d_model` follows
    from `src` and must be a multiple of `nhead`. `is_causal` hides the future, as for a
    language model. Give the elements their places first by a position encoding.
    """

    id = "torch.nn.TransformerEncoderLayer"
    title = "TransformerEncoderLayer"
    keywords = "self-attention block vit bert gpt feed forward"
    inputs = (Port("src"), *_masks("src", "src_mask", "S×S", "src_key_padding_mask"))
    in_call = ("is_causal",)
    sequences = ("src",)
    attentions = (Attention("src", "src", "src_mask", "src_key_padding_mask", "is_causal"),)

    is_causal: bool = False


class _Stacked(_Options):
    num_layers: Size
    norm: bool = False

    inner: ClassVar[type[_Options]]

    def constructor(self) -> ast.expr:
        """The inner layer, made into `num_layers` of them."""
        names = self.inner.model_fields
        inner = self._make(self.inner.id, names)
        rest = {k: v for k, v in self.arguments().items() if k not in names}
        named = {k: code.const(v) for k, v in rest.items() if k not in self.in_call}
        if "norm" in rest:
            named["norm"] = self._norm()
        return code.call(self.id, inner, **named)

    def _norm(self) -> ast.expr:
        values = self.arguments()
        named = {"eps": "layer_norm_eps", "bias": "bias"}
        more = {k: code.const(values[name]) for k, name in named.items() if name in values}
        return code.call("torch.nn.LayerNorm", code.const(values["d_model"]), **more)

    def subtitle(self) -> str:
        layers = f"{self.num_layers} layers" if self.num_layers > 1 else "1 layer"
        return f"{layers}, {super().subtitle()}"


class TransformerEncoder(_Stacked):
    """Several layers of a transformer's encoder, one after the other, with the same parameters.

    `num_layers` of TransformerEncoderLayer; `norm` adds a LayerNorm at the end, as a stack
    with `norm_first` needs. `is_causal` hides the future. `enable_nested_tensor` skips
    padding when not training, where the other parameters allow it.
    """

    id = "torch.nn.TransformerEncoder"
    title = "TransformerEncoder"
    keywords = "self-attention stack vit bert gpt"
    inputs = (Port("src"), *_masks("src", "mask", "S×S", "src_key_padding_mask"))
    starting = start_with(nhead=4, batch_first=True, num_layers=6, enable_nested_tensor=False)
    in_call = ("is_causal",)
    sequences = ("src",)
    attentions = (Attention("src", "src", "mask", "src_key_padding_mask", "is_causal"),)
    detects = True
    inner = TransformerEncoderLayer

    enable_nested_tensor: bool = True
    mask_check: bool = True
    is_causal: bool = False

    def _more(self) -> Iterator[Complaint]:
        reasons = {
            "batch_first is off": not self.batch_first,
            "norm_first is on": self.norm_first,
            "bias is off": not self.bias,
            "nhead is odd": self.nhead % 2 == 1,
            f"the activation is {self.activation}": self.activation not in ("relu", "gelu"),
        }
        reason = next((text for text, holds in reasons.items() if holds), "")
        if self.enable_nested_tensor and reason:
            yield Complaint(
                f"enable_nested_tensor does nothing here, since {reason}.",
                "Set enable_nested_tensor to False, and PyTorch does not warn of it.",
                code="parameter.useless",
                severity="warning",
                fixes=(set_to("enable_nested_tensor", False),),
            )


# -- decoder -----------------------------------------------------------------------------------

_DECODER_INPUTS = (
    Port("tgt"),
    Port("memory", "What the encoder gives."),
    Port("tgt_mask", f"T×T, {_BLOCKED}", optional=True),
    Port("memory_mask", f"T×S, {_BLOCKED}", optional=True),
    Port("tgt_key_padding_mask", "N×T, true for padding of tgt.", optional=True),
    Port("memory_key_padding_mask", "N×S, true for padding of memory.", optional=True),
)
_DECODER_ATTENTIONS = (
    Attention("tgt", "tgt", "tgt_mask", "tgt_key_padding_mask", "tgt_is_causal"),
    Attention("tgt", "memory", "memory_mask", "memory_key_padding_mask"),
)


class TransformerDecoderLayer(_Options):
    """One layer of a transformer's decoder: `tgt` looks at itself, then at `memory`.

    `memory` is what the encoder gives. `tgt_is_causal` hides the future of `tgt`, as for
    everything that writes one element after the other.
    """

    id = "torch.nn.TransformerDecoderLayer"
    title = "TransformerDecoderLayer"
    keywords = "cross-attention block translation seq2seq"
    inputs = _DECODER_INPUTS
    in_call = ("tgt_is_causal",)
    sequences = ("tgt", "memory")
    attentions = _DECODER_ATTENTIONS

    tgt_is_causal: bool = False


class TransformerDecoder(_Stacked):
    """Several layers of a transformer's decoder, one after the other, with the same parameters.

    `num_layers` of TransformerDecoderLayer, all of which look at the same `memory`; `norm`
    adds a LayerNorm at the end. `tgt_is_causal` hides the future of `tgt`.
    """

    id = "torch.nn.TransformerDecoder"
    title = "TransformerDecoder"
    keywords = "cross-attention stack translation seq2seq"
    inputs = _DECODER_INPUTS
    starting = start_with(nhead=4, batch_first=True, num_layers=6)
    in_call = ("tgt_is_causal",)
    sequences = ("tgt", "memory")
    attentions = _DECODER_ATTENTIONS
    detects = True
    inner = TransformerDecoderLayer

    tgt_is_causal: bool = False


# -- both --------------------------------------------------------------------------------------


class _Stacks(_Heads):
    num_encoder_layers: Size = 6
    num_decoder_layers: Size = 6


class Transformer(_Options, _Stacks):
    """The whole transformer: an encoder for `src` and a decoder for `tgt` that looks at it.

    Both sequences have `d_model` features; give their elements places first by a position
    encoding. `tgt_is_causal` hides the future of `tgt`, `src_is_causal` that of `src`. The
    result has the length of `tgt`.
    """

    id = "torch.nn.Transformer"
    title = "Transformer"
    keywords = "encoder decoder attention translation seq2seq"
    starting = start_with(batch_first=True)
    inputs = (
        Port("src"),
        Port("tgt"),
        Port("src_mask", f"S×S, {_BLOCKED}", optional=True),
        Port("tgt_mask", f"T×T, {_BLOCKED}", optional=True),
        Port("memory_mask", f"T×S, {_BLOCKED}", optional=True),
        Port("src_key_padding_mask", "N×S, true for padding of src.", optional=True),
        Port("tgt_key_padding_mask", "N×T, true for padding of tgt.", optional=True),
        Port("memory_key_padding_mask", "N×S, true for padding of the encoder's.", optional=True),
    )
    in_call = ("src_is_causal", "tgt_is_causal")
    sequences = ("src", "tgt")
    attentions = (
        Attention("src", "src", "src_mask", "src_key_padding_mask", "src_is_causal"),
        Attention("tgt", "tgt", "tgt_mask", "tgt_key_padding_mask", "tgt_is_causal"),
        Attention("tgt", "src", "memory_mask", "memory_key_padding_mask"),
    )
    detects = True

    d_model: Size = 512
    nhead: Size = 8
    src_is_causal: bool = False
    tgt_is_causal: bool = False

    def _width(self, inputs: Types, port: str) -> Iterator[Complaint]:
        size = size_at(inputs, port, -1)
        if size is None or size == self.d_model:
            yield from super()._width(inputs, port)
            return
        yield Complaint(
            f"Transformer expects {self.d_model} features in {port}, gets {size}.",
            f"Set d_model to {size}, or change what comes in.",
            port,
            fixes=(set_to("d_model", size),),
        )

    def subtitle(self) -> str:
        return f"{self.num_encoder_layers} + {self.num_decoder_layers} layers, {self.nhead} heads"
