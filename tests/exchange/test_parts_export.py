"""Networks made of parts leave the house like any other: verified, with lengths left free."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from netbuilder.compiler.build import build_network
from netbuilder.errors import ExportError
from netbuilder.exchange import export
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph.document import Document
from tests.drawing import Drawing


def sequence() -> Drawing:
    """Tokens with positions and a class token through experts; constants; a second scalar."""
    d = Drawing()
    x = d.input("T", 8, name="tokens")
    x = d.add("netbuilder.SinusoidalPositions", x, name="positions")
    x = d.add("netbuilder.ClassToken", x, name="token")
    scale = d.add("torch.arange", start=1, end=9, dtype="float32", name="steps")
    x = d.add("torch.mul", x, scale, name="scaled")
    experts = d.add(
        "netbuilder.MixtureOfExperts", x, name="experts", hidden_features=4, num_experts=3
    )
    x = d.add("netbuilder.GradientReversal", experts, name="turned")
    d.output(d.add("netbuilder.StochasticDepth", x, name="depth"), name="features")
    d.output((experts, "balance"), name="balance")
    return d


def image() -> Drawing:
    """A capsule network with the middle of a VQ-VAE."""
    d = Drawing()
    x = d.input(3, 12, 12, name="image")
    x = d.add("netbuilder.LayerNorm2d", x, name="norm")
    codes = d.add("netbuilder.VectorQuantizer", x, num_codes=7, name="codes")
    x = d.add(
        "netbuilder.PrimaryCapsules",
        codes,
        num_capsules=2,
        capsule_size=4,
        kernel_size=5,
        name="primary",
    )
    x = d.add("netbuilder.CapsuleRouting", x, num_capsules=3, capsule_size=4, name="digits")
    d.output(d.add("netbuilder.CapsuleLength", x, name="length"), name="scores")
    d.output((codes, "indices"), name="indices")
    return d


def write(document: Document, to: str, out: Path) -> dict[str, object]:
    torch.manual_seed(0)
    module = build_network(document, "main").eval()
    return export.export(
        document,
        "main",
        ExportOptions(to),
        out,
        weights=module.state_dict(),
        samples={},
        metadata={"title": "Test", "project": "{}"},
    )


@pytest.mark.nightly
@pytest.mark.timeout(300)
@pytest.mark.parametrize("draw", [sequence, image])
def test_parts_are_exported_and_verified(draw: type[Drawing], tmp_path: Path) -> None:
    answer = write(draw().document, "onnx", tmp_path / "net.onnx")
    assert answer["verified"] is True


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_parts_are_in_the_code_and_in_pt2(tmp_path: Path) -> None:
    document = sequence().document
    assert write(document, "pt2", tmp_path / "net.pt2")["verified"] is True
    write(document, "code", tmp_path / "net.py")
    text = (tmp_path / "net.py").read_text("utf-8")
    assert "class MixtureOfExperts(nn.Module):" in text


def test_what_is_drawn_anew_with_every_call_is_refused(tmp_path: Path) -> None:
    """Its numbers could not be compared."""
    d = Drawing()
    x = d.input(4, name="x")
    d.output(d.add("torch.add", x, d.add("torch.randn_like", x, name="noise")))
    with pytest.raises(ExportError, match="random numbers"):
        write(d.document, "onnx", tmp_path / "net.onnx")
