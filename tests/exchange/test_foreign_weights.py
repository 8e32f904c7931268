"""Weights of others find their places by name and shape, and no file of them runs anything."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import netbuilder as nb
from netbuilder.cli.main import main
from netbuilder.engine import foreign
from netbuilder.errors import DocumentError
from netbuilder.exchange.foreign import child, matching, reading
from netbuilder.exchange.foreign.slots import Slot
from netbuilder.storage import weights as storage


def _slots(**shapes: tuple[int, ...]) -> dict[str, Slot]:
    return {k.replace("__", "."): Slot(shape, "float32") for k, shape in shapes.items()}


OWN = _slots(conv__weight=(4, 3), conv__bias=(4,), head__weight=(2, 4), head__bias=(2,))


def states(match: matching.Match) -> dict[str, str]:
    return {item.key or f"-{item.source}": item.state for item in match.items}


def test_equal_names_match() -> None:
    found = matching.match(OWN, OWN)
    assert set(states(found).values()) == {"same"}
    assert found.taken() == {key: key for key in OWN}


@pytest.mark.parametrize("prefix", ["module.", "state_dict.model.", "_orig_mod."])
def test_a_prefix_is_no_part_of_a_name(prefix: str) -> None:
    theirs = {prefix + key: slot for key, slot in OWN.items()} | _slots(other__weight=(4, 3))
    found = matching.match(OWN, theirs)
    assert found.taken() == {key: prefix + key for key in OWN}
    assert found.prefix == prefix
    inner = {prefix + key: slot for key, slot in OWN.items()}
    assert matching.match(inner, OWN).taken() == {prefix + key: key for key in OWN}


def test_weights_are_found_among_the_state_of_an_optimizer() -> None:
    theirs = {f"model.{key}": slot for key, slot in OWN.items()}
    theirs |= {f"optimizer.state.{n}.exp_avg": slot for n, slot in enumerate(OWN.values())}
    assert matching.match(OWN, theirs).taken() == {key: f"model.{key}" for key in OWN}


def test_dots_and_underscores_are_one_unless_two_names_become_one() -> None:
    own = _slots(features_0__weight=(4, 3))
    assert matching.match(own, _slots(features__0__weight=(4, 3))).taken()
    two = {"a_b": Slot((1,), "float32"), "a.b": Slot((1,), "float32")}
    assert not matching.match(_slots(a__b_c=(1,)), _slots(a_b__c=(1,), a__b__c=(1,))).taken()
    assert matching.match(two, two).taken() == {"a_b": "a_b", "a.b": "a.b"}


def test_another_shape_or_kind_is_told_and_not_taken() -> None:
    theirs = {**OWN, "head.weight": Slot((5, 4), "float32"), "head.bias": Slot((2,), "int64")}
    found = matching.match(OWN, theirs)
    assert states(found) == {
        "conv.weight": "same",
        "conv.bias": "same",
        "head.weight": "shape",
        "head.bias": "kind",
    }
    assert "5×4" in next(i.why for i in found.items if i.state == "shape")
    half = {key: Slot(slot.shape, "float16") for key, slot in OWN.items()}
    assert len(matching.match(OWN, half).taken()) == 4


def test_order_is_a_guess_that_is_made_on_demand() -> None:
    names = ("a.weight", "a.bias", "extra.weight", "z.weight", "z.bias")
    shapes = ((4, 3), (4,), (9, 9), (2, 4), (2,))
    theirs = {n: Slot(s, "float32") for n, s in zip(names, shapes, strict=True)}
    assert not matching.match(OWN, theirs).taken()
    assert matching.match(OWN, theirs).in_order == 4
    found = matching.match(OWN, theirs, by_order=True)
    wanted = {"conv.weight": "a.weight", "conv.bias": "a.bias"}
    assert found.taken() == wanted | {"head.weight": "z.weight", "head.bias": "z.bias"}
    assert states(found)["-extra.weight"] == "spare"


# -- with files ------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="x", shape=(4,))
    fc = net.add("torch.nn.Linear", name="fc", out_features=3)
    head = net.add("torch.nn.Linear", name="head", out_features=2)
    y = net.add("netbuilder.Output", name="y")
    net.connect(x, fc)
    net.connect(fc, head)
    net.connect(head, y)
    (tmp_path / "here").mkdir()
    project.save(tmp_path / "here" / "net.netb")
    return tmp_path / "here" / "net.netb"


def _theirs() -> nn.Module:
    model = nn.Sequential(OrderedDict(fc=nn.Linear(4, 3), head=nn.Linear(3, 2)))
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters(), 1):
            parameter.fill_(number)
    return model


SAVES: dict[str, Callable[[nn.Module, Path], None]] = {
    "plain.safetensors": lambda m, p: save_file(m.state_dict(), p),
    "plain.pt": lambda m, p: torch.save(m.state_dict(), p),
    "wrapped.pth": lambda m, p: torch.save(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in m.state_dict().items()}}, p
    ),
    "renamed.bin": lambda m, p: save_file({k: v.half() for k, v in m.state_dict().items()}, p),
}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the throw-away process does is done in this one: its start takes seconds."""
    monkeypatch.setattr(reading, "_convert", child.run)


