"""An ONNX file, read within limits: nothing outside its own folder, no links, nothing endless.

What comes of it holds all of its tensors in itself, so that whoever gets it opens no file.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import onnx

from netbuilder.errors import DocumentError
from netbuilder.exchange.onnx_in import ordering, renewing, skeleton
from netbuilder.exchange.onnx_in.inner import inner_graphs, written_out

MAX_BYTES = 2**31 - 2**24
"""Of the file and what lies beside it together: a message of protobuf can't be larger."""
MAX_NODES = 100_000
_KEYS = frozenset({"location", "offset", "length", "checksum", "basepath"})


def read(path: Path) -> onnx.ModelProto:
    """The model with all of its tensors; `DocumentError` says why it can't be read."""
    model = _parsed(path)
    left = MAX_BYTES
    for tensor in tensors(model):
        left -= _bring_in(tensor, path, left)
    if model.ByteSize() > MAX_BYTES:
        raise _too_large(path)
    return _checked(model, path)


def _too_large(path: Path) -> DocumentError:
    return DocumentError(
        f"'{path.name}' and what lies beside it are larger than {MAX_BYTES / 2**30:.1f} GB.",
        "Import its parts one by one.",
    )


def _content(path: Path, start: int = 0, length: int | None = None, most: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file, from `start` on; `OSError` for anything else.

    `DocumentError` for more than `most`, before they are read.
    """
    # Without waiting: a pipe of that name would never answer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    number = os.open(path, flags)
    with os.fdopen(number, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError("it is no file")
        end = about.st_size if length is None else start + length
        if not 0 <= start <= end <= about.st_size:
            raise OSError("it is shorter than the model says")
        if end - start > most:
            raise _too_large(path)
        file.seek(start)
        return file.read(end - start)


def _parsed(path: Path) -> onnx.ModelProto:
    try:
        data = _content(path)
    except OSError as error:
        why = error.strerror or str(error)
        raise DocumentError(f"'{path.name}' can't be read: {why}.") from error
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:
        # protobuf raises what it likes for bytes that are no message.
        raise DocumentError(f"'{path.name}' is no ONNX file.", _HINT) from error
    if not model.ir_version or not model.graph.output:
        raise DocumentError(f"'{path.name}' has no ONNX graph in it.", _HINT)
    return model


_HINT = "Choose a file that torch.onnx.export or another exporter wrote."


# -- tensors -------------------------------------------------------------------------------------


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """All tensors of a model, those of inner graphs and functions too."""
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)
    for training in model.training_info:
        yield from _of_graph(training.initialization)
        yield from _of_graph(training.algorithm)


def _of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: object) -> Iterator[onnx.TensorProto]:
    for node in nodes:  # type: ignore[attr-defined]
        for each in node.attribute:
            if each.HasField("t"):
                yield each.t
            yield from each.tensors
            for sparse in [each.sparse_tensor, *each.sparse_tensors]:
                yield from (sparse.values, sparse.indices)
            for graph in [each.g, *each.graphs]:
                yield from _of_graph(graph)


def _bring_in(tensor: onnx.TensorProto, path: Path, most: int) -> int:
    """Put what lies beside the model into it; see that each tensor has what it claims.

    How many bytes lay beside it; `DocumentError` for more than `most`.
    """
    beside = 0
    if any(size < 0 for size in tensor.dims):
        raise _wrong(tensor, "it has a negative size")
    outside = tensor.data_location == onnx.TensorProto.EXTERNAL
    if tensor.external_data and not outside:
        raise _wrong(tensor, "it lies in two places")
    if outside:
        tensor.raw_data = data = _external(tensor, path, most)
        beside = len(data)
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]
    bits = _BITS.get(tensor.data_type)
    if bits and tensor.HasField("raw_data"):
        wanted = (math.prod(tensor.dims) * bits + 7) // 8
        if len(tensor.raw_data) != wanted:
            raise _wrong(tensor, f"it should have {wanted:,} bytes, not {len(tensor.raw_data):,}")
    return beside


def _bits() -> dict[int, int]:
    known = onnx.TensorProto
    wide = {known.FLOAT: 32, known.DOUBLE: 64, known.FLOAT16: 16, known.BFLOAT16: 16}
    whole = {known.INT8: 8, known.UINT8: 8, known.INT16: 16, known.UINT16: 16, known.INT32: 32}
    more = {known.UINT32: 32, known.INT64: 64, known.UINT64: 64, known.BOOL: 8}
    found = wide | whole | more | {known.COMPLEX64: 64, known.COMPLEX128: 128}
    return {int(kind): bits for kind, bits in found.items()}


_BITS = _bits()


def _wrong(tensor: onnx.TensorProto, why: str) -> DocumentError:
    return DocumentError(f"The tensor '{tensor.name[:80]}' can't be read: {why}.")


def _external(tensor: onnx.TensorProto, path: Path, most: int) -> bytes:
    said: dict[str, str] = {}
    for entry in tensor.external_data:
        if entry.key in said or entry.key not in _KEYS:
            raise _wrong(tensor, f"it says '{entry.key[:40]}' of where it lies")
        said[entry.key] = entry.value
    file = _inside(tensor, path.absolute().parent, said.get("location", ""))
    start = _count(tensor, said.get("offset", "0"))
    length = _count(tensor, said["length"]) if "length" in said else None
    try:
        about = os.lstat(file)
        if not stat.S_ISREG(about.st_mode) or about.st_nlink != 1:
            raise _wrong(tensor, f"'{file.name}' is a link, or no file")
        return _content(file, start, length, most)
    except OSError as error:
        why = error.strerror or str(error)
        raise _wrong(tensor, f"'{file.name}' beside the model: {why}") from error


def _count(tensor: onnx.TensorProto, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise _wrong(tensor, f"'{text[:40]}' is no place in a file")
    return int(text)


def _inside(tensor: onnx.TensorProto, folder: Path, location: str) -> Path:
    """The path of a file in the model's own folder, reached without links."""
    parts = location.split("/")
    odd = any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts)
    if odd or "\0" in location or not location.isprintable():
        raise _wrong(tensor, f"'{location[:80]}' is no file in the model's own folder")
    here = folder
    for part in parts[:-1]:
        here = here / part
        if here.is_symlink():
            raise _wrong(tensor, f"the folder '{part[:80]}' is a link")
    return here / parts[-1]


