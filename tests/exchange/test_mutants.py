"""Files with a few things wrong: refused in words or read, never anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random, SystemRandom

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from netbuilder.app.templates import open_template
from netbuilder.errors import DocumentError
from netbuilder.exchange import further
from netbuilder.exchange.foreign import reading
from netbuilder.storage import format
from tests.exchange import hostile_onnx, hostile_pt2, mutants
from tests.exchange.examples import example, export

TENSORS = {"a.weight": torch.ones(3, 4), "b": torch.arange(3), "none": torch.zeros(0, 2)}


def _safetensors(number: int) -> bytes:
    """A file of weights whose header or bytes are others."""
    random, whole = Random(number), save(TENSORS, {"from": "here"})
    if number % 4 == 0:
        return mutants.flipped(whole, random)
    end = 8 + int.from_bytes(whole[:8], "little")
    text = json.dumps(mutants.changed(json.loads(whole[8:end]), random)).encode()
    length = random.choice((len(text),) * 9 + (0, len(text) - 1, 2**63))
    return length.to_bytes(8, "little") + text + whole[end:]


def _headers(first: int, count: int, path: Path) -> tuple[int, int]:
    """How many files were read and how many refused. Whatever is read, safetensors reads."""
    read = refused = 0
    for number in range(first, first + count):
        path.write_bytes(_safetensors(number))
        try:
            slots = reading.slots(path)
        except DocumentError:
            refused += 1
            continue
        read += 1
        with safe_open(path, framework="pt") as file:
            assert {key: tuple(file.get_tensor(key).shape) for key in file.keys()} == {  # noqa: SIM118
                key: slot.shape for key, slot in slots.items()
            }, number
    return read, refused


def test_what_is_read_of_weights_can_be_taken(tmp_path: Path) -> None:
    read, refused = _headers(0, 400, tmp_path / "w.safetensors")
    assert read > 20
    assert refused > 100


def _told(first: int, count: int) -> int:
    """How many of these texts about a training were taken, each by a project that can be saved."""
    good = {
        "version": 1,
        "data": dict(open_template("digits_mlp").project.data),
        "step": {
            "inputs": {"image": "image"},
            "output": "logits",
            "target": "label",
            "loss": "torch.nn.CrossEntropyLoss",
            "params": {"label_smoothing": 0.1},
            "accuracy": True,
        },
    }
    taken = 0
    for number in range(first, first + count):
        random = Random(number)
        text = json.dumps(mutants.changed(json.loads(json.dumps(good)), random))
        if number % 5 == 0:
            text = mutants.flipped(text.encode(), random).decode("utf-8", "replace")
        document = open_template("digits_mlp")
        said = further.take(document, "main", text)
        taken += not any("left out:" in line for line in said)
        assert format.loads(format.dumps(document)) == document, number
    return taken


def test_what_a_file_says_of_its_training_is_taken_or_told() -> None:
    assert 0 < _told(0, 60) < 60


# -- at night -------------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_many_files_get_an_answer(kind: str, tmp_path: Path) -> None:
    """In processes that are thrown away: what a `.pt2` asks PyTorch for may crash such a one."""
    first = SystemRandom().randrange(2**32)
    print(f"the first number is {first}")
    good, entries = tmp_path / "good.onnx", {}
    good.write_bytes(hostile_onnx.GOOD["shapes"]().SerializeToString())  # type: ignore[union-attr]
    if kind == "pt2":
        torch.export.save(export(*example("shared")), tmp_path / "good.pt2")
        entries = hostile_pt2.entries_of(tmp_path / "good.pt2")
    for start in range(first, first + 600, 30):
        paths = []
        for number in range(start, start + 30):
            paths.append(tmp_path / f"{number}.{kind}")
            if kind == "onnx":
                paths[-1].write_bytes(mutants.onnx_bytes(number))
                continue
            graph = json.loads(entries["models/model.json"])
            text = json.dumps(mutants.changed(graph, Random(number))).encode()
            hostile_pt2.write(paths[-1], {**entries, "models/model.json": text})
        done = subprocess.run(
            [sys.executable, "-m", "tests.exchange.hostile_onnx"],
            input=json.dumps([str(good), *map(str, paths)]),
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )
        assert done.returncode == 0 or (kind == "pt2" and done.returncode < 0), done.stderr[-3000:]
        if done.returncode == 0:
            told = json.loads(done.stdout.splitlines()[-1])
            assert len(told["answers"]) == 30
            assert told["bytes"] < 2**31
        for path in paths:
            path.unlink()


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_many_headers_and_trainings(tmp_path: Path) -> None:
    first = SystemRandom().randrange(2**32)
    print(f"the first number is {first}")
    _headers(first, 50_000, tmp_path / "w.safetensors")
    _told(first, 5_000)
