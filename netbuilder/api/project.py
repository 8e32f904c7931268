"""A project: made, loaded, checked, built as a module, saved."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.api.drawing import GraphRef, load_packages
from netbuilder.app import templates
from netbuilder.errors import ChangeError, Problem
from netbuilder.graph import edits, rules
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.model import Json
from netbuilder.layers import own
from netbuilder.storage import files, weight_names

if TYPE_CHECKING:
    from torch import nn

PathLike = str | os.PathLike[str]


class Project:
    """A project: networks, training steps, data and settings."""

    def __init__(self, document: Document | None = None) -> None:
        self.document = document or Document()
        self.history = History(self.document)
        self.folder: Path | None = None
        """Where the project's file is, and with it the files of its own layers."""
        self._hashes: set[str] = set()
        self._allowed: set[str] = set()
        self.imported: Mapping[str, Any] = {}
        """What came of an import; empty for a project that was made or loaded."""

    # -- building ----------------------------------------------------------------------

    def add_network(self, name: str = "main") -> GraphRef:
        """A new network; `ChangeError` if there is one with this name."""
        if self.document.network(name) is not None:
            raise ChangeError(f"There is a network '{name}' already.")
        _require_legal(name)
        return GraphRef(self, edits.add_graph(self.history, "network", name))

    def add_block(self, name: str, **parameters: Json) -> GraphRef:
        """A new block with these parameters and defaults; `ChangeError` if the name is taken.

        Inside, a parameter may be an expression over them: `out_channels="=2*channels"`. It is
        placed with `net.add("netbuilder.Block", block=name, values={...}, repeat=3)`.
        """
        if self.document.block(name) is not None:
            raise ChangeError(f"There is a block '{name}' already.")
        _require_legal(name)
        declared = [{"name": key, "default": value} for key, value in parameters.items()]
        settings = {"parameters": declared}
        return GraphRef(self, edits.add_graph(self.history, "block", name, settings))

    def add_step(
        self,
        name: str = "train",
        *,
        updates: tuple[str, ...] = ("main",),
        optimizer: Mapping[str, Json] | None = None,
        **settings: Json,
    ) -> GraphRef:
        """A new training step that updates these networks.

        `optimizer` and `settings` are fields of `training.settings.StepSettings`.
        """
        chosen = {"updates": updates, **settings}
        if optimizer is not None:
            chosen["optimizer"] = optimizer
        return GraphRef(self, edits.add_graph(self.history, "step", name, chosen))

    def network(self, name: str = "main") -> GraphRef:
        """The network with this name; `KeyError` if there is none."""
        graph = self.document.network(name)
        if graph is None:
            raise KeyError(name)
        return GraphRef(self, graph)

    def step(self, name: str = "train") -> GraphRef:
        """The training step with this name; `KeyError` if there is none."""
        for graph in self.document.of_kind("step"):
            if graph.name == name:
                return GraphRef(self, graph)
        raise KeyError(name)

    def set(self, **fields: Any) -> None:
        """Change fields of `graph.model.ProjectInfo`: `title`, `data`, `training`, ..."""
        edits.set_project(self.history, **fields)

    def add_code(self, path: PathLike, *, trust: bool = False) -> tuple[str, ...]:
        """Declare the layers of a Python file beside the project; their ids.

        They run once the file is trusted: by this person's record, or with `trust` by this
        object as long as it lives. `DocumentError` if the file offers no layers, or is not in
        the folder of the project, which needs a file by then (`save`).
        """
        from netbuilder.app.own_files import OwnFiles

        name, _ = OwnFiles(self).add(Path(path))
        file = own.files(self.document.project)[name]
        if trust:
            self._hashes.add(file.sha256)
        return tuple(kind.id for kind in file.layers.values())

    @property
    def path(self) -> Path | None:
        """The place of the project's file; None for a project that has none yet."""
        return None if self.folder is None else self.folder / "project.netb"

    def allow(self, path: PathLike) -> None:
        """Let data be read at this place, as long as this object lives.

        Data inside the project's folder needs no leave, nor what this person allowed before.
        """
        self._allowed.add(os.path.realpath(path))

    @contextlib.contextmanager
    def permitted(self) -> Iterator[None]:
        """Within the block the project's own layers may run, as far as they are trusted, and its
        data be read, as far as that is allowed."""
        from netbuilder.app import consent, trust
        from netbuilder.data import places

        allowed = (*consent.ConsentStore().paths, *sorted(self._allowed))
        with (
            trust.applied(self.document.project, self.folder, self._hashes),
            places.given(places.Places(self.folder, allowed)),
        ):
            yield

    # -- using -------------------------------------------------------------------------

    def check(self) -> list[Problem]:
        """All problems of the project; no error among them means that it can be trained."""
        from netbuilder.engine import tasks

        with self.permitted():
            return list(tasks.analyse(self.document).problems)

    def module(self, name: str = "main") -> nn.Module:
        """A network as a module, in training mode; `ProblemsError` if it has errors.

        It has the weights that the project brought along for it, else random ones.
        """
        from netbuilder.compiler import build
        from netbuilder.exchange import weights

        with self.permitted():
            module = build.build_network(self.document, name)
        weights.give(self.document, name, module)
        return module

    def source(self, name: str = "main") -> str:
        """A network as Python source that needs PyTorch alone."""
        from netbuilder.compiler import build

        with self.permitted():
            return build.network_source(self.document, name).text

    def save(self, path: PathLike) -> None:
        """Write the project, and its weights beside it (`FILE.safetensors` after an import).

        `DocumentError` leaves the file as it was.
        """
        self._name_weights(Path(path))
        files.save(self.document, path)
        self.history.mark_saved()
        self.folder = Path(path).absolute().parent

    def _name_weights(self, path: Path) -> None:
        """Weights that have never been written get the name of the project's file."""
        held, named = self.document.beside.held, dict(self.document.project.weights)
        first = self.document.beside.folder is None
        fresh = [
            name
            for name, entry in named.items()
            if first and isinstance(entry, Mapping) and entry.get("sha256") in held
        ]
        for name in fresh:
            more = "" if len(named) == 1 else f".{name}"
            file = weight_names.of_project(path, str(named[name]["sha256"]), more)
            named[name] = {**named[name], "file": file}
        if fresh:
            edits.set_project(self.history, "Name the weights", weights=named)


def load(path: PathLike, *, trust_code: Iterable[str] = ()) -> Project:
    """The project in a `.netb` file; `DocumentError` says why it can't be read.

    Layers of installed packages are loaded if it has one; none in safe mode (the environment
    variable `NETBUILDER_SAFE_MODE`).
    `trust_code`: hashes (`sha256:...`) of files of the project's own layers that may run, beside
    those that this person trusts.
    """
    project = Project(files.load(path))
    graphs = project.document.graphs.values()
    load_packages(node.layer for graph in graphs for node in graph.nodes.values())
    project.folder = Path(path).absolute().parent
    project._hashes |= {text.removeprefix("sha256:") for text in trust_code}
    return project


def template(id: str) -> Project:
    """A new project from a template (`digits_cnn`); `DocumentError` if there is none."""
    return Project(templates.open_template(id))


def _require_legal(name: str) -> None:
    """`ChangeError` for a name that could not stand in code as it is."""
    legal = rules.identifier(name, "graph")
    if legal != name:
        hint = f"'{legal}' would do."
        raise ChangeError(f"'{name}' is no name, or means something else in PyTorch.", hint)
