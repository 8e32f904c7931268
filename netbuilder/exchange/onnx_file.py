"""An ONNX model as files: one, or one and its tensors beside it where one would be too large.

The file beside is called after its content (`net.onnx.3f2a91c0.data`): a model that takes
another's place never meets tensors that are not its own, whatever happens in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path
from typing import Any

import onnx

from netbuilder.errors import ExportError
from netbuilder.storage import atomic

MOST_BYTES = 3 * 2**29
"""Bytes of tensors that a model holds itself. A message of protobuf has at most 2 GiB."""
_BESIDE = re.compile(r"\.[0-9a-f]{8}\.data\Z")


def save(model: Any, path: Path, name: str, most: int = MOST_BYTES) -> None:
    """Write an IR model to `path`; where its tensors are more than `most` bytes, these go beside.

    `name` is what the file will be called where it ends.
    """
    import onnx_ir as ir

    tensors = [value.const_value for value in model.graph.initializers.values()]
    if sum(tensor.nbytes for tensor in tensors if tensor is not None) <= most:
        ir.save(model, path)
        return
    data = path.with_name("tensors.data")
    ir.save(model, path, external_data=data.name)
    if not data.stat().st_size:
        # None is worth a place of its own.
        data.unlink()
        return
    there = data.rename(path.with_name(f"{name}.{_digest(data)[:8]}.data"))
    written = onnx.load(str(path), load_external_data=False)
    for tensor in written.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = there.name
    onnx.save(written, str(path))


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def beside(path: Path) -> set[str]:
    """Names of the files that hold a model's tensors; none where it can't be read."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:
        # It is replaced or not; what it says is nobody's trouble here.
        return set()
    return {
        entry.value
        for tensor in model.graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }


def publish(path: Path, out: Path) -> list[Path]:
    """Bring a model and what lies beside it to `out`; the files that are there now.

    The tensors come first, under a name that nothing else has; then the model takes the old
    one's place at once. `ExportError` or `DocumentError` leave the old model whole.
    """
    names = sorted(beside(path))
    old = {name for name in beside(out) if _is_ours(name, out)} if out.exists() else set()
    come: list[Path] = []
    try:
        for name in names:
            there = out.with_name(name)
            new = not there.exists()
            atomic.copy(path.with_name(name), there)
            if new:
                come.append(there)
            if not there.name.startswith(f"{out.name}.{_digest(there)[:8]}"):
                raise ExportError("The tensors were not written as they are.", "Export it again.")
        atomic.copy(path, out)
    except BaseException:
        for each in come:
            with contextlib.suppress(OSError):
                each.unlink()
        raise
    for name in old - set(names):
        with contextlib.suppress(OSError):
            out.with_name(name).unlink()
    return [out, *(out.with_name(name) for name in names)]


def _is_ours(name: str, out: Path) -> bool:
    """Whether a file beside is one that an export to `out` has written."""
    return name.startswith(out.name) and bool(_BESIDE.fullmatch(name[len(out.name) :]))
