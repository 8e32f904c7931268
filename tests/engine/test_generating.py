"""What trained generators make: by seed, with knobs, from a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from netbuilder.app.templates import open_template
from netbuilder.cli.main import main
from netbuilder.engine import generating, tasks
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.training.observing import previews


def trained(id: str, folder: Path, overrides: dict[str, Any]) -> Path:
    """A run of a template that learnt next to nothing."""
    run = folder / id
    tasks.train(open_template(id), run, overrides={"training.threads": 1, **overrides})
    return run


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("gan_mlp", tmp_path_factory.mktemp("g"), {"training.epochs": 1})


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    few = {"training.steps": 3, "data.params": {"letters": 20_000, "length": 64}}
    return trained("gpt_small", tmp_path_factory.mktemp("w"), few)


def names(document: Document) -> dict[str, list[str]]:
    """Knobs by preview."""
    return {
        each.preview.name: [f"{knob.node.name}.{knob.parameter}" for knob in each.knobs()]
        for each in generating.generators(document)
    }


def test_what_is_made_by_chance_is_found_with_its_knobs() -> None:
    latent = ["noise.spread", "noise.z1", "noise.z2", "noise.z3", "noise.z4"]
    assert names(open_template("gan_mlp")) == {"samples": latent}
    # The copies of a variational autoencoder answer to pictures; its samples do not.
    assert names(open_template("vae")) == {"samples": latent}
    assert names(open_template("ddpm")) == {"samples": ["sampler.jumps", "sampler.eta"]}
    assert names(open_template("gpt_small")) == {
        "writes_on": ["writer.length", "writer.temperature", "writer.top_k"]
    }
    assert names(open_template("digits_cnn")) == {}


def test_one_seed_makes_the_same_and_others_do_not(painter: Path) -> None:
    one, again = (generating.generate(painter, {"seed": 1}) for _ in range(2))
    assert one == again
    assert one["kind"] == "image"
    assert np.shape(one["output"]) == (16, 1, 8, 8)
    assert generating.generate(painter, {"seed": 2}) != one


def test_a_training_beside_it_keeps_its_chance(
    painter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while it is made: a training on another thread draws from the process's generator."""

    def seeded(*_: Any) -> None:
        raise AssertionError("the process's generator was set")

    torch.rand(3)
    before = torch.get_rng_state()
    monkeypatch.setattr(torch, "manual_seed", seeded)
    monkeypatch.setattr(torch, "set_rng_state", seeded)
    generating.generate(painter, {"seed": 1})
    assert torch.equal(torch.get_rng_state(), before)


def test_knobs_turn_the_noise(painter: Path) -> None:
    def made(**knobs: float) -> Any:
        return generating.generate(painter, {"knobs": {"noise": knobs}})["output"]

    plain, still = made(), made(spread=0.0)
    assert made(spread=1.0, z1=0.0) == plain
    assert all(each == still[0] for each in still)
    assert made(z1=2.0) not in (plain, made(z2=2.0))
    # Shifted after it was spread: what is added is added, whatever the order of the wish.
    assert made(z1=2.0, spread=0.0) == made(spread=0.0, z1=2.0) != still


def test_a_prompt_is_gone_on_with(writer: Path) -> None:
    wish = {"prompt": "def main(", "knobs": {"writer": {"length": 12, "temperature": 0.0}}}
    (text,) = generating.generate(writer, wish)["output"]
    assert text.startswith("def main(")
    assert len(text) == len("def main(") + 12
    with pytest.raises(NetbuilderError, match="knows no letter"):
        generating.generate(writer, {"prompt": "ж"})


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"preview": "nothing"}, "no such preview"),
        ({"knobs": {"noise": {"weight": 1.0}}}, r"no 'noise\.weight' to turn"),
        ({"knobs": {"noise": {"spread": 9.0}}}, "can't be 9"),
        ({"knobs": {"noise": {"spread": "wide"}}}, "can't be wide"),
    ],
)
def test_what_can_not_be_is_told(painter: Path, wish: dict[str, Any], words: str) -> None:
    with pytest.raises(NetbuilderError, match=words):
        generating.generate(painter, wish)


def test_the_command(
    painter: Path, writer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    assert main(["generate", str(painter), "--turn", "noise.spread=0.5", "-o", str(out)]) == 0
    with Image.open(out) as image:
        assert image.size == (32, 32)
    short = ["--prompt", "import ", "--turn", "writer.length=5"]
    assert main(["generate", str(writer), *short]) == 0
    assert "import " in capsys.readouterr().out
    assert main(["generate", str(writer), *short, "-o", str(out)]) == 2
    assert main(["generate", str(painter), "--turn", "spread"]) == 2


def test_any_whole_number_is_a_seed(painter: Path) -> None:
    assert generating.generate(painter, {"seed": 10**30}) != generating.generate(painter, {})


def test_letters_stand_together_beside_words_for_what_is_none() -> None:
    letters = ("(padding)", "(unknown)", "a", "b")
    assert previews._texts(torch.tensor([[2, 3, 9]]), letters) == ["ab\N{REPLACEMENT CHARACTER}"]
    assert previews._texts(torch.tensor([[0, 1, 9]]), ("the", "cat")) == ["the cat 9"]
