"""Modules and files of other programs as projects, and their weights in a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.api.project import PathLike, Project
from netbuilder.storage import files

if TYPE_CHECKING:
    from torch import nn


def from_module(
    module: nn.Module, example_inputs: Any, *, dynamic_shapes: Any = None, title: str = ""
) -> Project:
    """A project that computes what a `torch.nn.Module` computes, with its weights.

    `example_inputs` are the arguments of `forward`: a tensor, a tuple, or a mapping by name. The
    module is traced by `torch.export` as it is, in the mode it is in; the first dim of each tensor
    stays free where the module allows it, `dynamic_shapes` says it otherwise. What came of it
    stands in `project.imported`, with the keys of the `import` command's answer: `verified` tells
    whether both gave the same outputs, `unsupported` which operations have no layer.
    `NetbuilderError` says why a module can't be traced.
    """
    from netbuilder.exchange.bring import importing

    brought = importing.from_module(module, example_inputs, dynamic_shapes)
    project = Project(brought.document)
    if title:
        project.set(title=title)
    project.imported = brought.to_json()
    return project


def from_pt2(path: PathLike) -> Project:
    """A project of an exported program (`.pt2`), read and tried in a process of its own.

    Nothing of the file is run as code. Answers like `from_module`. `DocumentError` says why the
    file can't be read.
    """
    return _imported(Path(path), ".pt2")


def import_onnx(path: PathLike) -> Project:
    """A project of an ONNX file (`.onnx`), read and tried in a process of its own.

    Answers like `from_module`; it is held against ONNX Runtime. `DocumentError` says why the file
    can't be read.
    """
    return _imported(Path(path), ".onnx")


def _imported(path: Path, kind: str) -> Project:
    import tempfile

    from netbuilder.exchange.bring import child
    from netbuilder.storage import weights as beside

    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "imported.netb"
        answer = child.import_model(path, written, kind)
        project = Project(files.load(written))
        for entry in beside.entries(project.document):
            if isinstance(entry, beside.Entry):
                data = beside.read(project.document, entry)
                project.document.beside.held[entry.sha256] = data
        project.document.beside.folder = None
    project.imported = {key: value for key, value in answer.items() if key != "path"}
    return project


def weights(
    project: Project,
    path: PathLike,
    *,
    network: str | None = None,
    by_order: bool = False,
    apply: bool = False,
) -> dict[str, Any]:
    """Which tensors of a `.safetensors` or `.pt` file have a place in a network; with `apply` the
    project begins with them from now on, and `save` writes them beside it.

    Nothing of the file is run as code. Names and shapes must agree; with `by_order` what names
    don't tell is guessed from shapes and their order. Answers like the `weights` command: `items`
    tell for each tensor what becomes of it (`state`, `key` in the network, `source` in the file,
    `why`), `matched` and `of` count. `DocumentError` if the file can't be read, or with `apply`
    nothing of it fits.
    """
    from netbuilder.engine import foreign

    do = foreign.hold if apply else foreign.look
    with project.permitted():
        answer = do(project.document, Path(path), network, by_order=by_order)
    if apply:
        project.set(weights=answer["weights"])
    return answer
