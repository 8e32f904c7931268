"""Some templates do what they are named for: sizes, contrastive divergence, looking back."""

from __future__ import annotations

import torch
from torch import Tensor

import netbuilder as nb
from netbuilder.app.templates import templates


def test_the_capsule_network_has_the_sizes_of_the_paper() -> None:
    (info,) = [template for template in templates() if template.id == "capsnet"]
    conv = 9 * 9 * 256 + 256
    primary = 9 * 9 * 256 * 256 + 256
    routing = 6 * 6 * 32 * 8 * 10 * 16
    assert info.networks["capsules"] == conv + primary + routing == 6_804_224
    decoder = 160 * 512 + 512 + 512 * 1024 + 1024 + 1024 * 784 + 784
    assert info.networks["decoder"] == decoder == 1_411_344


def test_the_gradient_of_a_belief_network_is_contrastive_divergence() -> None:
    torch.manual_seed(0)
    machine = nb.template("deep_belief").module("rbm1")
    weight = machine.get_parameter("weight.weight")
    torch.nn.init.normal_(weight, std=0.3)
    visible, chance = torch.rand(16, 64), torch.rand(16, 128)
    hidden, imagined, energy = machine(visible, chance)
    assert torch.equal(hidden, torch.sigmoid(visible @ weight.T))
    states = (hidden > chance).float()
    assert torch.allclose(imagined, torch.sigmoid(states @ weight), atol=1e-6)

    dreamt = imagined.detach()
    hidden_after, _, energy_after = machine(dreamt, chance)
    (energy - energy_after).mean().backward()
    expected = (hidden_after.T @ dreamt - hidden.T @ visible) / len(visible)
    assert weight.grad is not None
    assert torch.allclose(weight.grad, expected, atol=1e-6)


def reach(gradient: Tensor) -> tuple[int, int]:
    """The first and the last point that matters, of (1, points, ...)."""
    touched = gradient.abs().flatten(2).sum(2)[0].nonzero()
    return int(touched.min()), int(touched.max())


def test_wavenet_sees_128_points_and_none_that_come_later() -> None:
    torch.manual_seed(0)
    network = nb.template("wavenet_small").module("main").eval()
    seen: list[Tensor] = []

    def keep(module: torch.nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    network.get_submodule("embed").register_forward_hook(keep)
    scores = network(torch.randint(256, (1, 300)))
    scores[0, 250].sum().backward()
    assert seen[0].grad is not None
    assert reach(seen[0].grad) == (250 - 127, 250)


def test_the_forecast_sees_61_points() -> None:
    torch.manual_seed(0)
    network = nb.template("tcn_forecast").module("main").eval()
    window = torch.randn(1, 64, 1, requires_grad=True)
    network(window).sum().backward()
    assert window.grad is not None
    assert reach(window.grad) == (64 - 61, 64 - 1)


def test_the_drawn_spectrogram_is_a_fourier_transform() -> None:
    network = nb.template("audio_cnn").module("main").eval()
    audio = torch.rand(3, 1, 2048) * 2 - 1
    drawn = network.get_submodule("spectrogram")(audio)
    window = torch.hann_window(128)
    known = torch.stft(audio[:, 0], 128, 64, window=window, return_complex=True)
    assert torch.allclose(drawn, known.abs().log1p()[:, None], atol=1e-4)
