"""What the window does with a run of the table: open its project, compare, start from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


class RunDeeds:
    """Asks the window for its session and workbench when it needs them."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def open(self, run: Path) -> None:
        """Show the exact project of a run, as a new one: the run's own stays as it is."""
        self._window.projects.open_run(run)

    def compare(self, runs: Sequence[Path]) -> None:
        """What the open project has otherwise than a run, or a run than an earlier one."""
        from netbuilder.gui.comparing import opening

        match runs:
            case [run]:
                opening.with_run(self._window, run)
            case [earlier, later]:
                opening.two_runs(self._window, earlier, later)

    def report(self, run: Path) -> None:
        """Ask for a file and put the report of a run there, as one page for a browser."""
        from PySide6.QtWidgets import QFileDialog

        from netbuilder.app.figures import run_report
        from netbuilder.errors import NetbuilderError
        from netbuilder.gui.asking.dialogs import tell_error

        window = self._window
        folder = window.bench.export_folder() if window.bench is not None else run.parent
        start = str(folder / f"{run.name}.html")
        chosen, _ = QFileDialog.getSaveFileName(window, "Save a report", start, "HTML (*.html)")
        if not chosen:
            return
        path = Path(chosen)
        path = path if path.suffix else path.with_suffix(".html")
        try:
            run_report.write(run, path)
        except (NetbuilderError, OSError) as error:
            tell_error(window, "The report was not saved", error)
            return
        window.status.say(f"Saved {path.name}")

    def make_smaller(self, run: Path) -> None:
        """Show what a run's network comes to with fewer and shorter weights."""
        from netbuilder.gui.asking.smaller_dialog import SmallerDialog

        window = self._window
        if window.session is None or not window.runner.may_run():
            return
        dialog = SmallerDialog(window.session, run, window)
        dialog.project_wanted.connect(window.projects.open_path)
        dialog.show()

    def start_from(self, run: Path) -> None:
        """Train the project as it is from a run's weights, once the person has chosen which."""
        from netbuilder.gui.asking.start_dialog import StartDialog

        window = self._window
        reason = window.runner.obstacle()
        if reason:
            window.status.say(reason, "warning")
            return
        if window.session is None or not window.runner.may_run():
            return
        dialog = StartDialog(window.session, run, window)
        dialog.start_wanted.connect(self._begin)
        dialog.show()

    def _begin(self, origin: dict[str, Any]) -> None:
        session, bench = self._window.session, self._window.bench
        if session is not None and bench is not None and self._window.runner.can_train():
            bench.show_panel("training")
            session.train(origin=origin)
