"""Networks from Python: the same use cases as the window's and the command line's.

    import netbuilder as nb
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", shape=(1, 8, 8))
    c = net.add("torch.nn.Conv2d", name="stem", out_channels=8, kernel_size=3)
    y = net.add("netbuilder.Output")
    net.connect(x, c)
    net.connect(c, y)
    model = project.module("main")

Nothing here imports torch before a module, a check or a training asks for it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netbuilder.app import templates
from netbuilder.errors import ChangeError, Problem, RunError
from netbuilder.graph import edits, rules
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, Node
from netbuilder.graph.rules import End
from netbuilder.layers import catalogue, own
from netbuilder.storage import files

if TYPE_CHECKING:
    from torch import nn

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class PortRef:
    """One port of a node, by name."""

    node: NodeRef
    name: str


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node that was added; `node["input"]` is its port."""

    id: str
    graph: GraphRef

    def __getitem__(self, port: str) -> PortRef:
        return PortRef(self, port)

    @property
    def node(self) -> Node:
        """The node as it is now; `KeyError` if it was removed."""
        return self.graph.graph.nodes[self.id]

    @property
    def name(self) -> str:
        return self.node.name

    def set(self, **params: Json) -> NodeRef:
        """Set parameters; None leaves one out again."""
        history = self.graph.project.history
        edits.set_parameters(history, self.graph.graph, [self.id], params)
        return self


class GraphRef:
    """A network, a block or a training step, to build."""

    def __init__(self, project: Project, graph: Graph) -> None:
        self.project = project
        self.graph = graph

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def nodes(self) -> list[NodeRef]:
        """The nodes in the order in which they were added."""
        return [NodeRef(node.id, self) for node in self.graph.ordered()]

    def __getitem__(self, name: str) -> NodeRef:
        """The node with this name; `KeyError` if there is none."""
        node = self.graph.named(name)
        if node is None:
            raise KeyError(name)
        return NodeRef(node.id, self)

    def add(
        self,
        layer: str,
        *,
        name: str = "",
        at: tuple[float, float] | None = None,
        **params: Json,
    ) -> NodeRef:
        """A new node of the layer with this id, below the last one unless `at` says where.

        `ChangeError` if the layer is unknown or the name is taken.
        """
        _layers_of_packages([layer])
        with own.using(self.project.document.project):
            known = catalogue.find(layer)
        if known is None:
            raise ChangeError(f"There is no layer '{layer}'; see `netbuilder layers`.")
        lowest = max((node.y for node in self.graph.nodes.values()), default=-96.0)
        x, y = at or (0.0, lowest + 96.0)
        node = edits.add_node(
            self.project.history, self.graph, layer, name=name, params=params, x=x, y=y
        )
        return NodeRef(node.id, self)

    def connect(self, source: NodeRef | PortRef, target: NodeRef | PortRef) -> None:
        """Wire an output to an input.

        A node stands for its first output, or for its first input that has no wire yet; a
        named input that has a wire gets the new one. `ChangeError` says why they don't fit.
        """
        history, ports_of = self.project.history, catalogue.ports_of
        edits.connect(history, self.graph, self._output(source), self._input(target), ports_of)

    def _output(self, source: NodeRef | PortRef) -> End:
        if isinstance(source, PortRef):
            return End(source.node.id, source.name)
        ports = catalogue.ports_of(self.project.document, self.graph, source.node).outputs
        if not ports:
            raise ChangeError(f"'{source.name}' has no output.")
        return End(source.id, ports[0].name)

    def _input(self, target: NodeRef | PortRef) -> End:
        if isinstance(target, PortRef):
            return End(target.node.id, target.name)
        for port in catalogue.ports_of(self.project.document, self.graph, target.node).inputs:
            if self.graph.wire_into(target.id, port.name) is None:
                return End(target.id, port.name)
        raise ChangeError(f"'{target.name}' has no free input; name the one to replace.")


def _require_legal(name: str) -> None:
    """`ChangeError` for a name that could not stand in code as it is."""
    legal = rules.identifier(name, "graph")
    if legal != name:
        hint = f"'{legal}' would do."
        raise ChangeError(f"'{name}' is no name, or means something else in PyTorch.", hint)


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
    def _code(self) -> Iterator[None]:
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

        with self._code():
            return list(tasks.analyse(self.document).problems)

    def module(self, name: str = "main") -> nn.Module:
        """A network as a module, in training mode; `ProblemsError` if it has errors.

        It has the weights that the project brought along for it, else random ones.
        """
        from netbuilder.compiler import build
        from netbuilder.exchange import weights

        with self._code():
            module = build.build_network(self.document, name)
        weights.give(self.document, name, module)
        return module

    def source(self, name: str = "main") -> str:
        """A network as Python source that needs PyTorch alone."""
        from netbuilder.compiler import build

        with self._code():
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
            stem = path.stem if len(named) == 1 else f"{path.stem}.{name}"
            named[name] = {**named[name], "file": f"{stem}.safetensors"}
        if fresh:
            edits.set_project(self.history, "Name the weights", weights=named)


@dataclass(frozen=True, slots=True)
class Run:
    """What a training came to. The folder `path` needs nothing else to be used later."""

    path: Path
    status: str
    epochs: int
    steps: int
    seconds: float
    samples_per_second: float
    metrics: Mapping[str, float]
    warnings: tuple[str, ...] = ()


