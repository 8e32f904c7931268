"""Commands about projects: templates, new, layers, check, summary, code."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netbuilder.app.trail import trail_of
from netbuilder.cli import layer_list, output, trusting
from netbuilder.cli.output import UsageError
from netbuilder.errors import Problem, counts
from netbuilder.graph.document import Document


def templates(options: Namespace) -> int:
    """List the templates."""
    from netbuilder.app.templates import templates as all_templates

    found = all_templates()
    if options.json:
        output.answer([info.to_json() for info in found])
    else:
        columns = ("id", "title", "task", "data", "parameters")
        rows = [
            (info.id, info.title, info.task, info.dataset, f"{sum(info.networks.values()):,}")
            for info in found
        ]
        output.table(columns, rows)
    return output.DONE


def new(options: Namespace) -> int:
    """Write a template, or a kind of project, as a new project."""
    from netbuilder.app import kinds
    from netbuilder.app.templates import open_template, templates
    from netbuilder.storage import files

    # A few have both names: the template says what it is about.
    plain = {kind.id for kind in kinds.KINDS} - {info.id for info in templates()}
    path = Path(options.output or f"{options.template}.netb")
    if path.exists() and not options.force:
        raise UsageError(f"'{path}' is there already.", "Choose another name, or add --force.")
    if options.data is not None:
        from netbuilder.cli.commands import bringing_data

        kind = next((kind for kind in kinds.KINDS if kind.id == options.template), None)
        template = kind.template if options.template in plain and kind else options.template
        document = bringing_data.begin(template, options.data)
    else:
        begin = kinds.begin if options.template in plain else open_template
        document = begin(options.template)
    files.save(document, path)
    if options.json:
        output.answer({"path": str(path)})
    else:
        print(path)
    return output.DONE


def layers(options: Namespace) -> int:
    """List the layers."""
    rows = layer_list.all_layers()
    if options.json:
        output.answer(rows)
    else:
        shown = [
            (row["id"], row["title"], ", ".join(entry["name"] for entry in row["parameters"]))
            for row in rows
        ]
        output.table(("id", "title", "parameters"), shown)
    return output.DONE


def check(options: Namespace) -> int:
    """List the problems; exit code 1 if there are errors among them."""
    from netbuilder.engine import tasks

    document = trusting.load(options.file, options, refuse=False)
    with trusting.quiet():
        report = tasks.analyse(document)
    # What was not looked at is not known to be right.
    unseen = any(problem.code in trusting.UNSEEN for problem in report.problems)
    if options.json:
        problems = [problem.to_json() for problem in report.problems]
        output.answer({"ok": report.ok and not unseen, "problems": problems})
    else:
        for problem in report.problems:
            print(output.describe(problem, _place(document, problem)))
        for text in trusting.options_for(report.problems):
            print(f"To let it run: {text}")
        print(f"{', '.join(counts(report.problems)) or 'No problems'}.")
    if report.ok and unseen:
        return output.UNTRUSTED
    return output.DONE if report.ok else output.PROBLEMS


def _place(document: Document, problem: Problem) -> str:
    """Where a problem is: `main.conv`, in a block by the use that has it: `main.stage1.conv`."""
    graph = document.graphs.get(problem.graph)
    if graph is None:
        return ""
    node = graph.nodes.get(problem.node)
    steps = trail_of(document, problem.path) if problem.path else ()
    names = [document.graphs[step.graph].nodes[step.node].name for step in steps]
    start = document.graphs[steps[0].graph].name if steps else graph.name
    return ".".join([start, *names, *([node.name] if node is not None else [])])


def summary(options: Namespace) -> int:
    """Show what the networks are made of and what they cost."""
    from netbuilder.engine import tasks

    sizes = dict(_input_size(text) for text in options.inputs)
    document = trusting.load(options.file, options)
    with trusting.quiet():
        result = tasks.summary(document, options.network, sizes)
    if options.json:
        output.answer(result)
        return output.DONE
    for name, network in result["networks"].items():
        print(
            f"{name}: {network['parameters']:,} parameters, {network['macs']:,} MACs, "
            f"{network['kept_bytes']:,} bytes kept for the gradient"
        )
        output.table(COSTS, _cost_rows(network["nodes"]))
        for use in network["blocks"]:
            print(f"{use['block']} at {_use_name(document, use['path'])}:")
            output.table(COSTS, _cost_rows(use["nodes"]))
    return output.DONE


COSTS = ("node", "layer", "output", "parameters", "MACs", "kept")
"""Columns of the summary's tables; `kept` is in bytes."""


def _cost_rows(nodes: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            node["name"],
            node["layer"],
            ", ".join(output.dims(shape) for shape in node["outputs"].values()),
            f"{node['parameters']:,}",
            f"{node['macs']:,}",
            f"{node['kept_bytes']:,}",
        )
        for node in nodes
    ]


def _use_name(document: Document, path: str) -> str:
    """`main.stage1.conv` for the path of a use in `Report.uses`."""
    steps = trail_of(document, path)
    names = [document.graphs[step.graph].nodes[step.node].name for step in steps]
    return ".".join([document.graphs[path.split("/")[0]].name, *names])


def _input_size(text: str) -> tuple[str, list[int]]:
    match = re.fullmatch(r"([^=]+)=(\d{1,10}(?:[x×,]\d{1,10})*)", text)
    if match is None:
        raise UsageError(f"'{text}' is no size of an input.", "Write it like image=1x3x224x224.")
    return match[1], [int(size) for size in re.split("[x×,]", match[2])]


def code(options: Namespace) -> int:
    """Print a network's source or write it to a file."""
    from netbuilder.compiler.build import network_source
    from netbuilder.engine.trained import choose_network
    from netbuilder.storage import atomic, code_files

    document = trusting.load(options.file, options)
    with trusting.quiet():
        text = network_source(document, choose_network(document, options.network)).text
    if options.output:
        path = Path(options.output)
        code_files.write_beside(document.project, path.absolute().parent, path)
        atomic.write(options.output, text.encode())
    if options.json:
        output.answer({"path": options.output, "code": text})
    elif options.output:
        print(options.output)
    else:
        sys.stdout.write(text)
    return output.DONE


def load(path: str) -> Document:
    """The project in a file; `DocumentError` if it can't be read."""
    from netbuilder.storage import files

    return files.load(path)
