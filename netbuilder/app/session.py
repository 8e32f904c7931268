"""One open project and the worker beside it, without a window.

Everything happens on one thread, the window's: what the worker says comes there through
`post`. Nothing that the worker does, or fails to do, reaches the document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from netbuilder.app import asking, fitting, kinds, templates
from netbuilder.app.analysis import Analysis, has_meaning
from netbuilder.app.consent import ConsentStore
from netbuilder.app.costing import Costing
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
from netbuilder.app.exporting import CODES, Exporting
from netbuilder.app.fetching import Fetching
from netbuilder.app.following import Following
from netbuilder.app.link import ClientFactory, Post, WorkerLink
from netbuilder.app.own_files import OwnFiles
from netbuilder.app.project_file import ProjectFile
from netbuilder.app.session_asking import SessionAsking
from netbuilder.app.trail import (
    Trail,
    first_use,
    graph_report,
    report_here,
    values_here,
)
from netbuilder.app.trust import TrustStore
from netbuilder.app.trying import OnTrial, Trials
from netbuilder.app.whereabouts import Whereabouts
from netbuilder.compiler.report import GraphReport, Report
from netbuilder.engine.protocol import (
    DownloadProgress,
    ExportProgress,
    Message,
    Reply,
    RunEvent,
    WorkerDied,
    WorkerReady,
    WorkerStarted,
)
from netbuilder.errors import ChangeError, Fix
from netbuilder.graph import fixes
from netbuilder.graph.changes import Added, Change, Changed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import GraphInfo, Json, ProjectInfo, new_id
from netbuilder.layers import catalogue, own
from netbuilder.storage import files
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


class Session(SessionAsking):
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
        self._plain: Report | None = None
        """The report as the compiler gave it; `report` has the problem of an export too."""
        self._source_wanted = self._source_asked = False
        self.code = OwnFiles(self, trust)
        self.data = DataFiles(self, self._worker.answer, consent, self._worker.later)
        self.exporting = Exporting(
            self._worker.answer, lambda: self.document, lambda: self._arrived(self._plain)
        )
        self.fetching = Fetching(self._worker.answer, lambda: self.data.store)
        self._worker.bring = lambda params: {**self.code.bring(params), **self.data.bring(params)}
        self._install(_blank(), ProjectFile())

    # -- the project ---------------------------------------------------------------------

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
        self.report = self._plain = None
        self.exporting.edited()
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
            self.exporting.edited()
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
        problems = (each for each in self.report.problems if each.code not in CODES)
        errors = sum(problem.severity == "error" for problem in problems)
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

    def restart_worker(self) -> None:
        """Start the worker again after it was given up."""
        if self._worker.started:
            self._emit(WorkerChanged("starting"))
            self._analysis.request()
            self._worker.run()

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
            case ExportProgress():
                self.exporting.hear(message)
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

    def _arrived(self, report: Report | None) -> None:
        self._plain = report
        if report is None:
            return
        found = self.exporting.problem
        self.report = replace(report, problems=(*report.problems, found)) if found else report
        self._emit(ReportArrived(self.report))
        if self._source_wanted and not (report.source or self._source_asked):
            self._analysis.again()


def _blank() -> Document:
    """A project with an empty network to draw in."""
    info = GraphInfo(id=new_id("g"), kind="network", name="main")
    return Document.of(ProjectInfo(), [Added(info.id, info)])
