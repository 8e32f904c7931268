"""Tensors as files: what is written in pieces is what the library reads."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from torch import Tensor

from netbuilder.training.checkpointing import trees

TENSORS = {
    "weight": torch.randn(3, 5),
    "bias": torch.randn(5, dtype=torch.float64),
    "half": torch.randn(7).bfloat16(),
    "steps": torch.tensor(12),
    "mask": torch.tensor([True, False, True]),
    "bytes": torch.arange(5, dtype=torch.uint8),
    "nothing": torch.empty(0, 4),
    "wave": torch.randn(3, dtype=torch.complex64),
    "turned": torch.randn(4, 6).T,
    'ünïcode "name"': torch.ones(1),
}


def test_the_library_reads_what_was_written() -> None:
    data = b"".join(trees.to_pieces(TENSORS))
    found = safetensors.torch.load(data)
    assert set(found) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def test_each_tensor_begins_at_a_multiple_of_its_item() -> None:
    pieces = trees.to_pieces(TENSORS)
    at = len(pieces[0])
    assert at % 8 == 0
    sizes = sorted((t.element_size() for t in TENSORS.values() if t.numel()), reverse=True)
    for piece, size in zip(pieces[1:], sizes, strict=True):
        assert at % size == 0
        at += len(piece)


def test_tied_weights_are_written_each() -> None:
    one = torch.randn(4)
    found = trees.from_bytes(b"".join(trees.to_pieces({"a": one, "b": one, "c": one[1:]})))
    assert torch.equal(found["a"], one)
    assert torch.equal(found["b"], one)
    assert torch.equal(found["c"], one[1:])


def test_what_lies_on_the_host_is_not_copied() -> None:
    tensor = torch.zeros(1000)
    piece = trees.to_pieces({"a": tensor})[1]
    tensor[3] = 1.0
    assert bytes(piece)[12:16] == b"\x00\x00\x80\x3f"


@pytest.mark.parametrize("tensors", [{}, {"a": torch.empty(0)}])
def test_next_to_nothing_is_a_file_too(tensors: dict[str, Tensor]) -> None:
    assert set(trees.from_bytes(b"".join(trees.to_pieces(tensors)))) == set(tensors)
