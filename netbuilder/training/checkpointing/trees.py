"""Nested values with tensors as JSON and safetensors, without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

_MARK = "$tensor"
_KEYS = "$keys"
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.complex64: "C64",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The names of the safetensors format, version 0.6."""


def pack(value: Any) -> tuple[Any, dict[str, Tensor]]:
    """JSON, and the tensors that it names; dicts may have int keys, tuples become lists."""
    tensors: dict[str, Tensor] = {}

    def walk(item: Any) -> Any:
        if isinstance(item, Tensor):
            name = str(len(tensors))
            tensors[name] = item.detach()
            return {_MARK: name}
        if isinstance(item, Mapping):
            if all(isinstance(key, str) for key in item):
                return {key: walk(entry) for key, entry in item.items()}
            return {_KEYS: [[key, walk(entry)] for key, entry in item.items()]}
        if isinstance(item, list | tuple):
            return [walk(entry) for entry in item]
        return item

    return walk(value), tensors


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `pack` took apart."""
    match value:
        case {"$tensor": str(name)}:
            return tensors[name]
        case {"$keys": list(entries)}:
            return {key: unpack(item, tensors) for key, item in entries}
        case dict():
            return {key: unpack(item, tensors) for key, item in value.items()}
        case list():
            return [unpack(item, tensors) for item in value]
    return value


def to_pieces(tensors: Mapping[str, Tensor]) -> list[memoryview]:
    """The tensors as a safetensors file in pieces, without a copy of those on the CPU.

    The library's writer copies everything twice and holds the interpreter meanwhile, so a training
    beside it stands still. Tied weights are written out each.
    """
    # Wide numbers first: each tensor then begins at a multiple of its own item's size.
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    order = sorted(plain, key=lambda name: (-plain[name].element_size(), name))
    header: dict[str, Any] = {}
    end = 0
    for name in order:
        tensor = plain[name]
        begin, end = end, end + tensor.nbytes
        entry = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape)}
        header[name] = {**entry, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = [_memory(plain[name]) for name in order if plain[name].numel()]
    return [memoryview(len(text).to_bytes(8, "little") + text), *data]


def _memory(tensor: Tensor) -> memoryview:
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def from_bytes(data: bytes) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU."""
    return safetensors.torch.load(data)


def clone(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that training does not change."""
    with torch.no_grad():
        return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def copied(value: Any) -> Any:
    """The nested value with copies of its tensors, so that nobody changes them."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copied(item) for item in value]
    return value
