"""Training and export as the window's commands see them: what can be done now, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netbuilder.errors import NetbuilderError

if TYPE_CHECKING:
    from pathlib import Path

    from netbuilder.app.events import WorkerState
    from netbuilder.gui.main_window import MainWindow


class Runner:
    """Asks the window for its session and workbench when it needs them."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.worker: WorkerState = "off"
        """What the worker does at present."""

    def status(self) -> str:
        """The status of the run that is followed, empty if there is none."""
        session = self._window.session
        run = session.run if session else None
        return run.status if run is not None else ""

    def obstacle(self) -> str:
        """What has to be done before a training can start; empty if nothing."""
        window = self._window
        if window.session is None or not window.has_project():
            return "Open a project first."
        if window.session.training_here:
            return "A training is under way: stop it first."
        return window.session.obstacle()

    def next_step(self) -> str:
        """What the person is to do before a training can start; empty if nothing."""
        session = self._window.session
        here = session is not None and self._window.has_project()
        if session is None or not here or session.report is None or session.run is not None:
            return ""
        return session.obstacle()

    def can_train(self) -> bool:
        """Whether Train would start a training."""
        return not self.obstacle()

    def may_run(self) -> bool:
        """Whether the project's own code may run and its data be read; asks where that is open."""
        from netbuilder.gui.asking.dialogs import ask_read

        session = self._window.session
        if session is None or not self._window.own_code.may_run():
            return False
        wanted = session.data.wanted()
        if wanted and not ask_read(self._window, wanted):
            return False
        session.data.allow(wanted)
        return True

    def train(self) -> None:
        """Train the project as it is."""
        session, bench = self._window.session, self._window.bench
        if session is not None and bench is not None and self.can_train():
            if not (self._may_train_beside() and self.may_run()):
                return
            bench.show_panel("training")
            session.train()

    def no_folds(self) -> str:
        """Why the folds of a cross-validation can't be trained now; empty if they can."""
        return self.obstacle() or (
            "" if self._folds() else "Set folds in the data settings: how often to part the data."
        )

    def _folds(self) -> int:
        session = self._window.session
        count = session.document.project.data.get("folds") if session is not None else None
        return count if isinstance(count, int) else 0

    def train_folds(self) -> None:
        """Train every fold of the data, one after the other."""
        session, bench = self._window.session, self._window.bench
        if session is not None and bench is not None and not self.no_folds():
            if not (self._may_train_beside() and self.may_run()):
                return
            bench.show_panel("training")
            session.folds.begin(self._folds())

    def verify_resume(self) -> None:
        """Try whether a stopped training goes on exactly, and tell what came of it."""
        from netbuilder.app.resuming import in_words
        from netbuilder.gui.asking.dialogs import Message

        session = self._window.session
        if session is None or not self.can_train() or not self.may_run():
            return
        window = self._window

        def told(answer: Any) -> None:
            window.status.say("")
            if isinstance(answer, NetbuilderError):
                text = f"{answer}\n\n{answer.hint}" if answer.hint else str(answer)
                title = "It could not be tried"
            else:
                exact = answer["exact"]
                title = "It goes on exactly" if exact else "It does not go on exactly"
                text = in_words(answer) if exact else f"{in_words(answer)}\n\n{answer['hint']}"
            Message(window, title, text).open()

        window.status.say("Training some batches with and without a stop…")
        session.verify_resume(told)

    def look_for_run(self) -> None:
        """Show a run of the project that another process trains, if there is one."""
        session, bench = self._window.session, self._window.bench
        if session is not None and bench is not None and self._window.has_project():
            before = session.run
            session.look_for_run()
            if session.run is not before:
                bench.show_panel("training")

    def _elsewhere(self) -> bool:
        """Whether the run that is followed is trained by another process."""
        session = self._window.session
        run = session.run if session else None
        return run is not None and run.active and run.pid is not None

    def _may_train_beside(self) -> bool:
        from netbuilder.gui.asking.dialogs import ask_train_beside

        session = self._window.session
        if session is None or session.run is None or not self._elsewhere():
            return True
        return ask_train_beside(self._window, session.run.name)

    def can_pause(self) -> bool:
        """Whether there is something to pause, or to let go on."""
        return self.status() in ("running", "paused") or self.can_go_on()

    def can_go_on(self) -> bool:
        """Whether the run ended before its time, so that it can go on where it stopped."""
        session = self._window.session
        run = session.run if session else None
        return run is not None and run.resumable

    def goes_on(self) -> bool:
        """Whether `pause` would let a training go on."""
        return self.status() == "paused" or self.can_go_on()

    def pause(self) -> None:
        """Pause the training, let it go on, or go on with one that was stopped."""
        session, bench = self._window.session, self._window.bench
        if session is None or bench is None:
            return
        if self.can_go_on():
            assert session.run is not None
            self.resume(session.run.path)
        elif self.status() == "paused":
            session.resume()
        else:
            session.pause()

    def resume(self, run: Path) -> None:
        """Go on with a run where it stopped."""
        session, bench = self._window.session, self._window.bench
        if session is None or bench is None:
            return
        if not session.training_here and not self.may_run():
            return
        bench.show_panel("training")
        session.train(run, resume=True)

    def can_stop(self) -> bool:
        """Whether a training is under way that was not told to stop, or can be made to."""
        return self.status() in ("starting", "running", "paused") or self.stops_by_force()

    def stops_by_force(self) -> bool:
        """Whether `stop` would end the process of another program that was told to stop."""
        return self.status() == "stopping" and self._elsewhere()

    def stop(self) -> None:
        """Stop the training; one of another process that was told to already is ended at once."""
        if self._window.session is not None:
            self._window.session.stop()

    def restart_worker(self) -> None:
        """Start the worker again after it was given up."""
        if self._window.session is not None and self.worker == "dead":
            self._window.session.restart_worker()

    def look(self, what: str) -> None:
        """The dialog of a measurement before a training."""
        from netbuilder.gui.asking.looking_dialog import DIALOGS

        session = self._window.session
        if session is not None and self.can_train() and self.may_run():
            DIALOGS[what](session, self._window).open_and_begin()

    def export(self) -> None:
        """The export dialog."""
        from netbuilder.graph.rules import identifier
        from netbuilder.gui.asking.export_dialog import ExportDialog

        session, bench = self._window.session, self._window.bench
        if session is None or bench is None or not self.may_run():
            return
        names = [graph.name for graph in session.document.of_kind("network")]
        title = session.path.stem if session.path else session.document.project.title
        trained = session.run is not None and session.run.status in ("finished", "stopped")
        stem = identifier(title, "network").lower()
        folder = bench.export_folder()
        dialog = ExportDialog(session, names, folder, stem, trained, self._window)

        def show(graph: str, node: str) -> None:
            # The dialog is not modal: the graph may be gone by now.
            if graph in session.document.graphs:
                bench.go_to(graph, node)

        dialog.node_wanted.connect(show)
        dialog.open()
