"""A person's own data on the command line: what it may be trained on, and projects for it."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netbuilder.cli import output
from netbuilder.errors import NetbuilderError, Problem, ProblemsError
from netbuilder.graph.document import Document


def data(options: Namespace) -> int:
    """Print a proposal: source, fields, and the templates that fit."""
    proposal = _propose(options.path)
    if options.json:
        output.answer(proposal)
        return output.DONE
    print(f"{proposal['title']} ({proposal['task']}, {proposal['source']})")
    rows = [
        (
            field["name"],
            "×".join([*(["N"] if field["batched"] else []), *map(str, field["shape"])]),
            field["dtype"],
            field["meaning"],
        )
        for field in proposal["fields"]
    ]
    output.table(("field", "shape", "type", "meaning"), rows)
    for note in proposal["notes"]:
        print(note)
    for problem in proposal["problems"]:
        print(output.describe(Problem.from_json(problem), ""))
    if proposal["templates"]:
        print(f"Templates that fit: {', '.join(proposal['templates'])}")
        name = shlex.quote(f"{Path(os.path.abspath(options.path)).stem}.netb")
        place = shlex.quote(options.path)
        print(f"netbuilder new {proposal['templates'][0]} -o {name} --data {place}")
    return output.DONE


def begin(template: str, named: str) -> Document:
    """A template on the data at a path, which is remembered as allowed.

    `NetbuilderError` if the two don't fit.
    """
    from netbuilder.app import fitting
    from netbuilder.app.consent import ConsentStore
    from netbuilder.engine import tasks

    proposal, path = _usable(named), Path(named)
    try:
        document = fitting.begin(template, proposal)
    except NetbuilderError as error:
        raise output.UsageError(
            f"'{template}' does not fit this data: {error}", _others(proposal, template)
        ) from error
    report = tasks.analyse(document, source=False)
    errors = [problem for problem in report.problems if problem.severity == "error"]
    if errors:
        raise ProblemsError(
            f"'{template}' does not fit this data: {errors[0].message}",
            errors,
            _others(proposal, template),
        )
    ConsentStore().allow([Path(os.path.abspath(path))])
    return document


def settings_for(named: str) -> dict[str, Any]:
    """Data settings for what is at a path; `NetbuilderError` if there is nothing to train on."""
    proposal = _usable(named)
    return {"source": proposal["source"], "params": proposal["params"], **proposal["settings"]}


def add(path: Path, named: str, data: Mapping[str, Any]) -> None:
    """Give a saved project the data at a path, which is remembered as allowed, and a training step.

    Whether the network takes it, the training says.
    """
    from netbuilder.app import graphs
    from netbuilder.app.consent import ConsentStore
    from netbuilder.graph.history import History
    from netbuilder.storage import files

    document = files.load(path)
    graphs.begin_training(History(document), data)
    files.save(document, path)
    ConsentStore().allow([Path(os.path.abspath(named))])


def _others(proposal: dict[str, Any], template: str) -> str:
    known = [id for id in proposal["templates"] if id != template]
    return f"These may: {', '.join(known)}." if known else ""


def _usable(path: str) -> dict[str, Any]:
    """A proposal that one can train on."""
    proposal = _propose(path)
    wrong = [Problem.from_json(each) for each in proposal["problems"]]
    wrong = [each for each in wrong if each.severity == "error"]
    if wrong:
        name = Path(path).name
        raise ProblemsError(f"'{name}' can't be trained on: {wrong[0].message}", wrong)
    return proposal


def _propose(path: str) -> dict[str, Any]:
    from netbuilder.app import fitting
    from netbuilder.data.proposals import proposing

    proposal = proposing.propose(path).to_json()
    stopped = any(each["severity"] == "error" for each in proposal["problems"])
    return {**proposal, "templates": [] if stopped else fitting.choose(proposal)}
