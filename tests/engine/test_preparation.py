"""A file for somebody who has it alone: what normalises and fills, and what answers, is inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from netbuilder.app.templates import open_template
from netbuilder.data import places, settings
from netbuilder.data.graph_files import EdgeList
from netbuilder.data.images import ImageFolder
from netbuilder.data.picture_files import IdxPictures
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.data.statistics import Statistics
from netbuilder.data.tables import Table
from netbuilder.engine import giving, preparing, tasks
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.interface import Interface
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.prepared import Prepared, output_specs, settled
from netbuilder.exchange.specs import TensorSpec
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History

X, Y = TensorSpec("x", ("N", 3)), TensorSpec("y", ("N", 4))


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    """Training seeds the process; the next test must not see that."""
    with torch.random.fork_rng(devices=[]):
        yield


def statistics() -> Statistics:
    return Statistics.of(torch.tensor([[1.0, 5.0, 100.0], [3.0, 5.0, 300.0]]), ("mean", "", ""))


def preparation(**output: Any) -> dict[str, Any]:
    return {"inputs": {"x": {"normalise": statistics().to_json()}}, "outputs": {"y": output}}


def test_what_goes_in_is_filled_and_normalised() -> None:
    network = nn.Linear(3, 4)
    made = Prepared(network, [X], [Y], preparation())
    raw = torch.tensor([[1.5, 4.0, 150.0], [float("nan"), 6.0, 100.0]])
    assert torch.equal(made(raw), network(statistics().normalise(raw)))
    assert made(raw).isfinite().all()
    # Where nothing stands for a gap there is no answer, rather than one for 0.
    assert made(torch.tensor([[1.5, float("nan"), 150.0]])).isnan().all()
    told = json.loads(json.dumps(statistics().to_json(), allow_nan=False))
    assert told["fill"] == [2.0, None, None]
    assert torch.equal(Statistics.from_json(told).normalise(raw), statistics().normalise(raw))


def test_what_comes_out_is_told_in_the_units_of_the_data() -> None:
    network = nn.Linear(3, 4)
    target = Statistics.of(10 + 5 * torch.randn(20, 4))
    made = Prepared(network, [X], [Y], preparation(normalise=target.to_json()))
    raw = torch.randn(5, 3)
    assert torch.equal(made(raw), target.restore(network(statistics().normalise(raw))))


@pytest.mark.parametrize("last", [nn.Identity(), nn.Softmax(1)], ids=["scores", "softmax"])
def test_classes_are_told_as_asked_and_softmax_is_taken_once(last: nn.Module) -> None:
    network = nn.Sequential(nn.Linear(3, 4), last)
    raw = torch.randn(6, 3)
    scores = network(statistics().normalise(raw))
    wanted = Interface((X,), (Y,))
    for answer in ("scores", "probabilities", "class"):
        chosen = settled(network, preparation(answer=answer), wanted, {})
        found = Prepared(network, [X], [Y], chosen)(raw)
        if answer == "class":
            assert torch.equal(found, scores.argmax(1))
            assert output_specs([Y], chosen) == (TensorSpec("y", ("N",), "int64"),)
        elif answer == "probabilities" and isinstance(last, nn.Identity):
            assert torch.allclose(found, scores.softmax(1))
        else:
            assert torch.equal(found, scores)


def test_where_the_data_lies_is_not_told_and_what_is_usual_is() -> None:
    sources = (
        IdxPictures(images="/home/a/i", labels="/home/a/l"),
        EdgeList(edges="/home/a/e", nodes="/home/a/n"),
        ImageFolder(folder="/home/a"),
    )
    for source in sources:
        about = preparing._described(source)
        assert "/home/a" not in json.dumps(about)
    assert about["params"]["fit"] == "crop"
    columns = [{"kind": "date", "name": "built"}, {"kind": "number", "name": "y", "use": "target"}]
    table = settings.parse(Table, {"path": "/home/a", "columns": columns}, "Table")
    kinds = [column["kind"] for column in preparing._described(table)["params"]["columns"]]
    assert kinds == ["date", "number"]


# -- files ------------------------------------------------------------------------------------


def with_data(document: Document, path: Path) -> Document:
    """The template, trained on what is at this path."""
    found = propose(path)
    data = {"source": found.source, "params": dict(found.params), **found.settings}
    edits.set_project(History(document), data=data)
    return document


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    rows = []
    for at in range(80):
        size, town = random.uniform(20, 200), ("Ulm", "Rom", "Bonn")[at % 3]
        price = 3000 * size + 50_000 * (town == "Rom")
        numbers = [f"{random.uniform(0, 1):.3f}" for _ in range(6)]
        shown = "" if at % 20 == 5 else f"{size:.2f}"
        rows.append(",".join([shown, town, *numbers, f"{price:.2f}"]))
    path = tmp_path_factory.mktemp("homes") / "homes.csv"
    path.write_text("size,town,a,b,c,d,e,f,price\n" + "\n".join(rows))
    return path


@pytest.fixture(scope="module")
def run(table: Path) -> Path:
    path = table.parent / "run"
    document = with_data(open_template("mlp_regression"), table)
    with torch.random.fork_rng(devices=[]), places.given(Places(table.parent)):
        result = tasks.train(document, path, overrides={"training.epochs": 2})
    assert result["status"] == "finished", result
    return path


@pytest.mark.nightly
def test_the_file_alone_says_what_the_run_says(run: Path, table: Path, tmp_path: Path) -> None:
    row = {"size": 90.5, "town": "Rom", **dict.fromkeys("abcdef", 0.5)}
    said = tasks.predict(run, row)["outputs"]
    (name,) = said
    # The same row as a line, and in a file.
    rows = tmp_path / "rows.csv"
    rows.write_text("town,size,a,b,c,d,e,f\n" + 2 * f"Rom,90.5{6 * ',0.5'}\n")
    assert tasks.predict(run, [f"90.5,Rom{6 * ',0.5'}"])["outputs"] == said
    both = tasks.predict(run, [rows])["outputs"][name]
    assert np.allclose(both, 2 * said[name], rtol=1e-5)
    # The run needs its table no longer.
    hidden = table.rename(table.with_suffix(".away"))
    answer = tasks.export(run, ExportOptions("onnx", prepared="probabilities"), tmp_path / "m.onnx")
    hidden.rename(table)
    assert answer["verified"]
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    entry = session.get_inputs()[0].name
    features = np.array([[90.5, 0, 1, 0, *[0.5] * 6]], np.float32)
    about = json.loads(session.get_modelmeta().custom_metadata_map["netbuilder.preparation"])
    assert about["built_in"] is True
    assert about["source"]["features"][:4] == ["size", "town=Bonn", "town=Rom", "town=Ulm"]
    assert "path" not in about["source"]["params"]
    assert str(table) not in json.dumps(about)
    found = session.run(None, {entry: features})[0]
    assert np.allclose(found, said[name], rtol=1e-4)
    # A value that is missing counts as the mean of the training part.
    features[0, 0] = np.nan
    mean = about["inputs"][entry]["normalise"]["fill"][0]
    missing = session.run(None, {entry: features})[0]
    features[0, 0] = mean
    assert np.allclose(missing, session.run(None, {entry: features})[0])
    assert np.allclose(missing, tasks.predict(run, {**row, "size": None})["outputs"][name])
    names = {each.name for each in onnx.load(tmp_path / "m.onnx").graph.initializer}
    assert not any(name.startswith("network.") for name in names)


@pytest.mark.nightly
def test_a_plain_file_tells_how_to_prepare(run: Path, tmp_path: Path) -> None:
    tasks.export(run, ExportOptions("onnx"), tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    about = json.loads(session.get_modelmeta().custom_metadata_map["netbuilder.preparation"])
    assert about["built_in"] is False
    (entry,) = session.get_inputs()
    normalise = Statistics.from_json(about["inputs"][entry.name]["normalise"])
    features = torch.tensor([[90.5, 0, 1, 0, *[0.5] * 6]])
    found = session.run(None, {entry.name: normalise.normalise(features).numpy()})[0]
    (output,) = session.get_outputs()
    restore = Statistics.from_json(about["outputs"][output.name]["normalise"])
    said = tasks.predict(run, [features.tolist()])
    assert np.allclose(
        restore.restore(torch.tensor(found)), said["outputs"][output.name], rtol=1e-4
    )


def test_what_can_not_be_built_in_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(NetbuilderError, match="can't answer with 'words'"):
        tasks.export(run, ExportOptions("onnx", prepared="words"), tmp_path / "m.onnx")
    with pytest.raises(NetbuilderError, match="safetensors holds no preparation"):
        tasks.export(
            run, ExportOptions("safetensors", prepared="class"), tmp_path / "m.safetensors"
        )
    with pytest.raises(NetbuilderError, match="'Paris' in 'town' is none of its classes"):
        tasks.predict(run, {"size": 1, "town": "Paris"})
    with pytest.raises(NetbuilderError, match="There is no column 'sise'"):
        tasks.predict(run, [{"sise": 1}])


@pytest.mark.nightly
@pytest.mark.parametrize("answer", ["scores", "probabilities", "class"])
def test_digits_are_told_as_asked(tmp_path: Path, answer: str) -> None:
    document = open_template("digits_mlp")
    tasks.train(document, tmp_path / "run", overrides={"training.epochs": 1})
    tasks.export(tmp_path / "run", ExportOptions("onnx", prepared=answer), tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    picture = np.random.default_rng(0).uniform(0, 1, (3, 1, 8, 8)).astype(np.float32)
    found = session.run(None, {session.get_inputs()[0].name: picture})[0]
    said = tasks.predict(tmp_path / "run", [picture.tolist()])
    (classes,) = said["classes"].values()
    if answer == "class":
        assert found.tolist() == [each["index"] for each in classes]
    elif answer == "probabilities":
        assert np.allclose(found.sum(1), 1, atol=1e-5)
        assert np.allclose(found.max(1), [each["probability"] for each in classes], atol=1e-4)
    else:
        assert np.allclose(found, next(iter(said["outputs"].values())), atol=1e-4)


def test_a_tokenizer_goes_with_the_run(tmp_path: Path) -> None:
    library = pytest.importorskip("tokenizers")
    made = library.Tokenizer(library.models.WordLevel({"[PAD]": 0, "?": 1, "cat": 2}, "?"))
    made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    away = tmp_path / "away"
    away.mkdir()
    made.save(str(away / "t.json"))
    (away / "t.txt").write_text("cat cat")
    params = {"tokens": "bpe", "path": str(away), "tokenizer": str(away / "t.json"), "size": 3}
    document = open_template("digits_mlp")
    data = {"source": "netbuilder.TextFiles", "params": params}
    edits.set_project(History(document), data=data)
    run = tmp_path / "run"
    run.mkdir()
    with places.given(Places(away)):
        preparing.carry(document, run)
    (away / "t.json").unlink()
    spec = TensorSpec("ids", ("N", "T"), "int64", 3)
    with preparing.source_with(document, run) as source:
        assert source is not None
        fields = {field.name: field for field in source.fields()}
        found = giving.of_words("text:a cat", spec, None, source, fields)
    assert found.tolist() == [1, 2]
