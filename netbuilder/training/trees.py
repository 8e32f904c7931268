"""Nested values with tensors as JSON and safetensors, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

_MARK = "$tensor"
_KEYS = "$keys"


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


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """The tensors as a safetensors file; tied weights are written out each."""
    seen: set[int] = set()
    plain: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        copy = tensor.detach().to("cpu").contiguous()
        address = copy.untyped_storage().data_ptr()
        plain[name] = copy.clone() if address in seen or copy.numel() == 0 else copy
        seen.add(address)
    return safetensors.torch.save(plain)


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