@pytest.mark.parametrize("name", [name for name in SAVES if name != "plain.pt"])
@pytest.mark.usefixtures("here")
def test_a_project_begins_with_weights_of_others(saved: Path, tmp_path: Path, name: str) -> None:
    _begins(saved, tmp_path, name)


def test_a_pt_file_is_read_by_a_process_of_its_own(saved: Path, tmp_path: Path) -> None:
    _begins(saved, tmp_path, "plain.pt")


def _begins(saved: Path, tmp_path: Path, name: str) -> None:
    model = _theirs()
    SAVES[name](model, tmp_path / name)
    before = saved.read_bytes()
    seen = foreign.look(nb.load(saved).document, tmp_path / name)
    assert (seen["matched"], seen["of"], seen["applied"]) == (4, 4, False)
    assert saved.read_bytes() == before
    assert main(["weights", str(saved), str(tmp_path / name), "--apply"]) == 0
    got = nb.load(saved).module("main").state_dict()
    assert all(torch.equal(got[key], tensor) for key, tensor in model.state_dict().items())
    assert got["fc.weight"].dtype == torch.float32


def test_half_that_fits_is_taken_and_the_rest_is_told(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = {"fc.weight": torch.ones(3, 4), "head.weight": torch.ones(7, 3)}
    save_file(tensors, tmp_path / "half.safetensors")
    assert main(["weights", str(saved), str(tmp_path / "half.safetensors"), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["counts"] == {"same": 1, "missing": 2, "shape": 1}
    assert main(["weights", str(saved), str(tmp_path / "half.safetensors"), "--apply"]) == 1
    assert "head.weight" in capsys.readouterr().out
    assert bool((nb.load(saved).module("main").state_dict()["fc.weight"] == 1).all())
    # What follows fills the rest, and what was there stays.
    save_file({"head.bias": torch.full((2,), 5.0)}, tmp_path / "half.safetensors")
    assert main(["weights", str(saved), str(tmp_path / "half.safetensors"), "--apply"]) == 1
    state = nb.load(saved).module("main").state_dict()
    assert bool((state["fc.weight"] == 1).all())
    assert bool((state["head.bias"] == 5).all())


def test_a_file_that_is_there_is_not_replaced(saved: Path, tmp_path: Path) -> None:
    save_file(_theirs().state_dict(), tmp_path / "w.safetensors")
    (saved.parent / "w.safetensors").write_bytes(b"somebody's")
    answer = foreign.take(nb.load(saved).document, tmp_path / "w.safetensors")
    assert answer["entry"]["file"] == "w_2.safetensors"
    assert (saved.parent / "w.safetensors").read_bytes() == b"somebody's"


def test_nothing_that_fits_changes_nothing(saved: Path, tmp_path: Path) -> None:
    save_file({"other": torch.ones(9)}, tmp_path / "w.safetensors")
    before = sorted(saved.parent.iterdir())
    with pytest.raises(DocumentError, match="Nothing"):
        foreign.take(nb.load(saved).document, tmp_path / "w.safetensors")
    assert sorted(saved.parent.iterdir()) == before


# -- files that mean harm --------------------------------------------------------------------


class Touch:
    """Unpickled, it leaves a file behind."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


def _tensors(header: dict[str, Any], data: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _headed(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text + bytes(8)


def _archive(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(f"x/{name}", data)
    return buffer.getvalue()


def _saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _tar(canary: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("pickle")
        data = pickle.dumps(Touch(canary))
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _truncated(canary: Path) -> bytes:
    return _archive({"data.pkl": pickle.dumps(Touch(canary)) + b"broken"})


_F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
REFUSED: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda c: b"",
    "system.pt": lambda c: _saved({"fc.weight": torch.ones(3, 4), "x": Touch(c)}),
    "nested.pt": lambda c: _saved({"a": [{"b": (Touch(c),)}]}),
    "payload_first.pt": _truncated,
    "bare.pkl": lambda c: pickle.dumps(Touch(c)),
    "bare.pt": lambda c: pickle.dumps(Touch(c), protocol=0),
    "legacy.pt": lambda c: pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(Touch(c)),
    "tar.pt": _tar,
    "7z.pt": lambda c: b"7z\xbc\xaf\x27\x1c" + pickle.dumps(Touch(c)),
    "packed.pt": lambda c: _archive({"data.pkl": pickle.dumps(Touch(c))}, zipfile.ZIP_DEFLATED),
    "script.safetensors": lambda c: _archive(
        {"data.pkl": pickle.dumps(Touch(c)), "code/net.py": b"import os", "constants.pkl": b""}
    ),
    "h5.pt": lambda c: b"\x89HDF\r\n\x1a\n" + b"\0" * 64,
    "npy.safetensors": lambda c: b"\x93NUMPY\x01\x00" + pickle.dumps(Touch(c)),
    "keras.pt": lambda c: _archive({"config.json": b"{}", "model.weights.h5": b"\x89HDF"}),
    "no_tensor.pt": lambda c: _saved({"epoch": 3}),
    "short.safetensors": lambda c: b"\x05\0\0",
    "long_header.safetensors": lambda c: _tensors({}, length=2**60),
    "gap.safetensors": lambda c: _tensors({"a": {**_F32, "data_offsets": [4, 8]}}, bytes(8)),
    "overlap.safetensors": lambda c: _tensors({"a": _F32, "b": _F32}, bytes(4)),
    "beyond.safetensors": lambda c: _tensors({"a": {**_F32, "data_offsets": [0, 4]}}, b""),
    "huge.safetensors": lambda c: _tensors({"a": {**_F32, "shape": [2**61]}}, bytes(4)),
    "negative.safetensors": lambda c: _tensors({"a": {**_F32, "shape": [-1]}}, bytes(4)),
    "dtype.safetensors": lambda c: _tensors({"a": {**_F32, "dtype": "F99"}}, bytes(4)),
    "twice.safetensors": lambda c: _headed(
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'
    ),
    "deep.safetensors": lambda c: _headed(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "no_text.safetensors": lambda c: _headed(b'{"\xff\xfe":{}}'),
    "no_object.safetensors": lambda c: struct.pack("<Q", 2) + b"{]",
    "about.safetensors": lambda c: _tensors({"__metadata__": ["x"], "a": _F32}, bytes(4)),
    "about_numbers.safetensors": lambda c: _tensors(
        {"__metadata__": {"x": 1}, "a": _F32}, bytes(4)
    ),
    "half.safetensors": lambda c: _tensors({"a\ud800": _F32}, bytes(4)),
    "truth.safetensors": lambda c: _tensors(
        {"a": {"dtype": "F32", "shape": [0], "data_offsets": [False, 0]}}
    ),
    "many.safetensors": lambda c: _tensors(
        {f"t{n}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for n in range(101)}
    ),
}


SAID = {
    "empty": "empty",
    "system.pt": "system",
    "bare.pkl": "pickle",
    "tar.pt": "tar archive",
    "7z.pt": "7z",
    "packed.pt": "packed",
    "script.safetensors": "TorchScript",
    "h5.pt": "HDF5",
    "npy.safetensors": "NumPy",
    "keras.pt": "not one of PyTorch's",
    "no_tensor.pt": "no weights",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_harm_is_refused_and_runs_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MAX_TENSORS", 100)
    if name != "system.pt":
        monkeypatch.setattr(reading, "_convert", child.run)
    canary = tmp_path / "canary"
    path = tmp_path / name
    path.write_bytes(REFUSED[name](canary))
    with pytest.raises(DocumentError) as error, reading.open_weights(path):
        pass
    assert not canary.exists()
    assert SAID.get(name, "") in str(error.value)
    assert "Traceback" not in str(error.value)


def test_a_pipe_is_not_waited_for(saved: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(DocumentError, match="pipe"):
        foreign.look(nb.load(saved).document, tmp_path / "pipe.pt")


def test_names_are_keys_and_nothing_else(saved: Path, tmp_path: Path) -> None:
    names = ["../../etc/passwd", "__class__", "fc.__dict__", "a\n\x1b[31m", "x" * 5000]
    save_file({name: torch.ones(1) for name in names}, tmp_path / "w.safetensors")
    answer = foreign.look(nb.load(saved).document, tmp_path / "w.safetensors")
    assert answer["matched"] == 0
    assert {item["source"] for item in answer["items"] if item["state"] == "spare"} == set(names)


@pytest.mark.usefixtures("here")
def test_tensors_larger_than_their_numbers_are_left_out(saved: Path, tmp_path: Path) -> None:
    tensors = {"fc.weight": torch.ones(3, 4), "big": torch.ones(1).expand(2**40)}
    torch.save(tensors, tmp_path / "w.pt")
    answer = foreign.look(nb.load(saved).document, tmp_path / "w.pt")
    assert answer["matched"] == 1
    assert "big (larger than its numbers)" in answer["notes"][0]


@pytest.mark.usefixtures("here")
def test_a_million_names_for_the_same_numbers_fill_no_disk(saved: Path, tmp_path: Path) -> None:
    one = torch.ones(100_000)
    torch.save({f"t{n}": one for n in range(50)}, tmp_path / "w.pt")
    with pytest.raises(DocumentError, match="claims more"):
        foreign.look(nb.load(saved).document, tmp_path / "w.pt")
