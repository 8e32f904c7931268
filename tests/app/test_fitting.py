"""Templates on a person's own data: what is chosen opens without a problem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from netbuilder.app import fitting
from netbuilder.app.handing_on import begins_of
from netbuilder.app.templates import open_template
from netbuilder.data.images import ImageFolder
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.data.settings import fields_of, read, source_of
from netbuilder.data.sounds import WavFolder
from netbuilder.data.sources import Source
from netbuilder.data.table_columns import CategoryColumn, NumberColumn
from netbuilder.data.tables import Table
from netbuilder.data.text_files import TextFiles
from netbuilder.engine import tasks
from netbuilder.errors import ChangeError
from netbuilder.graph import edits
from netbuilder.graph.history import History

CLASSES = ("birds", "cats", "dogs")


def proposal(source: Source, count: int = 300, **values: Any) -> dict[str, Any]:
    """A proposal of that source, as the worker answers it."""
    named = {"task": "classification", "settings": {}, **values}
    params = source.model_dump(mode="json", exclude_defaults=True)
    return Proposal(source.id, params, "pets", count, source.fields(), **named).to_json()


IMAGES = ImageFolder(folder="/pets", classes=CLASSES, height=20, width=24)
PROPOSALS = {
    "colour": proposal(IMAGES, settings={"normalise": ["image"]}),
    "grey": proposal(ImageFolder(folder="/pets", classes=CLASSES[:2], colour=False)),
    "sounds": proposal(
        WavFolder(folder="/pets", classes=CLASSES), settings={"normalise": ["spectrogram"]}
    ),
    "unlabelled": proposal(ImageFolder(folder="/pets"), task="reconstruction"),
}


def problems(document: Any) -> list[str]:
    return [problem.message for problem in tasks.analyse(document, source=False).problems]


@pytest.mark.parametrize("kind", ["colour", "grey", "sounds"])
@pytest.mark.parametrize("template", ["digits_cnn", "digits_mlp", "distillation"])
def test_small_templates_fit_without_a_problem(kind: str, template: str) -> None:
    document = fitting.begin(template, PROPOSALS[kind])
    assert problems(document) == []
    assert document.project.title == "pets"
    source = source_of(read(document.project.data))
    classes = next(field for field in source.fields() if field.name == "label").high
    for network in document.of_kind("network"):
        last = network.named("classifier")
        assert last is not None
        assert last.params["out_features"] == classes


@pytest.mark.templates
@pytest.mark.parametrize("kind", PROPOSALS)
def test_all_that_are_offered_fit(kind: str) -> None:
    chosen = fitting.choose(PROPOSALS[kind])
    assert chosen[0] == ("autoencoder" if kind == "unlabelled" else "digits_cnn")
    for template in chosen:
        assert problems(fitting.begin(template, PROPOSALS[kind])) == [], template


def test_an_autoencoder_gives_back_images_of_the_new_size() -> None:
    document = fitting.begin("autoencoder", PROPOSALS["unlabelled"])
    assert problems(document) == []


def test_a_network_for_large_images_gets_them_in_its_size() -> None:
    document = fitting.begin("resnet18", PROPOSALS["grey"])
    params = document.project.data["params"]
    assert (params["height"], params["width"], params["colour"]) == (224, 224, True)
    network = document.network("main")
    assert network is not None
    assert [n.params["out_features"] for n in network.ordered() if "out_features" in n.params] == [
        2
    ]


def test_a_small_set_gets_small_batches() -> None:
    few = proposal(IMAGES, count=40)
    assert fitting.begin("digits_cnn", few).project.training["batch_size"] == 16
    assert fitting.begin("digits_cnn", PROPOSALS["colour"]).project.training["batch_size"] == 64


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ChangeError):
        fitting.begin("digits_lstm", PROPOSALS["colour"])
    with pytest.raises(ChangeError, match="nothing for the field"):
        fitting.begin("digits_cnn", proposal(ImageFolder(folder="/pets"), task="reconstruction"))


def test_it_is_one_edit() -> None:
    document = open_template("digits_cnn")
    before = document.copy()
    history = History(document)
    fitting.apply(history, fitting.fit(document, PROPOSALS["colour"]))
    assert history.undo() is not None
    assert document.project == before.project
    assert document.graphs.keys() == before.graphs.keys()
    for graph in before.graphs.values():
        assert document.graph(graph.id).nodes == graph.nodes
    assert history.undo() is None


def test_what_is_proposed_is_what_is_there(tmp_path: Path) -> None:
    from netbuilder.data.proposals.proposing import propose

    for name in CLASSES:
        (tmp_path / "pets" / name).mkdir(parents=True)
        for at in range(3):
            values = np.full((9, 9), 80 * at, np.uint8)
            Image.fromarray(values).save(tmp_path / "pets" / name / f"{at}.png")
    document = fitting.begin("digits_cnn", propose(tmp_path / "pets").to_json())
    assert problems(document) == []


def test_texts_with_classes_go_into_a_network_for_texts() -> None:
    source = TextFiles(
        path="/reviews", tokens="word", vocabulary=("bad", "good"), samples="documents",
        classes=("neg", "pos"), length=32,
    )  # fmt: skip
    found = proposal(source)
    assert problems(fitting.begin("transformer_classifier", found)) == []
    with pytest.raises(ChangeError, match="nothing for the field 'features'"):
        fitting.begin("perceptron", found)


@pytest.mark.parametrize("letters", [20, 150])
@pytest.mark.parametrize("template", ["gpt_small", "rnn_text"])
def test_a_network_for_letters_gets_those_of_the_text(template: str, letters: int) -> None:
    alphabet = tuple(chr(0x430 + number) for number in range(letters))
    source = TextFiles(path="/my.txt", vocabulary=alphabet)
    document = fitting.begin(template, proposal(source, task="language"))
    assert problems(document) == []
    (network,) = document.of_kind("network")
    ends = {name: network.named(name) for name in ("letters", "head")}
    assert ends["letters"] is not None
    assert ends["letters"].params["high"] == source.high() == letters + 4
    assert ends["head"] is not None
    assert ends["head"].params["out_features"] == letters + 4


def test_a_published_vocabulary_stays() -> None:
    source = TextFiles(path="/my.txt", vocabulary=("a", "b"), length=33)
    document = open_template("gpt2")
    old = document.project.data["params"]
    assert isinstance(old, Mapping)
    same = source.model_copy(update={"length": int(str(old["length"])) + 1})
    fitting.apply(History(document), fitting.fit(document, proposal(same, task="language")))
    tokens = document.of_kind("network")[0].named("tokens")
    assert tokens is not None
    assert tokens.params["high"] == 50257


def test_letters_of_a_fixed_length_stay_as_long() -> None:
    document = open_template("rnn_text")
    history = History(document)
    (network,) = document.of_kind("network")
    letters = network.named("letters")
    assert letters is not None
    with history.step("As many letters"):
        edits.set_parameters(history, network, [letters.id], {"shape": [64]})
    longer = TextFiles(path="/my.txt", vocabulary=("a", "b"), length=40)
    with pytest.raises(ChangeError, match="takes no other shape"):
        fitting.fit(document, proposal(longer, task="language"))


@pytest.mark.parametrize("template", ["lstm_forecast", "tcn_forecast"])
def test_a_series_of_several_columns_is_foretold(template: str, tmp_path: Path) -> None:
    from netbuilder.data.proposals.proposing import propose

    rows = (
        f"2024-{1 + day // 28:02}-{1 + day % 28:02},{day}.5,{day % 7}.25\n" for day in range(200)
    )
    (tmp_path / "a.csv").write_text("date,temp,wind\n" + "".join(rows))
    found = propose(tmp_path / "a.csv").to_json()
    assert found["task"] == "forecast"
    assert problems(fitting.begin(template, found)) == []
    # Both columns are to be found.
    windows = {**found["settings"]["windows"], "targets": ["features", "target"]}
    settings = {**found["settings"], "windows": windows}
    data = read({"source": found["source"], "params": found["params"], **settings})
    both = {**found, "settings": settings, "fields": [f.to_json() for f in fields_of(data)]}
    document = fitting.begin(template, both)
    assert problems(document) == []
    last = document.of_kind("network")[0].named("forecast" if "tcn" in template else "head")
    assert last is not None
    assert last.params["out_features"] == 2


def test_what_tells_by_a_line_comes_last() -> None:
    source = Table(
        path="/a.csv",
        columns=(
            NumberColumn(name="a"),
            NumberColumn(name="b"),
            CategoryColumn(name="kind", use="target", classes=("rose", "tulip")),
        ),
    )
    assert fitting.choose(proposal(source)) == ["mlp_tabular", "perceptron"]


def test_what_is_compared_is_found_behind_layers_that_move_it() -> None:
    (step,) = open_template("gpt_small").of_kind("step")
    loss = step.named("cross_entropy")
    assert loss is not None
    names = {step.nodes[wire.source].name for wire in begins_of(step, loss)}
    assert names == {"gpt", "text"}, "past the moved dim, and past what cuts off the next letter"