def _layers_of_packages(needed: Iterable[str]) -> None:
    """Loads the layers of installed packages if one is needed; each is tried apart before."""
    from netbuilder.engine import plugins

    plugins.load_for(needed)


def load(path: PathLike, *, trust_code: Iterable[str] = ()) -> Project:
    """The project in a `.netb` file; `DocumentError` says why it can't be read.

    Layers of installed packages are loaded if it has one; none in safe mode (the environment
    variable `NETBUILDER_SAFE_MODE`).
    `trust_code`: hashes (`sha256:...`) of files of the project's own layers that may run, beside
    those that this person trusts.
    """
    project = Project(files.load(path))
    graphs = project.document.graphs.values()
    _layers_of_packages(node.layer for graph in graphs for node in graph.nodes.values())
    project.folder = Path(path).absolute().parent
    project._hashes |= {text.removeprefix("sha256:") for text in trust_code}
    return project


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
    """A project of an exported program (`.pt2`); nothing of the file is run as code.

    Answers like `from_module`. `DocumentError` says why the file can't be read.
    """
    from netbuilder.exchange.bring import importing

    brought = importing.from_pt2(Path(path))
    project = Project(brought.document)
    project.imported = brought.to_json()
    return project


def import_onnx(path: PathLike) -> Project:
    """A project of an ONNX file (`.onnx`), read and tried in a process of its own.

    Answers like `from_module`; it is held against ONNX Runtime. `DocumentError` says why the file
    can't be read.
    """
    import tempfile

    from netbuilder.exchange.bring import child
    from netbuilder.storage import weights

    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "imported.netb"
        answer = child.import_model(path, written, ".onnx")
        project = Project(files.load(written))
        for entry in weights.entries(project.document):
            if isinstance(entry, weights.Entry):
                data = weights.read(project.document, entry)
                project.document.beside.held[entry.sha256] = data
        project.document.beside.folder = None
    project.imported = {key: value for key, value in answer.items() if key != "path"}
    return project


def template(id: str) -> Project:
    """A new project from a template (`digits_cnn`); `DocumentError` if there is none."""
    return Project(templates.open_template(id))


def train(
    project: Project,
    run_dir: PathLike,
    *,
    resume: bool = False,
    from_run: Run | PathLike | None = None,
    keep: Iterable[str] | None = None,
    widen: bool = False,
    listen: Callable[[Any], None] | None = None,
    **settings: Json,
) -> Run:
    """Train in this process and wait for the end.

    A project without a training step has nothing to learn: its run keeps the weights of its
    seed. `settings` replace fields of the project's training settings for this run (`epochs`,
    `batch_size`, `seed`, `device`, ...). `listen` gets each event of the run as it comes.
    `from_run`: the networks start with what that run learnt, as far as it fits; `keep` names the
    parts to take (`main`, `main.stem`), `widen` fills what grew with what there is. The optimizer
    begins anew; `origin.json` in the new run's folder tells what was kept, new and lost.
    `ProblemsError` if the project has errors, `RunError` if the training fails.
    """
    from netbuilder.engine import carrying, tasks, untaught

    document, path = project.document, Path(run_dir)
    overrides = {f"training.{name}": value for name, value in settings.items()}
    wish = None
    if from_run is not None and not resume:
        origin = from_run.path if isinstance(from_run, Run) else Path(from_run)
        wish = carrying.Wish(origin, None if keep is None else tuple(keep), widen)
    with project._code():
        if document.of_kind("step") or resume or wish is not None:
            answer = tasks.train(
                document, path, overrides=overrides, resume=resume, wish=wish, listen=listen
            )
        else:
            answer = untaught.keep(document, path, overrides)
    error = answer["error"]
    if error is not None:
        raise RunError(error["message"], error["hint"], graph=error["graph"], node=error["node"])
    return Run(
        path=Path(answer["run"]),
        status=answer["status"],
        epochs=answer["epochs"],
        steps=answer["steps"],
        seconds=answer["seconds"],
        samples_per_second=answer["samples_per_second"],
        metrics=dict(answer["metrics"]),
        warnings=tuple(answer["warnings"]),
    )


def export_onnx(
    project: Project,
    out: PathLike,
    *,
    run: Run | PathLike | None = None,
    network: str | None = None,
    opset: int | None = None,
    prepared: Literal["scores", "probabilities", "class"] | None = None,
    precision: Literal["fp16", "int8", "int8-static"] | None = None,
    per_node: bool = False,
) -> dict[str, Any]:
    """Write a network as an ONNX file and compare it with PyTorch in ONNX Runtime.

    With `prepared` normalisation is built in: the file takes values as they are in the data and
    answers in them; classes are told as this says. With `precision` its weights are stored in
    fewer bits; the answer has its size and metrics before and after.
    With `per_node` what each node gives is compared too: `nodes` in the answer, and in `departs`
    the first that is not the network's.
    The weights are those of `run`, else random ones. Answers like the `export` command;
    `ExportError` if the file does not compute what the network does.
    """
    from netbuilder.engine import tasks

    weights = run.path if isinstance(run, Run) else Path(run) if run is not None else None
    with project._code():
        return tasks.export(
            project.document if weights is None else weights,
            "onnx",
            Path(out),
            network=network,
            opset=opset,
            prepared=prepared,
            precision=precision,
            per_node=per_node,
        )
