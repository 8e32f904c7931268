"""The part of a session that asks the worker: to export, to measure, to look, to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.app.comparing import Side
from netbuilder.app.costing import Costing, Costs, countable
from netbuilder.app.exporting import Exporting
from netbuilder.app.link import OnDone
from netbuilder.app.session_training import SessionTraining
from netbuilder.app.trail import Trail, use_path
from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import ExportProgress
from netbuilder.errors import DocumentError, NetbuilderError
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph.document import Document, Graph
from netbuilder.storage import format


class SessionAsking(SessionTraining):
    """Questions whose answer comes later; each `on_done` hears it, or the error."""

    report: Report | None
    exporting: Exporting
    _costing: Costing

    @property
    def graph(self) -> Graph:
        """The graph that is shown."""
        raise NotImplementedError

    @property
    def trail(self) -> Trail:
        """How one came to the block that is shown."""
        raise NotImplementedError

    def export(
        self,
        options: ExportOptions,
        out: Path,
        on_done: OnDone,
        *,
        run: Path | None = None,
        tell: Callable[[ExportProgress], None] | None = None,
    ) -> None:
        """Export a network; `on_done` hears the outcome.

        `tell` hears how far it is. A node at which it fails, or from which on the file departs,
        is among the problems until the next edit or export.

        Weights are those of `run`, else of the run that is followed once it has ended, else
        random ones.
        """
        params: dict[str, Any] = {**options.to_json(), "out": str(Path(out).absolute())}
        weights = run or self._finished_run()
        if weights is not None:
            params["run"] = str(weights)
        else:
            try:
                params["project"] = self._project_json()
            except DocumentError as error:
                on_done(error)
                return
        self.exporting.begin(params, on_done, tell)

    def cancel_export(self) -> None:
        """Call off exports and imports that were asked for; each `on_done` hears an error."""
        self._worker.ask("cancel", {}, self._notice_error)

    def expect(self, work: str, wanted: bool) -> None:
        """An `import` or `export` is likely to come, whose process may start; or no longer."""
        self._worker.ask("expect", {"work": work, "wanted": wanted}, lambda reply: None)

    def bring_in(
        self,
        model: Path,
        out: Path,
        on_done: OnDone,
        *,
        fold: bool = False,
        tell: Callable[[ExportProgress], None] | None = None,
    ) -> None:
        """Write a project of a model of others to `out`; `on_done` hears `import`'s answer.

        With `fold`, runs of nodes that come again become blocks. `tell` hears how far it is, also
        that the project is written and only compared yet.
        """
        params = {"path": str(model), "out": str(out), "blocks": fold, "early": True}
        self.exporting.bring_in(params, on_done, tell)

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

    def shrink(self, run: Path, wish: Mapping[str, Any], on_done: OnDone) -> None:
        """Make smaller files of a run, as `wish` says: `engine.shrinking`. `stop_looking` ends it.

        Rows lie in the run's folder as they come (`app.smaller`).
        """
        self._worker.answer("shrink", {**wish, "run": str(run)}, on_done)

    def stop_looking(self) -> None:
        """Let a measurement that was asked for answer with what it has."""
        self._worker.ask("stop", {}, self._notice_error)

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

    def figures(self, document: Document, on_side: Callable[[Side], None]) -> None:
        """Shapes, then costs, of any project; `on_side` hears each when it is known.

        No costs while a training runs, nor of networks that have errors.
        """
        try:
            project = format.to_json(document)
        except DocumentError:
            return
        folder = document.beside.folder
        params = {"project": project, **({"folder": str(folder)} if folder else {})}

        def analysed(answer: dict[str, Any] | NetbuilderError) -> None:
            if isinstance(answer, NetbuilderError):
                return
            try:
                side = Side(document, Report.from_json(answer))
            except (LookupError, TypeError, ValueError):
                return
            on_side(side)
            costs: dict[str, Any] = {}

            def counted(answer: dict[str, Any] | NetbuilderError) -> None:
                found = {} if isinstance(answer, NetbuilderError) else answer.get("networks")
                if isinstance(found, dict) and found:
                    costs.update(found)
                    on_side(Side(document, side.report, dict(costs)))

            busy = self.run is not None and self.run.active
            for network in [] if busy else document.of_kind("network"):
                if countable(network, side.report):
                    asked = {**params, "network": network.name}
                    self._worker.answer("summary", asked, counted)

        self._worker.answer("analyse", {**params, "source": False}, analysed)

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