# -- the graph -----------------------------------------------------------------------------------


def _checked(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    newest = onnx.defs.onnx_opset_version()
    known = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
    opset = known[0] if known else newest
    if opset > newest:
        raise DocumentError(
            f"'{path.name}' is of opset {opset}; up to {newest} are known.",
            f"Export it with an opset of at most {newest}.",
        )
    if model.ir_version == _WITH_INPUTS:
        model.ir_version += 1
    if written_out(model) > MAX_NODES:
        raise DocumentError(f"The graph has more than {MAX_NODES:,} nodes.")
    if model.graph.sparse_initializer:
        raise DocumentError("The file has sparse tensors.", "Export it with dense ones.")
    ordering.sort(model.graph)
    _in_order(model.graph)
    try:
        onnx.checker.check_model(skeleton.of(model))
        for tensor in model.graph.initializer:
            # Of raw bytes it is known already how many there are.
            if skeleton.is_large(tensor) and not tensor.HasField("raw_data"):
                onnx.checker.check_tensor(tensor)
    except Exception as error:
        text = " ".join(str(error).split())
        if not any(word in text for word in _HARMLESS):
            raise DocumentError(f"'{path.name}' is no valid ONNX file: {text[:300]}") from error
    return model if opset >= renewing.OLDEST else renewing.renewed(model, path)


_WITH_INPUTS = 3
"""The format in which each tensor had to be an input, too; runtimes never asked for that."""
_HARMLESS = ("No Op registered", "No opset import", "No Schema", "Field 'shape' of")
"""The checker knows no operators but ONNX's own, and wants shapes that runtimes do without."""


def _in_order(graph: onnx.GraphProto, outer: frozenset[str] = frozenset()) -> None:
    """`DocumentError` for a graph whose nodes read what is made later, or by no one.

    Graphs in its nodes may also read what is made before these, by the names of `outer`.
    """
    made = {each.name for each in (*graph.input, *graph.initializer)} | {""}
    for node in graph.node:
        for name in node.input:
            if name not in made and name not in outer:
                raise DocumentError(
                    f"The node '{(node.name or node.op_type)[:80]}' reads '{name[:80]}', which "
                    "no node before it makes.",
                    "The graph runs in a circle, or a part of it is missing.",
                )
        inner = list(inner_graphs(node))
        if inner:
            known = outer | made
            for each in inner:
                _in_order(each, known)
        for name in node.output:
            if name in made and name:
                raise DocumentError(f"The value '{name[:80]}' is made twice.")
            made.add(name)
    for value in graph.output:
        if value.name not in made and value.name not in outer:
            raise DocumentError(f"The output '{value.name[:80]}' is made by no node.")
