"""One open project and the worker beside it, without a window.

Everything happens on one thread, the window's: what the worker says comes there through
`post`. Nothing that the worker does, or fails to do, reaches the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from netbuilder.app import asking, fitting, kinds, running, templates
from netbuilder.app.analysis import Analysis, has_meaning
from netbuilder.app.consent import ConsentStore
from netbuilder.app.costing import Costing, Costs, countable
from netbuilder.app.cross_validation import CrossValidation
from netbuilder.app.data_files import DataFiles
from netbuilder.app.events import (
    GraphShown,
    HistoryMoved,
    Notice,
    ProjectOpened,
    ProjectSaved,
    ReportArrived,
    SessionEvent,
    WorkerChanged,
    device_words,
)
from netbuilder.app.fetching import Fetching
from netbuilder.app.following import Following
from netbuilder.app.link import ClientFactory, OnDone, Post, WorkerLink
from netbuilder.app.own_files import OwnFiles
from netbuilder.app.project_file import ProjectFile
from netbuilder.app.runs import RunView, latest_trained, next_run, runs_folder
from netbuilder.app.trail import (
    Trail,
    first_use,
    graph_report,
    report_here,
    use_path,
    values_here,
)
from netbuilder.app.trust import TrustStore
from netbuilder.app.trying import OnTrial, Trials
from netbuilder.app.whereabouts import Whereabouts
from netbuilder.compiler.report import GraphReport, Report
from netbuilder.engine.protocol import (
    DownloadProgress,
    Message,
    Reply,
    RunEvent,
    WorkerDied,
    WorkerReady,
    WorkerStarted,
)
from netbuilder.errors import ChangeError, DocumentError, Fix, NetbuilderError
from netbuilder.graph import fixes
from netbuilder.graph.changes import Added, Change, Changed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import GraphInfo, Json, ProjectInfo, new_id
from netbuilder.layers import catalogue, own
from netbuilder.storage import files, format
from netbuilder.storage.code_files import Found

T = TypeVar("T")
NEVER = -1
"""A state that no history has: what was recovered differs from every file."""


class Run(Protocol):
    """Calls something that takes a moment, and gives what it gives."""

    def __call__(self, job: Callable[[], T], /) -> T: ...


def at_once(job: Callable[[], T], /) -> T:
    """Here and now."""
    return job()


class Session:
    """The use cases of the window over one open project."""

    def __init__(
        self,
        post: Post,
        client_factory: ClientFactory | None = None,
        locks: Path | None = None,
        trust: TrustStore | None = None,
        consent: ConsentStore | None = None,
    ) -> None:
        """`post` runs a callable on the window's thread, later; it may be called on any.

        `locks` is the folder where windows tell each other which files they have open.
        """
        self._locks = locks
        self._worker = WorkerLink(post, self._hear, client_factory)
        self._listeners: list[Callable[[SessionEvent], None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._analysis = Analysis(self._analyse, self._arrived, self._failed)
        self._following = Following(self._emit, self._worker.later)
        self.folds = CrossValidation(self, self._emit)
        self._trials = Trials(self._worker.request, self._worker.later)
        self._costing = Costing(self._worker.ask)
        self.file = ProjectFile()
        self.report: Report | None = None
        self._source_wanted = self._source_asked = False
        self.code = OwnFiles(self, trust)
        self.data = DataFiles(self, self._worker.answer, consent, self._worker.later)
        self.fetching = Fetching(self._worker.answer, lambda: self.data.store)
        self._worker.bring = lambda params: {**self.code.bring(params), **self.data.bring(params)}
        self._install(_blank(), ProjectFile())

    # -- listeners -----------------------------------------------------------------------

    def subscribe(self, listener: Callable[[SessionEvent], None]) -> Callable[[], None]:
        """Tell `listener` what happens from now on; the result unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _emit(self, event: SessionEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    # -- the project ---------------------------------------------------------------------

    @property
    def path(self) -> Path | None:
        """The project's file, None for one that has none yet."""
        return self.file.path

    def new(
        self,
        template: str | None = None,
        *,
        kind: str = "",
        proposal: Mapping[str, Any] | None = None,
    ) -> None:
        """A blank project, one from a template, or of a kind of training (`app.kinds`).

        With a `proposal` the template is set up for that data (`propose_data`). `DocumentError`
        if there is no such, `ChangeError` if the template does not fit the data.
        """
        document = templates.open_template(template) if template else _blank()
        document = kinds.begin(kind) if kind else document
        if template and proposal is not None:
            document = fitting.begin(template, proposal)
        self._install(document, ProjectFile(locks=self._locks))

    def open(self, path: Path, *, run: Run = at_once) -> None:
        """Open a file; `DocumentError` leaves the session as it was.

        `run` calls the reading, perhaps on another thread, and gives its result.
        """
        document, file = run(lambda: ProjectFile.load(Path(path), self._locks))
        self._install(document, file)
        for kept in document.project.extra.get("graphs", ()):
            # A graph that could not be read belongs to no graph that could list its problem.
            text = f"Graph {kept['index'] + 1} of the file can't be read: {kept['reason']}."
            self._emit(Notice("warning", text, "It stays in the file as it is."))

    def open_run(self, folder: Path, *, run: Run = at_once) -> None:
        """The project of a run as a new one, so that the run's own stays what it trained.

        One that needs files beside it, its own layers or weights, is opened where it lies.
        `DocumentError` leaves the session as it was.
        """
        path = folder / "project.netb"
        document = run(lambda: files.load(path))
        project = document.project
        if project.code or project.weights:
            self.open(path, run=run)
            return
        named = replace(project, title=f"{project.title} from {folder.name}")
        with document.editing():
            document.apply(Changed("", project, named))
        self._install(document, ProjectFile(locks=self._locks))

    def recover(self, document: Document, path: Path | None, base: str) -> None:
        """Go on with work that was never saved; `base` names what was in its file then."""
        self._install(document, ProjectFile(path, base, locks=self._locks))
        self.history.mark_saved(NEVER)
        self._emit(HistoryMoved())

    def save(self, path: Path | None = None, *, force: bool = False, run: Run = at_once) -> None:
        """Write the project to its file, or to `path`, which is its file from then on.

        `DocumentError` leaves the old file and the dirty mark as they were; see
        `ProjectFile.save` for its kinds and for `force`. `run` as in `open`.
        """
        document, state, file = self.document.copy(), self.history.state, self.file
        history, folder = self.history, self.code.folder
        run(lambda: file.save(document, path, force=force))
        lost = self.code.carry(folder)
        if lost:
            text = f"{', '.join(lost)} could not be copied beside the project."
            self._emit(Notice("warning", text, "Copy it yourself: its layers need it."))
        history.mark_saved(state)
        assert file.path is not None
        self._emit(ProjectSaved(file.path))
        self._emit(HistoryMoved())

    @property
    def dirty(self) -> bool:
        """Whether there are edits that are in no file."""
        return self.history.dirty

    def _install(self, document: Document, file: ProjectFile) -> None:
        self._unsubscribe()
        self.folds.end()
        self.file.release()
        self.file = file
        file.claim()
        self.document = document
        document.beside.folder = file.path.parent if file.path is not None else None
        own.use(document.project)
        self.history = History(document)
        self.history.changed = self._moved
        self._meaningful = False
        self._code_states: list[tuple[str, str, str]] = []
        self._unsubscribe = document.subscribe(self._changed)
        self.report = None
        self._place = Whereabouts(document, self._emit)
        self._following.release()
        self._emit(ProjectOpened(file.path))
        self._emit(GraphShown(self._place.shown))
        self._analysis.restart()

    def _changed(self, change: Change) -> None:
        self._meaningful = self._meaningful or has_meaning(change)
        if isinstance(change, Changed) and isinstance(change.after, ProjectInfo):
            own.use(change.after)

    def _moved(self) -> None:
        self._place.catch_up()
        self._emit(HistoryMoved())
        if self._meaningful:
            self._meaningful = False
            self._analysis.request()

    def undo(self) -> str | None:
        """Take back the last edit, and show the graph where that was; its title, if any."""
        with self._place.following_changes():
            return self.history.undo()

    def redo(self) -> str | None:
        """Make the last undone edit again, and show the graph where that is; its title."""
        with self._place.following_changes():
            return self.history.redo()

    # -- the graph that is shown ---------------------------------------------------------

    @property
    def graph(self) -> Graph:
        """The graph on the canvas. A project without any shows one that refuses edits."""
        return self._place.graph

    def show(self, graph_id: str) -> None:
        """Show another graph of the document; ids of no graph are ignored."""
        self._place.go(graph_id)

    @property
    def trail(self) -> Trail:
        """The uses of blocks through which one came to the shown graph, the outermost first.

        Empty for a graph that was shown directly.
        """
        return self._place.trail

    def enter(self, node: str) -> bool:
        """Show the block that a node of the shown graph uses; whether it uses one."""
        return self._place.enter(node)

    def leave(self, levels: int = 1) -> str:
        """Show the graph through which one came; the id of the node that was entered there.

        From a block that was shown directly the way leads to its first use. Empty if there
        is nowhere to go.
        """
        return self._place.leave(levels)

    def show_use(self, path: str) -> None:
        """Show a block as it is in one of its uses, by the path in `Report.uses`."""
        self._place.enter_by(path)

    @property
    def analysing(self) -> bool:
        """Whether the report is still being worked out for the document as it is now."""
        return self._analysis.busy

    def graph_report(self) -> GraphReport:
        """What the compiler says of the shown graph, for the use through which one came."""
        return graph_report(self.report, self.graph, self.trail)

    def want_source(self, wanted: bool) -> None:
        """Whether somebody looks at the code; a report without it is followed by one with it."""
        self._source_wanted = wanted
        if wanted and self.report is not None and not self.report.source:
            self._analysis.again()

    def report_here(self) -> Report | None:
        """The report, with the shown graph's part as in the use through which one came."""
        return report_here(self.report, self.graph, self.trail) if self.report else None

    def values_here(self) -> Mapping[str, Json]:
        """What the use through which one came, else the first, gives a block's parameters."""
        trail = self.trail or first_use(self.document, self.report, self.graph)
        return values_here(self.document, trail)

    def apply_fix(self, fix: Fix) -> None:
        """Do what a problem's fix says; a fix that no longer fits becomes a notice."""
        try:
            fixes.apply_fix(self.history, fix, catalogue.ports_of)
        except ChangeError as error:
            self._emit(Notice("warning", str(error), error.hint))

    def try_fix(self, fix: Fix, on_done: OnTrial) -> None:
        """What a fix would do, without doing it: `on_done` hears it once the worker knows."""
        self._trials.begin(self.document, self.report or Report(), fix, on_done)

    def trust_code(self, found: Found, *, folder: bool = False) -> None:
        """Let a file of own layers run as `found` holds it, and ask for the shapes again.

        `DocumentError` if the file can't be read as Python, or its folder not be trusted.
        """
        self.code.trust(found, folder=folder)
        self._analysis.request()

    def look_at_code(self) -> None:
        """Files beside the project may have changed: ask for the shapes again if they have."""
        standing = self.code.standing()
        states = [(each.file.path, str(each.state), each.sha256) for each in standing]
        if states != self._code_states:
            self._code_states = states
            self._analysis.request()

    def obstacle(self) -> str:
        """What has to be done before the project can be trained; empty if nothing."""
        if self.report is None:
            return "The shapes are being worked out."
        errors = sum(problem.severity == "error" for problem in self.report.problems)
        if errors:
            return f"Mend {'the error' if errors == 1 else f'the {errors} errors'} under Problems."
        if not self.document.project.data.get("source"):
            return "Choose a data set: select nothing, then Data at the right."
        if not any(network.nodes for network in self.document.of_kind("network")):
            return "Draw a network: drag layers from the palette, or press Tab on the canvas."
        if not self.document.of_kind("step"):
            return "Add a training step: + beside the tabs. It says what is to be learnt."
        return ""

    # -- the worker ----------------------------------------------------------------------

    def start_worker(self) -> None:
        """Start the worker process, once; what was asked before is asked then."""
        if self._worker.start():
            self._emit(WorkerChanged("starting"))
            self._worker.run()

    def close(self, *, wait: bool = True) -> None:
        """End the worker; a training writes a checkpoint first. Nothing is told afterwards.

        Without `wait` the worker ends by itself, and a training goes on to its end before.
        """
        self._listeners.clear()
        self._following.close()
        self.file.release()
        self._worker.close(wait=wait)

    def _project_json(self) -> Mapping[str, Any]:
        return format.to_json(self.document)

    def _analyse(self, on_reply: Callable[[Reply], None]) -> None:
        self._source_asked = source = self._source_wanted
        request, later = self._worker.request, self._worker.later
        asking.analyse(request, later, self.document, on_reply, source=source)

    def _hear(self, message: Message) -> None:
        match message:
            case WorkerStarted():
                self._emit(WorkerChanged("loading", "Loading PyTorch"))
                self._analysis.worker_started()
            case WorkerReady(torch=version, devices=devices, lacks=lacks):
                catalogue.lack(lacks)
                text = f"PyTorch {version}"
                self._emit(WorkerChanged("ready", text, device_words(devices)))
            case RunEvent(run=path, data=data):
                self._following.heard(path, data)
            case DownloadProgress():
                self.fetching.hear(message)
            case WorkerDied():
                self._worker_died(message)

    def _worker_died(self, death: WorkerDied) -> None:
        goes_on = self._analysis.worker_died()
        self._following.worker_died(death)
        if death.restart_in_s is None:
            self._emit(WorkerChanged("dead", death.message))
        else:
            self._emit(WorkerChanged("restarting", death.message))
        if not goes_on:
            hint = "Undo the last edit; the next edit starts it again."
            self._emit(Notice("error", "Checking this project ends the worker.", hint))

    def _arrived(self, report: Report) -> None:
        self.report = report
        self._emit(ReportArrived(report))
        if self._source_wanted and not (report.source or self._source_asked):
            self._analysis.again()

    def _failed(self, error: NetbuilderError) -> None:
        self._emit(Notice("error", str(error), error.hint))

    # -- training ------------------------------------------------------------------------

    @property
    def run(self) -> RunView | None:
        """The run that is followed: the one under way, or the last one of this project."""
        return self._following.run

    @property
    def training_here(self) -> bool:
        """Whether this window's worker is training."""
        return self.run is not None and self.run.active and not self._following.adopted

    def look_for_run(self) -> None:
        """Follow the latest run of this project that another process trains, if there is one.

        Where there is none and nothing else to be shown, the last run is, if its process died.
        """
        if self.run is not None and self.run.active:
            return
        found = running.running([self.runs_folder()])
        left = running.left_behind(self.runs_folder()) if self.run is None else None
        if found:
            self.follow(found[0])
        elif left is not None:
            self._following.adopt(*left)

    def follow(self, run: Path) -> None:
        """Follow a run that another process trains; nothing happens if none does."""
        trainer = running.trainer_of(run)
        if trainer is not None and not self.training_here:
            self._following.adopt(Path(run).absolute(), trainer)

    def runs_folder(self) -> Path:
        """Where new runs of this project go."""
        return runs_folder(self.path, self.document.project.title)

    def train(
        self,
        run_dir: Path | None = None,
        resume: bool = False,
        origin: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        """Train the project as it is now, saved or not; events tell how it goes.

        With `resume`, `run_dir` is a run that goes on where it stopped. `origin` is another
        run whose weights it starts from, as in `carry`; `overrides` replace settings of the
        project. What can't start becomes a run with the status `failed` and its reason.
        """
        if self.training_here:
            self._emit(Notice("warning", "A training is under way already.", "Stop it first."))
            return
        try:
            project = self._project_json()
            path = Path(run_dir or next_run(self.runs_folder())).absolute()
        except (NetbuilderError, OSError) as error:
            self._emit(Notice("error", str(error), getattr(error, "hint", "")))
            return
        self.data.remember()
        self._following.begin(path)
        params: dict[str, Any] = {"project": project, "run": str(path), "resume": resume}
        if origin is not None:
            params["from"] = origin
        if overrides is not None:
            params["overrides"] = overrides

        def over(reply: Reply) -> None:
            self._following.replied(path, reply)
            self.folds.over(path)

        self._worker.ask("train", params, over)

    def pause(self) -> None:
        """Hold the training after the batch under way."""
        self._control("pause", ("running",))

    def resume(self) -> None:
        """Let a paused training go on."""
        self._control("resume", ("paused",))

    def stop(self) -> None:
        """End the training with a checkpoint, within 10 s whatever the model does.

        One that another process is at takes its time; asked again, that process is ended.
        """
        if self._following.adopted:
            self._following.command("stop")
        elif self.run is not None and self.run.active and self._worker.started:
            self._following.stopping()
            self._worker.stop_training()

    def _control(self, method: Literal["pause", "resume"], states: Iterable[str]) -> None:
        if self.run is None or self.run.status not in states:
            return
        if self._following.adopted:
            self._following.command(method)
        else:
            self._worker.ask(method, {}, self._notice_error)

    def _notice_error(self, reply: Reply) -> None:
        if reply.error is not None:
            self._failed(reply.error)

    # -- other things that the worker does -------------------------------------------------

    def export(
        self,
        to: str,
        out: Path,
        on_done: OnDone,
        *,
        network: str | None = None,
        run: Path | None = None,
        prepared: str | None = None,
    ) -> None:
        """Export a network (`to`: onnx, pt2, safetensors, code); `on_done` hears the outcome.

        `prepared` builds normalisation in, and says how classes are told: `scores`,
        `probabilities` or `class`.

        Weights are those of `run`, else of the run that is followed once it has ended, else
        random ones.
        """
        params: dict[str, Any] = {"to": to, "out": str(Path(out).absolute()), "network": network}
        params |= {"prepared": prepared} if prepared else {}
        weights = run or self._finished_run()
        if weights is not None:
            params["run"] = str(weights)
        else:
            try:
                params["project"] = self._project_json()
            except DocumentError as error:
                on_done(error)
                return
        self._worker.answer("export", params, on_done)

    def cancel_export(self) -> None:
        """Call off the exports that were asked for; each `on_done` hears an `ExportError`."""
        self._worker.ask("cancel", {}, self._notice_error)

    def look(self, what: str, params: Mapping[str, Any], on_done: OnDone) -> None:
        """Measure something before a training; `on_done` hears the outcome.

        `what` is the worker's word: `find_lr`, `find_batch`, `tune` or `weigh_classes`.
        """
        try:
            project = self._project_json()
        except DocumentError as error:
            on_done(error)
            return
        self._worker.answer(what, {**params, "project": project}, on_done)

    def stop_looking(self) -> None:
        """Let a measurement that was asked for answer with what it has."""
        self._worker.ask("stop", {}, self._notice_error)

    def restart_worker(self) -> None:
        """Start the worker again after it was given up."""
        if self._worker.started:
            self._emit(WorkerChanged("starting"))
            self._analysis.request()
            self._worker.run()

    def costs(self, on_done: Callable[[Costs], None]) -> None:
        """What the nodes of the shown network or block cost; nothing while a training runs.

        Nor of a training step, or where the network has errors or is very large.
        """
        busy = self.run is not None and self.run.active
        if busy or self.report is None:
            return
        path = use_path(self.report, self.graph, self.trail)
        network = self.document.graphs.get(path.split("/")[0], self.graph)
        if countable(network, self.report):
            self._costing.begin(self._project_json, network, self.report, on_done, path)

    def layer_help(self, layer: str, on_done: OnDone) -> None:
        """PyTorch's documentation of a layer: `text`, and `parameters` by name."""
        self._worker.answer("help", {"layer": layer}, on_done)

    def sample_data(self, on_done: OnDone, data: Mapping[str, Any] | None = None) -> None:
        """What `data.overview` tells of the chosen data, or of these settings of data."""
        chosen = self.document.project.data if data is None else data
        self._worker.answer("sample", {"data": dict(chosen)}, on_done)

    def propose_data(self, path: Path, then: OnDone) -> None:
        """What a file or folder that the person chose may be trained on: `data.proposing`.

        `then` hears the proposal, with the ids of the templates that fit, or why there is none.
        """
        self.data.propose(path, then)

    def verify_resume(self, on_done: OnDone) -> None:
        """Whether a training of the project goes on exactly after a stop: `training.verifying`."""
        try:
            params = {"project": self._project_json()}
        except DocumentError as error:
            on_done(error)
            return
        self._worker.answer("verify_resume", params, on_done)

    def carry(self, origin: Mapping[str, Any], on_done: OnDone) -> None:
        """What a training would take of a run's weights: the report of `engine.carrying`.

        `origin`: `run` (a path), `keep` (parts, None for all), `widen` and `checkpoint`.
        """
        try:
            params = {"project": self._project_json(), "from": dict(origin)}
        except DocumentError as error:
            on_done(error)
            return
        self._worker.answer("carry", params, on_done)

    def predict(
        self, inputs: Mapping[str, Any], on_done: OnDone, *, run: Path | None = None
    ) -> None:
        """What a trained network says to `inputs` (nested lists by port)."""
        weights = run or self._finished_run()
        if weights is None:
            on_done(NetbuilderError("There is no trained network yet.", "Train it first."))
            return
        self._worker.answer("predict", {"run": str(weights), "inputs": dict(inputs)}, on_done)

    def describe_use(self, run: Path, on_done: OnDone) -> None:
        """What can be asked of a run's networks, and what they make: `engine.using.describe`."""
        self._worker.answer("describe_use", {"run": str(run)}, on_done)

    def use(self, run: Path, wish: Mapping[str, Any], on_done: OnDone) -> None:
        """What a trained network says: `engine.using.ask`."""
        self._worker.answer("use", {"run": str(run), **wish}, on_done)

    def generate(self, run: Path, wish: Mapping[str, Any], on_done: OnDone) -> None:
        """Something new of a trained generator, as a preview: `engine.generating.generate`."""
        self._worker.answer("generate", {"run": str(run), **wish}, on_done)

    def trained_run(self) -> Path | None:
        """The run whose weights to use: that which is followed, else the project's latest."""
        return self._finished_run() or latest_trained(self.runs_folder())

    def _finished_run(self) -> Path | None:
        run = self.run
        return run.path if run is not None and run.status in ("finished", "stopped") else None


def _blank() -> Document:
    """A project with an empty network to draw in."""
    info = GraphInfo(id=new_id("g"), kind="network", name="main")
    return Document.of(ProjectInfo(), [Added(info.id, info)])
