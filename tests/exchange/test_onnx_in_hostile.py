"""ONNX files that ask for what is not theirs, or for too much: refused in words, in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import helper, numpy_helper

from netbuilder.errors import DocumentError
from netbuilder.exchange.onnx_in import reading
from tests.exchange import hostile_onnx
from tests.exchange.hostile_onnx import model

pytestmark = pytest.mark.timeout(300)
SECRET = b"0123456789abcdef" * 4
FLOAT = onnx.TensorProto.FLOAT


def outside(folder: Path, **said: str) -> Path:
    """A model whose weights lie where `said` says, in a folder beside the secret."""
    tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[4, 4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in said.items():
        tensor.external_data.add(key=key, value=value)
    made = model()
    made.graph.initializer.append(tensor)
    path = folder / "m.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The model's folder; a secret lies above it."""
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "model" / "junk").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "w").write_bytes(SECRET)
    return tmp_path / "model"


def test_weights_beside_the_model_are_read(folder: Path) -> None:
    """What lies in the model's own folder belongs to it."""
    (folder / "junk" / "w").write_bytes(b"\0" * 8 + SECRET)
    made = reading.read(outside(folder, location="junk/w", offset="8", length="64"))
    assert numpy_helper.to_array(made.graph.initializer[0]).tobytes() == SECRET
    assert not made.graph.initializer[0].external_data


PLACES = [
    "../secret",
    "junk/../../secret",
    "junk/../w",
    "./w",
    "",
    "..",
    "junk",
    "missing",
    "C:\\secret",
    "..\\secret",
    "w\0",
    "linked",
    "door/w",
    "hard",
    "pipe",
]


@pytest.mark.parametrize("place", PLACES)
def test_nothing_outside_is_read(place: str, folder: Path) -> None:
    """No way out of the folder, no link, nothing that is no file."""
    (folder / "w").write_bytes(SECRET)
    (folder / "linked").symlink_to(folder.parent / "secret")
    (folder / "door").symlink_to(folder.parent / "elsewhere")
    os.link(folder.parent / "secret", folder / "hard")
    os.mkfifo(folder / "pipe")
    with pytest.raises(DocumentError):
        reading.read(outside(folder, location=place))


def test_an_absolute_path_is_refused(folder: Path) -> None:
    """Wherever it leads."""
    with pytest.raises(DocumentError, match="own folder"):
        reading.read(outside(folder, location=str(folder.parent / "secret")))


@pytest.mark.parametrize(
    "said",
    [
        {"offset": "-1"},
        {"offset": "9" * 30},
        {"offset": "1"},
        {"length": "65"},
        {"length": "-4"},
        {"offset": "1e3"},
        {"__class__": "x"},
    ],
)
def test_places_in_a_file_are_within_it(said: dict[str, str], folder: Path) -> None:
    """Offsets and lengths are counted; other keys mean nothing good."""
    (folder / "w").write_bytes(SECRET)
    with pytest.raises(DocumentError):
        reading.read(outside(folder, location="w", **said))


def test_what_lies_beside_the_model_is_counted_once_for_each_that_reads_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of a gigabyte may be said to be a thousand tensors: they are counted unread."""
    (folder / "w").write_bytes(SECRET)
    path = outside(folder, location="w")
    made = onnx.load_model_from_string(path.read_bytes())
    more = made.graph.initializer.add()
    more.CopyFrom(made.graph.initializer[0])
    more.name = "again"
    path.write_bytes(made.SerializeToString())
    assert len(reading.read(path).graph.initializer) == 2
    monkeypatch.setattr(reading, "MAX_BYTES", 2 * len(SECRET) - 1)
    content = reading._content
    got: list[int] = []

    def heard(*asked: Any) -> bytes:
        data = content(*asked)
        got.append(len(data))
        return data

    monkeypatch.setattr(reading, "_content", heard)
    with pytest.raises(DocumentError, match="larger than"):
        reading.read(path)
    assert got == [path.stat().st_size, len(SECRET)]


def test_inner_graphs_are_looked_through(folder: Path) -> None:
    """A tensor in a branch is a tensor."""
    path = outside(folder, location="../secret")
    inner = onnx.load_model_from_string(path.read_bytes()).graph
    made = model(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner))
    path.write_bytes(made.SerializeToString())
    with pytest.raises(DocumentError, match="own folder"):
        reading.read(path)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process of its own says of all hostile files, by their names."""
    files = (
        hostile_onnx.GOOD
        | hostile_onnx.REFUSED
        | hostile_onnx.ATTRIBUTES
        | hostile_onnx.damaged(DAMAGED)
    )
    above = tmp_path_factory.mktemp("hostile")
    (above / "secret").write_bytes(SECRET)
    (above / "files").mkdir()
    paths = []
    for name, make in files.items():
        made = make()
        paths.append(above / "files" / f"{name}.onnx")
        paths[-1].write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    done = subprocess.run(
        [sys.executable, "-m", "tests.exchange.hostile_onnx"],
        input=json.dumps(list(map(str, paths))),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


DAMAGED = 12


@pytest.mark.parametrize("name", hostile_onnx.REFUSED)
def test_broken_files_are_refused_in_words(name: str, told: dict[str, Any]) -> None:
    """Never by an exception of somebody else's, and before ONNX Runtime has seen them."""
    said = told["answers"][name]["said"]
    assert said.startswith("refused: "), said
    assert hostile_onnx.SAID.get(name, "") in said
    assert name not in told["asked"]


def test_nothing_costs_much(told: dict[str, Any]) -> None:
    """Seconds of one file, and memory of all together; what lies outside is never opened."""
    assert {n: one["cpu"] for n, one in told["answers"].items() if one["cpu"] > 5} == {}
    assert told["bytes"] < 2**30
    assert told["opened"] == []
    assert told["asked"], "the comparison is listened to"
    assert told["answers"]["branches"]["said"] == "verified"


@pytest.mark.parametrize("name", hostile_onnx.ATTRIBUTES)
def test_nonsense_in_attributes_is_a_node_or_a_refusal(name: str, told: dict[str, Any]) -> None:
    """What a file says of a node may be anything."""
    said = told["answers"][name]["said"]
    assert said.startswith(("refused: ", "not verified: ")), said
    assert "OnnxModule" not in said


def test_what_can_not_be_read_of_a_node_is_told(told: dict[str, Any]) -> None:
    """The node stays, and its note says what is wrong with it."""
    assert "Conv: it can't be read" in told["answers"]["conv of a row"]["said"]


def test_damaged_files_get_an_answer(told: dict[str, Any]) -> None:
    """Changed bytes and fields anywhere: an answer or a refusal, never anything else."""
    answers = [one["said"] for name, one in told["answers"].items() if name.startswith("damaged")]
    assert len(answers) == DAMAGED
    assert not [said for said in answers if said.startswith("raised")]
    assert any(said == "verified" for said in answers)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A name that is no file answers at once."""
    os.mkfifo(tmp_path / "m.onnx")
    with pytest.raises(DocumentError, match="no file"):
        reading.read(tmp_path / "m.onnx")
