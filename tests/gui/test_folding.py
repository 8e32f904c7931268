"""Repeated runs are folded into blocks from the command list, and the weights follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from netbuilder.graph import blocks, edits
from netbuilder.graph.document import Document
from netbuilder.storage import files, weights
from tests.graph.test_folding import WIDTH, plain, stacked
from tests.gui.window_hand import WindowHand, settle


def keys(document: Document) -> dict[str, float]:
    """The first number of each tensor that the project has for its network, by key."""
    entry = weights.entry_of(document, "main")
    assert isinstance(entry, weights.Entry)
    read = load(weights.read(document, entry))
    return {key: float(tensor.flat[0]) for key, tensor in read.items()}


def project(folder: Path) -> Path:
    """Four equal runs, each with other weights, saved with them."""
    d = stacked((plain, 4))
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for number in range(4):
        name = f"part0_layer_{number}_first"
        tensors[f"{name}.weight"] = np.full((WIDTH, WIDTH), number, np.float32)
        tensors[f"{name}.bias"] = np.full(WIDTH, number, np.float32)
    data = save(tensors)
    entry = weights.Entry("main", "deep.safetensors", weights.digest(data))
    d.document.beside.held[entry.sha256] = data
    edits.set_project(d.history, weights={"main": entry.to_json()})
    files.save(d.document, folder / "deep.netb")
    return folder / "deep.netb"


def test_fold_from_the_command_list(hand: WindowHand, tmp_path: Path) -> None:
    """One step; saved and opened again, each run has its own weights; undone, too."""
    path = project(tmp_path)
    assert hand.window.open_path(path)
    settle()
    session = hand.session
    before = keys(session.document)
    hand.command("block.fold")
    settle()
    (use,) = blocks.blocks_in(session.graph)
    assert use.params["repeat"] == 4
    assert keys(session.document) == {
        f"part0_layer.{number}.first.{kind}": number
        for number in range(4)
        for kind in ("weight", "bias")
    }
    hand.command("file.save")
    settle()
    assert keys(files.load(path)) == keys(session.document)
    hand.command("edit.undo")
    settle()
    assert not list(blocks.blocks_in(session.graph))
    assert keys(session.document) == before
    hand.command("file.save")
    settle()
    assert keys(files.load(path)) == before


def test_nothing_to_fold(hand: WindowHand) -> None:
    """It is said, and leaves no step to undo."""
    hand.open("digits_mlp")
    settle()
    undo = hand.session.history.undo_title
    hand.command("block.fold")
    settle()
    assert "Nothing repeats" in hand.window.status.notice.text()
    assert hand.session.history.undo_title == undo
