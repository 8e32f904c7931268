"""PyTorch's documentation as plain text: for every layer, and without marks of markup."""

from __future__ import annotations

import re

import pytest
import torch

from netbuilder.engine.layer_help import describe, plain, tex
from netbuilder.engine.protocol import WorkerError
from netbuilder.layers.catalogue import layers

OF_TORCH = [id for id in layers() if id.startswith("torch.")]
MARKS = re.compile(r":(math|attr|class|func):|``|\\|(^|\s)\.\. |>>>|_\{|::(\s|$)")
BARE = {"torch.Tensor.__getitem__", "torch.index_add", "torch.rsub", "torch.scatter_reduce"}
"""What PyTorch itself says next to nothing about."""


@pytest.mark.parametrize("layer", OF_TORCH)
def test_every_layer_is_described_in_plain_words(layer: str) -> None:
    found = describe(layer)
    assert len(found["text"]) > 80 or layer in BARE
    assert not MARKS.search(found["text"])
    for name, text in found["parameters"].items():
        assert name.isidentifier()
        assert not MARKS.search(text)


def test_most_parameters_are_explained() -> None:
    wanted = [(id, name) for id in OF_TORCH for name in layers()[id].model_fields]
    known = [(id, name) for id, name in wanted if name in describe(id)["parameters"]]
    assert len(known) > 0.9 * len(wanted)


def test_what_a_docstring_points_to_is_read() -> None:
    assert describe("torch.erf")["text"].startswith("Computes the error function")
    assert "dim_feedforward" in describe("torch.nn.TransformerEncoder")["parameters"]
    assert "is_causal" in describe("torch.nn.MultiheadAttention")["parameters"]
    assert "‖ x ‖ _p" in describe("torch.nn.PairwiseDistance")["text"]


def test_what_matters_is_there() -> None:
    conv = describe("torch.nn.Conv2d")
    assert conv["text"].startswith("Applies a 2D convolution over an input signal")
    assert "(N, C_in, H, W)" in conv["text"]
    assert "H_out = ⌊(H_in + 2 × padding[0]" in conv["text"]
    assert conv["parameters"]["stride"] == "Stride of the convolution. Default: 1"
    assert "out_channels (int): Number of channels" in conv["text"]
    assert "Example" not in conv["text"]
    assert "dim (int, optional): the dimension" in describe("torch.cat")["text"]


def test_layers_of_our_own_have_none_and_unknown_ones_are_refused() -> None:
    assert describe("netbuilder.Input") == {"text": "", "parameters": {}}
    assert describe("torchmetrics.Accuracy") == {"text": "", "parameters": {}}
    for unknown in ("torch.hub.load", "torch.nn.Conv9d", "os.system", ""):
        with pytest.raises(WorkerError, match="no layer"):
            describe(unknown)


def test_formulas_and_marks() -> None:
    assert tex(r"\frac{\text{out\_channels}}{2}") == "(out_channels)/(2)"
    assert tex(r"\sqrt{k} \leq \sum_{i=0}^{1} x_{i}") == "√(k) ≤ Σ_i=0^1 x_i"
    assert plain(":attr:`a`, ``b``, :class:`~torch.nn.C` and `text <http://x>`__") == (
        "a, b, torch.nn.C and text"
    )


def test_a_function_that_a_library_has_replaced_is_described(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch, "select", lambda *values: None)
    assert "Slices" in describe("torch.select")["text"]
