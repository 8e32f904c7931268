"""One project and a worker that may do anything: the project is safe, the report is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbuilder.app.events import (
    GraphShown,
    HistoryMoved,
    Notice,
    ProjectOpened,
    ProjectSaved,
    ReportArrived,
    WorkerChanged,
)
from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import WorkerError
from netbuilder.errors import DocumentError, Fix, NetbuilderError, Problem
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import edits
from netbuilder.graph.model import Frame
from netbuilder.storage import files
from tests.app.fakes import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def add(desk: Desk, name: str) -> str:
    graph = desk.session.graph
    return edits.add_node(desk.session.history, graph, "torch.nn.ReLU", name=name).id


# -- the project -------------------------------------------------------------------------------


def test_a_new_session_has_an_empty_network_and_nothing_to_save(desk: Desk) -> None:
    session = desk.session
    assert session.graph.kind == "network"
    assert session.graph.name == "main"
    assert not dirty(desk)
    assert session.path is None
    assert session.history.undo() is None
    with pytest.raises(DocumentError, match="no file yet"):
        session.save()


def test_save_open_and_the_dirty_mark(desk: Desk, tmp_path: Path) -> None:
    session, path = desk.session, tmp_path / "a.netb"
    add(desk, "one")
    assert dirty(desk)
    session.save(path)
    assert session.path == path
    assert not dirty(desk)
    add(desk, "two")
    session.save()
    assert not dirty(desk)
    saved = session.document.copy()
    session.new()
    assert len(session.graph.nodes) == 0
    assert desk.heard(ProjectOpened)[-1] == ProjectOpened(None)
    session.open(path)
    assert session.document == saved
    assert not dirty(desk)
    assert desk.heard(ProjectSaved) == [ProjectSaved(path)] * 2
    assert desk.heard(ProjectOpened)[-1] == ProjectOpened(path)


def dirty(desk: Desk) -> bool:
    return desk.session.dirty


def test_a_failed_save_or_open_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    session = desk.session
    add(desk, "one")
    document, events = session.document, len(desk.events)
    with pytest.raises(DocumentError):
        session.save(tmp_path / "gone" / "a.netb")
    (tmp_path / "bad.netb").write_text("{")
    with pytest.raises(DocumentError):
        session.open(tmp_path / "bad.netb")
    with pytest.raises(DocumentError, match="no such template"):
        session.new("no such template")
    assert session.document is document
    assert session.dirty
    assert session.path is None
    assert len(desk.events) == events


def test_a_graph_that_cannot_be_read_is_told_and_kept(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "a.netb"
    path.write_text('{"netbuilder": 1, "graphs": [{"id": "x", "kind": "later"}]}')
    desk.session.open(path)
    (notice,) = desk.heard(Notice)
    assert (
        notice.text
        == "Graph 1 of the file can't be read: there is no kind of graph called 'later'."
    )
    desk.session.save()
    assert '"kind": "later"' in path.read_text()


def test_edits_are_told(desk: Desk) -> None:
    add(desk, "one")
    assert len(desk.heard(HistoryMoved)) == 1
    desk.session.history.undo()
    assert len(desk.heard(HistoryMoved)) == 2
    old = desk.session.history
    desk.session.new()
    count = len(desk.heard(HistoryMoved))
    old.redo()
    assert desk.session.graph.nodes == {}
    assert len(desk.heard(ReportArrived)) == 0
    assert len(desk.heard(HistoryMoved)) <= count + 1


def test_a_removed_graph_gives_way_to_another(desk: Desk) -> None:
    session = desk.session
    first = session.graph.id
    step = edits.add_graph(session.history, "step", "train")
    session.show(step.id)
    assert session.graph.id == step.id
    session.history.undo()
    assert session.graph.id == first
    assert desk.heard(GraphShown)[-1] == GraphShown(first)
    session.show("no such graph")
    assert session.graph.id == first
    edits.remove_graph(session.history, session.graph)
    assert session.graph.id == ""
    session.history.undo()
    session.show(first)
    assert session.graph.id == first


def test_templates_open_as_new_projects(desk: Desk) -> None:
    desk.session.new("digits_mlp")
    assert desk.session.path is None
    assert not desk.session.dirty
    assert desk.session.graph.kind == "network"


# -- analysis ----------------------------------------------------------------------------------


def test_what_is_asked_before_the_worker_starts_is_asked_then(desk: Desk) -> None:
    add(desk, "one")
    add(desk, "two")
    assert not desk.clients
    desk.session.start_worker()
    assert desk.client.log == ["start"]
    assert not desk.client.asked
    desk.start()
    assert len(desk.clients) == 1
    ((method, params),) = desk.client.asked
    assert method == "analyse"
    assert len(params["project"]["graphs"][0]["nodes"]) == 2


def test_one_analysis_at_a_time_and_the_latest_wins(desk: Desk) -> None:
    desk.start()
    for number in range(10):
        add(desk, f"n{number}")
        assert desk.client.count("analyse") == 1
    desk.answer()
    assert desk.client.count("analyse") == 1
    assert len(desk.client.asked) == 2
    assert len(desk.client.asked[-1][1]["project"]["graphs"][0]["nodes"]) == 10
    desk.answer()
    assert desk.client.count("analyse") == 0
    assert len(desk.heard(ReportArrived)) == 2
    assert desk.session.report == Report()


def test_places_and_notes_need_no_analysis(desk: Desk) -> None:
    node = add(desk, "one")
    desk.start()
    desk.answer()
    session = desk.session
    edits.move(session.history, session.graph, {node: (80, 80)})
    edits.set_node(session.history, session.graph, node, note="x", collapsed=True)
    frame = edits.add_frame(session.history, session.graph, Frame(id="f"))
    edits.move(session.history, session.graph, {frame.id: (8, 8)})
    session.history.undo()
    assert desk.client.count("analyse") == 0
    edits.rename(session.history, session.graph, node, "other")
    assert desk.client.count("analyse") == 1


def test_code_is_asked_for_while_somebody_looks_at_it(desk: Desk) -> None:
    def asked() -> list[bool]:
        return [params["source"] for _, params in desk.client.asked]

    def answer() -> None:
        desk.client.reply("analyse", Report(source=asked()[-1]).to_json())
        desk.pump()

    desk.start()
    answer()
    assert asked() == [False]
    desk.session.want_source(True)
    answer()
    assert asked() == [False, True]
    add(desk, "one")
    answer()
    assert asked() == [False, True, True]
    # Known already: nothing is to be asked.
    desk.session.want_source(False)
    desk.session.want_source(True)
    assert asked() == [False, True, True]
    # It came into sight while an answer without it was under way.
    desk.session.want_source(False)
    add(desk, "two")
    desk.session.want_source(True)
    answer()
    assert asked()[3:] == [False, True]
    answer()
    assert desk.client.count("analyse") == 0


def test_the_answer_about_another_project_is_dropped(desk: Desk) -> None:
    desk.start()
    desk.session.new("digits_mlp")
    assert desk.client.count("analyse") == 1
    wrong = Report(problems=(Problem("error", "x", "of the old project"),))
    desk.client.reply("analyse", wrong.to_json())
    desk.pump()
    assert desk.session.report is None
    assert desk.client.count("analyse") == 1
    desk.answer()
    assert desk.session.report == Report()


def test_an_error_is_told_and_the_next_edit_asks_again(desk: Desk) -> None:
    desk.start()
    desk.client.reply("analyse", error=WorkerError("A bug.", details="trace"))
    desk.pump()
    (notice,) = desk.heard(Notice)
    assert notice.text == "A bug."
    assert desk.client.count("analyse") == 0
    add(desk, "one")
    assert desk.client.count("analyse") == 1


@pytest.mark.parametrize("answer", [None, 5, [], {}, {"problems": 1, "graphs": {}}], ids=str)
def test_a_report_that_cannot_be_read_is_told(desk: Desk, answer: object) -> None:
    desk.start()
    desk.client.reply("analyse", answer)
    desk.pump()
    (notice,) = desk.heard(Notice)
    assert "can't be read" in notice.text


def test_everything_happens_on_the_posted_thread(desk: Desk) -> None:
    desk.start()
    before = len(desk.events)
    desk.client.reply("analyse", Report().to_json())
    desk.client.die()
    assert len(desk.events) == before
    desk.pump()
    assert len(desk.events) > before


def test_nothing_is_heard_after_closing(desk: Desk) -> None:
    desk.start()
    before = len(desk.events)
    answers: list[object] = []
    desk.session.sample_data(answers.append)
    desk.client.reply("sample", {})
    desk.client.reply("analyse", Report().to_json())
    desk.session.close()
    desk.client.die()
    desk.pump()
    assert desk.client.log == ["start", "close"]
    assert len(desk.events) == before
    assert not answers
    desk.session.start_worker()
    assert len(desk.clients) == 1


def test_who_is_in_a_hurry_leaves_the_worker_to_itself(desk: Desk) -> None:
    desk.session.start_worker()
    desk.session.close(wait=False)
    assert desk.client.log == ["start", "leave"]


# -- the worker dies ---------------------------------------------------------------------------


def restart(desk: Desk) -> None:
    from netbuilder.engine.protocol import WorkerStarted

    desk.client.say(WorkerStarted(2, "0"))
    desk.pump()


def test_after_a_death_the_document_is_analysed_again(desk: Desk) -> None:
    desk.start()
    add(desk, "one")
    desk.client.die()
    desk.pump()
    assert desk.heard(WorkerChanged)[-1].state == "restarting"
    add(desk, "while_it_is_gone")
    assert desk.client.count("analyse") == 0
    before = desk.session.document.copy()
    restart(desk)
    assert desk.heard(WorkerChanged)[-1].state == "loading"
    assert desk.client.count("analyse") == 1
    desk.answer()
    assert desk.session.report == Report()
    assert desk.session.document == before


def test_an_idle_worker_that_dies_needs_no_new_analysis(desk: Desk) -> None:
    desk.start()
    desk.answer()
    desk.client.die()
    desk.pump()
    restart(desk)
    assert desk.client.count("analyse") == 0


def test_a_project_that_kills_the_worker_is_not_sent_for_ever(desk: Desk) -> None:
    desk.start()
    for _ in range(2):
        desk.client.die()
        desk.pump()
        restart(desk)
    assert desk.client.count("analyse") == 0
    assert "ends the worker" in desk.heard(Notice)[-1].text
    add(desk, "one")
    assert desk.client.count("analyse") == 1
    desk.answer()
    assert desk.session.report == Report()


def test_a_worker_that_is_gone_for_good_is_told(desk: Desk) -> None:
    desk.start()
    desk.client.die(restart_in_s=None)
    desk.pump()
    assert desk.heard(WorkerChanged)[-1] == WorkerChanged("dead", "The worker was killed.")
    add(desk, "one")
    files_before = desk.session.document.copy()
    assert desk.session.document == files_before


# -- fixes and other requests ------------------------------------------------------------------


def test_a_fix_is_one_step_or_a_notice(desk: Desk) -> None:
    session = desk.session
    node = add(desk, "one")
    fix = Fix("Rename it", "rename", {"graph": session.graph.id, "node": node, "name": "two"})
    session.apply_fix(fix)
    assert session.graph.nodes[node].name == "two"
    session.history.undo()
    session.apply_fix(Fix("Late", "rename", {"graph": "gone", "node": node, "name": "x"}))
    (notice,) = desk.heard(Notice)
    assert notice.severity == "warning"


def test_data_and_export_answers_reach_whoever_asked(desk: Desk, tmp_path: Path) -> None:
    session = desk.session
    got: list[dict[str, object] | NetbuilderError] = []
    session.sample_data(got.append)
    assert isinstance(got.pop(), WorkerError)  # there is no worker yet
    desk.start()
    edits.set_project(session.history, data={"source": "netbuilder.Digits"})
    session.sample_data(got.append)
    session.export(ExportOptions("onnx"), tmp_path / "x.onnx", got.append)
    session.predict({"image": [1]}, got.append)
    assert isinstance(got.pop(), NetbuilderError)  # nothing is trained yet
    sample, export = (entry for entry in desk.client.asked if entry[0] != "analyse")
    assert sample == ("sample", {"data": {"source": "netbuilder.Digits"}})
    assert export[1]["out"] == str(tmp_path / "x.onnx")
    assert export[1]["project"]["netbuilder"] == 1
    desk.client.reply("sample", {"count": 3})
    desk.client.reply("export", error=NetbuilderError("no"))
    assert not got
    desk.pump()
    assert got[0] == {"count": 3}
    assert str(got[1]) == "no"
    session.sample_data(got.append)
    desk.client.reply("sample", [1])
    desk.pump()
    assert isinstance(got[2], WorkerError)


def test_saving_works_whatever_the_worker_does(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    add(desk, "one")
    desk.client.die(restart_in_s=None)
    desk.pump()
    desk.session.save(tmp_path / "a.netb")
    assert files.load(tmp_path / "a.netb") == desk.session.document


# -- what stands before a training -----------------------------------------------------------


def test_what_is_missing_for_a_training_is_told_one_after_the_other(desk: Desk) -> None:
    session = desk.session
    assert "worked out" in session.obstacle()
    session.report = Report((Problem("error", "x", "Wrong."), Problem("warning", "y", "Odd.")))
    assert session.obstacle() == "Mend the error under Problems."
    session.report = Report((Problem("warning", "y", "Odd."),))
    assert "data set" in session.obstacle()
    edits.set_project(session.history, data={"source": "netbuilder.Digits"})
    assert "Draw a network" in session.obstacle()
    edits.add_node(session.history, session.graph, "netbuilder.Input")
    assert "training step" in session.obstacle()
    edits.add_graph(session.history, "step", "train")
    assert session.obstacle() == ""
